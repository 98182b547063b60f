"""Whole notifiers on a real Redis and a real SMTP server: several at once, and killed in the middle of sending."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import pytest
from house import House, notifier_of
from notify_cast import ALICE, BOB, WrittenSwitch
from smtp_peer import Post, post_office
from support.clocks import Clock, WallClock
from support.redis_servers import redis_server
from support.waiting import wait_until

from esl_vm.model.errors import StoreDownError
from esl_vm.model.jobs import JobState
from esl_vm.model.mailbox import Folder, Greeting, MailboxId, StoredGreeting

PROGRAM = Path(__file__).with_name("notifier_program.py")
HOST = "pbx.example.com"


@pytest.fixture
def house(redis_here, tmp_path):
    house = House(redis_here.url, tmp_path, WallClock())
    house.url = redis_here.url
    yield house
    house.close()


@pytest.fixture
def post():
    with post_office() as post:
        yield post


@pytest.fixture
def notifiers():
    running = []

    def start(*args, **kwargs):
        service = notifier_of(*args, **kwargs)
        service.start()
        running.append(service)
        return service

    yield start
    for service in running:
        service.stop()


class Process:
    """A notifier that can be killed."""

    def __init__(self, house, port, ahead=0.0):
        self.process = subprocess.Popen(
            [sys.executable, PROGRAM, house.url, str(port), str(house.folder), str(ahead)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert self.process.stdout.readline() == b"ready\n"

    def kill(self):
        os.kill(self.process.pid, signal.SIGKILL)

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()


@pytest.fixture
def processes(house):
    started = []

    def start(port, ahead=0.0):
        started.append(Process(house, port, ahead))
        return started[-1]

    yield start
    for process in started:
        process.end()


def all_sent(house):
    return not list(house.outbox.jobs(JobState.WAITING))


def test_what_is_left_while_a_notifier_runs_is_mailed_at_once(house, post, notifiers):
    house.add()
    notifiers(house.url, post.port, house.folder, WallClock(), "a")
    house.leave(message_id="m1")
    wait_until(lambda: post.letters.mails)
    house.leave(message_id="m2")
    wait_until(lambda: len(post.letters.mails) == 2)


def test_what_was_left_shortly_before_the_first_notifier_started_is_mailed_too(house, post, notifiers):
    house.add()
    house.leave(message_id="m1")
    notifiers(house.url, post.port, house.folder, WallClock(), "a")
    wait_until(lambda: post.letters.mails)


def test_two_notifiers_send_each_mail_once(house, post, notifiers):
    house.add(pager="p@sms.example.com")
    for name in ("a", "b", "c"):
        notifiers(house.url, post.port, house.folder, WallClock(), name)
    for number in range(40):
        house.leave(message_id=f"m{number:02d}", seconds=0.1)
    wait_until(lambda: len(post.letters.mails) >= 80)
    wait_until(lambda: all_sent(house))
    assert Counter(post.letters.ids).most_common(1)[0][1] == 1
    assert len(post.letters.mails) == 80


def test_the_server_away_at_first_then_there(house, notifiers):
    post = Post()
    house.add(delete="yes")
    clock = Clock(house.clock.now())
    notifiers(house.url, post.port, house.folder, clock, "a")
    for number in range(3):
        house.leave(message_id=f"m{number}")
    wait_until(lambda: any(job.error for job in house.outbox.jobs(JobState.WAITING)))
    assert {house.mailboxes.message(ALICE, f"m{n}").folder for n in range(3)} == {Folder.NEW}
    post.up()
    try:
        clock.passes(25)  # more than the server is let alone at first, less than a job is held
        wait_until(lambda: all_sent(house))
    finally:
        post.down()
    assert sorted(Counter(post.letters.ids).values()) == [1, 1, 1]
    assert {house.mailboxes.message(ALICE, f"m{n}").folder for n in range(3)} == {Folder.TRASH}


@pytest.mark.parametrize("point", ["before it was handed over", "while it is accepted"])
def test_killed_while_sending_there_is_one_mail_or_one_more_with_the_same_id(house, post, processes, point):
    house.add(delete="yes")
    victim = processes(post.port)
    died = threading.Event()

    def die(_):
        if not died.is_set():
            died.set()
            victim.kill()

    if point == "before it was handed over":
        post.letters.at_rcpt = die
    else:
        post.letters.at_data = die
    house.leave(message_id="m1", seconds=0.2)
    assert died.wait(100)
    victim.process.wait()
    assert house.mailboxes.message(ALICE, "m1").folder is Folder.NEW
    before = len(post.letters.mails)
    processes(post.port, ahead=7200.0)  # the lease is over
    wait_until(lambda: len(post.letters.mails) == before + 1)
    wait_until(lambda: all_sent(house))
    assert len(set(post.letters.ids)) == 1
    assert len(post.letters.ids) == (1 if point == "before it was handed over" else 2)
    assert house.mailboxes.message(ALICE, "m1").folder is Folder.TRASH


def test_killed_between_the_event_and_the_job_the_mail_is_sent_by_another(house, post, notifiers):
    """A notifier that takes an event and dies at once: the group gives it to another."""
    house.add()
    dead = house.store.events.shared("plans", "dead", idle_s=0.2)
    house.leave(message_id="m1")
    assert [e.message_id for e in wait_until(lambda: dead.take(100)) if e.message_id] == ["m1"]
    notifiers(house.url, post.port, house.folder, WallClock(), "b", idle_s=0.2)
    wait_until(lambda: post.letters.mails)


def test_redis_killed_and_back_nothing_is_lost_and_the_lamps_are_right(post, notifiers, tmp_path, real_redis):
    assert real_redis.pid, "skips where there is no Redis"
    with redis_server("--appendonly", "yes", "--appendfsync", "always") as server:
        house = House(server.url, tmp_path, WallClock())
        house.add()
        switch = WrittenSwitch()
        notifiers(server.url, post.port, tmp_path, house.clock, "a", switch=switch, hosts=(f"default={HOST}",))
        house.leave(message_id="m1")
        wait_until(lambda: post.letters.mails)
        server.kill()
        with pytest.raises(StoreDownError):
            house.mailboxes.counts(ALICE)
        server.start()
        wait_until(lambda: there(house))
        house.leave(message_id="m2")
        wait_until(lambda: len(post.letters.mails) == 2)
        wait_until(lambda: (f"1001@{HOST}", "2/0 (0/0)") in switch.waiting())
        assert len(set(post.letters.ids)) == 2
        house.close()


def there(house):
    """Whether Redis answers."""
    try:
        return house.mailboxes.counts(ALICE) is not None
    except StoreDownError:
        return False


def test_lamps_and_events_follow_what_happens_in_the_store(house, notifiers):
    switch = WrittenSwitch()
    house.add(ALICE, extensions="1002")
    service = notifiers(
        house.url,
        0,
        house.folder,
        WallClock(),
        "a",
        switch=switch,
        hosts=(f"default={HOST}",),
        coalesce_ms=0,
    )
    wait_until(lambda: service.ready)
    wait_until(lambda: (f"1001@{HOST}", "0/0 (0/0)") in switch.waiting())
    house.leave(message_id="m1", urgent=True)
    wait_until(lambda: {(f"1001@{HOST}", "1/0 (1/0)"), (f"1002@{HOST}", "1/0 (1/0)")} <= set(switch.waiting()))
    house.mailboxes.heard(ALICE, "m1")
    house.mailboxes.retire(ALICE, ["m1"])
    wait_until(lambda: (f"1001@{HOST}", "0/1 (0/1)") in switch.waiting())
    house.mailboxes.delete(ALICE, "m1")
    wait_until(lambda: switch.waiting()[-2:] and {w for _, w in switch.waiting()[-2:]} == {"0/0 (0/0)"})
    house.mailboxes.restore(ALICE, "m1")
    wait_until(lambda: (f"1001@{HOST}", "0/1 (0/1)") in switch.waiting()[-2:])
    house.registry.change(ALICE, {"extensions": "1003"})
    wait_until(lambda: (f"1003@{HOST}", "0/1 (0/1)") in switch.waiting())
    wait_until(lambda: (f"1002@{HOST}", "0/0 (0/0)") in switch.waiting()[-3:])
    house.registry.remove(ALICE)
    wait_until(lambda: (f"1003@{HOST}", "0/0 (0/0)") in switch.waiting())
    house.add(BOB)
    house.leave(BOB, "m2")
    wait_until(lambda: (f"1002@{HOST}", "1/0 (0/0)") in switch.waiting())


def test_mod_voicemail_s_events_are_fired_once_in_the_cluster(house, notifiers):
    switches = [WrittenSwitch(), WrittenSwitch()]
    house.add()
    for name, switch in zip("ab", switches, strict=True):
        notifiers(house.url, 0, house.folder, WallClock(), name, switch=switch)

    def actions():
        fired = [headers for switch in switches for _, subclass, headers in list(switch.fired) if subclass]
        return Counter((headers["VM-Action"], headers.get("VM-UUID", "")) for headers in fired)

    house.leave(message_id="m1")
    source = house.folder / "take.wav"
    house.audio.put("greeting-1", source)
    house.mailboxes.set_greeting(ALICE, Greeting.UNAVAILABLE, StoredGreeting("greeting-1", 1500))
    house.mailboxes.set_greeting(ALICE, Greeting.NAME, StoredGreeting("greeting-1", 1500))
    house.store.pins.change(ALICE, "4821937506")
    house.store.pins.check(ALICE, "4821937506")
    house.store.pins.check(ALICE, "0000")
    house.mailboxes.remove_greeting(ALICE, Greeting.UNAVAILABLE)
    wait_until(lambda: sum(actions().values()) >= 10)  # the last of them may be told before another is
    assert actions() == {
        ("leave-message", "m1"): 1,
        ("mwi-update", ""): 1,
        ("record-greeting", ""): 1,
        ("change-greeting", ""): 1,
        ("record-name", ""): 1,
        ("change-password", ""): 1,
        ("authentication", ""): 2,
        ("folder-summary", ""): 1,
        ("remove-greeting", ""): 1,
    }
    fired = [headers for switch in switches for _, subclass, headers in switch.fired if subclass]
    paths = {h.get("VM-File-Path") or h.get("VM-Greeting-Path") or h.get("VM-Name-Path") for h in fired} - {None}
    assert paths == {str(house.audio.playable("m1")), str(house.audio.playable("greeting-1"))}
    assert "4821937506" not in str(fired)


def test_an_event_freeswitch_could_not_be_told_is_told_when_it_is_back(house, notifiers):
    switch = WrittenSwitch()
    house.add()
    notifiers(house.url, 0, house.folder, WallClock(), "a", switch=switch, idle_s=0.2)

    def told():
        return [headers["VM-UUID"] for _, _, headers in switch.fired if headers.get("VM-Action") == "leave-message"]

    house.leave(message_id="m1")
    wait_until(lambda: told() == ["m1"])
    switch.connected = False
    house.leave(message_id="m2")
    wait_until(lambda: house.mailboxes.counts(ALICE).new == 2)
    switch.connected = True
    wait_until(lambda: set(told()) == {"m1", "m2"})


def test_after_a_cut_event_socket_mod_voicemail_s_events_are_told_at_once(house, notifiers):
    switch = WrittenSwitch()
    house.add()
    refused = []

    def told():
        return [headers["VM-UUID"] for _, _, headers in switch.fired if headers.get("VM-Action") == "leave-message"]

    fire = switch.fire

    def cut_once(name, headers, **more):
        if headers.get("VM-UUID") == "m2" and not refused:
            refused.append(headers)
            return False
        return fire(name, headers, **more)

    switch.fire = cut_once
    notifiers(house.url, 0, house.folder, WallClock(), "a", switch=switch, idle_s=60.0)
    for message_id in ("m1", "m2", "m3"):
        house.leave(message_id=message_id)
    wait_until(lambda: len(told()) == 3)
    assert told() == ["m1", "m2", "m3"]


def test_a_query_before_all_mailboxes_were_looked_at_is_answered_from_the_store(house, notifiers):
    asked = threading.Event()

    class AskingSwitch(WrittenSwitch):
        def events(self, names):
            yield {}
            yield {"Message-Account": f"sip:1001@{HOST}", "VM-Call-ID": "c1"}
            asked.set()

    switch = AskingSwitch()
    house.add()
    house.leave()
    notifiers(house.url, 0, house.folder, WallClock(), "a", switch=switch)
    assert asked.wait(100)
    [answer] = wait_until(lambda: [headers for _, _, headers in switch.fired if headers.get("Call-ID") == "c1"])
    assert answer["MWI-Voice-Message"] == "1/0 (0/0)"


def test_a_round_heals_a_lamp_nobody_told_of(house, notifiers):
    switch = WrittenSwitch()
    house.add()
    service = notifiers(
        house.url,
        0,
        house.folder,
        WallClock(),
        "a",
        switch=switch,
        hosts=(f"default={HOST}",),
        reconcile_s=0.3,
    )
    wait_until(lambda: service.ready)
    wait_until(lambda: len(switch.waiting()) >= 3)
    assert set(switch.waiting()) == {(f"1001@{HOST}", "0/0 (0/0)")}


def test_it_stops_and_says_so(house, post, notifiers):
    house.add()
    service = notifiers(house.url, post.port, house.folder, WallClock(), "a", switch=WrittenSwitch())
    wait_until(lambda: service.ready)
    assert service.stop()
    house.leave()
    assert post.letters.mails == []


def test_many_mailboxes_are_all_known_and_a_change_meanwhile_is_not_missed(house, notifiers):
    for number in range(2000, 2300):
        house.add(MailboxId(str(number)), email="")
    switch = WrittenSwitch()
    service = notifiers(house.url, 0, house.folder, WallClock(), "a", switch=switch, hosts=(f"default={HOST}",))
    house.leave(MailboxId("2299"), "m1")
    wait_until(lambda: service.ready)
    wait_until(lambda: (f"2299@{HOST}", "1/0 (0/0)") in switch.waiting())
    wait_until(lambda: len({account for account, _ in switch.waiting()}) == 300)
