"""A job is tried until it is accepted, for a day; then it lies among the dead. Nothing is forgotten on the way."""

from __future__ import annotations

import pytest
from memory_outbox import MemoryOutbox
from notify_cast import ALICE, NOON, TestClock
from support.waiting import wait_until

from esl_vm.model.errors import StoreDownError
from esl_vm.model.jobs import Job, JobKind, JobState
from esl_vm.notify.job_worker import Deferred, JobWorker, Obsolete, Refused, Sent, wait_after

HOUR = 3600.0


class Round:
    """A worker, the far end it carries to, and a clock."""

    def __init__(self):
        self.clock = TestClock()
        self.outbox = MemoryOutbox(self.clock)
        self.tried = []
        self.answer = lambda job: Sent()
        self.worker = JobWorker(JobKind.MAIL, self.outbox, self.carry, self.clock)

    def carry(self, job):
        self.tried.append((self.clock.now() - NOON, job.id))
        return self.answer(job)

    def plan(self, number=1):
        job = Job(f"mail:{number}", JobKind.MAIL, ALICE, {}, created=self.clock.now(), due=self.clock.now())
        assert self.outbox.add(job)

    def work(self):
        while self.worker.step():
            pass

    def pass_time(self, seconds, every=15.0):
        for _ in range(int(seconds / every)):
            self.clock.later(every)
            self.work()

    def left(self, state=JobState.WAITING):
        return [job.id for job in self.outbox.jobs(state)]


@pytest.fixture
def day():
    return Round()


def test_accepted_at_once_it_is_tried_once(day):
    day.plan()
    day.work()
    assert day.tried == [(0, "mail:1")]
    assert day.left() == []


def test_with_the_server_away_for_an_hour_all_is_sent_when_it_is_back(day):
    day.answer = lambda job: Deferred("connection refused", away=True)
    for number in range(20):
        day.plan(number)
    day.work()
    assert len(day.tried) == 1, "the others need not be tried to know that the server is away"
    day.pass_time(HOUR)
    assert len(day.tried) <= 125, "half a minute between two tries"
    day.answer = lambda job: Sent()
    day.tried.clear()
    day.pass_time(30)
    assert [job_id for _, job_id in day.tried] == [f"mail:{number}" for number in range(20)], "in order, and soon"
    assert day.left() == []
    assert day.left(JobState.DEAD) == []


def test_waits_grow_from_half_a_minute_to_an_hour():
    waits = [wait_after(attempts) for attempts in range(1, 12)]
    assert 24 <= waits[0] <= 30
    assert 48 <= waits[1] <= 60
    assert all(2880 <= wait <= 3600 for wait in waits[7:])


def test_after_a_day_it_is_given_up_with_its_last_error(day):
    day.answer = lambda job: Deferred("451 come back tomorrow")
    day.plan()
    day.work()
    day.pass_time(23 * HOUR, every=60.0)
    assert day.left() == ["mail:1"]
    day.pass_time(3 * HOUR, every=60.0)
    [dead] = day.outbox.jobs(JobState.DEAD)
    assert dead.error == "451 come back tomorrow"
    assert day.left() == []
    day.answer = lambda job: Sent()
    day.outbox.retry("mail:1", day.clock.now())
    day.work()
    assert day.left() == day.left(JobState.DEAD) == []


def test_a_job_that_could_not_be_tried_for_days_is_still_tried(day):
    day.plan()
    day.clock.later(72 * HOUR)
    day.answer = lambda job: Deferred("once more", away=True)
    day.work()
    assert day.left() == ["mail:1"]
    day.answer = lambda job: Sent()
    day.pass_time(120)
    assert day.left() == []


def test_refused_for_good_it_is_dead_at_once(day):
    day.answer = lambda job: Refused("550 no such user")
    day.plan()
    day.work()
    assert day.left(JobState.DEAD) == ["mail:1"]
    assert len(day.tried) == 1


def test_pointless_it_is_dropped(day):
    day.answer = lambda job: Obsolete("the mailbox is gone")
    day.plan()
    day.work()
    assert day.left() == day.left(JobState.DEAD) == []


def test_a_job_that_breaks_the_courier_does_not_stop_the_others(day):
    def break_on_first(job):
        if job.id == "mail:1":
            raise RuntimeError("a bug")
        return Sent()

    day.answer = break_on_first
    day.plan(1)
    day.plan(2)
    day.work()
    assert day.left() == ["mail:1"]
    [job] = day.outbox.jobs(JobState.WAITING)
    assert job.error == "RuntimeError: a bug"


def test_what_follows_acceptance_is_done_before_the_job_is_forgotten(day):
    done = []
    day.answer = lambda job: Sent(lambda: done.append(day.left()))
    day.plan()
    day.work()
    assert done == [["mail:1"]]


def test_with_the_store_gone_after_acceptance_nothing_is_sent_again_and_all_is_written_down_when_it_is_back(day):
    down = [True]
    deleted = []

    def delete():
        if down[0]:
            raise StoreDownError("away")
        deleted.append("m1")

    day.answer = lambda job: Sent(delete)
    day.plan()
    for _ in range(3):
        with pytest.raises(StoreDownError):
            day.worker.step()
    down[0] = False
    day.work()
    assert deleted == ["m1"]
    assert len(day.tried) == 1
    assert day.left() == []


def test_what_follows_and_fails_for_another_reason_does_not_keep_the_job(day):
    def fail():
        raise KeyError("gone")

    day.answer = lambda job: Sent(fail)
    day.plan()
    day.work()
    assert day.left() == []


def test_while_it_is_carried_however_long_it_stays_in_one_pair_of_hands(day):
    day.worker = JobWorker(JobKind.MAIL, day.outbox, day.carry, day.clock, lease_s=0.2)
    others = []

    def take_long(job):
        for _ in range(3):
            day.clock.later(0.15)
            wait_until(lambda: next(day.outbox.jobs(JobState.WAITING)).due >= day.clock.now() + 0.2)
            others.append(day.outbox.claim(JobKind.MAIL, day.clock.now(), 1.0))
        return Sent()

    day.answer = take_long
    day.plan()
    day.work()
    assert others == [None] * 3
    assert day.left() == []


def test_a_wait_the_far_end_asked_for_is_kept(day):
    answers = [Deferred("429", after_s=1800.0), Sent()]
    day.answer = lambda job: answers.pop(0)
    day.plan()
    day.work()
    day.pass_time(1790)
    assert len(day.tried) == 1
    day.pass_time(60)
    assert len(day.tried) == 2


def test_a_store_that_is_away_before_anything_was_sent_is_told_to_the_caller(day):
    def no_store(job):
        raise StoreDownError("away")

    day.answer = no_store
    day.plan()
    with pytest.raises(StoreDownError):
        day.worker.step()
    assert day.left() == ["mail:1"]
