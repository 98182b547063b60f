"""Connections without a call: how many, how long, and how much they may send."""

import logging

import pytest

from esl_vm.esl.strangers import BODY, CROWD, CROWD_HEAD, PATIENCE_S, Strangers
from esl_vm.esl.wire import Limits


class Session:
    closed = False

    def stop(self):
        self.closed = True


@pytest.fixture
def clock():
    return [100.0]


@pytest.fixture
def strangers(clock):
    return Strangers(3, Limits(), lambda: clock[0])


def come(strangers, count):
    sessions = [Session() for _ in range(count)]
    for session in sessions:
        strangers.come(session)
    return sessions


def test_while_there_is_room_nobody_is_closed(strangers):
    sessions = come(strangers, 2)
    assert not strangers.full
    sessions += come(strangers, 1)
    assert len(strangers) == 3
    assert not any(one.closed for one in sessions)


def test_there_is_no_room_until_the_oldest_has_had_its_time(strangers, clock):
    come(strangers, 1)
    clock[0] += PATIENCE_S / 2
    come(strangers, 2)
    assert strangers.full
    clock[0] += PATIENCE_S / 2
    assert not strangers.full
    come(strangers, 1)
    assert strangers.full, "the second has not had its time"


def test_the_oldest_makes_room_for_another_and_the_log_says_so(strangers, caplog):
    first, second, third, _ = come(strangers, 4)
    assert (first.closed, second.closed, third.closed) == (True, False, False)
    assert len(strangers) == 3
    assert (caplog.records[0].levelno, caplog.messages) == (
        logging.WARNING, ["4 connections without a call; closing the oldest"],
    )  # fmt: skip


def test_who_brings_a_call_makes_room(strangers):
    first, second, _ = come(strangers, 3)
    strangers.go(second)
    assert not strangers.full
    strangers.go(second)
    assert len(strangers) == 2
    come(strangers, 1)
    assert not first.closed


def test_in_a_crowd_each_further_one_may_send_less():
    strangers = Strangers(2 * CROWD, Limits())
    assert strangers.limits == Limits(body=BODY)
    come(strangers, CROWD - 1)
    assert strangers.limits.head == Limits().head
    come(strangers, 1)
    assert strangers.limits == Limits(head=CROWD_HEAD, body=BODY)


def test_they_never_may_send_more_than_a_call():
    strangers = Strangers(2 * CROWD, Limits(head=100, body=10))
    assert strangers.limits == Limits(head=100, body=10)
    come(strangers, CROWD)
    assert strangers.limits == Limits(head=100, body=10)
