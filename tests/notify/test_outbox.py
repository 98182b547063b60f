"""The list of jobs all nodes share: each in one pair of hands, none lost, none done twice."""

from __future__ import annotations

from dataclasses import replace

import pytest
from memory_outbox import MemoryOutbox
from notify_cast import ALICE, BOB, NOON, TestClock

from esl_vm.model.errors import StoreDownError
from esl_vm.model.jobs import Job, JobKind, JobState
from esl_vm.model.mailbox import MailboxId
from esl_vm.store import keys
from esl_vm.store.connect import connect
from esl_vm.store.link import Link
from esl_vm.store.outbox import REMEMBER_S, RedisOutbox
from esl_vm.store.scripts import script

MAIL, CALL = JobKind.MAIL, JobKind.WEBHOOK
LEASE = 60.0


def mail(number=1, due=NOON, box=None, **body):
    """A mail; of a mailbox of its own unless one is named."""
    box = box or MailboxId(f"1{number}", "default")
    return Job(f"mail:{number}", MAIL, box, {"to": ["zoé@example.com"], **body}, created=NOON, due=due)


@pytest.fixture
def clock():
    return TestClock()


@pytest.fixture(params=["memory", "redis", "cluster", "fakeredis"])
def outbox(request, clock):
    match request.param:
        case "memory":
            yield MemoryOutbox(clock)
        case "redis":
            link = connect(request.getfixturevalue("redis_here").url)
            yield RedisOutbox(link, clock)
            link.close()
        case "cluster":
            cluster = request.getfixturevalue("one_cluster")
            for node in cluster.nodes:
                with node.client() as client:
                    client.flushall()
            link = connect(cluster.url)
            yield RedisOutbox(link, clock)
            link.close()
        case "fakeredis":
            fakeredis = pytest.importorskip("fakeredis")
            client = fakeredis.FakeRedis()
            yield RedisOutbox(Link(lambda _: client), clock)


def waiting(outbox):
    return [job.id for job in outbox.jobs(JobState.WAITING)]


def test_a_job_comes_back_as_it_was_put_in(outbox):
    job = mail(message={"id": "m1", "received": NOON + 0.25, "urgent": True, "caller_name": "Zoé"}, box=BOB)
    assert outbox.add(job)
    claimed = outbox.claim(MAIL, NOON, LEASE)
    assert replace(claimed, lease="", due=NOON) == replace(job, attempts=1)


def test_put_in_twice_it_is_one_job(outbox):
    assert outbox.add(mail())
    assert not outbox.add(mail(other=True))
    assert outbox.claim(MAIL, NOON, LEASE).body == mail().body
    assert outbox.claim(MAIL, NOON, LEASE) is None


def test_what_was_done_is_not_taken_in_again_for_two_days(outbox, clock):
    outbox.add(mail())
    assert outbox.done(outbox.claim(MAIL, NOON, LEASE))
    assert not outbox.add(mail())
    clock.later(REMEMBER_S + 1)
    outbox.add(mail(2))
    outbox.done(outbox.claim(MAIL, clock.now(), LEASE))
    assert outbox.add(mail())


def test_the_job_that_has_been_due_longest_comes_first_and_none_before_its_time(outbox):
    for number, due in ((1, NOON + 10), (2, NOON - 5), (3, NOON)):
        outbox.add(mail(number, due))
    assert [outbox.claim(MAIL, NOON, LEASE).id for _ in range(2)] == ["mail:2", "mail:3"]
    assert outbox.claim(MAIL, NOON, LEASE) is None
    assert outbox.claim(MAIL, NOON + 10, LEASE).id == "mail:1"


def test_two_couriers_never_hold_the_same_job(outbox):
    for number in range(20):
        outbox.add(mail(number))
    held = [outbox.claim(MAIL, NOON, LEASE).id for _ in range(20)]
    assert len(set(held)) == 20
    assert outbox.claim(MAIL, NOON, LEASE) is None


class TestTheOrderOfAMailbox:
    """Jobs of one mailbox and kind are begun in the order they came, one after the other."""

    @staticmethod
    def fill(outbox):
        for number in (3, 1, 2):
            outbox.add(mail(number, box=ALICE))
        outbox.add(mail(9, box=BOB))

    def test_the_next_one_can_be_claimed_when_the_one_before_is_done(self, outbox):
        self.fill(outbox)
        held = [outbox.claim(MAIL, NOON, LEASE) for _ in range(3)]
        assert [job and job.id for job in held] == ["mail:3", "mail:9", None]
        assert outbox.done(held[0])
        assert outbox.claim(MAIL, NOON, LEASE).id == "mail:1"

    def test_while_one_waits_for_its_server_the_others_wait_behind_it_however_long(self, outbox):
        self.fill(outbox)
        for hour in range(3):
            now = NOON + hour * 3600
            held = [outbox.claim(MAIL, now, LEASE) for _ in range(3)]
            assert [job and job.id for job in held] == ["mail:3", "mail:9", None]
            for job in held[:2]:
                assert outbox.again(job, now + 3600)

    def test_one_that_steps_aside_or_is_given_up_keeps_nobody_waiting(self, outbox):
        self.fill(outbox)
        assert outbox.again(outbox.claim(MAIL, NOON, LEASE), NOON + 30, aside=True)
        held = {job.id: job for job in (outbox.claim(MAIL, NOON, LEASE) for _ in range(2))}
        assert held.keys() == {"mail:1", "mail:9"}
        assert outbox.claim(MAIL, NOON + 30, LEASE).id == "mail:3"
        assert outbox.give_up(held["mail:1"], "never")
        assert outbox.claim(MAIL, NOON, LEASE).id == "mail:2"

    def test_one_that_is_forgotten_lets_the_next_one_go(self, outbox):
        self.fill(outbox)
        assert outbox.forget("mail:1")
        assert outbox.forget("mail:3")
        assert outbox.claim(MAIL, NOON, LEASE).id == "mail:2"

    def test_one_behind_another_can_t_be_hurried_past_it(self, outbox):
        self.fill(outbox)
        assert outbox.retry("mail:2", NOON)
        assert [outbox.claim(MAIL, NOON, LEASE).id for _ in range(2)] == ["mail:3", "mail:9"]
        assert outbox.claim(MAIL, NOON, LEASE) is None

    def test_the_lease_of_one_whose_courier_died_runs_out_before_the_next_one_goes(self, outbox):
        self.fill(outbox)
        outbox.claim(MAIL, NOON, LEASE)
        assert outbox.claim(MAIL, NOON, 10 * LEASE).id == "mail:9"
        assert outbox.claim(MAIL, NOON + LEASE - 1, LEASE) is None
        assert outbox.claim(MAIL, NOON + LEASE, LEASE).id == "mail:3"

    def test_after_a_long_outage_those_behind_keep_no_other_mailbox_waiting(self, outbox):
        for number in range(300):
            outbox.add(mail(number, box=ALICE))
        later = NOON + 86400
        outbox.add(mail(999, later, box=BOB))
        assert {outbox.claim(MAIL, later, LEASE).id for _ in range(2)} == {"mail:0", "mail:999"}
        assert outbox.claim(MAIL, later, LEASE) is None

    def test_what_an_older_version_finished_keeps_nobody_waiting(self, redis_here, clock):
        outbox = RedisOutbox(connect(redis_here.url), clock)
        self.fill(outbox)
        with redis_here.client() as client:  # as version 0.1.0 forgets a job
            client.zrem(keys.outbox_due(MAIL), "mail:3")
            client.hdel(keys.OUTBOX_JOBS, "mail:3")
        assert outbox.claim(MAIL, NOON, 3600.0).id == "mail:9"
        assert outbox.claim(MAIL, NOON + 600, LEASE).id == "mail:1"


def test_kinds_do_not_mix(outbox):
    outbox.add(mail())
    outbox.add(Job("webhook:1", CALL, ALICE, {}, created=NOON, due=NOON))
    assert outbox.claim(CALL, NOON, LEASE).id == "webhook:1"
    assert outbox.claim(CALL, NOON, LEASE) is None
    assert outbox.claim(MAIL, NOON, LEASE).id == "mail:1"


def test_the_job_of_a_courier_that_died_is_another_s_when_the_lease_is_over(outbox):
    outbox.add(mail())
    dead = outbox.claim(MAIL, NOON, LEASE)
    assert outbox.claim(MAIL, NOON + LEASE - 1, LEASE) is None
    other = outbox.claim(MAIL, NOON + LEASE, LEASE)
    assert other.attempts == 2
    assert not outbox.again(dead, NOON)
    assert not outbox.give_up(dead, "late")
    assert not outbox.done(dead)
    assert outbox.done(other)
    assert waiting(outbox) == []


def test_a_job_that_takes_longer_stays_in_its_courier_s_hands(outbox, clock):
    outbox.add(mail())
    held = outbox.claim(MAIL, NOON, LEASE)
    clock.later(LEASE - 1)
    assert outbox.renew(held, LEASE)
    assert outbox.claim(MAIL, NOON + LEASE, LEASE) is None
    assert outbox.claim(MAIL, NOON + 2 * LEASE - 1, LEASE).id == held.id
    assert not outbox.renew(held, LEASE), "another has it now"


def test_a_job_put_off_comes_back_at_its_time_with_its_new_body(outbox):
    outbox.add(mail())
    job = outbox.claim(MAIL, NOON, LEASE)
    assert outbox.again(replace(job, body={"to": ["b@example.com"]}), NOON + 30, error="451 later")
    assert outbox.claim(MAIL, NOON + 29, LEASE) is None
    again = outbox.claim(MAIL, NOON + 30, LEASE)
    assert (again.body, again.error, again.attempts) == ({"to": ["b@example.com"]}, "451 later", 2)


def test_an_attempt_that_was_none_is_not_counted(outbox):
    outbox.add(mail())
    outbox.again(outbox.claim(MAIL, NOON, LEASE), NOON, error="rests", counted=False)
    assert outbox.claim(MAIL, NOON, LEASE).attempts == 1


def test_the_dead_lie_still_until_somebody_retries_them(outbox):
    outbox.add(mail())
    assert outbox.give_up(outbox.claim(MAIL, NOON, LEASE), "550 no such user")
    assert outbox.claim(MAIL, NOON + 10**6, LEASE) is None
    [dead] = outbox.jobs(JobState.DEAD)
    assert (dead.id, dead.error, dead.attempts, dead.state) == ("mail:1", "550 no such user", 1, JobState.DEAD)
    assert not outbox.add(mail()), "a dead job is still there"
    assert outbox.retry("mail:1", NOON + 99)
    again = outbox.claim(MAIL, NOON + 99, LEASE)
    assert (again.attempts, again.created, again.state) == (1, NOON + 99, JobState.WAITING)
    assert list(outbox.jobs(JobState.DEAD)) == []


def test_the_dead_are_kept_for_a_month(outbox, clock):
    for number in (1, 2, 3):
        outbox.add(mail(number))
        outbox.give_up(outbox.claim(MAIL, clock.now(), LEASE), "x")
        clock.later(20 * 86400)
    assert [job.id for job in outbox.jobs(JobState.DEAD)] == ["mail:2", "mail:3"]
    assert outbox.add(mail(1))


def test_a_waiting_job_can_be_tried_at_once_but_not_one_that_is_being_sent(outbox):
    outbox.add(mail(due=NOON + 3600))
    assert outbox.retry("mail:1", NOON)
    held = outbox.claim(MAIL, NOON, LEASE)
    assert outbox.retry("mail:1", NOON)
    assert outbox.claim(MAIL, NOON, LEASE) is None
    assert outbox.done(held)


def test_a_forgotten_job_is_gone_and_nobody_minds_its_end(outbox):
    for number in (1, 2):
        outbox.add(mail(number))
    held = outbox.claim(MAIL, NOON, LEASE)
    assert outbox.forget(held.id)
    assert not outbox.done(held)
    assert waiting(outbox) == ["mail:2"]
    assert outbox.forget("mail:2")
    assert not outbox.forget("mail:2")
    assert not outbox.retry("mail:2", NOON)
    assert outbox.claim(MAIL, NOON, LEASE) is None


def test_all_jobs_are_listed_however_many(outbox):
    for number in range(450):
        outbox.add(mail(f"{number:03d}", NOON + number))
    assert waiting(outbox) == [f"mail:{number:03d}" for number in range(450)]


def test_nothing_is_left_of_jobs_that_are_over(redis_here, clock):
    outbox = RedisOutbox(connect(redis_here.url), clock)
    for number in range(5):
        outbox.add(mail(number))
    for _ in range(3):
        job = outbox.claim(MAIL, NOON, LEASE)
        outbox.again(job, NOON, error="x")
        outbox.claim(MAIL, NOON, 0.0)  # dies
        outbox.done(outbox.claim(MAIL, NOON, LEASE))
    outbox.give_up(outbox.claim(MAIL, NOON, LEASE), "x")
    [left] = waiting(outbox)
    outbox.forget("mail:3"), outbox.forget(left)
    for job in list(outbox.jobs(JobState.DEAD)):
        outbox.forget(job.id)
    with redis_here.client() as client:
        assert client.keys("vm:{outbox}*") == [b"vm:{outbox}:done"]


def test_a_redis_that_is_away_says_so(clock):
    outbox = RedisOutbox(connect("redis://127.0.0.1:1"), clock)
    with pytest.raises(StoreDownError):
        outbox.add(mail())


def test_a_claim_told_twice_is_one_claim(redis_here, clock):
    """The answer got lost, the link asked again with the same words."""
    link = connect(redis_here.url)
    outbox = RedisOutbox(link, clock)
    outbox.add(mail(1))
    outbox.add(mail(2))
    first = outbox.claim(MAIL, NOON, LEASE)
    again = link.script(None, *_claim_of(first))
    assert again[0] == first.id.encode()
    assert outbox.claim(MAIL, NOON, LEASE).id == "mail:2"


def _claim_of(job):
    return script("outbox_claim"), [keys.outbox_due(MAIL), *keys.OUTBOX], [repr(NOON), repr(NOON + LEASE), job.lease]


def test_what_was_never_tried_can_be_hastened_and_nothing_else(outbox, clock):
    outbox.add(mail(1, due=NOON + 30))
    assert outbox.claim(MAIL, NOON, LEASE) is None
    assert outbox.hasten("mail:1", NOON)
    job = outbox.claim(MAIL, NOON, LEASE)
    assert (job.id, job.attempts) == ("mail:1", 1)
    assert not outbox.hasten("mail:1", NOON), "it is being sent"
    outbox.again(job, NOON + 300, error="x")
    assert not outbox.hasten("mail:1", NOON), "it was tried"
    assert outbox.claim(MAIL, NOON, LEASE) is None
    outbox.give_up(outbox.claim(MAIL, NOON + 300, LEASE), "x")
    assert not outbox.hasten("mail:1", NOON), "it is dead"
    assert not outbox.hasten("mail:9", NOON)
    assert waiting(outbox) == []


def test_a_second_mail_of_a_mailbox_that_waits_for_its_time_goes_on_doing_so(outbox, clock):
    """Its first is sent meanwhile."""
    for number, due in ((1, NOON), (2, NOON + 30)):
        outbox.add(replace(mail(number, due=due, box=ALICE), created=due))
    outbox.done(outbox.claim(MAIL, NOON, LEASE))
    assert outbox.claim(MAIL, NOON + 29, LEASE) is None
    assert outbox.claim(MAIL, NOON + 30, LEASE).id == "mail:2"


def test_a_second_mail_that_was_hastened_goes_as_soon_as_the_first_is_done(outbox, clock):
    for number in (1, 2):
        outbox.add(replace(mail(number, due=NOON + 30, box=ALICE), created=NOON + 30))
    assert outbox.hasten("mail:2", NOON)
    assert outbox.claim(MAIL, NOON, LEASE) is None
    assert outbox.hasten("mail:1", NOON)
    outbox.done(outbox.claim(MAIL, NOON, LEASE))
    assert outbox.claim(MAIL, NOON, LEASE).id == "mail:2"
