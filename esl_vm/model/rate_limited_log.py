"""Rate-limited log: who connects ten thousand times must not fill the disk with the news of it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable


class RateLimitedLog:
    """Lines of one kind, at most so many in an interval; how many more there were is logged with the next interval's first.

    Args:
        logger: where they go.
        level: logging.INFO and so on.
        most: lines in an interval. every_s: the interval, seconds.
        clock: seconds, monotonic.
    """

    def __init__(
        self,
        logger: logging.Logger,
        level: int,
        *,
        most: int = 10,
        every_s: float = 60.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._logger, self._level = logger, level
        self._most, self._every_s = most, every_s
        self._clock = clock
        self._began = clock()
        self._lines = 0

    def log(self, message: str, *args: object) -> None:
        """Write a line, or count it."""
        now = self._clock()
        if (took_s := now - self._began) >= self._every_s:
            if (dropped := self._lines - self._most) > 0:
                self._logger.log(self._level, "%d more like the last, within %.0f s", dropped, took_s)
            self._began, self._lines = now, 0
        self._lines += 1
        if self._lines <= self._most:
            self._logger.log(self._level, message, *args)
