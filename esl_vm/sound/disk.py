"""Files that are whole or not there: what must outlive a crash is on the disk before anything is said about it."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

T = TypeVar("T")

#: Files and folders belong to one group that the service and FreeSWITCH are both in.
FILE_MODE = 0o660
FOLDER_MODE = 0o770


_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFBLK: "a device",
    stat.S_IFCHR: "a device",
}


class NotAFileError(OSError):
    """What has that name is a folder, a link, a pipe, a socket or a device. The sentence says which."""


class Runner(Protocol):
    """Runs work that may wait for a disk: here and now, or in a thread so that other calls go on meanwhile.

    It must not return before the work is done, not even when whoever waits for it is killed (a greenlet at the end of
    a drain): the next thing that is done is to the same files.
    """

    def __call__(self, work: Callable[[], T], /) -> T:
        """Do the work, return what it returns, raise what it raises."""
        ...


def at_once(work: Callable[[], T], /) -> T:
    """The plain runner: here and now."""
    return work()


def make_folder(folder: Path, mode: int = FOLDER_MODE) -> None:
    """Make a folder that its group may use and nobody else, and those above it; the umask does not matter. Raises OSError.

    A setgid folder hands its group and the bit on to what is made in it, which is how FreeSWITCH's files and ours
    come to share a group.
    """
    if folder.is_dir():
        return
    if not folder.parent.is_dir():
        make_folder(folder.parent, mode)
    try:
        folder.mkdir(mode)
    except FileExistsError:
        return  # another process was quicker
    folder.chmod(stat.S_IMODE(folder.stat().st_mode) & stat.S_ISGID | mode)
    sync_folder(folder.parent)


def open_file(path: Path, flags: int = os.O_RDONLY) -> int:
    """Open a file that others can put there, without ever waiting for it; the descriptor.

    Raises:
        NotAFileError: it is no plain file (opening a pipe would wait for its other end, a link leads elsewhere).
        OSError.
    """
    try:
        fd = os.open(path, flags | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in {errno.ELOOP, errno.EISDIR, errno.ENXIO}:
            raise NotAFileError(f"it is {_kind(path.lstat().st_mode)}, not a file") from error
        raise
    mode = os.fstat(fd).st_mode
    if not stat.S_ISREG(mode):
        os.close(fd)
        raise NotAFileError(f"it is {_kind(mode)}, not a file")
    return fd


def _kind(mode: int) -> str:
    return _KINDS.get(stat.S_IFMT(mode), "something else")


def sync_folder(folder: Path) -> None:
    """Bring a folder's entries (new names, renamed, removed) to the disk. Raises OSError."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def sync_file(path: Path) -> None:
    """Bring a file that another process wrote to the disk, its name included. Raises OSError."""
    fd = open_file(path)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
    sync_folder(path.parent)


@contextlib.contextmanager
def unfinished(folder: Path, name: str, mode: int = FILE_MODE) -> Iterator[tuple[int, Path]]:
    """A new file under a passing name (`.NAME.xxxxxxxx.part`), open for writing; gone when the block is left."""
    path = folder / f".{name}.{secrets.token_hex(4)}.part"
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        os.fchmod(fd, mode)
        yield fd, path
    finally:
        os.close(fd)
        with contextlib.suppress(FileNotFoundError):
            path.unlink()


def write_all(fd: int, content: bytes) -> None:
    """Write all of it; a disk that takes only a part raises OSError at the next attempt."""
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(fd, rest) :]


def write_whole(path: Path, content: bytes) -> None:
    """Put a file in place in one step: readers see all of it or what was there before. Raises OSError."""
    write_parts(path, (content,))


def write_parts(path: Path, parts: Iterable[bytes]) -> None:
    """As `write_whole`, of content that comes in parts."""
    with unfinished(path.parent, path.name) as (fd, part):
        for content in parts:
            write_all(fd, content)
        os.fsync(fd)
        part.rename(path)
    sync_folder(path.parent)


def remove(path: Path) -> bool:
    """Remove a file; whether it was there."""
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    return True


def free_bytes(folder: Path) -> int:
    """How many bytes an ordinary user may still write on the disk of that folder. Raises OSError."""
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize
