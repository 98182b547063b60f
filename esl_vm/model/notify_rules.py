"""Which notices a message makes, by when it comes and who left it: a mailbox's rules in order; the first that fits wins.

A rule is the ways it is told by and its conditions (`conditions.py`), all of which must hold; rules are separated by `;`:

    mail,sms:15145550100 urgent 18:00-08:00; none sat,sun calendar:ca-qc; mail from:514*

Where none fits, it is told as without rules: by mail, to the mailbox's `email` and `pager`, and to browsers that were signed up. The mailbox's and the service's
webhook are told of everything whatever the rules say: they are for programs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING

from esl_vm.model.conditions import Conditions, conditions, rules_of
from esl_vm.model.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

NOBODY = "none"
_RULE = "notify rule"
MAIL_ADDRESS = re.compile(r"[^\s<>@,;:\"()\[\]\\]{1,64}@[^\s<>@,;:\"()\[\]\\]{1,255}")
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
"""An address of `webhook.addresses`."""
_NUMBER = re.compile(r"\+?[0-9]{3,32}")


class Way(StrEnum):
    """How a message is told."""

    MAIL = "mail"
    PAGER = "pager"
    WEBHOOK = "webhook"
    SMS = "sms"
    CALL = "call"
    PUSH = "push"


_OWN = {Way.MAIL, Way.PAGER, Way.PUSH}
"""Ways for which the mailbox has addresses of its own: mail addresses, and browsers that were signed up."""
_ADDRESSES = {
    **dict.fromkeys((Way.MAIL, Way.PAGER), MAIL_ADDRESS),
    Way.WEBHOOK: _NAME,
    **dict.fromkeys((Way.SMS, Way.CALL), _NUMBER),
}


@dataclass(frozen=True, slots=True, order=True)
class Notice:
    """One notice: the way it goes, and where to; `` = to the mailbox's own address for that way. A webhook goes to one that the settings name."""

    way: Way
    to: str = ""

    def __str__(self) -> str:
        """As it is written."""
        return f"{self.way}:{self.to}" if self.to else str(self.way)


USUAL = (Notice(Way.MAIL), Notice(Way.PAGER), Notice(Way.PUSH))
"""What a message makes where no rule fits."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message that came, as rules look at it.

    Args:
        at: when, aware, in the mailbox's time zone.
        urgent: it is marked so.
        number: the caller's, `` where it is not known.
        internal: it was sent by an owner, or the number has a mailbox in the same domain.
    """

    at: datetime
    urgent: bool = False
    number: str = ""
    internal: bool = False


@dataclass(frozen=True, slots=True)
class NotifyRule(Conditions):
    """Notices and their conditions; one that is empty always holds.

    Args:
        notices: what is sent; none: nothing.
        urgent: for urgent messages only. normal: for others only.
    """

    notices: tuple[Notice, ...]
    urgent: bool = False
    normal: bool = False

    def fits(self, message: Arrival, covers: Callable[[str, datetime], bool]) -> bool:
        """Whether it is for such a message; `covers` says whether a calendar has a time, and is asked last."""
        if (self.urgent and not message.urgent) or (self.normal and message.urgent):
            return False
        return self.hold(message.at, message.number, message.internal, covers)

    def __str__(self) -> str:
        """As it is written."""
        flags = [name for name in ("urgent", "normal") if getattr(self, name)]
        return " ".join([",".join(map(str, self.notices)) or NOBODY, *flags, *self.words])


def fitting_rule(
    rules: tuple[NotifyRule, ...], message: Arrival, covers: Callable[[str, datetime], bool]
) -> NotifyRule | None:
    """The rule that decides; None: none does, and the notices are the USUAL ones."""
    return next((rule for rule in rules if rule.fits(message, covers)), None)


def addressed(notices: tuple[Notice, ...], email: str, pager: str, browsers: str = "") -> list[Notice]:
    """Notices with the address that each goes to, each once; those that would go nowhere are left out.

    Args:
        notices: as a rule has them.
        email: the mailbox's, addresses with commas between.
        pager: likewise.
        browsers: what those are called that are told of its messages, likewise.
    """
    own = {Way.MAIL: email, Way.PAGER: pager, Way.PUSH: browsers}
    each = (Notice(one.way, to.strip()) for one in notices for to in (one.to or own.get(one.way, "")).split(","))
    return list(dict.fromkeys(notice for notice in each if notice.to))


@lru_cache(maxsize=4096)
def parse_notify_rules(text: str) -> tuple[NotifyRule, ...]:
    """A mailbox's rules from their text; raises InvalidValueError, with the rule that is wrong and why."""
    return tuple(map(_parse_rule, rules_of(text, _RULE)))


def notify_rules_text(rules: tuple[NotifyRule, ...]) -> str:
    """Rules as they are stored."""
    return "; ".join(map(str, rules))


def _parse_rule(text: str) -> NotifyRule:
    ways, *words = text.split()
    notices = () if ways.lower() == NOBODY else tuple(dict.fromkeys(map(_notice, ways.split(","))))
    found = conditions([word.lower() for word in words], _RULE, "urgent", "normal")
    if {"urgent", "normal"} <= found.keys():
        raise InvalidValueError(f"a {_RULE} has two conditions of one kind: 'urgent' and 'normal'")
    return NotifyRule(notices, **found)  # type: ignore[arg-type]


def _notice(word: str) -> Notice:
    name, colon, address = word.partition(":")
    if name.lower() not in set(Way):
        raise InvalidValueError(f"a {_RULE} begins with {', '.join(Way)} or {NOBODY}, not {name!r}")
    way = Way(name.lower())
    if not colon and way in _OWN:
        return Notice(way)
    if way not in _ADDRESSES or not _ADDRESSES[way].fullmatch(address):
        raise InvalidValueError(f"a {_RULE} has {way} to no such address: {address!r}")
    return Notice(way, address)
