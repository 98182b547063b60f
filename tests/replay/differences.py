"""Why a call here may differ from the same call to Comedian Mail: one rule for each entry of docs/differences.md.

A rule looks at the first place where the two calls part. It says by which entry they do, and either where they meet
again (how many prompts to pass over on each side) or that from there on they are two different calls.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Heard:
    """A prompt or sound as heard: when, its name (`<…>` for a mailbox's sound), its length, and where a key cut it."""

    at: float
    name: str
    length: float
    cut: float | None = None

    @property
    def is_sound(self) -> bool:
        """Whether it is a message, a greeting or a recorded name."""
        return self.name.startswith("<")


@dataclass
class State:
    """Mailboxes afterwards: (box, folder) to (caller, seconds, urgent) in order; greetings there are; PINs that open."""

    folders: dict[tuple[str, str], tuple] = field(default_factory=dict)
    greetings: set[tuple[str, str]] = field(default_factory=set)
    pins: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Place:
    """Where the two calls part."""

    trace: object
    theirs: list[Heard]
    ours: list[Heard]
    i: int
    j: int

    def their(self, ahead: int = 0) -> str:
        """Their prompt here, or so many further on."""
        return self.theirs[self.i + ahead].name if 0 <= self.i + ahead < len(self.theirs) else ""

    def our(self, ahead: int = 0) -> str:
        """Our prompt here, or so many further on."""
        return self.ours[self.j + ahead].name if 0 <= self.j + ahead < len(self.ours) else ""


@dataclass(frozen=True)
class Found:
    """By which entry they differ; pass over so many prompts on each side, or `ends`: two different calls from here."""

    entry: str
    theirs: int = 0
    ours: int = 0
    ends: bool = False


def explain(place: Place) -> Found | None:
    """The first rule that explains it."""
    for rule in RULES:
        found = rule(place)
        if found is not None and (found.theirs or found.ours or found.ends):
            return found
    return None


def explain_state(trace, wanted: State, after: State, entries: list[str]) -> str | None:
    """The entry by which the mailboxes differ afterwards."""
    for rule in STATE_RULES:
        entry = rule(trace, wanted, after, entries)
        if entry is not None:
            return entry
    return None


FOLDER_PROMPTS = {"vm-INBOX", "vm-Old", "vm-Work", "vm-Family", "vm-Friends", "vm-Urgent"} | {
    f"vm-Cust{n}" for n in range(1, 6)
}
DATE_WORDS = ("digits/",)


def _while(heard: list[Heard], start: int, names) -> int:
    """How many prompts from there on are of these names (a set, or the beginnings of names)."""
    n = 0
    while start + n < len(heard):
        name = heard[start + n].name
        if not (name.startswith(names) if isinstance(names, tuple) else name in names):
            break
        n += 1
    return n


def _is_french(place: Place) -> bool:
    return place.trace.language.lower().startswith("fr")


def no_messages(place: Place) -> Found | None:
    """Say it in French: "vous avez aucun messages" is not French: "aucun message"."""
    if place.their() == "vm-youhave" and place.their(1) == "vm-no" and place.our() == "vm-no":
        theirs = 2 + _while(place.theirs, place.i + 2, FOLDER_PROMPTS | {"vm-messages"})
        ours = _while(place.ours, place.j, FOLDER_PROMPTS | {"vm-no", "vm-message", "vm-savedto"})
        urgent = any(h.name == "vm-Urgent" for h in place.theirs[place.i : place.i + theirs])
        return Found("empty-urgent" if urgent else "aucun-message", theirs, ours)
    return None


def empty_urgent(place: Place) -> Found | None:
    """An empty mailbox is announced as having no new messages, not no urgent ones."""
    if place.their() == "vm-Urgent" and place.our() == "vm-INBOX" and place.their(-1) == "vm-no":
        return Found("empty-urgent", 1, 1)
    return None


def dates(place: Place) -> Found | None:
    """Dates and times are said as one says them in French: 24-hour clock, day before month, "premier"."""
    back = 1
    while place.their(-back).startswith("digits/"):
        back += 1
    if place.their(-back) != "vm-received" or not _is_french(place):
        return None
    theirs = _while(place.theirs, place.i, ("digits/",))
    ours = _while(place.ours, place.j, ("digits/",))
    return Found("french-dates", theirs, ours) if theirs or ours else None


INTRO = FOLDER_PROMPTS | {"vm-and", "vm-message", "vm-messages"}


def _in_intro(place: Place) -> bool:
    """Whether the place is in "you have N new and M old messages"."""
    back = 1
    while place.their(-back) in INTRO or place.their(-back).startswith("digits/"):
        back += 1
    return place.their(-back) == "vm-youhave"


def _count_words(heard: list[Heard], start: int) -> int:
    n = 0
    while start + n < len(heard) and (heard[start + n].name in INTRO or heard[start + n].name.startswith("digits/")):
        n += 1
    return n


def urgent_counts(place: Place) -> Found | None:
    """French announces urgent messages too."""
    has_urgent = any(m.folder == "Urgent" for m in place.trace.before.messages)
    if _is_french(place) and has_urgent and _in_intro(place):
        return Found("urgent-french", _count_words(place.theirs, place.i), _count_words(place.ours, place.j))
    return None


def urgent_in_inbox(place: Place) -> Found | None:
    """A forwarded urgent message is urgent: announced, and played, first."""
    flagged = any(m.folder == "INBOX" and m.fields.get("flag") == "Urgent" for m in place.trace.before.messages)
    if flagged and (_in_intro(place) or "vm-Urgent" in {place.our(), place.our(1)}):
        return Found("urgent-forward", ends=True)
    return None


def urgent_back(place: Place) -> Found | None:
    """4 from New to urgent messages is offered when one is still there, and plays the last."""
    has_urgent = any(m.folder == "Urgent" for m in place.trace.before.messages)
    if has_urgent and place.their() == "vm-prev" and place.trace.options.get("moveheard") != "no":
        return Found("urgent-back", 1, 0)
    back = any(mark == ">" and "4" in keys for _, mark, keys in place.trace.marks)
    if has_urgent and back and {place.their(), place.our()} & {"vm-first", "vm-last", "vm-nomore"}:
        return Found("urgent-back", ends=True)
    if (
        has_urgent
        and place.trace.options.get("nextaftercmd") == "yes"
        and "vm-deleted" in {h.name for h in place.theirs}
    ):
        return Found("urgent-back", ends=True)
    return None


def folder_names(place: Place) -> Found | None:
    """In French a folder with a name is its name alone: "travail", "famille"."""
    named = FOLDER_PROMPTS - {"vm-INBOX", "vm-Old", "vm-Urgent"}
    if _is_french(place) and place.their() == "vm-messages" and place.their(-1) in named and place.our(-1) in named:
        return Found("folder-names", 1, 0)
    return None


def to_listen(place: Place) -> Found | None:
    """In French 1 is "pour écouter vos nouveaux messages", "vos messages conservés dans travail", at the first too."""
    back = 0 if {place.their(-1), place.our(-1)} == {"vm-onefor-full"} else 1
    if not _is_french(place) or (back and (place.their(), place.our()) != ("vm-onefor", "vm-onefor-full")):
        return None
    words = FOLDER_PROMPTS | {"vm-messages", "vm-savedto"}
    theirs = back + _while(place.theirs, place.i + back, words)
    return Found("one-for-french", theirs, back + _while(place.ours, place.j + back, words))


def sender(place: Place) -> Found | None:
    """In English a message is "from 5 1 4…", not "message from phone number 5 1 4…"."""
    theirs = {"vm-from-phonenumber", "vm-from-extension"}
    if place.their() in theirs and place.our() == "vm-from" and not _is_french(place):
        return Found("from-english", 1, 1 + (place.our(1) == "dir-multi3"))
    return None


def new_pin_again(place: Place) -> Found | None:
    """After a new PIN that won't do the next is asked for at once."""
    refused = {place.their(-1), place.our(-1)} & {"vm-mismatch", "vm-invalid-password"}
    asked = refused and place.our() in {"vm-newpassword", "vm-reenterpassword"}
    return Found("new-pin-again", ends=True) if asked else None


def not_allowed(place: Place) -> Found | None:
    """What is not allowed is said not to be offered, not to be misunderstood."""
    return (
        Found("not-allowed", 1, 1) if (place.their(), place.our()) == ("vm-sorry", "feature-not-avail-line") else None
    )


def waiting_keeps(place: Place) -> Found | None:
    """Who stays on the line for the operator keeps what was recorded."""
    kept = place.their() == "vm-deleted" and place.our() == "vm-msgsaved" and place.our(-1) == "vm-saveoper"
    return Found("operator-wait", ends=True) if kept else None


def urgent_word_order(place: Place) -> Found | None:
    """In French the adjective follows: "premier message urgent", "messages urgents"."""
    pairs = {("vm-Urgent", "vm-message"), ("vm-Urgent", "vm-messages")}
    if not _is_french(place) or (place.their(), place.our()) not in pairs:
        return None
    theirs = _while(place.theirs, place.i, {"vm-Urgent", "vm-message", "vm-messages"})
    ours = _while(place.ours, place.j, {"vm-Urgent", "vm-message", "vm-messages"})
    return Found("urgent-french", theirs, ours)


def mailbox_full(place: Place) -> Found | None:
    """A full mailbox is said to be full before the greeting."""
    if place.our() == "vm-mailboxfull" and any(h.name == "vm-mailboxfull" for h in place.theirs[place.i :]):
        return Found("full-first", ends=True)
    return None


def first_of_several_unknown(place: Place) -> Found | None:
    """A message to several is taken though the first of them does not exist."""
    others = place.their() == "" and not place.theirs and "&" in place.trace.args
    return Found("first-unknown", ends=True) if others and place.our() == "vm-theperson" else None


def too_short(place: Place) -> Found | None:
    """A message that is too short, or silence, is said to be so and may be recorded again."""
    if place.our() == "vm-tooshort":
        return Found("too-short", ends=True)
    return None


def caller_without_number(place: Place) -> Found | None:
    """A caller whose number is no number is an unknown caller."""
    if place.their() == "vm-from-phonenumber" and place.our() == "vm-unknown-caller":
        return Found("caller-text", 1, 1)
    return None


def caller_names(place: Place) -> Found | None:
    """A colleague's name is the one recorded in the colleague's own mailbox; no recordings by telephone number."""
    words = {"vm-from", "vm-from-extension", "vm-from-phonenumber"}
    if place.their() in words and place.our() in words:
        options = place.trace.options
        sounds = [h.name for h in place.theirs[place.i : place.i + 2]]
        if "cidinternalcontexts" in options or any("callerids" in name for name in sounds):
            theirs = 1 + _name_or_digits(place.theirs, place.i + 1)
            return Found("caller-names", theirs, 1 + _name_or_digits(place.ours, place.j + 1))
    return None


def _name_or_digits(heard: list[Heard], start: int) -> int:
    digits = _while(heard, start, ("digits/",))
    return digits or int(start < len(heard) and heard[start].is_sound)


def durations(place: Place) -> Found | None:
    """One minute is "1 minute", less than one is told in seconds."""
    for back in range(4):
        if place.their(-back) == "vm-duration" or place.our(-back) == "vm-duration":
            words = ("digits/", "vm-minute", "minute", "second", "vm-duration")
            theirs, ours = _while(place.theirs, place.i, words), _while(place.ours, place.j, words)
            return Found("durations", theirs, ours) if theirs or ours else None
    return None


def forward_cancelled(place: Place) -> Found | None:
    """Cancelling a forward goes back to the message's menu, not to the long help."""
    if place.their() == "vm-onefor" and place.their(-1) == "vm-forwardoptions":
        return Found("forward-cancel", ends=True)
    recent = [h.name for h in place.theirs[max(0, place.i - 2) : place.i]]
    if place.their() == "vm-onefor" and "vm-starmain" in recent and "vm-forwardoptions" in recent:
        return Found("forward-cancel", ends=True)
    return None


def greeting_operator(place: Place) -> Found | None:
    """0 does nothing while a greeting is recorded."""
    recorded = {"vm-rec-unv", "vm-rec-busy", "vm-rec-name", "vm-rec-temp"}
    recent = {h.name for h in place.theirs[max(0, place.i - 3) : place.i]}
    return Found("operator-keep", ends=True) if place.their() == "vm-saveoper" and recent & recorded else None


def directory(place: Place) -> Found | None:
    """The directory takes first and last names, and as many keys as one likes."""
    recent = [h.name for h in place.theirs[max(0, place.i - 14) : place.i + 1]] + [place.our()]
    return Found("directory", ends=True) if any(name.startswith("dir-") for name in recent) else None


def category(place: Place) -> Found | None:
    """Messages have no category."""
    names = {m.fields.get("category", "") for m in place.trace.before.messages} - {""}
    return Found("category", 1, 0) if place.their() in names else None


def folder_after_options(place: Place) -> Found | None:
    """0 leaves the folder open that was open."""
    before = {h.name for h in place.theirs[: place.i]}
    folders = place.their() in FOLDER_PROMPTS and place.our() in FOLDER_PROMPTS
    return Found("options-keep-marks", ends=True) if "vm-options" in before and folders else None


def trash_by_phone(place: Place) -> Found | None:
    """7 in the advanced options opens the trash."""
    return Found("trash-by-phone", ends=True) if _advanced(place, "7") else None


def later_by_phone(place: Place) -> Found | None:
    """8 in the advanced options sends a message that arrives later, 0 tells which wait."""
    return Found("later-by-phone", ends=True) if _advanced(place, "8") or _advanced(place, "0") else None


def notices_by_phone(place: Place) -> Found | None:
    """7 in the mailbox options stops the notices."""
    return Found("notices-by-phone", ends=True) if _pressed(place, "7", {"vm-options"}) else None


def receipt_by_phone(place: Place) -> Found | None:
    """5 in the review of what is sent, and where one chooses how to forward, asks for a receipt."""
    return Found("receipt-by-phone", ends=True) if _pressed(place, "5", {"vm-review", "vm-forwardoptions"}) else None


def _advanced(place: Place, key: str) -> bool:
    """Whether that key was pressed just now in the advanced options."""
    return _pressed(place, key, {"vm-toreply", "vm-tohearenv", "vm-tomakecall", "vm-leavemsg", "vm-starmain"})


def _pressed(place: Place, key: str, menu: set[str]) -> bool:
    """Whether that key was pressed just now, when one of these prompts of a menu had been said."""
    recent = {h.name for h in place.theirs[max(0, place.i - 6) : place.i]}
    pressed = any(mark == ">" and keys.startswith(key) for _, mark, keys in place.trace.marks)
    return bool(recent & menu) and pressed and _key_near(place, 1.0)


def dialled_hash(place: Place) -> Found | None:
    """# never is part of a number to dial."""
    asked = [h.name for h in place.theirs[max(0, place.i - 3) : place.i]]
    return Found("dialout-hash", ends=True) if "vm-star-cancel" in asked and "d:#" in place.trace.script else None


def endless_callback(place: Place) -> Found | None:
    """The call-back menu is said four times at most."""
    rounds = sum(1 for h in place.ours[: place.j] if h.name == "vm-tocallnum")
    return Found("callback-endless", ends=True) if rounds >= 4 else None


def operator_offered(place: Place) -> Found | None:
    """0 is offered only where there is an operator to reach."""
    if place.trace.extension.endswith("-noao") and place.their() in {"vm-reachoper", "vm-saveoper"}:
        return Found("operator-offered", ends=True)
    return None


def application_options(place: Place) -> Found | None:
    """Options of the Asterisk application that only make sense in its dialplan: d(), t(), P, and no arguments at all."""
    flags = place.trace.args.rpartition(",")[2].rstrip(")")
    theirs = {"vm": "dtPeg", "vmm": "pg"}.get(place.trace.extension.partition("@")[0], "")
    if set(flags.partition("a(")[0]) & set(theirs):
        return Found("application-options", ends=True)
    return None


def which_box(place: Place) -> Found | None:
    """A caller who had to say which mailbox hears the tone as everybody does."""
    if place.our() == "beep" and any(h.name == "vm-whichbox" for h in place.ours):
        return Found("which-mailbox", 0, 1)
    return None


def unknown_mailbox(place: Place) -> Found | None:
    """Leaving for a mailbox that isn't there: said, not silence."""
    return Found("unknown-mailbox", ends=True) if place.our() == "ss-noservice" else None


def star_at_login(place: Place) -> Found | None:
    """* at the log-in has no extension `a` to go to; * in a greeting is the owner of that mailbox."""
    star = any(mark == "@" and words.startswith("a@") for _, mark, words in place.trace.marks)
    owner = place.our() == "vm-password" and "d:*" in place.trace.script.split()
    return Found("star-at-login", ends=True) if star or owner else None


def locked_pin(place: Place) -> Found | None:
    """A PIN that may not be changed: said to be so, not by the single word "no"."""
    if place.their() == "vm-no" and place.our() == "feature-not-avail-line":
        return Found("locked-pin", ends=True)
    return None


def no_number(place: Place) -> Found | None:
    """Nobody to log in as: goodbye, not silence."""
    if place.our() == "vm-goodbye" and place.i >= len(place.theirs) and place.trace.extension.startswith("*98"):
        return Found("no-number", 0, 1)
    return None


def empty_pin(place: Place) -> Found | None:
    """Silence or # is no PIN."""
    if place.our() == "vm-invalid-password" and place.their(-1) == "vm-newpassword":
        return Found("empty-pin", ends=True)
    return None


def extern_scripts(place: Place) -> Found | None:
    """No shell scripts decide about PINs; the rules are settings."""
    return Found("extern-scripts", ends=True) if "externpasscheck" in place.trace.options else None


def fifth_recipient(place: Place) -> Found | None:
    """The fifth attempt at a recipient is an attempt like the others."""
    asked = sum(1 for h in place.theirs[: place.i] if h.name == "pbx-invalid")
    return Found("fifth-recipient", ends=True) if asked >= 4 and place.our() == "vm-extension" else None


def fourth_round(place: Place) -> Found | None:
    """A digit in the fourth round of the folder list counts."""
    names = [h.name for h in place.theirs[: place.i]]
    asked = [n for n, name in enumerate(names) if name in {"vm-changeto", "vm-savefolder"}]
    rounds = names[asked[-1] :].count("vm-tocancel") if asked else 0
    return Found("fourth-round", ends=True) if rounds >= 3 and _key_near(place, 12.0) else None


def hash_in_name(place: Place) -> Found | None:
    """# while a recipient's name is said cuts it short, and does not end the call."""
    if place.our() in {"vm-forwardoptions", "vm-intro"} and place.their() in {"vm-goodbye", "vm-onefor", "vm-opts"}:
        return Found("hash-in-name", ends=True)
    return None


THROWN = {
    "vm-tempgreetactive",
    "vm-newuser",
    "vm-tempremoved",
    "vm-goodbye",
    "vm-nobox",
    "vm-from-phonenumber",
    "vm-from",
    "vm-from-extension",
    "vm-duration",
    "vm-onefor-full",
    "vm-opts-full",
    "vm-first",
    "vm-dialout",
    "transfer",
}
DEAF = {
    "beep",
    "auth-thankyou",
    "vm-msgsaved",
    "vm-incorrect",
    "vm-mailboxfull",
    "vm-pls-try-again",
    "vm-then-pound",
    "pbx-invalid",
}


def keys_kept(place: Place) -> Found | None:
    """No key is swallowed: prompts that were deaf, or threw the key away, keep it for what comes next."""
    for step in (0, 1, 2):
        if place.our(-step) and _cut_here(place, step) and not _cut_there(place, step):
            return Found("keys-kept", ends=True)
    here = {h.name for h in place.theirs[max(0, place.i - 2) : place.i + 1]}
    return Found("keys-kept", ends=True) if here & (THROWN | DEAF) and _key_near(place) else None


def _cut_here(place: Place, step: int) -> bool:
    at = place.j - step
    return 0 <= at < len(place.ours) and place.ours[at].cut is not None and place.ours[at].name in THROWN | DEAF


def _cut_there(place: Place, step: int) -> bool:
    at = place.i - step
    return 0 <= at < len(place.theirs) and place.theirs[at].cut is not None


def _key_near(place: Place, before_s: float = 0.0) -> bool:
    """Whether a key was pressed, there, while what parts them was played (or so many seconds before)."""
    if not 0 < place.i <= len(place.theirs):
        return False
    start = place.theirs[max(0, place.i - 2)].at - before_s
    end = place.theirs[min(place.i, len(place.theirs) - 1)].at + 0.5
    return any(mark == ">" and start <= at <= end for at, mark, _ in place.trace.marks)


def key_in_envelope(place: Place) -> Found | None:
    """A key pressed while 3 3 tells when a message came acts in what comes next."""
    recent = {h.name for h in place.theirs[max(0, place.i - 3) : place.i]}
    return Found("keys-kept", ends=True) if {"vm-toreply", "vm-received"} <= recent and _key_near(place) else None


def autoplay_of_nothing(place: Place) -> Found | None:
    """An empty folder that should be played at once leads to the menu."""
    empty = "a(" in place.trace.args and any(h.name == "vm-no" for h in place.ours[: place.j])
    return Found("autoplay-empty", ends=True) if empty and place.their() == "vm-goodbye" else None


def not_yet_heard(place: Place) -> Found | None:
    """7, 8 and 9 act on a message only once it was announced."""
    acts = place.their() in {"vm-extension", "vm-savefolder", "vm-deleted"}
    heard = {h.name for h in place.theirs[: place.i]} & {"vm-received", "vm-first", "vm-last"}
    return Found("not-yet-heard", ends=True) if acts and not heard else None


def wrong_recipient(place: Place) -> Found | None:
    """Of several recipients the wrong one is said, not those before it."""
    ahead = [h.name for h in place.ours[place.j : place.j + 12]]
    before = [h.name for h in place.theirs[: place.i]]
    return Found("wrong-recipient", ends=True) if "pbx-invalid" in ahead and "vm-extension" in before else None


def silences_in_a_row(place: Place) -> Found | None:
    """Only silences in a row end a call."""
    over = place.their() == "vm-goodbye" and any(mark == ">" for _, mark, _ in place.trace.marks)
    return Found("silences", ends=True) if over and "w:" in place.trace.script and place.our() else None


def introduction_asked(place: Place) -> Found | None:
    """Before the tone of an introduction one is told what to do."""
    return Found("introduction-asked", 0, 1) if place.our() == "vm-record-prepend" else None


def temporary_once(place: Place) -> Found | None:
    """That a temporary greeting is in force is said once in the mailbox options."""
    said = any(h.name == "vm-tmpexists" for h in place.ours[: place.j])
    if said and not place.their() and place.our() == "vm-options":  # there the caller hung up when it was said again
        return Found("temporary-once", ends=True)
    return Found("temporary-once", 1, 0) if said and place.their() == "vm-tmpexists" else None


def temporary_star(place: Place) -> Found | None:
    """The way out of the temporary greeting's menu is said."""
    star = place.our() == "vm-star-cancel" and place.our(-1) == "vm-tempgreeting2"
    return Found("temporary-star", 0, 1) if star else None


def several_greetings(place: Place) -> Found | None:
    """0 6, which there is none of in Comedian Mail, is offered, and leads to the greetings by number."""
    if place.our() == "vm-greetings-key":
        return Found("several-greetings", 0, 1)
    return Found("several-greetings", ends=True) if place.our() == "vm-options-first" else None


def handled_key(place: Place) -> Found | None:
    """3 9 says who handles a message; without one there is nothing to handle, which is said."""
    without = place.their() == "vm-starmain" and place.our() == "vm-sorry" and place.our(-1) == "vm-starmain"
    handled = place.our() == "spy-agent" or (without and "9" in place.trace.script)
    return Found("handled-key", ends=True) if handled else None


def mail_key(place: Place) -> Found | None:
    """3 6 has the message mailed, or says that it can't be; without one there is nothing to mail, which is said."""
    pressed = place.our() in {"auth-thankyou", "feature-not-avail-line", "vm-sorry"} and "d:3 " in place.trace.script
    return Found("mail-key", ends=True) if pressed and " d:6 " in place.trace.script else None


def pause_keys(place: Place) -> Found | None:
    """In the pause keys that do nothing there make the message faster, slower or louder, and it goes on."""
    return Found("pause-keys", ends=True) if "~" in place.our() else None


def length_asked(place: Place) -> Found | None:
    """3 3 says how long the message is, too."""
    asked = place.our() == "vm-duration" and any(h.name == "vm-tohearenv" for h in place.ours[: place.j])
    return Found("length-asked", ends=True) if asked else None


def recipients_keys(place: Place) -> Found | None:
    """What comes between recipients and what ends them is said where they are asked for."""
    return Found("recipients-keys", 0, 1) if place.our() == "vm-separated" and place.our(-1) == "vm-extension" else None


def read_only(place: Place) -> Found | None:
    """A mailbox that is only read takes no key that would change it."""
    flags = place.trace.args.rpartition(",")[2].partition("a(")[0]
    reads = place.trace.extension.startswith("vmm") and "r" in flags
    return Found("read-only", 1, 0) if reads and place.their() == "vm-savemessage" else None


RULES: list = [
    introduction_asked,
    several_greetings,
    handled_key,
    mail_key,
    pause_keys,
    length_asked,
    recipients_keys,
    read_only,
    temporary_once,
    temporary_star,
    key_in_envelope,
    autoplay_of_nothing,
    not_yet_heard,
    star_at_login,
    no_messages,
    empty_urgent,
    dates,
    urgent_counts,
    urgent_word_order,
    to_listen,
    new_pin_again,
    not_allowed,
    waiting_keeps,
    urgent_in_inbox,
    folder_names,
    mailbox_full,
    first_of_several_unknown,
    too_short,
    caller_without_number,
    caller_names,
    sender,
    durations,
    forward_cancelled,
    operator_offered,
    greeting_operator,
    category,
    directory,
    folder_after_options,
    dialled_hash,
    trash_by_phone,
    later_by_phone,
    receipt_by_phone,
    notices_by_phone,
    endless_callback,
    application_options,
    which_box,
    unknown_mailbox,
    locked_pin,
    no_number,
    empty_pin,
    extern_scripts,
    fifth_recipient,
    fourth_round,
    hash_in_name,
    urgent_back,
    wrong_recipient,
    keys_kept,
    silences_in_a_row,
]


def silence_dropped(trace, wanted: State, after: State, entries: list[str]) -> str | None:
    """A message of silence only is not kept."""
    del entries
    never_spoke = "talk" not in trace.script.split()
    fewer = sum(map(len, after.folders.values())) < sum(map(len, wanted.folders.values()))
    return "silence-only" if never_spoke and fewer else None


def kept_marks(trace, wanted: State, after: State, entries: list[str]) -> str | None:
    """0 forgets nothing: what was heard goes to Old, what was deleted is deleted."""
    del wanted, after, entries
    return "options-keep-marks" if any(p.name == "vm-options" for p in trace.timeline) else None


def send_to_all(trace, wanted: State, after: State, entries: list[str]) -> str | None:
    """Everyone a message is sent to gets it."""
    del entries
    several = any(word.startswith("d:") and "*" in word[2:-1] for word in trace.script.split())
    more = sum(map(len, after.folders.values())) > sum(map(len, wanted.folders.values()))
    return "send-to-all" if several and more else None


def keys_in_recording(trace, wanted: State, after: State, entries: list[str]) -> str | None:
    """Keys that do nothing in a recording don't shorten it either."""
    del wanted, after, entries
    talking = trace.script.partition("talk")[2].partition("quiet")[0]
    return "keys-in-recording" if any(w.startswith("d:") and len(w) > 4 for w in talking.split()) else None


def delete_after_mail(trace, wanted: State, after: State, entries: list[str]) -> str | None:
    """A message is deleted once its mail was accepted, not because there is none."""
    del wanted, after, entries
    lines = ",".join(trace.mailboxes.values())
    return "delete-after-mail" if trace.options.get("delete") == "yes" or "delete=yes" in lines else None


def urgent_stays_urgent(trace, wanted: State, after: State, entries: list[str]) -> str | None:
    """A forwarded urgent message is urgent where it arrives, too."""
    del trace, after, entries
    flagged = any(one[2] for (_, folder), lie in wanted.folders.items() if folder == "INBOX" for one in lie)
    return "urgent-forward" if flagged else None


def saved_when_full(trace, wanted: State, after: State, entries: list[str]) -> str | None:
    """A folder that is full changes nothing: what was heard stays heard."""
    del wanted, after, entries
    names = [p.name for p in trace.timeline]
    full = any(a == "vm-mailboxfull" and "vm-savefolder" in names[:n] for n, a in enumerate(names))
    return "save-full" if full else None


def saved_once(trace, wanted: State, after: State, entries: list[str]) -> str | None:
    """Saving moves; taking it back moves back."""
    del entries
    names = {p.name for p in trace.timeline}
    fewer = sum(map(len, after.folders.values())) < sum(map(len, wanted.folders.values()))
    return "save-once" if {"vm-savedto", "vm-undeleted"} <= names and fewer else None


def preface_damage(trace, wanted: State, after: State, entries: list[str]) -> str | None:
    """A preface that ends by silence leaves the original as it is."""
    del wanted, after, entries
    names = {p.name for p in trace.timeline}
    return "forward-preface" if {"vm-forwardoptions", "vm-then-pound"} <= names else None


def introduction_kept(trace, wanted: State, after: State, entries: list[str]) -> str | None:
    """An introduction that was spoken is sent though its speaker hung up."""
    del entries
    more = sum(map(len, after.folders.values())) > sum(map(len, wanted.folders.values()))
    spoken = any(p.name == "vm-forwardoptions" for p in trace.timeline) and trace.script.split()[-1] == "hang"
    return "introduction-kept" if more and spoken else None


def stays_as_it_is(trace, wanted: State, after: State, entries: list[str]) -> str | None:
    """A mailbox that is only read is as it was: nothing heard goes to Old."""
    del wanted, after, entries
    reads = trace.extension.startswith("vmm") and "r" in trace.args.rpartition(",")[2].partition("a(")[0]
    return "read-only" if reads else None


STATE_RULES: list = [
    stays_as_it_is,
    introduction_kept,
    keys_in_recording,
    delete_after_mail,
    urgent_stays_urgent,
    saved_when_full,
    saved_once,
    preface_damage,
    silence_dropped,
    send_to_all,
    kept_marks,
]
