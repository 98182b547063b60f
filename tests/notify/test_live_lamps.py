"""Lamps on a real FreeSWITCH: telephones that registered and subscribed are notified as RFC 3842 says, on every node."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import freeswitch_node
import pytest
from freeswitch_node import PASSWORD, FreeSwitch, Listener, Telephone
from house import House
from notify_cast import ALICE, BOB
from support.clocks import WallClock
from support.redis_servers import redis_server
from support.waiting import wait_until

from esl_vm.model.errors import StoreDownError
from esl_vm.model.mailbox import MailboxId

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(bool(freeswitch_node.missing()), reason=freeswitch_node.missing() or "there"),
]
PROGRAM = Path(__file__).with_name("lamp_program.py")
DARK = ("no", "0/0 (0/0)")


@pytest.fixture(scope="module")
def nodes(tmp_path_factory):
    """Two nodes."""
    pair = [FreeSwitch(tmp_path_factory.mktemp(f"node{n}")) for n in (1, 2)]
    try:
        for node in pair:
            node.launch()
        for node in pair:
            node.wait_ready()
        yield pair
    finally:
        for node in pair:
            node.kill()


@pytest.fixture
def house(redis_here, tmp_path):
    house = House(redis_here.url, tmp_path, WallClock())
    house.url = redis_here.url
    house.add(ALICE)
    house.add(BOB)
    yield house
    house.close()


@pytest.fixture
def notifier(house):
    """Starts a notifier beside a node."""
    started = []

    def start(node, reconcile_s=900, house=house):
        log = (house.folder / f"notifier-{len(started)}.log").open("wb")
        process = subprocess.Popen(
            [sys.executable, PROGRAM, house.url, str(node.esl_port), PASSWORD, house.folder, str(reconcile_s)],
            stdout=subprocess.PIPE,
            stderr=log,
        )
        assert process.stdout.readline() == b"ready\n"
        started.append((process, log))
        return process

    yield start
    for process, log in started:
        process.kill()
        process.communicate()
        log.close()


@pytest.fixture
def telephone(tmp_path):
    used = []

    def new(number, node, *host):
        used.append(Telephone(number, node, tmp_path, *host))
        return used[-1]

    yield new
    for phone in used:
        phone.hang_up()


def test_registered_and_subscribed_telephones_follow_leaving_listening_and_deleting(house, nodes, notifier, telephone):
    notifier(nodes[0])
    phones = [telephone("1001", nodes[0]).register(), telephone("1001", nodes[0]).subscribe()]
    other = telephone("1002", nodes[0]).register()
    for phone in (*phones, other):
        phone.shows(*DARK, seconds=10)
    took = []
    house.leave(message_id="m1", seconds=0.2)
    took += [phone.shows("yes", "1/0 (0/0)") for phone in phones]
    house.leave(message_id="m2", seconds=0.2, urgent=True)
    took += [phone.shows("yes", "2/0 (1/0)") for phone in phones]
    house.mailboxes.heard(ALICE, "m1")
    house.mailboxes.retire(ALICE, ["m1"])
    took += [phone.shows("yes", "1/1 (1/0)") for phone in phones]
    house.mailboxes.delete(ALICE, "m2")
    took += [phone.shows("no", "0/1 (0/0)") for phone in phones]
    house.mailboxes.delete(ALICE, "m1")
    took += [phone.shows(*DARK) for phone in phones]
    assert max(took) < 2.0
    assert other.lamp()["Voice-Message"] == "0/0 (0/0)"
    assert len(other.bodies()) < 5, (
        "nobody else is told of five changes"
    )  # its own comes with its registration, and again
    assert "".join(phones[0].bodies()[-1].split("\n")[0]) == "Messages-Waiting: no"


def test_two_nodes_are_both_right(house, nodes, notifier, telephone):
    for node in nodes:
        notifier(node)
    phones = [telephone("1001", node).subscribe() for node in nodes] + [telephone("1001", nodes[1]).register()]
    for phone in phones:
        phone.shows(*DARK, seconds=10)
    house.leave(message_id="m1", seconds=0.2)
    for phone in phones:
        phone.shows("yes", "1/0 (0/0)")


def test_a_telephone_that_comes_later_is_told_at_once(house, nodes, notifier, telephone):
    notifier(nodes[0])
    telephone("1002", nodes[0]).register().shows(*DARK, seconds=10)
    house.leave(message_id="m1", seconds=0.2)
    telephone("1001", nodes[0]).subscribe().shows("yes", "1/0 (0/0)")
    telephone("1001", nodes[0]).register().shows("yes", "1/0 (0/0)", seconds=5)


def test_a_telephone_that_unregistered_and_comes_back_with_the_same_call_id_is_told(house, nodes, notifier, telephone):
    """FreeSWITCH asks for the lamp once a Call-ID, and again for the same one only 30 s later; the notifier sees it come back."""
    notifier(nodes[0])
    other = telephone("1001", nodes[0]).subscribe()
    phone = telephone("1001", nodes[0]).register("same@telephone")
    phone.shows(*DARK, seconds=10)
    phone.register("same@telephone", expires=0)
    house.leave(message_id="m1", seconds=0.2)
    other.shows("yes", "1/0 (0/0)")  # all were told who were there
    phone.register("same@telephone").shows("yes", "1/0 (0/0)", seconds=10)


@pytest.mark.parametrize("way", ["register", "subscribe"])
def test_a_telephone_whose_domain_is_written_in_capitals_has_its_lamp(house, nodes, notifier, telephone, way):
    """Names of hosts are the same in capitals (RFC 4343): PBX.Test is the mailboxes' pbx.test."""
    alice = MailboxId("1001", "pbx.test")
    house.add(alice)
    notifier(nodes[0])
    phone = getattr(telephone("1001", nodes[0], "PBX.Test"), way)()
    wait_until(phone.lamp)
    house.leave(alice, "m1", seconds=0.2)
    phone.shows("yes", "1/0 (0/0)", seconds=10)


def test_a_telephone_that_watches_a_mailbox_shows_it(house, nodes, notifier, telephone):
    house.registry.change(ALICE, {"extensions": "1002"})
    notifier(nodes[0])
    watcher = telephone("1002", nodes[0]).subscribe()
    watcher.shows(*DARK, seconds=10)
    house.leave(message_id="m1", seconds=0.2)
    watcher.shows("yes", "1/0 (0/0)")


def test_a_mailbox_named_like_the_host_has_the_lamp_and_not_the_one_of_the_default_domain(
    house, nodes, notifier, telephone
):
    own = MailboxId("1001", "127.0.0.1")
    house.add(own)
    notifier(nodes[0])
    phone = telephone("1001", nodes[0]).subscribe()
    phone.shows(*DARK, seconds=10)
    house.leave(ALICE, "m1", seconds=0.2)
    house.leave(own, "m2", seconds=0.2)
    house.leave(own, "m3", seconds=0.2)
    phone.shows("yes", "2/0 (0/0)")


def test_after_the_notifier_was_killed_the_next_one_puts_it_right(house, nodes, notifier, telephone):
    first = notifier(nodes[0])
    phone = telephone("1001", nodes[0]).subscribe()
    phone.shows(*DARK, seconds=10)
    first.send_signal(signal.SIGKILL)
    first.wait()
    house.leave(message_id="m1", seconds=0.2)
    notifier(nodes[0])
    phone.shows("yes", "1/0 (0/0)", seconds=10)
    house.leave(message_id="m2", seconds=0.2)
    phone.shows("yes", "2/0 (0/0)")


def test_after_freeswitch_restarted_telephones_that_come_back_are_right(house, nodes, notifier, telephone):
    notifier(nodes[1])
    telephone("1001", nodes[1]).register().shows(*DARK, seconds=10)
    nodes[1].kill()
    house.leave(message_id="m1", seconds=0.2)
    nodes[1].start()
    telephone("1001", nodes[1]).register().shows("yes", "1/0 (0/0)", seconds=10)
    telephone("1001", nodes[1]).subscribe().shows("yes", "1/0 (0/0)", seconds=10)
    house.leave(message_id="m2", seconds=0.2)
    telephone("1001", nodes[1]).subscribe().shows("yes", "2/0 (0/0)", seconds=10)


def test_after_redis_was_killed_and_is_back_lamps_go_on_being_right(nodes, notifier, telephone, tmp_path):
    with redis_server("--appendonly", "yes", "--appendfsync", "always") as server:
        house = House(server.url, tmp_path, WallClock())
        house.url = server.url
        house.add(ALICE)
        notifier(nodes[0], house=house)
        phone = telephone("1001", nodes[0]).subscribe()
        phone.shows(*DARK, seconds=10)
        house.leave(message_id="m1", seconds=0.2)
        server.kill()
        server.start()
        wait_until(lambda: delivered(house, "m2"))
        phone.shows("yes", "2/0 (0/0)", seconds=10)
        house.mailboxes.delete(ALICE, "m1")
        phone.shows("yes", "1/0 (0/0)")
        house.close()


def delivered(house, message_id):
    """Whether Redis is back and took the message."""
    try:
        house.leave(message_id=message_id, seconds=0.2)
    except StoreDownError:
        return False
    return True


def test_a_listener_to_mod_voicemail_s_events_hears_them_from_freeswitch(house, nodes, notifier):
    notifier(nodes[0])
    with Listener(nodes[0].esl_port) as line:
        assert line.ask("event plain CUSTOM vm::maintenance").startswith("+OK")
        house.leave(message_id="m1", seconds=2.0, name='Zoé "Z" Bélanger\r\nVM-Action: forged')
        left, update = line.event(), line.event()
    assert left["Event-Name"] == "CUSTOM"
    assert left["Event-Subclass"] == "vm::maintenance"
    assert left["VM-Action"] == "leave-message"
    assert (left["VM-User"], left["VM-Domain"], left["VM-UUID"]) == ("1001", "default", "m1")
    assert left["VM-Caller-ID-Name"] == 'Zoé "Z" Bélanger VM-Action: forged'
    assert Path(left["VM-File-Path"]).read_bytes().startswith(b"RIFF")
    assert (left["VM-Message-Len"], left["VM-Flags"], left["VM-Folder"]) == ("2", "B_NORMAL", "inbox")
    assert (update["VM-Action"], update["VM-Total-New"]) == ("mwi-update", "1")


def test_a_key_that_watches_a_mailbox_is_lit_while_it_has_new_messages(house, nodes, notifier, telephone):
    notifier(nodes[0])
    keys = [telephone("1001", nodes[0]).watch(), telephone("1001", nodes[0]).watch()]
    other = telephone("1002", nodes[0]).watch()
    for key in (*keys, other):
        wait_until(lambda key=key: key.key() == "dark")
    house.leave(message_id="m1", seconds=0.2)
    for key in keys:
        wait_until(lambda key=key: key.key() == "lit")
    late = telephone("1001", nodes[0]).watch()
    wait_until(lambda: late.key() == "lit")
    house.mailboxes.heard(ALICE, "m1")
    house.mailboxes.retire(ALICE, ["m1"])
    for key in (*keys, late):
        wait_until(lambda key=key: key.key() == "dark")
    assert other.key() == "dark"


def test_a_round_sends_every_lamp_again(house, nodes, notifier, telephone):
    notifier(nodes[0], reconcile_s=1)
    phone = telephone("1001", nodes[0]).subscribe()
    phone.shows(*DARK, seconds=10)
    seen = len(phone.bodies())
    wait_until(lambda: len(phone.bodies()) >= seen + 2)
