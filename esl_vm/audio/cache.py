"""A node's own copies of sounds, for FreeSWITCH to play. It can be thrown away at any time, and is kept to a size."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import logging
import os
import time
from typing import TYPE_CHECKING

from esl_vm.audio.names import ENDING, file_of
from esl_vm.model.errors import StoreDownError
from esl_vm.model.rate_limited_log import RateLimitedLog
from esl_vm.sound import disk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from collections.abc import Set as AbstractSet
    from pathlib import Path

log = logging.getLogger(__name__)

#: FreeSWITCH reads it through the group, and nobody but the service writes it.
_MODE = 0o640
_FULL = {errno.ENOSPC, errno.EDQUOT}
#: Trimming goes down to this share of the limit, and is looked into whenever so much of it was added.
_TRIM_TO, _LOOK_AFTER = 0.9, 0.05
_LEFTOVER_S = 3600.0
#: Between a sound's id, which has none, and what was made of it.
_RENDITION = "~"


class Cache:
    """A folder of sounds, shared by the service's processes on this node.

    The time of a file's last change is that of its last use. Sounds that were used longest ago go first; one that was
    used within `hold_s` never goes, since a call may be playing it (FreeSWITCH opens it again at every jump), so the
    limit is passed when that many are being played at once. Each process counts what it adds and looks at the whole
    folder after a twentieth of the limit, so with N processes the folder can be N twentieths over for a while.

    Args:
        folder: where; made when first needed.
        limit_bytes: how large it may grow.
        hold_s: seconds for which a sound is certain to stay after it was asked for.
        run: how work that waits for the disk is run: at once, or in a thread.
        wall: the clock that files are dated by.

    Attributes:
        observe: told of every sound that is asked for whether it was there.
    """

    def __init__(
        self,
        folder: Path,
        *,
        limit_bytes: int,
        hold_s: float = 900.0,
        run: disk.Runner = disk.at_once,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.folder = folder.absolute()
        self.limit_bytes = limit_bytes
        self.hold_s = hold_s
        self._run = run
        self._wall = wall
        self.observe: Callable[[bool], None] | None = None
        self._trouble = RateLimitedLog(log, logging.ERROR, most=1)
        self._added = limit_bytes  # so that the first sound added makes this process look at the folder

    def fetch(self, audio_id: str, load: Callable[[], bytes], rendition: str = "") -> Path:
        """The file with that sound (the id was checked), or with that rendition of it; loaded if it is not there.

        Raises:
            StoreDownError: the folder can't be written. Whatever `load` raises.
        """
        path = file_of(self.folder, audio_id, 1)
        if rendition:
            path = path.with_name(f"{audio_id}{_RENDITION}{rendition}{ENDING}")
        hit = self._use(path)
        if self.observe is not None:
            self.observe(hit)
        if hit:
            return path
        content = load()
        try:
            self._run(lambda: self._add(path, content))
        except OSError as error:
            self._trouble.log(
                "no sound can be played that is not on this node yet: the sound cache can't be used: %s", error
            )
            raise StoreDownError(f"the sound cache can't be used: {error}") from error
        return path

    def forget(self, audio_id: str) -> None:
        """Remove a sound with its renditions; what can't be removed goes when it is old."""
        path = file_of(self.folder, audio_id, 1)
        with contextlib.suppress(OSError):
            for one in (path, *path.parent.glob(f"{audio_id}{_RENDITION}*{ENDING}")):
                one.unlink(missing_ok=True)

    def forget_all(self, audio_ids: AbstractSet[str]) -> int:
        """Remove those of these sounds that are here, with what was made of them; how many went; raises OSError."""
        gone = 0
        for folder in self.folder.iterdir() if self.folder.exists() else ():
            for path in folder.glob(f"*{ENDING}") if folder.is_dir() else ():
                made_of = path.name.removesuffix(ENDING).partition(_RENDITION)[0]
                if made_of in audio_ids or made_of.rpartition("-")[0] in audio_ids:
                    path.unlink(missing_ok=True)
                    gone += 1
        return gone

    def trim(self, limit_bytes: int | None = None) -> int:
        """Bring the folder down to a size (default: its limit) where it is over it; how many bytes went.

        Nothing is done while another process does it. Raises OSError.
        """
        limit = self.limit_bytes if limit_bytes is None else limit_bytes
        with self._alone() as alone:
            return self._trim(limit) if alone else 0

    def expire(self) -> int:
        """Remove what was not used within `hold_s`, as where a copy must lie no longer than it is played; how many went.

        Nothing is done while another process does it. Raises OSError.
        """
        with self._alone() as alone:
            late = [path for used, _, path in self._files() if self._wall() - used >= self.hold_s] if alone else []
            for path in late:
                with contextlib.suppress(FileNotFoundError):
                    path.unlink()
        return len(late)

    def _use(self, path: Path) -> bool:
        """Note that a sound is used; whether it is there."""
        now = self._wall()
        try:
            os.utime(path, (now, now))
        except FileNotFoundError:
            return False
        except OSError as error:
            log.warning("sound cache: %s", error)
            return path.exists()
        return True

    def _add(self, path: Path, content: bytes) -> None:
        disk.make_folder(path.parent)
        if self._added + len(content) > self.limit_bytes * _LOOK_AFTER:
            self.trim(max(0, self.limit_bytes - len(content)))
            self._added = 0
        try:
            self._write(path, content)
        except OSError as error:
            if error.errno not in _FULL:
                raise
            if not self.trim(0):
                raise
            self._write(path, content)
        self._added += len(content)

    def _write(self, path: Path, content: bytes) -> None:
        """Whole or not at all: on the disk before it has its name, as a power cut would leave an empty file."""
        with disk.unfinished(path.parent, path.name, _MODE) as (fd, part):
            disk.write_all(fd, content)
            os.fdatasync(fd)
            now = self._wall()
            os.utime(part, (now, now))
            part.rename(path)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[bool]:
        """Whether this process is the one that trims."""
        disk.make_folder(self.folder)
        fd = os.open(self.folder / ".trim", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, disk.FILE_MODE)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield True
        except BlockingIOError:
            yield False
        finally:
            os.close(fd)

    def _trim(self, limit: int) -> int:
        total = sum(size for _, size, _ in self._files())
        if total <= limit:
            return 0  # as most often: no list of ten thousands of files is held for it
        removed = 0
        for _, size, path in sorted(self._files(), key=lambda one: one[0]):
            if total - removed <= limit * _TRIM_TO:
                break
            with contextlib.suppress(FileNotFoundError):
                # Looked at again: since the list was made, somebody may have asked for it.
                if self._wall() - path.stat().st_mtime >= self.hold_s:
                    path.unlink()
                    removed += size
        if total - removed > limit:
            log.warning("sound cache: %d MiB are in use, the limit is %d", (total - removed) >> 20, limit >> 20)
        return removed

    def _files(self) -> Iterator[tuple[float, int, Path]]:
        """Every sound: when it was last used, how large it is, where it lies. Leftovers of a crash are removed."""
        for folder in self.folder.iterdir():
            if not folder.is_dir():
                continue
            for path in folder.iterdir():
                with contextlib.suppress(FileNotFoundError):
                    about = path.stat()
                    if path.name.startswith("."):
                        if self._wall() - about.st_mtime >= _LEFTOVER_S:
                            path.unlink()
                    elif path.name.endswith(ENDING):
                        yield about.st_mtime, about.st_size, path
