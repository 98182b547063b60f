"""Forwarding a message, and one action for many messages at once."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from esl_vm.model.call import Ended, Recorded
from esl_vm.model.errors import AudioMissingError, InvalidValueError, NoSuchMessageError
from esl_vm.model.mailbox import Folder, MailboxId
from esl_vm.model.message import new_id
from esl_vm.model.recipients import Refusal, are_too_many, members_of, refusal
from esl_vm.model.rights import Right
from esl_vm.model.store import Delivery
from esl_vm.recordings.outcome import Settled
from esl_vm.web.greetings import SOUND, as_sound, check_length, receive
from esl_vm.web.messages import found_message, mark_heard, move
from esl_vm.web.models import Batch, BatchEntry, BatchTold, Forward, ForwardQuery, ForwardTold
from esl_vm.web.problems import ProblemError
from esl_vm.web.routes import Ask, route

if TYPE_CHECKING:
    from collections.abc import Iterator

    from esl_vm.model.message import Message
    from esl_vm.recordings.take import Take

_TAG = "Messages"


@route(
    "POST", "/mailboxes/{mailbox}/messages/{message}/forward", Right.MESSAGE_SEND, "Forward a message",
    body=Forward, answer=ForwardTold, problems=("full", "sound-missing"), tag=_TAG,
)  # fmt: skip
def forward_message(ask: Ask, body: Forward) -> ForwardTold:
    """To mailboxes and lists of the same domain, under the telephone's rules. Once answered it is certain to arrive."""
    return send_on(ask, found_message(ask), recipients(ask, body.to))


@route(
    "POST", "/mailboxes/{mailbox}/messages/{message}/introduce", Right.MESSAGE_SEND,
    "Forward a message with a spoken introduction",
    query=ForwardQuery, body=SOUND, answer=ForwardTold,
    problems=("full", "sound-missing", "no-sound", "too-large", "too-slow"), tag=_TAG,
)  # fmt: skip
def introduce_message(ask: Ask, query: ForwardQuery) -> ForwardTold:
    """As `forward`; the body is what is heard before the message: a sound of any format, as for a greeting."""
    message = found_message(ask)
    boxes = recipients(ask, [number for number in query.to.split(",") if number])
    longest_s = ask.mailbox.options.maxsecs
    with tempfile.TemporaryDirectory(prefix="esl-vm-web-") as folder, as_sound(ask, receive(ask, Path(folder))) as made:
        check_length(made, longest_s)
        with ask.world.spool.take_sound(new_id(ask.world.clock.now()), trim_silence=False) as introduction:
            shutil.copyfile(made.path, introduction.path)
            introduction.recorded(Recorded(made.duration_ms, Ended.LIMIT))
            return send_on(ask, message, boxes, introduction)


def recipients(ask: Ask, numbers: list[str]) -> list[MailboxId]:
    """The mailboxes of those numbers, each once; raises ProblemError that names each one that can't get it."""
    boxes: list[MailboxId] = []
    wrong: dict[str, str] = {}
    for number in numbers:
        found = _of_number(ask, number)
        members = members_of(found, ask.box, own=False)
        match refusal(found, members, ask.mailbox.options):
            case None:
                boxes += members
            case Refusal.UNKNOWN:
                wrong[number] = "no such mailbox or list in this domain"
            case Refusal.FULL:
                wrong[number] = "its mailbox is full"
            case Refusal.NOT_ALLOWED:
                wrong[number] = "distribution lists are not for this mailbox"
    if wrong:
        raise ProblemError("invalid", "Nobody got it: correct the recipients.", errors=wrong)
    if not numbers:
        raise ProblemError("invalid", "Say to whom.")
    if are_too_many(boxes, ask.mailbox.options):
        raise ProblemError("invalid", f"At most {ask.mailbox.options.send_most} mailboxes get one message.")
    return list(dict.fromkeys(boxes))


def _of_number(ask: Ask, text: str) -> Any:
    try:
        box = MailboxId.parse(text, ask.box.domain)
    except InvalidValueError:
        return None
    if box.domain != ask.box.domain:
        return None
    return ask.world.mailboxes.open(box) or ask.world.lists.find(box)


def send_on(ask: Ask, message: Message, boxes: list[MailboxId], introduction: Take | None = None) -> ForwardTold:
    """Forward a message to mailboxes that were checked, an introduction before it."""
    world = ask.world
    now = world.clock.now()
    copy = message.forwarded(new_id(now), now, str(ask.box))
    with world.spool.forward(
        boxes, copy, source_id=message.id, source_intro_id=message.intro_id, preface=introduction
    ) as take:
        settled = take.settle()
    to = [str(box) for box in boxes]
    match settled:
        case Settled.DELIVERED:
            return ForwardTold(copy.id, "delivered", to)
        case Settled.WAITING:
            return ForwardTold(copy.id, "waiting", to)
        case Settled.FULL:
            raise ProblemError("full", "No mailbox of these has room.")
        case _:
            raise ProblemError("invalid", f"Nobody got it: {settled.value}.")


@route(
    "POST", "/mailboxes/{mailbox}/messages/batch", Right.MESSAGE_CHANGE, "One action for many messages",
    body=Batch, answer=BatchTold, tag=_TAG,
)  # fmt: skip
def change_many(ask: Ask, body: Batch) -> BatchTold:
    """Each id has an answer of its own: `done`, `already`, `gone`, `full` or `refused`. `forward` needs message.send too."""
    if (body.action == "move") is (body.folder is UNSET):
        raise ProblemError("invalid", "`folder` goes with the action move, and only with it.")
    if (body.action == "forward") is not bool(body.to):
        raise ProblemError("invalid", "`to` goes with the action forward, and only with it.")
    boxes: list[MailboxId] = []
    if body.action == "forward":
        if not ask.who.may(Right.MESSAGE_SEND):
            raise ProblemError("forbidden", f"That needs the right {Right.MESSAGE_SEND}.")
        boxes = recipients(ask, body.to)
    return BatchTold(list(_each(ask, body, boxes)))


def _each(ask: Ask, body: Batch, boxes: list[MailboxId]) -> Iterator[BatchEntry]:
    for message_id in dict.fromkeys(body.ids):
        try:
            result = _one(ask, body, message_id, boxes)
        except NoSuchMessageError:
            result = "gone"
        except (AudioMissingError, ProblemError):
            result = "refused"
        yield BatchEntry(message_id, result)  # type: ignore[arg-type]


def _one(ask: Ask, body: Batch, message_id: str, boxes: list[MailboxId]) -> str:
    mailboxes = ask.world.mailboxes
    match body.action:
        case "move" if body.folder is not UNSET:
            delivery = move(ask, message_id, body.folder)
        case "new":
            delivery = mailboxes.move(ask.box, message_id, Folder.NEW)
        case "heard":
            mailboxes.message(ask.box, message_id)
            mark_heard(ask, message_id)
            return "done"
        case "forward":
            send_on(ask, mailboxes.message(ask.box, message_id), boxes)
            return "done"
        case _:
            act = mailboxes.delete if body.action == "delete" else mailboxes.restore
            if act(ask.box, message_id):
                return "done"
            mailboxes.message(ask.box, message_id)
            return "already"
    return "full" if delivery is Delivery.FULL else "already" if delivery is Delivery.ALREADY else "done"
