"""The service itself: its nodes and what is wrong with them, what waits to be sent or delivered, and what was given up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from esl_vm.model.actor import actor
from esl_vm.model.findings import Order, OrderKind
from esl_vm.model.jobs import Job, JobState
from esl_vm.model.rights import Right
from esl_vm.model.times import iso_time
from esl_vm.web.problems import ProblemError
from esl_vm.web.routes import Request, route
from esl_vm.web.schemas.service import (
    Findings,
    FindingView,
    HeldRecording,
    HeldRecordings,
    Jobs,
    JobsDone,
    JobsQuery,
    Nodes,
    NodeView,
    Queues,
)
from esl_vm.web.views import job_view

if TYPE_CHECKING:
    from collections.abc import Iterator

_TAG = "Service"
_ASIDE = {"aside", "stray"}
_MOST = 500
"""Jobs that one answer has."""


@route("GET", "/nodes", Right.SERVICE_READ, "The nodes and how they are", tag=_TAG)
def list_nodes(request: Request) -> Nodes:
    """Those that were alive within a day."""
    zone = request.deps.timezone
    return Nodes(
        [
            NodeView(one.name, one.alive, iso_time(one.at, zone), one.version, one.fields)
            for one in request.deps.cluster.nodes()
        ]
    )


@route("GET", "/queues", Right.SERVICE_READ, "How much waits to be sent", tag=_TAG)
def show_queues(request: Request) -> Queues:
    """Mail and webhook calls that wait, and those that were given up."""
    state = request.deps.cluster.state()
    return Queues(
        state.jobs.get("mail", 0),
        state.jobs.get("webhook", 0),
        state.jobs.get("dead", 0),
        round(state.overdue_s, 1),
        state.locked,
        state.refuses,
    )


@route("GET", "/jobs", Right.SERVICE_READ, "What waits to be sent, or was given up", tag=_TAG)
def list_jobs(request: Request, query: JobsQuery) -> Jobs:
    """Mail, webhook calls and the like, at most 500; `state` tells those that wait from those that were given up."""
    return Jobs([job_view(job, request.deps.timezone) for job in jobs_in(request, query.state or None)])


def jobs_in(request: Request, state: str | None = None) -> list[Job]:
    """The jobs in a state, None: in any; what was given up comes first."""
    states = [JobState(state)] if state else [JobState.DEAD, JobState.WAITING]
    found: list[Job] = []
    for one in states:
        for job in request.deps.outbox.jobs(one):
            if len(found) == _MOST:
                return found
            found.append(job)
    return found


@route("POST", "/jobs/retry", Right.SERVICE_MANAGE, "Try all of them again now", tag=_TAG)
def retry_all(request: Request) -> JobsDone:
    """What waits, and what was given up."""
    return JobsDone(sum(_retried(request, job.id) for job in _all(request)))


def _all(request: Request) -> Iterator[Job]:
    for state in (JobState.WAITING, JobState.DEAD):
        yield from list(request.deps.outbox.jobs(state))


def _retried(request: Request, job_id: str) -> bool:
    return request.deps.outbox.retry(job_id, request.deps.clock.now())


@route("POST", "/jobs/{job}/retry", Right.SERVICE_MANAGE, "Try one again now", tag=_TAG)
def retry_job(request: Request) -> None:
    """Whether it waits or was given up."""
    if not _retried(request, request.path["job"]):
        raise _no_job()


@route("DELETE", "/jobs/{job}", Right.SERVICE_MANAGE, "Drop one that was given up", tag=_TAG)
def drop_job(request: Request) -> None:
    """It is never sent. The message that it tells of stays in its mailbox."""
    if not request.deps.outbox.forget(request.path["job"]):
        raise _no_job()


def _no_job() -> ProblemError:
    return ProblemError("not-found", "There is no such job: it was sent, or dropped.")


@route("GET", "/findings", Right.SERVICE_READ, "What needs attention", tag=_TAG)
def list_findings(request: Request) -> Findings:
    """What doctor finds wrong on each node that is alive; each looks every ten minutes. Redis' own troubles are in `queues`."""
    zone = request.deps.timezone
    return Findings(
        [
            FindingView(report.node, one.area, str(one.level), one.said, one.remedy, iso_time(report.at, zone))
            for report in request.deps.cluster.reports()
            for one in report.findings
        ]
    )


@route("POST", "/findings/look", Right.SERVICE_MANAGE, "Have all nodes look now", status=202, tag=_TAG)
def look_again(request: Request) -> None:
    """What they find is there some seconds later."""
    for node in request.deps.cluster.nodes():
        if node.alive:
            request.deps.cluster.order(node.name, Order(OrderKind.LOOK, by=actor()))


@route("GET", "/recordings", Right.SERVICE_READ, "What has not reached its mailbox", tag=_TAG)
def list_recordings(request: Request) -> HeldRecordings:
    """Recordings in the spools of the nodes; those in quarantine need somebody, with why."""
    held = [
        HeldRecording(report.node, one.id, one.kind, list(one.boxes), one.state, one.age_s, one.size, one.reason)
        for report in request.deps.cluster.reports()
        for one in report.takes
    ]
    return HeldRecordings(sorted(held, key=lambda one: one.state not in _ASIDE))


@route(
    "POST", "/recordings/{node}/{take}/settle", Right.SERVICE_MANAGE, "Deliver a recording, whatever its state",
    status=202, tag=_TAG,
)  # fmt: skip
def settle_recording(request: Request) -> None:
    """Its node tries within seconds, also into a mailbox that is full. What can't be delivered stays, with why."""
    _ask_of_node(request, OrderKind.SETTLE)


@route(
    "DELETE", "/recordings/{node}/{take}", Right.SERVICE_MANAGE, "Erase a recording that is in quarantine", status=202,
    tag=_TAG,
)  # fmt: skip
def discard_recording(request: Request) -> None:
    """Its node does it within seconds; an event of each mailbox tells it (`not-delivered`, `why` = `discarded`)."""
    _ask_of_node(request, OrderKind.DISCARD)


def _ask_of_node(request: Request, kind: OrderKind) -> None:
    held = [
        one
        for one in list_recordings(request).recordings
        if (one.node, one.id) == (request.path["node"], request.path["take"])
    ]
    if not held or (kind is OrderKind.DISCARD and held[0].state not in _ASIDE):
        raise ProblemError("not-found", "No such recording is there: it was delivered, or is on its way.")
    request.deps.cluster.order(request.path["node"], Order(kind, request.path["take"], actor()))
