"""For whom a message is left where the dialplan names several, or a distribution list: who can take it, and who can't."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from esl_vm.model.errors import StoreDownError
from esl_vm.model.store import Delivery

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from esl_vm.dialogue.conversation import Conversation
    from esl_vm.model.mailbox import Mailbox, MailboxId

log = logging.getLogger(__name__)

UNKNOWN, FULL, CLOSED = Delivery.NO_MAILBOX.refusal, Delivery.FULL.refusal, Delivery.CLOSED.refusal


@dataclass(frozen=True, slots=True)
class Addressees:
    """Who gets a message.

    Args:
        boxes: those that can take it, the first is the one that greets; where nobody can, those that are there.
        refused: the others, as they were named, with why: `unknown`, `full` or `closed` (an announcement only).
        turned_away: the same by mailbox, without those that are no number at all. no_numbers: those.
    """

    boxes: tuple[MailboxId, ...] = ()
    refused: dict[str, str] = field(default_factory=dict)
    turned_away: dict[MailboxId, str] = field(default_factory=dict)
    no_numbers: tuple[str, ...] = ()


def members(talk: Conversation, box: MailboxId) -> tuple[MailboxId, ...]:
    """The mailboxes of the distribution list of that number; none where it is no list, or Redis is away."""
    if talk.world.lists is None:
        return ()
    try:
        found = talk.world.lists.find(box)
    except StoreDownError:
        return ()
    return found.members if found else ()


def addressees(talk: Conversation, named: Iterable[tuple[str, MailboxId | None]]) -> Addressees:
    """Who of these can take a message; with Redis away all can, as the message waits in the spool.

    Args:
        talk: the call.
        named: as the dialplan has it, and the mailbox or list that is; None: no number at all.
    """
    able: dict[MailboxId, None] = {}
    there: dict[MailboxId, None] = {}
    refused: dict[str, str] = {}
    away: dict[MailboxId, str] = {}
    no_numbers: list[str] = []
    for name, box in named:
        opened = _opened(talk, box)
        if not opened:
            refused[name] = UNKNOWN
            if box is None:
                no_numbers.append(name)
            else:
                away[box] = UNKNOWN
        for one, mailbox in opened:
            there[one] = None
            if mailbox is not None and not mailbox.takes_messages:
                refused[str(one)] = away[one] = CLOSED
            elif mailbox is not None and mailbox.is_full:
                refused[str(one)] = away[one] = FULL
            else:
                able[one] = None
    if refused:
        log.warning("call %s: no message for %s", talk.phone.call.uuid, as_text(refused))
    return Addressees(tuple(able or there), refused, away, tuple(no_numbers))


def as_text(refused: dict[str, str]) -> str:
    """The value of `vm_undelivered`."""
    return " ".join(f"{name}={why}" for name, why in refused.items())


def _opened(talk: Conversation, box: MailboxId | None) -> Sequence[tuple[MailboxId, Mailbox | None]]:
    """The mailbox, or those of the list of that number; None stands for one that can't be looked at now."""
    if box is None:
        return ()
    try:
        mailbox = talk.world.mailboxes.open(box)
        if mailbox is not None:
            return ((mailbox.id, mailbox),)
        found = [(one, talk.world.mailboxes.open(one)) for one in members(talk, box)]
    except StoreDownError:
        return ((box, None),)
    return [(one, mailbox) for one, mailbox in found if mailbox is not None]
