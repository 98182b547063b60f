"""An outbox in memory, held to the same tests as the one in Redis."""

from __future__ import annotations

from dataclasses import replace

from esl_vm.model.jobs import JobState

REMEMBER_S = 2 * 86400
KEEP_DEAD_S = 30 * 86400


class MemoryOutbox:
    def __init__(self, clock):
        self._clock = clock
        self._jobs = {}
        self._done = {}
        self._claims = 0
        self._queue = []  # jobs that others of their mailbox wait for

    def add(self, job):
        if job.id in self._jobs or job.id in self._done:
            return False
        self._jobs[job.id] = job
        self._queue.append(job)
        return True

    def _is_first(self, job):
        same = [other.id for other in self._queue if (other.kind, other.box) == (job.kind, job.box)]
        return job.id not in same or same[0] == job.id

    def _leave(self, job_id):
        self._queue = [job for job in self._queue if job.id != job_id]

    def claim(self, kind, now, lease_s):
        due = [j for j in self._jobs.values() if j.kind is kind and j.state is JobState.WAITING and j.due <= now]
        due = [j for j in due if self._is_first(j)]
        if not due:
            return None
        job = min(due, key=lambda j: j.due)
        self._claims += 1
        claimed = replace(job, attempts=job.attempts + 1, due=now + lease_s, lease=str(self._claims))
        self._jobs[job.id] = claimed
        return replace(claimed, due=now)

    def _ours(self, job):
        held = self._jobs.get(job.id)
        return held is not None and job.lease and held.lease == job.lease

    def renew(self, job, lease_s):
        if not self._ours(job):
            return False
        self._jobs[job.id] = replace(self._jobs[job.id], due=self._clock.now() + lease_s)
        return True

    def done(self, job):
        if not self._ours(job):
            return job.id in self._done
        del self._jobs[job.id]
        self._leave(job.id)
        self._done = {k: at for k, at in self._done.items() if at > self._clock.now() - REMEMBER_S}
        self._done[job.id] = self._clock.now()
        return True

    def again(self, job, due, *, error="", counted=True, aside=False):
        if not self._ours(job):
            return False
        if aside:
            self._leave(job.id)
        attempts = job.attempts if counted else job.attempts - 1
        self._jobs[job.id] = replace(job, due=due, error=error, attempts=attempts, lease="")
        return True

    def give_up(self, job, error):
        if not self._ours(job):
            return False
        self._leave(job.id)
        now = self._clock.now()
        self._jobs = {k: j for k, j in self._jobs.items() if j.state is not JobState.DEAD or j.due > now - KEEP_DEAD_S}
        self._jobs[job.id] = replace(job, due=now, error=error, state=JobState.DEAD, lease="")
        return True

    def jobs(self, state):
        found = [j for j in self._jobs.values() if j.state is state]
        return iter([replace(j, lease="") for j in sorted(found, key=lambda j: j.due)])

    def retry(self, job_id, now):
        job = self._jobs.get(job_id)
        if job is None:
            return False
        if not job.lease:
            self._jobs[job_id] = replace(job, state=JobState.WAITING, due=now, created=now, attempts=0)
        return True

    def hasten(self, job_id, now):
        job = self._jobs.get(job_id)
        if job is None or job.lease or job.attempts or job.state is JobState.DEAD:
            return False
        self._jobs[job_id] = replace(job, due=min(job.due, now), created=min(job.created, now))
        return True

    def forget(self, job_id):
        self._leave(job_id)
        return self._jobs.pop(job_id, None) is not None
