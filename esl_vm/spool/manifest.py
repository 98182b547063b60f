"""What is known of a take, and how it is written: one byte for the version, then msgpack records one after the other.

A record is a list: the CRC-32 of a packed map, and that map. The first one says what the take is, each later one what
has changed. The CRC tells a record that a power cut left half-written, be its rest missing or zeros.
"""

from __future__ import annotations

import binascii
import dataclasses
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import msgpack

from esl_vm.model.errors import InvalidValueError
from esl_vm.model.mailbox import Folder, Greeting, MailboxId
from esl_vm.model.message import ID_PATTERN, Caller, Message

if TYPE_CHECKING:
    from collections.abc import Iterator

VERSION = 1

#: What is added to a message's id to name its introduction's sound.
INTRO_SUFFIX = ".intro"


def copy_id(message_id: str, place: int) -> str:
    """The id of a message's copy in the mailbox at that place of its list: the first one has the id itself."""
    return f"{message_id}.{place}" if place else message_id


class ManifestError(ValueError):
    """The file is no manifest that can be read. The sentence says why."""


class NewerManifestError(ManifestError):
    """The file was written by a newer version of this service, which alone may touch it."""


class Kind(StrEnum):
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
        boxes: where it goes. A greeting has one, a sound none.
        message: what the recording becomes; None for a greeting or a sound.
        greeting: which one; None for a message. starts, ends: a temporary greeting's dates, epoch seconds; 0 = open.
        replaces: the sound id of the greeting that was in force when this one was recorded, `` = none or not known.
        min_ms: shortest message kept.
        trim: silence at the end does not count, and is cut off. threshold: below it is silence, 0 to 32767.
        part: which attempt at the recording counts, from 1. intro: an introduction lies beside it.
        recorded_ms: what FreeSWITCH said its length is when it ended; -1 = it has not ended.
        fitted: the trimmed or repaired recording lies beside it and is the one that counts.
        cut: the recording was cut short by a failure.
        urgent: marked by the caller.
        accepted: decided to be kept (a greeting is not, until it is said). discarded: decided to be dropped.
        tried: how many of the mailboxes were asked to take it so far, whatever they answered.
        promised: the caller was told that it is kept although it could not be delivered.
        elsewhere: the recording is not on this host. adopted: it is here, the call was served by another host.
        problem: why it could not be settled so far. aside: why it was set aside.
    """

    kind: Kind
    id: str
    node: str = ""
    call_node: str = ""
    made: float = 0.0
    boxes: tuple[MailboxId, ...] = ()
    message: Message | None = None
    greeting: Greeting | None = None
    starts: int = 0
    ends: int = 0
    replaces: str = ""
    min_ms: int = 0
    trim: bool = False
    threshold: int = 0
    part: int = 1
    intro: bool = False
    recorded_ms: int = -1
    fitted: bool = False
    cut: bool = False
    urgent: bool = False
    accepted: bool = False
    discarded: bool = False
    tried: int = 0
    promised: bool = False
    elsewhere: bool = False
    adopted: bool = False
    problem: str = ""
    aside: str = ""

    def __post_init__(self) -> None:
        if not ID_PATTERN.fullmatch(copy_id(self.id, len(self.boxes)) + INTRO_SUFFIX):
            raise InvalidValueError(f"not an id for a take: {self.id!r}")
        expected = (
            (self.message is not None, self.greeting is not None, bool(self.boxes)),
            {
                Kind.MESSAGE: (True, False, True),
                Kind.FORWARD: (True, False, True),
                Kind.GREETING: (False, True, True),
                Kind.SOUND: (False, False, False),
            }[self.kind],
        )
        if expected[0] != expected[1]:
            raise InvalidValueError(f"a {self.kind} does not go with these fields")

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
    if content[0] > VERSION:
        raise NewerManifestError(f"the manifest has version {content[0]}, this service writes {VERSION}")
    if content[0] != VERSION:
        raise ManifestError(f"the manifest has the unknown version {content[0]}")
    fields: dict[str, Any] = {}
    whole = 1
    for record, end in _records(content[1:]):
        fields |= record
        whole = 1 + end
    try:
        known = {name: _value(name, value) for name, value in fields.items() if name in _FIELDS}
        return Manifest(**known), whole
    except (TypeError, ValueError, KeyError) as error:
        raise ManifestError(f"the manifest is broken: {error}") from error


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
        case Message() | Caller():
            return {one.name: _plain(getattr(value, one.name)) for one in dataclasses.fields(value)}
        case _:
            return value


def _value(name: str, value: Any) -> Any:
    """The field's value again; raises TypeError, ValueError or KeyError for what it can't be."""
    match name:
        case "kind":
            return Kind(value)
        case "boxes":
            return tuple(MailboxId.parse(box) for box in value)
        case "message" if value is not None:
            known = {one.name: value[one.name] for one in dataclasses.fields(Message) if one.name in value}
            return Message(**known | {"caller": Caller(**value["caller"]), "folder": Folder(value["folder"])})
        case "greeting" if value is not None:
            return Greeting(value)
        case "message" | "greeting":
            return None
        case _:
            kind = type(_FIELDS[name].default) if name != "id" else str
            if not isinstance(value, (kind, int) if kind is float else kind):
                raise TypeError(f"{name} is {type(value).__name__}")
            return value
