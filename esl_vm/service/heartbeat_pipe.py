"""What ties a supervised process to its supervisor: what it is to do, and the two pipes between them."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

BEAT_S = 5.0
READY, BEAT = b"R", b"."


class HeartbeatPipe:
    """A child's end of the two pipes."""

    def __init__(self, tell_fd: int, parent_fd: int) -> None:
        self._tell_fd = tell_fd
        self.parent_fd = parent_fd

    def ready(self) -> None:
        """Calls can be served (or, for a child that serves none, it works)."""
        self._tell(READY)

    def beat(self) -> None:
        """A sign of life, wanted every BEAT_S seconds once ready."""
        self._tell(BEAT)

    def _tell(self, what: bytes) -> None:
        # When the supervisor is gone, or its pipe full since it is stopped, there is nobody to tell.
        with contextlib.suppress(BrokenPipeError, BlockingIOError):
            os.write(self._tell_fd, what)


@dataclass(frozen=True, slots=True)
class ProcessRole:
    """What a child does.

    Args:
        name: for the log.
        run: works until SIGTERM (or the parent pipe's end), and returns the exit code; runs in the child.
        serves_calls: stopped first, with time to finish its calls.
    """

    name: str
    run: Callable[[HeartbeatPipe], int]
    serves_calls: bool = True
