"""What a caller hears of a mailbox's greetings, now or at another time: the telephone's choice, and its preview."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from esl_vm.model.conditions import calendars_missing
from esl_vm.model.exits import parse_exits
from esl_vm.model.greeting_rules import parse_rules
from esl_vm.model.mailbox import Greeting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

    from esl_vm.model.greeting_rules import Circumstances, Rule
    from esl_vm.model.mailbox import Mailbox


@dataclass(frozen=True, slots=True)
class Choice:
    """A greeting that fits, and the rule that chose it; None: no rule did."""

    greeting: Greeting
    rule: Rule | None = None


def fitting(mailbox: Mailbox, call: Circumstances, covers: Callable[[str, datetime], bool]) -> Iterator[Choice]:
    """The recorded greetings that fit a call, the one that is heard first; none: the default sentence is heard.

    The temporary one comes before all others. A rule whose greeting is not recorded does not count.

    Args:
        mailbox: whose greetings.
        call: when, and who calls.
        covers: whether a calendar has a time.
    """
    recorded = mailbox.greetings
    temporary = recorded.get(Greeting.TEMPORARY)
    if temporary is not None and temporary.is_active(call.at.timestamp()):
        yield Choice(Greeting.TEMPORARY)
    for rule in parse_rules(mailbox.options.greeting_rules):
        if rule.greeting in recorded and rule.fits(call, covers):
            yield Choice(Greeting(rule.greeting), rule)
    usual = Greeting.BUSY if call.busy else Greeting.UNAVAILABLE
    if usual in recorded:
        yield Choice(usual)


@dataclass(frozen=True, slots=True)
class Preview:
    """What a caller would hear.

    Args:
        choice: the greeting; None: the default sentence.
        led_to: where the call is led on to before any greeting, by `exits`; None: it is not. Should that be shut, the greeting is heard.
        calendars_missing: calendars that rules name and that have not been read: such a rule never fits.
        unrecorded: greetings that rules name and that are not recorded: such a rule never counts.
    """

    choice: Choice | None
    led_to: str | None
    calendars_missing: list[str]
    unrecorded: list[Greeting]


def preview(
    mailbox: Mailbox, call: Circumstances, covers: Callable[[str, datetime], bool], calendars: Iterable[str]
) -> Preview:
    """What the caller of such a call would hear.

    Args:
        mailbox: whose greetings.
        call: when, and who calls.
        covers: whether a calendar has a time.
        calendars: names of those that have been read.
    """
    rules = parse_rules(mailbox.options.greeting_rules)
    way = parse_exits(mailbox.options.exits).get("busy" if call.busy else "unavailable")
    return Preview(
        next(fitting(mailbox, call, covers), None),
        str(way) if way else None,
        calendars_missing(rules, calendars),
        sorted({Greeting(rule.greeting) for rule in rules} - set(mailbox.greetings)),
    )
