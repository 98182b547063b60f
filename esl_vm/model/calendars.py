"""Calendars that greeting rules ask: which days and times they have, as this node last read them."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class Calendar:
    """A calendar as it was read last; what could not be read since leaves it as it was.

    Args:
        name: by which rules ask for it.
        source: where it comes from, fit to be shown.
        days: whole days, `2026-12-25`: of whichever time zone asks.
        spans: from when until when, epoch seconds, in order and apart from each other.
        read: when it was read, epoch seconds; 0 = never.
        problem: why it could not be read since, `` if it could.
    """

    name: str
    source: str = ""
    days: frozenset[str] = frozenset()
    spans: tuple[tuple[int, int], ...] = ()
    read: float = 0.0
    problem: str = ""

    def covers(self, at: datetime) -> bool:
        """Whether it has something at that time (aware)."""
        if at.date().isoformat() in self.days:
            return True
        moment = at.timestamp()
        place = bisect_right(self.spans, (moment, float("inf")))
        return place > 0 and moment < self.spans[place - 1][1]
