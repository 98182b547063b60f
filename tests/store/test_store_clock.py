"""Nodes whose clocks are wrong: what they share goes by Redis' time, so nothing is erased, lifted or dropped."""

import time

import pytest
from store_case import ALICE, QUICK, message
from support.redis_servers import redis_cluster

from esl_vm.model.cluster import NodeState, redis_clock_is_right
from esl_vm.model.errors import StoreDownError
from esl_vm.model.mailbox import Folder, Greeting, MailboxId, StoredGreeting
from esl_vm.model.message import new_id
from esl_vm.model.options import MailboxOptions
from esl_vm.model.pins import PinCheck, PinRules
from esl_vm.store.clock import SharedClock
from esl_vm.store.connect import connect
from esl_vm.store.store import Store

DAY = 86400
WRONG = {"40 days ahead": 40 * DAY, "two days behind": -2 * DAY, "an hour back": -3600}


def node(url: str, skew_s: float = 0.0) -> Store:
    """The store as a node has it whose host's clock is so many seconds ahead."""
    return Store(
        connect(url),
        clock=SharedClock(wall=lambda: time.time() + skew_s),
        defaults=MailboxOptions(retention_days=30, trash_days=14),
        pin_rules=PinRules(failures=3, window_s=900, lock_s=600),
        pin_cost=QUICK,
    )


@pytest.fixture(scope="module")
def cluster():
    with redis_cluster() as started:
        yield started


@pytest.fixture(params=["single", "cluster"])
def url(request, real_redis):
    redis_url = real_redis.url if request.param == "single" else request.getfixturevalue("cluster").url
    connect(redis_url).run(None, lambda client: client.flushall())
    return redis_url


@pytest.fixture(params=WRONG.values(), ids=WRONG)
def skew_s(request):
    return request.param


def everything(store: Store) -> dict[Folder, list[str]]:
    return store.mailboxes.message_ids(ALICE)


def test_housekeeping_of_a_node_with_a_wrong_clock_erases_and_trims_nothing(url, skew_s):
    right, wrong = node(url), node(url, skew_s)
    right.registry.add(ALICE, {"name": "Alice"})
    for name in ("kept", "deleted"):
        right.mailboxes.deliver(ALICE, message(name, time.time()))
    right.mailboxes.delete(ALICE, "deleted")
    before, events = everything(right), len(right.events.tail(100))

    assert wrong.housekeeping.sounds_to_erase() == []
    assert [part for part in wrong.housekeeping.purge() if part.erased or part.to_trash] == []
    assert wrong.events.trim(30 * DAY) == 0

    assert everything(right) == before
    assert len(right.events.tail(100)) == events


def test_a_lock_is_as_long_for_every_node(url, skew_s):
    right, wrong = node(url), node(url, skew_s)
    right.registry.add(ALICE, {}, pin_hash=right.pins.hashed("4821"))
    for _ in range(3):
        wrong.pins.check(ALICE, "0000")
    for each in (right, wrong):
        assert 590 <= each.registry.locked_for(ALICE) <= 602
        assert each.pins.check(ALICE, "4821") is PinCheck.LOCKED


def test_calls_of_a_day_are_counted_by_one_clock(url, skew_s):
    right, wrong = node(url), node(url, skew_s)
    for box in (ALICE, MailboxId("1003")):
        right.registry.add(box, {})
        day = time.gmtime().tm_yday
        counted = [each.mailboxes.count_call(box, 2) for each in (right, wrong, wrong, right)]
        if time.gmtime().tm_yday == day:
            break  # at midnight they are counted once more
    assert counted == [True, True, False, False]


def test_ids_begin_with_the_same_time_whichever_node_makes_them(url, skew_s):
    right, wrong = node(url), node(url, skew_s)
    for each in (right, wrong):
        began = time.time()
        each.verify()
        made = int(new_id(each.clock.now()).partition("-")[0], 16) / 1000
        took = time.time() - began  # the clock is known as well as that
        assert made == pytest.approx(began, abs=2 * took + 0.01)


def test_a_greeting_of_a_node_with_a_wrong_clock_is_in_force(url, skew_s):
    wrong = node(url, skew_s)
    wrong.registry.add(ALICE, {})
    for place in range(2):
        wrong.mailboxes.set_greeting(ALICE, Greeting.NAME, StoredGreeting(f"sound-{place}", 1000))
    assert node(url).mailboxes.open(ALICE).greetings[Greeting.NAME].audio_id == "sound-1"


def test_how_far_a_clock_is_off_is_known_said_once_and_ends_housekeeping_beyond_a_minute(real_redis, caplog):
    ahead = node(real_redis.url, 3600)
    assert ahead.clock.skew == 0  # nobody was asked yet
    began = time.time()
    ahead.verify()
    ahead.verify()
    assert ahead.clock.skew == pytest.approx(3600, abs=1 + time.time() - began)
    assert not ahead.clock.may_keep_house
    said = [record.message for record in caplog.records if "ahead of Redis' clock" in record.message]
    assert len(said) == 1
    assert "no housekeeping" in said[0]
    near = node(real_redis.url, -50)
    near.verify()
    assert near.clock.may_keep_house


class Told:
    """A Redis that says what time it is."""

    at = 1_000_000.0

    def time(self):
        return int(self.at), 0


def test_a_host_whose_clock_is_set_meanwhile_goes_on_by_what_has_passed():
    wall, passed = [1_000_100.0], [50.0]
    clock = SharedClock(lambda: wall[0], lambda: passed[0])
    assert clock.now() == 1_000_100.0
    clock.measure(Told())
    assert clock.now() == 1_000_000.0
    wall[0] -= 3600
    passed[0] += 5
    assert clock.now() == 1_000_005.0
    assert not clock.stale
    passed[0] += 61
    assert clock.stale


def test_without_redis_the_time_is_the_hosts_and_then_what_was_measured(tmp_path):
    away = node(f"unix:{tmp_path}/nobody")
    with pytest.raises(StoreDownError):
        away.mailboxes.count_call(ALICE, 1)
    assert time.time() - 60 < away.clock.now() <= time.time()


def told(*skews: str, alive: bool = True) -> list[NodeState]:
    return [NodeState(f"n{place}", 0.0, alive, "1", 1, {"clock_skew_s": skew}) for place, skew in enumerate(skews)]


def test_where_most_nodes_disagree_with_redis_clock_it_is_redis_clock_that_is_wrong():
    month = str(-40 * DAY)
    assert redis_clock_is_right([])
    assert redis_clock_is_right(told("0.0"))
    assert redis_clock_is_right(told("0.2", month))
    assert redis_clock_is_right(told("-59.9", "3", month))
    assert not redis_clock_is_right(told(month, "0.0", month))
    assert redis_clock_is_right([*told("0"), *told(month, month, alive=False)])
    assert redis_clock_is_right([NodeState("old", 0.0, True, "0.1.0", 1), *told(month)])
