"""Time for the simulated telephone: what happens when, in order, without waiting for it.

A `Schedule` is a heap of moments; `realtime.RealTime` runs it against the wall clock. The tests run it on a clock that
jumps from one moment to the next: a call of ten minutes takes milliseconds, and the same call twice the same course.
"""

from __future__ import annotations

import heapq
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(order=True, slots=True)
class Timer:
    """Something that will happen; `Schedule.cancel` makes that it doesn't."""

    at: float
    number: int
    action: Callable[[], None] | None = field(compare=False)

    @property
    def pending(self) -> bool:
        """Whether it is still to come."""
        return self.action is not None


class Schedule(ABC):
    """Moments to come, in order of time; what falls on the same moment happens in the order it was asked for.

    Subclasses say what time it is.
    """

    def __init__(self) -> None:
        self._heap: list[Timer] = []
        self._numbers = count()

    @abstractmethod
    def now(self) -> float:
        """Seconds since 1970."""

    def call_at(self, at: float, action: Callable[[], None]) -> Timer:
        """Have something done at a moment; a moment that has passed is as good as now."""
        timer = Timer(max(at, self.now()), next(self._numbers), action)
        heapq.heappush(self._heap, timer)
        return timer

    def call_later(self, seconds: float, action: Callable[[], None]) -> Timer:
        """Have something done so many seconds from now."""
        return self.call_at(self.now() + seconds, action)

    def cancel(self, timer: Timer | None) -> None:
        """Have it not done. None, or what was done or cancelled before, is no error."""
        if timer is not None:
            timer.action = None

    def next_at(self) -> float | None:
        """When the next thing happens, None if nothing is to come."""
        while self._heap and self._heap[0].action is None:
            heapq.heappop(self._heap)
        return self._heap[0].at if self._heap else None

    def _pop(self) -> Callable[[], None]:
        """Take out the next action; `next_at` was not None just before."""
        timer = heapq.heappop(self._heap)
        action, timer.action = timer.action, None
        assert action is not None  # noqa: S101 - next_at has dropped the cancelled ones
        return action
