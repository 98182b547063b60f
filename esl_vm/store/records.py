"""Between Redis's fields (bytes) and the model's values."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

import msgpack

from esl_vm.model.errors import InvalidValueError
from esl_vm.model.mailbox import Folder, Greeting, Mailbox, StoredGreeting
from esl_vm.model.message import CallDetails, Caller, Counts, Message
from esl_vm.model.options import FIELDS, parse_option
from esl_vm.model.owners import OTHERS, Owner
from esl_vm.model.sealing import close_text, close_transcript, open_text, open_transcript
from esl_vm.model.transcript import Transcript
from esl_vm.store.keys import FOLDERS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from esl_vm.model.mailbox import MailboxId
    from esl_vm.model.options import MailboxOptions
    from esl_vm.model.sealing import Seal

PAYLOAD_VERSION = 1
GREETING_FIELDS = tuple(f"greeting.{greeting.value}" for greeting in Greeting)


def text(value: bytes | str | None) -> str:
    """A field as text. What an administrator wrote in another encoding than UTF-8 does not stop a call."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else (value or "")


def texts(found: Mapping[bytes, bytes]) -> dict[str, str]:
    """A hash as text."""
    return {text(name): text(value) for name, value in found.items()}


def pairs(flat: Sequence[str]) -> dict[str, str]:
    """Fields from names and values in turn."""
    return dict(zip(flat[::2], flat[1::2], strict=True))


def number(value: str | None) -> int:
    """A whole number, 0 for what is none."""
    try:
        return int(float(value or 0))
    except (ValueError, OverflowError):
        return 0


def message_payload(message: Message) -> dict[str, Any]:
    """What the event of a delivery says of the message; what is as usual is left out."""
    payload = {name: value for name, value in _fields_of(message).items() if value}
    if message.transcript and message.transcript.text:
        payload["text_length"] = len(message.transcript.text)  # events say no word of it
    return payload


def message_fields(message: Message, seal: Seal) -> dict[str, str]:
    """A message's fields but its folder; what is as usual is left out, an `urgent` of 0 never stands there.

    Raises SealedError where what is said in it can't be sealed.
    """
    fields = {name: _word(value) for name, value in _fields_of(message).items() if value or name == "duration_ms"}
    if message.note:
        fields["note"] = close_text(seal, message.note)
    if message.transcript:
        fields["transcript"] = close_transcript(seal, message.transcript).stored()
    return fields


def _fields_of(message: Message) -> dict[str, Any]:
    return {
        "caller_number": message.caller.number,
        "caller_name": message.caller.name,
        "received": message.received,
        "arrived": message.arrived,
        "duration_ms": message.duration_ms,
        "origin": message.origin,
        "urgent": message.urgent,
        "heard": message.heard,
        "cut": message.cut,
        "intro_id": message.intro_id,
        "intro_ms": message.intro_ms,
        "forwarded_by": message.forwarded_by,
        "handled_by": message.handled_by,
        "handled_at": message.handled_at,
        "until": message.until,
        "receipt": message.receipt,
        **message.call.as_fields(),
    }


def message_of(message_id: str, fields: Mapping[str, str], seal: Seal) -> Message:
    """A message from its fields."""
    return Message(
        id=message_id,
        caller=Caller(fields.get("caller_number", ""), fields.get("caller_name", "")),
        received=_seconds(fields.get("received", "")),
        arrived=_seconds(fields.get("arrived", "")),
        duration_ms=number(fields.get("duration_ms")),
        urgent="urgent" in fields,
        heard="heard" in fields,
        folder=_folder(fields.get("folder", "")),
        origin=fields.get("origin", "call"),
        cut="cut" in fields,
        intro_id=fields.get("intro_id", ""),
        intro_ms=number(fields.get("intro_ms")),
        forwarded_by=fields.get("forwarded_by", ""),
        call=CallDetails.of(fields),
        transcript=open_transcript(seal, Transcript.of(fields["transcript"])) if "transcript" in fields else None,
        handled_by=fields.get("handled_by", ""),
        handled_at=_seconds(fields.get("handled_at", "")),
        note=open_text(seal, fields.get("note", "")),
        until=_seconds(fields.get("until", "")),
        receipt=fields.get("receipt", ""),
    )


def _folder(value: str) -> Folder:
    """A folder; what was written by hand and is none does not hide the message, nor those beside it."""
    return Folder(value) if value in FOLDERS else Folder.NEW


def _word(value: str | float) -> str:
    if isinstance(value, bool):
        return str(int(value))
    return f"{value:.3f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def _seconds(value: str) -> float:
    try:
        return float(value or 0)
    except ValueError:
        return 0.0


def counts_of(numbers: Sequence[int]) -> Counts:
    """Counts as `counts.lua` returns them."""
    return Counts(dict(zip(FOLDERS, numbers, strict=False)), numbers[len(FOLDERS)], numbers[len(FOLDERS) + 1])


def mailbox_of(box: MailboxId, fields: Mapping[str, str], counts: Counts, defaults: MailboxOptions) -> Mailbox:
    """A mailbox from its fields. An option that can't be read (set by hand) is the default: a call goes on."""
    own: dict[str, Any] = {}
    for name in FIELDS.keys() & fields.keys():
        try:
            own[name] = parse_option(name, fields[name])
        except InvalidValueError:
            continue
    return Mailbox(
        id=box,
        counts=counts,
        name=fields.get("name", ""),
        language=fields.get("language", ""),
        timezone=fields.get("timezone", ""),
        email=fields.get("email", ""),
        pager=fields.get("pager", ""),
        has_pin="pin" in fields,
        pin_is_initial=fields.get("pin_initial") == "yes",
        pin_changed=_seconds(fields.get("pin_changed", "")),
        pin_mark=fields.get("pin_mark") or fields.get("pin", "").rpartition("$")[2] or fields.get("created", ""),
        greetings={g: stored for g in Greeting if (stored := _greeting(fields, f"greeting.{g.value}")) is not None},
        options=dataclasses.replace(defaults, **own) if own else defaults,
        extensions=_words(fields.get("extensions", "")),
        aliases=_words(fields.get("aliases", "")),
        copies=_words(fields.get("copies", "")),
        sound_ms=number(fields.get("sound_ms")),
        others=tuple(
            Owner(one, owner["name"], bool(owner.get("initial")), float(owner.get("changed", 0)), owner["mark"])
            for one in OTHERS
            if (owner := _owner(fields.get(f"owner.{one}")))
        ),
    )


def _words(field: str) -> tuple[str, ...]:
    return tuple(word for word in field.split(",") if word)


def _owner(kept: str | None) -> dict[str, Any]:
    """An owner besides the first, as `set_owner.lua` keeps him; nothing where it can't be read."""
    try:
        found = json.loads(kept or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) and {"name", "mark"} <= found.keys() else {}


def _greeting(fields: Mapping[str, str], field: str) -> StoredGreeting | None:
    if not fields.get(field):
        return None
    return StoredGreeting(
        audio_id=fields[field],
        duration_ms=number(fields.get(f"{field}.ms")),
        starts=number(fields.get(f"{field}.starts")),
        ends=number(fields.get(f"{field}.ends")),
    )


def pack_payload(details: Mapping[str, Any]) -> bytes:
    """An event's payload: a byte with the version, then msgpack."""
    return bytes((PAYLOAD_VERSION,)) + msgpack.packb(dict(details))  # type: ignore[no-any-return]


def unpack_payload(payload: bytes) -> dict[str, Any]:
    """The other way; a payload of a version yet unknown, or a broken one, is empty."""
    if payload[:1] != bytes((PAYLOAD_VERSION,)):
        return {}
    try:
        details = msgpack.unpackb(payload[1:])
    except (ValueError, msgpack.UnpackException):
        return {}
    return details if isinstance(details, dict) else {}
