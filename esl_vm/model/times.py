"""Times as programs and administrators are told them: with the offset of the mailbox's own zone, as its telephone says them."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


@lru_cache(maxsize=512)
def zone_of(name: str) -> tzinfo:
    """The zone of that name; UTC where there is none such."""
    try:
        return ZoneInfo(name) if name else UTC
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


def iso_time(seconds: float, zone: str = "") -> str:
    """Epoch seconds as ISO 8601 with its offset, to the second; in UTC where no zone is given, or none such is there."""
    return datetime.fromtimestamp(int(seconds), zone_of(zone)).isoformat()


def iso_time_or_none(seconds: float, zone: str) -> str | None:
    """Likewise; 0 is no time."""
    return iso_time(seconds, zone) if seconds else None
