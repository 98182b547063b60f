"""Calls that announce a message: each try rings once, whatever dies, until a key is pressed or there is nothing to tell."""

import queue
import re
import threading
from dataclasses import replace

import pytest
from house import ALICE, House
from notify_cast import NOON

from esl_vm.model.errors import SwitchDownError
from esl_vm.model.events import EventType
from esl_vm.model.jobs import JobKind, JobState
from esl_vm.model.mailbox import Folder
from esl_vm.model.settings import NoticeCallSettings, ServiceSettings, Settings
from esl_vm.notify.job_worker import LEASE_S, JobWorker
from esl_vm.notify.notice_calls import LATE_S, NoticeCalls
from esl_vm.notify.plan import Wishes, jobs_of
from esl_vm.notify.ringing import Ringing
from esl_vm.notify.rules import Notices
from esl_vm.notify.sources import Sources

MOBILE = "15145550100"
PAUSE_S = 120
SETTINGS = Settings(
    service=ServiceSettings(listen="0.0.0.0:8084", timezone="America/Toronto"),
    notice_calls=NoticeCallSettings(dial="sofia/gateway/trunk/{number}", pause_s=PAUSE_S, tries=3),
)


class RingingSwitch:
    """A FreeSWITCH whose originates end as they are told to, one after the other."""

    def __init__(self, *ends, services=""):
        self.ends, self.services, self.rung, self.connected = list(ends), services, [], True
        self.on_ring = lambda: None
        self._events = queue.SimpleQueue()

    def api(self, command):
        if not self.connected:
            raise SwitchDownError("FreeSWITCH is not connected")
        if command == "global_getvar vm_services":
            return self.services
        name, words = re.fullmatch(r"bgapi uuid:(\S+) (.*)", command).groups()
        self.rung.append(words)
        self.on_ring()
        self._events.put({"Job-UUID": name, "_body": f"{self.ends.pop(0) if self.ends else '-ERR NO_ANSWER'}\n"})
        return f"+OK Job-UUID: {name}\n"

    def events(self, _names):
        while (event := self._events.get()) is not None:
            yield event

    def close(self):
        self._events.put(None)


class Office:
    """A house whose notifiers ring telephones."""

    def __init__(self, url, folder):
        self.house = House(url, folder)
        self.clock, self.mailboxes = self.house.clock, self.house.mailboxes
        self._open = []

    def sources(self):
        events = self.house.store.events
        return Sources(
            events, events.shared("plans", "t"), events.shared("history", "t"), self.house.outbox, self.mailboxes,
            self.house.registry, self.house.audio, self.clock,
        )  # fmt: skip

    def node(self, switch, settings=SETTINGS):
        sources = self.sources()
        ringing = Ringing(switch)
        calls = NoticeCalls(switch, ringing, settings, sources, Notices(sources, settings))
        listener = threading.Thread(target=ringing.listen, daemon=True)
        listener.start()
        self._open.append((switch, listener))
        return JobWorker(JobKind.NOTICE_CALL, self.house.outbox, calls.carry, self.clock, at_once=0)

    def plan(self):
        notices = Notices(self.sources(), SETTINGS)
        for event in self.house.events():
            fields = self.house.registry.fields(event.box)
            told = notices.of(event, fields) if event.what is EventType.DELIVERED else ()
            for job in jobs_of(event, fields, Wishes(mail=False, calls=True), self.clock.now(), told):
                self.house.outbox.add(job)

    def leaves(self, message_id="m1", **more):
        self.house.leave(message_id=message_id, **more)
        self.plan()

    def told(self):
        events = [one for one in self.house.store.events.tail(50, box=ALICE) if one.what is EventType.NOTICE_CALL]
        assert {one.details["number"] for one in events} <= {MOBILE}
        return [(one.details["state"], one.details.get("why", "")) for one in events]

    def waiting(self, state=JobState.WAITING):
        return [job.error for job in self.house.outbox.jobs(state)]

    def confirms(self):
        self.mailboxes.log_event(ALICE, EventType.NOTICE_CALL, state="confirmed", number=MOBILE)

    def close(self):
        for switch, listener in self._open:
            switch.close()
            listener.join(100)
        self.house.close()


@pytest.fixture
def office(redis_here, tmp_path):
    office = Office(redis_here.url, tmp_path)
    office.house.add(notify_rules=f"call:{MOBILE}")
    yield office
    office.close()


def test_the_telephone_rings_and_who_answers_is_handed_to_the_service(office):
    office.leaves()
    switch = RingingSwitch("+OK leg")
    assert office.node(switch).step()
    assert switch.rung == [
        (
            "originate {originate_timeout=30,ignore_early_media=true,vm_action=notice,vm_mailbox=1001,vm_domain=default,"
            f"vm_own_telephone=false,vm_notice={MOBILE}}}sofia/gateway/trunk/{MOBILE} "
            "'socket:127.0.0.1:8084 async full' inline"
        )
    ]
    assert office.told() == [("ringing", ""), ("answered", "")]


def test_it_goes_to_the_services_of_the_dialplan_and_shows_the_number_of_the_settings(office):
    office.leaves()
    switch = RingingSwitch(services="127.0.0.1:8084|10.0.0.2:8084")
    shows = replace(SETTINGS, notice_calls=replace(SETTINGS.notice_calls, caller_number="15145550199", ring_s=9))
    assert office.node(switch, shows).step()
    assert "'socket:127.0.0.1:8084|10.0.0.2:8084 async full' inline" in switch.rung[0]
    assert "origination_caller_id_number=15145550199," in switch.rung[0]
    assert "{originate_timeout=9," in switch.rung[0]


def test_nobody_answers_so_often_and_that_is_told(office):
    office.leaves()
    switch = RingingSwitch("-ERR NO_ANSWER", "-ERR USER_BUSY", "+OK leg")
    worker = office.node(switch)
    for rung in (1, 2, 3):
        assert worker.step()
        assert not worker.step()  # not before the pause is over
        assert len(switch.rung) == rung
        office.clock.later(PAUSE_S + 1)
    assert worker.step()
    assert not worker.step()
    assert len(switch.rung) == 3
    assert office.told() == [
        *(("ringing", ""), ("failed", "no-answer"), ("ringing", ""), ("failed", "busy")),
        *(("ringing", ""), ("answered", ""), ("given-up", "no-key")),
    ]
    assert office.waiting() == office.waiting(JobState.DEAD) == []


@pytest.mark.parametrize("what", ["confirmed", "heard", "moved", "deleted", "rules", "mailbox"])
def test_it_rings_no_more_once_there_is_nothing_to_tell(office, what):
    office.leaves()
    switch = RingingSwitch("+OK leg")
    worker = office.node(switch)
    assert worker.step()
    match what:
        case "confirmed":
            office.confirms()
        case "heard":
            office.mailboxes.heard(ALICE, "m1")
        case "moved":
            office.mailboxes.move(ALICE, "m1", Folder.WORK)
        case "deleted":
            office.mailboxes.delete(ALICE, "m1")
        case "rules":
            office.house.registry.change(ALICE, {"notify_rules": "mail"})
        case "mailbox":
            office.house.registry.remove(ALICE)
    office.clock.later(PAUSE_S + 1)
    assert worker.step()
    assert (len(switch.rung), office.waiting()) == (1, [])


def test_a_key_pressed_about_an_earlier_message_says_nothing_of_a_later_one(office):
    office.confirms()
    office.leaves()
    switch = RingingSwitch()
    assert office.node(switch).step()
    assert len(switch.rung) == 1


def test_messages_that_come_while_it_rings_are_told_by_the_same_calls(office):
    office.leaves("m1")
    switch = RingingSwitch()
    worker = office.node(switch)
    assert worker.step()
    office.leaves("m2")
    for _ in range(8):
        office.clock.later(PAUSE_S + 1)
        worker.step()
    assert office.waiting() == []
    assert len(switch.rung) == 4  # three about the first, of which the second heard two, and had one more


def test_the_hours_of_a_rule_are_looked_at_before_each_try(office):
    """NOON is 11:06 in Toronto."""
    office.house.registry.change(ALICE, {"notify_rules": f"call:{MOBILE} 08:00-11:10; mail"})
    office.leaves()
    switch = RingingSwitch()
    worker = office.node(switch)
    assert worker.step()
    office.clock.later(5 * 60)
    assert worker.step()
    assert (len(switch.rung), office.waiting()) == (1, [])


def test_a_worker_that_dies_while_it_rings_leaves_that_try_rung_once_and_the_next_to_another(office):
    office.leaves()
    switch = RingingSwitch()

    def dies():
        raise SystemExit

    switch.on_ring = dies
    with pytest.raises(SystemExit):
        office.node(switch).step()
    other = RingingSwitch()
    worker = office.node(other)
    office.clock.later(LEASE_S + 1)
    assert worker.step()  # takes it over, and rings nobody
    assert not worker.step()
    assert (len(switch.rung), other.rung) == (1, [])
    office.clock.later(PAUSE_S - LEASE_S)
    assert worker.step()
    assert (len(other.rung), office.told()[-1]) == (1, ("failed", "no-answer"))


def test_a_worker_that_dies_before_it_rings_forgets_nobody(office):
    office.leaves()
    assert office.house.outbox.claim(JobKind.NOTICE_CALL, office.clock.now(), LEASE_S)  # and dies
    office.clock.later(LEASE_S + 1)
    switch = RingingSwitch()
    assert office.node(switch).step()
    assert len(switch.rung) == 1


def test_while_freeswitch_is_away_no_try_is_spent(office):
    office.leaves()
    switch = RingingSwitch()
    switch.connected = False
    worker = office.node(switch)
    for _ in range(5):
        assert worker.step()
        office.clock.later(3)
    assert office.told() == []
    switch.connected = True
    assert worker.step()
    assert len(switch.rung) == 1


def test_what_is_hours_old_rings_nobody(office):
    office.leaves()
    switch = RingingSwitch()
    office.clock.later(LATE_S + 1)
    assert office.node(switch).step()
    assert (switch.rung, office.told()) == ([], [("given-up", "late")])


@pytest.mark.parametrize("ends", ["-ERR GATEWAY_DOWN", "-ERR DESTINATION_OUT_OF_ORDER"])
def test_what_freeswitch_can_not_call_is_among_the_dead_after_the_last_try(office, ends):
    office.leaves()
    worker = office.node(RingingSwitch(ends, ends, ends))
    for _ in range(4):
        assert worker.step()
        office.clock.later(PAUSE_S + 1)
    assert office.waiting() == []
    assert office.waiting(JobState.DEAD) == ["FreeSWITCH can't call it: see its log, and notice_calls.dial"]


@pytest.mark.parametrize(("number", "rung"), [("15145550100", 1), ("+15145550100", 1), ("19005550100", 0), ("911", 0)])
def test_only_numbers_of_the_settings_are_called(office, number, rung):
    office.house.registry.change(ALICE, {"notify_rules": f"call:{number}"})
    office.leaves()
    switch = RingingSwitch()
    only = replace(SETTINGS, notice_calls=replace(SETTINGS.notice_calls, numbers="1514XXXXXXX"))
    assert office.node(switch, only).step()
    assert len(switch.rung) == rung
    assert bool(office.waiting(JobState.DEAD)) is not bool(rung)


def test_without_a_dial_string_no_call_is_planned(office):
    office.house.leave()
    [event] = [one for one in office.house.events() if one.what is EventType.DELIVERED]
    told = Notices(office.sources(), SETTINGS).of(event, office.house.registry.fields(ALICE))
    assert list(jobs_of(event, {}, Wishes(mail=False), NOON, told)) == []
