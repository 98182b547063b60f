"""Forwarding a message, and one action for many messages at once."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from esl_vm.model.call import Ended, Recorded
from esl_vm.model.errors import AudioMissingError, InvalidValueError, NoSuchMessageError
from esl_vm.model.mailbox import Folder, MailboxId
from esl_vm.model.message import new_id
from esl_vm.model.recipients import Refusal, are_too_many, members_of, refusal
from esl_vm.model.rights import Right
from esl_vm.model.scheduled import checked_due
from esl_vm.model.store import Delivery
from esl_vm.model.times import zone_of
from esl_vm.recordings.outcome import Settled
from esl_vm.web.greetings import SOUND, uploaded
from esl_vm.web.messages import found_message, mark_heard
from esl_vm.web.problems import ProblemError
from esl_vm.web.routes import Request, route
from esl_vm.web.schemas.messages import Batch, BatchEntry, BatchView, Forward, ForwardQuery, ForwardView

if TYPE_CHECKING:
    from collections.abc import Iterator

    from esl_vm.model.message import Message
    from esl_vm.recordings.take import Take

_TAG = "Messages"


@route(
    "POST", "/mailboxes/{mailbox}/messages/{message}/forward", Right.MESSAGE_SEND, "Forward a message",
    problems=("recipients", "full", "sound-missing"), tag=_TAG,
)  # fmt: skip
def forward_message(request: Request, body: Forward) -> ForwardView:
    """To mailboxes and lists of the same domain, under the telephone's rules. Once answered it is certain to arrive."""
    message, boxes = found_message(request), recipients(request, body.to)
    return send_on(request, message, boxes, due=due_of(request, body.at), receipt=body.receipt)


@route(
    "POST", "/mailboxes/{mailbox}/messages/{message}/introduce", Right.MESSAGE_SEND,
    "Forward a message with a spoken introduction", body=SOUND,
    problems=("recipients", "full", "sound-missing", "no-sound", "too-long", "too-large", "too-slow"), tag=_TAG,
)  # fmt: skip
def introduce_message(request: Request, query: ForwardQuery) -> ForwardView:
    """As `forward`; the body is what is heard before the message: a sound of any format, as for a greeting."""
    message = found_message(request)
    boxes, due = recipients(request, [number for number in query.to.split(",") if number]), due_of(request, query.at)
    with (
        uploaded(request, request.mailbox.options.maxsecs) as sound,
        request.deps.spool.take_sound(new_id(request.deps.clock.now()), trim_silence=False) as introduction,
    ):
        shutil.copyfile(sound.path, introduction.path)
        introduction.recorded(Recorded(sound.duration_ms, Ended.LIMIT))
        return send_on(request, message, boxes, introduction, due, receipt=query.receipt)


def due_of(request: Request, at: str) -> float:
    """When it is to arrive, epoch seconds, 0 = at once; raises ProblemError."""
    if not at:
        return 0.0
    try:
        moment = datetime.fromisoformat(at)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=zone_of(request.zone))
        return checked_due(moment.timestamp(), request.deps.clock.now())
    except (ValueError, OverflowError) as wrong:
        why = str(wrong) if isinstance(wrong, InvalidValueError) else f"not a date and an hour: {at!r}"
        raise ProblemError("invalid", why, errors={"at": why}) from None


def recipients(request: Request, numbers: list[str]) -> list[MailboxId]:
    """The mailboxes of those numbers, each once; raises ProblemError that names each one that can't get it."""
    boxes: list[MailboxId] = []
    wrong: dict[str, str] = {}
    for number in numbers:
        found = _of_number(request, number)
        members = members_of(found, request.box, own=False)
        match refusal(found, members, request.mailbox.options):
            case None:
                boxes += members
            case Refusal.UNKNOWN:
                wrong[number] = "no such mailbox or list in this domain"
            case Refusal.FULL:
                wrong[number] = "its mailbox is full"
            case Refusal.NOT_ALLOWED:
                wrong[number] = "distribution lists are not for this mailbox"
    if wrong:
        raise ProblemError("recipients", "Nobody got it: correct the recipients.", errors=wrong)
    if not numbers:
        raise ProblemError("recipients", "Say to whom.")
    if are_too_many(boxes, request.mailbox.options):
        raise ProblemError("recipients", f"At most {request.mailbox.options.send_most} mailboxes get one message.")
    return list(dict.fromkeys(boxes))


def _of_number(request: Request, text: str) -> Any:
    try:
        box = MailboxId.parse(text, request.box.domain)
    except InvalidValueError:
        return None
    if box.domain != request.box.domain:
        return None
    return request.deps.mailboxes.open(box) or request.deps.lists.find(box)


def send_on(
    request: Request,
    message: Message,
    boxes: list[MailboxId],
    introduction: Take | None = None,
    due: float = 0.0,
    *,
    receipt: bool = False,
) -> ForwardView:
    """Forward a message to mailboxes that were checked, an introduction before it; due: when it arrives, 0 = at once."""
    deps = request.deps
    now = deps.clock.now()
    copy = replace(message.forwarded(new_id(now), now, str(request.box)), receipt=str(request.box) if receipt else "")
    with deps.spool.forward(
        boxes,
        copy,
        source_id=message.id,
        source_intro_id=message.intro_id,
        preface=introduction,
        due=due,
    ) as take:
        settled = take.settle()
    to = [str(box) for box in boxes]
    match settled:
        case Settled.DELIVERED:
            return ForwardView(copy.id, "scheduled" if due else "delivered", to)
        case Settled.WAITING:
            return ForwardView(copy.id, "waiting", to)
        case Settled.FULL:
            raise ProblemError("full", "No mailbox of these has room.")
        case _:
            raise ProblemError("invalid", f"Nobody got it: {settled.value}.")


@route(
    "POST", "/mailboxes/{mailbox}/messages/batch", Right.MESSAGE_CHANGE, "One action for many messages",
    problems=("recipients",), tag=_TAG,
)  # fmt: skip
def change_many(request: Request, body: Batch) -> BatchView:
    """Each id has an answer of its own: `done`, `already`, `gone`, `full` or `refused`. `forward` needs message.send too."""
    if (body.action == "move") is (body.folder is UNSET):
        raise ProblemError("invalid", "`folder` goes with the action move, and only with it.")
    if (body.action == "forward") is not bool(body.to):
        raise ProblemError("invalid", "`to` goes with the action forward, and only with it.")
    boxes: list[MailboxId] = []
    if body.action == "forward":
        if not request.identity.may(Right.MESSAGE_SEND):
            raise ProblemError("forbidden", f"That needs the right {Right.MESSAGE_SEND}.")
        boxes = recipients(request, body.to)
    return BatchView(list(_each(request, body, boxes)))


def _each(request: Request, body: Batch, boxes: list[MailboxId]) -> Iterator[BatchEntry]:
    for message_id in dict.fromkeys(body.ids):
        try:
            result = _one(request, body, message_id, boxes)
        except NoSuchMessageError:
            result = "gone"
        except (AudioMissingError, ProblemError):
            result = "refused"
        yield BatchEntry(message_id, result)  # type: ignore[arg-type]


def _one(request: Request, body: Batch, message_id: str, boxes: list[MailboxId]) -> str:
    mailboxes = request.deps.mailboxes
    match body.action:
        case "move" if body.folder is not UNSET:
            delivery = mailboxes.move(request.box, message_id, body.folder)
        case "new":
            delivery = mailboxes.move(request.box, message_id, Folder.NEW)
        case "heard":
            mailboxes.message(request.box, message_id)
            mark_heard(request, message_id)
            return "done"
        case "forward":
            send_on(request, mailboxes.message(request.box, message_id), boxes)
            return "done"
        case _:
            act = mailboxes.delete if body.action == "delete" else mailboxes.restore
            if act(request.box, message_id):
                return "done"
            mailboxes.message(request.box, message_id)
            return "already"
    return "full" if delivery is Delivery.FULL else "already" if delivery is Delivery.ALREADY else "done"
