"""Writing down what messages say: jobs of the outbox, made when a message is delivered, carried by one worker of the cluster.

No call waits for it, and a mail only for so long. Each message gets one transcript: what an engine says a second time
(its worker was thought dead) changes nothing.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from itertools import islice
from typing import TYPE_CHECKING

from esl_vm.model.errors import (
    AudioMissingError,
    EngineAwayError,
    NoSuchMessageError,
    NotTranscribableError,
    TranscriptionError,
)
from esl_vm.model.transcript import Transcript, TranscriptState
from esl_vm.notify.job_worker import FEWEST_ATTEMPTS, Deferred, Obsolete, Outcome, Refused, Sent
from esl_vm.notify.plan import worded_jobs
from esl_vm.recordings.manifest import original_id
from esl_vm.sound.spoken import nobody_speaks

if TYPE_CHECKING:
    from pathlib import Path

    from esl_vm.model.jobs import Job
    from esl_vm.model.mailbox import Mailbox, MailboxId
    from esl_vm.model.message import Message
    from esl_vm.model.settings import TranscriptionSettings
    from esl_vm.ports import AudioStore, Clock, Mailboxes, Registry, Transcriber
    from esl_vm.store.outbox import RedisOutbox

log = logging.getLogger(__name__)

#: Names of a domain's directory that an engine is told, and for how many seconds they are not looked up again.
_MOST_NAMES = 60
_NAMES_KEPT_S = 900.0
#: Transcripts remembered, for the copies of a message that went to many mailboxes.
_REMEMBERED = 100


class TranscriptMaker:
    """Carries the jobs (a JobWorker's `carry`); several threads may use one.

    Args:
        transcriber: the engine. settings: see there.
        mailboxes, registry, audio, outbox, clock: the ports.
        language: of mailboxes that name none, `fr` or `en`.
    """

    def __init__(
        self,
        transcriber: Transcriber,
        settings: TranscriptionSettings,
        mailboxes: Mailboxes,
        registry: Registry,
        audio: AudioStore,
        outbox: RedisOutbox,
        clock: Clock,
        language: str = "fr",
    ) -> None:
        self._transcriber = transcriber
        self._settings = settings
        self._mailboxes = mailboxes
        self._registry = registry
        self._audio = audio
        self._outbox = outbox
        self._clock = clock
        self._language = language
        self._names: dict[str, tuple[float, list[str]]] = {}
        self._heard: OrderedDict[tuple[str, str], Transcript] = OrderedDict()

    def carry(self, job: Job) -> Outcome:
        """Transcribe one message; may raise StoreDownError, and has then written down nothing."""
        box, message_id = job.box, str(job.body["id"])
        mailbox = self._mailboxes.open(box)
        if mailbox is None:
            return Obsolete("the mailbox is gone")
        if not (mailbox.options.transcribe and mailbox.options.transcripts_wanted):
            return Obsolete("the mailbox has no transcripts any more")
        try:
            message = self._mailboxes.message(box, message_id)
        except NoSuchMessageError:
            return Obsolete("the message is gone")
        if message.transcript is not None and message.transcript.state is not TranscriptState.FAILED:
            return self._made(job, message.transcript)
        if message.duration_ms > self._settings.longest_s * 1000:
            return self._made(job, Transcript(TranscriptState.TOO_LONG))
        if self._clock.now() - job.created > self._settings.retry_hours * 3600 and job.attempts > FEWEST_ATTEMPTS:
            return self._failed(job, job.error or f"given up after {job.attempts - 1} attempts")
        try:
            return self._made(job, self._hear(mailbox, message))
        except EngineAwayError as away:
            return Deferred(str(away), away=True, after_s=away.after_s)
        except NotTranscribableError as never:
            return self._failed(job, str(never))
        except (AudioMissingError, TranscriptionError) as wrong:
            return Deferred(str(wrong))

    def _made(self, job: Job, transcript: Transcript) -> Sent:
        """It is put with its message when the store takes it; then the mail need wait no more."""
        return Sent(lambda: self._keep(job, transcript))

    def _keep(self, job: Job, transcript: Transcript) -> None:
        message_id = str(job.body["id"])
        if self._mailboxes.transcribed(job.box, message_id, transcript):
            said = (transcript.state, transcript.language or "-", len(transcript.text))
            log.info("%s %s: transcript: %s, language %s, %d letters", job.box, message_id, *said)
        for mail in worded_jobs(job.box, message_id):
            self._outbox.hasten(mail, self._clock.now())

    def _failed(self, job: Job, why: str) -> Refused:
        self._keep(job, Transcript(TranscriptState.FAILED, engine=self._transcriber.engine))
        return Refused(why)

    def _hear(self, mailbox: Mailbox, message: Message) -> Transcript:
        own = (mailbox.language or self._language)[:2].lower()
        sound = (original_id(message.id), own)
        known = self._heard.get(sound)
        if known is not None:
            return known
        path = self._audio.playable(message.id)
        try:
            silent = nobody_speaks(path)
        except (OSError, ValueError) as wrong:
            raise NotTranscribableError(f"the sound can't be read: {type(wrong).__name__}") from wrong
        found = Transcript(TranscriptState.NO_SPEECH) if silent else self._ask(path, own, mailbox, message)
        self._heard[sound] = found
        while len(self._heard) > _REMEMBERED:
            self._heard.popitem(last=False)
        return found

    def _ask(self, path: Path, own: str, mailbox: Mailbox, message: Message) -> Transcript:
        """What the engine hears; in a language that may not be detected, what it hears in the mailbox's own."""
        names = self._names_for(mailbox, message)
        asked = "" if self._settings.language == "detect" else own
        found = self._transcriber.transcribe(path, asked, names)
        if not asked and found.text and found.language not in self._settings.languages:
            found = self._transcriber.transcribe(path, own, names)
        if found.text and 0 < found.confidence < self._settings.least_confidence / 100:
            return Transcript(TranscriptState.UNSURE, found.language, found.engine, found.confidence)
        return found

    def _names_for(self, mailbox: Mailbox, message: Message) -> list[str]:
        if not self._settings.names:
            return []
        return [*self._directory(mailbox.id), message.caller.name, mailbox.name]

    def _directory(self, box: MailboxId) -> list[str]:
        """Some names of a domain, as callers may speak of them."""
        now = self._clock.now()
        until, names = self._names.get(box.domain, (0.0, []))
        if now >= until:
            boxes = islice(self._registry.boxes(box.domain), _MOST_NAMES)
            found = [self._mailboxes.open(one) for one in boxes]
            names = [one.name for one in found if one is not None and one.name and not one.options.hidefromdir]
            self._names[box.domain] = (now + _NAMES_KEPT_S, names)
        return names
