"""Pending connections: those that have not said yet which call they bring. FreeSWITCH says so within milliseconds.

There is room for so many of them. When it is used up the oldest is closed, but none before it has had its time: until then no
more are accepted, and those that come wait in the kernel. So a FreeSWITCH that is slow for a moment keeps its call, however
many pending connections there are; a connection of FreeSWITCH that is closed leaves its call parked (seen on FreeSWITCH 1.11).
"""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from esl_vm.model.rate_limited_log import RateLimitedLog

if TYPE_CHECKING:
    from collections.abc import Callable

    from esl_vm.esl.session import CallSession
    from esl_vm.esl.wire import FrameLimits

log = logging.getLogger(__name__)

# Seconds every connection has before it is closed to make room for another.
GRACE_S = 0.5
# From so many on each further one may send less: FreeSWITCH's answer to `connect` has 7 to 30 kB, and a thousand times
# 256 KiB would be much memory.
CROWD = 256
CROWD_HEAD = 32 * 1024
# Bytes that may follow a header block before it is known that a call comes. The answer to `connect` has none, the notice
# that the call is over already has 67.
BODY = 4096


class PendingConnections:
    """Those of one worker, in the order in which they came.

    Args:
        most: how many at once, at least 1.
        limits: the longest frames of a call.
        clock: seconds, monotonic.
    """

    def __init__(self, most: int, limits: FrameLimits, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._limits = replace(limits, body=min(limits.body, BODY))
        self._clock = clock
        self._since: dict[CallSession, float] = {}
        self._too_many = RateLimitedLog(log, logging.WARNING)

    def __len__(self) -> int:
        return len(self._since)

    @property
    def limits(self) -> FrameLimits:
        """How much the next one may send."""
        crowded = len(self._since) >= CROWD
        return replace(self._limits, head=min(self._limits.head, CROWD_HEAD)) if crowded else self._limits

    @property
    def full(self) -> bool:
        """Whether there is no room for another, and the oldest has not had its time yet."""
        return len(self._since) >= self._most and self._clock() - next(iter(self._since.values())) < GRACE_S

    def add(self, session: CallSession) -> None:
        """Another one; the oldest is closed if there is no room."""
        self._since[session] = self._clock()
        if len(self._since) > self._most:
            self._too_many.log("%d connections without a call; closing the oldest", len(self._since))
            oldest = next(iter(self._since))
            del self._since[oldest]
            oldest.stop()

    def remove(self, session: CallSession) -> None:
        """It brings a call, or is gone."""
        self._since.pop(session, None)
