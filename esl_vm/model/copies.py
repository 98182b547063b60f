"""Standing copies: each new message of a mailbox is delivered to other mailboxes too. A copy is not copied on."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

from esl_vm.model.errors import InvalidValueError
from esl_vm.model.mailbox import MailboxId

if TYPE_CHECKING:
    from collections.abc import Iterable

    from esl_vm.model.message import Message

ORIGIN = "copy"
"""What a copy's origin is."""
COPIED = frozenset({"", "call", "send", "reply", "forward"})
"""Origins of messages that are copied: not what went to many at once, was brought from elsewhere, or is a copy."""
MOST_COPIES = 10
"""Mailboxes that one mailbox's messages are copied to."""


def copies_text(text: str) -> str:
    """The mailboxes as they are kept, `1002,1003@sales.example`; raises InvalidValueError.

    A number without a domain is of the mailbox's own.
    """
    words = [word.strip() for word in text.split(",") if word.strip()]
    for word in words:
        MailboxId.parse(word)
    if len(set(words)) > MOST_COPIES:
        raise InvalidValueError(f"copies go to {MOST_COPIES} mailboxes at most")
    return ",".join(dict.fromkeys(words))


def targets(box: MailboxId, words: Iterable[str]) -> list[MailboxId]:
    """The mailboxes that copies of its messages go to: each once, never itself; what can be none is left out."""
    found: dict[MailboxId, None] = {}
    for word in words:
        number, at, domain = word.partition("@")
        target = MailboxId.of(number, domain if at else box.domain)
        if target is not None and target != box:
            found[target] = None
    return list(found)


def copy_of(message: Message, box: MailboxId, target: MailboxId, now: float) -> Message:
    """The copy of a mailbox's message that another gets; its id is the same each time, so the other takes it once."""
    digest = hashlib.sha256(f"{box}\0{message.id}\0{target}".encode()).hexdigest()[:12]
    own = f"{int(message.received * 1000):011x}-{digest}"
    return replace(message.forwarded(own, now, str(box)), origin=ORIGIN)
