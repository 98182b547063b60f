"""Who gets what an owner sends or forwards: mailboxes and distribution lists of his own domain."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from esl_vm.model.lists import DistributionList

if TYPE_CHECKING:
    from esl_vm.model.mailbox import Mailbox, MailboxId
    from esl_vm.model.options import MailboxOptions


class Refusal(Enum):
    """Why somebody can't be a recipient."""

    UNKNOWN = "unknown"
    FULL = "full"
    NOT_ALLOWED = "not allowed"


def members_of(one: Mailbox | DistributionList | None, sender: MailboxId, *, own: bool) -> list[MailboxId]:
    """The mailboxes a recipient stands for; the sender's own only where that is allowed."""
    members = [] if one is None else one.members if isinstance(one, DistributionList) else [one.id]
    return [member for member in members if own or member != sender]


def refusal(
    one: Mailbox | DistributionList | None, members: list[MailboxId], options: MailboxOptions
) -> Refusal | None:
    """Why it can't be one; None if it can. A full mailbox of a list does not keep the message from the others on it.

    Args:
        one: what has the number.
        members: who it stands for.
        options: the sender's.
    """
    if isinstance(one, DistributionList) and not options.send_lists:
        return Refusal.NOT_ALLOWED
    if one is None or not members:
        return Refusal.UNKNOWN
    if not isinstance(one, DistributionList) and not one.has_room:
        return Refusal.FULL
    return None


def are_too_many(boxes: list[MailboxId], options: MailboxOptions) -> bool:
    """Whether one message may not go to that many mailboxes (`send_most`)."""
    return 0 < options.send_most < len(set(boxes))
