"""Dates and times as they are typed, in a mailbox's time zone."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from esl_vm.model.conditions import DAYS
from esl_vm.model.errors import InvalidValueError

if TYPE_CHECKING:
    import argparse

DATE = "a date or date and time, 2026-12-24 or 2026-12-24T17:00, in the mailbox's time zone"


def moment_option(parser: argparse.ArgumentParser) -> None:
    """`--at`, as `moment` reads it."""
    parser.add_argument("--at", metavar="TIME", help=f'when: "fri 18:30" (the next one), 18:30 (today), or {DATE}')


def moment(text: str | None, zone: str, now: float) -> datetime:
    """A time as `--at` has it, aware; raises InvalidValueError."""
    at = datetime.fromtimestamp(now, ZoneInfo(zone))
    if not text:
        return at
    day, _, clock = text.strip().lower().rpartition(" ")
    if day[:3] not in {"", *DAYS} or not re.fullmatch(r"[0-2]?[0-9]:[0-5][0-9]", clock):
        return datetime.fromtimestamp(date_of(text, zone), ZoneInfo(zone))
    hour, minute = map(int, clock.split(":"))
    if hour > 23:
        raise InvalidValueError(f"no time of the day: {clock!r}")
    ahead = (DAYS.index(day[:3]) - at.weekday()) % 7 if day else 0
    return at.replace(hour=hour, minute=minute, second=0, microsecond=0) + timedelta(days=ahead)


def date_of(text: str | None, zone: str) -> int:
    """Epoch seconds of a date or time as it is typed, 0 for none; raises InvalidValueError."""
    if not text:
        return 0
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidValueError(f"not {DATE}: {text!r}") from None
    return int((at if at.tzinfo else at.replace(tzinfo=ZoneInfo(zone))).timestamp())
