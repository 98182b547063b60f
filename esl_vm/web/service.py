"""The service itself: its nodes and what is wrong with them, what waits to be sent or delivered, and what was given up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from esl_vm.model.actor import actor
from esl_vm.model.findings import Order, OrderKind
from esl_vm.model.jobs import Job, JobState
from esl_vm.model.masking import mask_urls
from esl_vm.model.rights import Right
from esl_vm.web.models import (
    Findings,
    FindingTold,
    HeldRecordings,
    HeldTold,
    Jobs,
    JobsDone,
    JobsQuery,
    JobTold,
    Nodes,
    NodeTold,
    Queues,
)
from esl_vm.web.problems import ProblemError
from esl_vm.web.routes import Ask, route
from esl_vm.web.times import iso

if TYPE_CHECKING:
    from collections.abc import Iterator

_TAG = "Service"
_ASIDE = {"aside", "stray"}
_MOST = 500
"""Jobs that one answer has."""


def everywhere(ask: Ask) -> None:
    """What is of the whole service is for who reaches all of it."""
    if not ask.who.reach.everywhere:
        raise ProblemError("forbidden", "That is for those who may see the whole service.")


@route("GET", "/nodes", Right.SERVICE_READ, "The nodes and how they are", answer=Nodes, tag=_TAG)
def list_nodes(ask: Ask) -> Nodes:
    """Those that were alive within a day."""
    everywhere(ask)
    zone = ask.world.timezone
    return Nodes(
        [NodeTold(one.name, one.alive, iso(one.at, zone), one.version, one.fields) for one in ask.world.cluster.nodes()]
    )


@route("GET", "/queues", Right.SERVICE_READ, "How much waits to be sent", answer=Queues, tag=_TAG)
def show_queues(ask: Ask) -> Queues:
    """Mail and webhook calls that wait, and those that were given up."""
    everywhere(ask)
    state = ask.world.cluster.state()
    return Queues(
        state.jobs.get("mail", 0),
        state.jobs.get("webhook", 0),
        state.jobs.get("dead", 0),
        round(state.overdue_s, 1),
        state.locked,
        state.refuses,
    )


@route(
    "GET", "/jobs", Right.SERVICE_READ, "What waits to be sent, or was given up", query=JobsQuery, answer=Jobs, tag=_TAG
)
def list_jobs(ask: Ask, query: JobsQuery) -> Jobs:
    """Mail, webhook calls and the like, at most 500; `state` tells those that wait from those that were given up."""
    return Jobs([_told(ask, job) for job in jobs_in(ask, query.state or None)])


def jobs_in(ask: Ask, state: str | None = None) -> list[Job]:
    """The jobs in a state, None: in any; what was given up comes first."""
    everywhere(ask)
    states = [JobState(state)] if state else [JobState.DEAD, JobState.WAITING]
    found: list[Job] = []
    for one in states:
        for job in ask.world.outbox.jobs(one):
            if len(found) == _MOST:
                return found
            found.append(job)
    return found


def _told(ask: Ask, job: Job) -> JobTold:
    zone = ask.world.timezone
    return JobTold(
        job.id, str(job.kind), str(job.box), str(job.state), iso(job.created, zone), job.attempts, mask_urls(job.error)
    )  # fmt: skip


@route("POST", "/jobs/retry", Right.SERVICE_MANAGE, "Try all of them again now", answer=JobsDone, tag=_TAG)
def retry_all(ask: Ask) -> JobsDone:
    """What waits, and what was given up."""
    return JobsDone(sum(_retried(ask, job.id) for job in _all(ask)))


def _all(ask: Ask) -> Iterator[Job]:
    everywhere(ask)
    for state in (JobState.WAITING, JobState.DEAD):
        yield from list(ask.world.outbox.jobs(state))


def _retried(ask: Ask, job_id: str) -> bool:
    return ask.world.outbox.retry(job_id, ask.world.clock.now())


@route("POST", "/jobs/{job}/retry", Right.SERVICE_MANAGE, "Try one again now", status=204, tag=_TAG)
def retry_job(ask: Ask) -> None:
    """Whether it waits or was given up."""
    everywhere(ask)
    if not _retried(ask, ask.path["job"]):
        raise _no_job()


@route("DELETE", "/jobs/{job}", Right.SERVICE_MANAGE, "Drop one that was given up", status=204, tag=_TAG)
def drop_job(ask: Ask) -> None:
    """It is never sent. The message that it tells of stays in its mailbox."""
    everywhere(ask)
    if not ask.world.outbox.forget(ask.path["job"]):
        raise _no_job()


def _no_job() -> ProblemError:
    return ProblemError("not-found", "There is no such job: it was sent, or dropped.")


@route("GET", "/findings", Right.SERVICE_READ, "What needs attention", answer=Findings, tag=_TAG)
def list_findings(ask: Ask) -> Findings:
    """What doctor finds wrong on each node that is alive; each looks every ten minutes. Redis' own troubles are in `queues`."""
    everywhere(ask)
    zone = ask.world.timezone
    return Findings(
        [
            FindingTold(report.node, one.area, str(one.level), one.said, one.remedy, iso(report.at, zone))
            for report in ask.world.cluster.reports()
            for one in report.findings
        ]
    )


@route("POST", "/findings/look", Right.SERVICE_MANAGE, "Have all nodes look now", status=202, tag=_TAG)
def look_again(ask: Ask) -> None:
    """What they find is there some seconds later."""
    everywhere(ask)
    for node in ask.world.cluster.nodes():
        if node.alive:
            ask.world.cluster.order(node.name, Order(OrderKind.LOOK, by=actor()))


@route("GET", "/recordings", Right.SERVICE_READ, "What has not reached its mailbox", answer=HeldRecordings, tag=_TAG)
def list_recordings(ask: Ask) -> HeldRecordings:
    """Recordings in the spools of the nodes; those in quarantine need somebody, with why."""
    everywhere(ask)
    held = [
        HeldTold(report.node, one.id, one.kind, list(one.boxes), one.state, one.age_s, one.size, one.reason)
        for report in ask.world.cluster.reports()
        for one in report.takes
    ]
    return HeldRecordings(sorted(held, key=lambda one: one.state not in _ASIDE))


@route(
    "POST", "/recordings/{node}/{take}/settle", Right.SERVICE_MANAGE, "Deliver a recording, whatever its state",
    status=202, tag=_TAG,
)  # fmt: skip
def settle_recording(ask: Ask) -> None:
    """Its node tries within seconds, also into a mailbox that is full. What can't be delivered stays, with why."""
    _ask_of_node(ask, OrderKind.SETTLE)


@route(
    "DELETE", "/recordings/{node}/{take}", Right.SERVICE_MANAGE, "Erase a recording that is in quarantine",
    status=202, tag=_TAG,
)  # fmt: skip
def discard_recording(ask: Ask) -> None:
    """Its node does it within seconds; an event of each mailbox tells it (`not-delivered`, `why` = `discarded`)."""
    _ask_of_node(ask, OrderKind.DISCARD)


def _ask_of_node(ask: Ask, kind: OrderKind) -> None:
    held = [
        one for one in list_recordings(ask).recordings if (one.node, one.id) == (ask.path["node"], ask.path["take"])
    ]
    if not held or (kind is OrderKind.DISCARD and held[0].state not in _ASIDE):
        raise ProblemError("not-found", "No such recording is there: it was delivered, or is on its way.")
    ask.world.cluster.order(ask.path["node"], Order(kind, ask.path["take"], actor()))
