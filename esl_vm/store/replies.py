"""What scripts that show a mailbox answer, as the model has it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from esl_vm.model.store import Page, Place
from esl_vm.store.records import message_of, pairs, text

if TYPE_CHECKING:
    from esl_vm.model.sealing import Seal


def is_name(reply: Any) -> bool:
    """Whether a script answered with the mailbox that has an alias; else it is a list, or JSON of one."""
    return isinstance(reply, bytes) and not reply.startswith(b"[")


def page_of(reply: bytes, seal: Seal) -> Page:
    """A page as page.lua returns it."""
    total, *flat = json.loads(text(reply))
    ids, scores, fields = flat[::3], flat[1::3], flat[2::3]
    places = tuple(Place(float(score), at) for at, score in zip(ids, scores, strict=True))
    messages = tuple(message_of(at, pairs(field), seal) for at, field in zip(ids, fields, strict=True))
    return Page(messages, places, total)
