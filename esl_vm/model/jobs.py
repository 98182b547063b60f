"""What is still to be done outside: mail, webhook calls, telephones to be rung, copies, receipts, transcripts; each kept until it is done."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from esl_vm.model.mailbox import MailboxId


class JobKind(StrEnum):
    """Who carries it."""

    MAIL = "mail"
    WEBHOOK = "webhook"
    CALL = "call"
    SMS = "sms"
    NOTICE_CALL = "notice-call"
    COPY = "copy"
    PUSH = "push"
    RECEIPT = "receipt"
    TRANSCRIPT = "transcript"


class JobState(StrEnum):
    """Where a job is: on its way (waiting for its time, or being sent), or given up and kept for a look."""

    WAITING = "waiting"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Job:
    """One thing to be sent. What is sent is the same however often it is tried.

    Args:
        id: made from what it is about, so that planning it twice makes one job.
        kind, box: who carries it; the mailbox it is about.
        body: what the carrier needs, of strings, numbers, lists and mappings.
        created: when it was planned, or is to be tried first if that is later, epoch seconds. due: when it is to be tried next, epoch seconds.
        attempts: how often it was begun, this time included. error: why the last attempt failed, `` if none did.
        state: see JobState.
        lease: of a job that was claimed: proof that it is still ours; `` otherwise.
    """

    id: str
    kind: JobKind
    box: MailboxId
    body: dict[str, Any] = field(default_factory=dict)
    created: float = 0.0
    due: float = 0.0
    attempts: int = 0
    error: str = ""
    state: JobState = JobState.WAITING
    lease: str = ""
