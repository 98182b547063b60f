"""The file of a backup: a line that says what it is, then msgpack records, the last of which proves the rest.

    esl-vm-backup 1
    {kind: head, ...} {kind: mailbox, ...} {kind: sound, ...} ... {kind: end, records, sha256}

The SHA-256 is of all bytes before the last record. A file that was cut off has no last record.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from typing import IO, TYPE_CHECKING, Any

import msgpack

from esl_vm.cli.files import open_new
from esl_vm.model.errors import InvalidValueError
from esl_vm.sound import disk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

VERSION = 1
_MAGIC = b"esl-vm-backup "
_LARGEST = 1 << 30  # bytes of a record: a sound, or a mailbox of some hundred thousand messages


class BackupWriter:
    """Writes records one after the other; see `writing`."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._sum = hashlib.sha256()
        self._records = 0
        self._write(_MAGIC + str(VERSION).encode() + b"\n")

    def add(self, kind: str, **fields: Any) -> None:
        """Write a record."""
        self._write(msgpack.packb({"kind": kind, **fields}))
        self._records += 1

    def end(self) -> None:
        """Write the last one."""
        self._file.write(msgpack.packb({"kind": "end", "records": self._records, "sha256": self._sum.hexdigest()}))

    def _write(self, content: bytes) -> None:
        self._sum.update(content)
        self._file.write(content)


@contextlib.contextmanager
def writing(path: Path) -> Iterator[BackupWriter]:
    """A new file that only this user may read; it is there whole, or not at all.

    Raises:
        InvalidValueError: there is something of that name. OSError: it can't be written.
    """
    file = open_new(path)
    try:
        with file:
            writer = BackupWriter(file)
            yield writer
            writer.end()
            file.flush()
            os.fsync(file.fileno())
    except BaseException:  # Ctrl-C leaves no half file either
        path.unlink(missing_ok=True)
        raise
    disk.sync_folder(path.parent.absolute())


def records(path: Path) -> Iterator[dict[str, Any]]:
    """All records but the last, in order; the file is proved when this ends, and a wrong one raises.

    Raises:
        InvalidValueError: it is no backup, of another version, cut off, or changed. OSError: it can't be read.
    """
    digest = hashlib.sha256()
    with path.open("rb") as file, path.open("rb") as again:
        magic = file.readline(100)
        if not magic.startswith(_MAGIC):
            raise InvalidValueError(f"{path} is no backup of esl-vm")
        if magic != _MAGIC + str(VERSION).encode() + b"\n":
            version = magic[len(_MAGIC) :].strip().decode(errors="replace")
            raise InvalidValueError(f"{path} is of version {version}; this esl-vm reads {VERSION}")
        digest.update(magic)
        unpacker = msgpack.Unpacker(file, max_buffer_size=_LARGEST, strict_map_key=True)
        seen = 0
        while True:
            start = unpacker.tell()
            try:
                record = unpacker.unpack()
            except msgpack.OutOfData:
                raise InvalidValueError(f"{path} is cut off after {seen} records") from None
            except (ValueError, msgpack.UnpackException) as wrong:
                raise InvalidValueError(f"{path} is broken after {seen} records: {wrong}") from wrong
            if not isinstance(record, dict):
                raise InvalidValueError(f"{path} is broken after {seen} records")
            if record.get("kind") == "end":
                break
            again.seek(len(magic) + start)
            digest.update(again.read(unpacker.tell() - start))
            seen += 1
            yield record
    if record.get("records") != seen or record.get("sha256") != digest.hexdigest():
        raise InvalidValueError(f"{path} was changed after it was written: its checksum differs")
