"""What can become of a take."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from esl_vm.model.mailbox import MailboxId
    from esl_vm.model.store import Delivery


class Settled(Enum):
    """What became of a take.

    DELIVERED: it is in a mailbox, or active. WAITING: kept in the spool, on the disk; a sweeper will deliver it.
    TOO_SHORT: less than the shortest message, or nothing but silence; dropped. FULL, NO_MAILBOX: no mailbox took it.
    BROKEN: quarantined for an administrator, with the reason. DISCARDED: dropped as decided.
    """

    DELIVERED = "delivered"
    WAITING = "waiting"
    TOO_SHORT = "too short"
    FULL = "full"
    NO_MAILBOX = "no mailbox"
    BROKEN = "broken"
    DISCARDED = "discarded"


@dataclass(frozen=True, slots=True)
class Settlement:
    """What became of a take, and why.

    Args:
        settled: in one word.
        reason: a sentence for the operator, `` where there is nothing to say.
        deliveries: what each mailbox answered; those that were not asked are missing.
    """

    settled: Settled
    reason: str = ""
    deliveries: dict[MailboxId, Delivery] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a sweep did with one take.

    Args:
        id: of the message or sound. boxes: where it goes, as text.
        settled: what became of it; None = nothing could be done about it.
        reason: why, `` where there is nothing to say.
    """

    id: str
    boxes: tuple[str, ...] = ()
    settled: Settled | None = None
    reason: str = ""
