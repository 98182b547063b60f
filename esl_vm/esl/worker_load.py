"""How the workers of a service share its calls.

They listen on one socket, and the kernel wakes whom it likes: of two workers one had 56 % of the work. So each publishes how
many connections it serves, and one that serves more than another waits a moment before it accepts the next.
"""

from __future__ import annotations

import mmap

# Pending connections above which a worker leaves nothing to others: what is FreeSWITCH's must not wait behind them.
MOST_PENDING = 16
# In the place of a worker that accepts nothing.
_ABSENT = -1
_SIZE = 4


class WorkerLoad:
    """One worker's load, in memory that all workers see. Only the worker itself writes its cell, so nothing is locked.

    Attributes:
        connections: how many this worker serves.
    """

    def __init__(self, cells: memoryview[int], place: int) -> None:
        self._cells = cells
        self._place = place
        self.connections = 0
        self.accept(False)

    def accept(self, yes: bool) -> None:
        """Whether this worker accepts connections."""
        self._accepts = yes
        self.add(0)

    def add(self, connections: int) -> None:
        """So many connections more (or fewer) are served."""
        self.connections += connections
        self._cells[self._place] = self.connections if self._accepts else _ABSENT

    @property
    def is_higher(self) -> bool:
        """Whether another worker that accepts has a lower load: by two at least, and by a sixty-fourth of its own."""
        own = self._cells[self._place]
        return any(_ABSENT < load < own - 1 - load // 64 for load in self._cells)


def worker_loads(workers: int) -> list[WorkerLoad]:
    """The loads of so many workers (at least 1), in memory shared by the processes that are forked after this."""
    cells = memoryview(mmap.mmap(-1, _SIZE * workers)).cast("i")
    return [WorkerLoad(cells, place) for place in range(workers)]
