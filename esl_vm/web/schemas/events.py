"""Events, as they happen and looked up."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from esl_vm.web.schemas.base import Limit, RequestSchema, ResponseSchema


class EventLogQuery(RequestSchema, frozen=True):
    """Which of the latest events."""

    mailbox: Annotated[str, Meta(description="Only of this mailbox.", max_length=200)] = ""
    what: Annotated[
        str, Meta(description="Only of this kind: `delivered`, `moved` …", pattern="^[a-z-]*$", max_length=40)
    ] = ""
    by: Annotated[str, Meta(description="Only of whom this text names: part of `details.by`.", max_length=200)] = ""
    limit: Limit = 100


class EventView(ResponseSchema, frozen=True):
    """Something that happened; the counts are those right after it."""

    at: str
    what: str
    mailbox: str
    message: str
    new: int
    old: int
    urgent: int
    details: dict[str, Any]


class EventLogView(ResponseSchema, frozen=True):
    """The latest events, the newest first."""

    events: list[EventView]


class EventsQuery(RequestSchema, frozen=True):
    """From where on events are wanted."""

    last_event_id: Annotated[str, Meta(pattern="^[0-9:,-]*$", max_length=2000, description="As the header.")] = ""
