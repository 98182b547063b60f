"""Broadcasts: one sound into many mailboxes, into each exactly once."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from esl_vm.model.errors import InvalidValueError
from esl_vm.model.mailbox import MailboxId
from esl_vm.model.message import Caller, Message
from esl_vm.model.rights import Right
from esl_vm.recordings.broadcast import BroadcastResult, named, send_to_all
from esl_vm.web.greetings import SOUND, as_sound, receive
from esl_vm.web.models import BroadcastQuery, BroadcastTold
from esl_vm.web.problems import ProblemError
from esl_vm.web.routes import Ask, route

if TYPE_CHECKING:
    from collections.abc import Iterator


@route(
    "POST", "/broadcasts", Right.BROADCAST, "Put a sound into many mailboxes",
    query=BroadcastQuery, body=SOUND, answer=BroadcastTold, problems=("no-sound", "too-large", "too-slow"),
    tag="Broadcasts",
)  # fmt: skip
def broadcast(ask: Ask, query: BroadcastQuery) -> BroadcastTold:
    """The body is the sound. Each mailbox gets it once: one that was broken off is finished by sending it again.

    The same sound is the same broadcast for 90 days; another `id` sends it anew.
    """
    world = ask.world
    boxes = list(dict.fromkeys(_boxes(ask, query)))
    if not boxes:
        raise ProblemError("invalid", "Say to whom: `to`, `list` or `domain`.")
    with (
        tempfile.TemporaryDirectory(prefix="esl-vm-web-") as folder,
        as_sound(ask, receive(ask, Path(folder))) as sound,
    ):
        name, digest = named(query.id, sound.path)
        message = Message(
            id="",
            caller=Caller(query.from_number, query.from_name),
            received=world.broadcasts.begin(name, digest),
            duration_ms=sound.duration_ms,
            urgent=query.urgent,
            origin="broadcast",
        )
        sent = BroadcastResult(name, len(boxes))
        send_to_all(world.mailboxes, world.audio, message, sound.path, boxes, sent)
    return BroadcastTold(**sent.to_json())


def _boxes(ask: Ask, query: BroadcastQuery) -> Iterator[MailboxId]:
    """Everybody it is for; nobody gets it where one of them is not there, or not within one's reach."""
    world, reach = ask.world, ask.who.reach
    for word in filter(None, query.to.split(",")):
        box = _parsed(ask, word)
        if not reach.has(box) or world.mailboxes.open(box) is None:
            raise ProblemError("invalid", f"There is no mailbox {box}; nobody got it.")
        yield box
    for word in filter(None, query.list.split(",")):
        number = _parsed(ask, word)
        found = world.lists.find(number) if reach.has_domain(number.domain) else None
        if found is None:
            raise ProblemError("invalid", f"There is no distribution list {number}; nobody got it.")
        yield from found.members
    if query.domain:
        if not reach.has_domain(query.domain):
            raise ProblemError("invalid", f"There are no mailboxes in the domain {query.domain}; nobody got it.")
        yield from world.registry.boxes(query.domain.lower())


def _parsed(ask: Ask, word: str) -> MailboxId:
    try:
        return MailboxId.parse(word, ask.world.domain)
    except InvalidValueError as wrong:
        raise ProblemError("invalid", f"{wrong}; nobody got it.") from None
