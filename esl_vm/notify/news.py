"""What templates can say of a message, from a job about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from esl_vm.model.errors import NoSuchMessageError
from esl_vm.model.message import CallDetails, Caller
from esl_vm.notify import wording
from esl_vm.notify.mail_templates import News

if TYPE_CHECKING:
    from esl_vm.model.jobs import Job
    from esl_vm.model.mailbox import Mailbox
    from esl_vm.model.message import Message
    from esl_vm.ports import Mailboxes


def transcript_of(mailboxes: Mailboxes, job: Job) -> str:
    """What is said in the message, as far as that is known by now: jobs lie in the store longer than messages."""
    try:
        found = mailboxes.message(job.box, str(job.body["message"]["id"])).transcript
    except NoSuchMessageError:
        return ""
    return found.text if found else ""


def told_of(message: Message) -> dict[str, Any]:
    """A message as jobs about it have it."""
    return {
        "id": message.id,
        "caller_number": message.caller.number,
        "caller_name": message.caller.name,
        "received": message.received,
        "duration_ms": message.duration_ms,
        "urgent": message.urgent,
        "cut": message.cut,
        "intro_id": message.intro_id,
        "forwarded_by": message.forwarded_by,
        **message.call.as_fields(),
    }


def news_of(
    job: Job,
    mailbox: Mailbox,
    language: str,
    timezone: str,
    *,
    transcript: str = "",
    attached: bool = False,
    deleted: bool = False,
    link: str = "",
) -> News:
    """The message that a job tells of.

    Args:
        job: about it.
        mailbox: where it is.
        language: of mailboxes that name none.
        timezone: likewise.
        transcript: see News.
        attached: likewise.
        deleted: likewise.
        link: likewise.
    """
    payload: dict[str, Any] = job.body["message"]
    language = wording.language_of(mailbox.language, language)
    received = wording.local_time(float(payload["received"]), mailbox.timezone, timezone)
    name, number = str(payload.get("caller_name", "")), str(payload.get("caller_number", ""))
    dialable = Caller(number).dialable
    return News(
        language=language,
        owner=mailbox.name,
        mailbox=str(mailbox.id),
        number=mailbox.id.number,
        domain=mailbox.id.domain,
        caller=wording.caller(name, number, language),
        caller_name=name,
        caller_number=number,
        received=wording.date_and_time(received, language),
        received_iso=received.isoformat(timespec="seconds"),
        duration=wording.length(int(payload.get("duration_ms", 0)), language),
        duration_ms=int(payload.get("duration_ms", 0)),
        urgent=bool(payload.get("urgent")),
        cut=bool(payload.get("cut")),
        forwarded_by=str(payload.get("forwarded_by", "")),
        new=int(job.body.get("new", 0)),
        old=int(job.body.get("old", 0)),
        attached=attached,
        deleted=deleted,
        message_id=str(payload["id"]),
        call=CallDetails.of(payload),
        transcript=transcript,
        call_back=f"tel:{quote(dialable)}" if dialable else "",
        link=link,
    )
