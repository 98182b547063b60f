"""Receipts: when what a mailbox's owner sent was heard, as far as who got it lets that be told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from esl_vm.model.mailbox import MailboxId

MOST_RECEIPTS = 50
"""How many a mailbox keeps: the latest that were asked for."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """One that was asked for.

    Args:
        id: the message's, in the mailbox it went to. to: that mailbox.
        sent: when it came there, heard: when it was first heard, epoch seconds; heard 0 = not yet, or its owner does not tell.
    """

    id: str
    to: MailboxId
    sent: float
    heard: float = 0.0
