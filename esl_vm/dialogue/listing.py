"""One visit's list of a folder: what was there when it was opened, read a page at a time, marked as the visit goes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from esl_vm.model.mailbox import Folder

if TYPE_CHECKING:
    from esl_vm.model.mailbox import MailboxId
    from esl_vm.model.message import Message
    from esl_vm.model.store import Entered, Page, Place
    from esl_vm.ports import Mailboxes

PAGE = 10
URGENT = "urgent"


@dataclass(slots=True)
class Entry:
    """A message in the list, and what this visit did with it: `gone` is where it went, None while it lies here.

    offered: its owner was told of it, so that keys for "this message" may mean it. heard: it sounded in this visit.
    """

    message: Message
    gone: Folder | None = None
    offered: bool = False
    heard: bool = False


@dataclass(slots=True)
class Listing:
    """A folder as it was when this visit opened it; `URGENT` is New's urgent messages, New its others.

    "Message 2" is a place in this list: nothing that others do meanwhile moves it. What arrives later is not in it.
    """

    mailboxes: Mailboxes
    box: MailboxId
    name: str
    newest: bool = False
    total: int = 0
    current: int = 0
    entries: list[Entry] = field(default_factory=list)
    _last: Place | None = None
    _entered: Entered | None = None  # its page is the first, which nobody has looked at yet

    @classmethod
    def open(cls, mailboxes: Mailboxes, box: MailboxId, name: str, *, newest: bool = False) -> Listing:
        """Open a folder (or `URGENT`), the newest message first or the oldest: reads its first page."""
        listing = cls(mailboxes, box, name, newest)
        listing.total = listing._read()
        return listing

    @classmethod
    def begun(cls, mailboxes: Mailboxes, entered: Entered) -> Listing:
        """The folder that opened when its owner entered the mailbox, whose first page was read with it."""
        mailbox = entered.mailbox
        folder, urgent = mailbox.counts.opens
        name, newest = URGENT if urgent else folder, mailbox.options.newest_first
        return cls(mailboxes, mailbox.id, name, newest, entered.total, _entered=entered)

    @property
    def folder(self) -> Folder:
        """The folder in which these messages lie."""
        return Folder.NEW if self.name == URGENT else Folder(self.name)

    def __len__(self) -> int:
        """How many messages it holds."""
        return self.total

    def entry(self, index: int) -> Entry | None:
        """The message at a place (from 0), None beyond the end."""
        while len(self.entries) <= index < self.total:
            had = len(self.entries)
            self._read()
            if len(self.entries) == had:
                self.total = had
        return self.entries[index] if 0 <= index < self.total else None

    @property
    def here(self) -> Entry | None:
        """The current message, None in an empty folder."""
        return self.entry(self.current)

    def heard_ids(self) -> list[str]:
        """Messages of this list that were heard in this visit and are still where they lay."""
        return [e.message.id for e in self.entries if e.heard and e.gone is None]

    def _read(self) -> int:
        if self._entered is not None:
            entered, self._entered = self._entered, None
            return self._take(entered.page)
        urgent = {URGENT: True, Folder.NEW: False}.get(self.name)
        page = self.mailboxes.page(
            self.box, self.folder, urgent=urgent, after=self._last, most=PAGE, newest=self.newest
        )
        return self._take(page)

    def _take(self, page: Page) -> int:
        self.entries += [Entry(message) for message in page.messages]
        if page.places:
            self._last = page.places[-1]
        return page.total
