"""Receipts on their way: who asked is told once, wherever his mailbox lies and whatever dies; who refuses them tells nobody."""

from __future__ import annotations

import pytest
from house import House, notifier_of
from notify_cast import ALICE, BOB
from support.clocks import WallClock
from support.waiting import wait_until

from esl_vm.model.errors import StoreDownError
from esl_vm.model.jobs import JobKind, JobState
from esl_vm.notify.job_worker import LEASE_S, JobWorker
from esl_vm.notify.plan import Wishes
from esl_vm.notify.receipts import Receipting

NO_MAIL = Wishes(mail=False)


@pytest.fixture
def house(redis_here, tmp_path):
    house = House(redis_here.url, tmp_path)
    house.add()
    house.add(BOB)
    yield house
    house.close()


def worker_of(house, carry=None):
    return JobWorker(JobKind.RECEIPT, house.outbox, carry or Receipting(house.mailboxes).carry, house.clock, at_once=0)


def told(house, worker=None):
    """Everything that is to be told is."""
    house.plan(NO_MAIL)
    worker = worker or worker_of(house)
    while worker.step():
        pass
    return house.mailboxes.receipts(ALICE)


def receipts_of(house, box=ALICE):
    return [event for event in house.events() if event.what == "receipt" and event.box == box]


def test_who_asked_sees_that_it_came_and_when_it_was_heard(house):
    house.leave(BOB, receipt=str(ALICE))
    sent = house.clock.now()
    assert [(one.id, one.to, one.sent, one.heard) for one in told(house)] == [("m1", BOB, sent, 0.0)]
    house.clock.later(600)
    house.mailboxes.heard(BOB, "m1")
    house.clock.later(600)
    assert [(one.sent, one.heard) for one in told(house)] == [(sent, sent + 600)]
    [event] = receipts_of(house)
    assert (event.message_id, event.details["heard_by"]) == ("m1", str(BOB))
    assert not list(house.outbox.jobs(JobState.WAITING))


def test_one_who_did_not_ask_is_told_nothing(house):
    house.leave(BOB)
    house.mailboxes.heard(BOB, "m1")
    assert told(house) == []
    assert not list(house.outbox.jobs(JobState.WAITING))


def test_an_owner_who_sends_none_keeps_it_to_himself(house):
    house.registry.change(BOB, {"receipts": "no"})
    house.leave(BOB, receipt=str(ALICE))
    house.mailboxes.heard(BOB, "m1")
    assert [one.heard for one in told(house)] == [0.0]
    assert receipts_of(house) == []


def test_one_whose_asker_is_gone_is_dropped(house):
    house.leave(BOB, receipt=str(ALICE))
    house.mailboxes.heard(BOB, "m1")
    house.registry.remove(ALICE)
    assert told(house) == []
    assert not [*house.outbox.jobs(JobState.WAITING), *house.outbox.jobs(JobState.DEAD)]


class DiedError(BaseException):
    """The process is killed."""


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_notifier_that_dies_leaves_it_to_the_next_and_it_is_told_once(house, when):
    house.leave(BOB, receipt=str(ALICE))
    house.mailboxes.heard(BOB, "m1")
    house.plan(NO_MAIL)
    carry = Receipting(house.mailboxes).carry

    def dies(job):
        if when == "after":
            carry(job)
        raise DiedError

    for _ in range(2):  # that it came, and that it was heard
        with pytest.raises(DiedError):
            worker_of(house, dies).step()
        house.clock.later(LEASE_S + 1)
        assert worker_of(house).step()
    assert [one.heard > 0 for one in told(house)] == [True]
    assert len(receipts_of(house)) == 1


def test_it_waits_while_the_mailbox_of_who_asked_can_not_be_written(house):
    house.leave(BOB, receipt=str(ALICE))
    house.mailboxes.heard(BOB, "m1")
    house.plan(NO_MAIL)

    def away(_):
        raise StoreDownError("that part of the cluster is away")

    with pytest.raises(StoreDownError):
        worker_of(house, away).step()
    assert house.mailboxes.receipts(ALICE) == []
    house.clock.later(86400)
    assert [one.heard > 0 for one in told(house)] == [True]


def test_a_notifier_does_it_by_itself(redis_here, tmp_path):
    house = House(redis_here.url, tmp_path, WallClock())
    house.add()
    house.add(BOB)
    service = notifier_of(redis_here.url, 0, tmp_path, house.clock, "one")
    service.start()
    try:
        house.leave(BOB, receipt=str(ALICE))
        house.mailboxes.heard(BOB, "m1")
        wait_until(lambda: [one.heard > 0 for one in house.mailboxes.receipts(ALICE)] == [True])
    finally:
        service.stop()
        house.close()
