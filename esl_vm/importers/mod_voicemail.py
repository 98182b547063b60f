"""Reading FreeSWITCH's mod_voicemail: its SQLite database, its files, and the XML directory."""

from __future__ import annotations

import sqlite3
import time
from collections import Counter, defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from esl_vm.importers.bounds import LONGEST_LINE
from esl_vm.importers.freeswitch_directory import FreeswitchDirectory, User
from esl_vm.importers.freeswitch_profile import options_of, pin_of
from esl_vm.importers.greeting_slots import GreetingSlots
from esl_vm.importers.plan import (
    Findings,
    ImportedGreeting,
    ImportedMailbox,
    ImportedMessage,
    ImportSourceError,
    Kind,
    Plan,
    mailbox_id,
    stable_id,
)
from esl_vm.importers.scratch import Scratch
from esl_vm.importers.storage import Lost, Storage
from esl_vm.importers.texts import addresses, epoch, language_of, person, truth
from esl_vm.model.encoding import decode_text
from esl_vm.model.errors import InvalidValueError
from esl_vm.model.fields import time_zones
from esl_vm.model.mailbox import Folder, Greeting
from esl_vm.model.message import CallDetails, Caller

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_LONGEST_S = 120.0
SOURCE = "mod_voicemail"
_NO_NUMBER = {"", "0000000000"}
Row = dict[str, str]


def read_mod_voicemail(
    database: Path,
    storage: Path,
    directory: Path,
    *,
    domains: dict[str, str] | None = None,
    unconfigured: bool = False,
) -> Plan:
    """Read a mod_voicemail's mailboxes.

    Args:
        database: voicemail_PROFILE.db; a copy of it (with what its write-ahead log holds) is read, it stays untouched.
        storage: the storage folder as it lies now, whatever absolute paths the database names.
        directory: the folder of the directory's XML files, or one file.
        domains: domains that get another name here.
        unconfigured: bring mailboxes too that have messages but no user in the directory.

    Raises:
        ImportSourceError: one of the three can't be read.
    """
    findings = Findings()
    tables = _Tables(database)
    users = _resolved(list(FreeswitchDirectory(directory, findings).users()), tables)
    reader = _Reader(tables, Storage(storage), findings, domains or {})
    boxes = [box for user in users if (box := reader.mailbox(user)) is not None]
    boxes += reader.rest({(user.id, user.domain) for user in users}, wanted=unconfigured)
    reader.files_without_row()
    return Plan(SOURCE, tuple(boxes), tuple(findings.items), tuple(findings.remarks))


_KNOWN = {"flags": {"", "save", "delete"}, "in_folder": {"", "inbox"}}
"""The values that mod_voicemail writes into these columns."""


class _Tables:
    """The database's rows as text, read from a copy: no select of ours can make a lock or lose a table."""

    def __init__(self, path: Path) -> None:
        scratch = Scratch()
        try:
            if not path.is_file():
                raise ImportSourceError(f"not a database file: {path}")
            copy = scratch.copy(path)
            for tail in ("-wal", "-journal"):
                beside = path.with_name(path.name + tail)
                if beside.is_file():
                    scratch.copy(beside)
            connection = sqlite3.connect(copy)
            connection.text_factory = bytes
            # What calls itself a table may be a view without end.
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST_LINE)
            until = time.monotonic() + _LONGEST_S
            connection.set_progress_handler(lambda: time.monotonic() > until, 100_000)
            with connection:
                names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
                if b"voicemail_msgs" not in names:
                    raise ImportSourceError(f"can't read the database {path}: no such table: voicemail_msgs")
                self.messages = self._rows(connection, "voicemail_msgs")
                self.prefs = self._rows(connection, "voicemail_prefs") if b"voicemail_prefs" in names else []
            connection.close()
        except (OSError, sqlite3.Error) as error:
            raise ImportSourceError(f"can't read the database {path}: {error}") from None
        finally:
            scratch.folder.cleanup()

    @staticmethod
    def _rows(connection: sqlite3.Connection, table: str) -> list[Row]:
        # the table's name is one of the two above
        cursor = connection.execute(f"SELECT * FROM {table} ORDER BY rowid")  # noqa: S608
        names = [column[0].lower() for column in cursor.description]
        return [{name: _text(value) for name, value in zip(names, row, strict=True)} for row in cursor]


class _Reader:
    """From rows and users to mailboxes."""

    def __init__(self, tables: _Tables, storage: Storage, findings: Findings, domains: dict[str, str]) -> None:
        self._storage, self._findings, self._domains = storage, findings, domains
        self._rows: dict[tuple[str, str], list[Row]] = defaultdict(list)
        paths = [row.get("file_path", "") for row in tables.messages]
        paths += [row.get(name, "") for row in tables.prefs for name in ("name_path", "greeting_path")]
        storage.learn([path for path in paths if path])
        for row in tables.messages:
            self._rows[row.get("username", ""), row.get("domain", "")].append(row)
        # there is no unique key: of several rows the last one counts
        self._prefs = {(row.get("username", ""), row.get("domain", "")): row for row in tables.prefs}
        found = [sound for path in filter(None, paths) if not isinstance(sound := storage.find(path), Lost)]
        self._named = {file for sound in found for file in sound.files}
        self._slots = GreetingSlots(storage, self._named)

    def mailbox(self, user: User) -> ImportedMailbox | None:
        """A user's mailbox; None (and reported) if its name can't be one here."""
        shown = f"{user.id}@{user.domain}"
        rows = self._rows.get((user.id, user.domain), [])
        try:
            box = mailbox_id(user.id, user.domain, self._domains)
        except InvalidValueError as error:
            self._findings.item(Kind.INVALID_MAILBOX, shown, str(error), lost=len(rows), messages=len(rows))
            return None
        prefs = self._prefs.get((user.id, user.domain), {})
        emails, odd = addresses(user.params.get("vm-mailto", ""))
        pagers, odd_pager = addresses(user.params.get("vm-notify-mailto", ""))
        if odd or odd_pager:
            self._findings.remark("email_unusable", shown, "an address that is none was left out")
        timezone = user.variables.get("timezone") or user.params.get("timezone") or ""
        if timezone and timezone not in time_zones():
            self._findings.remark("timezone_unknown", shown, f"no such time zone: {timezone}")
            timezone = ""
        if user.aliases:
            why = f"calls for {', '.join(user.aliases)} are for this mailbox where nobody else has the number"
            self._findings.remark("alias", shown, why)
        enabled = truth(user.params.get("vm-enabled", "true"))
        return ImportedMailbox(
            box=box,
            name=person(
                user.variables.get("effective_caller_id_name") or user.variables.get("directory_full_name", "")
            ),
            language=language_of(user.variables.get("default_language", "")),
            timezone=timezone,
            emails=emails,
            pager=pagers[0] if pagers else "",
            pin=pin_of(user, prefs.get("password", "").strip(), shown, self._findings),
            options=options_of(user, shown, self._findings),
            extensions=user.aliases,
            enabled=enabled,
            greetings=tuple(self._greetings(prefs, shown)),
            messages=tuple(self._messages(rows, shown)),
        )

    def rest(self, known: set[tuple[str, str]], *, wanted: bool) -> Iterator[ImportedMailbox]:
        """Mailboxes that have rows and no user: reported, and brought if that is wanted."""
        for number, domain in sorted(set(self._rows) - known):
            shown = f"{number}@{domain}"
            count = len(self._rows[number, domain])
            user = User(id=number, domain=domain)
            try:
                mailbox_id(number, domain, self._domains)
                brought = wanted
            except InvalidValueError:
                brought = False
            why = f"{count} messages in the database, user not in the directory"
            lost = 0 if brought else count
            self._findings.item(Kind.MAILBOX_WITHOUT_CONFIGURATION, shown, why, lost=lost, messages=count)
            if brought and (box := self.mailbox(user)) is not None:
                yield box
        for number, domain in sorted(set(self._prefs) - known - set(self._rows)):
            why = "a PIN or greeting, but neither messages nor a user"
            self._findings.remark("greetings_without_configuration", f"{number}@{domain}", why)

    def files_without_row(self) -> None:
        """Report sound files that no row names: what is called msg_… anywhere, all others beside those that one names."""
        folders = {file.parent for file in self._named}
        for file in self._storage.sounds(""):
            shown = self._storage.shown(file)
            if file.resolve() in self._named:
                continue
            if file.name.startswith(("greeting_", "recorded_name")):
                self._findings.remark("greeting_not_in_force", shown, "recorded, but not chosen")
            elif file.name.startswith("msg_") or file.resolve().parent in folders:
                self._findings.item(Kind.FILE_WITHOUT_ROW, shown, "no row in the database names it")

    def _greetings(self, prefs: Row, shown: str) -> Iterator[ImportedGreeting]:
        for column, greeting in (("name_path", Greeting.NAME), ("greeting_path", Greeting.UNAVAILABLE)):
            path = prefs.get(column, "").strip()
            if not path:
                continue
            found = self._storage.find(path)
            where = f"{shown} {path.rpartition('/')[2]}"
            if found is Lost.OUTSIDE:
                why = f"the path leads outside the storage folder: {path}"
                self._findings.item(Kind.PATH_OUTSIDE_STORAGE, where, why)
            elif found is Lost.MISSING:
                self._findings.item(Kind.GREETING_WITHOUT_FILE, where, "the file is not there")
            else:
                yield ImportedGreeting(greeting, found, where)
                if greeting is Greeting.UNAVAILABLE:
                    yield from self._slots.beside(found.files[0], shown)

    def _messages(self, rows: list[Row], shown: str) -> Iterator[ImportedMessage]:
        seen: set[tuple[str, str]] = set()
        same: Counter[str] = Counter()
        for row in sorted(rows, key=lambda row: epoch(row.get("created_epoch")) or 0.0):
            uuid, path = row.get("uuid", ""), row.get("file_path", "")
            key = (uuid, self._storage.relative(path))
            if key in seen:
                self._findings.item(Kind.DUPLICATE_ROW, f"{shown} {uuid}", "the same row once more", lost=1)
                continue
            seen.add(key)
            # the name alone, not the path: the folder may lie elsewhere the next time
            identity = f"{uuid} {path.rpartition('/')[2]}"
            same[identity] += 1
            message = self._message(row, shown, f"{identity} {same[identity]}" if same[identity] > 1 else identity)
            if message is not None:
                yield message

    def _message(self, row: Row, shown: str, identity: str) -> ImportedMessage | None:
        uuid, path = row.get("uuid", ""), row.get("file_path", "")
        found = self._storage.find(path)
        name = path.rpartition("/")[2]
        if found is Lost.OUTSIDE:
            why = f"the path leads outside the storage folder: {path}"
            self._findings.item(Kind.PATH_OUTSIDE_STORAGE, f"{shown} {name}", why, lost=1)
            return None
        if isinstance(found, Lost):
            self._findings.item(Kind.ROW_WITHOUT_FILE, f"{shown} {name}", "the file is not there", lost=1)
            return None
        received = epoch(row.get("created_epoch"))
        heard = bool((row.get("read_epoch") or "0").strip("0. "))
        folder = Folder.OLD if heard else Folder.NEW
        odd = [
            f"{name}={word}"
            for name, known in _KNOWN.items()
            if (word := row.get(name, "").strip().lower()) not in known
        ]
        if odd and not heard:
            # What is unknown lights no lamp: its owner may have dealt with it years ago.
            folder, heard = Folder.OLD, True
            self._findings.item(Kind.UNKNOWN_STATUS, f"{shown} {name}", f"{', '.join(odd)}: it is an old message")
        if row.get("flags", "").strip().lower() == "delete":
            folder = Folder.TRASH
            why = "flags=delete (a copy of it may have been deleted in another mailbox): it is in the trash"
            self._findings.item(Kind.DELETED_FLAG, f"{shown} {uuid}", why)
        number = row.get("cid_number", "")
        return ImportedMessage(
            id=stable_id(SOURCE, shown, identity, received),
            where=f"{shown} {name}",
            folder=folder,
            sound=found,
            caller=Caller(number="" if number.strip() in _NO_NUMBER else number, name=row.get("cid_name", "")),
            received=received or found.files[0].stat().st_mtime,
            urgent=row.get("read_flags", "").upper() == "A_URGENT",
            heard=heard,
            forwarded_by=row.get("forwarded_by", ""),
            # The uuid of the call in which it was recorded (deliver_vm in mod_voicemail.c), or forwarded.
            call=CallDetails(call_uuid="" if row.get("forwarded_by") else uuid),
        )


def _resolved(users: list[User], tables: _Tables) -> list[User]:
    """Users whose domain is `$${domain}`, a variable set elsewhere, belong to the one domain of the rows left over."""
    named = {user.domain for user in users}
    open_ = {name for name in named if "$${" in name}
    in_rows = {row.get("domain", "") for row in tables.messages + tables.prefs} - named - {""}
    if len(open_) != 1 or len(in_rows) != 1:
        return users
    (domain,) = in_rows
    return [replace(user, domain=domain) if user.domain in open_ else user for user in users]


def _text(value: object) -> str:
    """A column as text: SQLite says TEXT of whatever bytes came from the caller."""
    if isinstance(value, bytes):
        return decode_text(value).replace("\0", "")
    return "" if value is None else str(value)
