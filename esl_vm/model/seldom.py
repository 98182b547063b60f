"""Log lines of what may happen again and again: told a few times, then counted."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable


class Seldom:
    """Lines of one kind, of which so many are written in a while; how many more there were is told with the next.

    Who connects ten thousand times must not fill the disk with the news of it.

    Args:
        log: where they go.
        level: logging.INFO and so on.
        most: lines in a while. every_s: the while, seconds.
        clock: seconds, monotonic.
    """

    def __init__(
        self,
        log: logging.Logger,
        level: int,
        *,
        most: int = 10,
        every_s: float = 60.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._log = log
        self._level = level
        self._most = most
        self._every_s = every_s
        self._clock = clock
        self._began = clock()
        self._written = 0
        self._left_out = 0

    def tell(self, message: str, *args: object) -> None:
        """Write a line, or count it."""
        now = self._clock()
        if now - self._began >= self._every_s:
            if self._left_out:
                self._log.log(self._level, "%d more like the last, within %.0f s", self._left_out, now - self._began)
            self._began, self._written, self._left_out = now, 0, 0
        if self._written == self._most:
            self._left_out += 1
            return
        self._written += 1
        self._log.log(self._level, message, *args)
