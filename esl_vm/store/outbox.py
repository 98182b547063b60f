"""Jobs of the whole cluster in Redis: mail, webhook calls, transcripts, each in one process's hands at a time.

All keys carry the tag `{outbox}`, so that they lie on one node of a Redis Cluster and each step is one script: a job is
rare beside a call, and one list for all means one question instead of one per partition. docs/redis.md has the lines for
redis-cli.
"""

from __future__ import annotations

import secrets
from functools import partial
from typing import TYPE_CHECKING, Any

import msgpack

from esl_vm.model.jobs import Job, JobKind, JobState
from esl_vm.model.mailbox import MailboxId
from esl_vm.store import keys
from esl_vm.store.records import text
from esl_vm.store.scripts import script

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from esl_vm.ports import Clock
    from esl_vm.store.link import Client, Link

JOB_VERSION = 1
#: For how long a job that was done is not taken in again, seconds.
REMEMBER_S = 2 * 86400
#: For how long a job that was given up is kept for a look, seconds.
KEEP_DEAD_S = 30 * 86400
_PAGE = 200
_HOUR_S = 3600


class RedisOutbox:
    """Jobs of the whole cluster. Each method is one atomic step; all may raise StoreDownError."""

    def __init__(self, link: Link, clock: Clock) -> None:
        self._link = link
        self._clock = clock

    def add(self, job: Job) -> bool:
        """Put in a job; False, and nothing happens, if one of that id is there or was done within two days."""
        args: list[str | bytes] = [job.id, repr(job.due), repr(job.created), _packed(job)]
        return bool(self._step("outbox_add", job.kind, args, keys.outbox_queue(job.kind, job.box)))

    def claim(self, kind: JobKind, now: float, lease_s: float) -> Job | None:
        """The job of that kind that has been due longest; for `lease_s` seconds it is nobody else's. None: none is due.

        Of one mailbox the one that came first, and no other until that is over or stepped aside. A job whose holder died is due again when its lease is over.
        """
        lease = secrets.token_hex(12)
        found = self._step("outbox_claim", kind, [repr(now), repr(now + lease_s), lease])
        if not found:
            return None
        job_id, packed, since, attempts, error = found
        return _job(text(job_id), packed, since, now, attempts, error, lease=lease)

    def renew(self, job: Job, lease_s: float) -> bool:
        """It takes longer: from now it is nobody else's for `lease_s` seconds. False if it is not ours any more."""
        return bool(self._step("outbox_renew", job.kind, [job.id, job.lease, repr(self._clock.now() + lease_s)]))

    def done(self, job: Job) -> bool:
        """It was sent: forget it, remember its id. False if the job is not ours any more."""
        now = self._clock.now()
        return bool(self._step("outbox_done", job.kind, [job.id, job.lease, repr(now), repr(now - REMEMBER_S)]))

    def again(self, job: Job, due: float, *, error: str = "", counted: bool = True, aside: bool = False) -> bool:
        """Try a claimed job again at `due`, with the body it has now; False if it is not ours any more.

        counted: False if it was not really tried: the number of attempts goes back by one.
        aside: the others of its mailbox need not wait for it.
        """
        return self._put_off(job, error, repr(due), counted=counted, aside=aside)

    def give_up(self, job: Job, error: str) -> bool:
        """Give a claimed job up: it stays among the dead until somebody retries or forgets it."""
        return self._put_off(job, error, "", counted=True, aside=True)

    def jobs(self, state: JobState) -> Iterator[Job]:
        """All jobs in that state, the one due (or given up) first first."""
        lists = [keys.OUTBOX_DEAD] if state is JobState.DEAD else [keys.outbox_due(kind) for kind in JobKind]
        for name in lists:
            start = 0
            while page := self._link.run(None, partial(_page, name=name, start=start)):
                for job_id, due, packed, since, attempts, error in page:
                    if packed is not None:
                        yield _job(text(job_id), packed, since, due, attempts, error, state=state)
                start += len(page)

    def retry(self, job_id: str, now: float) -> bool:
        """Make a job, dead or waiting, due now with a day before it again; False if there is none of that id."""
        return self._did_to("outbox_retry", job_id, repr(now))

    def hasten(self, job_id: str, now: float) -> bool:
        """Make a job that was never tried due now; False if it was, is just being sent, or is not there."""
        return self._did_to("outbox_hasten", job_id, repr(now))

    def forget(self, job_id: str) -> bool:
        """Drop a job unsent; False if there is none of that id."""
        return self._did_to("outbox_forget", job_id)

    def texts(self, box: MailboxId) -> int:
        """How many texts about a mailbox's messages went out in this hour of the clock."""
        name = keys.texts(box, int(self._clock.now() // _HOUR_S))
        return int(self._link.run(name, lambda client: client.get(name)) or 0)

    def count_text(self, box: MailboxId) -> None:
        """One more went out."""
        name = keys.texts(box, int(self._clock.now() // _HOUR_S))
        self._link.pipe(name, [("INCR", name), ("EXPIRE", name, 2 * _HOUR_S)])

    def _put_off(self, job: Job, error: str, due: str, *, counted: bool, aside: bool) -> bool:
        now = self._clock.now()
        tried, forget = str(int(counted)), repr(now - KEEP_DEAD_S)
        args: list[str | bytes] = [job.id, job.lease, _packed(job), error[:500], due, repr(now), tried, forget]
        args.append(str(int(aside)))
        return bool(self._step("outbox_put_off", job.kind, args))

    def _did_to(self, name: str, job_id: str, *args: str) -> bool:
        """A step of a job of which only the id is known; False if there is none."""
        packed = self._link.run(None, lambda client: client.hget(keys.OUTBOX_JOBS, job_id))
        return packed is not None and bool(self._step(name, JobKind(_unpacked(packed)["kind"]), [job_id, *args]))

    def _step(self, name: str, kind: JobKind, args: Sequence[str | bytes], *queue: str) -> Any:
        return self._link.script(None, script(name), [keys.outbox_due(kind), *keys.OUTBOX, *queue], args)


def _page(client: Client, name: str, start: int) -> list[tuple[Any, ...]]:
    """Some jobs of a list, with all that is known of them."""
    listed = client.zrange(name, start, start + _PAGE - 1, withscores=True)
    if not listed:
        return []
    ids = [job_id for job_id, _ in listed]
    columns = [client.hmget(key, ids) for key in keys.OUTBOX[:4]]  # from what is to be sent to the last error
    return [(job_id, due, *facts) for (job_id, due), *facts in zip(listed, *columns, strict=True)]


def _packed(job: Job) -> bytes:
    """What of a job does not change: a byte with the version, then msgpack."""
    return bytes((JOB_VERSION,)) + msgpack.packb({"kind": job.kind.value, "box": str(job.box), "body": job.body})  # type: ignore[no-any-return]


def _unpacked(packed: bytes) -> Mapping[str, Any]:
    if packed[0] != JOB_VERSION:
        raise ValueError(f"a job of version {packed[0]}, which this version of the service does not know")
    return msgpack.unpackb(packed[1:])  # type: ignore[no-any-return]


def _job(
    job_id: str,
    packed: bytes,
    since: bytes | None,
    due: float,
    attempts: bytes | None,
    error: bytes | None,
    *,
    state: JobState = JobState.WAITING,
    lease: str = "",
) -> Job:
    """A job from its fields."""
    facts = _unpacked(packed)
    return Job(
        id=job_id,
        kind=JobKind(facts["kind"]),
        box=MailboxId.parse(facts["box"]),
        body=facts["body"],
        created=float(since or 0),
        due=float(due),
        attempts=int(attempts or 0),
        error=text(error),
        state=state,
        lease=lease,
    )
