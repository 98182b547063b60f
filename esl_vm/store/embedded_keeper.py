"""The process that keeps an embedded redis-server: started by `embedded`, run as a file, standard library only.

It waits for the lock that all users of the server share. While one of them lives, however many come and go or are
killed, it holds nothing and the server runs (and is started again should it die); when the last one is gone it gets
the lock, stops the server and ends. Should it be killed itself, the kernel stops the server.

    embedded_keeper.py FOLDER PORT SOCKET REDIS-SERVER
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

_QUICK_S = 2.0
_QUICK_DEATHS = 5
_STOP_S = 20.0
_PR_SET_PDEATHSIG = 1


class Keeper:
    """See the module.

    Args:
        folder: where the locks and the server's data are.
        port: of the server on the loopback interface, 0 = any free one.
        socket_path: of its unix socket, `` = none.
        executable: redis-server.
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
        port = self._port or self._free_port()
        settings = {
            "bind": "127.0.0.1",
            "port": str(port),
            "dir": str(self._folder),
            "logfile": str(self._folder / "redis.log"),
            "appendonly": "yes",
            "appendfsync": "always",  # a message announced as kept must outlive the machine's power
            "save": "",
            "maxmemory-policy": "noeviction",
            "daemonize": "no",
        }
        if self._socket_path:
            settings |= {"unixsocket": self._socket_path, "unixsocketperm": "700"}
        command = [self._executable, *(word for name, value in settings.items() for word in (f"--{name}", value))]
        self._started = time.monotonic()
        self._server = subprocess.Popen(command, stdin=subprocess.DEVNULL, preexec_fn=_die_with_parent)  # noqa: PLW1509 - no threads here
        part = self._folder / "redis.port.part"
        part.write_text(f"{port}\n")
        part.rename(self._folder / "redis.port")

    def _server_died(self, *_: object) -> None:
        """SIGCHLD: start it again, unless it was told to stop or can't run at all."""
        if self._stopping or self._server is None or self._server.poll() is None:
            return
        quick = time.monotonic() - self._started < _QUICK_S
        self._deaths = self._deaths + 1 if quick else 0
        print(f"redis-server ended with {self._server.returncode}", file=sys.stderr, flush=True)
        if self._deaths >= _QUICK_DEATHS:
            print("it can't run: given up; redis.log says why", file=sys.stderr, flush=True)
            os._exit(1)
        time.sleep(0.1 * self._deaths)
        self._start()

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

    def _free_port(self) -> int:
        """The port it had before, if nobody else has it now; else any."""
        try:
            wanted = int((self._folder / "redis.port").read_text())
        except (OSError, ValueError):
            wanted = 0
        for port in (wanted, 0):
            with socket.socket() as probe:
                try:
                    probe.bind(("127.0.0.1", port))
                except (OSError, OverflowError):
                    continue
                free: int = probe.getsockname()[1]
                return free
        return wanted


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
    sys.exit(Keeper(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4]).run())
