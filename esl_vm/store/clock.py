"""The time that all nodes share: Redis' own, whatever a host's clock says."""

from __future__ import annotations

import contextlib
import logging
import statistics
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from redis import exceptions as wrong

from esl_vm.model.cluster import MOST_SKEW_S

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger(__name__)

_FRESH_S = 60.0
_WORTH_A_LINE_S = 2.0


class SharedClock:
    """ports.Clock: Redis' time, as it was measured last, and what has passed since by a clock that nobody sets.

    Until Redis was reached it is the host's. In a Cluster it is the median of its masters' clocks.

    Args:
        wall: the host's clock, epoch seconds. passed: seconds that never go back.
    """

    def __init__(self, wall: Callable[[], float] = time.time, passed: Callable[[], float] = time.monotonic) -> None:
        self._wall = wall
        self._passed = passed
        self._ahead: float | None = None  # of `passed`
        self._asked = float("-inf")
        self._said = ""

    def now(self) -> float:
        """Seconds since 1970."""
        return self._wall() if self._ahead is None else self._passed() + self._ahead

    @property
    def measured(self) -> bool:
        """Whether Redis was asked at least once."""
        return self._ahead is not None

    @property
    def skew(self) -> float:
        """How far the host's clock is ahead of Redis' (behind: negative), seconds; 0 before Redis was reached."""
        return 0.0 if self._ahead is None else self._wall() - self.now()

    @property
    def may_keep_house(self) -> bool:
        """Whether the host's clock is near enough to Redis' for work that erases."""
        return abs(self.skew) <= MOST_SKEW_S

    @property
    def stale(self) -> bool:
        """Whether it is time to measure again."""
        return self._passed() - self._asked > _FRESH_S

    def measure(self, client: Any, *, cluster: bool = False) -> None:
        """Ask Redis what time it is.

        Args:
            client: of redis-py.
            cluster: whether it is a Cluster's: then each master is asked, and those that are away don't matter.

        Raises:
            redis.exceptions.RedisError and its kind: it can't be asked; the last measure stays.
        """
        self._asked = self._passed()
        if not cluster:
            self._ahead = self._ask(client.time)
        else:
            offsets = []
            for master in client.get_primaries():
                with contextlib.suppress(wrong.RedisError, wrong.RedisClusterException):
                    offsets.append(self._ask(partial(client.time, target_nodes=master)))
            if not offsets:
                raise wrong.ConnectionError("no master of the Cluster says what time it is")
            self._ahead = statistics.median(offsets)
        self._say()

    def _ask(self, ask: Callable[[], tuple[int, int]]) -> float:
        begun = self._passed()
        seconds, microseconds = ask()
        return seconds + microseconds / 1e6 - (begun + self._passed()) / 2

    def _say(self) -> None:
        """Say once that the host's clock is off, and once that it is right again."""
        skew = self.skew
        far = abs(skew) > MOST_SKEW_S
        state = "far" if far else "off" if abs(skew) > _WORTH_A_LINE_S else ""
        if state == self._said:
            return
        self._said = state
        which = f"this host's clock is {abs(skew):.1f} s {'ahead of' if skew > 0 else 'behind'} Redis' clock"
        if far:
            log.error("%s: it does no housekeeping until that is mended; run an NTP client", which)
        elif state:
            log.warning("%s, which counts; run an NTP client", which)
        else:
            log.info("this host's clock agrees with Redis' clock")
