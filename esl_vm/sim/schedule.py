"""Time for the simulated telephone: what happens when, in order, without waiting for it.

A `Schedule` is a heap of moments. `VirtualClock` jumps from one to the next: a call of ten minutes takes milliseconds,
and the same call twice takes the same course. `realtime.RealClock` runs the same heap against the wall clock.
"""

from __future__ import annotations

import heapq
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable


class StuckError(RuntimeError):
    """Nothing is left to happen, and what is waited for has not: a wait without end, in real life."""


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


class Schedule(Protocol):
    """Moments to come, in order of time; what falls on the same moment happens in the order it was asked for."""

    def now(self) -> float:
        """Seconds since 1970."""
        ...

    def call_at(self, at: float, action: Callable[[], None]) -> Timer:
        """Have something done at a moment; a moment that has passed is as good as now."""
        ...

    def call_later(self, seconds: float, action: Callable[[], None]) -> Timer:
        """Have something done so many seconds from now."""
        ...

    def cancel(self, timer: Timer | None) -> None:
        """Have it not done. None, or what was done or cancelled before, is no error."""
        ...


class TimerHeap(ABC):
    """The heap both clocks share; subclasses say what time it is."""

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


class VirtualClock(TimerHeap):
    """A clock that stands still until it is told to go on to the next moment. It is also a ports.Clock.

    Args:
        start: the time at which it stands first, seconds since 1970.
    """

    def __init__(self, start: float = 1_800_000_000.0) -> None:
        super().__init__()
        self._now = start

    def now(self) -> float:
        """Seconds since 1970."""
        return self._now

    def advance(self) -> bool:
        """Go on to the next moment and do what is to be done first then; False if nothing is to come."""
        at = self.next_at()
        if at is None:
            return False
        self._now = max(self._now, at)
        self._pop()()
        return True

    def run_until(self, reached: Callable[[], bool]) -> None:
        """Go on until a condition holds; raises StuckError when nothing is left that could bring it about."""
        while not reached():
            if not self.advance():
                raise StuckError("nothing is left to happen: this wait would never end")

    def pass_time(self, seconds: float) -> None:
        """Let so much time pass, with everything that happens in it."""
        end = self._now + seconds
        while (at := self.next_at()) is not None and at <= end:
            self.advance()
        self._now = end
