"""The process that keeps an embedded redis-server: started by `embedded`, run as a file, standard library only.

It waits for the lock that all users of the server share. While one of them lives, however many come and go or are
killed, it holds nothing and the server runs (and is started again should it die); when the last one is gone it gets
the lock, stops the server and ends. Should it be killed itself, the kernel stops the server.

    embedded_keeper.py FOLDER PORT SOCKET REDIS-SERVER
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

_QUICK_S = 2.0
_DAMAGED = re.compile(
    rb"(Bad file format|Unexpected end of file|format error)[^\n]*append only file|append only file[^\n]*corrupt"
)
_LOG_TAIL = 4096
_QUICK_DEATHS = 5
_STOP_S = 20.0
_PR_SET_PDEATHSIG = 1
#: All commands but those that read or write files, load code, copy the data elsewhere or change who may do what.
_ALLOWED = (
    "+@all -config +config|get +config|resetstat -debug -module -acl +acl|whoami -shutdown -replicaof -slaveof -migrate"
    " -failover -cluster"
)


class ServerKeeper:
    """See the module.

    Args:
        folder: where the locks and the server's data are.
        port: of the server on the loopback interface, 0 = none. It then wants the password of `redis.password`.
        socket_path: of its unix socket.
        executable: redis-server or valkey-server.
    """

    def __init__(self, folder: Path, port: int, socket_path: str, executable: str) -> None:
        self._folder = folder
        self._port = port
        self._socket_path = socket_path
        self._executable = executable
        self._server: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._deaths = 0
        self._stopping = False

    def run(self) -> int:
        """Keep the server until nobody uses it; returns the exit code."""
        if not _alone(_open(self._folder / "keeper.lock")):
            print("another keeper is at work", file=sys.stderr)
            return 1
        for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)  # it ends when its users do
        signal.signal(signal.SIGCHLD, self._server_died)
        self._start()
        users, start = _open(self._folder / "users.lock"), _open(self._folder / "start.lock")
        while True:
            fcntl.flock(users, fcntl.LOCK_EX)  # for as long as anybody uses the server
            try:
                fcntl.flock(start, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:  # somebody is just coming
                fcntl.flock(users, fcntl.LOCK_UN)
                time.sleep(0.05)
                continue
            self._stop()
            return 0

    def _start(self) -> None:
        settings = {
            "bind": "127.0.0.1",
            "port": str(self._port),
            "dir": _quoted(self._folder),
            "logfile": _quoted(self._folder / "redis.log"),
            "appendonly": "yes",
            "appendfsync": "always",  # a message announced as kept must outlive the machine's power
            "save": '""',
            "maxmemory-policy": "noeviction",
            "daemonize": "no",
            "unixsocket": _quoted(self._socket_path),
            "unixsocketperm": "700",
            "user": f"default on {self._login()} ~* &* {_ALLOWED}",
        }
        # A file, since everybody can read a command line, and this has the password.
        path = self._folder / "redis.conf"
        with os.fdopen(_open(path), "w") as file:
            file.truncate()
            file.writelines(f"{name} {value}\n" for name, value in settings.items())
        self._started = time.monotonic()
        command = [self._executable, str(path)]
        self._server = subprocess.Popen(command, stdin=subprocess.DEVNULL, preexec_fn=_die_with_parent)  # noqa: PLW1509 - no threads here
        self._server_died()  # on a slow machine it may have, before its name was known here

    def _login(self) -> str:
        """What the server wants of a client: a password where anybody on this host can reach it, else nothing."""
        return f">{(self._folder / 'redis.password').read_text().strip()}" if self._port else "nopass"

    def _server_died(self, *_: object) -> None:
        """SIGCHLD: start it again, unless it was told to stop or can't run at all."""
        if self._stopping or self._server is None or self._server.poll() is None:
            return
        quick = time.monotonic() - self._started < _QUICK_S
        self._deaths = self._deaths + 1 if quick else 0
        print(f"redis-server ended with {self._server.returncode}", file=sys.stderr, flush=True)
        self._server = None  # the end of another child calls this again
        if self._deaths >= _QUICK_DEATHS:
            print("it can't run: given up; redis.log says why", file=sys.stderr, flush=True)
            os._exit(1)
        if not self._mended():
            time.sleep(0.1 * self._deaths)
        self._start()

    def _mended(self) -> bool:
        """Whether the server ended at files damaged by a power cut, and they could be mended."""
        with contextlib.suppress(OSError), (self._folder / "redis.log").open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - _LOG_TAIL))
            if _DAMAGED.search(log.read()):
                mend = [
                    sys.executable,
                    "-S",
                    "-E",
                    str(Path(__file__).with_name("embedded_mend.py")),
                    str(self._folder),
                ]
                return subprocess.run(mend, stdin=subprocess.DEVNULL, check=False).returncode == 0
        return False

    def _stop(self) -> None:
        self._stopping = True
        if self._server is None:
            return
        self._server.terminate()
        try:
            self._server.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self._server.kill()
            self._server.wait()


def _quoted(path: Path | str) -> str:
    """A path as one word of the configuration file."""
    return '"' + str(path).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _alone(lock: int) -> bool:
    """Take the keeper's lock; others hold it for a moment to see whether there is a keeper."""
    for _ in range(100):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.02)
        else:
            return True
    return False


def _die_with_parent() -> None:
    """In the server's process before it is the server: the kernel is to stop it when the keeper is no more."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


if __name__ == "__main__":
    sys.exit(ServerKeeper(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4]).run())
