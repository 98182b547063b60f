"""Calls out of a mailbox: to which numbers, and how many. What they cost is the owner's, so each is written down."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from esl_vm.model.mailbox import MailboxId
    from esl_vm.model.options import MailboxOptions
    from esl_vm.ports import Mailboxes


class CallRefusal(StrEnum):
    """Why a call may not be placed."""

    NUMBER = "number"
    TOO_MANY = "too-many"


def place_call(
    mailboxes: Mailboxes,
    box: MailboxId,
    options: MailboxOptions,
    number: str,
    how: str,
    *,
    message_id: str = "",
    mark: str = "",
) -> CallRefusal | None:
    """Write a call down, and count it; None if it may be placed now.

    Args:
        mailboxes: where it is written down.
        box: whose it is.
        options: that mailbox's.
        number: the one to be called.
        how: it came to it: `call-back`, `call`, `web-call-back`, `exit`.
        message_id: the message whose caller it is.
        mark: by which the call is known to who asked for it.
    """
    if not is_allowed(options.call_patterns, number):
        mailboxes.log_outgoing_call(box, number, how, refused="call_patterns")
        return CallRefusal.NUMBER
    counted = mailboxes.count_call(
        box, options.calls_per_day, hourly=options.calls_per_hour, number=number, how=how, message_id=message_id, mark=mark
    )  # fmt: skip
    return None if counted else CallRefusal.TOO_MANY


def is_allowed(patterns: str, number: str) -> bool:
    """Whether a number fits one of the patterns (`X` any digit, `Z` 1-9, `N` 2-9, `.` any rest); none: nothing is."""
    classes = {"X": "[0-9]", "Z": "[1-9]", "N": "[2-9]", ".": "[0-9]+"}
    for pattern in patterns.upper().split(","):
        word = pattern.strip()
        if word and re.fullmatch("".join(classes.get(c, re.escape(c)) for c in word), number):
            return True
    return False
