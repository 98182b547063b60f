"""Playing a trace's script against this service: the same mailboxes, the same options, the same caller."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

from replay.differences import Heard, State
from replay.trace import Spool, Trace

from esl_vm.dialogue.menus import WhileListening
from esl_vm.model.call import Call
from esl_vm.model.errors import InvalidValueError
from esl_vm.model.mailbox import Folder, Greeting, MailboxId, StoredGreeting
from esl_vm.model.message import Caller, Message
from esl_vm.model.options import MailboxOptions, option_name, parse_option
from esl_vm.model.pins import PinRules
from esl_vm.model.waits import Waits
from esl_vm.sound.wav import wave

FOLDERS = {"INBOX": Folder.NEW, "Urgent": Folder.NEW} | {f.value.capitalize(): f for f in Folder if f is not Folder.NEW}
GREETINGS = {
    "unavail": Greeting.UNAVAILABLE,
    "busy": Greeting.BUSY,
    "greet": Greeting.NAME,
    "temp": Greeting.TEMPORARY,
}
ASTERISK = MailboxOptions(
    maxsecs=0,
    minsecs=0,
    maxgreet=0,
    maxsilence=0,
    review=False,
    saycid=False,
    sendvoicemail=False,
    tempgreetwarn=False,
    internal_names=False,
    brief=False,
    call_patterns=".",
    calls_per_day=1000,
)
"""What voicemail.conf means where it says nothing; call back and outgoing calls go anywhere there."""
OPERATOR = "o"
MEASURED = 1795305600
"""Midnight UTC of the day on which the traces were measured: messages that were made older lie before it."""
DIGITS = dict(
    zip(
        "0123456789",
        ["INBOX", "Old", "Work", "Family", "Friends", "Cust1", "Cust2", "Cust3", "Cust4", "Cust5"],
        strict=True,
    )
)


@dataclass
class Played:
    """What came of a trace here."""

    heard: list[Heard]
    after: State
    status: str
    problems: list[str]


def options_of(trace: Trace, line: str = "") -> MailboxOptions:
    """voicemail.conf's options, with those of a mailbox's line over them."""
    options = ASTERISK
    own = dict(p.split("=", 1) for p in line.split(",", 4)[4].split("|") if "=" in p) if line.count(",") >= 4 else {}
    for name, text in {**trace.options, **own}.items():
        if name == "operator":
            there = text == "yes" and not trace.extension.endswith("-noao")
            options = replace(options, operator=OPERATOR if there else "")
        elif name in {"callback", "dialout"}:
            options = replace(options, **{name: bool(text)})
        elif name == "cidinternalcontexts":
            options = replace(options, internal_names=bool(text))
        elif name in {"delete", "attach", "language"}:
            continue
        else:
            try:
                options = replace(options, **{option_name(name): parse_option(option_name(name), text)})
            except InvalidValueError:
                continue
    return options


def listen_keys(trace: Trace) -> dict[str, WhileListening | None]:
    """The keys of a message's body, as voicemail.conf sets them."""
    names = {
        "forward": WhileListening.AHEAD,
        "reverse": WhileListening.BACK,
        "pause": WhileListening.PAUSE,
        "restart": WhileListening.RESTART,
    }
    stop = trace.options.get("listen-control-stop-key", "13456789")
    chosen = {trace.options.get(f"listen-control-{name}-key", choice.value): choice for name, choice in names.items()}
    return dict.fromkeys(stop) | {key: choice for keys, choice in chosen.items() for key in keys}


def pin_rules(trace: Trace) -> PinRules:
    """Comedian Mail's rules: only a shortest length."""
    return PinRules(shortest=max(1, int(trace.options.get("minpassword", "1"))), refuse_weak=False, failures=1000)


def waits(trace: Trace) -> Waits:
    """Comedian Mail's waits and rounds: the defaults."""
    del trace
    return Waits()


def arrival(trace: Trace, rig, folder: Path, words: str) -> None:
    """A message put into INBOX from outside while the call goes on (the script's `sh:`)."""
    match = re.search(r"/default/(\d+)/INBOX", words)
    if match is None:
        raise ValueError(f"{trace.name}: no idea how to do {words!r}")
    first = next(m for m in trace.before.messages if m.box.endswith(match[1]) and m.folder == "INBOX")
    rig.put("arrived", sound_file(folder, "arrived", first.seconds))
    message = Message(
        id="arrived",
        caller=Caller(*first.caller),
        received=rig.clock.now(),
        duration_ms=round(first.seconds * 1000),
        origin="import",
    )
    rig.deliver(MailboxId(match[1]), message)


def started(trace: Trace) -> float:
    """When the call began, epoch seconds: from what it recorded, else a minute after the newest message."""
    known = {m.fields.get("msg_id") for m in trace.before.messages}
    fresh = [int(m.fields["origtime"]) for m in trace.after.messages if m.fields.get("msg_id") not in known]
    if fresh:
        beeps = [p.at for p in trace.timeline if p.name == "beep"]
        return max(fresh) - (beeps[-1] if beeps else 0.0)
    times = [int(m.fields["origtime"]) for m in trace.before.messages if m.fields.get("origtime")]
    if not times:
        return MEASURED + 75000.0
    newest = max(times)
    return max(newest + 65.0, MEASURED + newest % 86400 + 10.0)


def call_of(trace: Trace) -> Call:
    """What the dialplan hands over: the application and its arguments as channel variables."""
    number, name = trace.caller
    variables = {"vm_language": trace.language, "domain_name": "default"}
    match = re.fullmatch(r"\(([^,]*),?(.*)\)", trace.args)
    boxes, flags = (match[1], match[2]) if match else ("", "")
    extension = trace.extension.partition("@")[0]
    if extension == "vmm":
        variables |= {"vm_action": "check", "vm_mailbox": boxes or number}
        variables["vm_skip_pin"] = "true" if "s" in flags else ""
        variables["vm_read_only"] = "true" if "r" in flags.partition("a(")[0] else ""
        if autoplay := re.search(r"a\((\w+)\)", flags):
            variables["vm_autoplay"] = FOLDERS[DIGITS.get(autoplay[1], autoplay[1])]
        destination = "*97"
    elif extension.startswith("vm"):
        reason = "busy" if "b" in flags else "unavailable" if "u" in flags else "none"
        skip = "always" if "s" in flags else "greeted" if "S" in flags else ""
        variables |= {"vm_action": "leave", "vm_mailbox": boxes or "ask", "vm_reason": reason}
        variables |= {"vm_skip_instructions": skip, "vm_urgent": "true" if "U" in flags else ""}
        destination = "1001"
    else:
        destination = extension
    return Call(uuid=f"call-{trace.name}", caller=Caller(number, name), destination=destination, variables=variables)


def sound_file(folder: Path, name: str, seconds: float) -> Path:
    """A WAV file of that length, loud throughout."""
    path = folder / f"{name}.wav"
    frames = round(seconds * 8000)
    path.write_bytes(wave((b"\x00\x20\x00\xe0" * (frames // 2 + 1))[: frames * 2], 8000))
    return path


def furnish(trace: Trace, rig, folder: Path) -> None:
    """Make the mailboxes as they were before the call."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, line in trace.mailboxes.items():
        fields = (line + ",,,,").split(",")
        pin, name = fields[0], fields[1]
        box = MailboxId(number)
        rig.add_mailbox(box, name, options_of(trace, line), language=_language(line))
        locked, pin = pin.startswith("-"), pin.removeprefix("-")
        rig.set_pin(box, pin, initial=pin == number, locked=locked)
    for message in sorted(trace.before.messages, key=lambda m: (m.box, m.folder, m.place)):
        if message.box.partition("/")[0] != "default" or message.folder not in FOLDERS:
            continue
        box = MailboxId(message.box.partition("/")[2])
        number, name = message.caller
        key = f"{message.box.replace('/', '.')}.{message.folder}.{message.place:04}"
        rig.put(key, sound_file(folder, key, message.seconds))
        urgent = message.folder == "Urgent" or message.fields.get("flag") == "Urgent"
        rig.deliver(
            box,
            Message(
                id=key,
                caller=Caller(number, name),
                received=float(message.fields.get("origtime") or 0),
                arrived=MEASURED - 86400.0 + message.place,
                duration_ms=round(float(message.fields.get("duration") or message.seconds) * 1000),
                urgent=urgent,
                folder=FOLDERS[message.folder],
                origin="import",
            ),
        )
    for (where, kind), seconds in trace.before.greetings.items():
        context, _, number = where.partition("/")
        if kind not in GREETINGS or number not in trace.mailboxes:
            continue
        if context != "default" and (f"default/{number}", kind) in trace.before.greetings:
            continue
        key = f"{context}.{number}.{kind}"
        rig.put(key, sound_file(folder, key, seconds))
        rig.set_greeting(MailboxId(number), GREETINGS[kind], StoredGreeting(key, round(seconds * 1000)))


def _language(line: str) -> str:
    match = re.search(r"language=(\w+)", line)
    return match[1] if match else ""


def wanted_state(trace: Trace) -> State:
    """How the mailboxes lie after the call on Asterisk."""
    return State(_messages(trace.after), _greetings(trace.after), _pins(trace))


def _messages(spool: Spool) -> dict[tuple[str, str], tuple]:
    found: dict[tuple[str, str], list] = {}
    for message in sorted(spool.messages, key=lambda m: (m.box, m.folder, m.place)):
        context, _, number = message.box.partition("/")
        if context != "default" or message.folder == "Deleted":
            continue
        urgent = message.folder == "Urgent" or message.fields.get("flag") == "Urgent"
        seconds = float(message.fields.get("duration") or message.seconds)
        found.setdefault((number, message.folder), []).append(entry(message.caller[0], seconds, urgent=urgent))
    return {key: tuple(value) for key, value in found.items()}


def entry(number: str, seconds: float, *, urgent: bool) -> tuple:
    """A message for comparison: caller, length, mark. Lengths within a second and a half are equal."""
    return (Caller(number).number, Near(seconds), urgent)


class Near(float):
    """Seconds that are equal when they are about the same: two recordings of one script never last the same."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, float) and abs(float(self) - float(other)) < 1.5

    def __hash__(self) -> int:
        return 0


def _greetings(spool: Spool) -> set[tuple[str, str]]:
    return {
        (where.partition("/")[2], kind)
        for where, kind in spool.greetings
        if where.startswith("default/") and kind in GREETINGS
    }


def _pins(trace: Trace) -> dict[str, str]:
    lines = trace.lines_after or trace.mailboxes
    return {number: lines.get(number, line).split(",")[0].removeprefix("-") for number, line in trace.mailboxes.items()}


def state_here(trace: Trace, rig) -> State:
    """How the mailboxes lie here after the call."""
    state = State()
    names = {v: k for k, v in FOLDERS.items() if k != "Urgent"}
    wanted = _pins(trace)
    for number in trace.mailboxes:
        box = MailboxId(number)
        for folder in Folder:
            if folder is Folder.TRASH:
                continue
            for message in rig.messages(box, folder):
                urgent = message.urgent and folder is Folder.NEW
                key = (number, "Urgent" if urgent else names[folder])
                length = (message.duration_ms + message.intro_ms) / 1000
                state.folders[key] = (
                    *state.folders.get(key, ()),
                    entry(message.caller.number, length, urgent=message.urgent),
                )
        for kind, greeting in GREETINGS.items():
            only_elsewhere = (f"lab/{number}", kind) in trace.before.greetings
            only_elsewhere = only_elsewhere and (f"default/{number}", kind) not in trace.before.greetings
            if greeting in rig.mailbox(box).greetings and not only_elsewhere:
                state.greetings.add((number, kind))
        opens = not wanted[number] if not rig.mailbox(box).has_pin else rig.pin_opens(box, wanted[number])
        state.pins[number] = wanted[number] if opens else "(another)"
    return state
