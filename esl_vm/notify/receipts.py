"""Receipts, each a job of its own: the sender's mailbox may lie where nobody can write just now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from esl_vm.model.events import Event, EventType
from esl_vm.model.jobs import Job, JobKind
from esl_vm.model.mailbox import MailboxId
from esl_vm.model.receipts import Receipt
from esl_vm.notify.job_worker import Obsolete, Sent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from esl_vm.notify.job_worker import Outcome
    from esl_vm.ports import Mailboxes


def receipt_jobs(event: Event, now: float) -> Iterator[Job]:
    """The job of a message that came, or was heard, whose sender asked for a receipt."""
    sender = str(event.details.get("receipt") or "")
    if sender and event.what in {EventType.DELIVERED, EventType.HEARD}:
        job_id = f"receipt:{event.box}:{event.message_id}:{event.what}"
        body = {"id": event.message_id, "of": sender, "at": event.at, "heard": event.what is EventType.HEARD}
        yield Job(job_id, JobKind.RECEIPT, event.box, body, now, now)


class Receipting:
    """Carries jobs of receipts (a JobWorker's `carry`).

    Args:
        mailboxes: the port.
    """

    def __init__(self, mailboxes: Mailboxes) -> None:
        self._mailboxes = mailboxes

    def carry(self, job: Job) -> Outcome:
        """Write one down where it was asked for; may raise StoreDownError, and is then repeated."""
        at, heard = float(job.body["at"]), bool(job.body["heard"])
        mailbox = self._mailboxes.open(job.box) if heard else None
        if heard and (mailbox is None or not mailbox.options.receipts):
            return Obsolete(f"{job.box} sends no receipts")
        told = Receipt(str(job.body["id"]), job.box, at, at if heard else 0.0)
        self._mailboxes.receipt(MailboxId.parse(str(job.body["of"])), told)
        return Sent()
