"""A mailbox's options, under names close to voicemail.conf's; each can be set per mailbox and as a default."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from difflib import get_close_matches

from esl_vm.model.errors import InvalidValueError
from esl_vm.model.exits import EXTENSION, exits_text, parse_exits
from esl_vm.model.greeting_rules import parse_rules, rules_text
from esl_vm.model.notify_rules import notify_rules_text, parse_notify_rules
from esl_vm.model.retention import parse_retention, retention_text
from esl_vm.model.units import Seconds


def _number(default: int, high: int, *, low: int = 0) -> int:
    """An option that is a number, and its range."""
    number: int = dataclasses.field(default=default, metadata={"range": (low, high)})
    return number


@dataclass(frozen=True, slots=True)
class MailboxOptions:
    """What an administrator may set for a mailbox. Seconds, milliseconds and counts as named; see docs/options.md.

    Args:
        maxmsg: most messages in a folder; 0 = announcement only (no message is taken).
        maxsecs: longest message, seconds; 0 = no limit. minsecs: shortest message kept, seconds.
        maxgreet: longest greeting, seconds; 0 = no limit.
        maxsilence: seconds of silence that end a recording; 0 = never.
        silencethreshold: level of a sample (16 bits) below which it is silence.
        skipms: how far # and * jump in a message, milliseconds.
        maxlogins: attempts at the PIN in one call.
        review: the caller may listen, record again or mark urgent before it is kept.
        operator: the extension reached by 0; empty = none.
        leaveurgent: the caller may mark a message urgent.
        envelope: say when a message came. envelope_ago: how long ago, for a day. saycid: say who left it.
        internal_names: say a caller who has a mailbox in the same domain by name, or as an extension.
        sayduration: say its length. saydurationm: of messages of so many minutes and more.
        forward_deletes: a message that was forwarded by telephone goes to the trash.
        sendvoicemail: offer 3 5. send_lists: distribution lists may be sent and forwarded to.
        send_most: most mailboxes that one message may be sent or forwarded to; 0 = no limit.
        moveheard: heard messages go to Old.
        receipts: who asks for it is told when the owner hears his message.
        newest_first: the newest message is played first, urgent ones before the others as ever.
        brief: say what is wanted most first, and menus in short once they were heard; no = as Comedian Mail does.
        autoplay: new messages are played at once after the log-in; with brief, who left them is said behind them.
        nextaftercmd: after 7 or 9 play the next message. messagewrap: 4 and 6 wrap around.
        tempgreetwarn: remind the owner of an active temporary greeting.
        force_name: lead an owner without a recorded name to record it. force_greetings: likewise the greetings.
        hidefromdir: leave the mailbox out of the directory.
        skip_instructions: no "please leave your message after the tone".
        usedirectory: offer finding a recipient by name in send and forward.
        callback: 3 2, calling back who left a message, is allowed. dialout: 3 4, dialling out, is.
        call_patterns: numbers that may be dialled so: patterns of digits, X (any digit), . (any rest); comma between.
        calls_per_day: most calls so made from this mailbox in 24 hours. calls_per_hour: in one hour.
        attach: send the sound by mail. delete: to the trash once the mail was accepted.
        transcribe: messages are written down, where an engine is set. transcripts_wanted: so does its owner wish it.
        trash_days: days a deleted message can be restored; 0 = deleted at once.
        retention_days: days after which any message goes to the trash; 0 = never. retention_folders: of some folders other
            days; see `retention.py`.
        greeting_login: * in the greeting asks for the PIN.
        quota_seconds: most seconds of sound in all folders; 0 = no limit.
        pin_locked: the owner may not change the PIN.
        announce_only: plays the greeting and takes no message (the same as maxmsg 0).
        greeting_rules: which greeting is heard when, and by whom; see `greeting_rules.py`.
        notices: messages are told of at all; no = to nobody but webhooks that are told of everything.
        notify_rules: by which ways a message is told, to whom and when; see `notify_rules.py`.
        exits: where keys in the greeting lead, and callers for some reason; see `exits.py`.
        press_to_leave: a caller must press 1 before the tone; who presses nothing leaves no message.
    """

    maxmsg: int = _number(100, 9999)
    maxsecs: Seconds = Seconds(_number(300, 86400))
    minsecs: Seconds = Seconds(_number(1, 3600))
    maxgreet: Seconds = Seconds(_number(120, 3600))
    maxsilence: Seconds = Seconds(_number(10, 3600))
    silencethreshold: int = _number(128, 32767)
    skipms: int = _number(3000, 600000, low=100)
    maxlogins: int = _number(3, 10, low=1)
    review: bool = True
    operator: str = ""
    leaveurgent: bool = True
    envelope: bool = True
    envelope_ago: bool = False
    saycid: bool = True
    internal_names: bool = True
    sayduration: bool = True
    saydurationm: int = _number(2, 1440)
    forward_deletes: bool = False
    sendvoicemail: bool = True
    send_lists: bool = True
    send_most: int = _number(200, 10000)
    moveheard: bool = True
    receipts: bool = True
    newest_first: bool = False
    brief: bool = True
    autoplay: bool = False
    nextaftercmd: bool = False
    messagewrap: bool = False
    tempgreetwarn: bool = True
    force_name: bool = False
    force_greetings: bool = False
    hidefromdir: bool = False
    skip_instructions: bool = False
    usedirectory: bool = False
    callback: bool = False
    dialout: bool = False
    call_patterns: str = ""
    calls_per_day: int = _number(20, 10000)
    calls_per_hour: int = _number(10, 10000)
    attach: bool = True
    delete: bool = False
    transcribe: bool = False
    transcripts_wanted: bool = True
    trash_days: int = _number(14, 3650)
    retention_days: int = _number(0, 36500)
    retention_folders: str = ""
    quota_seconds: int = _number(0, 10**9)
    pin_locked: bool = False
    greeting_login: bool = True
    announce_only: bool = False
    greeting_rules: str = ""
    notices: bool = True
    notify_rules: str = ""
    exits: str = ""
    press_to_leave: bool = False

    def days_kept(self, folder: str) -> int:
        """Days after it came that a message in that folder goes to the trash, or out of the trash; 0 = never (of the trash: at once)."""
        if folder == "trash":
            return self.trash_days
        return parse_retention(self.retention_folders).get(folder, self.retention_days)

    @property
    def retires(self) -> bool:
        """Whether any message goes to the trash by its age."""
        return bool(self.retention_days or any(parse_retention(self.retention_folders).values()))


FIELDS = {f.name: f for f in dataclasses.fields(MailboxOptions)}
RANGES: dict[str, tuple[int, int]] = {name: one.metadata["range"] for name, one in FIELDS.items() if one.metadata}
_YES = {"yes", "true", "on", "1", "y"}
_NO = {"no", "false", "off", "0", "n"}
_BARE = {name.replace("_", ""): name for name in FIELDS}


def option_name(name: str) -> str:
    """The option meant by `forcename`, `force-name` or `Force_Name`; raises InvalidValueError with a suggestion."""
    bare = re.sub(r"[-_]", "", name.lower())
    if bare in _BARE:
        return _BARE[bare]
    near = get_close_matches(bare, _BARE, n=1)
    hint = f"; did you mean {_BARE[near[0]]}?" if near else ""
    raise InvalidValueError(f"no such mailbox option: {name!r}{hint}")


def parse_option(name: str, text: str) -> bool | int | str:
    """An option's value from an administrator's text; raises InvalidValueError."""
    default = FIELDS[name].default
    word = text.strip()
    if isinstance(default, bool):
        if word.lower() in _YES | _NO:
            return word.lower() in _YES
        raise InvalidValueError(f"{name} is yes or no, not {text!r}")
    if isinstance(default, int):
        low, high = RANGES[name]
        if not re.fullmatch(r"[0-9]{1,10}", word) or not low <= int(word) <= high:
            raise InvalidValueError(f"{name} is a number from {low} to {high}, not {text!r}")
        return int(word)
    if name == "operator" and word and not EXTENSION.fullmatch(word):
        raise InvalidValueError(f"operator is an extension, not {text!r}")
    if name == "call_patterns" and not re.fullmatch(r"[0-9XNZ*#+.,\[\] -]*", word, re.IGNORECASE):
        raise InvalidValueError(f"call_patterns are digits, X and . with commas between, not {text!r}")
    if name == "greeting_rules":
        return rules_text(parse_rules(word))
    if name == "notify_rules":
        return notify_rules_text(parse_notify_rules(word))
    if name == "retention_folders":
        return retention_text(parse_retention(word))
    if name == "exits":
        return exits_text(parse_exits(word))
    return word


def option_text(value: bool | int | str) -> str:
    """An option's value as an administrator writes it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
