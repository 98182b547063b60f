"""What is known of a take, and how it is written: one byte for the version, then msgpack records one after the other.

A record is a list: the CRC-32 of a packed map, and that map. The first one says what the take is, each later one what
has changed. The CRC tells a record that a power cut left half-written, be its rest missing or zeros.
"""

from __future__ import annotations

import binascii
import dataclasses
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import msgpack

from esl_vm.model.errors import InvalidValueError
from esl_vm.model.mailbox import Folder, Greeting, MailboxId
from esl_vm.model.message import ID_PATTERN, CallDetails, Caller, Message
from esl_vm.model.transcript import Transcript
from esl_vm.model.units import Milliseconds

if TYPE_CHECKING:
    from collections.abc import Iterator

VERSION = 1
_LAST_VERSION = 31  # what begins with a letter is some other file
MOST_BYTES = 4 << 20
"""No manifest is longer: one with a thousand mailboxes has 50 kB."""
_MOST_PARTS = 9999
_MOST_SECONDS = 1e11  # since 1970

#: What is added to a message's id to name its introduction's sound.
INTRO_SUFFIX = ".intro"
_COPY = re.compile(r"\.[0-9]+(?=(?:\.intro)?$)")


def copy_id(message_id: str, place: int) -> str:
    """The id of a message's copy in the mailbox at that place of its list: the first one has the id itself."""
    return f"{message_id}.{place}" if place else message_id


def original_id(audio_id: str) -> str:
    """Of which message, or introduction, that is a copy; the same sound lies under both. The other way of `copy_id`."""
    return _COPY.sub("", audio_id)


class ManifestError(ValueError):
    """The file is no manifest that can be read. The sentence says why."""


class NewerManifestError(ManifestError):
    """The file was written by a newer version of this service, which alone may touch it."""


class TakeKind(StrEnum):
    """What a take is on its way to become."""

    MESSAGE = "message"
    GREETING = "greeting"
    SOUND = "sound"
    FORWARD = "forward"


@dataclass(frozen=True, slots=True)
class Manifest:
    """All that must be known to settle a take without the call that made it.

    Args:
        kind: what it is. id: of the message or the sound; also the name of its files.
        node: whose service wrote it. call_node: whose FreeSWITCH records it; `` = not known.
        made: epoch seconds.
        boxes: where it goes. A greeting has one; a sound, the introduction of a message sent on, those of that message.
        message: what the recording becomes, or introduces; None for a greeting.
        source, source_intro: the sounds of the message that a sound introduces.
        greeting: which one; None for a message. starts, ends: a temporary greeting's dates, epoch seconds; 0 = open.
        replaces: the sound id of the greeting that was active when this one was recorded, `` = none or not known.
        min_ms: shortest message kept.
        trim: silence at the end does not count, and is cut off. threshold: below it is silence, 0 to 32767.
        part: which attempt at the recording counts, from 1. intro: an introduction lies beside it.
        recorded_ms: what FreeSWITCH said its length is when it ended; -1 = it has not ended.
        fitted: the recording as it is kept (trimmed, repaired, at the rate of what is stored) lies beside it and counts.
        cut: the recording was cut short by a failure.
        urgent: marked by the caller. receipt: the mailbox whose owner asked for one in the review. due: when a message is delivered, epoch seconds; 0 = at once.
        accepted: decided to be kept (a greeting is not, until it is said). discarded: decided to be dropped.
        tried: how many of the mailboxes were asked to take it so far, whatever they answered.
        promised: the caller was told that it is kept although it could not be delivered.
        elsewhere: the recording is not on this host. adopted: it is here, the call was served by another host.
        delivered: it is settled, and kept to be looked for a while longer. gone: of that, the mailboxes, by their place,
            whose copy was deleted since or never was.
        problem: why it could not be settled so far. aside: why it is in quarantine (as older versions call it).
        by: who made it (model/actor.py); whoever settles it later does so for that one.
    """

    kind: TakeKind
    id: str
    node: str = ""
    call_node: str = ""
    made: float = 0.0
    boxes: tuple[MailboxId, ...] = ()
    message: Message | None = None
    source: str = ""
    source_intro: str = ""
    greeting: Greeting | None = None
    starts: int = 0
    ends: int = 0
    replaces: str = ""
    min_ms: Milliseconds = Milliseconds(0)
    trim: bool = False
    threshold: int = 0
    part: int = 1
    intro: bool = False
    recorded_ms: int = -1
    fitted: bool = False
    cut: bool = False
    urgent: bool = False
    receipt: str = ""
    due: float = 0.0
    accepted: bool = False
    discarded: bool = False
    tried: int = 0
    promised: bool = False
    elsewhere: bool = False
    adopted: bool = False
    delivered: bool = False
    gone: tuple[int, ...] = ()
    problem: str = ""
    aside: str = ""
    by: str = ""

    def __post_init__(self) -> None:
        if not ID_PATTERN.fullmatch(copy_id(self.id, len(self.boxes)) + INTRO_SUFFIX):
            raise InvalidValueError(f"not an id for a take: {self.id!r}")
        needs = {
            TakeKind.MESSAGE: {"message", "boxes"},
            TakeKind.FORWARD: {"message", "boxes"},
            TakeKind.GREETING: {"greeting", "boxes"},
            TakeKind.SOUND: {"message", "boxes"} if self.source else set(),
        }[self.kind]
        for name in ("message", "greeting", "boxes"):
            given = bool(getattr(self, name))
            if given != (name in needs):
                raise InvalidValueError(f"the {self.kind} has {'a' if given else 'no'} {name}")
        if not 1 <= self.part <= _MOST_PARTS:
            raise InvalidValueError(f"a recording has no attempt number {self.part}")

    @property
    def foreign(self) -> bool:
        """Whether another host's FreeSWITCH records it, as far as the hosts' names tell."""
        return bool(self.node and self.call_node) and not _same_host(self.node, self.call_node)

    @property
    def at_home(self) -> bool:
        """Whether this host's FreeSWITCH records it, as far as the hosts' names tell."""
        return bool(self.node and self.call_node) and _same_host(self.node, self.call_node)

    @property
    def recipients(self) -> str:
        """Where it goes, for people."""
        return ", ".join(str(box) for box in self.boxes) or "nobody"

    @property
    def ended(self) -> bool:
        """Whether the recording is known to have ended."""
        return self.recorded_ms >= 0


_FIELDS = {one.name: one for one in dataclasses.fields(Manifest)}


def _same_host(one: str, other: str) -> bool:
    """Whether two names mean one host: with or without its domain, in any case."""
    return one.partition(".")[0].lower() == other.partition(".")[0].lower()


def encode(fields: dict[str, Any]) -> bytes:
    """Fields of a manifest as one record."""
    packed: bytes = msgpack.packb({name: _plain(value) for name, value in fields.items()})
    record: bytes = msgpack.packb([binascii.crc32(packed), packed])
    return record


def decode(content: bytes) -> tuple[Manifest, int]:
    """Read a manifest; returns it and how many bytes of it are whole.

    Raises:
        NewerManifestError: a newer version wrote it. ManifestError: it is broken.
    """
    if not content:
        raise ManifestError("the manifest is empty")
    if VERSION < content[0] <= _LAST_VERSION:
        raise NewerManifestError(f"the manifest has version {content[0]}, this service writes {VERSION}")
    if content[0] != VERSION:
        raise ManifestError("the file is no manifest of this service")
    if len(content) > MOST_BYTES:
        raise ManifestError(f"the manifest is longer than {MOST_BYTES >> 20} MiB, as none is")
    fields: dict[str, Any] = {}
    whole = 1
    for record, end in _records(content[1:]):
        fields |= record
        whole = 1 + end
    if not fields:
        raise ManifestError("the manifest is damaged: nothing in it can be read")
    if missing := [name for name in ("kind", "id") if name not in fields]:
        raise ManifestError(f"the manifest is damaged: it does not say its {' and '.join(missing)}")
    known = {}
    for name, value in fields.items():
        if name in _FIELDS:
            try:
                known[name] = _value(name, value)
            except (TypeError, ValueError, KeyError, AttributeError) as error:
                raise ManifestError(f"the manifest is damaged: its field {name!r} makes no sense") from error
    try:
        return Manifest(**known), whole
    except ValueError as error:
        raise ManifestError(f"the manifest is damaged: {error}") from error


def _records(content: bytes) -> Iterator[tuple[dict[str, Any], int]]:
    """The maps up to the first one that is not whole, and where each ends."""
    unpacker = msgpack.Unpacker()
    unpacker.feed(content)
    while True:
        try:
            match unpacker.unpack():
                case [int(crc), bytes(packed)] if crc == binascii.crc32(packed):
                    record = msgpack.unpackb(packed)
                case _:
                    return
        except (msgpack.UnpackException, ValueError, TypeError):
            return
        if not isinstance(record, dict):
            return
        yield record, unpacker.tell()


def _plain(value: Any) -> Any:
    """A value as msgpack has it."""
    match value:
        case MailboxId() | StrEnum():
            return str(value)
        case tuple():
            return [_plain(one) for one in value]
        case Transcript():
            return value.stored()
        case Message() | Caller() | CallDetails():
            return {one.name: _plain(getattr(value, one.name)) for one in dataclasses.fields(value)}
        case _:
            return value


def _value(name: str, value: Any) -> Any:
    """The field's value again; raises TypeError, ValueError, KeyError or AttributeError for what it can't be."""
    match name:
        case "kind":
            return TakeKind(value)
        case "boxes":
            return tuple(MailboxId.parse(box) for box in value)
        case "gone":
            return tuple(int(number) for number in value)
        case "message" if value is not None:
            plain = {key: it for key, it in value.items() if key not in {"caller", "folder", "call", "transcript"}}
            given = _checked(Message, plain)
            caller = Caller(**_checked(Caller, value["caller"]))
            call = CallDetails(**_checked(CallDetails, value.get("call", {})))  # older versions wrote none
            transcript = Transcript.of(value.get("transcript") or "")
            return Message(**given, caller=caller, folder=Folder(value["folder"]), call=call, transcript=transcript)
        case "greeting" if value is not None:
            return Greeting(value)
        case "message" | "greeting":
            return None
        case _:
            return _checked(Manifest, {name: value})[name]


def _checked(kind: type[Manifest | Message | Caller | CallDetails], values: dict[str, Any]) -> dict[str, Any]:
    """Those of the values that the dataclass knows; raises TypeError or ValueError for what they can't be.

    They go on to Redis, where a number without an end would be refused again and again.
    """
    defaults: dict[str, Any] = {one.name: one.default for one in dataclasses.fields(kind)}
    known = {name: value for name, value in values.items() if name in defaults}
    for name, value in known.items():
        wanted = str if name == "id" else type(defaults[name])
        if type(value) is not wanted and not (wanted is float and type(value) is int):
            raise TypeError(f"{name} is {type(value).__name__}")
        low, high = (0, _MOST_SECONDS) if wanted is float else (-1, 1 << 31)
        if isinstance(value, (int, float)) and not low <= value < high:
            raise ValueError(f"{name} is {value}")
    return known
