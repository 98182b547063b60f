"""One sound into many mailboxes, into each exactly once, however often it is begun again."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from esl_vm.model.errors import InvalidValueError
from esl_vm.model.mailbox import Folder, MailboxId
from esl_vm.model.store import Delivery
from esl_vm.recordings.manifest import copy_id

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from esl_vm.model.message import Message
    from esl_vm.ports import AudioStore, Mailboxes

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


@dataclass(slots=True)
class BroadcastResult:
    """What became of a broadcast, mailbox by mailbox.

    Args:
        name: the broadcast's. total: mailboxes it is for. sent, already: got it now, had it before (or deleted it).
        full: had no room. closed: take no messages. missing: are not there (any more).
    """

    name: str
    total: int
    sent: int = 0
    already: int = 0
    full: list[MailboxId] = field(default_factory=list)
    closed: list[MailboxId] = field(default_factory=list)
    missing: list[MailboxId] = field(default_factory=list)

    @property
    def everybody(self) -> bool:
        """Whether all that take messages have it."""
        return not (self.full or self.missing)

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "id": self.name,
            "mailboxes": self.total,
            "sent": self.sent,
            "already": self.already,
            "full": [str(box) for box in self.full],
            "closed": [str(box) for box in self.closed],
            "missing": [str(box) for box in self.missing],
        }

    def count(self, box: MailboxId, delivery: Delivery) -> None:
        """One mailbox more."""
        match delivery:
            case Delivery.DONE:
                self.sent += 1
            case Delivery.ALREADY | Delivery.DELETED:
                self.already += 1
            case Delivery.FULL:
                self.full.append(box)
            case Delivery.CLOSED:
                self.closed.append(box)
            case Delivery.NO_MAILBOX:
                self.missing.append(box)


def named(given: str, sound: Path) -> tuple[str, str]:
    """A broadcast's name (the one given, else made from the sound), and what tells its sound from others.

    Raises:
        InvalidValueError: the name given can't be one.
    """
    if given and not _NAME.fullmatch(given):
        raise InvalidValueError(f"a broadcast's id is letters, digits and _ . -, not {given!r}")
    digest = hashlib.sha256(sound.read_bytes()).hexdigest()
    return given or digest[:16], digest


def send_to_all(
    mailboxes: Mailboxes,
    audio: AudioStore,
    message: Message,
    sound: Path,
    boxes: Sequence[MailboxId],
    result: BroadcastResult,
    each: Callable[[int, MailboxId], object] = lambda _place, _box: None,
) -> None:
    """Put a message into each of these mailboxes; what was counted so far stands in `result`, whatever is raised.

    Args:
        mailboxes: where they are.
        audio: where the sound is kept.
        message: as it is to be; its id is made for each mailbox.
        sound: its sound.
        boxes: for whom it is.
        result: is filled in.
        each: told before each mailbox of its place and name.
    """
    for place, box in enumerate(boxes):
        each(place, box)
        mailbox = mailboxes.open(box)
        if mailbox is None:
            result.missing.append(box)
        elif not mailbox.takes_messages:
            result.closed.append(box)
        else:
            result.count(box, _deliver(mailboxes, audio, box, message, sound, result.name))


def _deliver(
    mailboxes: Mailboxes, audio: AudioStore, box: MailboxId, message: Message, sound: Path, name: str
) -> Delivery:
    """Put the message into one mailbox: its id is the same each time, so the store takes it once.

    The sound comes first, as with every message, and is kept once for all mailboxes: their ids are those of copies of one
    message. One stored just now for a mailbox that did not take it goes again.
    """
    begun = f"{int(message.received * 1000):011x}"
    digest = hashlib.sha256(f"{name}\0{box}".encode()).hexdigest()
    common = f"{begun}-{hashlib.sha256(name.encode()).hexdigest()[:12]}"
    own = replace(message, id=copy_id(common, int(digest[:12], 16)), folder=Folder.NEW)
    former = f"{begun}-{digest[:12]}"  # of a broadcast that 0.1.0 began
    if audio.exists(former):
        own = replace(own, id=former)
    new = not audio.exists(own.id)
    if new:
        audio.put_many([own.id], sound)
    delivery = mailboxes.deliver(box, own)
    if new and delivery not in {Delivery.DONE, Delivery.ALREADY}:
        audio.delete(own.id)
    return delivery
