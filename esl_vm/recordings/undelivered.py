"""An event of each mailbox that did not get a message."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from esl_vm.model.errors import StoreDownError
from esl_vm.model.events import EventType

if TYPE_CHECKING:
    from collections.abc import Mapping

    from esl_vm.model.mailbox import MailboxId
    from esl_vm.model.message import Message
    from esl_vm.ports import Mailboxes

log = logging.getLogger(__name__)


def log_not_delivered(
    mailboxes: Mailboxes, message: Message, refused: Mapping[MailboxId, str], *, named: str = ""
) -> None:
    """Write an event for each mailbox that a message did not come into, with why; where Redis is away the log has it.

    named: what was meant, where that is no number at all: the first mailbox's event tells it then.
    """
    who = {"caller_number": message.caller.number, "caller_name": message.caller.name} | message.call.as_fields()
    for box, why in refused.items():
        try:
            mailboxes.log_event(box, EventType.NOT_DELIVERED, message.id, why=why, named=named, **who)
        except StoreDownError as error:
            log.warning("message %s was not delivered to %s (%s), no event reports it: %s", message.id, box, why, error)
