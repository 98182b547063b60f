"""Many at once: a slow receiver costs only itself, and after an outage all goes out quickly, in order and once."""

from __future__ import annotations

import contextlib
import json
import time

import pytest
from house import House, notifier_of
from support.clocks import WallClock
from support.mail_neighbour import MailNeighbour
from support.neighbour import Manner
from support.switch_neighbour import SwitchNeighbour
from support.waiting import wait_until
from support.web_neighbour import WebNeighbour

from esl_vm.esl.inbound import EventSocketSwitch, SwitchSettings
from esl_vm.model.jobs import Job, JobKind
from esl_vm.model.mailbox import MailboxId
from esl_vm.model.settings import WebhookSettings

SICK = 50
HANGS_S = 600.0


@pytest.fixture
def house(redis_here, tmp_path):
    there = House(redis_here.url, tmp_path, WallClock())
    yield there
    there.close()


@contextlib.contextmanager
def running(house, redis, **given):
    notifier = notifier_of(redis.url, given.pop("port", 0), house.folder, house.clock, "one", **given)
    notifier.start()
    try:
        yield notifier
    finally:
        notifier.stop(0.5)


def test_a_healthy_receiver_is_told_beside_fifty_a_mail_server_and_a_freeswitch_that_never_answer(house, redis_here):
    """While each of them still holds its first call: it waits for nobody's time to be over."""
    with contextlib.ExitStack() as stack:
        sick = [stack.enter_context(WebNeighbour({"answer": Manner.HANG})) for _ in range(SICK)]
        mail = stack.enter_context(MailNeighbour({"connect": Manner.HANG}))
        freeswitch = stack.enter_context(SwitchNeighbour({"auth": Manner.HANG}))
        healthy = stack.enter_context(WebNeighbour())
        for number, peer in enumerate([*sick, healthy]):
            house.add(MailboxId(f"{1000 + number}", "default"), webhook=peer.url, email="someone@example.com")
        for number in range(SICK):
            for message in range(4):
                house.leave(MailboxId(f"{1000 + number}", "default"), f"s{number}-{message}")
        house.leave(MailboxId(f"{1000 + SICK}", "default"), "healthy")
        switch = EventSocketSwitch(SwitchSettings(port=freeswitch.port, password="x", connect_s=60.0))
        stack.callback(switch.close)
        switch.start()
        given = {"webhook": WebhookSettings(timeout_s=HANGS_S), "port": mail.port, "switch": switch}
        stack.enter_context(running(house, redis_here, **given))
        wait_until(lambda: all(peer.steps for peer in sick) and mail.steps)
        house.leave(MailboxId(f"{1000 + SICK}", "default"), "healthy-2")
        wait_until(lambda: any(b"healthy-2" in body for body in healthy.told))
        assert {peer.steps.count("connect") for peer in sick} == {1}, "one call at a time to one that does not answer"


@pytest.mark.parametrize("mails", [300, pytest.param(3000, marks=pytest.mark.slow)])
def test_after_an_outage_all_mails_go_out_within_a_minute_once_and_in_order(house, redis_here, mails):
    boxes = [MailboxId(f"{2000 + number}", "default") for number in range(100)]
    for box in boxes:
        house.add(box, email=f"{box.number}@example.com", attach="no")
    now = house.clock.now()
    for number in range(mails):
        box = boxes[number % len(boxes)]
        told = {"id": f"m{number:04d}", "received": now, "caller_number": "5145551234", "duration_ms": 1500}
        house.outbox.add(Job(f"mail:{box}:{number}", JobKind.MAIL, box, {"form": "letter", "message": told}, now, now))
    with MailNeighbour({"connect": b"421 not yet\r\n"}) as server, running(house, redis_here, port=server.port):
        wait_until(lambda: server.steps.count("connect") >= 2)
        server.manners.clear()
        began = time.monotonic()
        wait_until(lambda: len(server.accepted) >= mails)
        took = time.monotonic() - began
        print(f"{mails} mails went out in {took:.1f} s")
        assert mails == 300 or took < 60.0  # the whole of it is measured on a machine that does nothing else
        wait_until(lambda: not list(house.outbox.jobs("waiting")))
    for box in boxes:
        got = [content for _, [to], content in server.accepted if to == f"{box.number}@example.com"]
        ids = [content.split(b"Message-ID: <")[1][:5] for content in got]
        assert ids == sorted(set(ids))
        assert len(ids) == mails // len(boxes)
    assert server.busiest > 4


def test_calls_of_one_mailbox_come_in_order_though_many_are_made_at_once(house, redis_here):
    with WebNeighbour({"answer": [b"HTTP/1.1 503 later\r\nRetry-After: 1\r\n\r\n"]}) as peer:
        boxes = [MailboxId(f"{3000 + number}", "default") for number in range(10)]
        for box in boxes:
            house.add(box, webhook=peer.url, email="")
        for number in range(10):
            for box in boxes:
                house.leave(box, f"m{number}")
        with running(house, redis_here, webhook=WebhookSettings()):
            wait_until(lambda: len(peer.told) >= 110)  # one of each mailbox told that it was added
        told = [json.loads(body) for body in peer.told]
        for box in boxes:
            ids = [event["message"]["id"] for event in told if event["mailbox"] == str(box) and event["message"]]
            assert ids == [f"m{number}" for number in range(10)]
