"""Workers of one service take as many calls each."""

import gevent
import pytest
from esl_caller import Caller
from esl_peer import Pack
from gevent import socket
from support.waiting import eventually

from esl_vm.esl.server import CallServer, ServerSettings
from esl_vm.esl.worker_load import MOST_PENDING, worker_loads
from esl_vm.model.call import ALL_KEYS


def waits_for_a_key(phone):
    phone.answer()
    phone.wait_key(60_000, ALL_KEYS)


def test_who_holds_more_than_another_leaves_a_call_to_it():
    first, second, third = worker_loads(3)
    first.accept(True)
    assert not first.is_higher, "nobody else takes calls yet"
    second.accept(True)
    assert not first.is_higher
    first.add(1)
    assert not first.is_higher, "one more is nothing to wait for"
    first.add(1)
    assert (first.is_higher, second.is_higher) == (True, False)
    third.accept(True)
    third.add(4)
    second.add(1)
    assert (first.is_higher, second.is_higher, third.is_higher) == (False, False, True)
    first.add(100)
    second.add(99)
    third.add(99)
    assert (first.is_higher, third.is_higher) == (False, True)
    first.accept(False)
    second.accept(False)
    first.add(-102)  # its calls end, and it takes no others
    assert not third.is_higher, "it is alone again"


@pytest.fixture
def loads():
    """Of three workers, the third of which has not come yet."""
    return worker_loads(3)


@pytest.fixture
def workers(loads):
    """Two servers on one listener, as two processes have it."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=100)
    servers = []
    for load in loads[:2]:
        own = listener.dup()
        own.setblocking(0)
        servers.append(CallServer(own, waits_for_a_key, Pack(), ServerSettings(connect_s=1000), lambda end: None, load))
        servers[-1].start()
    yield servers
    for server in servers:
        server.stop()
    listener.close()


def held(workers):
    return [server.calls for server in workers]


def test_calls_that_come_together_are_shared(workers):
    callers = [Caller(workers[0].address, str(1000 + number)) for number in range(40)]
    eventually(lambda: sum(held(workers)) == 40)
    assert max(held(workers)) <= 24, held(workers)
    for caller in callers:
        caller.vanishes()


def test_a_worker_whose_calls_have_ended_has_its_share_of_the_next(workers):
    callers = [Caller(workers[0].address, str(1000 + number)) for number in range(10)]
    eventually(lambda: sum(held(workers)) == 10)
    for caller in callers:
        caller.vanishes()
    eventually(lambda: held(workers) == [0, 0])
    callers = []
    for number in range(10):  # one after another, none ends
        callers.append(Caller(workers[0].address, str(2000 + number)))
        eventually(lambda number=number: sum(held(workers)) == number + 1)
        assert abs(workers[0].calls - workers[1].calls) <= 2
    for caller in callers:
        caller.vanishes()


def test_calls_are_taken_when_the_others_do_not(workers, loads):
    """The third worker holds nothing, and takes nothing: it hangs."""
    loads[2].accept(True)
    callers = [Caller(workers[0].address, str(1000 + number)) for number in range(6)]
    eventually(lambda: sum(held(workers)) == 6)
    for caller in callers:
        caller.vanishes()


def test_a_worker_that_stops_is_not_waited_for(workers, loads):
    first, second = workers
    callers = [Caller(first.address, str(1000 + number)) for number in range(4)]
    eventually(lambda: sum(held(workers)) == 4)
    before = second.calls
    stopping = gevent.spawn(first.stop, 5.0)
    gevent.sleep(0)
    late = Caller(second.address, "2000")
    eventually(lambda: second.calls == before + 1)
    assert not loads[1].is_higher
    for caller in [*callers, late]:
        caller.vanishes()
    stopping.join()


def test_a_crowd_of_pending_connections_is_not_left_to_others(workers, loads):
    first, second = workers
    second.stop()
    loads[2].accept(True)  # holds nothing, takes nothing
    strangers = []

    def come(number):
        strangers.extend(Caller(first.address, str(1000 + one), talks=False) for one in range(number))
        eventually(lambda: first.waiting == len(strangers))

    come(MOST_PENDING + 1)
    assert first.pauses >= MOST_PENDING - 2, "each was left to the third for a moment"
    before = first.pauses
    come(100)
    assert first.pauses == before
    for stranger in strangers:
        stranger.vanishes()
