"""Events, as they happen and looked up."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from esl_vm.web.schemas.base import Cursor, Limit, Moment, RequestSchema, ResponseSchema


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


class AuditQuery(RequestSchema, frozen=True):
    """Which span of time, of which mailbox."""

    since: Annotated[Moment | None, Meta(description="Only from then on.")] = None
    until: Annotated[Moment | None, Meta(description="Only before then.")] = None
    mailbox: Annotated[str, Meta(description="Only of this mailbox.", max_length=200)] = ""
    limit: Limit = 100
    cursor: Cursor = ""


class AuditedEvent(EventView, frozen=True, kw_only=True):
    """Something that happened, with its id: no two have the same."""

    id: str


class AuditPage(ResponseSchema, frozen=True):
    """What happened, the earliest first."""

    events: list[AuditedEvent]
    complete_since: Annotated[
        str | None, Meta(description="Of before then some events are not kept any more; null: all are.")
    ]
    next: Annotated[str | None, Meta(description="The `cursor` of the next page; null: this is the last one.")] = None


class EventsQuery(RequestSchema, frozen=True):
    """From where on events are wanted."""

    last_event_id: Annotated[str, Meta(pattern="^[0-9:,-]*$", max_length=2000, description="As the header.")] = ""
