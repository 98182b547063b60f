"""What it costs: round trips, bytes, and that a large mailbox costs no more than a small one."""

from __future__ import annotations

import random
from contextlib import contextmanager
from uuid import UUID

import pytest
from redis.connection import AbstractConnection
from store_case import ALICE, BOB, message

from esl_vm.model.mailbox import Folder, Greeting, MailboxId, StoredGreeting
from esl_vm.model.message import CallDetails, Caller, new_id
from esl_vm.model.pins import PinCheck
from esl_vm.store.store import Store


@pytest.fixture
def trips(monkeypatch):
    """Counts what is sent to Redis: a command, a script or a pipeline is one round trip."""
    sent = []
    original = AbstractConnection.send_packed_command

    def counting(self, *args, **named):
        sent.append(1)
        return original(self, *args, **named)

    monkeypatch.setattr(AbstractConnection, "send_packed_command", counting)

    @contextmanager
    def counted(expected: int):
        del sent[:]
        yield
        assert len(sent) == expected

    return counted


@pytest.fixture
def warm(real):
    """A mailbox with some messages; connections made, scripts known."""
    real.with_mailbox(name="Alice Martin")
    real.store.pins.change(ALICE, "4711")
    real.leave("a", "b", "c", "d")
    step_by_step(real)
    return real


def step_by_step(case) -> None:
    boxes = case.mailboxes
    boxes.open(ALICE)
    boxes.counts(ALICE)
    boxes.page(ALICE, Folder.NEW, urgent=None, after=None, most=5)
    boxes.heard(ALICE, "a")
    boxes.retire(ALICE, ["a"])
    boxes.move(ALICE, "b", Folder.WORK)
    boxes.delete(ALICE, "c")
    boxes.restore(ALICE, "c")
    boxes.set_greeting(ALICE, Greeting.BUSY, StoredGreeting("g", 1))
    boxes.remove_greeting(ALICE, Greeting.BUSY)
    boxes.count_call(ALICE, 5)
    case.store.pins.check(ALICE, "4711")
    list(case.store.directory.by_keys("default", "627", by_first_name=False))


def test_after_the_pin_is_typed_three_round_trips_open_the_mailbox(warm, trips):
    assert warm.mailboxes.open(ALICE).has_pin  # to know that a PIN is to be asked
    with trips(3):  # whether it is locked, and how it is hashed; the comparison; the mailbox
        assert warm.store.pins.check(ALICE, "4711") is PinCheck.RIGHT
        assert warm.mailboxes.open(ALICE)


def test_leaving_a_message_takes_two(warm, trips):
    with trips(2):
        warm.mailboxes.open(ALICE)
        warm.mailboxes.deliver(ALICE, message("new"))


@pytest.mark.parametrize(
    "step",
    [
        lambda m: m.counts(ALICE),
        lambda m: m.page(ALICE, Folder.NEW, urgent=None, after=None, most=20),
        lambda m: m.page(ALICE, Folder.WORK, urgent=None, after=None, most=20),
        lambda m: m.message(ALICE, "d"),
        lambda m: m.heard(ALICE, "d"),
        lambda m: m.retire(ALICE, ["d"]),
        lambda m: m.move(ALICE, "d", Folder.WORK),
        lambda m: m.delete(ALICE, "d"),
        lambda m: m.restore(ALICE, "d"),
        lambda m: m.set_greeting(ALICE, Greeting.BUSY, StoredGreeting("g9", 1)),
        lambda m: m.remove_greeting(ALICE, Greeting.BUSY),
        lambda m: m.count_call(ALICE, 5),
        lambda m: m.message_ids(ALICE),
    ],
)
def test_each_step_takes_one(warm, trips, step):
    with trips(1):
        step(warm.mailboxes)


def test_a_wrong_pin_takes_two_and_so_does_a_mailbox_that_is_not_there(warm, trips):
    with trips(2):
        warm.store.pins.check(ALICE, "1")
    with trips(2):
        warm.store.pins.check(BOB, "1")


def test_finding_a_name_takes_two(warm, trips):
    with trips(2):
        assert list(warm.store.directory.by_keys("default", "627", by_first_name=False))


def test_a_script_redis_forgot_costs_one_more(warm, trips):
    warm.store.link.run(None, lambda c: c.script_flush())
    with trips(2):
        warm.mailboxes.open(ALICE)
    with trips(1):
        warm.mailboxes.open(ALICE)


def commands(case, action) -> dict[str, int]:
    """How often each command ran inside Redis while something was done, scripts' own included."""
    case.store.link.run(None, lambda c: c.config_resetstat())
    action()
    stats = case.store.link.run(None, lambda c: c.info("commandstats"))
    return {name: facts["calls"] for name, facts in stats.items() if "config" not in name and "info" not in name}


def test_a_mailbox_of_ten_thousand_messages_is_opened_and_paged_like_one_of_thirty(real):
    real.with_mailbox(ALICE).with_mailbox(BOB)
    small, large = real.store.keys.of(ALICE), real.store.keys.of(BOB)
    for keys, many in ((small, 30), (large, 10_000)):
        pipeline = real.store.link.run(None, lambda c: c.pipeline(transaction=False))
        for number in range(many):
            at = 1_700_000_000_000 + number
            score = at - 10**13 if number % 10 == 0 else at
            for folder in (Folder.NEW, Folder.WORK):
                pipeline.zadd(keys.folder(folder), {f"{folder.value}{number}": score})
                pipeline.hset(
                    keys.message(f"{folder.value}{number}"), mapping={"folder": folder.value, "received": "1"}
                )
        pipeline.execute()

    def visit(box: MailboxId) -> None:
        real.mailboxes.open(box)
        for folder in (Folder.NEW, Folder.WORK):
            page = real.mailboxes.page(box, folder, urgent=None, after=None, most=10)
            real.mailboxes.page(box, folder, urgent=None, after=page.places[-1], most=10)
            assert len(page.messages) == 10
        message_id = f"{Folder.NEW.value}1"
        real.mailboxes.heard(box, message_id)
        real.mailboxes.retire(box, [message_id])
        real.mailboxes.delete(box, message_id)
        real.mailboxes.restore(box, message_id)

    visit(ALICE)  # connections and scripts
    visit(BOB)
    assert commands(real, lambda: visit(BOB)) == commands(real, lambda: visit(ALICE))


BOXES = 2000
WITH_MESSAGES = 200
FIRST = ["Alice", "Benoît", "Marie-Ève", "Zoé", "Jean-François", "Luc", "Hélène", "Raphaël", "Noémie", "Guy"]
LAST = [
    "Tremblay",
    "Gagnon",
    "Côté",
    "Bouchard",
    "Lévesque",
    "St-Pierre",
    "Vaillancourt",
    "Roy",
    "Charlebois",
    "Nguyen",
]


def test_bytes_of_a_mailbox_and_of_a_message(real):
    """By MEMORY USAGE, which counts keys too: at most 700 bytes a mailbox, 500 a message, 320 to find it by its call."""
    # Sets of more than 12 members as they are stored in a domain of thousands: not compactly.
    real.store.link.run(None, lambda c: c.config_set("zset-max-ziplist-entries", 12))
    dice = random.Random(1)
    pins = Store(real.store.link, clock=real.clock, offload=lambda _: "x" * 27).pins  # a hash's length without its work
    boxes = [MailboxId(str(100_000 + number)) for number in range(BOXES)]
    for box in boxes:
        name = f"{dice.choice(FIRST)} {dice.choice(LAST)}"
        settings = {"language": "fr", "timezone": "America/Toronto", "email": f"user{box.number}@example.com"}
        real.registry.add(box, {"name": name, **settings})
        pins.change(box, "4711")
    bytes_of = usage(real)
    per_mailbox = (bytes_of("box:") + bytes_of("boxes") + bytes_of("names:")) / BOXES
    assert per_mailbox <= 700

    for box in boxes[:WITH_MESSAGES]:
        for _ in range(10):
            real.clock.passes(seconds=1.25)
            caller = Caller("+15145550100", f"{dice.choice(FIRST)} {dice.choice(LAST)}")
            ids = [str(UUID(int=dice.getrandbits(128))) for _ in range(2)]
            left = message(
                new_id(real.clock.now()),
                real.clock.now(),
                caller=caller,
                duration_ms=dice.randrange(90_000),
                call=CallDetails(*ids, box.number),
            )
            real.mailboxes.deliver(box, left, even_if_full=True)
            real.mailboxes.heard(box, left.id)
    bytes_of = usage(real)
    per_message = (bytes_of("msg:") + bytes_of("folder:")) / (10 * WITH_MESSAGES)
    assert per_message <= 500
    by_its_call = bytes_of("call-ids") / (10 * WITH_MESSAGES)
    assert by_its_call <= 320
    real.store.link.run(None, lambda c: c.config_set("zset-max-ziplist-entries", 128))
    print(f"bytes: {per_mailbox:.0f} a mailbox, {per_message:.0f} a message, {by_its_call:.0f} to find it by its call")


def usage(case):
    def work(client):
        keys = list(client.scan_iter(count=1000))
        pipeline = client.pipeline(transaction=False)
        for key in keys:
            pipeline.memory_usage(key, samples=0)
        return list(zip(keys, pipeline.execute(), strict=True))

    found = case.store.link.run(None, work)
    return lambda kind: sum(size for key, size in found if key.decode().split("}:")[-1].startswith(kind))


def test_all_mailboxes_are_shown_in_two_looks(warm, trips):
    for number in range(60):
        warm.store.registry.add(MailboxId(str(3000 + number)), {"name": f"Box {number}", "maxmsg": "7"})
    with trips(2):
        shown = list(warm.store.registry.overview())
    opened = [warm.mailboxes.open(mailbox.id) for mailbox, _ in shown]
    assert [mailbox for mailbox, _ in shown] == opened
    assert len(shown) == 61
    assert [locked for _, locked in shown] == [0] * 61
    assert len(list(warm.store.registry.overview("elsewhere"))) == 0


def test_a_visit_costs_no_more_where_there_are_aliases_and_an_aliass_one_round_trip_more(warm, trips):
    warm.registry.change(ALICE, {"aliases": "1009,1010"})
    alias = MailboxId("1009")
    warm.mailboxes.enter(alias, 5)
    warm.mailboxes.open(alias)
    warm.mailboxes.enter(alias, 5)
    for box, more in ((ALICE, 0), (alias, 1)):
        with trips(1 + more):
            assert warm.mailboxes.open(box)
        with trips(1 + more):
            assert warm.mailboxes.enter(box, 5)
