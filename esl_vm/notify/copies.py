"""Standing copies of messages, each a job of its own: whatever process dies, another mailbox gets a message once.

The message's own mailbox has it already, and keeps it whatever becomes of the copy.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from esl_vm.model.actor import acting
from esl_vm.model.copies import COPIED, copy_of, targets
from esl_vm.model.errors import AudioMissingError, NoSuchMailboxError, NoSuchMessageError
from esl_vm.model.jobs import Job, JobKind
from esl_vm.model.mailbox import Folder, MailboxId
from esl_vm.model.store import Delivery
from esl_vm.notify.job_worker import Obsolete, Refused, Sent
from esl_vm.recordings.manifest import INTRO_SUFFIX
from esl_vm.recordings.undelivered import log_not_delivered

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from esl_vm.model.events import Event
    from esl_vm.model.message import Message
    from esl_vm.notify.job_worker import Outcome
    from esl_vm.ports import AudioStore, Mailboxes

log = logging.getLogger(__name__)


def copy_jobs(event: Event, fields: Mapping[str, str], now: float) -> Iterator[Job]:
    """A job for each mailbox that is to have a copy of the message that was just delivered."""
    details = event.details
    if str(details.get("origin") or "") not in COPIED or details.get("folder") == Folder.TRASH:
        return
    for target in targets(event.box, fields.get("copies", "").split(",")):
        job_id = f"copy:{event.box}:{event.message_id}:{target}"
        body = {"id": event.message_id, "to": str(target), "at": event.at}
        yield Job(job_id, JobKind.COPY, event.box, body, now, now)


class Copier:
    """Carries jobs of copies (a JobWorker's `carry`).

    Args:
        mailboxes, audio: the ports.
    """

    def __init__(self, mailboxes: Mailboxes, audio: AudioStore) -> None:
        self._mailboxes = mailboxes
        self._audio = audio

    def carry(self, job: Job) -> Outcome:
        """Deliver one copy; may raise StoreDownError, and is then repeated."""
        target = MailboxId.parse(str(job.body["to"]))
        try:
            message = self._mailboxes.message(job.box, str(job.body["id"]))
        except NoSuchMessageError:
            return Obsolete("the message was erased")
        copy = copy_of(message, job.box, target, float(job.body["at"]))
        sounds = {copy.id: message.id}
        if message.intro_id:
            copy = replace(copy, intro_id=copy.id + INTRO_SUFFIX)
            sounds[copy.intro_id] = message.intro_id
        with acting(f"copy {job.box}"):
            return self._delivered(job, copy, target, sounds)

    def _delivered(self, job: Job, copy: Message, target: MailboxId, sounds: Mapping[str, str]) -> Outcome:
        # As with a take: sounds that were there when the mailbox was asked before, and are gone, were erased there.
        erased = job.attempts > 1 and not all(map(self._audio.exists, sounds))
        try:
            if not erased:
                self._put(sounds)
            delivery = self._deliver(target, copy)
            if erased and delivery in {Delivery.DONE, Delivery.ALREADY}:
                self._put(sounds)
        except AudioMissingError as missing:
            return Refused(f"the copy for {target} has no sound: {missing}")
        if delivery.kept:
            return Sent()
        for sound in sounds:
            self._audio.delete(sound)
        log.warning("message %s of %s is not copied to %s: %s", job.body["id"], job.box, target, delivery.value)
        log_not_delivered(self._mailboxes, copy, {target: delivery.refusal})
        return Obsolete(f"{target}: {delivery.value}")

    def _put(self, sounds: Mapping[str, str]) -> None:
        for name, source in sounds.items():
            self._audio.put(name, self._audio.playable(source))

    def _deliver(self, target: MailboxId, copy: Message) -> Delivery:
        try:
            return self._mailboxes.deliver(target, copy)
        except NoSuchMailboxError:
            return Delivery.NO_MAILBOX
