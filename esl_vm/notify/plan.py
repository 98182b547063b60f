"""Which mails, webhook calls, telephone calls and copies an event makes. Planning the same event again makes the same jobs, by id."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from esl_vm.model.events import Event, EventType
from esl_vm.model.jobs import Job, JobKind
from esl_vm.model.mailbox import Folder
from esl_vm.model.message import CALL_FIELDS
from esl_vm.model.notify_rules import USUAL, Notice, Way
from esl_vm.notify.call_backs import call_job
from esl_vm.notify.copies import copy_jobs
from esl_vm.notify.mail import AGAIN, LETTER, PAGE
from esl_vm.notify.mail_templates import LOCKED, ROOM, addresses
from esl_vm.notify.notice_calls import notice_call_job
from esl_vm.notify.receipts import receipt_jobs
from esl_vm.notify.summary import Summary
from esl_vm.notify.webhook import TO, webhook_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from esl_vm.model.mailbox import MailboxId

#: Messages nobody left just now make no mail.
_NOT_NEWS = {"import", "restore"}
#: What an event tells of a delivered message and no receiver of a webhook is told.
_NOT_TOLD = {"arrived", "heard", "intro_ms", "receipt"}
_PRIVATE = ("pin", "password", "hash", "secret")


@dataclass(frozen=True, slots=True)
class Wishes:
    """What is wanted of all mailboxes.

    Args:
        mail: mail is sent at all. sms: text messages are. calls: telephones are rung. push: browsers are told. webhook: the address told of mailboxes that name none; empty = nobody.
        transcribe: whether mailboxes that don't say have transcripts; None = nobody has.
        mail_waits_s: how long a mail waits for its message's transcript, seconds.
    """

    mail: bool = True
    webhook: str = ""
    transcribe: bool | None = None
    mail_waits_s: float = 0.0
    sms: bool = False
    calls: bool = False
    push: bool = False


def jobs_of(
    event: Event, fields: Mapping[str, str], wishes: Wishes, now: float, notices: tuple[Notice, ...] = USUAL
) -> Iterator[Job]:
    """The jobs an event makes.

    Args:
        event: what happened.
        fields: the mailbox's, as an administrator sees them (`email`, `pager`, `webhook`); empty if it is gone.
        wishes: see Wishes.
        now: epoch seconds, from which a job's patience counts.
        notices: of a message that was delivered, those that its mailbox's rules want.
    """
    if event.what is EventType.DELIVERED and _is_news(event):
        body = {"at": event.at, "message": _message(event), "new": event.counts.new, "old": event.counts.old}
        due = now + wishes.mail_waits_s if is_to_be_transcribed(event, fields, wishes) else now
        numbers = [notice.to for notice in _of_way(notices, Way.SMS)]
        if wishes.sms and numbers:
            job_id = _sms_job(event.box, event.message_id)
            yield Job(job_id, JobKind.SMS, event.box, {**body, "to": numbers}, created=due, due=due)
        if wishes.push and Notice(Way.PUSH) in notices:
            job_id = _push_job(event.box, event.message_id)
            yield Job(job_id, JobKind.PUSH, event.box, body, created=due, due=due)
        for notice in _of_way(notices, Way.CALL) if wishes.calls else ():
            yield notice_call_job(event, notice.to, _message(event), now)
        for form, way, field in ((LETTER, Way.MAIL, "email"), (PAGE, Way.PAGER, "pager")) if wishes.mail else ():
            to = _addressees(notices, way, fields.get(field, ""))
            if to:
                job_id = f"mail:{event.box}:{event.message_id}:{form}"
                # To the mailbox's own address alone: the one that it has when it is sent.
                named = {} if Notice(way) in notices and len(_of_way(notices, way)) == 1 else {"to": to}
                yield Job(job_id, JobKind.MAIL, event.box, {"form": form, **body, **named}, created=due, due=due)
    if wishes.mail and event.what is EventType.MAIL_ASKED and addresses(fields.get("email", ""))[0]:
        counts = {"new": event.counts.new, "old": event.counts.old}
        body = {"form": LETTER, AGAIN: True, "at": event.at, "message": {"id": event.message_id}, **counts}
        # Who asks twice within a minute gets one.
        job_id = f"mail:{event.box}:{event.message_id}:{AGAIN}:{int(event.at) // 60}"
        yield Job(job_id, JobKind.MAIL, event.box, body, now, now)
    if wishes.mail and event.what is EventType.NEARLY_FULL and addresses(fields.get("email", ""))[0]:
        room = {name: event.details.get(name, "") for name in ("of", "held", "most")}
        body = {"form": ROOM, "at": event.at, "message": {"id": event.message_id, "received": event.at}, "room": room}
        yield Job(f"mail:{event.box}:{event.message_id}:{ROOM}:{room['of']}", JobKind.MAIL, event.box, body, now, now)
    if wishes.mail and event.what is EventType.LOCKED and addresses(fields.get("email", ""))[0]:
        locked = {
            "from": str(event.details.get("from") or ""),
            "until": float(event.details.get("until") or event.at),
            "outside": _yes(event.details.get("outside")),
        }
        about = {"id": f"locked-{event.partition}-{event.id}", "received": event.at}
        body = {"form": LOCKED, "at": event.at, "message": about, LOCKED: locked}
        yield Job(f"mail:{event.box}:{about['id']}", JobKind.MAIL, event.box, body, now, now)
    if event.what is EventType.DELIVERED:
        yield from copy_jobs(event, fields, now)
    yield from receipt_jobs(event, now)
    if (call := call_job(event)) is not None:
        yield call
    if webhook_of(fields, wishes.webhook):
        job_id = f"webhook:{event.partition}-{event.id}"
        yield Job(job_id, JobKind.WEBHOOK, event.box, _told(job_id, event), created=now, due=now)
    if event.what is EventType.DELIVERED and _is_news(event):
        for notice in _of_way(notices, Way.WEBHOOK):
            job_id = f"webhook:{event.partition}-{event.id}:{notice.to}"
            body = {**_told(job_id, event), TO: notice.to}
            yield Job(job_id, JobKind.WEBHOOK, event.box, body, created=now, due=now)
    if is_to_be_transcribed(event, fields, wishes):  # last: the mail that waits for it is there before it is made
        body = {"id": event.message_id}
        yield Job(transcript_job(event.box, event.message_id), JobKind.TRANSCRIPT, event.box, body, now, now)


def transcript_job(box: MailboxId, message_id: str) -> str:
    """The id of the job that transcribes a message."""
    return f"transcript:{box}:{message_id}"


def worded_jobs(box: MailboxId, message_id: str) -> list[str]:
    """The ids of the mails and texts about a message, which wait for its transcript."""
    mails = [f"mail:{box}:{message_id}:{form}" for form in (LETTER, PAGE)]
    return [*mails, _sms_job(box, message_id), _push_job(box, message_id)]


def _push_job(box: MailboxId, message_id: str) -> str:
    return f"push:{box}:{message_id}"


def _sms_job(box: MailboxId, message_id: str) -> str:
    return f"sms:{box}:{message_id}"


def is_to_be_transcribed(event: Event, fields: Mapping[str, str], wishes: Wishes) -> bool:
    """A message that comes with a transcript (it was forwarded) needs none."""
    if wishes.transcribe is None or event.what is not EventType.DELIVERED or not _is_news(event):
        return False
    allowed, wanted = fields.get("transcribe"), fields.get("transcripts_wanted")
    allowed_here = wishes.transcribe if allowed is None else _yes(allowed)
    return bool(fields) and allowed_here and wanted != "no" and not event.details.get("text_length")


def unusable(box: MailboxId, fields: Mapping[str, str]) -> list[str]:
    """What is wrong with a mailbox's mail addresses, one sentence each."""
    return [
        f"{box}: {field} holds {word!r}, which is no mail address"
        for field in ("email", "pager")
        for word in addresses(fields.get(field, ""))[1]
    ]


def _of_way(notices: tuple[Notice, ...], way: Way) -> list[Notice]:
    return [notice for notice in notices if notice.way is way]


def _addressees(notices: tuple[Notice, ...], way: Way, own: str) -> list[str]:
    """Who gets a mail of that form, each once."""
    named = (addresses(notice.to or own)[0] for notice in _of_way(notices, way))
    return list(dict.fromkeys(address for each in named for address in each))


def _is_news(event: Event) -> bool:
    return event.details.get("origin") not in _NOT_NEWS and event.details.get("folder") != Folder.TRASH


def _message(event: Event) -> dict[str, Any]:
    """The message that was delivered, with values of the right kind whether the store keeps them as text or not."""
    details = event.details
    return {
        "id": event.message_id,
        "caller_number": str(details.get("caller_number") or ""),
        "caller_name": str(details.get("caller_name") or ""),
        "received": float(details.get("received") or event.at),
        "duration_ms": int(float(details.get("duration_ms") or 0)),
        "urgent": _yes(details.get("urgent")),
        "cut": _yes(details.get("cut")),
        "folder": str(details.get("folder") or Folder.NEW),
        "origin": str(details.get("origin") or ""),
        "intro_id": str(details.get("intro_id") or ""),
        "forwarded_by": str(details.get("forwarded_by") or ""),
        "text_length": int(float(details.get("text_length") or 0)),
        **{name: str(details.get(name) or "") for name in CALL_FIELDS},
    }


def _yes(value: Any) -> bool:
    """A flag, be it kept as a truth value or as text."""
    return value in {True, "1", "yes", "true"}


def _told(job_id: str, event: Event) -> dict[str, Any]:
    """What a webhook's receiver is told; docs/notify.md describes it."""
    message: dict[str, Any] | None = {"id": event.message_id} if event.message_id else None
    known = {"by"}  # who works here is nobody else's business
    if event.what is EventType.DELIVERED:
        message = _message(event)
        message["received"] = _iso(message["received"])
        known |= message.keys() | _NOT_TOLD
        del message["intro_id"]
    rest = {
        name: value
        for name, value in event.details.items()
        if name not in known
        and isinstance(value, str | int | float | bool)
        and not any(word in name.lower() for word in _PRIVATE)
    }
    return {
        "id": job_id,
        "event": event.what.value,
        "mailbox": str(event.box),
        "at": _iso(event.at),
        "counts": asdict(Summary.of(event.counts)),
        "message": message,
        "details": rest,
    }


def _iso(at: float) -> str:
    """An instant in UTC, ISO 8601."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
