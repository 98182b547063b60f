"""Which greeting a caller hears, by when he calls and who he is: a mailbox's rules in order; the first that fits wins.

A rule is a greeting and its conditions, all of which must hold; rules are separated by `;`:

    unavailable-3 calendar:ca-qc both; unavailable-2 mon-fri 18:00-08:00; busy-2 from:514*,1002; unavailable-4

Time is what the clocks of the mailbox's time zone show: an hour that is skipped in spring never comes, one that comes
twice in autumn fits twice.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from esl_vm.model.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LONGEST = 2000
"""Characters of all rules of a mailbox."""
MOST = 50
ANONYMOUS = "anonymous"
_GREETING = re.compile(r"(unavailable|busy)(-[2-9])?")
_CALENDAR = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_CALLER = re.compile(r"\+?[0-9]{1,31}\*?|anonymous")
_HOURS = re.compile(r"([01]?[0-9]|2[0-4])(?::([0-5][0-9]))?-([01]?[0-9]|2[0-4])(?::([0-5][0-9]))?")
_DAY_MINUTES = 24 * 60


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What decides which greeting is heard.

    Args:
        at: when, aware, in the mailbox's time zone.
        busy: the line is busy, rather than nobody answers.
        number: the caller's, `` where it is not known.
        internal: the caller is a telephone of this system.
    """

    at: datetime
    busy: bool = False
    number: str = ""
    internal: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """A greeting and its conditions; one that is empty always holds.

    Args:
        greeting: `unavailable`, `busy-2`: the value of a Greeting. It is for callers of its kind.
        both: for callers of the other kind too.
        days: 0 (Monday) to 6. hours: from and until, in minutes of the day; one that ends before it begins goes on into
            the next day, and is of the day on which it began.
        calendars: names of calendars, of which one has that time. callers: numbers, with `*` at the end prefixes; or
            `anonymous`. side: `internal` or `external`.
    """

    greeting: str
    both: bool = False
    days: frozenset[int] = frozenset()
    hours: tuple[tuple[int, int], ...] = ()
    calendars: tuple[str, ...] = ()
    callers: tuple[str, ...] = ()
    side: str = ""

    @property
    def kind(self) -> str:
        """`unavailable` or `busy`."""
        return self.greeting.partition("-")[0]

    @property
    def always(self) -> bool:
        """Whether it has no condition: it is what its kind's callers hear where nothing before it fits."""
        return self == Rule(self.greeting)

    def fits(self, call: Circumstances, covers: Callable[[str, datetime], bool]) -> bool:
        """Whether it is for such a call; `covers` says whether a calendar has a time, and is asked last."""
        if not self.both and self.kind != ("busy" if call.busy else "unavailable"):
            return False
        if self.side and (self.side == "internal") is not call.internal:
            return False
        if self.callers and not any(_is_of(call.number, pattern) for pattern in self.callers):
            return False
        return self._is_time(call.at) and (
            not self.calendars or any(covers(calendar, call.at) for calendar in self.calendars)
        )

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

    def __str__(self) -> str:
        """As it is written."""
        words = [self.greeting, *(["both"] if self.both else [])]
        if self.days:
            words.append(",".join(_ranges(self.days)))
        if self.hours:
            words.append(",".join(f"{_clock(start)}-{_clock(end)}" for start, end in self.hours))
        lists = (("calendar", self.calendars), ("from", self.callers))
        words += [f"{name}:{','.join(those)}" for name, those in lists if those]
        return " ".join([*words, *([self.side] if self.side else [])])


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


@lru_cache(maxsize=4096)  # a mailbox's rules are read at every call
def parse_rules(text: str) -> tuple[Rule, ...]:
    """A mailbox's rules from their text; raises InvalidValueError, with the rule that is wrong and why."""
    if len(text) > LONGEST:
        raise InvalidValueError(f"the greeting rules have more than {LONGEST} characters")
    rules = tuple(_parse_rule(part.strip()) for part in text.split(";") if part.strip())
    if len(rules) > MOST:
        raise InvalidValueError(f"there are more than {MOST} greeting rules")
    return rules


def rules_text(rules: tuple[Rule, ...]) -> str:
    """Rules as they are stored."""
    return "; ".join(map(str, rules))


def chosen(rules: tuple[Rule, ...], kind: str) -> str:
    """The greeting of a kind (`unavailable` or `busy`) that is heard where no other rule fits."""
    return next((rule.greeting for rule in rules if rule.always and rule.kind == kind), kind)


def choose(rules: tuple[Rule, ...], greeting: str) -> tuple[Rule, ...]:
    """The rules with that greeting as the one of its kind that is heard where no other fits."""
    new = Rule(greeting)
    others = tuple(rule for rule in rules if not (rule.always and rule.kind == new.kind))
    return others if greeting == new.kind else (*others, new)


def _parse_rule(text: str) -> Rule:
    greeting, *words = text.lower().split()
    if not _GREETING.fullmatch(greeting):
        raise InvalidValueError(
            f"a greeting rule begins with unavailable, busy, unavailable-2 to busy-9, not {greeting!r}"
        )
    rule: dict[str, object] = {}
    for word in words:
        name, value = _condition(word)
        if name in rule:
            raise InvalidValueError(f"the greeting rule {text!r} has two conditions of one kind: {word!r}")
        rule[name] = value
    return Rule(greeting, **rule)  # type: ignore[arg-type]


def _condition(word: str) -> tuple[str, object]:
    """A condition by the name of its field; raises InvalidValueError."""
    name, colon, rest = word.partition(":")
    parts = tuple(rest.split(","))
    if word == "both":
        return "both", True
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
        f"no condition of a greeting rule: {word!r}; there are mon-fri, 18:00-08:00, calendar:NAME, from:NUMBER,514*, "
        "internal, external, both"
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
