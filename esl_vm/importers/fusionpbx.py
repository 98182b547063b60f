"""Reading FusionPBX's voicemail: its PostgreSQL tables out of a dump or a live database, and its files."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from esl_vm.importers.audio import by_quality, extension
from esl_vm.importers.fusionpbx_settings import FusionSettings
from esl_vm.importers.fusionpbx_tables import TABLES, UNREADABLE, FusionTables, yes
from esl_vm.importers.greeting_slots import place_of
from esl_vm.importers.plan import (
    Findings,
    ImportedGreeting,
    ImportedMailbox,
    ImportedMessage,
    ImportSourceError,
    Kind,
    Plan,
    SoundFiles,
    mailbox_id,
    stable_id,
)
from esl_vm.importers.postgres import database_rows
from esl_vm.importers.postgres_dump import PostgresDump
from esl_vm.importers.storage import Storage
from esl_vm.importers.texts import epoch
from esl_vm.model.errors import InvalidValueError
from esl_vm.model.mailbox import Folder, Greeting
from esl_vm.model.message import Caller

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from esl_vm.importers.postgres_dump import Row

SOURCE = "fusionpbx"
_FOLDERS = {"": Folder.NEW, "new": Folder.NEW, "saved": Folder.OLD, "deleted": Folder.TRASH}
"""By message_status, in small letters."""
_GREETING_ORDER = ("ogg", "mp3", "wav")


def read_fusionpbx(
    storage: Path,
    *,
    dump: Path | None = None,
    dsn: str = "",
    domains: dict[str, str] | None = None,
) -> Plan:
    """Read a FusionPBX's mailboxes.

    Args:
        storage: the storage folder as it lies now (…/storage, with voicemail/default/DOMAIN/NUMBER below it).
        dump: a plain dump by pg_dump (COPY or INSERT, gzip or not).
        dsn: or the live database.
        domains: domains that get another name here.

    Raises:
        ImportSourceError: dump, database or storage can't be read.
    """
    findings = Findings()
    if (dump is None) == (not dsn):
        raise ImportSourceError("either a dump or a DSN")
    files = Storage(storage)
    rows = PostgresDump(dump, TABLES, findings).rows() if dump else database_rows(dsn, TABLES)
    reader = _Reader(FusionTables(rows, findings), files, findings, domains or {})
    boxes = list(reader.mailboxes())
    reader.rest()
    reader.files_without_row()
    return Plan(SOURCE, tuple(boxes), tuple(findings.items), tuple(findings.remarks), reader.scratch.folder)


class _Reader:
    """From rows and files to mailboxes."""

    def __init__(self, tables: FusionTables, storage: Storage, findings: Findings, domains: dict[str, str]) -> None:
        self._tables = tables
        self.scratch = tables.scratch
        self._storage = storage
        self._findings = findings
        self._renamed = domains
        self._messages_of: dict[str, list[Row]] = defaultdict(list)
        for row in tables.all("v_voicemail_messages"):
            self._messages_of[tables.key(row, "voicemail_uuid")].append(row)
        self._greetings_of: dict[str, list[Row]] = defaultdict(list)
        for row in tables.all("v_voicemail_greetings"):
            self._greetings_of[self._shown(row)].append(row)
        shown = {tables.key(row, "voicemail_uuid"): self._shown(row) for row in tables.all("v_voicemails")}
        self._settings = FusionSettings(tables, shown, findings)

    def _shown(self, row: Row) -> str:
        domain = self._tables.key(row, "domain_uuid")
        return f"{(row.get('voicemail_id') or '').strip()}@{self._tables.domains.get(domain) or domain}"

    def mailboxes(self) -> Iterator[ImportedMailbox]:
        """Every mailbox; of several rows with one number in a domain the last enabled one tells how it is set."""
        same: dict[str, list[Row]] = defaultdict(list)
        for row in self._tables.all("v_voicemails"):
            same[self._shown(row)].append(row)
        for shown, rows in same.items():
            rows.sort(key=lambda row: yes(row, "voicemail_enabled", True))
            for _other in rows[1:]:
                why = "this number once more in this domain; their messages are brought together"
                self._findings.item(Kind.CONFIGURATION_DUPLICATE, shown, why)
            uuids = [self._tables.key(row, "voicemail_uuid") for row in rows]
            messages = [message for uuid in dict.fromkeys(uuids) for message in self._messages_of.pop(uuid, [])]
            try:
                number, _at, domain = shown.partition("@")
                box = mailbox_id(number, domain, self._renamed)
            except InvalidValueError as error:
                lost = len(messages)
                self._findings.item(Kind.INVALID_MAILBOX, shown, str(error), lost=lost, messages=lost)
                continue
            yield replace(
                self._settings.mailbox(rows[-1], box, shown),
                messages=tuple(self._messages(messages, shown)),
                greetings=tuple(self._greetings(rows[-1], shown)),
            )

    def rest(self) -> None:
        """Report messages whose mailbox is not in the database."""
        for uuid, rows in sorted(self._messages_of.items()):
            count = len(rows)
            why = f"{count} messages of a mailbox that v_voicemails does not have"
            where = f"voicemail_uuid {uuid or '(none)'}"
            self._findings.item(Kind.MAILBOX_WITHOUT_CONFIGURATION, where, why, lost=count, messages=count)

    def files_without_row(self) -> None:
        """Report sound files that no row names."""
        known = {self._tables.key(row, "voicemail_message_uuid") for row in self._tables.all("v_voicemail_messages")}
        for file in self._storage.sounds("msg_"):
            if file.stem.lower().removeprefix("msg_") not in known:
                why = "no row in the database names it (a message of a second or less leaves such a file)"
                self._findings.item(Kind.FILE_WITHOUT_ROW, self._storage.shown(file), why)

    def _in_base64(self, row: Row) -> bool:
        domain = self._tables.key(row, "domain_uuid")
        return self._tables.setting(domain, "voicemail", "storage_type").lower() == "base64"

    def _files(self, name: str, shown: str) -> list[Path]:
        """Sound files of a mailbox called NAME.EXTENSION, in the folder DOMAIN/NUMBER."""
        number, _at, domain = shown.partition("@")
        return [
            file
            for file in self._storage.called(name)
            if file.parent.name == number and file.parent.parent.name == domain
        ]

    def _sound(self, row: Row, column: str, files: list[Path]) -> SoundFiles | str:
        """A sound out of the row or the files, whichever the domain uses; UNREADABLE or `` if there is none."""
        held = row.get(column) or ""
        if held and held != UNREADABLE and (self._in_base64(row) or not files):
            return self._tables.scratch.kept(held)
        return SoundFiles(tuple(files), self._storage.root) if files else held

    def _greetings(self, row: Row, shown: str) -> Iterator[ImportedGreeting]:
        where = f"{shown} recorded_name"
        name = self._sound(row, "voicemail_name_base64", self._ordered(self._files("recorded_name", shown)))
        if isinstance(name, SoundFiles):
            yield ImportedGreeting(Greeting.NAME, name, where)
        elif name == UNREADABLE:
            self._findings.item(Kind.UNREADABLE_AUDIO, where, "base64 that is none")
        chosen = _whole(row.get("greeting_id"))
        rows = {_whole(one.get("greeting_id")): one for one in self._greetings_of.get(shown, [])}
        if chosen > 0:
            rows.setdefault(chosen, {"domain_uuid": row.get("domain_uuid")})
        for number, one in rows.items():
            where = f"{shown} greeting_{number}"
            place = place_of(number, chosen)
            if place is None:
                self._findings.remark(
                    "greeting_not_in_force", f"{where} {one.get('greeting_name') or ''}", "not chosen"
                )
                continue
            sound = self._sound(one, "greeting_base64", self._ordered(self._files(f"greeting_{number}", shown)))
            if place and isinstance(sound, SoundFiles):
                yield ImportedGreeting(place, sound, where)
            elif number != chosen:
                self._findings.remark(
                    "greeting_not_in_force", f"{where} {one.get('greeting_name') or ''}", "not chosen"
                )
            elif sound == UNREADABLE:
                self._findings.item(Kind.UNREADABLE_AUDIO, where, "base64 that is none")
            else:
                self._findings.item(Kind.GREETING_WITHOUT_FILE, where, "neither a file nor base64")

    @staticmethod
    def _ordered(files: list[Path]) -> list[Path]:
        """As FusionPBX looks for a greeting: ogg, mp3, wav."""
        rank = {kind: place for place, kind in enumerate(_GREETING_ORDER)}
        return sorted(files, key=lambda file: (rank.get(extension(file.name).lower(), len(rank)), file.name))

    def _messages(self, rows: list[Row], shown: str) -> Iterator[ImportedMessage]:
        seen: set[str] = set()
        for row in sorted(rows, key=lambda row: epoch(row.get("created_epoch")) or 0.0):
            uuid = self._tables.key(row, "voicemail_message_uuid")
            where = f"{shown} {uuid}"
            if uuid in seen:
                self._findings.item(Kind.DUPLICATE_ROW, where, "the same row once more", lost=1)
                continue
            seen.add(uuid)
            if not re.fullmatch(r"[0-9a-f-]{1,64}", uuid):
                self._findings.item(Kind.ROW_UNREADABLE, where, "not a message's uuid", lost=1)
                continue
            sound = self._sound(row, "message_base64", list(by_quality(self._files(f"msg_{uuid}", shown))))
            if isinstance(sound, SoundFiles):
                yield self._message(row, shown, uuid, sound)
            elif sound == UNREADABLE:
                self._findings.item(Kind.UNREADABLE_AUDIO, where, "base64 that is none", lost=1)
            else:
                why = "neither a file nor base64"
                self._findings.item(Kind.ROW_WITHOUT_FILE, where, why, lost=1)

    def _message(self, row: Row, shown: str, uuid: str, sound: SoundFiles) -> ImportedMessage:
        where = f"{shown} {uuid}"
        status = (row.get("message_status") or "").strip().lower()
        # What is unknown lights no lamp: its owner may have dealt with it years ago.
        folder = _FOLDERS.get(status, Folder.OLD)
        if status not in _FOLDERS:
            self._findings.item(Kind.UNKNOWN_STATUS, where, f"message_status={status}: it is an old message")
        if folder is Folder.TRASH:
            self._findings.item(Kind.DELETED_FLAG, where, "message_status=deleted: it is in the trash")
        intro = self._sound(row, "message_intro_base64", list(by_quality(self._files(f"intro_{uuid}", shown))))
        if intro == UNREADABLE:
            self._findings.remark("introduction_unreadable", where, "base64 that is none")
        received = epoch(row.get("created_epoch"))
        return ImportedMessage(
            id=stable_id(SOURCE, shown, uuid, received),
            where=where,
            folder=folder,
            sound=sound,
            # FusionPBX doubles apostrophes once or more, each time it copies the row
            caller=Caller(row.get("caller_id_number") or "", re.sub("''+", "'", row.get("caller_id_name") or "")),
            received=received or sound.files[0].stat().st_mtime,
            urgent=(row.get("message_priority") or "").lower() in {"urgent", "high", "a_urgent"},
            heard=folder is Folder.OLD,
            intro=intro if isinstance(intro, SoundFiles) else None,
        )


def _whole(text: str | None) -> int:
    """A greeting's number; 0 for none and for rubbish."""
    word = (text or "").strip().removesuffix(".0")
    return int(word) if re.fullmatch(r"-?[0-9]{1,6}", word) else 0
