r"""A dump, as CSV, of the table in which Asterisk keeps voicemail with ODBC storage.

The columns are found by their names: dir, msgnum, callerid, origtime, duration, recording, flag, mailboxuser,
mailboxcontext, msg_id. The recording may be hexadecimal (`\x5249…` as PostgreSQL writes it, `0x5249…`, or bare) or
base64; where it is only a mark that the sound is on disk, it is looked for in the spool tree. Greetings have msgnum -1.
"""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from typing import TYPE_CHECKING

from esl_vm.importers.asterisk_spool import FOLDERS, GREETINGS, SOURCE, AsteriskSpool
from esl_vm.importers.asterisk_text import read_caller
from esl_vm.importers.audio import AUDIO_EXTENSIONS, by_quality, extension
from esl_vm.importers.bounds import LONGEST_LINE, BoundedLines
from esl_vm.importers.plan import (
    Findings,
    ImportedGreeting,
    ImportedMessage,
    ImportSourceError,
    Kind,
    SoundFiles,
    stable_id,
)
from esl_vm.importers.scratch import Scratch, from_base64
from esl_vm.importers.texts import epoch

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from esl_vm.model.mailbox import Folder

_NEEDED = {"dir", "msgnum", "recording"}
_LARGEST_FIELD = LONGEST_LINE
_ON_DISK = b"AUDMAGIC"


class OdbcDump:
    """The rows of a dump, by mailbox. Sounds are set down in `scratch`, which the plan then owns.

    Args:
        path: the CSV file, UTF-8 or Latin-1, with a header line. spool: where sounds lie that are on disk.
        formats: voicemail.conf's `format`; the first says what a recording without a header is.
        findings: told what did not come.

    Raises:
        ImportSourceError: it can't be read, or is no such table.
    """

    def __init__(self, path: Path, spool: AsteriskSpool, formats: list[str], findings: Findings) -> None:
        self._spool = spool
        self._kind = (formats[0].strip() or "wav").lower()
        self._findings = findings
        self._rows: dict[tuple[str, str], list[dict[str, str]]] = defaultdict(list)
        self._scratch = Scratch()
        self.scratch = self._scratch.folder
        csv.field_size_limit(_LARGEST_FIELD)
        try:
            with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as opened:
                self._read(csv.DictReader(BoundedLines(opened.readline, str(path))))
        except (OSError, csv.Error) as error:
            raise ImportSourceError(f"can't read {path}: {error}") from None

    def _read(self, table: csv.DictReader[str]) -> None:
        missing = _NEEDED - {name.strip().lower() for name in table.fieldnames or ()}
        if missing:
            raise ImportSourceError(f"the dump has no column {', '.join(sorted(missing))} (is there a header line?)")
        for number, raw in enumerate(table, 1):
            row = {key.strip().lower(): value or "" for key, value in raw.items() if key and isinstance(value, str)}
            parts = [part for part in row.get("dir", "").replace("\\", "/").split("/") if part]
            if len(parts) < 3:
                self._findings.item(Kind.ROW_UNREADABLE, f"row {number}", f"no such folder: {row.get('dir')}", lost=1)
                continue
            row["folder"] = parts[-1]
            key = (row.get("mailboxcontext") or parts[-3], row.get("mailboxuser") or parts[-2])
            row["recording"] = self._set_down(row.get("recording", ""))
            self._rows[key].append(row)

    def names(self) -> Iterator[tuple[str, str]]:
        """Context and number of every mailbox there are rows for."""
        yield from self._rows

    def places(self, context: str, number: str) -> set[tuple[str, int]]:
        """Folder and number of every message there is a row for."""
        return {(row["folder"], _number(row)) for row in self._rows.get((context, number), [])}

    def of(
        self, context: str, number: str, shown: str
    ) -> tuple[tuple[ImportedMessage, ...], tuple[ImportedGreeting, ...]]:
        """The messages, in the order of their numbers, and the greetings of a mailbox."""
        messages: list[tuple[int, ImportedMessage]] = []
        greetings = []
        box = f"{number}@{context}"
        seen: dict[str, int] = defaultdict(int)
        for row in self._rows.get((context, number), []):
            place = _number(row)
            where = f"{shown} {row['folder']}" + (f"/msg{place:04}" if place >= 0 else "")
            if place < 0:
                if (greeting := GREETINGS.get(row["folder"])) and (sound := self._sound(row, where, place)):
                    greetings.append(ImportedGreeting(greeting, sound, where))
                continue
            folder = FOLDERS.get(row["folder"])
            if folder is None:
                self._findings.item(Kind.UNKNOWN_FOLDER, where, "Asterisk has no such folder", lost=1)
            elif sound := self._sound(row, where, place):
                messages.append((place, self._message(row, box, where, folder, sound, seen)))
        messages.sort(key=lambda pair: (list(FOLDERS.values()).index(pair[1].folder), pair[0]))
        return tuple(message for _place, message in messages), tuple(greetings)

    @staticmethod
    def _message(
        row: dict[str, str], box: str, where: str, folder: Folder, sound: SoundFiles, seen: dict[str, int]
    ) -> ImportedMessage:
        received = epoch(row.get("origtime"))
        identity = row.get("msg_id") or f"{received} {row.get('callerid')} {sound.files[0].name}"
        seen[identity] += 1
        return ImportedMessage(
            id=stable_id(SOURCE, box, f"{identity} {seen[identity]}", received),
            where=where,
            folder=folder,
            sound=sound,
            caller=read_caller(_text(row.get("callerid", ""))),
            received=received or 0.0,
            urgent=row.get("flag", "").lower() == "urgent",
            heard=row["folder"] not in {"INBOX", "Urgent"},
        )

    def _sound(self, row: dict[str, str], where: str, place: int) -> SoundFiles | None:
        if row["recording"]:
            return self._scratch.kept(row["recording"])
        stem = row["folder"] if place < 0 else f"{row['folder']}/msg{place:04}"
        parts = [part for part in row["dir"].split("/") if part]
        base = self._spool.root.joinpath(*parts[-3 : -1 if place < 0 else None])
        name = stem.rpartition("/")[2]
        files = []
        if base.is_dir() and base.resolve().is_relative_to(self._spool.root):
            files = [
                file
                for file in base.iterdir()
                if file.stem == name and extension(file.name).lower() in AUDIO_EXTENSIONS and file.is_file()
            ]
        if files:
            return SoundFiles(by_quality(files), self._spool.root)
        lost = int(place >= 0)
        self._findings.item(Kind.ROW_WITHOUT_FILE, where, "no sound in the row, nor on disk", lost=lost)
        return None

    def _set_down(self, recording: str) -> str:
        """Write a row's sound to the scratch folder; its name there, `` if the row holds none."""
        word = recording.strip()
        if word.startswith(("\\x", "0x")):
            word = word[2:]
        data: bytes | None = None
        if re.fullmatch(r"[0-9A-Fa-f]+", word) and len(word) % 2 == 0:
            data = bytes.fromhex(word)
        elif len(word) > 32:
            data = from_base64(word)
        if not data or data.startswith(_ON_DISK):
            return ""
        return self._scratch.keep(data, self._kind)


def _number(row: dict[str, str]) -> int:
    return int(row["msgnum"]) if re.fullmatch(r"-?[0-9]{1,9}", row.get("msgnum", "")) else 0


def _text(text: str) -> str:
    """Latin-1 that was read as if it were UTF-8, mended."""
    if any(0xDC80 <= ord(letter) <= 0xDCFF for letter in text):
        return text.encode("utf-8", "surrogateescape").decode("latin-1")
    return text
