"""The listener FreeSWITCH connects to: every call gets its connect, and none hurts another."""

import contextlib
import gc
import itertools
import logging
import time
from ipaddress import ip_network

import gevent
import pytest
from esl_caller import Caller
from esl_peer import UUID, Pack, described, event
from gevent import socket
from gevent.event import Event
from support.waiting import eventually

from esl_vm.esl.networks import allowed
from esl_vm.esl.pending import GRACE_S
from esl_vm.esl.server import CallServer, ServerSettings
from esl_vm.esl.session import CallSession
from esl_vm.esl.wire import FrameLimits
from esl_vm.esl.worker_load import worker_loads
from esl_vm.model.call import ALL_KEYS
from esl_vm.model.errors import CallerGoneError
from esl_vm.speech.utterance import Prompt


@pytest.fixture
def serve():
    """Start listeners; they are stopped at the end."""
    servers = []

    def start(handle, clock=time.monotonic, **settings):
        stories = []
        [load] = worker_loads(1)
        given = ServerSettings(**settings)
        server = CallServer(("127.0.0.1", 0), handle, Pack(), given, stories.append, load, clock=clock)
        server.stories, server.load = stories, load
        server.start()
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.stop()


class NoAnswers(Caller):
    def takes(self, block):
        if block != "connect":
            self.commands.append(block)


def waits_for_a_key(phone):
    phone.answer()
    phone.wait_key(60_000, ALL_KEYS)


def test_a_call_is_taken_and_handed_back(serve):
    def says_hello(phone):
        phone.answer()
        phone.play((Prompt("hello", "en"),), ALL_KEYS)
        phone.set_variables({"vm_status": "SUCCESS"})

    server = serve(says_hello)
    caller = Caller(server.address, "1007")
    caller.ends()
    assert caller.executed() == ["answer", "playback"]
    given_back = f"api uuid_setvar_multi {caller.uuid} playback_delimiter=;playback_sleep_val=;socket_host=;rtp_manual_rtp_bugs=;playback_terminators="
    assert caller.commands[-3:] == [f"api uuid_setvar_multi {caller.uuid} vm_status=SUCCESS", given_back, "exit"]
    eventually(lambda: server.stories)
    [story] = server.stories
    assert (story.call.caller.number, story.call.destination) == ("1007", "*97")
    assert (story.applications, story.end) == (2, "completed")


def test_pressed_keys_are_counted_and_never_told(serve, caplog):
    caplog.set_level(logging.DEBUG)
    server = serve(lambda phone: [phone.wait_key(60_000, ALL_KEYS) for _ in range(5)])
    caller = Caller(server.address)
    eventually(lambda: server.calls == 1)
    for key in "97#53":
        caller.presses(key)
    caller.ends()
    eventually(lambda: server.stories)
    assert server.stories[0].keys == 5
    assert not [record for record in caplog.records if "97#53" in record.getMessage()]


@pytest.mark.parametrize("cut", [1, 20, 60, 140, -1, -20])
def test_an_event_that_comes_in_pieces_is_noticed_with_its_last_byte(serve, cut):
    """However small the last piece: small pieces wake nobody only while no frame is begun."""
    server = serve(lambda phone: phone.wait_key(60_000, ALL_KEYS))
    caller = Caller(server.address)
    eventually(lambda: any(line.startswith("linger") for line in caller.commands))  # no reply comes between the pieces
    told = event("DTMF", DTMF__Digit="5", Padding="x" * 300)
    caller.writes(told[:cut])
    gevent.sleep(0.02)
    assert server.calls == 1
    caller.writes(told[cut:])
    eventually(lambda: server.stories)
    assert server.stories[0].keys == 1


def test_an_error_in_one_call_ends_that_call_and_no_other(serve, caplog):
    def fails(phone):
        if phone.call.caller.number == "1002":
            raise RuntimeError("a bug")
        waits_for_a_key(phone)

    server = serve(fails)
    good, bad = Caller(server.address, "1001"), Caller(server.address, "1002")
    bad.ends()
    assert f"api uuid_setvar_multi {bad.uuid} vm_status=FAILED;vm_cause=error;vm_handed_back=false" in bad.commands
    assert bad.commands[-1] == "exit"
    assert "a bug" in caplog.text
    assert server.calls == 1
    good.presses("5")
    good.ends()
    eventually(lambda: len(server.stories) == 2)
    assert {story.call.caller.number: story.end for story in server.stories} == {"1001": "completed", "1002": "failed"}


def test_a_freeswitch_that_crashes_ends_its_call_only(serve):
    server = serve(waits_for_a_key)
    good, bad = Caller(server.address, "1001"), Caller(server.address, "1002")
    eventually(lambda: server.calls == 2)
    bad.vanishes()
    eventually(lambda: server.calls == 1)
    assert server.stories[0].call.caller.number == "1002"
    assert "connection" in server.stories[0].end
    good.presses("1")
    good.ends()


def test_a_call_too_many_is_handed_back_and_the_dialplan_told(serve):
    server = serve(waits_for_a_key, max_calls=2)
    held = [Caller(server.address, number) for number in ("1001", "1002")]
    eventually(lambda: server.calls == 2)
    third = Caller(server.address, "1003")
    third.ends()
    refused = "vm_status=FAILED;vm_cause=refused;vm_handed_back=false"
    assert f"api uuid_setvar_multi {third.uuid} {refused}" in third.commands
    assert third.executed() == ["sleep"], "so that it is parked before it is given up"
    assert not any(caller.closed for caller in held)
    held[0].presses("1")
    held[0].ends()
    fourth = Caller(server.address, "1004")
    eventually(lambda: server.calls == 2)
    assert not fourth.closed


def test_a_call_from_elsewhere_is_handed_back(serve, caplog):
    server = serve(waits_for_a_key, allow=(ip_network("192.0.2.0/24"),))
    caller = Caller(server.address)
    caller.ends()
    assert caller.commands[-1] == "exit"
    assert "not in the list of those allowed" in caplog.text
    assert [story.end for story in server.stories] == ["refused"]


@pytest.mark.parametrize(
    ("host", "is_allowed"),
    [
        ("192.0.2.7", True),
        ("192.0.3.7", False),
        ("::ffff:192.0.2.7", True),
        ("fe80::1%eth0", True),
        ("::1", False),
        ("", False),
        ("host", False),
    ],
)
def test_who_is_allowed(host, is_allowed):
    assert allowed(host, (ip_network("192.0.2.0/24"), ip_network("fe80::/10"))) is is_allowed


def test_a_connection_that_says_nothing_is_closed(serve):
    server = serve(waits_for_a_key, connect_s=0.1)
    silent = Caller(server.address, talks=False)
    silent.ends()
    assert server.calls == server.waiting == 0


@pytest.mark.parametrize(
    "data",
    [
        b"Event-Name: CHANNEL_DATA\n" * 100,
        b"Content-Length: 999999999\n\n",
        b"GET / HTTP/1.0\r\n\r\n\n\n",
        b"\0" * 5000,
        b"\n" * 100_000,
        b"Content-Type: command/reply\nReply-Text: +OK\n\n",
        b"Content-Type: text/event-plain\nContent-Length: 10\n\nEvent-Name",
        b"Content-Type: api/response\nContent-Length: 999999\n\n" + b"x" * 900_000,
    ],
)
def test_what_a_stranger_sends_is_no_call(serve, data):
    server = serve(waits_for_a_key, connect_s=0.2, limits=FrameLimits(head=2000, body=1_000_000))
    stranger = Caller(server.address, talks=False)
    with contextlib.suppress(OSError):  # closed while it was still sending
        stranger.writes(data)
    stranger.ends()
    eventually(lambda: server.waiting == 0)
    assert server.stories == []
    caller = taken(server)
    caller.presses("1")
    caller.ends()


def taken(server):
    """A call that is held; on a busy machine one may take as long as a stranger may not."""
    while True:
        caller = Caller(server.address)
        eventually(lambda caller=caller: server.calls or caller.closed)
        if server.calls:
            return caller


def test_before_it_is_a_call_a_connection_may_send_little(serve):
    """What a call may send, times the connections that are none, would be much memory."""
    server = serve(waits_for_a_key)
    stranger = Caller(server.address, talks=False)
    stranger.writes(b"Content-Type: api/response\nContent-Length: 5000\n\n")
    stranger.ends()
    caller = Caller(server.address)
    eventually(lambda: server.calls == 1)
    caller.writes(event("CUSTOM", Padding="x" * 100_000))
    caller.presses("1")
    caller.ends()
    eventually(lambda: server.stories)
    assert server.stories[0].keys == 1


def test_of_many_that_are_no_calls_the_log_tells_a_few_then_how_many(serve, caplog):
    caplog.set_level(logging.INFO)
    clock = [0.0]
    server = serve(waits_for_a_key, lambda: clock[0])

    def a_stranger_comes():
        stranger = Caller(server.address, talks=False)
        eventually(lambda: server.waiting)
        stranger.vanishes()
        eventually(lambda: not server.load.connections)

    for _ in range(15):
        a_stranger_comes()
    assert caplog.text.count("no call from") == 10
    clock[0] = 61.0
    a_stranger_comes()
    assert caplog.text.count("no call from") == 11
    assert "5 more like the last, within 61 s" in caplog.text
    assert "call ? from" not in caplog.text


def test_endless_headers_that_drip_in_end_when_the_time_is_over(serve):
    server = serve(waits_for_a_key, connect_s=0.3)
    stranger = Caller(server.address, talks=False)

    def drips():
        try:
            while True:
                stranger.socket.sendall(b"X-Y: z\n")
                gevent.sleep(0.01)
        except OSError:
            pass

    dripping = gevent.spawn(drips)
    stranger.ends()
    dripping.join()
    assert server.waiting == 0


def test_among_a_crowd_that_says_nothing_a_call_gets_through(serve):
    ever_later = itertools.count().__next__  # everybody has had their time at the next look
    server = serve(waits_for_a_key, ever_later, max_waiting=20, connect_s=30)
    crowd = [Caller(server.address, talks=False) for _ in range(150)]
    eventually(lambda: sum(caller.closed for caller in crowd) >= 130)
    assert server.waiting <= 20
    caller = Caller(server.address)
    eventually(lambda: server.calls == 1)
    more = [Caller(server.address, talks=False) for _ in range(50)]
    eventually(lambda: sum(one.closed for one in crowd + more) >= 180)
    caller.presses("1")
    caller.ends()
    assert server.stories[0].end == "completed"
    for one in crowd + more:
        one.vanishes()


def test_a_freeswitch_that_is_slow_for_a_moment_keeps_its_call_whoever_comes_meanwhile(serve):
    now = [0.0]
    server = serve(waits_for_a_key, lambda: now[0], max_waiting=20, connect_s=30)
    slow = Caller(server.address, talks=False)
    crowd = [Caller(server.address, talks=False) for _ in range(50)]
    eventually(lambda: server.waiting == 20)
    slow.writes(described())
    eventually(lambda: server.calls == 1)
    assert not slow.closed
    late = Caller(server.address)
    before = server.pauses
    eventually(lambda: server.pauses >= before + 3)
    assert not any(one.closed for one in crowd)
    assert server.calls == 1, "the late one waits in the kernel"
    now[0] = GRACE_S
    eventually(lambda: sum(one.closed for one in crowd) >= 20)
    now[0] = 2 * GRACE_S
    eventually(lambda: sum(one.closed for one in crowd) >= 30)
    eventually(lambda: server.calls == 2)
    late.presses("1")
    late.ends()
    for one in [slow, *crowd]:
        one.vanishes()


def test_stopping_lets_running_calls_finish_and_refuses_new_ones(serve):
    server = serve(waits_for_a_key)
    caller = Caller(server.address)
    eventually(lambda: server.calls == 1)
    stopping = gevent.spawn(server.stop, 10)
    gevent.sleep(0)
    with pytest.raises(ConnectionRefusedError):
        Caller(server.address)
    assert not caller.closed
    caller.presses("1")
    caller.ends()
    stopping.join()
    assert stopping.value is True
    assert server.stories[0].end == "completed"


def test_calls_that_do_not_finish_in_time_settle_and_are_handed_back(serve):
    settled = []

    def records(phone):
        try:
            waits_for_a_key(phone)
        finally:
            settled.append(phone.call.uuid)

    server = serve(records)
    caller = Caller(server.address)
    eventually(lambda: server.calls == 1)
    assert server.stop(0.05) is False
    caller.ends()
    assert settled == [caller.uuid]
    assert caller.commands[-1] == "exit"
    assert server.stories[0].end == "cut short"


def test_a_call_that_waited_to_be_accepted_when_it_stopped_is_still_served(serve):
    """Its connection is made as far as FreeSWITCH knows: left alone, the call would stay parked for ever."""
    taken = Event()

    def notes(phone):
        taken.set()

    server = serve(notes, lambda: 0.0, max_waiting=1)
    stranger = Caller(server.address, talks=False)
    eventually(lambda: server.waiting == 1)  # there is no room for another
    waiting = socket.create_connection(server.address)
    stopping = gevent.spawn(server.stop, 5)
    assert waiting.recv(100) == b"connect\n\n"
    waiting.close()
    stranger.vanishes()
    stopping.join()
    assert stopping.value is True


def test_calls_run_side_by_side(serve):
    def three_prompts(phone):
        phone.answer()
        for name in "abc":
            phone.play((Prompt(name, "en"),), "")
        phone.wait_key(60_000, ALL_KEYS)

    server = serve(three_prompts)
    callers = [Caller(server.address, str(number)) for number in range(2000, 2100)]
    eventually(lambda: server.calls == 100 and all(len(caller.executed()) == 4 for caller in callers))
    for caller in callers:
        caller.presses("1")
    eventually(lambda: len(server.stories) == 100)
    assert {story.call.caller.number for story in server.stories} == {caller.number for caller in callers}
    assert server.calls == server.waiting == 0


def test_a_call_that_says_nothing_any_more_ends(serve, monkeypatch):
    """Not by a timer for each wait: the listener looks after its calls, while there are any."""
    monkeypatch.setattr("esl_vm.esl.server.WATCH_S", 0.02)
    monkeypatch.setattr("esl_vm.esl.session.QUIET_S", 0.05)
    server = serve(lambda phone: phone.play((Prompt("long", "en"),), ALL_KEYS))
    caller = NoAnswers(server.address)
    caller.writes(described())
    caller.ends()
    eventually(lambda: server.stories)
    assert server.stories[0].end == "FreeSWITCH does not answer"
    assert any("uuid_exists" in line for line in caller.commands)
    eventually(lambda: not server.watching)


def test_nothing_stays_behind_a_call(serve):
    def sessions():
        gc.collect()
        return [one for one in gc.get_objects() if isinstance(one, CallSession)]

    before = len(sessions())

    def two_prompts(phone):
        phone.play((Prompt("a", "en"),), ALL_KEYS)
        if phone.call.caller.number.endswith("5"):
            raise CallerGoneError("gone")

    server = serve(two_prompts)
    for number in range(3000, 3040):
        Caller(server.address, str(number)).ends()
    eventually(lambda: len(server.stories) == 40 and not server.load.connections)
    assert len(sessions()) == before


def test_the_callers_uuid_is_the_one_freeswitch_told(serve):
    seen = []
    server = serve(lambda phone: seen.append(phone.call.uuid))
    Caller(server.address, "77").ends()
    assert seen == [UUID[:-2] + "77"]
