"""What a source holds, in neutral frozen values: mailboxes, messages, greetings, and what the administrator must know."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Self

from esl_vm.model.errors import InvalidValueError
from esl_vm.model.mailbox import Folder, Greeting, MailboxId
from esl_vm.model.message import CallDetails, Caller

if TYPE_CHECKING:
    import tempfile
    from pathlib import Path
    from types import TracebackType

    from esl_vm.model.transcript import Transcript

LATEST = 2**33
"""Epoch seconds (the year 2242) beyond which a date is taken for rubbish."""


class ImportSourceError(InvalidValueError):
    """The source can't be read at all (no such file, not such a file); nothing was done."""


class Kind(StrEnum):
    """What is reported, item by item. The administrator's page docs/migration-*.md explains each."""

    AUDIO_WITHOUT_TEXT = "audio_without_text"
    CONFIGURATION_DUPLICATE = "configuration_duplicate"
    CONFIGURATION_UNREADABLE = "configuration_unreadable"
    DELETED_FLAG = "deleted_flag"
    DUPLICATE_ROW = "duplicate_row"
    EMPTY_AUDIO = "empty_audio"
    FILE_WITHOUT_ROW = "file_without_row"
    FOLDER_UNREADABLE = "folder_unreadable"
    GREETING_WITHOUT_FILE = "greeting_without_file"
    INCLUDE_NOT_READ = "include_not_read"
    INVALID_MAILBOX = "invalid_mailbox"
    MAILBOX_GONE = "mailbox_gone"
    MAILBOX_WITHOUT_CONFIGURATION = "mailbox_without_configuration"
    PATH_OUTSIDE_STORAGE = "path_outside_storage"
    ROW_WITHOUT_FILE = "row_without_file"
    ROW_UNREADABLE = "row_unreadable"
    SAME_MESSAGE_IN_DELETED = "same_message_in_deleted"
    TEXT_WITHOUT_AUDIO = "text_without_audio"
    UNKNOWN_FOLDER = "unknown_folder"
    UNKNOWN_STATUS = "unknown_status"
    UNREADABLE_AUDIO = "unreadable_audio"


@dataclass(frozen=True, slots=True)
class Item:
    """Something the administrator must know: what did not come, or came otherwise than it lay there.

    Args:
        kind: a value of Kind, or for a remark (which costs nothing and is no item) a word of its own.
        where: mailbox, file or row. why: one sentence.
        lost: how many of the source's messages this item says have not come.
        messages: how many messages it is about, where that is worth telling.
    """

    kind: str
    where: str
    why: str = ""
    lost: int = 0
    messages: int | None = None


class Findings:
    """What a reader notices on its way: items (told one by one, counted by kind) and remarks (told, not counted)."""

    def __init__(self) -> None:
        self.items: list[Item] = []
        self.remarks: list[Item] = []
        self._remarked: set[Item] = set()

    def item(self, kind: Kind, where: str, why: str = "", *, lost: int = 0, messages: int | None = None) -> None:
        """Report an item."""
        self.items.append(Item(kind, printable(where), printable(why), lost, messages))

    def outside(self, where: str, what: str = "the path", *, lost: int = 0) -> None:
        """Report that something leads out of the folder in which all of the source lies."""
        self.item(Kind.PATH_OUTSIDE_STORAGE, where, f"{what} leads outside the storage folder", lost=lost)

    def remark(self, kind: str, where: str, why: str = "") -> None:
        """Tell something that is no loss; telling it again changes nothing."""
        item = Item(kind, printable(where), printable(why))
        if item not in self._remarked:
            self._remarked.add(item)
            self.remarks.append(item)


class Secret:
    """A PIN on its way: `repr`, `str` and formatting show stars, only `reveal` gives it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return "Secret(***)"

    def __format__(self, _how: str) -> str:
        return "***"

    def __bool__(self) -> bool:
        return bool(self._text)

    def reveal(self) -> str:
        """The PIN itself."""
        return self._text

    @property
    def typeable(self) -> bool:
        """Whether it can be typed on a telephone: 1 to 32 digits."""
        return self._text.isascii() and self._text.isdigit() and len(self._text) <= 32


@dataclass(frozen=True, slots=True)
class SoundFiles:
    """A sound as it lies there: the same one in one or several formats, the best first.

    Args:
        files: absolute paths with links resolved. root: the folder out of which none of them may lead.
    """

    files: tuple[Path, ...]
    root: Path


@dataclass(frozen=True, slots=True)
class ImportedMessage:
    """A message to bring.

    Args:
        id: the same for the same message of the same source, whenever and from wherever it is read.
        received: epoch seconds. heard: whether its owner had heard it.
        where: how the report names it.
        sound: the message. intro: a spoken introduction to be played before it.
        forwarded_by: the mailbox that sent it on, as text.
        former_id: the id it had here, where it was exported from here; `` else.
        call: what the source knows of the call: of Asterisk `call_uuid` is the channel, as its call records have it.
        transcript: what is said in it, in writing, where it was exported from here.
    """

    id: str
    where: str
    folder: Folder
    sound: SoundFiles
    caller: Caller = field(default_factory=Caller)
    received: float = 0.0
    urgent: bool = False
    heard: bool = False
    intro: SoundFiles | None = None
    forwarded_by: str = ""
    former_id: str = ""
    call: CallDetails = field(default_factory=CallDetails)
    transcript: Transcript | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class ImportedGreeting:
    """An active greeting: which one, its sound, and how the report names it."""

    greeting: Greeting
    sound: SoundFiles
    where: str


@dataclass(frozen=True, slots=True)
class ImportedMailbox:
    """A mailbox to bring.

    Args:
        box: its name here. name: the owner's. language: `fr`, `en` or ``. timezone: an IANA name or ``.
        emails: addresses for mail about messages. pager: the short notification's.
        pin: the PIN, None where the source does not tell it; then `asks_pin` says whether one was asked.
        options: options by their names in model/options.py, as text.
        extensions: other numbers that meant this mailbox: its aliases, where nobody has them.
        enabled: False where the old system had switched it off.
        messages: in the order in which they lie in their folders.
    """

    box: MailboxId
    name: str = ""
    language: str = ""
    timezone: str = ""
    emails: tuple[str, ...] = ()
    pager: str = ""
    pin: Secret | None = None
    asks_pin: bool = True
    options: dict[str, str] = field(default_factory=dict)
    extensions: tuple[str, ...] = ()
    enabled: bool = True
    greetings: tuple[ImportedGreeting, ...] = ()
    messages: tuple[ImportedMessage, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """All that a reader found. A context manager: leaving it removes the scratch files it points to.

    Args:
        source: `asterisk`, `mod_voicemail` or `fusionpbx`.
        mailboxes: what is to come. items, remarks: what the reader noticed.
        scratch: where sounds that lay in a database wait as files, None if none did.
    """

    source: str
    mailboxes: tuple[ImportedMailbox, ...]
    items: tuple[Item, ...] = ()
    remarks: tuple[Item, ...] = ()
    scratch: tempfile.TemporaryDirectory[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if self.scratch is not None:
            self.scratch.cleanup()

    @property
    def messages(self) -> int:
        """How many messages are to come."""
        return sum(len(box.messages) for box in self.mailboxes)


def stable_id(source: str, box: str, identity: str, received: float | None) -> str:
    """An id of this source's message or sound: the same each time it is read, another in another mailbox.

    Args:
        source: the system.
        box: the mailbox there.
        identity: what tells it from all others in that mailbox.
        received: epoch seconds if the source itself says so (the id then sorts by time, as ids of calls do), else None.
    """
    digest = hashlib.sha256(f"{source}\0{box}\0{identity}".encode("utf-8", "surrogateescape")).hexdigest()
    return f"{int((received or 0) * 1000):011x}-{digest[:16]}"


def mailbox_id(number: str, domain: str, domains: dict[str, str] | None = None) -> MailboxId:
    """The mailbox's name here, its domain renamed as the administrator asked; raises InvalidValueError."""
    return MailboxId(number, (domains or {}).get(domain, domain))


def folder_of(path: Path) -> Path:
    """A folder of the source, links resolved; raises ImportSourceError where there is none."""
    try:
        found = path.resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise ImportSourceError(f"can't read the folder {path}: {type(error).__name__}") from None
    if not found.is_dir():
        raise ImportSourceError(f"not a folder: {path}")
    return found


def printable(text: str) -> str:
    """A text from the source as it may stand in a report: no control characters, at most 400 letters."""
    return "".join(c if c.isprintable() else "�" for c in text[:400])
