"""How a node is, in good days and bad ones; and the cluster's list of nodes."""

import logging
import time
import urllib.error
import urllib.request
from types import SimpleNamespace

import gevent
import pytest
from gevent import socket
from seeing import a_counted_call, a_snapshot

from esl_vm.cli.settings_file import load_settings
from esl_vm.model.cluster import ClusterState
from esl_vm.model.errors import SpoolError, StoreDownError
from esl_vm.model.findings import Level
from esl_vm.model.mailbox import MailboxId
from esl_vm.model.pins import PinCheck
from esl_vm.ops import web
from esl_vm.ops.check_cluster import check_cluster
from esl_vm.ops.heartbeat import Heartbeat
from esl_vm.ops.metrics import Metrics
from esl_vm.ops.snapshot import Looker
from esl_vm.ops.web import MOST_AT_ONCE, StatusPages
from esl_vm.service.process import count
from esl_vm.service.wiring import open_node


class Spool:
    """Takes as they are given."""

    def __init__(self, folder, *takes):
        self._takes = takes
        self.folder = SimpleNamespace(takes=folder, make_ready=lambda: None)
        self.wrong = None

    def takes(self):
        if self.wrong:
            raise self.wrong
        return iter(self._takes)


def take(state, age_s):
    return SimpleNamespace(state=state, age_s=age_s)


@pytest.fixture
def looker(tmp_path):
    """What looks at a node on which everything is well unless said otherwise."""

    def make(*, spool=None, state=None, workers=lambda: 2, **more):
        state = state or (lambda: ClusterState(locked=1, jobs={"mail": 2, "webhook": 0, "dead": 0}, nodes=3))
        node = SimpleNamespace(
            settings=SimpleNamespace(service=SimpleNamespace(node="node-1")),
            clock=SimpleNamespace(now=lambda: 1000.0, skew=0.0),
            spool=spool or Spool(tmp_path),
            cache=SimpleNamespace(folder=tmp_path / "cache"),
            store=SimpleNamespace(cluster=SimpleNamespace(state=state)),
        )
        counted = {"esl_vm_workers": workers, "esl_vm_calls_running": lambda: 7}
        metrics = SimpleNamespace(value=lambda name: counted[name]())
        notifier, switch = SimpleNamespace(lamp_wait_s=0.5), SimpleNamespace(connected=True)
        return Looker(node, metrics, notifier, switch, **more)

    return make


def test_a_node_in_good_days(looker):
    state = looker().look()
    assert state.not_ready == []
    assert (state.cluster.locked, state.cluster.nodes, state.calls, state.lamp_wait_s) == (1, 3, 7, 0.5)
    assert state.spool_free > 0


def test_only_what_waits_makes_the_spool_old(looker, tmp_path):
    spool = Spool(tmp_path, take("recording", 900), take("aside", 9000), take("waiting", 40), take("unfinished", 50))
    state = looker(spool=spool).look()
    assert state.takes == {"recording": 1, "aside": 1, "waiting": 1, "unfinished": 1}
    assert state.oldest_take_s == 50


def test_everything_broken_is_told_at_once(looker, tmp_path):
    def away():
        raise StoreDownError("Redis at redis://r:1: can't be reached")

    spool = Spool(tmp_path)
    spool.wrong = SpoolError("the folder can't be written")
    state = looker(state=away, spool=spool, workers=lambda: 0).look()
    assert state.not_ready == [
        "redis: Redis at redis://r:1: can't be reached",
        "spool: the folder can't be written",
        "workers: none takes calls",
    ]


def test_asking_often_costs_one_look(looker):
    looks, at = [], [0.0]
    look = looker(workers=lambda: looks.append(1) or 3, fresh_s=2.0, clock=lambda: at[0])
    for at[0] in (0.0, 1.0, 1.9, 2.1, 2.2):
        look.look()
    assert len(looks) == 2


def test_the_cache_is_measured_once_a_minute(looker, tmp_path):
    folder = tmp_path / "cache" / "ab"
    folder.mkdir(parents=True)
    (folder / "one.wav").write_bytes(b"x" * 100)
    (folder / ".part").write_bytes(b"x" * 50)
    at = [0.0]
    look = looker(clock=lambda: at[0])
    assert (look.look().cache_bytes, look.look().cache_files) == (100, 1)
    (folder / "two.wav").write_bytes(b"x" * 10)
    at[0] = 30.0
    assert look.look().cache_files == 1
    at[0] = 61.0
    assert (look.look().cache_bytes, look.look().cache_files) == (110, 2)


# -- the pages ------------------------------------------------------------------------------------


@pytest.fixture
def pages():
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    state = {"now": a_snapshot()}
    metrics = Metrics()
    a_counted_call(metrics)
    served = StatusPages(listener, lambda: state["now"], lambda: metrics.exposition(lambda: state["now"]))
    served.start()
    served.state = state
    yield served
    served.stop()


def get(pages, path):
    host, port = pages.address

    def ask():
        try:
            with urllib.request.urlopen(f"http://{host}:{port}{path}", timeout=100) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as wrong:
            return wrong.code, wrong.read().decode()

    return gevent.get_hub().threadpool.apply(ask)


def test_a_node_that_is_not_ready_says_why_and_stays_alive(pages):
    assert get(pages, "/readyz") == (200, "ok\n")
    pages.state["now"] = a_snapshot(cluster=None, redis_wrong="no answer in time")
    assert get(pages, "/readyz") == (503, "redis: no answer in time\n")
    assert get(pages, "/healthz") == (200, "ok\n")
    assert "esl_vm_redis_up 0.0" in get(pages, "/metrics")[1]


def test_an_error_in_a_page_is_told_and_the_next_one_is_served(pages, caplog):
    good = pages.state.pop("now")
    caplog.set_level(logging.ERROR)
    assert get(pages, "/metrics") == (500, "see the log\n")
    assert "KeyError" in caplog.text
    pages.state["now"] = good
    assert get(pages, "/metrics")[0] == 200


@pytest.mark.parametrize(
    "half", [b"", b"GET /heal", b"GET /healthz HTTP/1.1\r\nHost: a\r\n", b"GET /metrics HTTP/1.1\r\n\r\n"]
)
def test_those_who_send_half_a_request_keep_nobody_out(pages, half, monkeypatch):
    monkeypatch.setattr(web, "ARRIVAL_S", 3600.0)  # so nobody waits for the end of their time
    lines = [socket.create_connection(pages.address) for _ in range(3 * MOST_AT_ONCE)]
    for line in lines:
        line.sendall(half)
    for _ in range(5):
        assert get(pages, "/healthz") == (200, "ok\n")
    for line in lines:
        line.close()


def test_half_a_request_is_waited_for_as_long_as_the_constant_says(pages, monkeypatch):
    monkeypatch.setattr(web, "ARRIVAL_S", 0.2)
    with socket.create_connection(pages.address) as line:
        line.sendall(b"GET /healthz HTTP/1.1\r\n")
        began = time.monotonic()
        assert line.recv(100) == b""
        assert time.monotonic() - began > 0.1


# -- the list of nodes ----------------------------------------------------------------------------


def test_a_node_is_in_the_list_until_it_leaves_it(make_store):
    store = make_store()
    beat = Heartbeat(store.cluster, lambda: a_snapshot(calls=5), Metrics(), listens="127.0.0.1:8084")
    beat.beat()
    [node] = store.cluster.nodes()
    assert (node.name, node.alive, node.schema) == ("node-1", True, 1)
    assert (node.fields["calls"], node.fields["listen"], node.fields["ready"]) == ("5", "127.0.0.1:8084", "yes")
    assert store.cluster.state().nodes == 1
    beat.stop()
    assert store.cluster.nodes() == []


def test_a_service_that_was_reloaded_stays_in_the_list_when_the_former_one_ends(make_store):
    store = make_store()
    former, new = (Heartbeat(store.cluster, a_snapshot, Metrics(), listens="", clock=lambda at=at: at) for at in (1, 2))
    former.beat()
    new.beat()
    former.beat()  # what it has begun takes longer
    former.stop()
    assert [node.alive for node in store.cluster.nodes()] == [True]
    new.stop()
    assert store.cluster.nodes() == []


def test_a_node_that_died_is_missed_for_a_day(make_store, clock):
    store = make_store()
    store.cluster.report("node-1", "1.0", 1, {})
    store.link.run(None, lambda client: client.delete("vm:{nodes}:node-1"))  # as its expiry does
    clock.at += 31
    [node] = store.cluster.nodes()
    assert (node.name, node.alive) == ("node-1", False)
    assert store.cluster.state().nodes == 0
    clock.at += 86400
    store.cluster.report("node-2", "1.0", 1, {})
    assert [one.name for one in store.cluster.nodes()] == ["node-2"]


def test_its_hash_expires(make_store):
    store = make_store()
    store.cluster.report("node-1", "1.0", 1, {})
    assert 0 < store.link.run(None, lambda client: client.ttl("vm:{nodes}:node-1")) <= 30


def test_a_heartbeat_outlives_redis():
    def away(*_):
        raise StoreDownError("away")

    nodes = SimpleNamespace(tell=away, leave=away)
    beat = Heartbeat(nodes, a_snapshot, Metrics(), listens="")
    beat.start()
    gevent.sleep(0)
    beat.stop()  # raises nothing


# -- doctor ---------------------------------------------------------------------------------------


@pytest.fixture
def node(redis_url, make_store, tmp_path):
    make_store()
    given = {"redis.url": redis_url, "data_dir": str(tmp_path / "data"), "service.node": "node-1"}
    with open_node(load_settings(None, given)) as opened:
        yield opened


def said(node, level):
    return [finding.said for finding in check_cluster(node) if finding.level is level]


def test_doctor_is_content_with_one_version_on_all_nodes(node):
    from esl_vm import __version__

    for name in ("node-1", "node-2", "node-3"):
        node.store.cluster.report(name, __version__, 1, {"ready": "yes", "freeswitch": "up"})
    assert said(node, Level.ERROR) == said(node, Level.WARNING) == []
    assert f"3 nodes are alive, version {__version__}" in said(node, Level.OK)


def test_doctor_finds_what_is_wrong_with_nodes(node):
    cluster = node.store.cluster
    cluster.report("node-2", "0.0.1", 1, {"ready": "redis: slow", "freeswitch": "up"})
    cluster.report("node-3", "0.0.1", 1, {"ready": "yes", "freeswitch": "down"})
    cluster.report("node-4", "0.0.1", 1, {})
    node.store.link.run(None, lambda client: client.delete("vm:{nodes}:node-4"))
    cluster.report("node-5", "0.0.1", 1, {"ready": "yes"})
    node.store.link.run(None, lambda client: client.hset("vm:{nodes}:node-5", "at", str(node.clock.now() + 3600)))
    errors, warnings = "\n".join(said(node, Level.ERROR)), "\n".join(said(node, Level.WARNING))
    assert "node-2 is not ready: redis: slow" in errors
    assert "node-3 does not reach its FreeSWITCH" in errors
    assert "node-4 has not reported for" in errors
    assert "node-5's clock is +36" in warnings or "node-5's clock is +35" in warnings
    assert "several versions" in warnings
    assert "no service of this node (node-1)" in warnings


# -- what the stores tell -------------------------------------------------------------------------


def test_the_stores_count_what_they_do(node):
    metrics = Metrics()
    count(node, metrics)
    node.add_mailbox(MailboxId("1001"), {}, "4821")
    assert node.store.pins.check(MailboxId("1001"), "0000") is PinCheck.WRONG
    assert node.store.pins.check(MailboxId("1001"), "4821") is PinCheck.RIGHT
    node.cache.fetch("a-1", lambda: b"RIFF")
    node.cache.fetch("a-1", lambda: b"RIFF")
    assert metrics.value("esl_vm_pin_checks_total", {"result": "right"}) == 1
    assert metrics.value("esl_vm_pin_checks_total", {"result": "wrong"}) == 1
    assert metrics.value("esl_vm_audio_cache_requests_total", {"result": "hit"}) == 1
    assert metrics.value("esl_vm_audio_cache_requests_total", {"result": "miss"}) == 1
    assert metrics.value("esl_vm_redis_seconds_count") >= 4
