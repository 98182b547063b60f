"""`embedded:`, a redis-server of one's own under the data folder, for who has none: shared by all who use the folder.

Whoever comes first starts it, whoever comes later joins it, and it stops when the last one has gone, be it by
closing, by ending or by being killed: a lock that the users share (and their forked processes with them) says so to
its keeper (`embedded_keeper`). It listens on a unix socket in a folder that only its user may enter; on a loopback port
too where one is asked for, and then with a password (in the file `redis.password`), since every user of the host can
reach that. What is written is on the disk before it is answered (`appendfsync always`).
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import re
import secrets
import socket
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

from esl_vm.model.errors import SettingsError, StoreDownError
from esl_vm.store.embedded_server import find_server
from esl_vm.store.embedded_server import recorded as _recorded

if TYPE_CHECKING:
    from collections.abc import Iterator

_LONGEST_SOCKET_PATH = 107  # of the kernel's 108 bytes, one ends it
_PASSWORD_FILE = "redis.password"  # noqa: S105 - a name, no password
_POLL_S = 0.02
_MENDED = "mended: "
_LEAST_BYTES = 1 << 20
# Seconds a keeper is given to come up before another is tried.
_REVIVE_EVERY_S = 5.0


class Embedded:
    """This process's use of the server of a data folder. A context manager; closing it may stop the server.

    Args:
        data_dir: the data folder, made if it is not there. The server's own is `redis` in it.
        port: a loopback port besides the unix socket; 0 = none. What it was started with stays while it runs.
        wait_s: seconds it may take to start, which is longest where there is much to load.
        must_answer: False: where it does not start this is made all the same, `trouble` says why, and `revive` tries again.

    Raises:
        StoreDownError: it does not start; the text has the end of its log.
        SettingsError: there is no redis-server that can read the data.
    """

    def __init__(self, data_dir: Path, port: int = 0, wait_s: float = 60.0, *, must_answer: bool = True) -> None:
        self._folder = data_dir.resolve() / "redis"
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._users = -1
        self._keeper = 0
        self._port = port
        self._socket = self._socket_path()
        self._revived_at = -_REVIVE_EVERY_S
        self.trouble = ""
        deadline = time.monotonic() + wait_s
        with self._locked("start.lock", fcntl.LOCK_EX, deadline):
            self._users = self._lock("users.lock", fcntl.LOCK_SH, deadline)
            try:
                started = 0 if self._kept() else self._start_keeper()
                self._wait_until_it_answers(started, deadline)
            except BaseException as wrong:  # Ctrl-C while it starts is no use of it either
                if isinstance(wrong, StoreDownError) and not must_answer:
                    self.trouble = str(wrong)
                    return
                self._leave()
                raise

    @property
    def url(self) -> str:
        """Where it is, for `connect`; with the password where it has one."""
        password = self._password()
        return f"unix://:{password}@{self._socket}" if password else f"unix:{self._socket}"

    @property
    def mended(self) -> list[str]:
        """What was mended of its files since its keeper started, a sentence for each."""
        with contextlib.suppress(OSError):
            said = (self._folder / "keeper.log").read_text(errors="replace").splitlines()
            return [line.removeprefix(_MENDED) for line in said if line.startswith(_MENDED)]
        return []

    def revive(self) -> bool:
        """Start it again if its keeper ended, and the server with it; returns whether it did. Waits for nothing.

        Raises:
            StoreDownError: its files can't be written. What follows tries again.
        """
        now = time.monotonic()
        if now - self._revived_at < _REVIVE_EVERY_S or self._kept():
            return False
        if self._answers():  # it is stopping, and its last act is to remove the socket: not the next one's
            return False
        self._revived_at = now
        self._bury_keeper()
        try:
            start = self._lock("start.lock", fcntl.LOCK_EX, 0.0)
        except StoreDownError:  # another user is at it
            return False
        try:
            self._start_keeper()
        except SettingsError:  # there is no redis-server any more
            return False
        finally:
            os.close(start)
        return True

    @property
    def disk(self) -> str:
        """What is wrong with its disk: it `is full`, or `has no inodes left`; `` = nothing."""
        disk = os.statvfs(self._folder)
        if disk.f_bavail * disk.f_frsize < _LEAST_BYTES:
            return "is full"
        return "" if disk.f_favail or not disk.f_files else "has no inodes left"

    def close(self) -> None:
        """Use it no more; if nobody else does, it has stopped when this returns."""
        if self._users < 0:
            return
        self._leave()
        deadline = time.monotonic() + 25
        while time.monotonic() < deadline and not self._others() and self._kept():
            time.sleep(_POLL_S)
        self._bury_keeper()

    def _bury_keeper(self) -> None:
        if self._keeper:
            with contextlib.suppress(ChildProcessError):  # a forked process has not its parent's children
                os.waitpid(self._keeper, os.WNOHANG)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # The locks. A lock belongs to the open file: forked processes share it, and it ends with the last of them.

    def _lock(self, name: str, kind: int, deadline: float) -> int:
        path = self._folder / name
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            if error.errno != errno.EROFS:
                raise
            handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)  # which is locked as well
        while True:
            try:
                fcntl.flock(handle, kind | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    os.close(handle)
                    raise StoreDownError(f"embedded Redis in {self._folder}: another process holds {name}") from None
                time.sleep(_POLL_S)
            else:
                return handle

    @contextlib.contextmanager
    def _locked(self, name: str, kind: int, deadline: float) -> Iterator[None]:
        handle = self._lock(name, kind, deadline)
        try:
            yield
        finally:
            os.close(handle)

    def _could(self, name: str, kind: int) -> bool:
        """Whether that lock could be had just now."""
        try:
            with self._locked(name, kind, 0.0):
                return True
        except StoreDownError:
            return False

    def _kept(self) -> bool:
        return not self._could("keeper.lock", fcntl.LOCK_EX)

    def _others(self) -> bool:
        """Whether others use it: they share the lock; a keeper about to stop the server has it alone, and keeps it."""
        for _ in range(2):  # another one that is just leaving looks in the same way
            if self._could("users.lock", fcntl.LOCK_EX) or not self._could("users.lock", fcntl.LOCK_SH):
                return False
            time.sleep(_POLL_S)
        return True

    def _leave(self) -> None:
        handle, self._users = self._users, -1
        os.close(handle)  # not unlocked: forked processes may go on using it

    # Starting.

    def _start_keeper(self) -> int:
        """Start the keeper, away from this process's terminal and signals; returns its process id.

        Raises:
            StoreDownError: its files can't be written. SettingsError: there is no redis-server that can read the data.
        """
        server = find_server(_recorded(self._folder))
        keeper = Path(__file__).with_name("embedded_keeper.py")
        words = (str(keeper), str(self._folder), str(self._port), self._socket, server.executable)
        command = [sys.executable, "-S", "-E", *words]
        log = str(self._folder / "keeper.log")
        actions = [
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ]
        try:
            version = self._folder / "redis.version"
            if not version.exists() or version.read_text() != f"{server}\n":
                version.write_text(f"{server}\n")
            self._set_password()
            self._keeper = os.posix_spawn(sys.executable, command, os.environ, file_actions=actions, setsid=True)
        except OSError as error:
            raise StoreDownError(f"the embedded Redis can't be started: {self._folder}: {error.strerror}") from error
        return self._keeper

    def _wait_until_it_answers(self, started: int, deadline: float) -> None:
        while not self._answers():
            if started and os.waitpid(started, os.WNOHANG)[0] == started:
                self._keeper = 0
                raise StoreDownError(f"embedded Redis in {self._folder} does not start: {self._log()}")
            if not started and not self._kept():
                raise StoreDownError(f"embedded Redis in {self._folder} has just ended; try again")
            if time.monotonic() > deadline:
                raise StoreDownError(f"embedded Redis in {self._folder} does not answer: {self._log()}")
            time.sleep(_POLL_S)

    def _answers(self) -> bool:
        """Whether the server answers, and has loaded its data. Nobody else can listen in a folder of this user's."""
        try:
            with socket.socket(socket.AF_UNIX) as line:
                line.settimeout(2)
                line.connect(self._socket)
                password = self._password()
                login = f"AUTH {password}\r\n" if password else ""
                line.sendall(f"{login}DBSIZE\r\n".encode())  # refused while it loads
                said = b""
                while not re.search(rb"(^|\r\n):\d+\r\n$", said):
                    part = line.recv(4096)
                    if not part or re.search(rb"(^|\r\n)-(LOADING|NOAUTH|WRONGPASS)", said + part):
                        return False
                    said += part
                return True
        except OSError:
            return False

    def _password(self) -> str:
        """The password of the server that runs, `` = it has none."""
        try:
            return (self._folder / _PASSWORD_FILE).read_text().strip()
        except OSError:
            return ""

    def _set_password(self) -> None:
        """For a server about to be started: a password of its own where it will listen on a port, else none."""
        if not self._port:
            (self._folder / _PASSWORD_FILE).unlink(missing_ok=True)
        elif not self._password():
            handle = os.open(
                self._folder / _PASSWORD_FILE, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600
            )
            with os.fdopen(handle, "w") as file:
                file.write(secrets.token_urlsafe(32) + "\n")

    def _socket_path(self) -> str:
        """The unix socket: in the folder, or where that path is too long, in a folder of this user's in /tmp.

        Raises:
            SettingsError: that folder in /tmp is somebody else's.
        """
        path = self._folder / "redis.sock"
        if len(os.fsencode(path)) <= _LONGEST_SOCKET_PATH:
            return str(path)
        short = Path("/tmp") / f"esl-vm-{os.getuid()}-{hashlib.sha256(os.fsencode(self._folder)).hexdigest()[:12]}"  # noqa: S108 - owner and mode are checked
        with contextlib.suppress(FileExistsError):
            short.mkdir(mode=0o700)
        found = short.lstat()
        if found.st_uid != os.getuid() or (found.st_mode & 0o170077) != 0o040000:
            raise SettingsError(
                [f"data_dir: its path is too long for a unix socket, and {short} is not ours: choose a shorter one"]
            )
        return str(short / "redis.sock")

    def _log(self) -> str:
        """The end of what keeper and server have to say."""
        said = []
        for name in ("redis.log", "keeper.log"):
            with contextlib.suppress(OSError):
                said += (self._folder / name).read_text(errors="replace").splitlines()[-3:]
        return " | ".join(said)
