"""Real connections: how they are set up, before their listener was prepared and after it; and how a wait on one ends."""

import re

import gevent
import pytest
from esl_peer import DISCONNECT, answer, described, event, reply
from gevent import socket

from esl_vm.esl.commands import command
from esl_vm.esl.session import CallSession
from esl_vm.esl.tcp import KEEPALIVE_IDLE_S, UNSENT_MS, prepare
from esl_vm.model.errors import CallerGoneError


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


def options(stream):
    asked = ("TCP_NODELAY", "TCP_KEEPIDLE", "TCP_USER_TIMEOUT")
    found = [stream.getsockopt(socket.IPPROTO_TCP, getattr(socket, name)) for name in asked]
    return [bool(stream.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)), bool(found[0]), *found[1:]]


PREPARED = [True, True, KEEPALIVE_IDLE_S, UNSENT_MS]


def test_a_prepared_listener_gives_its_connections_all_it_has(listener):
    prepare(listener)
    with socket.create_connection(listener.getsockname()), listener.accept()[0] as accepted:
        assert options(accepted) == PREPARED


def test_a_connection_that_came_before_the_listener_was_prepared_is_prepared_itself(listener):
    with socket.create_connection(listener.getsockname()):
        prepare(listener)
        with listener.accept()[0] as accepted:
            assert options(accepted) != PREPARED
            prepare(accepted)
            assert options(accepted) == PREPARED


def test_a_wait_without_end_ends_when_another_closes_the_connection(listener):
    """The listener's watcher gives up a call whose FreeSWITCH does not answer: its own greenlet waits for an application."""
    with socket.create_connection(listener.getsockname()) as far:
        accepted, address = listener.accept()
        session = CallSession(address, socket.socket(fileno=accepted.detach()))  # gevent's, as the service has it
        far.sendall(described())
        session.connect(5)
        session.begin("playback", "/p/hello.wav")
        waiting = gevent.spawn(session.finish)
        gevent.sleep(0)
        session.stop()
        with pytest.raises(CallerGoneError), gevent.Timeout(100):
            waiting.get()


def test_a_farewell_wakes_the_service_once(listener):
    """The answers to the last commands, the notice and the end come one after the other: only the end is waited for."""
    farewell = 3 * answer("+OK\n") + reply("+OK bye") + DISCONNECT
    with socket.create_connection(listener.getsockname()) as far:
        accepted, address = listener.accept()
        stream = socket.socket(fileno=accepted.detach())
        session = CallSession(address, stream)
        far.sendall(described())
        session.connect(5)
        asking = gevent.spawn(session.ask, ["linger"])
        far.sendall(reply() * 5)
        asking.get(timeout=100)
        session.begin("playback", "/p/hello.wav")
        asked = b""
        while not (named := re.search(rb"Event-UUID: (\S+)\n\n", asked)):
            asked += far.recv(65536)
        far.sendall(reply() + event("CHANNEL_EXECUTE_COMPLETE", Application__UUID=named[1].decode()))
        session.finish()
        session.hold(command("api uuid_setvar a vm_status SUCCESS") * 2, 2)
        leaving = gevent.spawn(session.hand_back, 5)
        while b"exit\n\n" not in far.recv(65536):
            pass
        assert stream.getsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT) > len(farewell)
        far.sendall(farewell)
        far.shutdown(socket.SHUT_WR)
        leaving.get(timeout=100)
        assert session.gone == "FreeSWITCH ended the session"
