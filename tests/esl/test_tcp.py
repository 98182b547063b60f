"""How connections are set up: those of a listener that was prepared, and those that came before it was."""

import pytest
from gevent import socket

from esl_vm.esl.tcp import KEEPALIVE_IDLE_S, UNSENT_MS, prepare


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
