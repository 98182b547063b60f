"""What a message is, and how many there are."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

from esl_vm.model.mailbox import Folder

if TYPE_CHECKING:
    from collections.abc import Mapping

    from esl_vm.model.transcript import Transcript

_CONTROL = re.compile(r"[\x00-\x20\x7f-\xa0\u2028\u2029]+")
#: What turns the direction of all that follows it.
_TURNING = re.compile(r"[\u202a-\u202e\u2066-\u2069]")
#: Halves of letters, which no store and no mail can have.
_HALF = re.compile(r"[\ud800-\udfff]")


def one_line(text: str, longest: int = 80) -> str:
    """A text from outside as one line, cut at `longest`: control characters and runs of blanks become one blank.

    Marks that turn the direction of writing go, and what is no letter (half of one, a byte that was no UTF-8) is U+FFFD.
    """
    if text.isprintable() and "  " not in text:  # nearly always, and a quarter of the work
        return text.strip(" ")[:longest].rstrip(" ")
    return _CONTROL.sub(" ", _HALF.sub("\ufffd", _TURNING.sub("", text))).strip()[:longest].rstrip()


def is_text(text: str) -> bool:
    """Whether it is made of whole letters: an argument or a line that was no UTF-8 has halves of some."""
    return not _HALF.search(text)


#: What makes a number easier to read and is no part of it (RFC 3966, section 3: visual separators).
_SEPARATORS = str.maketrans("", "", "-.() \xa0")
_DIALABLE = re.compile(r"\+?[0-9*#]{1,32}")


def _plain_number(text: str) -> str:
    """`tel:+1-514-555-0179;phone-context=…` as `+15145550179`; what is no telephone number stays as it is."""
    if _DIALABLE.fullmatch(text):
        return text
    scheme, colon, rest = text.partition(":")
    bare = rest if colon and scheme.lower() == "tel" else text
    plain = bare.partition(";")[0].translate(_SEPARATORS)
    return plain if _DIALABLE.fullmatch(plain) else text


@dataclass(frozen=True, slots=True)
class Caller:
    """Who called. Both may be empty; neither is trusted.

    Args:
        number: as the network gave it, without the separators of RFC 3966 if it is a telephone number; cut at 64 letters.
        name: as shown; cut at 127 letters (as long as other systems keep them).
    """

    number: str = ""
    name: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "number", _plain_number(one_line(self.number, 64)))
        object.__setattr__(self, "name", one_line(self.name, 127))

    @property
    def dialable(self) -> str:
        """The number if it can be spoken and dialled (digits, one leading +), else ``."""
        return self.number if _DIALABLE.fullmatch(self.number) else ""


@dataclass(frozen=True, slots=True)
class CallDetails:
    """Which call a message came by, in the words of FreeSWITCH's call records. Any may be empty; none is trusted.

    Args:
        call_id: the Call-ID of SIP; cut at 200 letters, as `label` is at 80 and the numbers at 64.
        call_uuid: FreeSWITCH's uuid of the channel.
        dialled: the number that was dialled. diverted_from: whom it was for before another system, or the dialplan, sent it on.
        label: what the dialplan calls it (`vm_label`).
    """

    call_id: str = ""
    call_uuid: str = ""
    dialled: str = ""
    diverted_from: str = ""
    label: str = ""

    def __post_init__(self) -> None:
        for name, longest in _LONGEST.items():
            text = getattr(self, name)
            if text:  # most are not known
                plain = one_line(text, longest)
                object.__setattr__(self, name, _plain_number(plain) if name in _NUMBERS else plain)

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> CallDetails:
        """Those among other fields, by their names; what is not there is empty."""
        return cls(*(str(fields.get(name) or "") for name in CALL_FIELDS))

    def as_fields(self) -> dict[str, str]:
        """Those that are known, by their names."""
        return {name: text for name in CALL_FIELDS if (text := getattr(self, name))}


_LONGEST = {"call_id": 200, "call_uuid": 64, "dialled": 64, "diverted_from": 64, "label": 80}
_NUMBERS = frozenset({"dialled", "diverted_from"})
CALL_FIELDS = tuple(one.name for one in fields(CallDetails))


def new_id(now: float) -> str:
    """A new message or sound id: milliseconds since 1970 in hex, then 48 random bits. Sorts by time."""
    return f"{int(now * 1000):011x}-{secrets.token_hex(6)}"


ID_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")


@dataclass(frozen=True, slots=True)
class Message:
    """One message in one mailbox.

    Args:
        id: made when the recording starts, never changed; also its sound's id in the audio store.
        caller: who left it.
        received: when it was recorded, epoch seconds.
        arrived: when it came into this mailbox, where that was later (a forward); 0 = received.
        duration_ms: how long its sound plays, without the introduction, in milliseconds.
        urgent: marked by the caller, or forwarded so. heard: its sound was begun.
        folder: where it lies.
        origin: how it came: `call`, `send`, `reply`, `forward`, `import`, `broadcast`.
        cut: the recording was cut short by a failure.
        intro_id: the sound id of a spoken introduction (a forward's preface), `` if none.
        forwarded_by: the mailbox that forwarded it, as text, `` if none.
        call: the call by which it came; a forwarded message has its caller's.
        transcript: what is said in it, in writing; None where it was not transcribed (yet).
        handled_by: who deals with it, since when (`handled_at`, epoch seconds); `` = nobody said so. note: what was noted on it.
            Both stay with the mailbox: what is sent on has neither.
        until: from when it is withdrawn if nobody heard it (a broadcast's end), epoch seconds; 0 = never.
        receipt: the mailbox, as text, whose owner wants to know when it is heard; `` = nobody. What is sent on has none.
    """

    id: str
    caller: Caller = field(default_factory=Caller)
    received: float = 0.0
    arrived: float = 0.0
    duration_ms: int = 0
    urgent: bool = False
    heard: bool = False
    folder: Folder = Folder.NEW
    origin: str = "call"
    cut: bool = False
    intro_id: str = ""
    intro_ms: int = 0
    forwarded_by: str = ""
    call: CallDetails = field(default_factory=CallDetails)
    transcript: Transcript | None = field(default=None, repr=False)
    handled_by: str = ""
    handled_at: float = 0.0
    note: str = field(default="", repr=False)
    until: float = 0.0
    receipt: str = ""

    def forwarded(self, message_id: str, now: float, by: str) -> Message:
        """The message as it comes to whom it is sent on to at that time (epoch seconds); by: the mailbox that does."""
        return replace(
            self, id=message_id, arrived=now, folder=Folder.NEW, heard=False, origin="forward", forwarded_by=by,
            handled_by="", handled_at=0.0, note="",
            until=0.0, receipt="",
        )  # fmt: skip


LONGEST_NOTE, LONGEST_HANDLER = 500, 80
"""Letters of a note on a message, and of who handles it."""


@dataclass(frozen=True, slots=True)
class Counts:
    """How many messages lie in each folder. `urgent` of those in `new` are marked urgent."""

    folders: dict[Folder, int] = field(default_factory=dict)
    urgent: int = 0
    urgent_old: int = 0

    @property
    def new(self) -> int:
        """Messages in New, urgent ones included."""
        return self.folders.get(Folder.NEW, 0)

    @property
    def old(self) -> int:
        """Messages in Old."""
        return self.folders.get(Folder.OLD, 0)

    @property
    def opens(self) -> tuple[Folder, bool | None]:
        """Where an owner's visit begins: New's urgent messages, its others, Old; the first that is not empty, else New.

        The folder and whether its urgent messages, as `Mailboxes.page` takes them.
        """
        if self.urgent:
            return Folder.NEW, True
        if self.new or not self.old:
            return Folder.NEW, False
        return Folder.OLD, None

    def of(self, folder: Folder) -> int:
        """Messages in that folder."""
        return self.folders.get(folder, 0)
