"""All that there is about a caller's number."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from esl_vm.web.schemas.base import Box, Moment, RequestSchema, ResponseSchema

Number = Annotated[
    str, Meta(min_length=2, max_length=64, description="As callers have it; `+15145550199` and `5145550199` are one.")
]


class CallerQuery(RequestSchema, frozen=True):
    """Whom it is about."""

    number: Number


class CallerErasure(RequestSchema, frozen=True):
    """Whose traces are to be erased."""

    number: Number
    again: Annotated[Number, Meta(description="The number once more.")]


class NewHold(RequestSchema, frozen=True):
    """A legal hold to be set."""

    mailbox: Box
    reason: Annotated[str, Meta(min_length=1, max_length=200, description="Who wants it, and why.")]
    until: Annotated[Moment | None, Meta(description="When it ends by itself; null: when it is lifted.")] = None


class EndedHold(RequestSchema, frozen=True):
    """A legal hold to be lifted."""

    mailbox: Box


class HoldView(ResponseSchema, frozen=True):
    """A legal hold on a mailbox."""

    mailbox: str
    in_force: Annotated[bool, Meta(description="false: it is over, and what it kept is erased within the hour.")]
    since: str | None
    until: str | None
    by: str
    reason: str
    kept: Annotated[int, Meta(description="Messages that it keeps of what was erased.")]


class Holds(ResponseSchema, frozen=True):
    """All legal holds."""

    holds: list[HoldView]


class EncryptionView(ResponseSchema, frozen=True):
    """Whether sounds, transcripts and notes are encrypted where they are kept, as the node that answers has it."""

    key: Annotated[str, Meta(description="The id of the key that encrypts; empty: nothing is encrypted.")]
    keys: Annotated[list[str], Meta(description="The ids of all keys that can be read with.")]
    missing: Annotated[
        list[str], Meta(description="Keys that something may be encrypted under, and that this node lacks.")
    ]
    trouble: Annotated[
        str, Meta(description="Why there is no key although the settings name one; empty: there is none.")
    ]


class TraceView(ResponseSchema, frozen=True):
    """Something about a caller's number."""

    kind: Annotated[str, Meta(description="message, mention, setting, event, job or recording.")]
    place: Annotated[str, Meta(description="The mailbox it is in; of a recording its node.")]
    id: str
    at: str | None
    what: Annotated[str, Meta(description="Its folder, kind, state or field.")]
    kept: Annotated[str, Meta(description="Why erasing leaves it; empty: it does not.")]


class CallerView(ResponseSchema, frozen=True):
    """All that there is about a caller's number."""

    number: str
    found: list[TraceView]
    away: Annotated[list[str], Meta(description="Nodes that did not answer: what lies in their spools is not known.")]


class CallerErased(ResponseSchema, frozen=True):
    """What was erased, and what is left."""

    erased: Annotated[dict[str, int], Meta(description="How many of each kind.")]
    left: list[TraceView]
    away: list[str]
    complete: Annotated[bool, Meta(description="Every node answered, and nothing is left but what is to stay.")]
