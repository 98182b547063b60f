"""A hostile caller's message on its way out of the store: to webhooks, to FreeSWITCH's events and lamps."""

from __future__ import annotations

import contextlib
import json

import pytest
from house import ALICE, House
from support.hostile_names import FORGED, some_hostile_callers
from support.switch_neighbour import SwitchNeighbour
from support.waiting import wait_until
from support.web_neighbour import WebNeighbour

from esl_vm.esl import commands
from esl_vm.esl.inbound import EventSocketSwitch, SwitchSettings
from esl_vm.model.errors import UnsafeArgumentError
from esl_vm.model.jobs import JobKind
from esl_vm.model.message import CallDetails, Message
from esl_vm.model.settings import WebhookSettings
from esl_vm.notify.job_worker import Sent
from esl_vm.notify.lamp_counts import LampCounts
from esl_vm.notify.lamp_node import Domains, LampNode
from esl_vm.notify.lamps import Lamps
from esl_vm.notify.maintenance import SUBCLASS, maintenance_events
from esl_vm.notify.plan import Wishes, jobs_of
from esl_vm.notify.summary import Summary
from esl_vm.notify.webhook import WebhookCaller, body_of

CALLERS = some_hostile_callers()
HOST = "pbx.example.com"
MAINTENANCE = [
    *("VM-Action", "VM-User", "VM-Domain", "VM-Caller-ID-Name", "VM-Caller-ID-Number", "VM-File-Path", "VM-Flags"),
    *("VM-Folder", "VM-UUID", "VM-Message-Len", "VM-Timestamp", "VM-Event-ID"),
]


@pytest.fixture
def house(redis_here, tmp_path):
    there = House(redis_here.url, tmp_path)
    there.add(webhook="http://127.0.0.1/", email="helene@example.com")
    yield there
    there.close()


@pytest.fixture
def events(house):
    """The event of each hostile caller's message, as it comes back from the store."""
    for number, caller in enumerate(CALLERS):
        message = Message(f"m{number:04}", caller.caller, received=house.clock.now(), call=caller.call)
        assert house.mailboxes.deliver(ALICE, message, even_if_full=True).kept
    found = {}
    after = {}
    while len(found) < len(CALLERS):
        news = list(house.store.events.read(after, 0))
        assert news
        for event in news:
            after[event.partition] = event.id
            if event.what.value == "delivered":
                found[event.message_id] = event
    return [found[f"m{number:04}"] for number in range(len(CALLERS))]


def test_a_webhook_is_told_json_with_the_name_in_it_and_nothing_unseen(house, events):
    jobs = [
        job
        for event in events
        for job in jobs_of(event, {"webhook": "http://127.0.0.1/"}, Wishes(mail=False), house.clock.now())
    ]
    assert len(jobs) == len(CALLERS)
    for job, caller in zip(jobs, CALLERS, strict=True):
        text = body_of(job).decode("utf-8", "strict")
        assert text.isprintable(), ascii(text)
        told = json.loads(text)["message"]
        kept = caller.caller
        assert (told["caller_name"], told["caller_number"]) == (kept.name, kept.number)
        assert CallDetails.of(told) == caller.call
        assert json.loads(text) == job.body
    with WebNeighbour() as receiver:
        carrier = WebhookCaller(WebhookSettings(receiver.url), house.registry, house.clock)
        house.registry.change(ALICE, {"webhook": receiver.url})
        for job in jobs[::10]:
            assert isinstance(carrier.carry(job), Sent)
        wait_until(lambda: len(receiver.told) == len(jobs[::10]))
        assert sorted(receiver.told) == sorted(body_of(job) for job in jobs[::10])
        for head in receiver.heads:
            names = [line.split(b":")[0].lower() for line in head.split(b"\r\n")[1:] if line]
            assert sorted(names) == sorted(WEBHOOK_HEADERS)


WEBHOOK_HEADERS = [
    *(b"host", b"accept-encoding", b"content-length", b"content-type", b"user-agent", b"idempotency-key"),
    *(b"x-voicemail-event", b"connection"),
]


def test_the_jobs_in_the_outbox_are_what_was_planned(house, events):
    jobs = [job for event in events[::2] for job in jobs_of(event, house.registry.fields(ALICE), Wishes(), 1.0)]
    for job in jobs:
        house.outbox.add(job)
    waiting = {job.id: job for job in house.outbox.jobs("waiting")}
    assert {job.kind for job in jobs} == {JobKind.MAIL, JobKind.WEBHOOK}
    assert {job_id: job.body for job_id, job in waiting.items()} == {job.id: job.body for job in jobs}


def test_mod_voicemails_event_has_its_headers_and_no_other(events):
    sent = []
    for event in events:
        [headers, *_] = maintenance_events(event, "pbx.example.com", lambda _: "/a b/c.wav")
        message = commands.send_event("CUSTOM", {"Event-Subclass": SUBCLASS, **headers})
        lines = message.decode("utf-8", "strict").removesuffix("\n\n").split("\n")
        assert lines[0] == "sendevent CUSTOM"
        assert [line.split(": ")[0] for line in lines[1:]] == ["Event-Subclass", *MAINTENANCE]
        assert not any(line.startswith(FORGED) for line in message.decode().splitlines())
        sent.append(headers)
    with SwitchNeighbour() as neighbour:
        switch = EventSocketSwitch(SwitchSettings(port=neighbour.port, password="x"))
        switch.start()
        assert switch.wait_connected(100)
        assert all(switch.fire("CUSTOM", headers, subclass=SUBCLASS) for headers in sent[::5])
        wait_until(lambda: len(neighbour.fired) == len(sent[::5]))
        switch.close()


def queries():
    """MESSAGE_QUERYs as mod_sofia makes them of a SUBSCRIBE or REGISTER in which each thing is hostile once."""
    for caller in CALLERS:
        for account in (f"sip:{caller.number}", f"sip:{caller.number}@{caller.name}", f"sip:1001@{HOST}"):
            yield {
                "Message-Account": account,
                "VM-Call-ID": caller.name,
                "VM-sub-call-id": caller.number,
                "VM-Sofia-Profile": caller.name,
            }


class WireSwitch:
    """Writes what goes to FreeSWITCH, as the real one does."""

    def __init__(self):
        self.sent = []

    def fire(self, name, headers, subclass=""):
        self.sent.append(commands.send_event(name, headers))
        return True


def test_a_lamp_s_answer_to_a_hostile_telephone_is_one_event_or_none(house):
    switch = WireSwitch()
    counts = LampCounts()
    counts.load(ALICE, Summary(1), (), counts.version(ALICE))
    lamps = Lamps(switch, LampNode(Domains({"default": (HOST,)})), counts, house.clock)
    asked = 0
    for query in queries():
        asked += 1
        with contextlib.suppress(UnsafeArgumentError):  # said in the log by who asks
            lamps.answer(query)
    assert asked / 4 < len(switch.sent) < asked
    for message in switch.sent:
        lines = message.decode("utf-8", "strict").removesuffix("\n\n").split("\n")
        names = [line.split(": ")[0] for line in lines[1:]]
        assert names[:2] == ["MWI-Messages-Waiting", "MWI-Message-Account"]
        assert set(names[2:]) - {"MWI-Voice-Message"} == {"Call-ID", "sub-call-id", "Sofia-Profile"}
    assert list(counts.lamps()) == [ALICE]
