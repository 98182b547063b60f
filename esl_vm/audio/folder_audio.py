"""Sounds in a folder that all nodes share (NFS, CephFS, GlusterFS), or of a single node."""

from __future__ import annotations

import contextlib
import errno
import os
import time
from functools import partial
from typing import TYPE_CHECKING

from esl_vm.audio.names import ENDING, OWNER, checked, file_of, is_id, opened, read_sealed
from esl_vm.model.errors import AudioMissingError, StoreDownError
from esl_vm.model.sealing import Keyless
from esl_vm.sound import disk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from esl_vm.audio.cache import Cache
    from esl_vm.model.sealing import Seal

_LEVELS = 2
_LEFTOVER_S = 86400.0
#: What file systems without hard links answer.
_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}


class FolderAudio:
    """ports.AudioStore in a folder, two levels of 256 folders deep.

    The folder itself is never made: where a share is not mounted, its folder should be missing, or sounds would be
    stored on the node's own disk. So name one inside the share, not the place it is mounted on.

    Args:
        folder: where; it must be there.
        cache: this node's copies; None = FreeSWITCH plays from the share itself.
        run: how work that waits for the disk is run.
        wall: the clock that files are dated by.
        seal: seals what is stored; None = nothing does. With a key there must be a cache.
    """

    def __init__(
        self,
        folder: Path,
        cache: Cache | None = None,
        *,
        run: disk.Runner = disk.at_once,
        wall: Callable[[], float] = time.time,
        seal: Seal | None = None,
    ) -> None:
        self._folder = folder.absolute()
        self._seal = seal or Keyless()
        self._replaced: dict[int, Path] = {}
        self._cache = cache
        self._run = run
        self._wall = wall

    def put(self, audio_id: str, source: Path) -> None:
        """Store a file's content; raises OSError where the file can't be read, InvalidValueError for a wrong id."""
        path = file_of(self._folder, checked(audio_id), _LEVELS)
        content = read_sealed(source, self._seal, self._run)
        with self._translated():
            self._run(lambda: self._store(path, content))

    def put_many(self, audio_ids: Sequence[str], source: Path) -> None:
        """Store a file's content under each of these, as links of one file where the file system has such."""
        first, *others = (file_of(self._folder, checked(audio_id), _LEVELS) for audio_id in audio_ids)
        content = read_sealed(source, self._seal, self._run)
        with self._translated():
            self._run(lambda: self._store(first, content))
            for path in others:
                self._run(partial(self._link, first, path, content))

    def playable(self, audio_id: str) -> Path:
        """The file, or this node's copy of it; raises AudioMissingError."""
        if not is_id(audio_id):
            raise AudioMissingError(f"there can be no sound {audio_id!r}")
        path = file_of(self._folder, audio_id, _LEVELS)
        if self._cache:
            return self._cache.fetch(audio_id, lambda: opened(self._load(path), self._seal, self._run))
        with self._translated():
            self._run(path.stat)
        return path

    def stored(self, audio_id: str) -> bytes:
        """The file's content; raises AudioMissingError."""
        return self._load(file_of(self._folder, checked(audio_id), _LEVELS))

    def replace(self, audio_id: str, content: bytes) -> None:
        """Put other content in the file's place, for all names of it as they come; nothing if it is gone."""
        path = file_of(self._folder, checked(audio_id), _LEVELS)
        with self._translated(), contextlib.suppress(FileNotFoundError):
            self._run(lambda: self._write_over(path, content))

    def _write_over(self, path: Path, content: bytes) -> None:
        before = path.stat()
        done = self._replaced.get(before.st_ino)
        with disk.unfinished(path.parent, path.name) as (fd, part):
            if done is not None and done.exists():  # another name of the same file: one file it stays
                part.unlink()
                part.hardlink_to(done)
            else:
                disk.write_all(fd, content)
                os.fsync(fd)
            path.stat()  # else a sound that was erased meanwhile would come back
            part.rename(path)
        self._replaced.pop(before.st_ino, None)
        if before.st_nlink > 1:
            self._replaced[before.st_ino] = path
        disk.sync_folder(path.parent)

    def delete(self, audio_id: str) -> None:
        """Forget a sound."""
        if not is_id(audio_id):
            return
        with self._translated():
            if not self._run(lambda: disk.remove(file_of(self._folder, audio_id, _LEVELS))):
                self._must_be_there()
        if self._cache:
            self._cache.forget(audio_id)

    def exists(self, audio_id: str) -> bool:
        """Whether the file is there."""
        if not is_id(audio_id):
            return False
        with self._translated():
            try:
                self._run(file_of(self._folder, audio_id, _LEVELS).stat)
            except FileNotFoundError:
                self._must_be_there()
                return False
        return True

    def missing(self, audio_ids: Sequence[str]) -> set[str]:
        """Those whose file is gone."""
        return {audio_id for audio_id in audio_ids if not self.exists(audio_id)}

    def ids(self) -> Iterator[str]:
        """All ids. What a crash left half-written a day ago is removed on the way."""
        with self._translated():
            for path in _walk(self._folder, _LEVELS):
                if path.name.startswith("."):
                    with contextlib.suppress(FileNotFoundError):
                        if self._wall() - path.stat().st_mtime >= _LEFTOVER_S:
                            path.unlink()
                elif path.name.endswith(ENDING) and is_id(path.name.removesuffix(ENDING)):
                    yield path.name.removesuffix(ENDING)

    def owner(self) -> str:
        """What the file `installation` says."""
        with self._translated():
            self._must_be_there()
            try:
                return self._run((self._folder / OWNER).read_text).strip()
            except FileNotFoundError:
                return ""

    def claim(self, installation: str, *, over: bool = False) -> None:
        """Write it, unless it is there."""
        with self._translated():
            if over:
                self._run(lambda: disk.remove(self._folder / OWNER))
            self._run(lambda: self._store(self._folder / OWNER, f"{installation}\n".encode()))

    def _store(self, path: Path, content: bytes) -> None:
        self._must_be_there()
        if not path.exists():
            disk.make_folder(path.parent)
            with disk.unfinished(path.parent, path.name) as (fd, part):
                disk.write_all(fd, content)
                os.fsync(fd)
                _name(part, path)
        disk.sync_folder(path.parent)

    def _link(self, there: Path, path: Path, content: bytes) -> None:
        """The same file under another name; a copy of it where that can't be."""
        disk.make_folder(path.parent)
        try:
            path.hardlink_to(there)
        except FileExistsError:
            pass
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            self._store(path, content)
        disk.sync_folder(path.parent)

    def _load(self, path: Path) -> bytes:
        with self._translated():
            return self._run(path.read_bytes)

    def _must_be_there(self) -> None:
        if not self._folder.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, "the shared folder is not there, is it mounted?", str(self._folder))

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        """Say what goes wrong with the share in the port's words."""
        try:
            try:
                yield
            except FileNotFoundError as error:
                self._must_be_there()
                raise AudioMissingError(f"there is no sound {error.filename}") from error
        except OSError as error:
            raise StoreDownError(f"the sound folder can't be used: {error}") from error


def _name(part: Path, path: Path) -> None:
    """Give a file that is whole its name, unless another node was quicker: a sound never changes."""
    try:
        path.hardlink_to(part)
    except FileExistsError:
        return
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        part.rename(path)


def _walk(folder: Path, levels: int) -> Iterator[Path]:
    """Every file so many levels below."""
    for path in folder.iterdir():
        if not levels:
            yield path
        elif path.is_dir() and len(path.name) == 2:
            yield from _walk(path, levels - 1)
