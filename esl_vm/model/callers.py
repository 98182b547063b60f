"""Everything about one caller's number: which numbers are one, where it was found, and what erasing leaves."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from esl_vm.model.actor import PHONE
from esl_vm.model.errors import InvalidValueError
from esl_vm.model.mailbox import Folder
from esl_vm.model.message import Caller

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_NUMBER = re.compile(r"\+?[0-9*#]+")
_IN_TEXT = re.compile(r"\+?[0-9][0-9 ().\xa0-]*[0-9]")
_UNKNOWN = frozenset({"", "anonymous", "private", "restricted", "unavailable", "unknown"})
_SHORTEST_IN_TEXT = 7
_NORTH_AMERICAN = 11
"""Digits of a North American number with its country code, 1."""
HOLD, HELD = "legal hold", "held"
"""Why something stays; where what a hold keeps of erased messages is."""
_FOLDERS = frozenset(map(str, Folder))
_FIELDS = ("caller_number", "caller_name", "diverted_from", "from", "named", "number", "to")
"""Fields of events and jobs in which a caller's number may stand; `from` and `to` may be folders as well."""


def comparable(number: str) -> str:
    """A number as numbers are compared: without `+`, separators and the 1 of North America; a name in small letters."""
    plain = Caller(number).number
    if not _NUMBER.fullmatch(plain):
        return plain.lower()
    digits = plain.removeprefix("+")
    return digits[1:] if len(digits) == _NORTH_AMERICAN and digits.startswith("1") else digits


def same_number(one: str, other: str) -> bool:
    """Whether two numbers are one: `+1 514 555-0199`, `15145550199` and `5145550199` are."""
    return comparable(one) == comparable(other) not in _UNKNOWN


def caller_number(text: str) -> str:
    """A number that somebody asks about; raises InvalidValueError for what would be everybody's, or nobody's."""
    number = Caller(text).number
    if number.lower() in _UNKNOWN or len(text) > 64 or not text.isprintable() or not any(map(str.isalnum, number)):
        raise InvalidValueError(f"no caller's number: {text!r}")
    return number


def masked(number: str) -> str:
    """A number as a record of what was done with it has it: its last two letters."""
    return f"…{comparable(number)[-2:]}"


def stands_in(text: str, number: str) -> bool:
    """Whether a text has that number in it; one of fewer than seven digits is too common to be looked for in texts."""
    if not _NUMBER.fullmatch(plain := comparable(number)) or len(plain) < _SHORTEST_IN_TEXT:
        return False
    return any(same_number(found, number) for found in _IN_TEXT.findall(text))


def names(details: Mapping[str, Any], number: str) -> bool:
    """Whether the details of an event, or the body of a job, are about that caller."""
    for name, value in details.items():
        if isinstance(value, dict):
            if names(value, number):
                return True
        elif name in _FIELDS:
            given = value if isinstance(value, list) else [value]
            if any(same_number(str(one), number) for one in given if one not in _FOLDERS):
                return True
        elif name == "by":
            who, _, rest = str(value).partition(" ")
            if who == PHONE and same_number(rest.partition(" ")[0], number):
                return True
        elif name == "changes" and stands_in(str(value), number):
            return True
    return False


class TraceKind(StrEnum):
    """What was found."""

    MESSAGE = "message"
    MENTION = "mention"
    SETTING = "setting"
    EVENT = "event"
    JOB = "job"
    RECORDING = "recording"


@dataclass(frozen=True, slots=True)
class Trace:
    """Something about a caller's number.

    Args:
        kind: `message`: he left it; `mention`: his number stands with another's message; `setting`: a mailbox's option has
            it; `event`, `job`: about him; `recording`: his, in a node's spool.
        place: the mailbox it is in; the node of a recording. id: the message's, the job's, the recording's; of an event its
            partition and id; of a setting its name.
        at: when it came, epoch seconds; 0 = not known.
        what: of a message its folder, of an event or a job its kind, of a recording its state, of a mention the field.
        kept: why erasing leaves it, `` = it does not.
    """

    kind: TraceKind
    place: str
    id: str
    at: float = 0.0
    what: str = ""
    kept: str = ""


@dataclass(frozen=True, slots=True)
class CallerFile:
    """All that was found about a caller's number, or is left after it was erased.

    Args:
        number: as it was asked for. traces: what there is. away: nodes whose spools were not looked at: they gave no answer.
        erased: how many of each kind were erased; none where nothing was.
    """

    number: str
    traces: tuple[Trace, ...] = ()
    away: tuple[str, ...] = ()
    erased: Counter[TraceKind] | None = None

    @property
    def complete(self) -> bool:
        """Whether every node answered, and what was to be erased is."""
        return not self.away and (self.erased is None or all(one.kept for one in self.traces))


def counted(traces: Iterable[Trace]) -> Counter[TraceKind]:
    """How many of each kind."""
    return Counter(one.kind for one in traces)
