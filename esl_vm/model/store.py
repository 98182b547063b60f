"""What the mailboxes' store answers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from esl_vm.model.mailbox import Folder

if TYPE_CHECKING:
    from collections.abc import Callable

    from esl_vm.model.mailbox import Greeting, Mailbox, MailboxId
    from esl_vm.model.message import Message


class Delivery(Enum):
    """What became of a message that was to be put in a folder."""

    DONE = "done"
    ALREADY = "already"
    DELETED = "deleted"
    FULL = "full"
    CLOSED = "takes no messages"
    NO_MAILBOX = "no mailbox"

    @property
    def kept(self) -> bool:
        """Whether the message is (or was, until its owner deleted it) in the mailbox."""
        return self in {Delivery.DONE, Delivery.ALREADY, Delivery.DELETED}

    @property
    def refusal(self) -> str:
        """Why the mailbox did not take it: `full`, `closed` (an announcement only) or `unknown`; `` = it did."""
        return {Delivery.FULL: "full", Delivery.CLOSED: "closed", Delivery.NO_MAILBOX: "unknown"}.get(self, "")


@dataclass(frozen=True, slots=True)
class Announced:
    """Something whose keeping was announced to somebody.

    Args:
        box: where it was put. id: of the message, or of the greeting's sound.
        at: when it was begun, epoch seconds.
        greeting: which one; None: a message.
    """

    box: MailboxId
    id: str
    at: float
    greeting: Greeting | None = None


class Fate(Enum):
    """What became of something that was put in a mailbox.

    THERE: it is there, or active. DELETED: deleted or replaced, or its mailbox was removed. LOST: the store does not
    know it. UNKNOWN: the store, or its part, can't be asked now.
    """

    THERE = "there"
    DELETED = "deleted"
    LOST = "lost"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A place in a folder's order: the store's score, then the id. Stays valid while others move and delete."""

    score: float
    id: str


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a folder: messages with their places, and how many the folder (that part of it) holds in all."""

    messages: tuple[Message, ...]
    places: tuple[Place, ...]
    total: int


@dataclass(frozen=True, slots=True)
class Entered:
    """A mailbox as its owner finds it: everything about it, and the first page of the folder that `Counts.opens` names.

    Args:
        mailbox: everything about it.
        read: gives the page, which is here already: asks the store for nothing.
        owner: whose PIN opened it; 0: none was asked, nobody knows which owner it is.
    """

    mailbox: Mailbox
    read: Callable[[], Page]
    owner: int = 0

    @property
    def total(self) -> int:
        """How many messages that folder (that part of it) holds."""
        counts = self.mailbox.counts
        folder, urgent = counts.opens
        return counts.urgent if urgent else counts.new - counts.urgent if folder is Folder.NEW else counts.old

    @property
    def page(self) -> Page:
        """The first page; taken apart each time, for many a visit looks at no message."""
        return self.read()
