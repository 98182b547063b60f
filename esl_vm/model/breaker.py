"""A circuit breaker: after a failure, calls fail at once for a while, then one of them tries again."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Breaker:
    """Whether it is worth trying.

    Closed: all try. Open (after a failure): none does, for `rest_s` seconds; then one tries while the others
    still don't, and its success closes it.

    Args:
        rest_s: seconds. clock: seconds of any origin that never goes back.

    Attributes:
        reason: of the last failure. watched: somebody in the background tries until it works, so no call has to.
    """

    __slots__ = ("_clock", "_open_until", "_rest_s", "reason", "watched")

    def __init__(self, rest_s: float, clock: Callable[[], float] = monotonic) -> None:
        self._rest_s = rest_s
        self._clock = clock
        self._open_until = 0.0
        self.reason = ""
        self.watched = False

    @property
    def resting(self) -> bool:
        """Whether it is open, and too early to try again, or not this call's to try."""
        return bool(self._open_until) and (self.watched or self._clock() < self._open_until)

    def allows(self) -> bool:
        """Whether to try now. Who is allowed while it is open keeps the others out for another `rest_s`."""
        if not self._open_until:
            return True
        now = self._clock()
        if self.watched or now < self._open_until:
            return False
        self._open_until = now + self._rest_s
        return True

    def succeeded(self) -> None:
        """It worked: closed."""
        self._open_until = 0.0

    def failed(self, reason: str) -> None:
        """It did not: open."""
        self._open_until = self._clock() + self._rest_s
        self.reason = reason
