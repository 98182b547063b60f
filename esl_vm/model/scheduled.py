"""Messages that are delivered later: what is kept of one, and which moments can be asked for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from esl_vm.model.errors import InvalidValueError

if TYPE_CHECKING:
    from esl_vm.model.mailbox import MailboxId
    from esl_vm.model.message import Message

MORNING = 8
"""The hour of "tomorrow at eight", in the sender's time zone."""
FURTHEST_S = 366 * 86400
"""How far ahead a message may be delivered, seconds."""


@dataclass(frozen=True, slots=True)
class Scheduled:
    """A message that waits for its time.

    Args:
        sender: whose message it is. to: who gets it.
        message: as it will be there, but for its time; its sounds are stored already, under the ids of its copies.
        due: when it is delivered, epoch seconds.
    """

    sender: MailboxId
    to: tuple[MailboxId, ...]
    message: Message
    due: float


def tomorrow_morning(now: datetime) -> datetime:
    """Tomorrow at eight, by the clock of that place; now: aware."""
    return _local(now, now + timedelta(days=1), MORNING, 0)


def typed_moment(typed: str, now: datetime) -> datetime:
    """The moment meant by keys: `HHMM`, the next time it is that, or `MMDDHHMM`, that day of this year or the next.

    Where clocks are set forward over it, it is as much later; where they show it twice, the first time. now: aware.

    Raises:
        InvalidValueError: there is no such hour or day.
    """
    if len(typed) not in {4, 8} or not typed.isdecimal():
        raise InvalidValueError(f"not an hour (HHMM), nor a date and an hour (MMDDHHMM): {typed!r}")
    hour, minute = int(typed[-4:-2]), int(typed[-2:])
    try:
        if len(typed) == 4:
            days = (_local(now, now + timedelta(days=ahead), hour, minute) for ahead in (0, 1))
        else:
            month, day = int(typed[:2]), int(typed[2:4])
            # 29 February may be some years away: the day itself says that it can't be, further than a year
            years = (year for year in (now.year, now.year + 1) if _exists(year, month, day))
            days = (_local(now, datetime(year, month, day), hour, minute) for year in years)  # noqa: DTZ001 - only its day counts
        found = next((at for at in days if at.timestamp() > now.timestamp()), None)
    except ValueError as wrong:
        raise InvalidValueError(f"there is no such hour: {typed}") from wrong
    if found is None:
        raise InvalidValueError(f"there is no such day: {typed}")
    return found


def checked_due(due: float, now: float) -> float:
    """A time of delivery, epoch seconds; raises InvalidValueError for one that is over, or more than a year away."""
    if not now < due <= now + FURTHEST_S:
        raise InvalidValueError("the time of delivery must be within a year from now")
    return due


def _exists(year: int, month: int, day: int) -> bool:
    try:
        datetime(year, month, day)  # noqa: DTZ001 - only its day counts
    except ValueError:
        return False
    return True


def _local(now: datetime, day: datetime, hour: int, minute: int) -> datetime:
    at = datetime(day.year, day.month, day.day, hour, minute, tzinfo=now.tzinfo)
    return datetime.fromtimestamp(at.timestamp(), now.tzinfo)  # in the gap of a clock set forward: as much later
