"""Conditions of rules, of greetings and of notices: when it is, and who calls; all of a rule's must hold.

    mon-fri 18:00-08:00 calendar:ca-qc from:514*,1002 external

Time is what the clocks of the mailbox's time zone show: an hour that is skipped in spring never comes, one that comes
twice in autumn fits twice.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from esl_vm.model.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LONGEST = 2000
"""Characters of all rules of a mailbox."""
MOST = 50
ANONYMOUS = "anonymous"
_CALENDAR = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_CALLER = re.compile(r"\+?[0-9]{1,31}\*?|anonymous")
_HOURS = re.compile(r"([01]?[0-9]|2[0-4])(?::([0-5][0-9]))?-([01]?[0-9]|2[0-4])(?::([0-5][0-9]))?")
_DAY_MINUTES = 24 * 60


def no_calendar(name: str, at: datetime) -> bool:
    """What covers nothing, where there are no calendars."""
    del name, at
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """Of a rule; one that is empty always holds.

    Args:
        days: 0 (Monday) to 6. hours: from and until, in minutes of the day; one that ends before it begins goes on into
            the next day, and is of the day on which it began.
        calendars: names of calendars, of which one has that time. callers: numbers, with `*` at the end prefixes; or
            `anonymous`. side: `internal` or `external`.
    """

    days: frozenset[int] = frozenset()
    hours: tuple[tuple[int, int], ...] = ()
    calendars: tuple[str, ...] = ()
    callers: tuple[str, ...] = ()
    side: str = ""

    def hold(self, at: datetime, number: str, internal: bool, covers: Callable[[str, datetime], bool]) -> bool:
        """Whether they do for a caller at that time.

        Args:
            at: when, aware, in the mailbox's time zone.
            number: the caller's, `` where it is not known.
            internal: he is of this system.
            covers: whether a calendar has a time; asked last.
        """
        if self.side and (self.side == "internal") is not internal:
            return False
        if self.callers and not any(_is_of(number, pattern) for pattern in self.callers):
            return False
        return self._is_time(at) and (not self.calendars or any(covers(calendar, at) for calendar in self.calendars))

    def _is_time(self, at: datetime) -> bool:
        minute, day = at.hour * 60 + at.minute, at.weekday()
        if not self.hours:
            return self._is_day(day)
        return any(
            (start <= minute < end and self._is_day(day))
            if start < end
            else (minute >= start and self._is_day(day)) or (minute < end and self._is_day((day - 1) % 7))
            for start, end in self.hours
        )

    def _is_day(self, day: int) -> bool:
        return not self.days or day in self.days

    @property
    def words(self) -> list[str]:
        """As they are written."""
        words = [",".join(_ranges(self.days))] if self.days else []
        if self.hours:
            words.append(",".join(f"{_clock(start)}-{_clock(end)}" for start, end in self.hours))
        lists = (("calendar", self.calendars), ("from", self.callers))
        words += [f"{name}:{','.join(those)}" for name, those in lists if those]
        return [*words, self.side] if self.side else words


def _is_of(number: str, pattern: str) -> bool:
    """Whether a number is the one of a pattern, or begins as it says; a `+` before either says nothing."""
    digits = "".join(c for c in number if c.isdecimal())
    if pattern == ANONYMOUS:
        return not digits
    wanted = pattern.lstrip("+")
    return digits.startswith(wanted[:-1]) if wanted.endswith("*") else digits == wanted


def _ranges(days: frozenset[int]) -> list[str]:
    """Days as they are written: `mon-fri`, `sat`."""
    said: list[str] = []
    run: list[int] = []
    for day in range(8):
        if day in days:
            run.append(day)
        elif run:
            said += [DAYS[run[0]]] if len(run) == 1 else [f"{DAYS[run[0]]}-{DAYS[run[-1]]}"]
            run = []
    return said


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def calendars_missing(rules: Iterable[Conditions], known: Iterable[str]) -> list[str]:
    """Names of calendars that rules ask and that are not there: such a rule never fits."""
    return sorted({name for rule in rules for name in rule.calendars} - set(known))


def rules_of(text: str, what: str) -> list[str]:
    """The single rules of a text, separated by `;`; raises InvalidValueError for too much.

    Args:
        text: as it is written.
        what: how errors name a rule: `greeting rule`.
    """
    if len(text) > LONGEST:
        raise InvalidValueError(f"the {what}s have more than {LONGEST} characters")
    rules = [part.strip() for part in text.split(";") if part.strip()]
    if len(rules) > MOST:
        raise InvalidValueError(f"there are more than {MOST} {what}s")
    return rules


def conditions(words: Sequence[str], what: str, *flags: str) -> dict[str, object]:
    """A rule's conditions by the name of their field; raises InvalidValueError.

    Args:
        words: in small letters.
        what: as in `rules_of`.
        flags: words that such a rule may have besides, each a field that is true then.
    """
    found: dict[str, object] = {}
    for word in words:
        name, value = (word, True) if word in flags else _condition(word, what, flags)
        if name in found:
            raise InvalidValueError(f"a {what} has two conditions of one kind: {word!r}")
        found[name] = value
    return found


def _condition(word: str, what: str, flags: Sequence[str]) -> tuple[str, object]:
    """A condition by the name of its field; raises InvalidValueError."""
    name, colon, rest = word.partition(":")
    parts = tuple(rest.split(","))
    if word in {"internal", "external"}:
        return "side", word
    if name == "calendar" and colon and all(_CALENDAR.fullmatch(part) for part in parts):
        return "calendars", parts
    if name == "from" and colon and all(_CALLER.fullmatch(part) for part in parts):
        return "callers", parts
    pieces = word.split(",")
    if all(piece.split("-")[0] in DAYS for piece in pieces):
        return "days", frozenset(day for piece in pieces for day in _days(piece))
    if all(_HOURS.fullmatch(piece) for piece in pieces):
        return "hours", tuple(_hours(piece) for piece in pieces)
    raise InvalidValueError(
        f"no condition of a {what}: {word!r}; there are mon-fri, 18:00-08:00, calendar:NAME, from:NUMBER,514*, "
        f"{', '.join(('internal', 'external', *flags))}"
    )


def _days(piece: str) -> list[int]:
    first, dash, last = piece.partition("-")
    if dash and last not in DAYS:
        raise InvalidValueError(f"no days: {piece!r}; they are {', '.join(DAYS)}")
    begin, end = DAYS.index(first), DAYS.index(last or first)
    return [day % 7 for day in range(begin, (end if end >= begin else end + 7) + 1)]


def _hours(piece: str) -> tuple[int, int]:
    found = _HOURS.fullmatch(piece)
    first, first_minute, last, last_minute = found.groups() if found else ("0", "", "0", "")
    start, end = int(first) * 60 + int(first_minute or 0), int(last) * 60 + int(last_minute or 0)
    if start == end or start >= _DAY_MINUTES or end > _DAY_MINUTES:
        raise InvalidValueError(
            f"no time of the day: {piece!r}; write 18:00-08:00, the end after the begin or of the next day"
        )
    return start, end
