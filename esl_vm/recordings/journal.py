"""A manifest's file: written before the recording begins, and at every decision after.

A decision is one small append and one fsync; a last record that a crash left half-written is as if it had never been.
The file keeps its inode for life, so the `flock` on it says whether somebody is at work on the take: a call, a
sweeper, a command.
"""

from __future__ import annotations

import dataclasses
import fcntl
import os
from dataclasses import dataclass, field
from io import FileIO
from typing import TYPE_CHECKING, Any, Self

from esl_vm.recordings.manifest import MOST_BYTES, VERSION, ManifestError, decode, encode
from esl_vm.sound import disk

if TYPE_CHECKING:
    from pathlib import Path

    from esl_vm.recordings.manifest import Manifest


@dataclass(slots=True)
class Journal:
    """A take's manifest, open and locked: nobody else is at work on the take until it is closed.

    A journal that is forgotten without being closed gives its lock back when it is garbage, as a dead process does.
    """

    path: Path
    manifest: Manifest
    _file: FileIO = field(repr=False)
    _whole: int = 0
    _owed: dict[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def create(cls, path: Path, manifest: Manifest) -> Self:
        """Write a new manifest, on disk when this returns, and hold its lock; raises OSError.

        FileExistsError: a take of that id is on its way already.
        """
        first = {one.name: getattr(manifest, one.name) for one in dataclasses.fields(manifest)}
        content = bytes([VERSION]) + encode({name: value for name, value in first.items() if value not in {None, ""}})
        with disk.unfinished(path.parent, path.name) as (fd, part):
            # The lock goes with the inode, so it is held before the file has the name that others look for.
            file = FileIO(part, "r+")
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                disk.write_all(fd, content)
                os.fsync(fd)
                path.hardlink_to(part)
                disk.sync_folder(path.parent)
            except BaseException:  # a greenlet that is killed holds no lock either
                file.close()
                raise
        return cls(path, manifest, file, len(content))

    @classmethod
    def open(cls, path: Path) -> Self | None:
        """Take over a manifest; None when somebody is at work on it, or it has gone meanwhile.

        Raises:
            ManifestError: it can't be read; NewerManifestError: nor may it be touched. OSError.
        """
        try:
            file = _opened(path, os.O_RDWR)
        except FileNotFoundError:
            return None
        try:
            if _lock(file, path):
                manifest, whole = _read(file, path)
                return cls(path, manifest, file, whole)
        except BaseException:  # likewise
            file.close()
            raise
        file.close()
        return None

    def append(self, **changes: Any) -> None:
        """Write a change, on disk when this returns; raises OSError, and then nothing has changed."""
        self._write(changes, durably=True)

    def note(self, **changes: Any) -> None:
        """Write a change that has to outlive this process but no power cut, and so costs next to nothing."""
        self._write(changes, durably=False)

    def assume(self, **changes: Any) -> None:
        """A change that a crash may undo: it holds from now on, and is written with the next that can be."""
        self.manifest = dataclasses.replace(self.manifest, **changes)
        self._owed |= changes

    def _write(self, changes: dict[str, Any], *, durably: bool) -> None:
        changes = self._owed | changes
        changed = dataclasses.replace(self.manifest, **changes)
        record = encode(changes)
        fd = self._file.fileno()
        try:
            os.ftruncate(fd, self._whole)
            done = 0
            while done < len(record):
                done += os.pwrite(fd, record[done:], self._whole + done)
            if durably:
                os.fsync(fd)
        except OSError:
            self._take_back()
            raise
        self._whole += len(record)
        self._owed = {}
        self.manifest = changed

    def _take_back(self) -> None:
        """Leave no half-written record behind; should even this fail, readers ignore it."""
        try:
            os.ftruncate(self._file.fileno(), self._whole)
        except OSError:
            return

    def rename(self, path: Path) -> None:
        """Give the manifest another name, its lock goes with it. Raises OSError."""
        self.path.rename(path)
        self.path = path

    def close(self) -> None:
        """Give the lock back."""
        self._file.close()


def _lock(file: FileIO, path: Path) -> bool:
    """Whether the lock could be had, and the file still has that name: who held it before may have settled the take."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except (BlockingIOError, FileNotFoundError):
        return False


def read(path: Path) -> tuple[Manifest, bool]:
    """A manifest as it is now, and whether somebody is at work on the take. Raises ManifestError, OSError."""
    with _opened(path, os.O_RDONLY) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            busy = False
        except BlockingIOError:
            busy = True
        return _read(file, path)[0], busy


def _opened(path: Path, flags: int) -> FileIO:
    """The file of that name; raises ManifestError for what is no file, OSError."""
    try:
        return FileIO(disk.open_file(path, flags), "r+" if flags == os.O_RDWR else "r")
    except disk.NotAFileError as error:
        raise ManifestError(f"the manifest can't be read: {error}") from error


def _read(file: FileIO, path: Path) -> tuple[Manifest, int]:
    """The manifest, and how many bytes of it are whole; never more in memory than a manifest can have."""
    manifest, whole = decode(file.read(MOST_BYTES + 1) or b"")
    if manifest.id != path.stem:  # its sounds would be taken for those of another take
        raise ManifestError(f"the manifest is another take's: {manifest.id}")
    return manifest, whole
