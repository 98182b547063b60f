"""Connections without a call: how many, how long, and how much they may send."""

import logging

import pytest

from esl_vm.esl.pending import BODY, CROWD, CROWD_HEAD, GRACE_S, PendingConnections
from esl_vm.esl.wire import FrameLimits


class Session:
    closed = False

    def stop(self):
        self.closed = True


@pytest.fixture
def clock():
    return [100.0]


@pytest.fixture
def pending(clock):
    return PendingConnections(3, FrameLimits(), lambda: clock[0])


def come(pending, count):
    sessions = [Session() for _ in range(count)]
    for session in sessions:
        pending.add(session)
    return sessions


def test_while_there_is_room_nobody_is_closed(pending):
    sessions = come(pending, 2)
    assert not pending.full
    sessions += come(pending, 1)
    assert len(pending) == 3
    assert not any(one.closed for one in sessions)


def test_there_is_no_room_until_the_oldest_has_had_its_time(pending, clock):
    come(pending, 1)
    clock[0] += GRACE_S / 2
    come(pending, 2)
    assert pending.full
    clock[0] += GRACE_S / 2
    assert not pending.full
    come(pending, 1)
    assert pending.full, "the second has not had its time"


def test_the_oldest_makes_room_for_another_and_the_log_says_so(pending, caplog):
    first, second, third, _ = come(pending, 4)
    assert (first.closed, second.closed, third.closed) == (True, False, False)
    assert len(pending) == 3
    assert (caplog.records[0].levelno, caplog.messages) == (
        logging.WARNING, ["4 connections without a call; closing the oldest"],
    )  # fmt: skip


def test_who_brings_a_call_makes_room(pending):
    first, second, _ = come(pending, 3)
    pending.remove(second)
    assert not pending.full
    pending.remove(second)
    assert len(pending) == 2
    come(pending, 1)
    assert not first.closed


def test_in_a_crowd_each_further_one_may_send_less():
    pending = PendingConnections(2 * CROWD, FrameLimits())
    assert pending.limits == FrameLimits(body=BODY)
    come(pending, CROWD - 1)
    assert pending.limits.head == FrameLimits().head
    come(pending, 1)
    assert pending.limits == FrameLimits(head=CROWD_HEAD, body=BODY)


def test_they_never_may_send_more_than_a_call():
    pending = PendingConnections(2 * CROWD, FrameLimits(head=100, body=10))
    assert pending.limits == FrameLimits(head=100, body=10)
    come(pending, CROWD)
    assert pending.limits == FrameLimits(head=100, body=10)
