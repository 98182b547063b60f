"""A node's own FreeSWITCH over its inbound event socket: it comes back by itself, and nobody waits for ever."""

import logging

import gevent
import pytest
from esl_peer import answer, event, reply
from gevent.server import StreamServer
from support.waiting import eventually

from esl_vm.esl.inbound import MOST_EVENTS, EventSocketSwitch, SwitchSettings
from esl_vm.model.errors import SwitchDownError, UnsafeArgumentError


class FreeSwitch:
    """An inbound event socket: asks for the password, answers commands, writes events when told to."""

    def __init__(self, port: int = 0) -> None:
        self.commands: list[str] = []
        self.password = "ClueCon"
        self.mute = False
        self.greeting = b"Content-Type: auth/request\n\n"
        self.connections = []
        self.server = StreamServer(("127.0.0.1", port), self._connection)
        self.server.start()
        self.port = self.server.address[1]

    def _connection(self, stream, address):
        self.connections.append(stream)
        buffer = b""
        try:
            stream.sendall(self.greeting)
            while data := stream.recv(65536):
                buffer += data
                *blocks, buffer = buffer.split(b"\n\n")
                for block in blocks:
                    self._command(stream, block.decode())
        except OSError:
            pass

    def _command(self, stream, block):
        self.commands.append(block)
        if self.mute:
            return
        if block.startswith("auth "):
            right = block == f"auth {self.password}"
            stream.sendall(reply("+OK accepted" if right else "-ERR invalid"))
        elif block.startswith("api "):
            stream.sendall(answer(f"ran {block[4:]}"))
        else:
            stream.sendall(reply("+OK"))

    def tells(self, data: bytes) -> None:
        self.connections[-1].sendall(data)

    def dies(self) -> None:
        self.server.stop()
        for stream in self.connections:
            stream.close()
        self.connections.clear()


@pytest.fixture
def freeswitch():
    """A FreeSWITCH on a free port."""
    switch = FreeSwitch()
    yield switch
    switch.dies()


@pytest.fixture
def connect():
    """Start clients; they are closed at the end."""
    clients = []

    def start(port, **changes):
        settings = {"password": "ClueCon", "retry_first_s": 0.01, "retry_most_s": 0.05, "connect_s": 2.0}
        client = EventSocketSwitch(SwitchSettings(port=port, **settings | changes))
        client.start()
        clients.append(client)
        return client

    yield start
    for client in clients:
        client.close()


class Listener:
    """Takes events in a greenlet of its own."""

    def __init__(self, client, *names):
        self.events = []
        self.greenlet = gevent.spawn(self._run, client.events(names))

    def _run(self, events):
        for told in events:
            self.events.append(told)


def test_a_command_is_answered(freeswitch, connect):
    client = connect(freeswitch.port)
    assert client.wait_connected(100)
    assert client.api("status") == "ran status"
    assert freeswitch.commands == ["auth ClueCon", "api status"]


def test_many_greenlets_each_get_their_own_answer(freeswitch, connect):
    client = connect(freeswitch.port)
    client.wait_connected(100)
    asking = [gevent.spawn(client.api, f"echo {n}") for n in range(50)]
    gevent.joinall(asking, timeout=100)
    assert [greenlet.value for greenlet in asking] == [f"ran echo {n}" for n in range(50)]


def test_an_event_is_fired(freeswitch, connect):
    client = connect(freeswitch.port)
    client.wait_connected(100)
    assert client.fire("MESSAGE_WAITING", {"MWI-Messages-Waiting": "yes", "MWI-Message-Account": "1001@example.org"})
    assert freeswitch.commands[-1] == (
        "sendevent MESSAGE_WAITING\nMWI-Messages-Waiting: yes\nMWI-Message-Account: 1001@example.org"
    )
    assert client.fire("CUSTOM", {"VM-Action": "mwi-update"}, subclass="vm::maintenance")
    assert freeswitch.commands[-1] == "sendevent CUSTOM\nEvent-Subclass: vm::maintenance\nVM-Action: mwi-update"


def test_a_value_of_several_lines_is_refused_and_nothing_is_sent(freeswitch, connect):
    client = connect(freeswitch.port)
    client.wait_connected(100)
    for attempt in (
        lambda: client.fire("CUSTOM", {"VM-Caller-ID-Name": "Eve\n\nexit"}),
        lambda: client.fire("CUSTOM\n", {}),
        lambda: client.api("status\n\nexit"),
        lambda: client.events(["DTMF\n\nexit"]),
        lambda: client.events(["ALL all all"]),
        lambda: SwitchSettings(password="a\nb"),
    ):
        with pytest.raises(UnsafeArgumentError):
            attempt()
    assert freeswitch.commands == ["auth ClueCon"]


def test_without_a_connection_an_event_is_not_queued_and_a_command_fails(connect):
    client = connect(1)
    assert client.fire("MESSAGE_WAITING", {}) is False
    with pytest.raises(SwitchDownError, match=r"127\.0\.0\.1:1 is not connected"):
        client.api("status")


def test_events_come_after_an_empty_mapping(freeswitch, connect):
    client = connect(freeswitch.port)
    listener = Listener(client, "MESSAGE_QUERY")
    eventually(lambda: listener.events == [{}])
    assert freeswitch.commands == ["auth ClueCon", "event plain MESSAGE_QUERY"]
    freeswitch.tells(event("MESSAGE_QUERY", Message__Account="sip:1001@example.org"))
    eventually(lambda: len(listener.events) == 2)
    assert listener.events[1]["Message-Account"] == "sip:1001@example.org"


def test_each_listener_gets_what_it_asked_for(freeswitch, connect):
    client = connect(freeswitch.port)
    client.wait_connected(100)
    queries, mail = Listener(client, "MESSAGE_QUERY"), Listener(client, "CUSTOM vm::maintenance", "SHUTDOWN")
    eventually(lambda: queries.events == mail.events == [{}])
    assert {"event plain MESSAGE_QUERY", "event plain SHUTDOWN", "event plain CUSTOM vm::maintenance"} <= set(
        freeswitch.commands
    )
    freeswitch.tells(event("MESSAGE_QUERY") + event("CUSTOM", Event__Subclass="vm::maintenance"))
    freeswitch.tells(event("CUSTOM", Event__Subclass="sofia::register") + event("SHUTDOWN") + event("MESSAGE_QUERY"))
    eventually(lambda: len(queries.events) == 3 and len(mail.events) == 3)
    assert [told["Event-Name"] for told in queries.events[1:]] == ["MESSAGE_QUERY", "MESSAGE_QUERY"]
    assert [told["Event-Name"] for told in mail.events[1:]] == ["CUSTOM", "SHUTDOWN"]


def test_the_text_of_an_event_comes_with_it(freeswitch, connect):
    client = connect(freeswitch.port)
    listener = Listener(client, "MESSAGE")
    eventually(lambda: listener.events == [{}])
    body = "Event-Name: MESSAGE\nContent-Length: 5\n\nhello"
    freeswitch.tells(f"Content-Length: {len(body)}\nContent-Type: text/event-plain\n\n{body}".encode())
    eventually(lambda: len(listener.events) == 2)
    assert listener.events[1]["_body"] == "hello"


def test_it_comes_back_after_freeswitch_was_restarted(freeswitch, connect, caplog):
    caplog.set_level(logging.DEBUG)
    client = connect(freeswitch.port)
    listener = Listener(client, "MESSAGE_QUERY")
    eventually(lambda: listener.events == [{}])
    port = freeswitch.port
    freeswitch.dies()
    eventually(lambda: not client.connected)
    assert client.fire("MESSAGE_WAITING", {}) is False
    eventually(lambda: caplog.text.count("refused") >= 3)
    again = FreeSwitch(port)
    try:
        eventually(lambda: listener.events == [{}, {}])
        again.tells(event("MESSAGE_QUERY"))
        eventually(lambda: len(listener.events) == 3)
        assert client.api("status") == "ran status"
    finally:
        again.dies()
    warnings = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warnings) <= 3, "once an outage, not once an attempt"


def test_it_waits_for_a_freeswitch_that_starts_later(connect):
    first = FreeSwitch()
    port = first.port
    first.dies()
    client = connect(port)
    assert not client.wait_connected(0.05)
    later = FreeSwitch(port)
    try:
        assert client.wait_connected(100)
    finally:
        later.dies()


def test_a_wrong_password_is_told_and_never_logged(freeswitch, connect, caplog):
    caplog.set_level(logging.DEBUG)
    client = connect(freeswitch.port, password="S3cret")
    eventually(lambda: "it refuses the password" in caplog.text)
    assert not client.connected
    assert "S3cret" not in caplog.text
    assert "S3cret" not in repr(SwitchSettings(password="S3cret"))


def test_an_address_that_is_not_allowed_is_told(freeswitch, connect, caplog):
    freeswitch.greeting = b"Content-Type: text/rude-rejection\nContent-Length: 24\n\nAccess Denied, go away.\n"
    connect(freeswitch.port)
    eventually(lambda: "its access list refuses this host" in caplog.text)


def test_a_freeswitch_that_does_not_answer_is_given_up_and_tried_again(freeswitch, connect):
    client = connect(freeswitch.port, reply_s=0.05)
    client.wait_connected(100)
    freeswitch.mute = True
    with pytest.raises(SwitchDownError, match="does not answer"):
        client.api("status")
    freeswitch.mute = False
    eventually(lambda: said_by(client) == "ran status")  # a busy machine may be too slow once more


def said_by(client):
    """What an api command is answered, or why it is not."""
    try:
        return client.api("status")
    except SwitchDownError as down:
        return str(down)


def test_those_who_wait_for_an_answer_are_told_when_the_connection_breaks(freeswitch, connect):
    client = connect(freeswitch.port)
    client.wait_connected(100)
    freeswitch.mute = True
    asking = [gevent.spawn(client.api, "status") for _ in range(3)]
    eventually(lambda: len(freeswitch.commands) == 4)
    freeswitch.dies()
    gevent.joinall(asking, timeout=100)
    assert all(isinstance(greenlet.exception, SwitchDownError) for greenlet in asking)


@pytest.mark.parametrize(
    "rubbish", [b"HTTP/1.1 200 OK\r\n\r\n\n\n", b"Content-Type: x\nContent-Length: 99999999999\n\n", reply() * 3]
)
def test_what_is_no_frame_ends_the_connection_and_it_is_made_anew(freeswitch, connect, rubbish):
    client = connect(freeswitch.port)
    client.wait_connected(100)
    freeswitch.tells(rubbish)
    eventually(lambda: len(freeswitch.connections) >= 2)
    eventually(lambda: client.connected)
    assert client.api("status") == "ran status"


def test_a_listener_that_falls_behind_begins_anew(freeswitch, connect, caplog):
    client = connect(freeswitch.port)
    events = client.events(["MESSAGE_QUERY"])
    assert next(events) == {}
    total = MOST_EVENTS + 10
    one = event("MESSAGE_QUERY", Number="1")
    freeswitch.tells(one * total)
    eventually(lambda: client.api("status") and client.unread[0] in range(1, 20))
    assert "fell behind" in caplog.text
    assert next(events) == {}
    assert next(events)["Number"] == "1"


def test_closing_ends_the_listeners(freeswitch, connect):
    client = connect(freeswitch.port)
    listener = Listener(client, "MESSAGE_QUERY")
    eventually(lambda: listener.events == [{}])
    client.close()
    listener.greenlet.join()
    assert listener.greenlet.successful()
    with pytest.raises(SwitchDownError):
        client.api("status")


def test_a_listener_that_stops_is_forgotten(freeswitch, connect):
    client = connect(freeswitch.port)
    events = client.events(["MESSAGE_QUERY"])
    next(events)
    events.close()
    assert client.unread == []


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"password": "other"}, "it refuses the password"),
        (
            {"greeting": b"Content-Type: text/rude-rejection\nContent-Length: 24\n\nAccess Denied, go away.\n"},
            "its access list",
        ),
        ({"greeting": b""}, "it takes connections and says nothing"),
    ],
)
def test_why_it_is_not_connected_is_said(freeswitch, connect, wrong, why):
    for name, value in wrong.items():
        setattr(freeswitch, name, value)
    client = connect(freeswitch.port, retry_first_s=5.0, retry_most_s=5.0, connect_s=0.5)
    eventually(lambda: f"is not connected: {why}" in said_by(client))
