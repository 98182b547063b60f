"""The service itself: its nodes, and what waits to be sent or was given up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from esl_vm.model.jobs import Job, JobState
from esl_vm.model.masking import mask_urls
from esl_vm.model.rights import Right
from esl_vm.web.models import Jobs, JobsDone, JobsQuery, JobTold, Nodes, NodeTold, Queues
from esl_vm.web.problems import ProblemError
from esl_vm.web.routes import Ask, route
from esl_vm.web.times import iso

if TYPE_CHECKING:
    from collections.abc import Iterator

_TAG = "Service"
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
