"""Points at which something can fail: every command to FreeSWITCH, every word to Redis, every file operation.

`Points` counts them as they pass in this process and strikes at one of them: kills the process, kills Redis, or cuts the
event socket. What is counted is the same each time the same call is played, so point N is the same place each time.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import redis.connection
from support.pipe import PipeSocket

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

FILE_EVENTS = {"open", "os.rename", "os.remove", "os.mkdir", "os.link", "os.truncate", "fcntl.flock"}


@dataclass
class Points:
    """Counts points; at number `strike_at` (from 1) `strike` is called. Only file operations below `folder` count.

    Attributes:
        passed: how many have passed. last: the kind of the last one.
    """

    folder: Path
    strike_at: int
    strike: Callable[[], None]
    passed: int = 0
    active: bool = False
    last: str = ""

    def point(self, kind: str) -> None:
        """One more point is passed."""
        if not self.active:
            return
        self.passed += 1
        self.last = kind
        if self.passed == self.strike_at:
            self.active = False
            self.strike()
            self.active = True

    @contextlib.contextmanager
    def counting(self) -> Iterator[None]:
        """Count what happens in the block."""
        install(self)
        self.active = True
        try:
            yield
        finally:
            self.active = False


_current: list[Points] = []
_installed: list[bool] = []


def install(points: Points) -> None:
    """Have this process's operations counted by `points`."""
    _current[:] = [points]
    if _installed:
        return
    _installed.append(True)

    def audit(event: str, args: tuple) -> None:
        here = _current[0]
        if here.active and event in FILE_EVENTS:
            name = args[0] if args else ""
            if event == "fcntl.flock" or (isinstance(name, str | bytes) and str(here.folder) in os.fsdecode(name)):
                here.point(f"file: {event}")

    sys.addaudithook(audit)
    _around(os, "write", "file: write")
    _around(os, "fsync", "file: fsync")
    _around(redis.connection.Connection, "send_packed_command", "redis: before a command")
    _around(redis.connection.Connection, "read_response", "redis: before an answer")
    _around(PipeSocket, "sendall", "event socket: command")


def _around(where: object, name: str, kind: str) -> None:
    plain = getattr(where, name)

    def counted(*args, **kwargs):
        _current[0].point(kind)
        return plain(*args, **kwargs)

    setattr(where, name, counted)


def kill_this_process() -> None:
    """As a crash, or the kernel, would."""
    os.kill(os.getpid(), signal.SIGKILL)
