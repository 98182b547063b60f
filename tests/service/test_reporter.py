"""What a node tells administrators elsewhere, and does for them: what doctor finds, what lies in its spool."""

import pytest
from support.ports import free_port
from support.redis_servers import redis_server

from esl_vm.cli.settings_file import load_settings
from esl_vm.model.actor import acting
from esl_vm.model.call import Ended, Recorded
from esl_vm.model.findings import Level, Order, OrderKind
from esl_vm.model.mailbox import MailboxId
from esl_vm.model.message import Caller, Message, new_id
from esl_vm.service.reporter import Reporter
from esl_vm.service.wiring import open_node
from esl_vm.sim.voice import tone
from esl_vm.sound.wav import wave

ALICE = MailboxId("1001")
MARIE = "web administrator:marie 198.51.100.7 5f0c"


class Clock:
    def __init__(self):
        self.time = 1000.0

    def __call__(self):
        return self.time


@pytest.fixture
def node(tmp_path):
    with redis_server() as server:
        given = {"redis.url": server.url, "data_dir": str(tmp_path / "data"), "service.node": "media-1"}
        given["service.listen"] = f"127.0.0.1:{free_port()}"  # where nothing takes calls
        with open_node(load_settings(None, given)) as opened:
            opened.store.cluster.report("media-1", "1", 1, {})
            yield opened


def left_for(node, box):
    """A message whose mailbox is gone by the time its process has died."""
    message = Message(new_id(node.clock.now()), Caller("5145550101"), node.clock.now())
    with acting("phone 5145550101 c1"):
        take = node.spool.take_message([box], message, min_ms=1000, trim_silence=False, threshold=0)
    take.path.write_bytes(wave(tone(2.0).tobytes(), 8000))
    take.recorded(Recorded(2000, Ended.KEY, "#"))
    take.journal.close()
    node.sweeper.sweep_once()
    return take.id


def told(node):
    [report] = node.store.cluster.reports()
    return report


def ask(node, kind, take=""):
    node.store.cluster.order("media-1", Order(kind, take, MARIE))


def test_what_lies_in_the_spool_is_told_delivered_and_erased(node):
    reporter = Reporter(node, None, Clock())
    one, two = left_for(node, ALICE), left_for(node, MailboxId("1002"))
    reporter.step()
    held = {take.id: take for take in told(node).takes}
    assert {(take.state, take.reason) for take in held.values()} == {("aside", "there is no such mailbox")}
    assert held[one].boxes == (str(ALICE),)
    node.store.registry.add(ALICE, {})
    ask(node, OrderKind.SETTLE, one)
    ask(node, OrderKind.DISCARD, two)
    ask(node, OrderKind.SETTLE, "no-such-take")
    reporter.step()
    assert told(node).takes == ()
    assert node.store.mailboxes.counts(ALICE).new == 1
    assert node.store.cluster.orders("media-1") == []


def test_it_looks_now_and_then_and_when_it_is_asked(node):
    clock = Clock()
    reporter = Reporter(node, None, clock)
    reporter.step()
    assert (told(node).at, told(node).findings) == (0.0, ())  # its processes have just been started
    clock.time += 60
    reporter.step()
    first = told(node)
    assert first.at > 0
    assert "service" in {finding.area for finding in first.findings}  # nothing takes calls here
    assert first.findings[0].level is Level.ERROR
    assert all(finding.level is not Level.OK for finding in first.findings)
    clock.time += 20
    reporter.step()
    assert told(node).at == first.at
    ask(node, OrderKind.LOOK)
    reporter.step()
    assert told(node).at > first.at


def test_what_nobody_tells_again_is_over(node):
    Reporter(node, None, Clock()).step()
    from esl_vm.store import keys

    assert 0 < node.store.link.run(None, lambda client: client.ttl(keys.report("media-1"))) <= 120
