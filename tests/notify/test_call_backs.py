"""Calling back from the browser: the owner's telephone is rung at most once, and the mailbox's events tell how it went."""

import queue
import re
import threading
from dataclasses import replace

import pytest
from house import ALICE, House

from esl_vm.model.actor import acting, browser
from esl_vm.model.cluster import NodeState
from esl_vm.model.errors import SwitchDownError
from esl_vm.model.events import EventType
from esl_vm.model.jobs import JobKind, JobState
from esl_vm.model.mailbox import MailboxId
from esl_vm.model.settings import NotifySettings, ServiceSettings, Settings
from esl_vm.notify.call_backs import HOW, LATE_S, CallBacks
from esl_vm.notify.job_worker import JobWorker
from esl_vm.notify.ringing import Ringing

WHO = browser("owner 1001@default", "198.51.100.7", "5f0c")
HERE = Settings(service=ServiceSettings(node="here"))


class RingingSwitch:
    """A FreeSWITCH that ends each background job as it is told to, and writes down what it was asked."""

    def __init__(self, ends="+OK 1", api=None):
        self.ends, self.asked, self.connected = ends, [], True
        self.answers = {"global_getvar domain": "pbx.example.com"} | (api or {})
        self._events = queue.SimpleQueue()

    def api(self, command):
        if not self.connected:
            raise SwitchDownError("FreeSWITCH is not connected")
        self.asked.append(command)
        if not command.startswith("bgapi "):
            return self.answers.get(command, "-ERR no reply")
        name = re.match(r"bgapi uuid:(\S+) ", command)[1]
        self._events.put({"Job-UUID": "another", "_body": "-ERR USER_BUSY\n"})
        self._events.put({"Job-UUID": name, "_body": f"{self.ends}\n"})
        return f"+OK Job-UUID: {name}\n"

    def events(self, _names):
        yield {}
        while (event := self._events.get()) is not None:
            yield event

    def close(self):
        self._events.put(None)

    @property
    def rung(self):
        return [one for one in self.asked if one.startswith("bgapi ")]


@pytest.fixture
def office(redis_here, tmp_path):
    house = House(redis_here.url, tmp_path)
    house.add(email="", callback="yes", call_patterns="514XXXXXXX")
    house.leave(number="5145550123")
    yield house
    house.close()


@pytest.fixture
def node(office):
    """Builds a node: the worker of calls back beside a FreeSWITCH."""
    switches = []

    def build(switch, settings=HERE, nodes=()):
        ringing = Ringing(switch)
        calls = CallBacks(switch, ringing, settings, office.mailboxes, office.clock, lambda: nodes)
        listener = threading.Thread(target=ringing.listen, daemon=True)
        listener.start()
        switches.append((switch, listener))
        return JobWorker(JobKind.CALL, office.outbox, calls.carry, office.clock, at_once=0)

    yield build
    for switch, listener in switches:
        switch.close()
        listener.join(100)


def asks(office, box=ALICE, number="5145550123"):
    """What the API does once it is allowed, and the planner after it."""
    with acting(WHO):
        assert office.mailboxes.count_call(box, 20, hourly=10, number=number, how=HOW, message_id="m1", mark="c1")
    office.plan()


def told(office, box=ALICE):
    events = [event for event in office.store.events.tail(50, box=box) if event.what is EventType.CALL_BACK]
    assert all(event.details["by"] == WHO and event.details["call"] == "c1" for event in events)
    assert all((event.message_id, event.details["number"]) == ("m1", "5145550123") for event in events)
    return [(event.details["state"], event.details.get("why", "")) for event in events]


def test_the_owner_is_rung_and_put_through_by_the_dialplan(office, node):
    switch = RingingSwitch(api={"user_data 1001@pbx.example.com var user_context": "offices"})
    asks(office)
    assert node(switch).step()
    assert told(office) == [("ringing", ""), ("answered", "")]
    (rung,) = switch.rung
    assert re.fullmatch(
        r"bgapi uuid:[0-9a-f-]{36} originate \{originate_timeout=30,ignore_early_media=true,"
        r"origination_caller_id_number=5145550123,origination_caller_id_name=5145550123\}user/1001@pbx\.example\.com "
        r"'set_profile_var:caller_id_number=1001,set_profile_var:caller_id_name=1001,set_user:1001@pbx\.example\.com,"
        r"export:vm_dialed_number=5145550123,export:vm_dialed_by=1001@default,transfer:5145550123 XML offices' inline",
        rung,
    )
    assert list(office.outbox.jobs(JobState.WAITING)) == []


def test_the_settings_say_how_a_telephone_is_reached_and_where_it_dials(office, node):
    box = MailboxId("1001", "north")
    office.add(box, email="")
    service = ServiceSettings(
        node="here", call_context="voicemail_out", call_ring="sofia/internal/{number}%{host}", call_ring_s=9
    )
    switch = RingingSwitch()
    asks(office, box)
    assert node(switch, Settings(service=service, notify=NotifySettings(hosts=("north=n.example.com,x",)))).step()
    assert "originate_timeout=9," in switch.rung[0]
    assert "}sofia/internal/1001%n.example.com '" in switch.rung[0]
    assert "set_user:1001@n.example.com," in switch.rung[0]
    assert switch.rung[0].endswith("transfer:5145550123 XML voicemail_out' inline")
    assert told(office, box)[-1] == ("answered", "")


@pytest.mark.parametrize(
    ("ends", "why"),
    [
        ("-ERR NO_ANSWER", "no-answer"),
        ("-ERR ALLOTTED_TIMEOUT", "no-answer"),
        ("-ERR USER_BUSY", "busy"),
        ("-ERR CALL_REJECTED", "rejected"),
        ("-ERR USER_NOT_REGISTERED", "not-registered"),
        ("-ERR SUBSCRIBER_ABSENT", "not-registered"),
        ("-ERR DESTINATION_OUT_OF_ORDER", "switch"),
        ("", "unknown"),
    ],
)
def test_who_does_not_answer_is_not_put_through_and_not_rung_again(office, node, ends, why):
    switch = RingingSwitch(ends)
    worker = node(switch)
    asks(office)
    assert worker.step()
    assert told(office) == [("ringing", ""), ("failed", why)]
    office.plan()  # the same events once more
    assert not worker.step()
    assert len(switch.rung) == 1


def test_with_freeswitch_away_it_is_rung_once_it_is_back_but_not_late(office, node):
    switch = RingingSwitch()
    switch.connected = False
    worker = node(switch)
    asks(office)
    assert worker.step()
    assert told(office) == []
    office.clock.later(2)
    switch.connected = True
    assert worker.step()
    assert told(office)[-1] == ("answered", "")


def test_what_nobody_could_ring_in_time_is_not_rung(office, node):
    switch = RingingSwitch()
    asks(office)
    office.clock.later(LATE_S + 1)
    assert node(switch).step()
    assert (told(office), switch.rung) == ([("failed", "late")], [])


def test_a_worker_that_died_leaves_a_telephone_that_is_not_rung_twice(office, node):
    switch = RingingSwitch()
    asks(office)
    assert office.outbox.claim(JobKind.CALL, office.clock.now(), 5.0)  # and dies
    office.clock.later(6)
    assert node(switch).step()
    assert (told(office), switch.rung) == ([("failed", "interrupted")], [])


def test_a_telephone_of_another_node_is_rung_there(office, node):
    cluster = [NodeState(name, 0.0, True, "1", 1, {"freeswitch": "up"}) for name in ("here", "there")]
    absent, there = RingingSwitch("-ERR USER_NOT_REGISTERED"), RingingSwitch()
    first = node(absent, nodes=cluster)
    second = node(there, replace(HERE, service=replace(HERE.service, node="there")), nodes=cluster)
    asks(office)
    for worker in (first, first, second):
        assert worker.step()
        office.clock.later(1)
    assert (len(absent.rung), len(there.rung)) == (1, 1)
    assert told(office)[-1] == ("answered", "")


def test_where_no_node_has_it_that_is_told_once(office, node):
    cluster = [
        NodeState(name, 0.0, True, "1", 1, {"freeswitch": up}) for name, up in (("here", "up"), ("there", "down"))
    ]
    asks(office)
    assert node(RingingSwitch("-ERR USER_NOT_REGISTERED"), nodes=cluster).step()
    assert told(office) == [("ringing", ""), ("failed", "not-registered")]


def test_calls_from_the_telephone_ring_nobody(office, node):
    office.mailboxes.count_call(ALICE, 20, number="5145550123", how="call-back")
    office.plan()
    assert not node(RingingSwitch()).step()
