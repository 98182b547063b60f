"""What happens to a mailbox, as it is written in the partition's stream by the script that does it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from esl_vm.model.mailbox import MailboxId

if TYPE_CHECKING:
    from esl_vm.model.message import Counts

SIGN_INS = MailboxId("sign-in", "service.invalid")
"""What stands in place of a mailbox in `login` and `login-failed` of who has none, as administrators; RFC 2606 keeps that
name for nobody."""
PRIVACY = MailboxId("privacy", "service.invalid")
"""Likewise in what was done with all that there is about a caller, and in legal holds, of which owners are not told."""
NO_MAILBOXES = frozenset({SIGN_INS, PRIVACY})


class EventType(StrEnum):
    """What happened."""

    DELIVERED = "delivered"
    NOT_DELIVERED = "not-delivered"
    NEARLY_FULL = "nearly-full"
    HEARD = "heard"
    RETIRED = "retired"
    MOVED = "moved"
    DELETED = "deleted"
    RESTORED = "restored"
    GREETING_SET = "greeting-set"
    GREETING_REMOVED = "greeting-removed"
    PIN_CHANGED = "pin-changed"
    LOGIN = "login"
    LOGIN_FAILED = "login-failed"
    LOCKED = "locked"
    UNLOCKED = "unlocked"
    HEARD_AGAIN = "heard-again"
    RECEIPT = "receipt"
    MAIL_ASKED = "mail-asked"
    EXPORTED = "exported"
    TRANSCRIBED = "transcribed"
    HANDLED = "handled"
    NOTED = "noted"
    ERASED = "erased"
    LIST_CHANGED = "list-changed"
    LIST_REMOVED = "list-removed"
    CALL_PLACED = "call-placed"
    CALL_REFUSED = "call-refused"
    CALL_BACK = "call-back"
    NOTICE_CALL = "notice-call"
    HOLD_SET = "hold-set"
    HOLD_LIFTED = "hold-lifted"
    HELD_ERASED = "held-erased"
    CALLER_EXPORTED = "caller-exported"
    CALLER_ERASED = "caller-erased"
    BOX_ADDED = "box-added"
    BOX_CHANGED = "box-changed"
    BOX_REMOVED = "box-removed"


@dataclass(frozen=True, slots=True)
class Event:
    """One entry of the stream.

    Args:
        id: the stream's id of the entry. partition: whose stream.
        what, box: what happened, to which mailbox. at: epoch seconds.
        counts: new, old and their urgent ones, after it happened.
        message_id: the message it is about, `` if none.
        details: the rest, by name: for `delivered` every field of the message (of its transcript only `text_length`);
            `greeting`, `folder`, `from` …;
            for `nearly-full` what it is `of` (`messages` of a folder, `seconds` of the mailbox), `held` and `most`;
            for `login` and `pin-changed` of a mailbox of several owners its `owner`;
            for `login` and `login-failed` through the web `way` (`link`, `oidc`, `mail`; none: a PIN) and `who`, where it is no owner;
            for `transcribed` the `state`, the `language` and the `text_length` in letters;
            for `heard` whose `receipt` is wanted; for `receipt`, in the mailbox of who wanted it, `heard_by` which and `heard_at` (epoch seconds);
            for `handled` who it is `handled_by` (`` = nobody any more); for `noted` the `text_length` in letters;
            for `call-back` which `call` it is, its `number`, `state` (`ringing`, `answered`, `failed`) and `why`;
            for `notice-call` the `number` that is told, `state` (`ringing`, `answered`, `failed`, `confirmed`, `given-up`) and `why`;
            for `caller-exported` and `caller-erased` the end of the number (`caller`), `counts`, what is `left`, nodes `away`, the `state`;
            for `not-delivered` `why` (`full`, `closed`, `unknown`, `fax`, `privacy`), `caller_number` and `caller_name`.
    """

    id: str
    partition: int
    what: EventType
    box: MailboxId
    at: float
    counts: Counts
    message_id: str = ""
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Its partition and id: no two events have the same."""
        return f"{self.partition}:{self.id}"
