"""What a caller hears of a mailbox's greetings, now or at another time: the telephone's choice, and its preview."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from esl_vm.model.greeting_rules import parse_rules
from esl_vm.model.mailbox import Greeting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
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
