"""An owner's visit to a mailbox: what all of its chapters share."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from esl_vm.dialogue.listing import URGENT, Entry, Listing
from esl_vm.model.errors import StoreDownError
from esl_vm.model.mailbox import Folder
from esl_vm.model.manner import Manner

if TYPE_CHECKING:
    from esl_vm.dialogue.conversation import Conversation
    from esl_vm.model.mailbox import Mailbox, MailboxId
    from esl_vm.model.options import MailboxOptions
    from esl_vm.model.owners import Owner
    from esl_vm.model.store import Entered
    from esl_vm.speech.utterance import Utterance


@dataclass(frozen=True, slots=True)
class Next:
    """What a chapter hands back to the main menu: something to say first, or a key that was already pressed.

    Args:
        said: said before the menu's list. key: taken as the main menu's key at once.
        leave: the visit is over. goodbye: say so.
    """

    said: Utterance = ()
    key: str | None = None
    leave: bool = False
    goodbye: bool = True


@dataclass(slots=True)
class Visit:
    """The owner, in: the call, the mailbox as it was at log-in, the open folder, and whether a message was played.

    Args:
        talk, mailbox: the call and the mailbox. listing: the open folder.
        after_message: the main menu offers what can be done with a message.
        silences: how often the main menu stayed without an answer.
        read_only: the mailbox stays as it is (`vm_read_only`): nothing is deleted, moved, marked heard or recorded.
        fresh: the number of messages in the open folder was not said yet.
        besides: what the main menu says next, behind what 1 does.
        colleagues: how the callers met so far are named.
        sound_first: who left a message is said behind it.
        manner: how messages are heard, until the end of the visit.
        owner: which of the mailbox's owners it is; None: nobody knows.
    """

    talk: Conversation
    mailbox: Mailbox
    listing: Listing
    after_message: bool = False
    silences: int = 0
    read_only: bool = False
    fresh: bool = True
    besides: Utterance = ()
    colleagues: dict[str, Utterance] = field(default_factory=dict)
    sound_first: bool = False
    manner: Manner = field(default_factory=Manner)
    owner: Owner | None = None
    _left: dict[str, int] = field(default_factory=dict)

    @classmethod
    def begin(cls, talk: Conversation, entered: Entered) -> Visit:
        """Open the folder in which there is something: urgent, new, old, else new."""
        read_only = talk.phone.call.flag("vm_read_only")
        mailbox, listing = entered.mailbox, Listing.begun(talk.world.mailboxes, entered)
        return cls(talk, mailbox, listing, read_only=read_only, owner=mailbox.owner(entered.owner))

    @property
    def box(self) -> MailboxId:
        """The mailbox's name."""
        return self.mailbox.id

    @property
    def options(self) -> MailboxOptions:
        """The mailbox's options."""
        return self.mailbox.options

    @property
    def here(self) -> Entry | None:
        """The current message."""
        return self.listing.here

    @property
    def chosen(self) -> Entry | None:
        """The message that 7, 8 and 9 are for: the current one, once its owner was told of it; in the trash at once."""
        entry = self.here
        return entry if entry is not None and (entry.offered or self.listing.folder is Folder.TRASH) else None

    @property
    def restorable(self) -> bool:
        """Whether 7 brings the current message back; else it deletes it."""
        entry = self.here
        return entry is not None and (entry.gone is None) == (self.listing.folder is Folder.TRASH)

    def say(self, *names: str) -> Utterance:
        """Prompts, in the language of the visit."""
        return self.talk.voice.prompt(*names)

    def urgent_left(self) -> bool:
        """Whether urgent messages still lie in New, heard or not."""
        return self._left.get(URGENT, self.mailbox.counts.urgent) > 0

    def ordinary_left(self) -> bool:
        """Whether other messages still lie in New, heard or not."""
        counts = self.mailbox.counts
        return self._left.get(Folder.NEW, counts.new - counts.urgent) > 0

    def open_folder(self, name: str) -> None:
        """Leave the open folder and open another."""
        self.close_folder()
        self.listing = Listing.open(self.talk.world.mailboxes, self.box, name, newest=self.options.newest_first)
        self.after_message = False

    def open_new(self) -> None:
        """Open New as it is now: its urgent messages first, if there are any."""
        self.close_folder()
        counts = self.talk.world.mailboxes.counts(self.box)
        self.mailbox = replace(self.mailbox, counts=counts)
        self._left.clear()
        self.open_folder(URGENT if counts.urgent else Folder.NEW)

    def reopen(self) -> None:
        """Open the open folder again: what has come since is in it."""
        if self.listing.folder is Folder.NEW:
            self.open_new()
        else:
            self.open_folder(self.listing.name)

    def close_folder(self) -> None:
        """Leave the open folder: heard messages of New go to Old, as far as Old has room."""
        heard = self.listing.heard_ids()
        went = 0
        if heard and self.listing.folder is Folder.NEW and self.options.moveheard:
            with suppress(StoreDownError):  # they stay in New, then
                went = self.talk.world.mailboxes.retire(self.box, heard)
        self._left[self.listing.name] = len(self.listing) - went - sum(1 for e in self.listing.entries if e.gone)
        for entry in self.listing.entries:
            entry.heard = False
