"""Carrying jobs out: one claims a job, tries, and says what became of it; tried again for a day, then kept as dead.

The cluster shares one list (feed.Outbox); every notifier has couriers, and a lease, renewed as long as it takes, sees to
it that a job is in one courier's hands. If its process dies the lease runs out and another tries again: what was sent
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

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from esl_vm.model.jobs import Job, JobKind
    from esl_vm.notify.feed import Outbox
    from esl_vm.ports import Clock

log = logging.getLogger(__name__)

#: Seconds before the second attempt; each further wait is twice as long, up to an hour.
FIRST_WAIT_S = 30.0
LONGEST_WAIT_S = 3600.0
#: With the other end away nothing else is tried there for so many seconds, doubling up to the longest pause.
FIRST_PAUSE_S = 5.0
LONGEST_PAUSE_S = 120.0
#: How long a job stays its courier's when that dies.
LEASE_S = 30.0
#: However long the other end was away, a job is given up only after so many attempts.
FEWEST_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Sent:
    """The other end accepted it. `then` is what had to wait for that; it is repeated until the store takes it."""

    then: Callable[[], None] | None = None


@dataclass(frozen=True, slots=True)
class Later:
    """Not now. `away`: the other end is not there at all, so that nothing else need be tried for a while.

    Args:
        error: why, one line. after_s: how long the other end asked us to wait, seconds; 0 = it said nothing.
        job: the job as it is to be tried again, where something of it was accepted; None = as it was.
        counted: False where nothing was tried.
    """

    error: str
    away: bool = False
    after_s: float = 0.0
    job: Job | None = None
    counted: bool = True


@dataclass(frozen=True, slots=True)
class Refused:
    """Never: the other end will not have it. The job is kept as dead."""

    error: str
    job: Job | None = None


@dataclass(frozen=True, slots=True)
class Pointless:
    """Nobody wants it any more (the mailbox or its address is gone): the job is dropped."""

    reason: str


Outcome = Sent | Later | Refused | Pointless


class Courier:
    """Carries jobs of one kind, one at a time.

    Args:
        kind, outbox, clock: which jobs, whose list, what time it is.
        carry: tries one job; may raise StoreDownError where it needed the store before it sent anything.
        patience_s: how long after it was planned a job is still tried, seconds.
        lease_s: how long a job stays ours when we die, seconds; it is renewed four times in that while.
    """

    def __init__(
        self,
        kind: JobKind,
        outbox: Outbox,
        carry: Callable[[Job], Outcome],
        clock: Clock,
        *,
        patience_s: float = 86400.0,
        lease_s: float = LEASE_S,
    ) -> None:
        self._kind = kind
        self._outbox = outbox
        self._carry = carry
        self._clock = clock
        self._patience_s = patience_s
        self._lease_s = lease_s
        self._unsettled: list[Callable[[], None]] = []
        self._resume_at = 0.0
        self._pause_s = FIRST_PAUSE_S

    def step(self) -> bool:
        """Settle what waits for the store, then carry one job that is due; False if there was nothing to do.

        Raises:
            StoreDownError: the store is away; call again later, nothing is lost.
        """
        self._write_down()
        now = self._clock.now()
        if now < self._resume_at:
            return False
        job = self._outbox.claim(self._kind, now, self._lease_s)
        if job is None:
            return False
        try:
            with self._held(job):
                outcome = self._carry(job)
        except StoreDownError:
            raise
        except Exception as error:
            # A job that breaks the courier must not stop the others; it is tried again and ends among the dead.
            log.exception("job %s: could not be carried", job.id)
            outcome = Later(f"{type(error).__name__}: {error}")
        self._settle(job, outcome)
        return True

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

    @property
    def resume_at(self) -> float:
        """Until when (epoch seconds) nothing is tried because the other end is away; in the past if it isn't."""
        return self._resume_at

    def _settle(self, job: Job, outcome: Outcome) -> None:
        """Write down what became of a job, now or when the store is back."""
        now = self._clock.now()
        match outcome:
            case Sent(then):
                self._pause_s, self._resume_at = FIRST_PAUSE_S, 0.0
                log.info("job %s: sent, attempt %d", job.id, job.attempts)
                if then is not None:
                    self._unsettled.append(then)
                self._unsettled.append(lambda: self._written(job, done=self._outbox.done(job)))
            case Pointless(reason):
                log.info("job %s: dropped: %s", job.id, reason)
                self._unsettled.append(lambda: self._written(job, done=self._outbox.done(job)))
            case Refused(error, changed):
                self._pause_s, self._resume_at = FIRST_PAUSE_S, 0.0
                log.warning("job %s: refused: %s", job.id, error)
                self._unsettled.append(lambda: self._written(job, done=self._outbox.bury(changed or job, error)))
            case Later() as later:
                self._put_off(job, later, now)
        self._write_down()

    def _write_down(self) -> None:
        """Tell the store what happened; what it does not take because it is away is told again at the next step."""
        while self._unsettled:
            try:
                self._unsettled[0]()
            except StoreDownError:
                raise
            except Exception:
                log.exception("what follows a sent job failed")
            self._unsettled.pop(0)

    def _put_off(self, job: Job, later: Later, now: float) -> None:
        """Try again after a while, or give up when a day is over."""
        if later.away:
            self._resume_at = now + self._pause_s
            self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)
        else:
            self._pause_s, self._resume_at = FIRST_PAUSE_S, 0.0
        changed = later.job or job
        if later.counted and now - job.created > self._patience_s and job.attempts >= FEWEST_ATTEMPTS:
            log.error("job %s: given up after %d attempts: %s", job.id, job.attempts, later.error)
            self._unsettled.append(lambda: self._written(job, done=self._outbox.bury(changed, later.error)))
            return
        due = now + max(later.after_s, wait_after(job.attempts) if later.counted else 0.0)
        log.warning("job %s: attempt %d: %s; again in %.0f s", job.id, job.attempts, later.error, due - now)
        self._unsettled.append(
            lambda: self._written(job, done=self._outbox.again(changed, due, error=later.error, counted=later.counted))
        )

    @staticmethod
    def _written(job: Job, *, done: bool) -> None:
        """A job that is not ours any more was claimed by another when our lease ran out."""
        if not done:
            log.warning("job %s: was taken over while we held it; it may have been sent twice", job.id)


def wait_after(attempts: int) -> float:
    """Seconds to wait after so many attempts: doubling from half a minute to an hour, a fifth of it by chance."""
    wait = min(FIRST_WAIT_S * 2.0 ** (max(1, min(attempts, 30)) - 1), LONGEST_WAIT_S)
    return wait * random.uniform(0.8, 1.0)
