"""Asterisk's voicemail folders: CONTEXT/MAILBOX/FOLDER/msgNNNN.txt with one sound file for each format.

Passed over without a word are lock files, `tmp` (recordings under way), `-bak` and `-prepend` (a forward under way) and
`greet.tmp.wav` (a greeting under way): none of them is a message.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from esl_vm.importers.asterisk_text import MessageText, read_text
from esl_vm.importers.audio import AUDIO_EXTENSIONS, by_quality, extension
from esl_vm.importers.plan import (
    Findings,
    ImportedGreeting,
    ImportedMessage,
    Kind,
    SoundFiles,
    folder_of,
    stable_id,
)
from esl_vm.importers.texts import epoch
from esl_vm.model.mailbox import Folder, Greeting

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SOURCE = "asterisk"
FOLDERS = {
    "INBOX": Folder.NEW,
    "Urgent": Folder.NEW,
    "Old": Folder.OLD,
    "Work": Folder.WORK,
    "Family": Folder.FAMILY,
    "Friends": Folder.FRIENDS,
    **{f"Cust{n}": Folder(f"cust{n}") for n in range(1, 6)},
    "Deleted": Folder.TRASH,
}
GREETINGS = {
    "unavail": Greeting.UNAVAILABLE,
    "busy": Greeting.BUSY,
    "greet": Greeting.NAME,
    "temp": Greeting.TEMPORARY,
}
_MESSAGE = re.compile(r"(msg[0-9]{4,9})\.([A-Za-z0-9-]+)", re.IGNORECASE)
_UNDER_WAY = re.compile(r"msg[0-9]{4,9}-(bak|prepend)\.|.*\.lock|\.?lock|\.nfs", re.IGNORECASE)
_OUR_ID = re.compile(r"[0-9a-f]{11}-[0-9a-f]{12,16}[a-z0-9.]{0,20}")
_LONGEST_TEXT = 2**20


@dataclass(slots=True)
class _Found:
    """A message's files under one number of one folder."""

    folder: str
    name: str
    text: Path | None = None
    sounds: list[Path] = field(default_factory=list)
    astray: bool = False

    @property
    def where(self) -> str:
        return f"{self.folder}/{self.name}"


@dataclass(frozen=True, slots=True)
class SpoolMailbox:
    """What lies in one mailbox's folder."""

    messages: tuple[ImportedMessage, ...] = ()
    greetings: tuple[ImportedGreeting, ...] = ()
    secret: Path | None = None


class AsteriskSpool:
    """The tree of an Asterisk's voicemail.

    Args:
        folder: the one with a folder for each context (or the one above, with `voicemail` in it).
        contexts: the contexts that the configuration knows, to tell those two apart.
        findings: told what did not come.
    """

    def __init__(self, folder: Path, contexts: set[str], findings: Findings) -> None:
        root = folder_of(folder)
        below = root / "voicemail"
        if below.is_dir() and not any((root / context).is_dir() for context in contexts if _plain(context)):
            root = below.resolve()
        self.root = root
        self.findings = findings

    def names(self) -> Iterator[tuple[str, str]]:
        """Context and number of every mailbox's folder there is."""
        for context in self._folders(self.root, ""):
            for number in self._folders(self.root / context, f"{context}/"):
                yield context, number

    def mailbox(
        self, context: str, number: str, shown: str, in_database: frozenset[tuple[str, int]] = frozenset()
    ) -> SpoolMailbox:
        """Read one mailbox's folder; an empty one if there is no such folder.

        Args:
            context: as the folder is called.
            number: the same of the mailbox's.
            shown: what the report calls the mailbox.
            in_database: folder and number of messages whose text is in a database: their sound is no message here.
        """
        path = self.root / context / number
        if not (_plain(context) and _plain(number) and self._inside(path) and path.is_dir()):
            return SpoolMailbox()
        box = f"{number}@{context}"
        messages = self._messages(path, box, shown, in_database)
        secret = path / "secret.conf"
        return SpoolMailbox(
            tuple(messages),
            tuple(self._greetings(path, shown)),
            secret if secret.is_file() and self._inside(secret) else None,
        )

    def _folders(self, path: Path, shown: str) -> list[str]:
        names = []
        for entry in self._entries(path, shown):
            if entry.is_dir() and self._inside(entry):
                names.append(entry.name)
            elif entry.is_dir():
                self.findings.outside(f"{shown}{entry.name}", "the folder")
        return names

    def _entries(self, path: Path, shown: str) -> list[Path]:
        """What lies in a folder, sorted; nothing, and reported, if it can't be read."""
        try:
            return sorted(path.iterdir())
        except OSError as error:
            self.findings.item(Kind.FOLDER_UNREADABLE, f"{shown}{path.name}", type(error).__name__)
            return []

    def _inside(self, path: Path) -> bool:
        try:
            return path.resolve().is_relative_to(self.root)
        except (OSError, RuntimeError):
            return False

    def _greetings(self, path: Path, shown: str) -> Iterator[ImportedGreeting]:
        sounds: dict[Greeting, list[Path]] = defaultdict(list)
        for entry in self._entries(path, f"{shown} "):
            stem, dot, kind = entry.name.partition(".")
            greeting = GREETINGS.get(stem.lower())
            if greeting and dot and kind.lower() in AUDIO_EXTENSIONS:
                if not self._inside(entry):
                    self.findings.outside(f"{shown} {entry.name}")
                elif entry.is_file():
                    sounds[greeting].append(entry)
        for greeting, files in sounds.items():
            yield ImportedGreeting(greeting, SoundFiles(by_quality(files), self.root), f"{shown} {files[0].stem}")

    def _messages(
        self, path: Path, box: str, shown: str, in_database: frozenset[tuple[str, int]]
    ) -> list[ImportedMessage]:
        """Every message of a mailbox; copies in Deleted of messages that lie elsewhere too are reported and left out."""
        here = {name.lower(): name for name in self._folders(path, f"{shown} ")}
        known = {name: here.pop(name.lower()) for name in FOLDERS if name.lower() in here}
        for name in here.values():
            self._unknown(path / name, name, shown)
        # what is in the trash comes last, so that its copies elsewhere are known by then
        live: dict[str, tuple[str, bytes]] = {}
        seen: dict[str, int] = defaultdict(int)
        messages = []
        for folder, name in known.items():
            for found in self._found(path / name, folder, shown):
                if found.text is None and (folder, int(found.name[3:])) in in_database:
                    continue
                text = self._text(found)
                digest = _digest(found)
                if folder == "Deleted" and text.msg_id in live:
                    other, sound = live[text.msg_id]
                    same = sound == digest
                    why = "the same msg_id: a copy that 9 (save to a folder) left behind"
                    where = f"{shown} {found.where} = {other}"
                    self.findings.item(Kind.SAME_MESSAGE_IN_DELETED, where, why, lost=int(same))
                    if same:
                        continue
                if text.msg_id and folder != "Deleted":
                    live.setdefault(text.msg_id, (found.where, digest))
                identity = text.msg_id or f"{text.received} {text.raw_caller} {text.channel} {digest.hex()}"
                seen[identity] += 1
                identity = f"{identity} {seen[identity]}"
                messages.append(self._message(found, text, box, shown, identity))
        return [message for message in messages if message is not None]

    def _unknown(self, path: Path, name: str, shown: str) -> None:
        if name.lower() == "tmp":
            return
        count = len({m[1] for entry in self._entries(path, f"{shown} ") if (m := _MESSAGE.fullmatch(entry.name))})
        if count:
            why = "Asterisk has no such folder; its messages were left"
            self.findings.item(Kind.UNKNOWN_FOLDER, f"{shown} {name}", why, lost=count, messages=count)

    def _found(self, path: Path, folder: str, shown: str) -> Iterator[_Found]:
        """The messages of a folder by their numbers; those without sound are reported."""
        by_number: dict[int, _Found] = {}
        for entry in self._entries(path, f"{shown} "):
            if entry.is_dir() or _UNDER_WAY.match(entry.name):
                continue
            match = _MESSAGE.fullmatch(entry.name)
            if not match:
                self.findings.remark("file_ignored", f"{shown} {folder}/{entry.name}", "no message's file")
                continue
            found = by_number.setdefault(int(match[1][3:]), _Found(folder, match[1].lower()))
            if not self._inside(entry):
                found.astray = True
            elif not entry.is_file():
                self.findings.remark("file_ignored", f"{shown} {folder}/{entry.name}", "not a plain file")
            elif match[2].lower() == "txt":
                found.text = entry
            elif match[2].lower() in AUDIO_EXTENSIONS:
                found.sounds.append(entry)
            else:
                self.findings.remark("file_ignored", f"{shown} {folder}/{entry.name}", "not a known sound format")
        for _number, found in sorted(by_number.items()):
            if found.sounds:
                yield found
            elif found.astray:
                self.findings.outside(f"{shown} {found.where}", lost=1)
            elif found.text:
                self.findings.item(Kind.TEXT_WITHOUT_AUDIO, f"{shown} {found.where}", "no sound beside it", lost=1)

    @staticmethod
    def _text(found: _Found) -> MessageText:
        if found.text is None or not found.text.is_file():
            return MessageText()
        try:
            with found.text.open("rb") as opened:
                return read_text(opened.read(_LONGEST_TEXT))
        except OSError:
            return MessageText()

    def _message(self, found: _Found, text: MessageText, box: str, shown: str, identity: str) -> ImportedMessage | None:
        where = f"{shown} {found.where}"
        sound = SoundFiles(by_quality(found.sounds), self.root)
        if found.text is None:
            if all(file.stat().st_size <= 44 for file in found.sounds):
                self.findings.item(Kind.EMPTY_AUDIO, where, "no sound in it, and no text beside it", lost=1)
                return None
            why = "no text beside it: the caller is unknown, the date is the file's"
            self.findings.item(Kind.AUDIO_WITHOUT_TEXT, where, why)
        elif text.received is None:
            self.findings.remark("date_of_file", where, "the text has no date; the date is the file's")
        urgent = found.folder == "Urgent" if text.flag is None else text.flag.lower() == "urgent"
        file_date = epoch(f"{(found.text or sound.files[0]).stat().st_mtime:.3f}") or 0.0
        return ImportedMessage(
            id=stable_id(SOURCE, box, identity, text.received),
            where=where,
            folder=FOLDERS[found.folder],
            sound=sound,
            caller=text.caller,
            call=text.call,
            received=text.received or file_date,
            urgent=urgent,
            heard=found.folder not in {"INBOX", "Urgent"},
            former_id=text.msg_id if _OUR_ID.fullmatch(text.msg_id) else "",
            transcript=text.transcript,
        )


def _plain(name: str) -> bool:
    return name not in {"", ".", ".."} and "/" not in name and "\0" not in name and len(name.encode()) <= 255


def _digest(found: _Found) -> bytes:
    """What tells one recording from another: the bytes of its best file."""
    best = by_quality(found.sounds)[0]
    digest = hashlib.sha256(extension(best.name).encode())
    try:
        with best.open("rb") as opened:
            while piece := opened.read(2**20):
                digest.update(piece)
    except OSError:
        digest.update(best.name.encode("utf-8", "surrogateescape"))
    return digest.digest()
