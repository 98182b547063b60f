"""Rate-limited log: who connects ten thousand times must not fill the disk with the news of it, nor a full disk itself."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable


class RateLimitedLog:
    """Lines, of each kind at most so many in an interval; how many more there were is logged with the next interval's first.

    They are of one kind when their message before its arguments is the same.

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
        self._told: dict[str, tuple[float, int]] = {}  # of each kind, when its interval began, and how many there were

    def log(self, message: str, *args: object) -> None:
        """Write a line, or count it."""
        now = self._clock()
        began, lines = self._told.get(message, (now, 0))
        if (took_s := now - began) >= self._every_s:
            if (dropped := lines - self._most) > 0:
                self._logger.log(self._level, "%d more like the last, within %.0f s", dropped, took_s)
            began, lines = now, 0
        self._told[message] = (began, lines + 1)
        if lines < self._most:
            self._logger.log(self._level, message, *args)
