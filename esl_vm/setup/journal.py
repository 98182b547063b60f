"""What setup changed, written down before it is changed: from it everything is put back, wherever setup was killed.

journal.jsonl   an entry a line, in the order of the changes
N.before        what was in the file of entry N
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import stat
from typing import TYPE_CHECKING, Any

from esl_vm.model.errors import InvalidValueError
from esl_vm.sound import disk

if TYPE_CHECKING:
    from pathlib import Path

_MODE = 0o700
_FILE_MODE = 0o600


class Journal:
    """The journal in a folder of its own, for the user alone who runs setup: what stands in it is done as that user.

    Args:
        folder: made when something is written down.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._file = folder / "journal.jsonl"

    def check(self) -> None:
        """Raises InvalidValueError where somebody else could have written it."""
        with contextlib.suppress(FileNotFoundError):
            found = self.folder.lstat()
            if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o022:
                raise InvalidValueError(
                    f"{self.folder} is not a folder of yours alone: it is not trusted (--journal DIR)"
                )

    def entries(self) -> list[dict[str, Any]]:
        """What was written down, oldest first; a last line that is not whole was never acted on. Raises OSError."""
        try:
            lines = self._file.read_bytes().split(b"\n")
        except FileNotFoundError:
            return []
        entries = []
        for line in lines[:-1]:
            with contextlib.suppress(ValueError):
                entries.append(json.loads(line))
        return entries

    def write(self, entry: dict[str, Any], before: bytes | None = None) -> None:
        """Write an entry down, and what the file holds that it is about; on the disk when this returns. Raises OSError."""
        self.check()
        disk.make_folder(self.folder.parent, 0o755)
        disk.make_folder(self.folder, _MODE)
        if before is not None:
            name = f"{len(self.entries()) + 1}.before"
            with disk.unfinished(self.folder, name, _FILE_MODE) as (handle, part):
                disk.write_all(handle, before)
                os.fsync(handle)
                part.rename(self.folder / name)
            entry = entry | {"backup": name}
        handle = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _FILE_MODE)
        try:
            whole = disk_end(handle)
            os.ftruncate(handle, whole)
            os.lseek(handle, whole, os.SEEK_SET)
            disk.write_all(handle, json.dumps(entry).encode() + b"\n")
            os.fsync(handle)
        finally:
            os.close(handle)
        disk.sync_folder(self.folder)

    def backup(self, entry: dict[str, Any]) -> bytes:
        """What a file held before; raises OSError."""
        return (self.folder / str(entry["backup"])).read_bytes()

    def forget(self) -> None:
        """All was put back."""
        for path in [self._file, *self.folder.glob("*.before")]:
            disk.remove(path)
        with contextlib.suppress(OSError):
            self.folder.rmdir()


def disk_end(handle: int) -> int:
    """Where the last whole line of a file ends."""
    content = os.pread(handle, os.fstat(handle).st_size, 0)
    return content.rfind(b"\n") + 1


def digest(content: bytes | None) -> str:
    """What tells a content from others; `` of a file that is not there."""
    return "" if content is None else hashlib.sha256(content).hexdigest()
