"""Messages that wait for their time: kept once, found when due, cancelled before, never brought back."""

from __future__ import annotations

import pytest
from store_case import ALICE, message

from esl_vm.model.mailbox import MailboxId
from esl_vm.model.scheduled import Scheduled

BRUNO, CARLA = MailboxId("1002"), MailboxId("1003")


def ids(found):
    return [one.message.id for one in found]


@pytest.fixture
def waiting(case):
    for message_id, hours in (("m2", 2), ("m1", 1)):
        due = case.clock.now() + hours * 3600
        case.mailboxes.schedule(Scheduled(ALICE, (BRUNO, CARLA), message(message_id, urgent=True), due))
    case.mailboxes.schedule(Scheduled(BRUNO, (ALICE,), message("other"), case.clock.now() + 60))
    return case


def test_a_sender_sees_his_own_the_first_first(waiting):
    [one, two] = waiting.mailboxes.scheduled(ALICE)
    assert ids([one, two]) == ["m1", "m2"]
    assert (one.to, one.message) == ((BRUNO, CARLA), message("m1", urgent=True))
    assert one.due == waiting.clock.now() + 3600
    assert ids(waiting.mailboxes.scheduled()) == ["other", "m1", "m2"]


def test_each_is_due_at_its_time_and_not_before(waiting):
    assert waiting.mailboxes.scheduled_due() == []
    waiting.clock.passes(59)
    assert waiting.mailboxes.scheduled_due() == []
    waiting.clock.passes(1)
    assert ids(waiting.mailboxes.scheduled_due()) == ["other"]
    waiting.clock.passes(3540)
    assert ids(waiting.mailboxes.scheduled_due()) == ["other", "m1"]


def test_one_is_cancelled_before_its_time_alone(waiting):
    assert waiting.mailboxes.cancel_scheduled("m1")
    assert not waiting.mailboxes.cancel_scheduled("m1")
    waiting.clock.passes(60)
    assert not waiting.mailboxes.cancel_scheduled("other")  # it may be on its way
    assert ids(waiting.mailboxes.scheduled()) == ["other", "m2"]


@pytest.mark.parametrize("over", ["cancel_scheduled", "scheduled_delivered"])
def test_one_that_is_over_is_not_brought_back_by_a_late_step(waiting, over):
    [one, _] = waiting.mailboxes.scheduled(ALICE)
    getattr(waiting.mailboxes, over)("m1")
    waiting.mailboxes.schedule(one)
    assert ids(waiting.mailboxes.scheduled(ALICE)) == ["m2"]


def test_those_of_a_mailbox_that_is_removed_are_cancelled_with_their_sounds(waiting):
    waiting.with_mailbox(ALICE)
    assert {"m1", "m1.1", "m2", "m2.1"} <= set(waiting.registry.remove(ALICE))
    assert ids(waiting.mailboxes.scheduled()) == ["other"]
    waiting.clock.passes(601)  # a call may play them until then
    assert {"m1", "m1.1", "m2", "m2.1"} <= set(waiting.store.housekeeping.sounds_to_erase())


def test_they_follow_a_mailbox_that_is_renamed(waiting):
    new = MailboxId("2001")
    waiting.with_mailbox(ALICE)
    waiting.store.renames.rename(ALICE, new)
    assert ids(waiting.mailboxes.scheduled(new)) == ["m1", "m2"]
    assert waiting.mailboxes.scheduled(BRUNO)[0].to == (new,)
