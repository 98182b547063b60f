"""What was counted and is not written yet: a call makes fifteen figures, and writing each at once costs it a twentieth.

A figure waits for a quarter of a second at most, so that is what a killed process takes with it.
"""

from __future__ import annotations

import collections
from bisect import bisect_left
from typing import TYPE_CHECKING

from prometheus_client import Counter, Gauge, Histogram

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

WAIT_S = 0.25

Labels = tuple[str, ...]


class BulkHistogram(Histogram):
    """A histogram that takes many values at once: a write for each bucket they fall in, not for each value."""

    def observe_all(self, values: Iterable[float]) -> None:
        """As `observe` for each of them."""
        values = tuple(values)
        self._sum.inc(sum(values))
        for place, number in collections.Counter(bisect_left(self._upper_bounds, value) for value in values).items():
            self._buckets[place].inc(number)


class Tally:
    """Figures on their way to where they are kept.

    Args:
        later: runs what it is given after `WAIT_S`, once; None: everything is written at once.
    """

    def __init__(self, later: Callable[[Callable[[], None]], object] | None = None) -> None:
        self._later = later
        self._waiting = False
        self._added: collections.Counter[tuple[Counter | Gauge, Labels]] = collections.Counter()
        self._seen: dict[tuple[BulkHistogram, Labels], list[float]] = {}

    def add(self, counter: Counter | Gauge, *labels: str, amount: int = 1) -> None:
        """Count something."""
        self._added[counter, labels] += amount
        self._wake()

    def see(self, histogram: BulkHistogram, *labels: str, values: Iterable[float]) -> None:
        """Note measurements."""
        self._seen.setdefault((histogram, labels), []).extend(values)
        self._wake()

    def write(self) -> None:
        """Write all that waits."""
        self._waiting = False
        added, self._added = self._added, collections.Counter()
        seen, self._seen = self._seen, {}
        for (counter, labels), amount in added.items():
            (counter.labels(*labels) if labels else counter).inc(amount)
        for (histogram, labels), values in seen.items():
            if values:
                (histogram.labels(*labels) if labels else histogram).observe_all(values)

    def _wake(self) -> None:
        if self._later is None:
            self.write()
        elif not self._waiting:
            self._waiting = True
            self._later(self.write)
