"""A process killed with SIGKILL at its n-th step: every file operation and every call of a port counts as one."""

from __future__ import annotations

import fcntl
import os
import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

FILE_STEPS = (
    *("open", "write", "pwrite", "fsync", "fdatasync", "ftruncate"),
    *("rename", "unlink", "link", "mkdir", "chmod", "fchmod", "utime", "replace"),
)
AUDIO_STEPS = ("put", "put_many", "playable", "delete", "exists")
MAILBOX_STEPS = ("deliver", "open", "set_greeting")


class Steps:
    """Counts steps, and ends the process at one of them.

    Args:
        at: the step, from 1; 0 = never.
        after: whether the step is still done.
    """

    def __init__(self, at: int = 0, *, after: bool = False) -> None:
        self.count = 0
        self._at = at
        self._after = after

    def watch(self, owner: object, names: tuple[str, ...]) -> None:
        """Count the calls of these functions of a module or an object."""
        for name in names:
            setattr(owner, name, self._counted(getattr(owner, name)))

    def watch_files(self) -> None:
        self.watch(os, FILE_STEPS)
        self.watch(fcntl, ("flock",))

    def _counted(self, function: Callable) -> Callable:
        def step(*args, **kwargs):
            self.count += 1
            here = self.count == self._at
            if here and not self._after:
                os.kill(os.getpid(), signal.SIGKILL)
            try:
                return function(*args, **kwargs)
            finally:
                if here:
                    os.kill(os.getpid(), signal.SIGKILL)

        return step


def in_child(work: Callable[[], int]) -> int | None:
    """Do the work in a forked process; what it returned (0 to 255), or None if it was killed."""
    child = os.fork()
    if child == 0:
        status = 255
        try:
            status = work()
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return None
    return os.WEXITSTATUS(status)
