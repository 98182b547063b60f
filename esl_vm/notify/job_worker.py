"""Carrying jobs out: one claims a job, tries, and says what became of it; tried again for a day, then kept as dead.

The cluster shares one list (feed.Outbox); every notifier has workers, and a lease, renewed as long as it takes, sees to
it that a job is in one worker's hands. If its process dies the lease runs out and another tries again: what was sent
may be sent once more, with the same Message-ID or idempotency key.
"""

from __future__ import annotations

import logging
import random
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from esl_vm.model.errors import StoreDownError
from esl_vm.notify.endpoints import Endpoint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from esl_vm.model.jobs import Job, JobKind
    from esl_vm.ports import Clock
    from esl_vm.store.outbox import RedisOutbox

log = logging.getLogger(__name__)

#: Seconds before the second attempt; each further wait is twice as long, up to an hour.
FIRST_WAIT_S = 30.0
LONGEST_WAIT_S = 3600.0
#: With the place all go to away, it is asked again after so many seconds at most: one connection costs nobody anything.
LONGEST_PAUSE_S = 30.0
#: The longest that a job waits for which others wait, unless the other end asked for more, seconds.
LONGEST_HELD_S = 120.0
#: How long a job stays its worker's when that dies.
LEASE_S = 30.0
#: However long the other end was away, a job is given up only after so many attempts.
FEWEST_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Sent:
    """The other end accepted it. `then` is what had to wait for that; it is repeated until the store takes it."""

    then: Callable[[], None] | None = None


@dataclass(frozen=True, slots=True)
class Deferred:
    """Not now.

    Args:
        error: why, one line.
        away: the place all go to is not there. It, and not this job, is let alone for a while; the job keeps its place.
        after_s: how long the other end asked us to wait, seconds; 0 = it said nothing.
        job: the job as it is to be tried again, where something of it was accepted; None = as it was.
        counted: False where nothing was tried.
        holds: the others of its mailbox wait for it, however often it is put off; so it is tried again soon.
    """

    error: str
    away: bool = False
    after_s: float = 0.0
    job: Job | None = None
    counted: bool = True
    holds: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """Never: the other end will not have it. The job is kept as dead."""

    error: str
    job: Job | None = None


@dataclass(frozen=True, slots=True)
class Obsolete:
    """Nobody wants it any more (the mailbox or its address is gone): the job is dropped."""

    reason: str


Outcome = Sent | Deferred | Refused | Obsolete


class JobWorker:
    """Carries jobs of one kind; several threads may use one.

    Args:
        kind, outbox, clock: which jobs, whose list, what time it is.
        carry: tries one job; may raise StoreDownError where it needed the store before it sent anything.
        patience_s: how long after it was planned a job is still tried, seconds.
        lease_s: how long a job stays ours when we die, seconds; it is renewed four times in that while.
        at_once: all go to one place, which takes so many at once; while it is away none is claimed. 0 = they go to
            many places, and `carry` sees to each.
    """

    def __init__(
        self,
        kind: JobKind,
        outbox: RedisOutbox,
        carry: Callable[[Job], Outcome],
        clock: Clock,
        *,
        patience_s: float = 86400.0,
        lease_s: float = LEASE_S,
        at_once: int = 1,
    ) -> None:
        self._kind = kind
        self._outbox = outbox
        self._carry = carry
        self._clock = clock
        self._patience_s = patience_s
        self._lease_s = lease_s
        self._endpoint = Endpoint(clock, at_once, LONGEST_PAUSE_S) if at_once else None
        self._unsettled: list[Callable[[], None]] = []
        self._writing = threading.RLock()

    def step(self) -> bool:
        """Settle what waits for the store, then carry one job that is due; False if there was nothing to do.

        Raises:
            StoreDownError: the store is away; call again later, nothing is lost.
        """
        job = self.claim()
        if job is not None:
            self.carry(job)
        return job is not None

    def claim(self) -> Job | None:
        """Settle what waits for the store; then a job that is due, which is to be carried; None if there is none.

        Raises:
            StoreDownError: as `step`.
        """
        self._write_down()
        if self._endpoint is not None and self._endpoint.enter() > 0:
            return None
        job = None
        try:
            job = self._outbox.claim(self._kind, self._clock.now(), self._lease_s)
        finally:
            if job is None:
                self._leave(None)
        return job

    def carry(self, job: Job) -> None:
        """Carry a job that was claimed, and write down what became of it; raises StoreDownError, as `step`."""
        with self._held(job):
            error: str | None = None
            outcome: Outcome | None = None
            try:
                outcome = self._carry(job)
                error = _told_of(outcome)
            except StoreDownError:
                raise
            except Exception as wrong:  # it must not stop the others: it is tried again, and ends among the dead
                log.exception("job %s: could not be carried", job.id)
                outcome = Deferred(f"{type(wrong).__name__}: {wrong}")
            finally:
                self._leave(error, outcome.after_s if isinstance(outcome, Deferred) else 0.0)
            self._settle(job, outcome)

    def _leave(self, error: str | None, asked_s: float = 0.0) -> None:
        """The endpoint answered (``), did not (why), or was not asked (None)."""
        if self._endpoint is not None:
            self._endpoint.leave(error, asked_s)

    @contextmanager
    def _held(self, job: Job) -> Iterator[None]:
        """Renew the lease while a job is carried."""
        over = threading.Event()

        def renew() -> None:
            while not over.wait(self._lease_s / 4):
                try:
                    if not self._outbox.renew(job, self._lease_s):
                        return
                except StoreDownError:
                    continue  # nobody else can claim it either

        threading.Thread(target=renew, name=f"lease of {job.id}", daemon=True).start()
        try:
            yield
        finally:
            over.set()

    def _settle(self, job: Job, outcome: Outcome) -> None:
        """Write down what became of a job, now or when the store is back."""
        with self._writing:
            match outcome:
                case Sent(then):
                    log.info("job %s: sent, attempt %d", job.id, job.attempts)
                    if then is not None:
                        self._unsettled.append(then)
                    self._unsettled.append(lambda: self._written(job, done=self._outbox.done(job)))
                case Obsolete(reason):
                    log.info("job %s: dropped: %s", job.id, reason)
                    self._unsettled.append(lambda: self._written(job, done=self._outbox.done(job)))
                case Refused(error, changed):
                    log.warning("job %s: refused: %s", job.id, error)
                    self._unsettled.append(lambda: self._written(job, done=self._outbox.give_up(changed or job, error)))
                case Deferred() as later:
                    self._put_off(job, later, self._clock.now())
            self._write_down()

    def _write_down(self) -> None:
        """Tell the store what happened; what it does not take because it is away is told again at the next step."""
        with self._writing:
            while self._unsettled:
                try:
                    self._unsettled[0]()
                except StoreDownError:
                    raise
                except Exception:  # or it would be tried for ever, and all that is behind it wait
                    log.exception("what follows a sent job failed")
                self._unsettled.pop(0)

    def _put_off(self, job: Job, later: Deferred, now: float) -> None:
        """Try again after a while, or give up when a day is over."""
        changed = later.job or job
        if later.counted and now - job.created > self._patience_s and job.attempts >= FEWEST_ATTEMPTS:
            log.error("job %s: given up after %d attempts: %s", job.id, job.attempts, later.error)
            self._unsettled.append(lambda: self._written(job, done=self._outbox.give_up(changed, later.error)))
            return
        if later.away or not later.counted:
            wait, aside = later.after_s, False
        elif later.holds:
            wait, aside = later.after_s or min(wait_after(job.attempts), LONGEST_HELD_S), False
        else:
            wait, aside = max(later.after_s, wait_after(job.attempts)), True
        due = now + wait
        said = log.warning if later.counted else log.debug
        said("job %s: attempt %d: %s; again in %.0f s", job.id, job.attempts, later.error, wait)
        self._unsettled.append(
            lambda: self._written(
                job,
                done=self._outbox.again(changed, due, error=later.error, counted=later.counted, aside=aside),
            )
        )

    @staticmethod
    def _written(job: Job, *, done: bool) -> None:
        """A job that is not ours any more was claimed by another when our lease ran out."""
        if not done:
            log.warning("job %s: was taken over while we held it; it may have been sent twice", job.id)


def _told_of(outcome: Outcome) -> str | None:
    """What an outcome says of the endpoint: `` = it answered, else why it did not; None = it was not asked."""
    match outcome:
        case Sent() | Refused():
            return ""
        case Deferred(error=error, away=away, counted=counted):
            return error if away else "" if counted else None
        case Obsolete():
            return None


def wait_after(attempts: int) -> float:
    """Seconds to wait after so many attempts: doubling from half a minute to an hour, a fifth of it by chance."""
    wait = min(FIRST_WAIT_S * 2.0 ** (max(1, min(attempts, 30)) - 1), LONGEST_WAIT_S)
    return wait * random.uniform(0.8, 1.0)
