"""A clock that jumps from one moment to the next, for calls of ten minutes that take milliseconds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from esl_vm.sim.schedule import Schedule

if TYPE_CHECKING:
    from collections.abc import Callable


class StuckError(RuntimeError):
    """Nothing is left to happen, and what is waited for has not: a wait without end, in real life."""


class VirtualClock(Schedule):
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
