"""How late a lamp is: from what happened to the event that FreeSWITCH took."""

from types import SimpleNamespace

import pytest
from notify.notify_cast import WrittenSwitch

from esl_vm.model.events import EventType
from esl_vm.model.mailbox import MailboxId
from esl_vm.notify.lamp_counts import LampCounts
from esl_vm.notify.lamp_node import Domains, LampNode
from esl_vm.notify.lamps import Lamps
from esl_vm.notify.summary import Summary

ALICE = MailboxId("1001")


@pytest.fixture
def desk(clock):
    desk = SimpleNamespace(lags=[], switch=WrittenSwitch())
    counts = LampCounts()
    node = LampNode(Domains({"default": ("pbx.example.com",)}))
    desk.lamps = Lamps(desk.switch, node, counts, clock, coalesce_s=0.2, observe=desk.lags.append)
    counts.load(ALICE, Summary(), (), counts.version(ALICE))

    def message(new, before_s=0.0):
        desk.lamps.changed(counts.changed(ALICE, Summary(new), ()), EventType.DELIVERED, clock.at - before_s)

    def later(seconds):
        clock.at += seconds
        desk.lamps.fire_due()

    desk.message, desk.later = message, later
    return desk


def test_the_lag_begins_when_it_happened_not_when_it_was_read(desk):
    desk.message(1, before_s=1.0)
    desk.later(0.2)
    assert desk.lags == pytest.approx([1.2])
    assert desk.lamps.waiting_s == 0


def test_of_several_changes_the_first_counts(desk):
    desk.message(1)
    desk.later(0.1)
    desk.message(2)
    desk.later(0.15)
    assert desk.lags == pytest.approx([0.25])


def test_a_lamp_waits_while_freeswitch_is_away(desk):
    desk.switch.connected = False
    desk.message(1)
    desk.later(0.2)
    desk.later(59.8)
    assert desk.lags == []
    assert desk.lamps.waiting_s == pytest.approx(60.0)
    desk.switch.connected = True
    desk.lamps.reconnected()
    desk.later(0.0)
    assert desk.lags == pytest.approx([60.0])
    assert desk.lamps.waiting_s == 0


def test_what_is_only_sent_again_is_no_lag(desk):
    desk.lamps.resend([ALICE])
    desk.later(0.0)
    assert desk.lags == []
