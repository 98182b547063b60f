"""Which notices a message makes: the rules of its mailbox, asked with what an event says of it."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import TYPE_CHECKING

from esl_vm.model.errors import InvalidValueError
from esl_vm.model.mailbox import MailboxId
from esl_vm.model.notify_rules import USUAL, Arrival, Notice, fitting_rule, parse_notify_rules
from esl_vm.model.options import option_text
from esl_vm.model.times import zone_of
from esl_vm.notify.sources import fields_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from esl_vm.model.events import Event
    from esl_vm.model.settings import Settings
    from esl_vm.notify.sources import Sources

log = logging.getLogger(__name__)

_FROM_OWNERS = {"send", "reply", "forward", "broadcast", "returned"}


class Notices:
    """What mailboxes' rules make of messages.

    Args:
        sources: the calendars, and whose numbers are internal. settings: the rules and the zone of mailboxes that have none.
    """

    def __init__(self, sources: Sources, settings: Settings) -> None:
        self._sources = sources
        self._rules, self._zone = settings.mailbox.notify_rules, settings.service.timezone
        self._told = option_text(settings.mailbox.notices)

    def of(self, event: Event, fields: Mapping[str, str]) -> tuple[Notice, ...]:
        """The notices of a message that was delivered to a mailbox with these fields; may raise StoreDownError."""
        return self.of_message(event.box, event.details, fields, event.at)

    def of_message(
        self, box: MailboxId, message: Mapping[str, object], fields: Mapping[str, str], at: float
    ) -> tuple[Notice, ...]:
        """The notices of a message as they are at that time, epoch seconds; may raise StoreDownError.

        Args:
            box: whose.
            message: what its event tells of it: `urgent`, `caller_number`, `origin`.
            fields: the mailbox's.
            at: when.
        """
        if (fields.get("notices") or self._told) == "no":
            return ()
        text = fields.get("notify_rules", self._rules)
        if not text:
            return USUAL
        try:
            rules = parse_notify_rules(text)
        except InvalidValueError as wrong:  # somebody wrote them into Redis: a message too many is better than none
            log.warning("%s: its notify_rules can't be read: %s", box, wrong)
            return USUAL
        number = str(message.get("caller_number") or "")
        arrival = Arrival(
            datetime.fromtimestamp(at, zone_of(fields.get("timezone") or self._zone)),
            str(message.get("urgent")).lower() in {"1", "yes", "true"},
            number,
            any(rule.side for rule in rules) and self._is_internal(box, message, number),
        )
        rule = fitting_rule(rules, arrival, self._sources.covers)
        return USUAL if rule is None else rule.notices

    def _is_internal(self, box: MailboxId, message: Mapping[str, object], number: str) -> bool:
        """Whether an owner sent it, or the number has a mailbox in the same domain."""
        if message.get("origin") in _FROM_OWNERS:
            return True
        caller = MailboxId.of(number, box.domain)
        return caller is not None and bool(fields_of(self._sources.registry, caller))
