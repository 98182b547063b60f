"""Days and times of an iCalendar file (RFC 5545) or of a country's holidays; run as a process of its own.

What others wrote may take for ever to read: `FREQ=SECONDLY` is a valid rule. Whoever starts this bounds its time, it bounds
its own memory, and no process that takes calls ever loads what it needs.

    python -m esl_vm.calendars.dates holidays ca-qc
    python -m esl_vm.calendars.dates icalendar America/Toronto < office.ics
"""

from __future__ import annotations

import json
import resource
import sys
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Iterable

BEFORE, AHEAD = timedelta(days=35), timedelta(days=800)
"""How far back and ahead a calendar is read; it is read again before that is used up."""


_MEMORY = 512 << 20
"""Bytes of address space that reading one may take."""


def holidays_of(region: str, years: Iterable[int]) -> list[str]:
    """Public holidays of a country or its part, `ca` or `ca-qc`, as ISO dates; raises LookupError for none that is known."""
    import holidays

    country, _, part = region.upper().partition("-")
    try:
        found = holidays.country_holidays(country, subdiv=part or None, years=years)
    except NotImplementedError as unknown:
        raise LookupError(f"no holidays are known of {region}") from unknown
    return sorted(day.isoformat() for day in found)


def events_of(content: bytes, zone: ZoneInfo, now: datetime) -> tuple[list[str], list[tuple[int, int]]]:
    """An iCalendar file's whole days, and from when until when its other events are, merged.

    What is free (`TRANSP:TRANSPARENT`) or cancelled counts only as a whole day, not cancelled: holidays are published so.

    Args:
        content: the file.
        zone: of times that name none.
        now: the time of reading, aware.

    Raises:
        ValueError: it is no iCalendar file.
    """
    import icalendar
    import recurring_ical_events

    calendar = icalendar.Calendar.from_ical(content)
    first, last = now - BEFORE, now + AHEAD
    days: set[str] = set()
    spans: list[tuple[int, int]] = []
    for event in recurring_ical_events.of(calendar, skip_bad_series=True).between(first, last):
        if str(event.get("STATUS", "")).upper() == "CANCELLED":
            continue
        start = event["DTSTART"].dt
        end = event["DTEND"].dt if "DTEND" in event else None
        if not isinstance(start, datetime):
            days |= set(_days(start, end, first.date(), last.date()))
        elif str(event.get("TRANSP", "")).upper() != "TRANSPARENT":
            begin, over = _moment(start, zone), _moment(end, zone) if end is not None else None
            if over is not None and over > begin:
                spans.append((int(begin.timestamp()), int(over.timestamp())))
    return sorted(days), _merged(spans)


def _days(start: date, end: date | None, first: date, last: date) -> Iterable[str]:
    """Each day of a whole-day event, as far as it is looked at; its end is the day after."""
    over = min(end if end is not None and end > start else start + timedelta(days=1), last)
    begin = max(start, first)
    return ((begin + timedelta(days=day)).isoformat() for day in range((over - begin).days))


def _moment(value: date, zone: ZoneInfo) -> datetime:
    """An aware time; a day begins at its midnight."""
    at = value if isinstance(value, datetime) else datetime(value.year, value.month, value.day)  # noqa: DTZ001
    return (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC)


def _merged(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((start, end))
    return merged


def main(kind: str, what: str) -> dict[str, Any]:
    """What a process answers: days and spans, or the problem."""
    now = datetime.now(UTC)
    try:
        if kind == "holidays":
            return {"days": holidays_of(what, range(now.year - 1, now.year + 4)), "spans": []}
        days, spans = events_of(sys.stdin.buffer.read(), ZoneInfo(what), now)
    except ImportError as missing:
        return {"problem": f"{missing}; install esl-vm[calendars]"}
    except (ValueError, LookupError, TypeError, AttributeError) as wrong:
        return {"problem": f"{type(wrong).__name__}: {wrong}" if kind != "holidays" else str(wrong)}
    return {"days": days, "spans": spans}


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    json.dump(main(*sys.argv[1:3]), sys.stdout)
