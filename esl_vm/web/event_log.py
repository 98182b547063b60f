"""What happened lately, looked up; as it happens is in `streams`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from esl_vm.model.rights import Right
from esl_vm.web.problems import not_found
from esl_vm.web.routes import Request, mailbox_id_of, route
from esl_vm.web.schemas.events import EventLogQuery, EventLogView
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
