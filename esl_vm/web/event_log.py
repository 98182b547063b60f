"""What happened, looked up: lately, and in a span of time for an auditor; as it happens is in `streams`."""

from __future__ import annotations

from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING

from msgspec.structs import asdict

from esl_vm.model.mailbox import MailboxId
from esl_vm.model.rights import Right
from esl_vm.model.times import iso_time, zone_of
from esl_vm.web.audit_table import csv_lines
from esl_vm.web.mailboxes import cursor_of, text_of
from esl_vm.web.problems import ProblemError, not_found
from esl_vm.web.routes import Request, Response, mailbox_id_of, page, route
from esl_vm.web.schemas.events import AuditedEvent, AuditPage, AuditQuery, EventLogQuery, EventLogView
from esl_vm.web.views import event_view

if TYPE_CHECKING:
    from esl_vm.model.events import Event

_LOOKED_AT = 2000
"""Events that one request with a filter looks at."""


@route(
    "GET", "/events/latest", Right.EVENTS_READ, "What happened lately in the mailboxes within your reach",
    problems=("not-found",), tag="Events",
)  # fmt: skip
def latest_events(request: Request, query: EventLogQuery) -> EventLogView:
    """The newest first; of the latest 2,000 those that are wanted. `esl-vm events` reaches further back."""
    return EventLogView([event_view(event, request.zone) for event in latest(request, query)])


@route(
    "GET", "/privacy/audit", Right.PRIVACY, "What happened in the mailboxes, and who did it",
    problems=("unknown-cursor", "not-found"), tag="Privacy",
)  # fmt: skip
def audit(request: Request, query: AuditQuery) -> AuditPage:
    """In order, the earliest first, as far back as events are kept (`redis.events_days`); `details.by` says who did it."""
    events, since = request.deps.events, query.since.timestamp() if query.since else 0.0
    until = query.until.timestamp() if query.until else 0.0
    if until and until <= since:
        raise ProblemError("invalid", "until is not after since.", errors={"until": "It is not after since."})
    box = mailbox_id_of(query.mailbox, request.deps.domain) if query.mailbox else None
    try:
        span = events.span(since, until, box=box, after=text_of(query.cursor) if query.cursor else "")
    except ValueError:
        raise ProblemError("unknown-cursor", "Begin anew, without a cursor.") from None
    begin, zone = events.begin(), request.deps.timezone
    found = list(islice(span, query.limit + 1))
    shown = found[: query.limit]
    return AuditPage(
        [AuditedEvent(**asdict(event_view(event, zone)), id=event.key) for event in shown],
        iso_time(begin, zone) if begin else None,
        cursor_of(shown[-1].key) if len(found) > len(shown) else None,
    )


@page("GET", "/admin/audit.csv", Right.PRIVACY, "Get what happened, and who did it, as a table")
def audit_table(request: Request) -> Response:
    """All of it, or of a mailbox (`q`), from a day on (`from`) and before another (`until`), as `esl-vm privacy audit` writes it."""
    zone = request.deps.timezone
    try:
        since, until = (_day(request.param(name), zone) for name in ("from", "until"))
        box = MailboxId.parse(request.param("q"), request.deps.domain) if request.param("q") else None
    except ValueError:
        raise not_found() from None
    lines = csv_lines(request.deps.events.span(since, until, box=box), zone)
    headers = {"Content-Disposition": 'attachment; filename="audit.csv"', "Cache-Control": "private, no-store"}
    return Response(headers=headers, content_type="text/csv; charset=utf-8", stream=(line.encode() for line in lines))


def _day(text: str, zone: str) -> float:
    """When a day begins there, epoch seconds; 0 for none. Raises ValueError."""
    return datetime.fromisoformat(text).replace(tzinfo=zone_of(zone)).timestamp() if text else 0.0


def latest(request: Request, query: EventLogQuery) -> list[Event]:
    """Those events; raises ProblemError for a mailbox that is not one's own."""
    box = mailbox_id_of(query.mailbox, request.deps.domain) if query.mailbox else None
    reach = request.identity.reach
    if box is not None and not reach.has(box):
        raise not_found()
    found: list[Event] = []
    for event in reversed(request.deps.events.tail(_LOOKED_AT, box=box)):
        if len(found) == query.limit:
            break
        if not reach.has(event.box) or (query.what and event.what != query.what):
            continue
        if query.by.lower() in str(event.details.get("by", "")).lower():
            found.append(event)
    return found
