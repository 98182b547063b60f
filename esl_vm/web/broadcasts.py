"""Broadcasts: one sound into many mailboxes, into each exactly once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from esl_vm.model.errors import InvalidValueError
from esl_vm.model.mailbox import MailboxId
from esl_vm.model.message import Caller, Message
from esl_vm.model.rights import Right
from esl_vm.recordings.broadcast import BroadcastResult, named, send_to_all
from esl_vm.web.greetings import SOUND, uploaded
from esl_vm.web.problems import ProblemError
from esl_vm.web.routes import Request, route
from esl_vm.web.schemas.lists import BroadcastQuery, BroadcastView

if TYPE_CHECKING:
    from collections.abc import Iterator


@route(
    "POST", "/broadcasts", Right.BROADCAST, "Put a sound into many mailboxes", body=SOUND,
    problems=("no-sound", "too-large", "too-slow"), tag="Broadcasts",
)  # fmt: skip
def broadcast(request: Request, query: BroadcastQuery) -> BroadcastView:
    """The body is the sound. Each mailbox gets it once: one that was broken off is finished by sending it again.

    The same sound is the same broadcast for 90 days; another `id` sends it anew. What nobody heard at its end (`until`) is put into
    the trash within the hour.
    """
    deps = request.deps
    boxes = list(dict.fromkeys(_boxes(request, query)))
    if not boxes:
        raise ProblemError("invalid", "Say to whom: `to`, `list` or `domain`.")
    with uploaded(request) as sound:
        name, digest = named(query.id, sound.path)
        until = int(query.until.timestamp()) if query.until else 0
        message = Message(
            id="",
            caller=Caller(query.from_number, query.from_name),
            received=deps.begin_broadcast(name, digest, until),
            duration_ms=sound.duration_ms,
            urgent=query.urgent,
            origin="broadcast",
            until=until,
        )
        sent = BroadcastResult(name, len(boxes))
        send_to_all(deps.mailboxes, deps.audio, message, sound.path, boxes, sent)
    return BroadcastView(**sent.to_json())


def _boxes(request: Request, query: BroadcastQuery) -> Iterator[MailboxId]:
    """Everybody it is for; nobody gets it where one of them is not there, or not within one's reach."""
    deps, reach = request.deps, request.identity.reach
    for word in filter(None, query.to.split(",")):
        box = _parsed(request, word)
        mailbox = deps.mailboxes.open(box)
        if mailbox is None or not reach.has(mailbox.id):
            raise ProblemError("invalid", f"There is no mailbox {box}; nobody got it.")
        yield mailbox.id
    for word in filter(None, query.list.split(",")):
        number = _parsed(request, word)
        found = deps.lists.find(number) if reach.has_domain(number.domain) else None
        if found is None:
            raise ProblemError("invalid", f"There is no distribution list {number}; nobody got it.")
        yield from found.members
    if query.domain:
        if not reach.has_domain(query.domain):
            raise ProblemError("invalid", f"There are no mailboxes in the domain {query.domain}; nobody got it.")
        yield from deps.registry.boxes(query.domain.lower())


def _parsed(request: Request, word: str) -> MailboxId:
    try:
        return MailboxId.parse(word, request.deps.domain)
    except InvalidValueError as wrong:
        raise ProblemError("invalid", f"{wrong}; nobody got it.") from None
