"""Which greeting a caller hears, by when he calls and who he is: a mailbox's rules in order; the first that fits wins.

A rule is a greeting and its conditions (`conditions.py`), all of which must hold; rules are separated by `;`:

    unavailable-3 calendar:ca-qc both; unavailable-2 mon-fri 18:00-08:00; busy-2 from:514*,1002; unavailable-4
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from esl_vm.model.conditions import Conditions, conditions, rules_of
from esl_vm.model.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

_GREETING = re.compile(r"(unavailable|busy)(-[2-9])?")


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
class Rule(Conditions):
    """A greeting and its conditions; one that is empty always holds.

    Args:
        greeting: `unavailable`, `busy-2`: the value of a Greeting. It is for callers of its kind.
        both: for callers of the other kind too.
    """

    greeting: str
    both: bool = False

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
        return self.hold(call.at, call.number, call.internal, covers)

    def __str__(self) -> str:
        """As it is written."""
        return " ".join([self.greeting, *(["both"] if self.both else []), *self.words])


@lru_cache(maxsize=4096)  # a mailbox's rules are read at every call
def parse_rules(text: str) -> tuple[Rule, ...]:
    """A mailbox's rules from their text; raises InvalidValueError, with the rule that is wrong and why."""
    return tuple(map(_parse_rule, rules_of(text, "greeting rule")))


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
    return Rule(greeting, **conditions(words, "greeting rule", "both"))  # type: ignore[arg-type]
