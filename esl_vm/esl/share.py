"""How the workers of a service share its calls.

They listen on one socket, and the kernel wakes whom it likes: of two workers one had 56 % of the work. So each tells the
others how many calls it holds, and one that holds more than another waits a moment before it takes the next.
"""

from __future__ import annotations

import mmap

# Strangers above which a worker leaves nothing to others: what is FreeSWITCH's must not wait behind them.
MOST_STRANGERS = 16
# In the place of a worker that takes no calls.
_ABSENT = -1
_SIZE = 4


class Board:
    """How many calls each worker holds, in memory that all processes forked after it see.

    Args:
        workers: how many, at least 1.
    """

    def __init__(self, workers: int) -> None:
        self._cells = memoryview(mmap.mmap(-1, _SIZE * workers)).cast("i")
        for place in range(workers):
            self._cells[place] = _ABSENT

    def share(self, place: int) -> Share:
        """One worker's part; places count from 0."""
        return Share(self._cells, place)


class Share:
    """One worker's part of a board. Only the worker itself writes there, so nothing is locked."""

    def __init__(self, cells: memoryview[int], place: int) -> None:
        self._cells = cells
        self._place = place

    def holds(self, calls: int) -> None:
        """Tell the others how many calls this worker holds."""
        self._cells[self._place] = calls

    def leaves(self) -> None:
        """Tell the others that this worker takes no more."""
        self._cells[self._place] = _ABSENT

    @property
    def is_larger(self) -> bool:
        """Whether another worker that takes calls holds fewer: two at least, and a sixty-fourth of what that one holds."""
        own = self._cells[self._place]
        return any(_ABSENT < held < own - 1 - held // 64 for held in self._cells)
