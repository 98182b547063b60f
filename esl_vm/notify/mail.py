"""Mail about a message: to its owner with the sound, and a line to a pager or text-message gateway.

A job is the same mail however often it is tried: same Message-ID, same date. A message that its owner wants deleted
after the mail goes to the trash only when the server has accepted the mail for every address.
"""

from __future__ import annotations

import hashlib
import logging
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from esl_vm.model.errors import AudioMissingError, NoSuchMessageError, SettingsError
from esl_vm.notify import wording
from esl_vm.notify.job_worker import Deferred, Obsolete, Outcome, Refused, Sent
from esl_vm.notify.mail_templates import (
    NOTICES,
    ROOM,
    SIGN_IN,
    Attachment,
    Envelope,
    MailTemplates,
    Notice,
    addresses,
)
from esl_vm.notify.news import news_of, told_of, transcript_of
from esl_vm.notify.smtp import Handover, hand_over
from esl_vm.notify.smtp_connection import ServerAwayError, SmtpServer
from esl_vm.notify.sound import attachment
from esl_vm.sound import disk

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from email.message import EmailMessage

    from esl_vm.model.jobs import Job
    from esl_vm.model.mailbox import Mailbox, MailboxId
    from esl_vm.model.settings import MailSettings
    from esl_vm.ports import AudioStore, Mailboxes

log = logging.getLogger(__name__)

#: A shared folder may show a sound later than Redis the message; after so many attempts the mail goes without it.
_TRIES_FOR_SOUND = 3
#: A server that puts everybody off may do so for all: the others of the mailbox wait, but only so long.
_HOLDS_ATTEMPTS = 3
#: Sound beyond that is not attached.
LARGEST_BYTES = 20_000_000
LETTER = "letter"
PAGE = "page"
AGAIN = "again"
"""In the job of a letter that was asked for: the message has only its id, and is not deleted."""


@dataclass(frozen=True, slots=True)
class _Mail:
    """What one mail is about. The transcript is not in the job: jobs lie in the store longer than messages."""

    job: Job
    mailbox: Mailbox
    form: str
    transcript: str
    link: str = ""


class Mailer:
    """Carries mail jobs to the SMTP server (a JobWorker's `carry`).

    Args:
        server, templates, settings: see there. mailboxes, audio: the ports.
        language, timezone: for mailboxes that name none: `fr` or `en`, an IANA name.
        run: how a sound is encoded: at once, or in a thread.
        link: where a message of a mailbox, written about at that time, is heard in a browser; `` = nowhere.
        sign_in: where its owner, who asked for it at that time, signs in once; `` = that is too long ago.

    Raises:
        SettingsError: the sender is no mail address.
    """

    def __init__(
        self,
        server: SmtpServer,
        templates: MailTemplates,
        settings: MailSettings,
        mailboxes: Mailboxes,
        audio: AudioStore,
        language: str = "fr",
        timezone: str = "America/Toronto",
        *,
        run: disk.Runner = disk.at_once,
        link: Callable[[MailboxId, str, float], str] = lambda *_: "",
        sign_in: Callable[[Mailbox, float], str] = lambda *_: "",
    ) -> None:
        for address in (settings.sender, settings.reply_to or settings.sender):
            if addresses(address)[0] != [address]:
                raise SettingsError([f"mail's sender is not a mail address: {address!r}"])
        self._server = server
        self._templates = templates
        self._settings = settings
        self._language, self._timezone = language, timezone
        self._mailboxes = mailboxes
        self._audio = audio
        self._run = run
        self._link, self._sign_in = link, sign_in

    def carry(self, job: Job) -> Outcome:
        """Send one mail; may raise StoreDownError before anything was sent."""
        mailbox = self._mailboxes.open(job.box)
        if mailbox is None:
            return Obsolete("the mailbox is gone")
        form, again = str(job.body.get("form", LETTER)), bool(job.body.get(AGAIN))
        if again:
            try:
                told = told_of(self._mailboxes.message(job.box, str(job.body["message"]["id"])))
            except NoSuchMessageError:
                return Obsolete("the message is gone")
            job = replace(job, body={**job.body, "message": told})
        recipients = job.body.get("to") or addresses(mailbox.pager if form == PAGE else mailbox.email)[0]
        if not recipients:
            return Obsolete("the mailbox has no mail address any more")
        try:
            files, whole = self._attached(job, mailbox, form)
        except AudioMissingError as error:
            return Deferred(str(error))
        link = self._sign_in(mailbox, _written(job)) if form == SIGN_IN else ""
        if form == SIGN_IN and not link:
            return Obsolete("the link was asked for too long ago")
        mail = _Mail(job, mailbox, form, transcript_of(self._mailboxes, job) if form in {LETTER, PAGE} else "", link)
        try:
            said = self._send(mail, recipients, files, whole=whole)
        except ServerAwayError as error:
            return Deferred(str(error), away=True)
        if said.too_large and files:
            log.warning("mail about %s goes without its sound: %s", job.body["message"]["id"], _said(said.too_large))
            whole, small = False, list(said.too_large)
            said = replace(said, too_large={})
            try:
                said += self._send(mail, small, [], whole=False)
            except ServerAwayError as error:
                said += Handover(later=dict.fromkeys(small, str(error)))
        if not whole:
            job = replace(job, body={**job.body, "bare": True})
        return self._outcome(job, said, delete=form == LETTER and not again and whole and mailbox.options.delete)

    def _send(self, mail: _Mail, recipients: list[str], files: list[Attachment], *, whole: bool) -> Handover:
        """Hand the mail over; raises ServerAwayError where nobody got an answer."""
        said = Handover()
        for group in _together(recipients):
            message = self._compose(mail, group, files, whole=whole)
            try:
                said += hand_over(self._server, message, self._settings.sender, group)
            except ServerAwayError as error:
                if not said:
                    raise
                said += Handover(later=dict.fromkeys(group, str(error)))
        return said

    def _attached(self, job: Job, mailbox: Mailbox, form: str) -> tuple[list[Attachment], bool]:
        """The sound that goes with it, and whether it is what its owner wants.

        Raises:
            AudioMissingError: it is to be tried again.
        """
        if form != LETTER or not mailbox.options.attach:
            return [], True
        if job.body.get("bare"):
            return [], False
        payload: dict[str, Any] = job.body["message"]
        received = wording.local_time(float(payload["received"]), mailbox.timezone, self._timezone)
        files = self._sounds(payload, received, last=job.attempts >= _TRIES_FOR_SOUND)
        return files, bool(files)

    def _outcome(self, job: Job, said: Handover, *, delete: bool) -> Outcome:
        """What the server's answers make of the job."""
        never = {**job.body.get("never", {}), **said.never, **said.too_large}
        if said.later:
            remaining = replace(job, body={**job.body, "to": list(said.later), "never": never})
            return Deferred(
                _said(said.later), job=remaining, holds=not said.accepted and job.attempts < _HOLDS_ATTEMPTS
            )
        if never:
            return Refused(_said(never), replace(job, body={**job.body, "to": list(never), "never": {}}))
        if not delete:
            return Sent()
        box, message_id = job.box, str(job.body["message"]["id"])
        return Sent(lambda: log.info("%s %s: to the trash after its mail: %s", box, message_id, self._delete(job)))

    def _delete(self, job: Job) -> bool:
        return self._mailboxes.delete(job.box, str(job.body["message"]["id"]))

    def _compose(self, mail: _Mail, recipients: list[str], files: list[Attachment], *, whole: bool) -> EmailMessage:
        """The mail to these."""
        job, mailbox, form = mail.job, mail.mailbox, mail.form
        envelope = self._envelope(job, mailbox, recipients)
        if form in NOTICES:
            return self._templates.notice(form, self._notice(mail), envelope)
        deleted = mailbox.options.delete and whole and not job.body.get(AGAIN)
        link = "" if deleted or form == PAGE else self._link(mailbox.id, str(job.body["message"]["id"]), _written(job))
        news = news_of(
            job, mailbox, self._language, self._timezone,
            transcript=mail.transcript, attached=bool(files), deleted=deleted, link=link,
        )  # fmt: skip
        if form == PAGE:
            return self._templates.page(news, envelope)
        return self._templates.mail(news, envelope, files)

    def _notice(self, mail: _Mail) -> Notice:
        """What a mail says that is about no message."""
        mailbox = mail.mailbox
        language = wording.language_of(mailbox.language, self._language)
        about = (language, mailbox.name, str(mailbox.id), mailbox.id.number, mailbox.id.domain)
        if mail.form == SIGN_IN:
            return Notice(*about, link=mail.link)
        payload: dict[str, Any] = mail.job.body[mail.form]
        if mail.form == ROOM:
            of = str(payload["of"])
            held, most = (
                str(payload[name]) if of == "messages" else wording.length(int(payload[name]) * 1000, language)
                for name in ("held", "most")
            )
            return Notice(*about, of=of, held=held, most=most)
        until = wording.local_time(float(payload["until"]), mailbox.timezone, self._timezone)
        return Notice(
            *about,
            from_number=str(payload["from"]),
            until=wording.date_and_time(until, language),
            outside=bool(payload["outside"]),
        )

    def _envelope(self, job: Job, mailbox: Mailbox, recipients: list[str]) -> Envelope:
        # Not when the message was recorded: a forwarded one, or one that waited, would lie deep in the inbox.
        date = wording.local_time(_written(job), mailbox.timezone, self._timezone)
        return envelope_of(self._settings, mailbox.id, recipients, _message_id(job, self._settings.sender), date)

    def _sounds(self, payload: dict[str, Any], received: datetime, *, last: bool) -> list[Attachment]:
        """The message's sound, before it the introduction of one who forwarded it; nothing if it can't be had.

        Raises:
            AudioMissingError: it is not there yet, unless this was the `last` time to look.
        """
        stamp = received.strftime("%Y%m%d-%H%M%S")
        names = {str(payload.get("intro_id") or ""): f"introduction-{stamp}", str(payload["id"]): f"message-{stamp}"}
        files = []
        for audio_id, name in names.items():
            if not audio_id:
                continue
            try:
                files.append(attachment(self._audio.playable(audio_id), name, self._settings.audio_format, self._run))
            except (AudioMissingError, OSError) as error:
                if not last:
                    raise AudioMissingError(f"the sound {audio_id} is not to be had yet: {error}") from error
                log.warning("mail about %s goes without its sound: %s", payload["id"], error)
                return []
        size = sum(len(file.data) for file in files)
        if size > LARGEST_BYTES:
            log.warning("mail about %s goes without its sound: %d bytes are too many", payload["id"], size)
            return []
        return files


def envelope_of(
    settings: MailSettings, box: MailboxId, recipients: list[str], message_id: str, date: datetime
) -> Envelope:
    """Who writes to whom about a mailbox."""
    host = settings.sender.rpartition("@")[2]
    return Envelope(
        sender=settings.sender,
        sender_name=settings.sender_name,
        reply_to=settings.reply_to or settings.sender,
        list_id=re.sub(r"[^a-z0-9.-]", "-", f"{box.number}.{box.domain}.voicemail.{host}".lower()),
        recipients=recipients,
        message_id=message_id,
        date=date,
    )


def _message_id(job: Job, sender: str) -> str:
    """Always the same for a job, so that a mail sent twice can be told by the mail system."""
    about = hashlib.sha256(job.id.encode()).hexdigest()[:24]
    return f"{job.body['message']['id']}.{about}@{sender.rpartition('@')[2]}"


def _written(job: Job) -> float:
    """When it is written, epoch seconds; the same however often it is tried."""
    return float(job.body.get("at") or job.body["message"]["received"])


def _together(recipients: list[str]) -> list[list[str]]:
    """Who can be in one mail: addresses with letters outside ASCII apart, as not every server takes those."""
    plain = [address for address in recipients if address.isascii()]
    return [group for group in (plain, [address for address in recipients if not address.isascii()]) if group]


def _said(answers: dict[str, str]) -> str:
    """The server's answers in one line."""
    return "; ".join(f"{to}: {words}" for to, words in answers.items())
