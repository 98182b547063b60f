"""The book of calls: every key of the callers' guide as a telephone call, played on every kind of line.

A call is who rings what, the mailboxes as they are before, what the caller does (the script language of
support.script), what must be heard in this order (other prompts may come between), and what lies where afterwards.
The same book is played on the simulated node and on a real FreeSWITCH.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class Msg:
    """A message that is there already: caller, seconds, folder, mark."""

    caller: str = "1002"
    seconds: float = 3.0
    folder: str = "new"
    urgent: bool = False
    name: str = "Bruno Petit"


@dataclass(frozen=True)
class Box:
    """A mailbox that is there already."""

    number: str = "1001"
    name: str = "Alice Martin"
    pin: str = "4821"
    language: str = ""
    messages: tuple[Msg, ...] = ()
    greetings: tuple[str, ...] = ()
    options: dict[str, str] = field(default_factory=dict)
    pin_initial: bool = False
    email: str = ""
    aliases: str = ""
    owners: tuple[tuple[str, str], ...] = ()
    copies: str = ""
    receipts: tuple[str, ...] = ()


@dataclass(frozen=True)
class PhoneCall:
    """One call of the book.

    Args:
        name, tells: the test's name, and the story in a sentence.
        rings: the number dialled; `variables`: what the dialplan sets besides. caller: the number that rings.
        does: the caller's script. hears: prompts in order. never: prompts that must not come.
        boxes: mailboxes before. lists: distribution lists, number to members. after: (box, folder) to number of messages. greetings: of 1001, afterwards.
        status: what the dialplan is told; `` = the caller hung up first. sent_to: the extension the call goes on to.
        pin: what opens 1001 afterwards.
    """

    name: str
    tells: str
    rings: str
    does: str
    hears: str
    boxes: tuple[Box, ...] = (Box(),)
    lists: dict[str, tuple[str, ...]] = field(default_factory=dict)
    caller: str = "1001"
    variables: dict[str, str] = field(default_factory=dict)
    never: str = ""
    after: dict[tuple[str, str], int] = field(default_factory=dict)
    greetings: tuple[str, ...] | None = None
    status: str = "SUCCESS"
    sent_to: str = ""
    pin: str = ""
    language: str = "fr"


OWN = "*97"
IN = "w:vm-password d:4821# "
ONE, TWO, THREE = (Msg(),), (Msg(), Msg("0612345678", 4.0, name="Zoé")), (Msg(), Msg(seconds=4.0), Msg(seconds=2.0))
SHARED = Box(owners=(("Bruno Petit", "8305"), ("Carla Grand", "7392")), messages=ONE)
BRUNO = Box("1002", "Bruno Petit", "7319")
CARLA = Box("1003", "Carla Grand", "7319")
LEAVE = {"vm_action": "leave"}
MOBILE = "5145550100"
NOTICE = {"vm_action": "notice", "vm_mailbox": "1001", "vm_notice": MOBILE}
RECORD = "w:beep talk s:3 d:# quiet w:vm-review "

CALLS = [
    # -- Boite vocale: *97, *98, PIN -------------------------------------------------------------------------------
    PhoneCall(
        "own_mailbox_with_its_pin",
        "*97 and the PIN lead to the counts and the main menu; # leaves",
        OWN,
        IN + "w:vm-helpexit d:# end:15",
        "vm-password vm-no vm-message vm-opts vm-helpexit vm-goodbye",
    ),
    PhoneCall(
        "everything_dialled_ahead",
        "1234, 0, 5 dialled at full speed all count: the new PIN is asked at once",
        OWN,
        "w:vm-password d:4821#05 w:vm-newpassword d:8362# w:vm-reenterpassword d:8362# w:vm-passchanged hang",
        "vm-password vm-newpassword vm-reenterpassword vm-passchanged",
        status="",
        pin="8362",
    ),
    PhoneCall(
        "no_pin_none_asked",
        "a mailbox without a PIN lets its owner in at once",
        OWN,
        "w:vm-opts d:# end:15",
        "vm-no vm-opts vm-goodbye",
        boxes=(Box(pin=""),),
        never="vm-password",
    ),
    *(
        PhoneCall(
            f"the_pin_alone_is_checked_{language}",
            "vm_action=auth: after a wrong PIN the right one hands the call back to the dialplan, without a word more",
            "door",
            "w:vm-password d:1111# w:vm-incorrect w:vm-password d:4821# end:10",
            "vm-password vm-incorrect vm-password",
            boxes=(Box(language=language),),
            caller="0612345678",
            variables={"vm_action": "auth", "vm_mailbox": "1001", "vm_language": language},
            never="vm-opts vm-goodbye vm-youhave",
            language=language,
        )
        for language in ("fr", "en")
    ),
    PhoneCall(
        "mailbox_and_pin_are_checked",
        "vm_action=auth without vm_mailbox: both are asked",
        "door",
        "w:vm-login d:1001# w:vm-password d:4821# end:10",
        "vm-login vm-password",
        caller="0612345678",
        variables={"vm_action": "auth"},
        never="vm-opts vm-goodbye",
    ),
    PhoneCall(
        "a_pin_that_stays_wrong_is_no_pin",
        "vm_action=auth: three wrong PINs; the dialplan is told FAILED",
        "door",
        "w:vm-password d:1111# w:vm-password d:2222# w:vm-password d:3333# end:15",
        "vm-password vm-incorrect vm-password vm-incorrect vm-password vm-incorrect vm-goodbye",
        caller="0612345678",
        variables={"vm_action": "auth", "vm_mailbox": "1001"},
        status="FAILED",
    ),
    PhoneCall(
        "wrong_pin_then_the_right_one",
        "a wrong PIN is said to be wrong and asked again",
        OWN,
        "w:vm-password d:1111# w:vm-incorrect w:vm-password d:4821# w:vm-opts d:# end:15",
        "vm-password vm-incorrect vm-password vm-no vm-goodbye",
    ),
    PhoneCall(
        "three_wrong_pins_end_the_call",
        "three attempts, then goodbye; the dialplan is told that it failed",
        OWN,
        "w:vm-password d:1111# w:vm-password d:2222# w:vm-password d:3333# end:25",
        "vm-password vm-incorrect vm-password vm-incorrect vm-password vm-incorrect vm-goodbye",
        never="vm-youhave",
        status="FAILED",
    ),
    *(
        PhoneCall(
            f"one_of_several_owners{told}",
            "each owner of a shared mailbox logs in with a PIN of his own, and changes only that; another owner's is refused",
            OWN,
            "w:vm-password d:8305# w:vm-opts d:0 w:vm-options d:5 w:vm-newpassword d:7392# w:vm-invalid-password w:vm-newpassword "
            "d:6028# w:vm-reenterpassword d:6028# w:vm-passchanged w:vm-options d:* w:vm-opts d:# end:20",
            "vm-password vm-opts vm-options vm-newpassword vm-invalid-password vm-newpassword vm-reenterpassword "
            "vm-passchanged vm-options vm-opts vm-goodbye",
            boxes=(replace(SHARED, language=language),),
            pin="4821",
            language=language or "fr",
        )
        for told, language in (("", ""), ("_in_english", "en"))
    ),
    *(
        PhoneCall(
            f"an_owner_handles_a_message{told}",
            "3 9 in a shared mailbox names the owner whose PIN it was; on another telephone than its own too",
            "*98",
            "w:vm-login d:1001# w:vm-password d:7392# w:vm-opts d:1 w:vm-delete d:3 w:vm-starmain d:9 w:spy-agent w:vm-delete d:# end:20",
            "vm-login vm-password <sound> vm-starmain spy-agent vm-extension digits/1 vm-delete vm-goodbye",
            boxes=(replace(SHARED, language=language),),
            caller="0612345678",
            after={("1001", "old"): 1},
            language=language or "fr",
        )
        for told, language in (("", ""), ("_in_english", "en"))
    ),
    *(
        PhoneCall(
            f"a_message_that_is_copied{told}",
            "a message left for a mailbox with standing copies is found in the colleague's too",
            "1001",
            ("w:vm-theperson " if not language else "") + RECORD + "d:1 w:vm-msgsaved end:15",
            "beep vm-msgsaved",
            boxes=(Box(copies="1002", language=language), replace(BRUNO, copies="1001")),
            caller="0612345678",
            variables=LEAVE,
            after={("1001", "new"): 1, ("1002", "new"): 1},
            language=language or "fr",
        )
        for told, language in (("", ""), ("_in_english", "en"))
    ),
    *(
        PhoneCall(
            f"a_key_that_watches_a_mailbox{told}",
            "a colleague presses the key that shows a mailbox's lamp: its PIN is asked, and it opens",
            "voicemail+1001",
            "w:vm-password d:1111# w:vm-incorrect w:vm-password d:4821# w:vm-opts d:# end:20",
            "vm-password vm-incorrect vm-password vm-opts vm-goodbye",
            boxes=(Box(language=language), BRUNO),
            caller="1002",
            variables={"vm_action": "login", "vm_mailbox": "1001"},
            never="vm-login",
            language=language or "fr",
        )
        for told, language in (("", ""), ("_in_english", "en"))
    ),
    PhoneCall(
        "another_phone",
        "*98 asks for the mailbox, then for its PIN",
        "*98",
        "w:vm-login d:1001# w:vm-password d:4821# w:vm-opts d:# end:15",
        "vm-login vm-password vm-no vm-goodbye",
        caller="0612345678",
    ),
    PhoneCall(
        "another_phone_unknown_mailbox",
        "an unknown mailbox is not given away: the PIN is asked all the same, then both again",
        "*98",
        "w:vm-login d:7777# w:vm-password d:1234# w:vm-incorrect-mailbox d:1001# w:vm-password d:4821# w:vm-opts d:# end:20",
        "vm-login vm-password vm-incorrect-mailbox vm-password vm-no vm-goodbye",
        caller="0612345678",
    ),
    PhoneCall(
        "trusted_phone_without_pin",
        "vm_skip_pin lets a trusted phone in",
        OWN,
        "w:vm-opts d:# end:15",
        "vm-no vm-goodbye",
        variables={"vm_skip_pin": "true"},
        never="vm-password",
    ),
    PhoneCall(
        "main_menu_silence",
        "three times no answer: goodbye",
        OWN,
        IN + "w:vm-opts end:90",
        "vm-opts vm-helpexit vm-opts vm-helpexit vm-opts vm-helpexit vm-goodbye",
    ),
    # -- 1 Écouter, and the keys after and during a message ------------------------------------------------------------
    PhoneCall(
        "listen_to_two_messages",
        "1 plays the first with its envelope, 6 the next; both lie in Old afterwards",
        OWN,
        IN + "w:vm-opts d:1 w:vm-repeat d:6 w:vm-repeat d:# end:15",
        "vm-youhave digits/2 vm-INBOX vm-messages vm-onefor-full vm-opts vm-first vm-message vm-received vm-from-phonenumber "
        "<sound> vm-advopts vm-repeat vm-last vm-message vm-received <sound> vm-prev vm-advopts vm-goodbye",
        boxes=(Box(messages=TWO, options={"brief": "no"}),),
        after={("1001", "new"): 0, ("1001", "old"): 2},
    ),
    PhoneCall(
        "hang_up_while_listening",
        "hanging up in a message moves it to Old as well",
        OWN,
        IN + "w:vm-opts d:1 w:<sound> s:1 hang",
        "vm-first <sound>",
        boxes=(Box(messages=TWO),),
        after={("1001", "new"): 1, ("1001", "old"): 1},
        status="",
    ),
    PhoneCall(
        "skip_the_envelope",
        "1 in the envelope goes straight to the message",
        OWN,
        IN + "w:vm-opts d:1 w:vm-from d:1 w:<sound> s:1 hang",
        "vm-from <sound>",
        boxes=(Box(messages=(Msg("5145550180"),)),),
        never="digits/5 digits/at",
        status="",
    ),
    PhoneCall(
        "previous_and_repeat",
        "4 goes back, 5 plays the same again",
        OWN,
        IN + "w:vm-opts d:1 w:vm-repeat d:6 w:vm-repeat d:4 w:vm-repeat d:5 w:vm-repeat d:# end:15",
        "vm-first <sound> vm-last <sound> vm-first <sound> vm-first <sound> vm-goodbye",
        boxes=(Box(messages=TWO),),
    ),
    PhoneCall(
        "no_more_messages",
        "6 on the last and 4 on the first say that there are no more",
        OWN,
        IN + "w:vm-opts d:1 w:vm-repeat d:6 w:vm-nomore d:4 w:vm-nomore d:# end:15",
        "<sound> vm-nomore vm-nomore vm-goodbye",
        boxes=(Box(messages=ONE),),
    ),
    PhoneCall(
        "from_the_last_message_to_the_first",
        "messagewrap: 6 on the last message leads to the first, 4 on the first to the last",
        OWN,
        IN + "w:vm-opts d:1 w:vm-repeat d:6 w:vm-repeat d:6 w:vm-repeat d:4 w:vm-repeat d:7 w:vm-undelete d:# end:15",
        "<sound> vm-repeat <sound> vm-repeat <sound> vm-repeat <sound> vm-repeat vm-deleted vm-goodbye",
        boxes=(Box(messages=(Msg(), Msg()), options={"messagewrap": "yes"}),),
        never="vm-nomore",
        after={("1001", "old"): 1, ("1001", "trash"): 1},
    ),
    PhoneCall(
        "on_to_the_next_message_after_deleting",
        "nextaftercmd: 7 deletes and plays the next message",
        OWN,
        IN + "w:vm-opts d:1 w:vm-repeat d:7 w:<sound> w:vm-repeat d:# end:15",
        "<sound> vm-repeat vm-deleted <sound> vm-repeat vm-goodbye",
        boxes=(Box(messages=(Msg(), Msg()), options={"nextaftercmd": "yes"}),),
        after={("1001", "old"): 1, ("1001", "trash"): 1},
    ),
    PhoneCall(
        "delete_and_restore",
        "7 deletes, 7 again brings back",
        OWN,
        IN + "w:vm-opts d:1 w:vm-delete d:7 w:vm-undelete d:7 w:vm-delete d:# end:15",
        "<sound> vm-delete vm-deleted vm-undelete vm-undeleted vm-delete vm-goodbye",
        boxes=(Box(messages=ONE),),
        after={("1001", "old"): 1, ("1001", "trash"): 0},
    ),
    PhoneCall(
        "delete_then_hang_up",
        "what was said to be deleted is deleted, however the call ends",
        OWN,
        IN + "w:vm-opts d:1 w:vm-repeat d:7 w:vm-deleted hang",
        "<sound> vm-deleted",
        boxes=(Box(messages=TWO),),
        after={("1001", "new"): 1, ("1001", "old"): 0, ("1001", "trash"): 1},
        status="",
    ),
    PhoneCall(
        "ahead_back_pause_restart",
        "# jumps 3 s ahead, * back, 0 pauses until 0, 2 begins again",
        OWN,
        IN + "w:vm-opts d:1 w:<sound> s:1 d:# s:1 d:* s:1 d:0 s:3 d:0 s:1 d:2 w:vm-advopts d:# end:15",
        "<sound> vm-advopts vm-goodbye",
        boxes=(Box(messages=(Msg(seconds=12.0),)),),
    ),
    *(
        PhoneCall(
            f"faster_slower_and_louder_{language}",
            "in the pause # is faster, * slower, 2 louder, and it goes on at once: 20 s at twice their speed are over in 10",
            OWN,
            IN
            + "w:vm-opts d:1 w:<sound> s:0.2 d:0 s:1 d:# w:<sound> s:0.3 d:02 w:<sound> s:0.3 d:0# w:<sound> s:0.3 d:0# w:<sound> w:vm-delete@20 d:# end:15",
            "<sound> <sound> <sound> <sound> <sound> vm-delete vm-goodbye",
            boxes=(Box(language=language, messages=(Msg(seconds=20.0),)),),
            after={("1001", "old"): 1},
            language=language,
        )
        for language in ("fr", "en")
    ),
    *(
        PhoneCall(
            f"how_long_ago_a_message_came_{language}",
            "with envelope_ago it is said how long ago a message came: the first of these came an hour ago",
            OWN,
            IN + "w:vm-opts d:1 w:<sound> w:vm-minutes w:vm-delete d:# end:15",
            f"<sound> {said} vm-delete vm-goodbye",
            boxes=(Box(language=language, messages=ONE, options={"envelope_ago": "yes"}),),
            never="digits/at digits/oclock",
            after={("1001", "old"): 1},
            language=language,
        )
        for language, said in (("fr", "vm-ago digits/60 vm-minutes"), ("en", "digits/60 vm-minutes vm-Old"))
    ),
    PhoneCall(
        "ahead_past_the_end",
        "# with less than 3 s left: the message is over, it never jumps back",
        OWN,
        IN + "w:vm-opts d:1 w:<sound> s:3 d:# w:vm-delete@6 d:# end:15",
        "<sound> vm-delete vm-goodbye",
        boxes=(Box(messages=(Msg(seconds=4.5),)),),
        after={("1001", "old"): 1},
    ),
    PhoneCall(
        "a_key_in_the_message_acts_at_once",
        "7 while a message plays deletes it at once",
        OWN,
        IN + "w:vm-opts d:1 w:<sound> s:1 d:7 w:vm-deleted d:# end:15",
        "<sound> vm-deleted vm-goodbye",
        boxes=(Box(messages=(Msg(seconds=8.0),)),),
        after={("1001", "trash"): 1},
    ),
    PhoneCall(
        "help_before_and_after_a_message",
        "* says the menu again; after a message it says all there is",
        OWN,
        IN + "w:vm-opts d:* w:vm-opts d:1 w:vm-repeat d:* w:vm-opts-full d:# end:15",
        "vm-opts vm-onefor-full vm-opts <sound> vm-onefor-full vm-opts vm-onefor-full vm-opts-full vm-goodbye",
        boxes=(Box(messages=ONE, options={"brief": "no"}),),
    ),
    PhoneCall(
        "urgent_first",
        "urgent messages are announced first and played first, in French too",
        OWN,
        IN + "w:vm-opts d:1 w:vm-repeat d:6 w:vm-repeat d:# end:15",
        "vm-youhave vm-message vm-Urgent vm-and vm-INBOX vm-onefor-full vm-messages vm-Urgent vm-first vm-message vm-Urgent <sound> vm-first vm-message <sound>",
        boxes=(Box(messages=(Msg(), Msg("1003", 4.0, urgent=True)), options={"brief": "no"}),),
        after={("1001", "old"): 2},
    ),
    # -- What is wanted first ----------------------------------------------------------------------------------------
    PhoneCall(
        "what_opens_is_told_with_its_key",
        "1 is told with what it plays; the only message has no place; when it came is said behind it; then delete, next, save come first",
        OWN,
        IN + "w:vm-opts d:1 w:vm-helpexit d:# end:15",
        "vm-onefor digits/1 vm-INBOX vm-message vm-opts vm-from <sound> digits/at vm-delete vm-savemessage vm-repeat "
        "vm-toforward vm-advopts vm-helpexit vm-goodbye",
        boxes=(Box(messages=ONE),),
        never="vm-youhave vm-first vm-received",
    ),
    PhoneCall(
        "the_rest_is_told_behind_it",
        "urgent messages open; new and old ones are told of before the other keys",
        OWN,
        IN + "w:vm-helpexit d:# end:15",
        "vm-onefor digits/1 vm-message vm-Urgent vm-youhave digits/2 vm-INBOX vm-and digits/1 vm-Old vm-message vm-opts vm-goodbye",
        boxes=(Box(messages=(*TWO, Msg(urgent=True), Msg(folder="old"))),),
    ),
    PhoneCall(
        "a_menu_that_was_heard_is_said_in_short",
        "after the second message only what is wanted most; silence brings all of it",
        OWN,
        IN
        + "w:vm-opts d:1 w:vm-helpexit q:1 d:6 w:<sound> w:vm-savemessage w:vm-helpexit w:vm-repeat w:vm-prev d:# end:15",
        "<sound> vm-delete vm-next vm-savemessage vm-repeat vm-toforward vm-advopts vm-helpexit "
        "<sound> vm-delete vm-savemessage vm-helpexit vm-delete vm-savemessage vm-repeat vm-prev vm-goodbye",
        boxes=(Box(messages=TWO),),
    ),
    PhoneCall(
        "star_says_all_of_it",
        "* after a message says all there is, folders and options too",
        OWN,
        IN + "w:vm-opts d:1 w:vm-helpexit q:1 d:6 w:<sound> w:vm-helpexit d:* w:vm-prev w:vm-opts d:# end:15",
        "<sound> vm-helpexit <sound> vm-delete vm-savemessage vm-helpexit vm-delete vm-savemessage vm-repeat vm-toforward vm-prev "
        "vm-opts vm-goodbye",
        boxes=(Box(messages=TWO),),
    ),
    PhoneCall(
        "options_that_were_heard_are_not_said_again",
        "back from 0 4 the mailbox options are said in short; after silence in full",
        OWN,
        IN
        + "w:vm-opts d:0 w:vm-options q:1 d:4 w:vm-star-cancel d:* w:vm-starmain w:vm-options d:* w:vm-opts d:# end:20",
        "vm-options vm-tempgreeting2 vm-star-cancel vm-starmain vm-options vm-goodbye",
        boxes=(Box(greetings=("temporary",)),),
    ),
    PhoneCall(
        "help_tells_of_the_keys_while_a_message_plays",
        "* after a message: all that can be done with it, what 1 does, and the keys of the message itself",
        OWN,
        IN + "w:vm-opts d:1 w:<sound> w:vm-helpexit d:* w:vm-repeat w:vm-helpexit w:listen-keys d:# end:15",
        "<sound> vm-delete vm-delete vm-repeat vm-toforward vm-opts vm-helpexit vm-onefor-full listen-keys vm-goodbye",
        boxes=(Box(messages=ONE),),
    ),
    PhoneCall(
        "new_messages_are_played_at_once",
        "autoplay: the first new message right after the log-in, from whom behind it; a temporary greeting is reminded of",
        OWN,
        IN + "w:<sound> w:vm-delete d:# end:15",
        "vm-tempgreetactive vm-first vm-message <sound> vm-from digits/at vm-delete vm-goodbye",
        boxes=(Box(messages=TWO, greetings=("temporary",), options={"autoplay": "yes"}),),
        never="vm-opts vm-onefor",
    ),
    *(
        PhoneCall(
            f"the_newest_message_first_{language}",
            "newest_first: the second message, which is Zoé's, is the first; the other one follows",
            OWN,
            IN + "w:<sound> w:vm-repeat d:6 w:<sound> w:vm-repeat hang",
            "vm-first vm-message <sound> vm-from digits/0 digits/6 vm-last vm-message <sound> vm-from digits/1",
            boxes=(Box(language=language, messages=TWO, options={"newest_first": "yes", "autoplay": "yes"}),),
            language=language,
        )
        for language in ("fr", "en")
    ),
    PhoneCall(
        "autoplay_without_new_messages_is_the_menu",
        "autoplay: with nothing new the menu as always",
        OWN,
        IN + "w:vm-opts d:# end:15",
        "vm-no vm-message vm-opts vm-goodbye",
        boxes=(Box(options={"autoplay": "yes"}),),
    ),
    PhoneCall(
        "as_comedian_mail_asks_for_a_message",
        "brief=no: the long request, and the star in the review is no key",
        "1001",
        RECORD + "d:* w:vm-sorry w:vm-review d:1 end:20",
        "vm-theperson vm-isunavail vm-intro beep vm-review vm-sorry vm-review vm-msgsaved",
        caller="0612345678",
        variables=LEAVE,
        boxes=(Box(options={"brief": "no"}),),
        never="vm-intro-short",
        after={("1001", "new"): 1},
    ),
    # -- 2 Changer de dossier, 9 -----------------------------------------------------------------------------------------
    *(
        PhoneCall(
            f"save_in_folder_{key}",
            f"9 {key} saves the message in {folder}",
            OWN,
            IN + f"w:vm-opts d:1 w:vm-savemessage d:9 w:vm-savefolder d:{key} w:vm-savedto w:{prompt} q:0.5 d:# end:15",
            f"<sound> vm-savemessage vm-savefolder vm-message vm-savedto {prompt} vm-goodbye",
            boxes=(Box(messages=ONE),),
            after={("1001", folder): 1},
        )
        for key, folder, prompt in (
            ("0", "new", "vm-INBOX"),
            ("1", "old", "vm-Old"),
            ("2", "work", "vm-Work"),
            ("3", "family", "vm-Family"),
            ("4", "friends", "vm-Friends"),
        )
    ),
    PhoneCall(
        "save_taken_back_after_listening",
        "9 2, then 7: the message is back in New, still heard, and goes to Old when the owner leaves",
        OWN,
        IN + "w:vm-opts d:1 w:vm-savemessage d:9 w:vm-savefolder d:2 w:vm-undelete d:7 w:vm-delete d:# end:15",
        "<sound> vm-savemessage vm-savefolder vm-savedto vm-Work vm-undelete vm-undeleted vm-delete vm-goodbye",
        boxes=(Box(messages=ONE),),
        after={("1001", "new"): 0, ("1001", "work"): 0, ("1001", "old"): 1},
    ),
    PhoneCall(
        "save_taken_back_unheard",
        "7 in the envelope, then 7: it is back in New, and stays there unheard",
        OWN,
        IN + "w:vm-opts d:1 w:vm-from d:9 w:vm-savefolder d:2 w:vm-Work d:7 w:vm-undeleted w:vm-repeat d:# end:15",
        "vm-savefolder vm-savedto vm-Work vm-undeleted vm-goodbye",
        boxes=(Box(messages=ONE),),
        after={("1001", "new"): 1, ("1001", "work"): 0, ("1001", "old"): 0},
    ),
    PhoneCall(
        "save_into_a_full_folder",
        "9 into a folder that takes no more: told by what the folder holds, not that the mailbox is full; it stays where it was",
        OWN,
        IN + "w:vm-opts d:1 w:vm-from d:9 w:vm-savefolder d:2 w:im-sorry w:vm-Work w:vm-repeat d:# end:15",
        "vm-savefolder im-sorry vm-youhave digits/1 vm-message vm-savedto vm-Work vm-repeat vm-goodbye",
        boxes=(Box(messages=(Msg(), Msg(folder="work")), options={"maxmsg": "1"}),),
        never="vm-mailboxfull",
        after={("1001", "new"): 1, ("1001", "work"): 1},
    ),
    PhoneCall(
        "a_message_nobody_heard_of_yet_is_not_deleted",
        "7, 8 and 9 right after the log-in do nothing: no message was announced",
        OWN,
        IN + "w:vm-opts d:7 w:vm-opts d:9 w:vm-opts d:8 w:vm-opts d:# end:15",
        "vm-opts vm-opts vm-opts vm-opts vm-goodbye",
        boxes=(Box(messages=ONE),),
        never="vm-deleted vm-savefolder vm-extension",
        after={("1001", "new"): 1},
    ),
    PhoneCall(
        "when_it_came_is_said_behind_the_message",
        "from whom before it, when behind it; a key of the menu cuts that short, and 3 3 says all of it in full",
        OWN,
        IN + "w:vm-opts d:1 w:<sound> w:digits/at d:3 w:vm-starmain d:3 w:vm-received w:vm-repeat d:# end:15",
        "vm-from <sound> digits/at vm-starmain vm-received digits/today digits/at vm-repeat vm-goodbye",
        boxes=(Box(messages=ONE),),
    ),
    PhoneCall(
        "without_an_envelope_nothing_is_said_behind_the_message",
        "envelope=no: the menu follows the message at once",
        OWN,
        IN + "w:vm-opts d:1 w:<sound> w:vm-repeat d:# end:15",
        "vm-from <sound> vm-delete vm-goodbye",
        boxes=(Box(messages=ONE, options={"envelope": "no"}),),
        never="digits/at",
    ),
    PhoneCall(
        "hash_in_the_envelope_goes_on_to_the_message",
        "# skips the presentation, as 1 does, and does not leave",
        OWN,
        IN + "w:vm-opts d:1 w:vm-from d:# w:<sound> w:vm-repeat d:# end:15",
        "vm-from <sound> vm-repeat vm-goodbye",
        boxes=(Box(messages=ONE),),
        never="vm-from-extension",
    ),
    PhoneCall(
        "the_key_dialled_behind_the_recipients_counts",
        "8 1002# 2 at full speed: forwarded as it is, nothing is asked",
        OWN,
        IN + "w:vm-opts d:1 w:vm-repeat d:81002#2 w:vm-msgforwarded hang",
        "vm-msgforwarded",
        boxes=(Box(messages=ONE), BRUNO),
        never="vm-forwardoptions",
        status="",
        after={("1002", "new"): 1},
    ),
    PhoneCall(
        "the_key_pressed_in_an_envelope_counts",
        "6 while 3 3 tells when a message came: the next message",
        OWN,
        IN + "w:vm-opts d:1 w:vm-repeat d:3 w:vm-toreply d:3 w:vm-received d:6 w:vm-last hang",
        "vm-received vm-last",
        boxes=(Box(messages=TWO),),
        status="",
    ),
    PhoneCall(
        "an_introduction_is_sent_when_its_speaker_hangs_up",
        "8 1, spoken, hung up: the recipients were given, so they get it",
        OWN,
        IN + "w:vm-opts d:1 w:vm-repeat d:8 w:vm-extension d:1002# w:vm-forwardoptions d:1 w:beep talk s:3 hang",
        "vm-forwardoptions beep",
        boxes=(Box(messages=ONE), BRUNO),
        status="",
        after={("1002", "new"): 1},
    ),
    PhoneCall(
        "an_introduction_that_silence_ends_is_sent",
        "8 1 says what to do; who stops talking has spoken the introduction, and it goes with the message",
        OWN,
        IN
        + "w:vm-opts d:1 w:vm-repeat d:8 w:vm-extension d:1002# w:vm-forwardoptions d:1 w:beep talk s:3 quiet w:vm-msgforwarded hang",
        "vm-forwardoptions vm-record-prepend beep vm-msgforwarded",
        boxes=(Box(messages=ONE, options={"maxsilence": "4"}), BRUNO),
        never="vm-pls-try-again",
        status="",
        after={("1002", "new"): 1},
    ),
    PhoneCall(
        "an_introduction_without_a_word_is_asked_for_again",
        "8 1 and silence: nothing is sent, it is asked again; then as it is",
        OWN,
        IN
        + "w:vm-opts d:1 w:vm-repeat d:8 w:vm-extension d:1002# w:vm-forwardoptions d:1 w:beep w:vm-pls-try-again w:vm-forwardoptions d:2 w:vm-msgforwarded hang",
        "vm-record-prepend beep vm-pls-try-again vm-then-pound vm-msgforwarded",
        boxes=(Box(messages=ONE, options={"maxsilence": "4"}), BRUNO),
        status="",
        after={("1002", "new"): 1},
    ),
    PhoneCall(
        "a_key_cuts_the_request_for_an_introduction",
        "8 1, then #: the tone at once, and the # ends nothing",
        OWN,
        IN
        + "w:vm-opts d:1 w:vm-repeat d:8 w:vm-extension d:1002# w:vm-forwardoptions d:1 w:vm-record-prepend d:# w:beep@2 talk s:3 d:# w:vm-msgforwarded hang",
        "vm-record-prepend beep vm-msgforwarded",
        boxes=(Box(messages=ONE), BRUNO),
        status="",
        after={("1002", "new"): 1},
    ),
    PhoneCall(
        "a_wrong_recipient_is_named",
        "of 1002 and 9999 the second is said to be none",
        OWN,
        IN + "w:vm-opts d:3 w:vm-leavemsg d:5 w:vm-extension d:1002*9999# w:pbx-invalid hang",
        "vm-extension digits/9 digits/9 digits/9 digits/9 pbx-invalid",
        boxes=(Box(), BRUNO),
        never="<sound> digits/2",
        status="",
    ),
    PhoneCall(
        "new_has_its_urgent_messages_first",
        "2 1, then 2 0: the urgent message nobody heard is there",
        OWN,
        IN
        + "w:vm-opts d:2 w:vm-changeto d:1 w:vm-opts d:2 w:vm-changeto d:0 w:vm-opts d:1 w:<sound> w:vm-repeat d:# end:15",
        "vm-changeto vm-changeto vm-Urgent <sound> vm-goodbye",
        boxes=(Box(messages=(Msg(urgent=True), Msg(folder="old"))),),
        after={("1001", "new"): 0, ("1001", "old"): 2},
    ),
    PhoneCall(
        "four_goes_back_to_an_urgent_message_that_is_there",
        "with moveheard=no the urgent message stays in New after it was heard, and 4 leads back to it",
        OWN,
        IN
        + "w:vm-opts d:1 w:<sound> w:vm-repeat d:6 w:<sound> w:vm-prev d:4 w:vm-Urgent w:<sound> w:vm-repeat d:# end:15",
        "<sound> <sound> vm-prev vm-Urgent <sound> vm-goodbye",
        boxes=(Box(messages=(Msg(urgent=True), Msg()), options={"moveheard": "no"}),),
        after={("1001", "new"): 2},
    ),
    PhoneCall(
        "played_at_once_though_only_an_urgent_one_is_new",
        "vm_autoplay=new plays an urgent message",
        OWN,
        IN + "w:<sound> w:vm-repeat d:# end:15",
        "<sound> vm-goodbye",
        boxes=(Box(messages=(Msg(urgent=True),)),),
        variables={"vm_autoplay": "new"},
        after={("1001", "new"): 0},
    ),
    PhoneCall(
        "a_mailbox_that_is_only_read_stays_as_it_is",
        "vm_read_only: messages are heard; 7, 9 and 0 do nothing, and nothing goes to Old",
        OWN,
        IN
        + "w:vm-opts d:1 w:<sound> w:vm-repeat d:7 w:vm-repeat d:9 w:vm-repeat d:0 w:feature-not-avail-line w:vm-repeat d:# end:20",
        "<sound> vm-repeat vm-repeat vm-repeat feature-not-avail-line vm-goodbye",
        boxes=(Box(messages=ONE),),
        variables={"vm_read_only": "true"},
        never="vm-delete vm-deleted vm-savemessage vm-savefolder vm-options",
        after={("1001", "new"): 1},
    ),
    PhoneCall(
        "nothing_to_play_at_once_leads_to_the_menu",
        "vm_autoplay of an empty folder says so, then offers the menu",
        OWN,
        IN + "w:vm-no w:vm-opts d:0 w:vm-options d:* w:vm-opts d:# end:15",
        "vm-no vm-opts vm-options vm-opts vm-goodbye",
        variables={"vm_autoplay": "new"},
    ),
    PhoneCall(
        "a_star_by_mistake_leads_back",
        "* in the greeting, then * again: the tone, and the message is left",
        "1001",
        "w:vm-theperson d:* w:vm-password d:* w:vm-intro-short " + RECORD + "d:1 end:15",
        "vm-theperson vm-password vm-intro-short beep vm-msgsaved",
        caller="0612345678",
        variables=LEAVE,
        after={("1001", "new"): 1},
    ),
    PhoneCall(
        "a_star_by_mistake_and_silence_lead_back",
        "* in the greeting, then nothing: the tone, and the message is left",
        "1001",
        "w:vm-theperson d:* w:vm-password w:vm-intro-short " + RECORD + "d:1 end:15",
        "vm-theperson vm-password vm-intro-short beep vm-msgsaved",
        caller="0612345678",
        variables=LEAVE,
        never="vm-incorrect",
        after={("1001", "new"): 1},
    ),
    PhoneCall(
        "a_full_mailbox_lets_its_owner_in",
        "* in the announcement that the mailbox is full asks for the PIN",
        "1001",
        "w:vm-mailboxfull d:* w:vm-password d:4821# w:vm-opts d:# end:15",
        "vm-mailboxfull vm-password vm-opts vm-goodbye",
        caller="0612345678",
        variables=LEAVE,
        boxes=(Box(messages=ONE, options={"maxmsg": "1"}),),
    ),
    PhoneCall(
        "a_full_mailbox_has_its_operator",
        "0 in the announcement that the mailbox is full leads to the operator",
        "1001",
        "w:vm-mailboxfull d:0 end:15",
        "vm-mailboxfull transfer",
        caller="0612345678",
        variables=LEAVE,
        boxes=(Box(messages=ONE, options={"maxmsg": "1", "operator": "2000"}),),
        status="USEREXIT",
        sent_to="2000",
    ),
    PhoneCall(
        "an_unknown_action_is_refused",
        "a vm_action that is none is no ordinary call",
        "1001",
        "end:15",
        "im-sorry please-try-call-later",
        variables={"vm_action": "leaf"},
        never="vm-theperson beep",
        status="FAILED",
    ),
    PhoneCall(
        "listen_in_another_folder",
        "2 2 opens Work, 1 plays what lies there, and it stays there",
        OWN,
        IN + "w:vm-opts d:2 w:vm-changeto d:2 w:vm-opts d:1 w:vm-repeat d:# end:15",
        "vm-changeto vm-onefor digits/1 vm-message vm-savedto vm-Work vm-opts <sound> vm-goodbye",
        boxes=(Box(messages=(Msg(folder="work"),)),),
        after={("1001", "work"): 1},
    ),
    PhoneCall(
        "change_folder_cancelled",
        "# in the folder list cancels",
        OWN,
        IN + "w:vm-opts d:2 w:vm-changeto d:# w:vm-opts d:# end:15",
        "vm-changeto vm-INBOX vm-messages vm-onefor-full vm-goodbye",
        boxes=(Box(messages=ONE, options={"brief": "no"}),),
    ),
    # -- 3 Options avancées --------------------------------------------------------------------------------------------
    PhoneCall(
        "send_a_voice_message",
        "3 5 records a message for another mailbox, reviewed as a caller's is",
        OWN,
        IN
        + "w:vm-opts d:3 w:vm-leavemsg d:5 w:vm-extension d:1002# "
        + RECORD
        + "d:1 w:vm-msgsaved w:vm-opts d:# end:15",
        "vm-leavemsg vm-extension vm-intro-short beep auth-thankyou vm-review vm-msgsaved vm-opts vm-goodbye",
        boxes=(Box(), BRUNO),
        after={("1002", "new"): 1, ("1001", "new"): 0},
    ),
    PhoneCall(
        "bring_a_message_back_from_the_trash",
        "3 7 opens what was deleted in an earlier call; 7 brings it back",
        OWN,
        IN + "w:vm-opts d:3 w:vm-starmain d:7 w:vm-onefor-full d:1 w:vm-undelete d:7 w:vm-delete d:# end:15",
        "vm-starmain digits/2 vm-messages vm-onefor-full vm-first <sound> vm-undelete vm-undeleted vm-delete vm-goodbye",
        boxes=(Box(messages=(Msg(folder="trash"), Msg(folder="trash", seconds=4.0))),),
        after={("1001", "trash"): 1, ("1001", "old"): 1},
    ),
    PhoneCall(
        "delete_it_then_think_again",
        "a message deleted in this call is in the trash, and goes back to where it lay",
        OWN,
        IN
        + "w:vm-opts d:1 w:vm-delete d:7 w:vm-deleted d:3 w:vm-starmain d:7 w:vm-onefor-full d:7 w:vm-undeleted d:7 w:vm-deleted "
        "d:7 w:vm-undeleted d:3 w:vm-starmain d:7 w:vm-no d:# end:15",
        "<sound> vm-deleted digits/1 vm-message vm-onefor-full vm-undeleted vm-deleted vm-undeleted vm-no vm-goodbye",
        boxes=(Box(messages=ONE),),
        after={("1001", "trash"): 0, ("1001", "new"): 1},
    ),
    PhoneCall(
        "save_a_message_out_of_the_trash",
        "9 in the trash saves the message in a folder",
        OWN,
        IN + "w:vm-opts d:3 w:vm-starmain d:7 w:vm-onefor-full d:9 w:vm-savefolder d:2 w:vm-savedto d:# end:15",
        "vm-onefor-full vm-savefolder vm-savedto vm-goodbye",
        boxes=(Box(messages=(Msg(folder="trash"),)),),
        after={("1001", "trash"): 0, ("1001", "work"): 1},
    ),
    PhoneCall(
        "handle_a_message",
        "3 9 tells who opens the mailbox later that the caller handles the message; once more takes it back",
        OWN,
        IN
        + "w:vm-opts d:1 w:vm-delete d:3 w:vm-starmain d:9 w:spy-agent w:vm-delete d:5 w:spy-agent w:<sound> w:vm-delete "
        "d:3 w:vm-starmain d:9 w:auth-thankyou w:vm-delete d:5 w:<sound> w:vm-delete d:# end:20",
        "<sound> vm-starmain spy-agent vm-extension digits/1 digits/0 digits/0 digits/1 vm-delete spy-agent digits/1 <sound> "
        "vm-starmain auth-thankyou vm-delete <sound> vm-goodbye",
        boxes=(Box(messages=ONE),),
        after={("1001", "old"): 1},
    ),
    PhoneCall(
        "handle_a_message_in_english",
        "the same in English: a colleague's recorded name is said, once he is the one who called",
        "*98",
        "w:vm-login d:1001# w:vm-password d:4821# w:vm-opts d:1 w:vm-delete d:3 w:vm-starmain d:9 w:spy-agent w:<sound> w:vm-delete "
        "d:# end:20",
        "<sound> vm-starmain spy-agent <sound> vm-delete vm-goodbye",
        boxes=(Box(messages=ONE, language="en"), Box("1002", "Bruno Petit", "7319", greetings=("name",))),
        caller="1002",
        variables={"sip_auth_username": "1002"},
        language="en",
    ),
    PhoneCall(
        "mail_a_message",
        "3 6 has the message that was just heard mailed to the owner's address",
        OWN,
        IN + "w:vm-opts d:1 w:vm-delete d:3 w:vm-starmain d:6 w:auth-thankyou w:vm-delete d:# end:20",
        "<sound> vm-starmain auth-thankyou vm-delete vm-goodbye",
        boxes=(Box(messages=ONE, email="alice@example.com"),),
        after={("1001", "old"): 1},
    ),
    PhoneCall(
        "mail_a_message_in_english",
        "the same in English",
        OWN,
        IN + "w:vm-opts d:1 w:vm-delete d:3 w:vm-starmain d:6 w:auth-thankyou w:vm-delete d:# end:20",
        "<sound> vm-starmain auth-thankyou vm-delete vm-goodbye",
        boxes=(Box(messages=ONE, language="en", email="alice@example.com"),),
        language="en",
    ),
    PhoneCall(
        "no_address_to_mail_to",
        "3 6 says that it can't be done where the mailbox has no mail address",
        OWN,
        IN + "w:vm-opts d:1 w:vm-delete d:3 w:vm-starmain d:6 w:feature-not-avail-line w:vm-delete d:# end:20",
        "<sound> vm-starmain feature-not-avail-line vm-delete vm-goodbye",
        boxes=(Box(messages=ONE),),
    ),
    PhoneCall(
        "no_message_to_mail",
        "3 6 before any message was played does nothing",
        OWN,
        IN + "w:vm-opts d:3 w:vm-starmain d:6 w:vm-sorry w:vm-opts d:# end:15",
        "vm-starmain vm-sorry vm-opts vm-goodbye",
    ),
    PhoneCall(
        "no_message_to_handle",
        "3 9 before any message was played does nothing",
        OWN,
        IN + "w:vm-opts d:3 w:vm-starmain d:9 w:vm-sorry w:vm-opts d:# end:15",
        "vm-starmain vm-sorry vm-opts vm-goodbye",
    ),
    PhoneCall(
        "back_from_advanced_options",
        "3 * is the main menu again",
        OWN,
        IN + "w:vm-opts d:3 w:vm-starmain d:* w:vm-opts d:# end:15",
        "vm-opts vm-starmain vm-opts vm-goodbye",
    ),
    # -- 0 Options de la boite vocale ------------------------------------------------------------------------------------
    *(
        PhoneCall(
            f"record_the_{greeting}_greeting",
            f"0 {key}, #, 1 puts the {greeting} greeting in force",
            OWN,
            IN
            + f"w:vm-opts d:0 w:vm-options d:{key} "
            + RECORD
            + "d:1 w:vm-msgsaved w:vm-options d:* w:vm-opts d:# end:15",
            f"vm-options {prompt} beep auth-thankyou vm-review vm-msgsaved vm-options vm-opts vm-goodbye",
            greetings=(greeting,),
        )
        for key, greeting, prompt in (
            ("1", "unavailable", "vm-rec-unv"),
            ("2", "busy", "vm-rec-busy"),
            ("3", "name", "vm-rec-name"),
            ("4", "temporary", "vm-rec-temp"),
        )
    ),
    PhoneCall(
        "listen_and_record_the_greeting_again",
        "2 plays it back, 3 records it again, 1 accepts",
        OWN,
        IN
        + "w:vm-opts d:0 w:vm-options d:1 "
        + RECORD
        + "d:2 w:<sound> w:vm-review d:3 w:vm-rec-unv d:1 "
        + RECORD
        + "d:1 w:vm-msgsaved hang",
        "vm-rec-unv beep vm-review <sound> vm-review vm-rec-unv beep vm-review vm-msgsaved",
        greetings=("unavailable",),
        status="",
    ),
    PhoneCall(
        "hang_up_keeps_the_old_greeting",
        "a greeting that was not accepted changes nothing",
        OWN,
        IN + "w:vm-opts d:0 w:vm-options d:1 w:beep talk s:2 hang",
        "vm-rec-unv beep",
        greetings=(),
        status="",
    ),
    PhoneCall(
        "no_operator_for_greetings",
        "0 is not offered after recording a greeting",
        OWN,
        IN + "w:vm-opts d:0 w:vm-options d:3 " + RECORD + "d:0 w:vm-sorry w:vm-review d:1 w:vm-msgsaved hang",
        "vm-rec-name beep vm-review vm-sorry vm-review vm-msgsaved",
        boxes=(Box(options={"operator": "2000"}),),
        never="vm-reachoper transfer",
        status="",
    ),
    PhoneCall(
        "erase_the_temporary_greeting",
        "0 4 2 erases the temporary greeting: the unavailable one counts again",
        OWN,
        IN
        + "w:vm-tempgreetactive w:vm-opts d:0 w:vm-tmpexists w:vm-options d:4 w:vm-tempgreeting2 d:2 w:vm-options hang",
        "vm-tempgreetactive vm-no vm-tmpexists vm-options vm-tempgreeting2 vm-tempremoved vm-options",
        boxes=(Box(greetings=("temporary", "unavailable")),),
        greetings=("unavailable",),
        status="",
    ),
    PhoneCall(
        "a_temporary_greeting_is_told_of_once",
        "that it is in force is said when the options are opened, not in every round; its menu says the way out",
        OWN,
        IN
        + "w:vm-opts d:0 w:vm-tmpexists w:vm-options d:4 w:vm-star-cancel d:* w:vm-options w:vm-options d:* w:vm-opts d:# end:20",
        "vm-tmpexists vm-options vm-tempgreeting2 vm-star-cancel vm-options vm-options vm-opts vm-goodbye",
        boxes=(Box(greetings=("temporary",)),),
    ),
    PhoneCall(
        "record_the_temporary_greeting_again",
        "0 4 1 records it anew",
        OWN,
        IN
        + "w:vm-opts d:0 w:vm-options d:4 w:vm-tempgreeting2 d:1 "
        + RECORD
        + "d:1 w:vm-msgsaved w:vm-tempgreeting2 d:* hang",
        "vm-tempgreeting2 vm-rec-temp beep vm-review vm-msgsaved vm-tempgreeting2",
        boxes=(Box(greetings=("temporary",)),),
        greetings=("temporary",),
        status="",
    ),
    *(
        PhoneCall(
            f"record_a_second_greeting_and_choose_it_{language}",
            "0 6: the kind, which one is heard, the number; what is not there is recorded; 1 chooses it",
            OWN,
            IN
            + "w:vm-opts d:0 w:vm-options d:6 w:vm-options-first d:1 w:vm-which-number d:2 w:vm-rec-unv "
            + RECORD
            + "d:1 w:vm-msgsaved w:vm-delete d:1 w:vm-num-i-have w:digits/2 w:vm-which-number d:* w:vm-options d:* w:vm-opts d:# end:20",
            "vm-options vm-options-first vm-num-i-have digits/1 vm-which-number vm-rec-unv beep vm-review vm-msgsaved "
            "vm-review vm-delete vm-num-i-have digits/2 vm-which-number vm-options vm-goodbye",
            boxes=(Box(language=language),),
            greetings=("unavailable-2",),
            language=language,
        )
        for language in ("fr", "en")
    ),
    PhoneCall(
        "hear_a_numbered_greeting_and_erase_it",
        "0 6 2 3: the third busy greeting is heard; 2 says it again, 7 erases it",
        OWN,
        IN
        + "w:vm-opts d:0 w:vm-options d:6 w:vm-options-first d:2 w:vm-which-number d:3 w:<sound> w:vm-review d:2 w:<sound> w:vm-delete "
        + "d:7 w:vm-deleted w:vm-which-number hang",
        "vm-options-first vm-num-i-have digits/1 vm-which-number <sound> vm-review <sound> vm-delete vm-deleted vm-which-number",
        boxes=(Box(greetings=("busy", "busy-3")),),
        greetings=("busy",),
        status="",
    ),
    PhoneCall(
        "out_of_the_numbered_greetings",
        "a wrong key is said to be wrong, star leads back at every step, and nothing is changed",
        OWN,
        IN
        + "w:vm-opts d:0 w:vm-options d:6 w:vm-options-first d:9 w:vm-sorry w:vm-options-first d:1 w:vm-which-number d:2 w:<sound> "
        + "w:vm-review d:9 w:vm-sorry w:vm-review d:* w:vm-which-number d:* w:vm-options d:6 w:vm-options-first d:* w:vm-options hang",
        "vm-options-first vm-sorry vm-options-first vm-which-number <sound> vm-review vm-sorry vm-review vm-which-number vm-options",
        boxes=(Box(greetings=("unavailable-2",)),),
        greetings=("unavailable-2",),
        status="",
    ),
    PhoneCall(
        "change_the_pin",
        "0 5 asks for the new PIN twice",
        OWN,
        IN
        + "w:vm-opts d:0 w:vm-options d:5 w:vm-newpassword d:8362# w:vm-reenterpassword d:8362# w:vm-passchanged hang",
        "vm-newpassword vm-reenterpassword vm-passchanged",
        status="",
        pin="8362",
    ),
    *(
        PhoneCall(
            f"refuse_the_pin_{pin}",
            f"{pin} is refused: {why}",
            OWN,
            IN + f"w:vm-opts d:0 w:vm-options d:5 w:vm-newpassword d:{pin}# w:vm-invalid-password "
            "w:vm-newpassword d:*# w:vm-options hang",
            "vm-newpassword vm-invalid-password vm-newpassword vm-options",
            never="vm-passchanged vm-pls-try-again",
            status="",
            pin="4821",
        )
        for pin, why in (
            ("12", "too short"),
            ("1001", "the mailbox's number"),
            ("1234", "the default"),
            ("7777", "a repetition"),
        )
    ),
    PhoneCall(
        "a_pin_that_is_refused_is_asked_for_again",
        "after a PIN that won't do, and two that are not the same, the next attempt counts",
        OWN,
        IN
        + "w:vm-opts d:0 w:vm-options d:5 w:vm-newpassword d:1001# w:vm-newpassword d:8362# w:vm-reenterpassword d:8363# "
        "w:vm-newpassword d:8362# w:vm-reenterpassword d:8362# w:vm-passchanged w:vm-options hang",
        "vm-newpassword vm-invalid-password vm-newpassword vm-reenterpassword vm-mismatch vm-newpassword vm-reenterpassword "
        "vm-passchanged vm-options",
        never="vm-pls-try-again",
        status="",
        pin="8362",
    ),
    PhoneCall(
        "three_pins_refused_lead_back_to_the_menu",
        "whoever finds no PIN that will do, or says nothing more, keeps the one there is",
        OWN,
        IN + "w:vm-opts d:0 w:vm-options d:5 w:vm-newpassword d:12# w:vm-newpassword d:12# w:vm-newpassword d:12# "
        "w:vm-invalid-password w:vm-options d:5 w:vm-newpassword d:12# w:vm-newpassword w:vm-options hang",
        "vm-invalid-password vm-invalid-password vm-invalid-password vm-options vm-invalid-password vm-newpassword vm-options",
        never="vm-passchanged",
        status="",
        pin="4821",
    ),
    PhoneCall(
        "the_new_pin_must_be_the_same_twice",
        "two different PINs change nothing",
        OWN,
        IN + "w:vm-opts d:0 w:vm-options d:5 w:vm-newpassword d:8362# w:vm-reenterpassword d:8363# w:vm-mismatch hang",
        "vm-newpassword vm-reenterpassword vm-mismatch",
        status="",
        pin="4821",
    ),
    PhoneCall(
        "the_name_is_mandatory_with_force_name",
        "with force_name an owner without a recorded name is led to it right after log-in",
        OWN,
        IN + "w:vm-newuser w:beep@40 talk s:2 d:# quiet w:vm-review d:1 w:vm-msgsaved w:vm-opts d:# end:15",
        "vm-newuser vm-rec-name beep vm-review vm-msgsaved vm-no vm-opts vm-goodbye",
        boxes=(Box(options={"force_name": "yes"}),),
        greetings=("name",),
    ),
    # -- Leaving a message -----------------------------------------------------------------------------------------------
    PhoneCall(
        "leave_a_message_default_greeting",
        "no greeting recorded: the person at the extension is unavailable; then # and 1",
        "1001",
        RECORD + "d:1 end:15",
        "vm-theperson vm-isunavail vm-intro-short beep auth-thankyou vm-review vm-msgsaved",
        caller="0612345678",
        variables=LEAVE,
        after={("1001", "new"): 1},
    ),
    PhoneCall(
        "leave_a_message_on_busy",
        "busy without a busy greeting: is on the phone",
        "1001",
        RECORD + "d:1 end:15",
        "vm-theperson vm-isonphone vm-intro-short beep vm-review vm-msgsaved",
        caller="0612345678",
        variables=LEAVE | {"vm_reason": "busy"},
        after={("1001", "new"): 1},
    ),
    PhoneCall(
        "the_recorded_name_in_the_default_greeting",
        "the recorded name stands in for the number",
        "1001",
        "w:vm-isunavail hang",
        "<sound> vm-isunavail",
        caller="0612345678",
        variables=LEAVE,
        boxes=(Box(greetings=("name",)),),
        never="vm-theperson",
        status="",
    ),
    PhoneCall(
        "the_temporary_greeting_comes_first",
        "a temporary greeting replaces all others",
        "1001",
        "w:<sound> w:vm-intro-short d:# " + RECORD + "d:1 end:15",
        "<sound> vm-intro-short beep vm-review vm-msgsaved",
        caller="0612345678",
        variables=LEAVE | {"vm_reason": "busy"},
        boxes=(Box(greetings=("temporary", "busy")),),
        never="vm-isonphone vm-theperson",
        after={("1001", "new"): 1},
    ),
    *(
        PhoneCall(
            f"a_greeting_for_some_callers_{language}",
            "a rule names the second greeting for callers whose numbers begin so, on every day",
            "1001",
            "w:<sound> " + RECORD + "d:1 w:vm-msgsaved end:15",
            "<sound> vm-intro-short beep vm-review vm-msgsaved",
            boxes=(
                Box(
                    language=language,
                    greetings=("unavailable-2",),
                    options={"greeting_rules": "unavailable-2 mon-sun from:06*"},
                ),
            ),
            caller="0612345678",
            variables=LEAVE,
            never="vm-theperson",
            after={("1001", "new"): 1},
            language=language,
        )
        for language in ("fr", "en")
    ),
    PhoneCall(
        "a_greeting_for_some_is_not_for_others",
        "where no rule fits, it is as without rules: the person at the extension is unavailable",
        "1001",
        RECORD + "d:1 w:vm-msgsaved end:15",
        "vm-theperson vm-isunavail vm-intro-short beep vm-review vm-msgsaved",
        boxes=(
            Box(
                greetings=("unavailable-2", "busy-2"),
                options={"greeting_rules": "unavailable-2 from:514*; unavailable-2 internal; busy-2"},
            ),
        ),
        caller="0612345678",
        variables=LEAVE,
        never="<sound>",
        after={("1001", "new"): 1},
    ),
    PhoneCall(
        "a_greeting_for_busy_and_unavailable_alike",
        "a rule for both: when the line is busy too, at every hour, for telephones of the system",
        "1001",
        "w:<sound> " + RECORD + "d:1 w:vm-msgsaved end:15",
        "<sound> vm-intro-short beep vm-review vm-msgsaved",
        boxes=(
            Box(greetings=("unavailable-3",), options={"greeting_rules": "unavailable-3 both 00:00-24:00 internal"}),
        ),
        caller="1002",
        variables=LEAVE | {"vm_reason": "busy", "vm_caller": "internal"},
        never="vm-theperson vm-isonphone",
        after={("1001", "new"): 1},
    ),
    *(
        PhoneCall(
            f"the_dialplan_names_a_greeting_{language}",
            "vm_greeting: the second greeting, whatever the mailbox's rules say",
            "1001",
            "w:<sound> " + RECORD + "d:1 w:vm-msgsaved end:15",
            "<sound> vm-intro-short beep vm-review vm-msgsaved",
            boxes=(Box(language=language, greetings=("unavailable-2",), options={"greeting_rules": "unavailable-3"}),),
            caller="0612345678",
            variables=LEAVE | {"vm_greeting": "2"},
            never="vm-theperson",
            after={("1001", "new"): 1},
            language=language,
        )
        for language in ("fr", "en")
    ),
    PhoneCall(
        "the_dialplan_names_a_greeting_that_is_not_recorded",
        "vm_greeting: the greeting that would be heard without it",
        "1001",
        RECORD + "d:1 w:vm-msgsaved end:15",
        "vm-theperson vm-isonphone vm-intro-short beep vm-review vm-msgsaved",
        boxes=(Box(greetings=("unavailable-4",)),),
        caller="0612345678",
        variables=LEAVE | {"vm_greeting": "4", "vm_reason": "busy"},
        never="<sound>",
        after={("1001", "new"): 1},
    ),
    PhoneCall(
        "the_dialplan_leaves_out_the_greeting",
        "vm_skip_greeting: the request at once",
        "1001",
        RECORD + "d:1 w:vm-msgsaved end:15",
        "vm-intro-short beep vm-review vm-msgsaved",
        boxes=(Box(greetings=("unavailable",)),),
        caller="0612345678",
        variables=LEAVE | {"vm_skip_greeting": "true"},
        never="<sound> vm-theperson",
        after={("1001", "new"): 1},
    ),
    PhoneCall(
        "skip_the_greeting",
        "# in the greeting goes straight to the tone",
        "1001",
        "w:vm-theperson d:# " + RECORD + "d:1 end:15",
        "vm-theperson beep vm-review vm-msgsaved",
        caller="0612345678",
        variables=LEAVE,
        never="vm-intro-short",
        after={("1001", "new"): 1},
    ),
    PhoneCall(
        "hang_up_while_recording_keeps_it",
        "hanging up in the recording keeps the message",
        "1001",
        "w:beep talk s:3 hang",
        "vm-theperson beep",
        caller="0612345678",
        variables=LEAVE,
        after={("1001", "new"): 1},
        status="",
    ),
    PhoneCall(
        "review_listen_again_accept",
        "2 plays it back, 3 records again, 1 accepts: one message",
        "1001",
        RECORD + "d:2 w:<sound> w:vm-review d:3 w:vm-intro-short d:# " + RECORD + "d:1 end:15",
        "vm-intro-short beep vm-review <sound> vm-review vm-intro-short beep vm-review vm-msgsaved",
        caller="0612345678",
        variables=LEAVE,
        after={("1001", "new"): 1},
    ),
    PhoneCall(
        "who_presses_keys_between_silences_is_not_cut_off_in_the_review",
        "several silences, 2, several more, then 1: the message is kept by the key, not by silence",
        "1001",
        RECORD + "s:45 d:2 w:<sound> w:vm-review s:45 d:1 w:vm-msgsaved end:20",
        "vm-review <sound> vm-review vm-msgsaved",
        caller="0612345678",
        after={("1001", "new"): 1},
    ),
    PhoneCall(
        "silence_ends_the_recording",
        "who stops talking comes to the review after the silence time",
        "1001",
        "w:beep talk s:3 quiet w:vm-review d:1 end:15",
        "beep auth-thankyou vm-review vm-msgsaved",
        caller="0612345678",
        variables=LEAVE,
        boxes=(Box(options={"maxsilence": "4"}),),
        after={("1001", "new"): 1},
    ),
    PhoneCall(
        "the_limit_ends_the_recording",
        "the time limit ends the recording and keeps it",
        "1001",
        "w:beep talk w:vm-review quiet d:1 end:15",
        "beep auth-thankyou vm-review vm-msgsaved",
        caller="0612345678",
        variables=LEAVE,
        boxes=(Box(options={"maxsecs": "4"}),),
        after={("1001", "new"): 1},
    ),
    PhoneCall(
        "too_short",
        "a message that is too short is said to be so, and asked for again",
        "1001",
        "w:beep s:0.3 d:# w:vm-tooshort " + RECORD + "d:1 end:15",
        "beep vm-tooshort vm-intro-short beep vm-review vm-msgsaved",
        caller="0612345678",
        variables=LEAVE,
        boxes=(Box(options={"minsecs": "2"}),),
        after={("1001", "new"): 1},
    ),
    PhoneCall(
        "mailbox_full",
        "a full mailbox is said to be full before the greeting wastes the caller's time",
        "1001",
        "end:15",
        "vm-mailboxfull",
        caller="0612345678",
        variables=LEAVE,
        boxes=(Box(messages=ONE, options={"maxmsg": "1"}),),
        never="vm-theperson beep",
        after={("1001", "new"): 1},
        status="FAILED",
    ),
    PhoneCall(
        "unknown_mailbox",
        "a number that is not in service is said to be so",
        "7777",
        "end:20",
        "ss-noservice",
        caller="0612345678",
        variables=LEAVE,
        never="beep",
        status="FAILED",
    ),
    PhoneCall(
        "operator_in_the_greeting",
        "0 in the greeting reaches the reception",
        "1001",
        "w:vm-theperson d:0 end:15",
        "vm-theperson transfer",
        caller="0612345678",
        variables=LEAVE | {"vm_operator": "2000"},
        status="USEREXIT",
        sent_to="2000",
        after={("1001", "new"): 0},
    ),
    *(
        PhoneCall(
            f"an_exit_to_an_extension_{language}",
            "a key in the greeting leads to an extension, before the operator's 0 is thought of",
            "1001",
            "w:vm-theperson d:3 end:15",
            "vm-theperson transfer",
            caller="0612345678",
            variables=LEAVE,
            boxes=(Box(language=language, options={"exits": "3=2000", "operator": "2999"}),),
            status="USEREXIT",
            sent_to="2000",
            after={("1001", "new"): 0},
            language=language,
        )
        for language in ("fr", "en")
    ),
    *(
        PhoneCall(
            f"an_exit_to_another_mailbox_{language}",
            "a key leads to another mailbox: its greeting is heard, in its language, and it gets the message",
            "1001",
            "w:vm-theperson d:2 w:vm-theperson w:vm-isunavail " + RECORD + "d:1 end:15",
            "vm-theperson vm-theperson vm-isunavail vm-intro-short beep vm-review vm-msgsaved",
            caller="0612345678",
            variables=LEAVE | {"vm_reason": "busy"},
            boxes=(
                Box(options={"exits": "2=mailbox:1002"}),
                Box("1002", "Bruno Petit", "7319", language=language),
            ),
            after={("1001", "new"): 0, ("1002", "new"): 1},
            language=language,
        )
        for language in ("fr", "en")
    ),
    PhoneCall(
        "an_exit_to_the_directory",
        "a key leads to dial by name",
        "1001",
        "w:vm-theperson d:9 w:dir-welcome d:738# w:dir-instr d:1 s:1 hang",
        "vm-theperson dir-welcome dir-instr",
        caller="0612345678",
        variables=LEAVE,
        boxes=(Box(options={"exits": "9=directory"}), BRUNO),
        status="",
        sent_to="1002",
    ),
    PhoneCall(
        "an_exit_to_an_outside_number",
        "an outside number is dialled where call_patterns allow it",
        "1001",
        "w:vm-theperson d:4 end:30",
        "vm-theperson vm-dialout",
        caller="0612345678",
        variables=LEAVE,
        boxes=(Box(options={"exits": "4=number:5145550102", "call_patterns": "514XXXXXXX"}),),
        status="USEREXIT",
        sent_to="5145550102",
    ),
    PhoneCall(
        "an_exit_that_is_shut",
        "a number that call_patterns do not allow: the caller hears so, and can leave the message",
        "1001",
        "w:vm-theperson d:4 w:feature-not-avail-line " + RECORD + "d:1 end:15",
        "vm-theperson feature-not-avail-line vm-intro-short beep vm-review vm-msgsaved",
        caller="0612345678",
        variables=LEAVE,
        boxes=(Box(options={"exits": "4=number:9005550102", "call_patterns": "514XXXXXXX"}),),
        after={("1001", "new"): 1},
    ),
    PhoneCall(
        "a_destination_for_busy",
        "who calls while the line is busy is led on at once, without a word",
        "1001",
        "end:15",
        "",
        caller="0612345678",
        variables=LEAVE | {"vm_reason": "busy"},
        boxes=(Box(options={"exits": "busy=2000; unavailable=mailbox:1002"}), BRUNO),
        never="vm-theperson transfer",
        status="USEREXIT",
        sent_to="2000",
    ),
    PhoneCall(
        "a_destination_for_unavailable_that_leads_back",
        "two mailboxes that lead to one another end in the greeting of the second",
        "1001",
        RECORD + "d:1 end:15",
        "vm-theperson vm-isunavail beep vm-review vm-msgsaved",
        caller="0612345678",
        variables=LEAVE,
        boxes=(
            Box(options={"exits": "unavailable=mailbox:1002"}),
            Box("1002", "Bruno Petit", "7319", options={"exits": "unavailable=mailbox:1001"}),
        ),
        after={("1001", "new"): 1, ("1002", "new"): 0},
    ),
    *(
        PhoneCall(
            f"press_1_to_leave_a_message_{language}",
            "with press_to_leave a caller must press 1 before the tone; # cuts the greeting short only",
            "1001",
            "w:vm-theperson d:# w:vm-leave-key d:1 " + RECORD + "d:1 end:15",
            "vm-theperson vm-leave-key vm-intro-short beep vm-review vm-msgsaved",
            caller="0612345678",
            variables=LEAVE,
            boxes=(Box(language=language, options={"press_to_leave": "yes"}),),
            after={("1001", "new"): 1},
            language=language,
        )
        for language in ("fr", "en")
    ),
    PhoneCall(
        "nothing_pressed_leaves_no_message",
        "a machine that presses nothing hears goodbye, and leaves nothing",
        "1001",
        "talk w:vm-goodbye@90 end:15",
        "vm-theperson vm-isunavail vm-leave-key vm-leave-key vm-leave-key vm-leave-key vm-goodbye",
        caller="0612345678",
        variables=LEAVE,
        boxes=(Box(options={"press_to_leave": "yes"}),),
        never="beep",
        status="FAILED",
        after={("1001", "new"): 0},
    ),
    PhoneCall(
        "operator_in_the_review_keeping_the_message",
        "0 in the review, then 1 keeps the message, then the reception",
        "1001",
        RECORD + "d:0 w:vm-saveoper d:1 end:20",
        "vm-review vm-saveoper vm-msgsaved transfer",
        caller="0612345678",
        variables=LEAVE,
        boxes=(Box(options={"operator": "2000"}),),
        status="USEREXIT",
        sent_to="2000",
        after={("1001", "new"): 1},
    ),
    PhoneCall(
        "operator_after_staying_on_the_line",
        "0 in the review, and whoever stays on the line as the prompt says keeps the message",
        "1001",
        RECORD + "d:0 w:vm-saveoper end:25",
        "vm-review vm-saveoper vm-msgsaved transfer",
        caller="0612345678",
        variables=LEAVE,
        boxes=(Box(options={"operator": "2000"}),),
        never="vm-deleted",
        status="USEREXIT",
        sent_to="2000",
        after={("1001", "new"): 1},
    ),
    PhoneCall(
        "operator_dropping_the_message",
        "0 in the review, then a key that keeps nothing",
        "1001",
        RECORD + "d:0 w:vm-saveoper d:7 end:25",
        "vm-review vm-saveoper vm-deleted transfer",
        caller="0612345678",
        variables=LEAVE,
        boxes=(Box(options={"operator": "2000"}),),
        never="vm-msgsaved",
        status="USEREXIT",
        sent_to="2000",
        after={("1001", "new"): 0},
    ),
    PhoneCall(
        "owner_from_outside",
        "* in one's own greeting, the PIN, and the main menu",
        "1001",
        "w:vm-theperson d:* w:vm-password d:4821# w:vm-opts d:# end:15",
        "vm-theperson vm-password vm-onefor digits/1 vm-INBOX vm-message vm-opts vm-goodbye",
        caller="0612345678",
        variables=LEAVE,
        boxes=(Box(messages=ONE),),
    ),
    PhoneCall(
        "announcement_only",
        "a mailbox that takes no messages plays its greeting, no tone",
        "1001",
        "end:20",
        "vm-theperson vm-isunavail",
        caller="0612345678",
        variables=LEAVE,
        boxes=(Box(options={"maxmsg": "0"}),),
        never="vm-intro-short beep",
    ),
    PhoneCall(
        "an_announcement_lets_its_owner_in",
        "* in the greeting of a mailbox that takes no messages asks for the PIN",
        "1001",
        "w:vm-theperson d:* w:vm-password d:4821# w:vm-opts d:# end:15",
        "vm-theperson vm-password vm-opts vm-goodbye",
        caller="0612345678",
        variables=LEAVE,
        boxes=(Box(options={"maxmsg": "0"}),),
    ),
    PhoneCall(
        "an_announcement_has_its_operator",
        "0 in the greeting of a mailbox that takes no messages leads to the operator",
        "1001",
        "w:vm-theperson d:0 end:15",
        "vm-theperson transfer",
        caller="0612345678",
        variables=LEAVE,
        boxes=(Box(options={"maxmsg": "0", "operator": "2000"}),),
        status="USEREXIT",
        sent_to="2000",
    ),
    PhoneCall(
        "the_dialplan_leaves_out_the_request",
        "vm_skip_instructions: the greeting, then the tone at once",
        "1001",
        RECORD + "d:1 end:15",
        "vm-theperson beep vm-review vm-msgsaved",
        caller="0612345678",
        variables=LEAVE | {"vm_skip_instructions": "true"},
        never="vm-intro vm-intro-short",
        after={("1001", "new"): 1},
    ),
    PhoneCall(
        "a_caller_says_whom_the_message_is_for",
        "vm_mailbox=ask: the caller types the mailbox",
        "voicemail",
        "w:vm-whichbox d:1001# " + RECORD + "d:1 end:15",
        "vm-whichbox beep vm-review vm-msgsaved",
        caller="0612345678",
        variables=LEAVE | {"vm_mailbox": "ask"},
        after={("1001", "new"): 1},
    ),
    # -- What only Comedian Mail's owners know: 3 in full, 8, urgent, the directory --------------------------------------
    PhoneCall(
        "reply_to_a_colleague",
        "3 1 records a reply for the mailbox that left the message",
        OWN,
        IN + "w:vm-opts d:1 w:vm-repeat d:3 w:vm-toreply d:1 " + RECORD + "d:1 w:vm-msgsaved w:vm-repeat d:# end:15",
        "<sound> vm-toreply vm-intro-short beep vm-review vm-msgsaved vm-goodbye",
        boxes=(Box(messages=ONE), BRUNO),
        after={("1002", "new"): 1},
    ),
    PhoneCall(
        "reply_to_someone_without_a_mailbox",
        "3 1 says that the sender has no mailbox",
        OWN,
        IN + "w:vm-opts d:1 w:vm-repeat d:3 w:vm-toreply d:1 w:vm-nobox w:vm-repeat d:# end:15",
        "<sound> vm-toreply vm-nobox vm-repeat vm-goodbye",
        boxes=(Box(messages=(Msg("0612345678"),)),),
    ),
    PhoneCall(
        "envelope_on_demand",
        "3 3 says when it came and from whom",
        OWN,
        IN + "w:vm-opts d:1 w:vm-repeat d:3 w:vm-tohearenv d:3 w:vm-received w:vm-repeat d:# end:15",
        "<sound> vm-tohearenv vm-received vm-from-phonenumber vm-duration vm-repeat vm-goodbye",
        boxes=(Box(messages=(Msg("0612345678"),), options={"envelope": "no", "saycid": "no"}),),
    ),
    PhoneCall(
        "calls_are_off_until_allowed",
        "3 4 and 3 2 are neither offered nor done",
        OWN,
        IN + "w:vm-opts d:3 w:vm-starmain d:4 w:feature-not-avail-line w:vm-opts d:# end:15",
        "vm-leavemsg vm-starmain feature-not-avail-line vm-opts vm-goodbye",
        never="vm-tomakecall vm-dialout",
    ),
    PhoneCall(
        "an_allowed_call",
        "3 4 calls a number that fits a pattern",
        OWN,
        IN + "w:vm-opts d:3 w:vm-tomakecall d:4 w:vm-star-cancel d:2000# end:20",
        "vm-tomakecall vm-enter-num-to-call vm-then-pound vm-star-cancel vm-dialout",
        boxes=(Box(options={"dialout": "yes", "call_patterns": "2XXX"}),),
        sent_to="2000",
    ),
    PhoneCall(
        "a_call_that_is_not_allowed",
        "a number that fits no pattern is not called",
        OWN,
        IN
        + "w:vm-opts d:3 w:vm-tomakecall d:4 w:vm-star-cancel d:0033612345678# w:feature-not-avail-line w:vm-opts d:# end:20",
        "vm-tomakecall vm-star-cancel feature-not-avail-line vm-opts vm-goodbye",
        boxes=(Box(options={"dialout": "yes", "call_patterns": "2XXX"}),),
        never="vm-dialout",
    ),
    PhoneCall(
        "call_back_without_a_number",
        "a message from nobody knows: 1 is said to type a number, and does",
        OWN,
        IN
        + "w:vm-opts d:1 w:vm-repeat d:3 w:vm-tocallback d:2 w:vm-toenternumber d:1 w:vm-enter-num-to-call d:2000# w:vm-dialout end:20",
        "vm-nonumber vm-toenternumber vm-enter-num-to-call vm-dialout",
        boxes=(
            Box(messages=(Msg("", name=""),), options={"callback": "yes", "dialout": "yes", "call_patterns": "2XXX"}),
        ),
        sent_to="2000",
    ),
    PhoneCall(
        "call_the_sender_back",
        "3 2 says the number, 1 calls it",
        OWN,
        IN + "w:vm-opts d:1 w:vm-repeat d:3 w:vm-tocallback d:2 w:vm-tocallnum d:1 end:20",
        "vm-tocallback vm-num-i-have vm-tocallnum vm-dialout",
        boxes=(Box(messages=(Msg("2000"),), options={"callback": "yes", "call_patterns": "2XXX"}),),
        sent_to="2000",
    ),
    PhoneCall(
        "send_to_several",
        "3 5 with * between several mailboxes: all of them get it",
        OWN,
        IN + "w:vm-opts d:3 w:vm-leavemsg d:5 w:vm-extension d:1002*1003# " + RECORD + "d:1 w:vm-msgsaved hang",
        "vm-extension vm-intro-short beep vm-review vm-msgsaved",
        boxes=(Box(), BRUNO, CARLA),
        after={("1002", "new"): 1, ("1003", "new"): 1},
        status="",
    ),
    PhoneCall(
        "send_to_a_list",
        "3 5 to a distribution list, said back by its number: everyone on it gets the message once, its sender too",
        OWN,
        IN + "w:vm-opts d:3 w:vm-leavemsg d:5 w:vm-extension d:1002*900# " + RECORD + "d:1 w:vm-msgsaved hang",
        "vm-extension digits/1 digits/2 digits/9 digits/0 digits/0 vm-intro-short beep vm-review vm-msgsaved",
        boxes=(Box(), BRUNO, CARLA),
        lists={"900": ("1001", "1002", "1003")},
        after={("1001", "new"): 1, ("1002", "new"): 1, ("1003", "new"): 1},
        status="",
    ),
    PhoneCall(
        "forward_to_a_list",
        "8 to a distribution list: all others on it get a copy, who forwards it has it already",
        OWN,
        IN
        + "w:vm-opts d:1 w:vm-toforward d:8 w:vm-extension d:900# w:vm-forwardoptions d:2 w:vm-msgforwarded d:# end:15",
        "<sound> vm-extension digits/9 vm-forwardoptions vm-msgforwarded vm-goodbye",
        boxes=(Box(messages=ONE), BRUNO, CARLA),
        lists={"900": ("1001", "1002", "1003")},
        after={("1001", "new"): 0, ("1001", "old"): 1, ("1002", "new"): 1, ("1003", "new"): 1},
    ),
    PhoneCall(
        "forward_as_it_is",
        "8, a mailbox, 2: a copy goes there, the original stays",
        OWN,
        IN
        + "w:vm-opts d:1 w:vm-toforward d:8 w:vm-extension d:1002# w:vm-forwardoptions d:2 w:vm-msgforwarded d:# end:15",
        "<sound> vm-toforward vm-extension vm-forwardoptions vm-msgforwarded vm-goodbye",
        boxes=(Box(messages=ONE), BRUNO),
        after={("1001", "old"): 1, ("1002", "new"): 1},
    ),
    PhoneCall(
        "forward_to_somebody_found_by_name",
        "usedirectory: 8, 2 finds the recipient by name",
        OWN,
        IN
        + "w:vm-opts d:1 w:vm-toforward d:8 w:vm-forward d:2 w:dir-pls-enter d:738 w:dir-instr d:1 w:vm-forwardoptions d:2 "
        "w:vm-msgforwarded d:# end:20",
        "<sound> vm-toforward vm-forward dir-pls-enter dir-instr vm-forwardoptions vm-msgforwarded vm-goodbye",
        boxes=(Box(messages=ONE, options={"usedirectory": "yes"}), BRUNO),
        after={("1001", "old"): 1, ("1002", "new"): 1},
    ),
    *(
        PhoneCall(
            f"a_forwarded_message_is_deleted_{language}",
            "forward_deletes: the original goes to the trash, which is said",
            OWN,
            IN + "w:vm-opts d:1 w:vm-repeat d:81002#2 w:vm-deleted hang",
            "vm-msgforwarded vm-deleted",
            boxes=(Box(language=language, messages=ONE, options={"forward_deletes": "yes"}), BRUNO),
            after={("1001", "trash"): 1, ("1002", "new"): 1},
            status="",
            language=language,
        )
        for language in ("fr", "en")
    ),
    PhoneCall(
        "a_forwarded_message_is_deleted_and_brought_back",
        "forward_deletes: 7 brings the original back",
        OWN,
        IN + "w:vm-opts d:1 w:vm-repeat d:81002#2 w:vm-deleted q:1 d:7 w:vm-undeleted hang",
        "vm-msgforwarded vm-deleted vm-undeleted",
        boxes=(Box(messages=ONE, options={"forward_deletes": "yes"}), BRUNO),
        after={("1001", "trash"): 0, ("1002", "new"): 1},
        status="",
    ),
    PhoneCall(
        "a_message_that_reached_nobody_is_not_deleted",
        "forward_deletes: who it was for has no room; the original stays",
        OWN,
        IN + "w:vm-opts d:1 w:vm-repeat d:81002# w:vm-mailboxfull hang",
        "vm-mailboxfull",
        boxes=(
            Box(messages=ONE, options={"forward_deletes": "yes"}),
            Box("1002", "Bruno Petit", "7319", messages=ONE, options={"maxmsg": "1"}),
        ),
        after={("1001", "trash"): 0},
        never="vm-deleted vm-msgforwarded",
        status="",
    ),
    PhoneCall(
        "forward_with_an_introduction",
        "8, a mailbox, 1: the introduction is spoken first, and kept apart",
        OWN,
        IN
        + "w:vm-opts d:1 w:vm-repeat d:8 w:vm-extension d:1002*1003# w:vm-forwardoptions d:1 w:beep talk s:3 d:# quiet "
        "w:vm-msgforwarded d:# end:15",
        "<sound> vm-extension vm-forwardoptions beep vm-msgforwarded vm-goodbye",
        boxes=(Box(messages=ONE), BRUNO, CARLA),
        after={("1001", "old"): 1, ("1002", "new"): 1, ("1003", "new"): 1},
    ),
    PhoneCall(
        "forward_to_nobody",
        "an unknown mailbox is said to be invalid and asked again",
        OWN,
        IN + "w:vm-opts d:1 w:vm-repeat d:8 w:vm-extension d:7777# w:pbx-invalid w:vm-extension d:1002# "
        "w:vm-forwardoptions d:* w:vm-repeat d:# end:15",
        "vm-extension pbx-invalid vm-extension vm-forwardoptions vm-repeat vm-goodbye",
        boxes=(Box(messages=ONE), BRUNO),
        after={("1002", "new"): 0},
    ),
    PhoneCall(
        "mark_it_urgent",
        "4 in the review marks the message urgent",
        "1001",
        RECORD + "d:4 w:vm-marked-urgent w:vm-review d:1 end:15",
        "vm-review vm-marked-urgent vm-review vm-msgsaved",
        caller="0612345678",
        variables=LEAVE,
        after={("1001", "new"): 1},
    ),
    PhoneCall(
        "operator_keeping_it_urgent",
        "0 in the recording, then 4: kept as urgent, then the reception",
        "1001",
        "w:beep talk s:3 d:0 quiet w:vm-saveoper d:4 end:25",
        "beep vm-saveoper vm-marked-urgent vm-msgsaved transfer",
        caller="0612345678",
        variables=LEAVE | {"vm_operator": "2000"},
        status="USEREXIT",
        sent_to="2000",
        after={("1001", "new"): 1},
    ),
    PhoneCall(
        "dial_by_name",
        "*411, three letters of a last name, 1: connected",
        "*411",
        "w:dir-pls-enter d:738 w:dir-instr d:1 end:15",
        "dir-welcome dir-pls-enter dir-instr",
        boxes=(Box(), BRUNO, CARLA),
        caller="0612345678",
        sent_to="1002",
    ),
    PhoneCall(
        "dial_by_name_next_and_nobody",
        "* says the next one; keys that fit nobody are said so",
        "*411",
        "w:dir-pls-enter d:999 w:dir-nomatch w:dir-pls-enter d:278 w:dir-instr d:* w:dir-nomore hang",
        "dir-nomatch dir-instr dir-nomore",
        boxes=(Box(), BRUNO, CARLA, Box("1004", "Bruno Carton", "7319")),
        caller="0612345678",
        status="",
    ),
    # -- How calls arrive ------------------------------------------------------------------------------------------------
    PhoneCall(
        "a_domain_in_capitals_is_the_same",
        "names of hosts don't depend on capitals",
        "1001",
        "w:vm-intro-short d:# " + RECORD + "d:1 end:10",
        "vm-intro-short vm-msgsaved",
        caller="0612345678",
        variables={**LEAVE, "vm_domain": "DeFault"},
        after={("1001", "new"): 1},
    ),
    PhoneCall(
        "an_extension_with_a_name_of_its_own_leads_to_whom_it_rang",
        "socket without vm_mailbox in an extension voicemail: dialed_user tells who was rung",
        "voicemail",
        "w:vm-intro-short d:# " + RECORD + "d:1 end:10",
        "vm-intro-short vm-msgsaved",
        caller="0612345678",
        variables={**LEAVE, "dialed_user": "1001", "sip_req_user": "5145550100"},
        after={("1001", "new"): 1},
    ),
    PhoneCall(
        "an_extension_with_a_prefix_leads_to_what_was_dialled_first",
        "socket without vm_mailbox after a transfer to 71001",
        "71001",
        "w:vm-intro-short d:# " + RECORD + "d:1 end:10",
        "vm-intro-short vm-msgsaved",
        caller="0612345678",
        variables={**LEAVE, "sip_req_user": "1001"},
        after={("1001", "new"): 1},
    ),
    PhoneCall(
        "an_extension_that_tells_no_mailbox_is_not_in_service",
        "nothing names a mailbox that there is",
        "voicemail",
        "end:10",
        "ss-noservice",
        caller="0612345678",
        variables={**LEAVE, "dialed_user": "1009", "sip_req_user": "5145550100"},
        status="FAILED",
    ),
    PhoneCall(
        "first_call_of_a_new_owner",
        "name, greetings and a PIN of one's own, in one go",
        OWN,
        "w:vm-password d:1234# w:vm-newuser w:vm-rec-name d:1 "
        + RECORD
        + "d:1 w:vm-rec-unv d:1 "
        + RECORD
        + "d:1 w:vm-rec-busy d:1 "
        + RECORD
        + "d:1 w:vm-newpassword d:8362# w:vm-reenterpassword d:8362# w:vm-passchanged w:vm-opts d:# end:15",
        "vm-newuser vm-rec-name vm-msgsaved vm-rec-unv vm-msgsaved vm-rec-busy vm-msgsaved vm-newpassword vm-passchanged "
        "vm-no vm-opts vm-goodbye",
        boxes=(Box(pin="1234", pin_initial=True, options={"force_name": "yes", "force_greetings": "yes"}),),
        greetings=("name", "unavailable", "busy"),
        pin="8362",
    ),
    # -- Messages that arrive later --------------------------------------------------------------------------------------
    PhoneCall(
        "send_later_tomorrow_at_eight",
        "3 8, to whom, 2: tomorrow at eight; the message waits, and nobody has it yet",
        OWN,
        IN
        + "w:vm-opts d:3 w:vm-leavemsg d:8 w:vm-extension d:1002# w:vm-star-cancel d:2 "
        + RECORD
        + "d:1 w:vm-msgsaved hang",
        "vm-extension digits/1 digits/2 vm-toenternumber digits/tomorrow digits/at digits/8 digits/oclock vm-press digits/2 "
        "vm-star-cancel digits/tomorrow digits/at digits/8 digits/oclock vm-intro-short beep vm-review vm-msgsaved",
        boxes=(Box(), BRUNO),
        after={("1002", "new"): 0},
        status="",
    ),
    PhoneCall(
        "send_later_by_date_in_english",
        "3 8, 1, an hour that there is not, then a date and an hour: said back",
        OWN,
        IN
        + "w:vm-opts d:3 w:vm-leavemsg d:8 w:vm-extension d:1002# w:vm-star-cancel d:1 w:vm-then-pound d:2561# "
        + "w:vm-pls-try-again w:vm-star-cancel d:1 w:vm-then-pound d:12312205# w:digits/p-m "
        + RECORD
        + "d:1 w:vm-msgsaved hang",
        "vm-extension vm-toenternumber vm-then-pound vm-pls-try-again vm-then-pound digits/at digits/10 digits/oh digits/5 digits/p-m vm-intro-short beep vm-msgsaved",
        boxes=(Box(language="en"), BRUNO),
        after={("1002", "new"): 0},
        status="",
        language="en",
    ),
    PhoneCall(
        "send_later_is_cancelled_before_anything_is_said",
        "* instead of a time: nothing is recorded",
        OWN,
        IN + "w:vm-opts d:3 w:vm-leavemsg d:8 w:vm-extension d:1002# w:vm-star-cancel d:* w:vm-opts d:# end:15",
        "vm-extension vm-star-cancel vm-opts vm-goodbye",
        boxes=(Box(), BRUNO),
        never="beep",
    ),
    PhoneCall(
        "forward_later_then_cancel_it",
        "8, 3: as it is, tomorrow at eight; 3 0 says to whom and when, 7 cancels it",
        OWN,
        IN
        + "w:vm-opts d:1 w:vm-toforward d:8 w:vm-extension d:1002# w:vm-forwardoptions d:3 w:vm-star-cancel d:2 w:vm-msgforwarded "
        + "d:30 w:digits/tomorrow w:vm-delete d:7 w:vm-deleted w:vm-nomore d:30 w:vm-nomore d:# end:15",
        "<sound> vm-forwardoptions digits/tomorrow vm-msgforwarded digits/1 digits/0 digits/0 digits/2 digits/tomorrow digits/at digits/8 "
        "vm-delete vm-deleted vm-nomore vm-nomore vm-goodbye",
        boxes=(Box(messages=ONE), BRUNO),
        after={("1002", "new"): 0},
    ),
    # -- Receipts --------------------------------------------------------------------------------------------------------
    PhoneCall(
        "ask_for_a_receipt",
        "5 in the review of a message that is sent asks for a receipt; once more, and it does not",
        OWN,
        IN
        + "w:vm-opts d:3 w:vm-leavemsg d:5 w:vm-extension d:1002# "
        + RECORD
        + "d:5 w:activated w:vm-review d:5 w:de-activated w:vm-review d:5 w:activated w:vm-review d:1 w:vm-msgsaved hang",
        "vm-review activated vm-review de-activated vm-review activated vm-review vm-msgsaved",
        boxes=(Box(), BRUNO),
        after={("1002", "new"): 1},
        status="",
    ),
    PhoneCall(
        "ask_for_a_receipt_of_a_forwarded_message_in_english",
        "5 where one chooses how to forward",
        OWN,
        IN
        + "w:vm-opts d:1 w:vm-toforward d:8 w:vm-extension d:1002# w:vm-forwardoptions d:5 w:activated w:vm-forwardoptions d:2 "
        + "w:vm-msgforwarded hang",
        "<sound> vm-forwardoptions activated vm-forwardoptions vm-msgforwarded",
        boxes=(Box(messages=ONE, language="en"), BRUNO),
        after={("1002", "new"): 1},
        status="",
        language="en",
    ),
    *(
        PhoneCall(
            f"who_heard_what_was_sent_{language}",
            "3 0 says who heard what was sent, and when; who has not heard it is not named",
            OWN,
            IN + "w:vm-opts d:30 w:vm-received w:vm-next d:6 w:vm-received w:vm-starmain d:* w:vm-opts d:# end:15",
            "digits/1 digits/0 digits/0 digits/3 vm-received vm-next digits/1 digits/0 digits/0 digits/2 vm-received vm-next "
            "vm-opts vm-goodbye",
            boxes=(Box(language=language, receipts=("1002", "1003", "-1004")),),
            never="digits/4",
            language=language,
        )
        for language in ("fr", "en")
    ),
    # -- Further numbers of a mailbox (aliases) --------------------------------------------------------------------------
    PhoneCall(
        "a_call_for_an_alias",
        "a caller of a mailbox's other number leaves a message in the mailbox",
        "1009",
        RECORD + "d:1 end:15",
        "vm-theperson digits/1 digits/0 digits/0 digits/1 vm-isunavail vm-intro-short beep vm-review vm-msgsaved",
        boxes=(Box(aliases="1009,+15145550109"),),
        caller="0612345678",
        variables=LEAVE,
        after={("1001", "new"): 1},
    ),
    PhoneCall(
        "a_call_for_an_alias_in_english",
        "the same in a mailbox whose language is English",
        "1009",
        RECORD + "d:1 end:15",
        "vm-theperson digits/1 digits/0 digits/0 digits/1 vm-isunavail vm-intro-short beep vm-review vm-msgsaved",
        boxes=(Box(aliases="+15145550109,1009", language="en"),),
        caller="0612345678",
        variables=LEAVE,
        after={("1001", "new"): 1},
        language="en",
    ),
    PhoneCall(
        "an_alias_with_the_mailboxs_pin",
        "*98 takes a mailbox's other number, with its PIN",
        "*98",
        "w:vm-login d:1009# w:vm-password d:4821# w:vm-opts d:1 w:vm-delete d:# end:15",
        "vm-login vm-password vm-onefor digits/1 vm-INBOX <sound> vm-goodbye",
        boxes=(Box(aliases="1009", messages=ONE),),
        caller="0612345678",
        after={("1001", "old"): 1},
    ),
    PhoneCall(
        "the_telephone_of_an_alias",
        "a telephone registered under the mailbox's other number is its own",
        OWN,
        IN + "w:vm-opts d:1 w:vm-delete d:7 w:vm-deleted d:# end:15",
        "vm-password vm-onefor digits/1 vm-INBOX <sound> vm-deleted vm-goodbye",
        boxes=(Box(aliases="1009", messages=ONE),),
        caller="1009",
        after={("1001", "trash"): 1},
    ),
    PhoneCall(
        "send_to_a_number_and_its_alias",
        "3 5 to a mailbox by both of its numbers: it gets the message once",
        OWN,
        IN + "w:vm-opts d:3 w:vm-leavemsg d:5 w:vm-extension d:1002*1012# " + RECORD + "d:1 w:vm-msgsaved hang",
        "vm-extension vm-intro-short beep vm-review vm-msgsaved",
        boxes=(Box(), Box("1002", "Bruno Petit", "7319", aliases="1012")),
        after={("1002", "new"): 1},
        status="",
    ),
    # -- In English ------------------------------------------------------------------------------------------------------
    PhoneCall(
        "listening_in_english",
        "a mailbox of its own language is spoken to in it after the log-in",
        OWN,
        IN + "w:vm-opts d:1 w:vm-repeat d:7 w:vm-deleted d:# end:15",
        "vm-youhave digits/1 vm-INBOX vm-message vm-first vm-message vm-received digits/today <sound> vm-deleted vm-goodbye",
        boxes=(Box(language="en", messages=ONE, options={"brief": "no"}),),
        after={("1001", "trash"): 1},
        language="en",
    ),
    PhoneCall(
        "leaving_in_english",
        "vm_language chooses the caller's language",
        "1001",
        RECORD + "d:1 end:15",
        "vm-theperson vm-isunavail vm-intro-short beep vm-review vm-msgsaved",
        caller="0612345678",
        variables=LEAVE | {"vm_language": "en"},
        after={("1001", "new"): 1},
        language="en",
    ),
    *(
        PhoneCall(
            f"notices_off_and_on_{language}",
            "0 7 stops the notices of a mailbox that has rules for them, and has them again",
            OWN,
            IN
            + "w:vm-opts d:0 w:vm-options d:7 w:de-activated w:vm-options d:7 w:activated w:vm-options d:* w:vm-opts d:# end:15",
            "vm-options de-activated activated vm-goodbye",
            boxes=(Box(language=language, options={"notify_rules": "none sat,sun"}),),
            language=language,
        )
        for language in ("fr", "en")
    ),
    PhoneCall(
        "no_notices_to_stop",
        "0 7 does nothing where the mailbox has no rules",
        OWN,
        IN + "w:vm-opts d:0 w:vm-options d:7 w:vm-sorry hang",
        "vm-options vm-sorry",
        never="de-activated activated",
        status="",
    ),
    # -- A call that announces a message -------------------------------------------------------------------------------
    *(
        PhoneCall(
            f"told_by_telephone_{language}",
            "a call to the owner's mobile says how many new messages there are; 1 and the PIN lead to them",
            MOBILE,
            "w:vm-onefor* d:1 w:vm-password d:4821# w:vm-opts d:1 w:<sound> w:vm-delete d:# end:15",
            "vm-extension digits/1 digits/0 digits/0 digits/1 vm-youhave vm-INBOX vm-message vm-password vm-onefor vm-opts <sound> vm-goodbye",
            boxes=(Box(language=language, messages=ONE),),
            caller="5145550199",
            variables=NOTICE,
            after={("1001", "old"): 1},
            language=language,
        )
        for language in ("fr", "en")
    ),
    PhoneCall(
        "told_by_telephone_to_a_machine",
        "a voicemail that answers presses no key: it hears the announcement three times, and neither PIN nor message is spoken of",
        MOBILE,
        "w:vm-youhave w:vm-youhave@40 w:vm-youhave@40 w:vm-goodbye@40 end:15",
        "<sound> vm-youhave vm-Urgent <sound> vm-youhave <sound> vm-youhave vm-goodbye",
        boxes=(Box(messages=(Msg(urgent=True),), greetings=("name",)),),
        never="vm-password vm-first vm-received",
        caller="5145550199",
        variables=NOTICE,
        after={("1001", "new"): 1},
        status="FAILED",
    ),
    PhoneCall(
        "told_by_telephone_and_wrong_pins",
        "whoever answers has three attempts at the PIN, as from any other telephone",
        MOBILE,
        "w:vm-youhave d:1 w:vm-password d:1111# w:vm-password d:2222# w:vm-password d:3333# end:25",
        "vm-youhave vm-password vm-incorrect vm-password vm-incorrect vm-password vm-incorrect vm-goodbye",
        boxes=(Box(messages=ONE),),
        never="vm-opts",
        caller="5145550199",
        variables=NOTICE,
        after={("1001", "new"): 1},
        status="FAILED",
    ),
    PhoneCall(
        "told_by_telephone_and_no_more_of_it",
        "# says that one knows; another key has it said again",
        MOBILE,
        "w:vm-youhave d:5 w:vm-youhave d:# end:15",
        "vm-youhave vm-youhave vm-goodbye",
        boxes=(Box(messages=ONE),),
        never="vm-password",
        caller="5145550199",
        variables=NOTICE,
        after={("1001", "new"): 1},
    ),
]
