"""What notify/ needs of the store: the events of all partitions, and a list of jobs shared by the cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from esl_vm.model.events import Event
    from esl_vm.model.jobs import Job, JobKind, JobState


class EventFeed(Protocol):
    """The streams of all partitions, read by one who wants to see everything. Methods may raise StoreDownError."""

    def end(self) -> Mapping[int, str]:
        """Where each partition's stream ends now: its newest entry's id."""
        ...

    def read(self, after: Mapping[int, str], wait_ms: int) -> list[Event]:
        """Events after those positions, in order within a partition; waits up to `wait_ms` if there are none."""
        ...


class SharedFeed(Protocol):
    """The same streams, read by many of whom one is to see each event (a consumer group)."""

    def take(self, wait_ms: int) -> list[Event]:
        """Events nobody else was given, or that somebody took and left unfinished; waits up to `wait_ms`."""
        ...

    def finish(self, events: Sequence[Event]) -> None:
        """These were seen to: nobody is given them again."""
        ...


class Outbox(Protocol):
    """Jobs of the whole cluster. Each method is one atomic step; all may raise StoreDownError."""

    def add(self, job: Job) -> bool:
        """Put in a job; False, and nothing happens, if one of that id is there or was done within two days."""
        ...

    def claim(self, kind: JobKind, now: float, lease_s: float) -> Job | None:
        """The job of that kind that has been due longest; for `lease_s` seconds it is nobody else's. None: none is due.

        Of one mailbox the one that came first, and no other until that is over or stepped aside. A job whose holder died is due again when its lease is over.
        """
        ...

    def renew(self, job: Job, lease_s: float) -> bool:
        """It takes longer: from now it is nobody else's for `lease_s` seconds. False if it is not ours any more."""
        ...

    def done(self, job: Job) -> bool:
        """It was sent: forget it, remember its id. False if the job is not ours any more."""
        ...

    def again(self, job: Job, due: float, *, error: str = "", counted: bool = True, aside: bool = False) -> bool:
        """Try a claimed job again at `due`, with the body it has now; False if it is not ours any more.

        counted: False if it was not really tried: the number of attempts goes back by one.
        aside: the others of its mailbox need not wait for it.
        """
        ...

    def give_up(self, job: Job, error: str) -> bool:
        """Give a claimed job up: it stays among the dead until somebody retries or forgets it."""
        ...

    def jobs(self, state: JobState) -> Iterator[Job]:
        """All jobs in that state, the one due (or given up) first first."""
        ...

    def retry(self, job_id: str, now: float) -> bool:
        """Make a job, dead or waiting, due now with a day before it again; False if there is none of that id."""
        ...

    def hasten(self, job_id: str, now: float) -> bool:
        """Make a job that was never tried due now; False if it was, is just being sent, or is not there."""
        ...

    def forget(self, job_id: str) -> bool:
        """Drop a job unsent; False if there is none of that id."""
        ...
