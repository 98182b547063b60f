"""Distribution lists: one number that stands for many mailboxes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from esl_vm.model.errors import InvalidValueError

if TYPE_CHECKING:
    from esl_vm.model.mailbox import MailboxId, StoredGreeting


@dataclass(frozen=True, slots=True)
class DistributionList:
    """A list as an owner who sends to it finds it.

    Args:
        id: its number and domain; no mailbox has the same.
        name: what administrators call it, `` if nothing.
        members: the mailboxes that get what is sent to it, each once, in the order of domain and number.
        recorded_name: how it is said back on the telephone; None: by its number.
    """

    id: MailboxId
    name: str = ""
    members: tuple[MailboxId, ...] = ()
    recorded_name: StoredGreeting | None = None


def check_list_number(number: MailboxId) -> None:
    """Refuse a number that no telephone can dial as a recipient; raises InvalidValueError."""
    if not re.fullmatch(r"[0-9]{1,32}", number.number):
        raise InvalidValueError(f"a distribution list has a number that can be dialled, not {number.number!r}")
