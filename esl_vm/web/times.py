"""Times as the API tells them: with the offset of the mailbox's own zone, the same that its telephone and its mail say."""

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


def iso(seconds: float, zone: str) -> str:
    """Epoch seconds as ISO 8601 with its offset, to the second."""
    return datetime.fromtimestamp(int(seconds), zone_of(zone)).isoformat()


def iso_or_none(seconds: float, zone: str) -> str | None:
    """Likewise; 0 is no time."""
    return iso(seconds, zone) if seconds else None
