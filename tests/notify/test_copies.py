"""Standing copies: a message left in one mailbox is found in others too, once each, whatever dies on the way."""

from __future__ import annotations

import pytest
from house import House, notifier_of
from notify_cast import ALICE, BOB
from support.clocks import WallClock
from support.waiting import wait_until

from esl_vm.model.errors import InvalidValueError
from esl_vm.model.jobs import JobKind, JobState
from esl_vm.model.mailbox import Folder, MailboxId
from esl_vm.notify.copies import Copier
from esl_vm.notify.job_worker import LEASE_S, JobWorker
from esl_vm.notify.plan import Wishes

NO_MAIL = Wishes(mail=False)
CARL = MailboxId("1003")
AWAY = MailboxId("1004", "sales.example")


@pytest.fixture
def house(redis_here, tmp_path):
    house = House(redis_here.url, tmp_path)
    yield house
    house.close()


def worker_of(house, mailboxes=None, audio=None):
    copier = Copier(mailboxes or house.mailboxes, audio or house.audio)
    return JobWorker(JobKind.COPY, house.outbox, copier.carry, house.clock, at_once=0)


def copied(house, worker=None):
    """Everything that is to be copied is."""
    house.plan(NO_MAIL)
    worker = worker or worker_of(house)
    while worker.step():
        pass


def new(house, box):
    return list(house.mailboxes.page(box, Folder.NEW, urgent=None, after=None, most=50).messages)


def refusals(house, box):
    return [event.details["why"] for event in house.events() if event.what == "not-delivered" and event.box == box]


def test_a_message_comes_to_the_others_with_its_sound_and_who_left_it(house):
    house.add(copies="1002, 1003,1004@sales.example,1001")
    for box in (BOB, CARL, AWAY):
        house.add(box)
    house.leave(urgent=True)
    copied(house)
    (original,) = new(house, ALICE)
    for box in (BOB, CARL, AWAY):
        (copy,) = new(house, box)
        assert (copy.caller, copy.received, copy.duration_ms) == (
            original.caller,
            original.received,
            original.duration_ms,
        )
        assert (copy.origin, copy.forwarded_by, copy.urgent) == ("copy", "1001@default", True)
        assert house.audio.playable(copy.id).read_bytes() == house.audio.playable("m1").read_bytes()
    assert original.origin == "call"
    assert len({new(house, box)[0].id for box in (ALICE, BOB, CARL, AWAY)}) == 4


def test_two_mailboxes_that_copy_to_each_other_have_each_message_once(house):
    house.add(copies="1002")
    house.add(BOB, copies="1001,1003")
    house.add(CARL, copies="1001,1002,1003")
    house.leave(ALICE, "m1")
    house.leave(CARL, "m2")
    for _ in range(3):
        copied(house)
    assert [len(new(house, box)) for box in (ALICE, BOB, CARL)] == [2, 2, 1]


@pytest.mark.parametrize("origin", ["copy", "broadcast", "import", "restore"])
def test_what_went_to_many_or_was_brought_from_elsewhere_is_not_copied(house, origin):
    house.add(copies="1002")
    house.add(BOB)
    house.leave(origin=origin)
    copied(house)
    assert (len(new(house, ALICE)), new(house, BOB)) == (1, [])


def test_a_full_mailbox_a_closed_one_and_one_that_is_gone_say_so_once_and_the_message_stays(house):
    house.add(copies="1002,1003,1004")
    house.add(BOB, maxmsg="1")
    house.leave(BOB, "b1")
    house.add(CARL, announce_only="yes")
    house.leave()
    for _ in range(2):
        copied(house)
    assert [one.id for one in new(house, ALICE)] == ["m1"]
    assert [one.id for one in new(house, BOB)] == ["b1"]
    assert [refusals(house, box) for box in (BOB, CARL, MailboxId("1004"))] == [["full"], ["closed"], ["unknown"]]
    assert not list(house.outbox.jobs(JobState.WAITING))
    assert sorted(house.audio.ids()) == ["b1", "m1"]


def test_one_that_was_erased_before_it_was_copied_is_not_copied(house):
    house.add(copies="1002")
    house.add(BOB)
    house.leave()
    house.plan(NO_MAIL)
    house.mailboxes.delete(ALICE, "m1")
    house.store.housekeeping.erase(ALICE, ["m1"])
    copied(house)
    assert new(house, BOB) == []


def test_one_in_the_trash_already_is(house):
    house.add(copies="1002")
    house.add(BOB)
    house.leave()
    house.plan(NO_MAIL)
    house.mailboxes.delete(ALICE, "m1")
    copied(house)
    assert len(new(house, BOB)) == 1


class DiedError(BaseException):
    """The process is killed."""


class Dying:
    """A port of a process that dies at its nth call, before or after it is done."""

    def __init__(self, port, calls):
        self._port, self._calls = port, calls

    def __getattr__(self, name):
        original = getattr(self._port, name)

        def call(*args, **named):
            self._calls.tick()
            answer = original(*args, **named)
            self._calls.tick()
            return answer

        return call


class Countdown:
    def __init__(self, ticks):
        self.left = ticks

    def tick(self):
        self.left -= 1
        if self.left == 0:
            raise DiedError


@pytest.mark.parametrize("intro", [False, True])
def test_a_process_that_dies_at_any_point_leaves_one_copy_with_its_sound(house, intro):
    house.add(copies="1002")
    house.add(BOB)
    died = 0
    for point in range(1, 40):
        message_id = f"m{point:02d}"
        house.audio.put(f"{message_id}.intro", house.folder / "take.wav") if point > 1 and intro else None
        house.leave(message_id=message_id, intro_id=f"{message_id}.intro" if point > 1 and intro else "")
        house.plan(NO_MAIL)
        countdown = Countdown(point)
        try:
            worker_of(house, Dying(house.mailboxes, countdown), Dying(house.audio, countdown)).step()
        except DiedError:
            died += 1
        house.clock.later(LEASE_S + 1)
        copied(house)
        (copy,) = new(house, BOB)
        assert house.audio.exists(copy.id)
        assert not copy.intro_id or house.audio.exists(copy.intro_id)
        assert not list(house.outbox.jobs(JobState.WAITING))
        house.mailboxes.delete(BOB, copy.id)
        house.store.housekeeping.erase(BOB, [copy.id])
        house.audio.delete(copy.id)
        if countdown.left > 0:
            break
    assert died >= (8 if not intro else 12)
    assert countdown.left > 0


def test_one_that_its_receiver_erased_meanwhile_does_not_come_back(house):
    house.add(copies="1002")
    house.add(BOB)
    house.leave()
    house.plan(NO_MAIL)

    class Dead(Copier):
        def carry(self, job):
            super().carry(job)
            raise DiedError

    with pytest.raises(DiedError):
        JobWorker(JobKind.COPY, house.outbox, Dead(house.mailboxes, house.audio).carry, house.clock, at_once=0).step()
    (copy,) = new(house, BOB)
    house.mailboxes.delete(BOB, copy.id)
    house.store.housekeeping.erase(BOB, [copy.id])
    house.audio.delete(copy.id)
    house.clock.later(LEASE_S + 1)
    copied(house)
    assert new(house, BOB) == []
    assert not house.audio.exists(copy.id)
    assert not list(house.outbox.jobs(JobState.WAITING))


def test_two_notifiers_copy_each_message_once(redis_here, tmp_path):
    house = House(redis_here.url, tmp_path, WallClock())
    house.add(copies="1002", email="")
    house.add(BOB, email="")
    notifiers = [notifier_of(redis_here.url, None, tmp_path, WallClock(), name) for name in ("a", "b")]
    for notifier in notifiers:
        notifier.start()
    try:
        for number in range(8):
            house.leave(message_id=f"m{number}", seconds=0.1)
        wait_until(lambda: len(new(house, BOB)) == 8)
        wait_until(lambda: not list(house.outbox.jobs(JobState.WAITING)))
    finally:
        for notifier in notifiers:
            notifier.stop()
    assert len(new(house, BOB)) == 8
    house.close()


@pytest.mark.parametrize("wrong", ["1002;1003", "@sales", "1 2", ",".join(str(n) for n in range(2001, 2012))])
def test_what_can_be_no_mailbox_and_more_than_ten_are_refused(house, wrong):
    house.add()
    with pytest.raises(InvalidValueError):
        house.registry.change(ALICE, {"copies": wrong})
