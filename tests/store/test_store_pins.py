"""PINs: hashed, compared and counted; locked for all nodes together."""

from __future__ import annotations

from dataclasses import replace
from threading import current_thread

import fakeredis
import gevent
import pytest
from store_case import ALICE, NOBODY, QUICK, Case

from esl_vm.model.errors import InvalidValueError, NoSuchMailboxError
from esl_vm.model.pins import PinCheck, PinRules
from esl_vm.store import pin_hashes
from esl_vm.store.connect import connect
from esl_vm.store.pin_hashes import Hashers, Scrypt, hash_pin
from esl_vm.store.store import Store

RIGHT, WRONG, LOCKED = PinCheck.RIGHT, PinCheck.WRONG, PinCheck.LOCKED


@pytest.fixture
def alice(case):
    case.with_mailbox()
    case.store.pins.change(ALICE, "4711")
    return case


def test_the_right_one_and_a_wrong_one(alice):
    assert alice.store.pins.check(ALICE, "4711") is RIGHT
    assert alice.store.pins.check(ALICE, "4712") is WRONG


def test_nothing_typed_is_never_right_and_is_no_attempt(alice):
    assert [alice.store.pins.check(ALICE, "") for _ in range(9)] == [WRONG] * 9
    assert alice.store.pins.check(ALICE, "4711") is RIGHT


@pytest.mark.parametrize("outside", [False, True])
def test_a_mailbox_that_is_not_there_is_hashed_counted_and_locked_as_any_other(case, outside):
    case.with_mailbox()
    case.store.pins.change(ALICE, "4711")
    hashed = []

    def run(function):
        hashed.append(1)
        return function()

    pins = Store(case.store.link, clock=case.clock, pin_rules=PinRules(failures=3), pin_cost=QUICK, offload=run).pins
    for box in (NOBODY, ALICE):
        del hashed[:]
        assert [pins.check(box, "1234", outside=outside) for _ in range(5)] == [WRONG] * 3 + [LOCKED] * 2
        assert len(hashed) == 3  # a locked one is asked before the hash, which is dear
        assert case.registry.locked_for(box) == 900
    assert case.happened(NOBODY) == []


def test_a_mailbox_without_a_pin_is_opened_by_none(case):
    case.with_mailbox()
    assert [case.store.pins.check(ALICE, typed) for typed in ("", "0", "1234")] == [WRONG] * 3


def test_a_pin_written_by_hand_opens_nothing(real):
    real.with_mailbox()
    real.store.link.run(None, lambda c: c.hset("vm:{p14}:box:1001@default", "pin", "1234"))
    assert real.store.pins.check(ALICE, "1234") is WRONG
    assert real.mailboxes.open(ALICE).has_pin


class TestLocking:
    def test_after_too_many_even_the_right_one_waits(self, alice):
        assert [alice.store.pins.check(ALICE, "1") for _ in range(3)] == [WRONG] * 3
        assert alice.store.pins.check(ALICE, "4711") is LOCKED
        assert alice.registry.locked_for(ALICE) == 600
        alice.clock.passes(seconds=599)
        assert alice.store.pins.check(ALICE, "4711") is LOCKED
        alice.clock.passes(seconds=1)
        assert alice.registry.locked_for(ALICE) == 0
        assert alice.store.pins.check(ALICE, "4711") is RIGHT

    def test_the_right_one_forgets_the_wrong_ones(self, alice):
        for typed in ("1", "2", "4711", "3", "4"):
            alice.store.pins.check(ALICE, typed)
        assert alice.store.pins.check(ALICE, "4711") is RIGHT

    def test_wrong_ones_long_ago_do_not_count(self, alice):
        for _ in range(5):
            assert alice.store.pins.check(ALICE, "1") is WRONG
            alice.clock.passes(seconds=451)
        assert alice.store.pins.check(ALICE, "4711") is RIGHT

    def test_an_administrator_lifts_it(self, alice):
        for _ in range(3):
            alice.store.pins.check(ALICE, "1")
        alice.registry.unlock(ALICE)
        assert alice.store.pins.check(ALICE, "4711") is RIGHT

    def test_lifting_also_forgets_what_was_counted(self, alice):
        alice.store.pins.check(ALICE, "1")
        alice.store.pins.check(ALICE, "1")
        alice.registry.unlock(ALICE)
        alice.store.pins.check(ALICE, "1")
        assert alice.store.pins.check(ALICE, "4711") is RIGHT

    def test_another_node_counts_along(self, real, real_redis):
        real.with_mailbox()
        real.store.pins.change(ALICE, "4711")
        other = Case(real_redis.url, clock=real.clock)
        for store in (real.store, other.store, real.store):
            store.pins.check(ALICE, "1")
        assert other.store.pins.check(ALICE, "4711") is LOCKED
        other.store.close()


class TestFromOutside:
    def test_is_counted_and_locked_apart(self, alice):
        assert [alice.store.pins.check(ALICE, "1", outside=True) for _ in range(3)] == [WRONG] * 3
        assert alice.store.pins.check(ALICE, "4711", outside=True) is LOCKED
        assert [alice.store.pins.check(ALICE, "1") for _ in range(2)] == [WRONG] * 2
        assert alice.store.pins.check(ALICE, "4711") is RIGHT
        assert alice.store.pins.check(ALICE, "4711", outside=True) is LOCKED
        assert alice.registry.locked_for(ALICE, outside=True) == alice.registry.locked_for(ALICE) == 600
        assert alice.registry.locked_for(ALICE, outside=False) == 0

    def test_and_the_other_way_round(self, alice):
        for _ in range(3):
            alice.store.pins.check(ALICE, "1")
        assert alice.store.pins.check(ALICE, "4711") is LOCKED
        assert alice.store.pins.check(ALICE, "4711", outside=True) is RIGHT

    def test_both_locks_are_lifted_and_it_is_told(self, alice):
        for outside in (False, True):
            for _ in range(3):
                alice.store.pins.check(ALICE, "1", outside=outside)
        alice.registry.unlock(ALICE)
        assert alice.store.pins.check(ALICE, "4711") is RIGHT
        assert alice.store.pins.check(ALICE, "4711", outside=True) is RIGHT
        assert "unlocked" in alice.happened()

    def test_a_pin_its_owner_did_not_choose_is_wrong(self, alice):
        alice.store.pins.change(ALICE, "1234", initial=True)
        assert alice.store.pins.check(ALICE, "1234", outside=True) is WRONG
        assert alice.store.pins.check(ALICE, "1234") is RIGHT
        assert alice.store.events.tail(2, box=ALICE)[0].details == {"from": "", "outside": "yes", "why": "initial PIN"}

    @pytest.mark.parametrize("pin", ["1234", "1001"])
    def test_nor_one_that_no_owner_can_have_chosen(self, alice, pin):
        alice.store.pins.change(ALICE, pin)  # as an import brings it
        assert alice.store.pins.check(ALICE, pin, outside=True) is WRONG
        assert alice.store.pins.check(ALICE, pin) is RIGHT

    def test_unless_the_rules_allow_it(self, case):
        case = Case(fakeredis.FakeRedis(), rules=PinRules(initial_from_outside=True)).with_mailbox()
        case.store.pins.change(ALICE, "1234", initial=True)
        assert case.store.pins.check(ALICE, "1234", outside=True) is RIGHT


class TestSlowingDown:
    RULES = PinRules(failures=9, slow_after=2, slow_most_s=4)

    def test_an_attempt_waits_longer_the_more_were_wrong(self):
        case = Case(fakeredis.FakeRedis(), rules=self.RULES).with_mailbox()
        case.store.pins.change(ALICE, "4711")
        waited = []
        for _ in range(6):
            case.store.pins.check(ALICE, "1", outside=True, rest=waited.append)
        case.store.pins.check(ALICE, "1", rest=waited.append)  # its own telephone is not slowed down by others
        assert waited == [1000, 2000, 4000, 4000]
        case.clock.passes(seconds=901)
        case.store.pins.check(ALICE, "4711", outside=True, rest=waited.append)
        assert len(waited) == 4

    def test_never_where_it_is_switched_off(self):
        assert PinRules(slow_after=1, slow_most_s=0).pause_ms(9) == 0


def test_hashing_has_threads_of_its_own(monkeypatch):
    monkeypatch.setattr(pin_hashes.monkey, "is_module_patched", lambda _: True)
    hashers = Hashers()
    assert hashers(lambda: current_thread().name) != current_thread().name
    assert hashers.threads is not gevent.get_hub().threadpool
    assert hashers.threads.maxsize == 2
    hashers.threads.kill()


class TestChanging:
    def test_the_new_one_counts_on_a_node_that_knew_the_old_one(self, real, real_redis):
        real.with_mailbox()
        real.store.pins.change(ALICE, "4711")
        other = Case(real_redis.url, clock=real.clock)
        assert other.store.pins.check(ALICE, "4711") is RIGHT
        real.store.pins.change(ALICE, "0815")
        assert other.store.pins.check(ALICE, "4711") is WRONG
        assert other.store.pins.check(ALICE, "0815") is RIGHT
        other.store.close()

    def test_an_initial_one_is_marked_until_its_owner_chooses(self, alice):
        alice.store.pins.change(ALICE, "1234", initial=True)
        assert alice.mailboxes.open(ALICE).pin_is_initial
        alice.store.pins.change(ALICE, "4711")
        assert not alice.mailboxes.open(ALICE).pin_is_initial

    def test_none_is_asked_after_taking_it_away(self, alice):
        alice.store.pins.change(ALICE, "")
        assert not alice.mailboxes.open(ALICE).has_pin

    def test_no_mailbox(self, case):
        with pytest.raises(NoSuchMailboxError):
            case.store.pins.change(NOBODY, "4711")

    @pytest.mark.parametrize("pin", ["12a4", "١٢٣٤", "-123", "1" * 33, " 1234"])
    def test_what_is_no_pin_is_refused_and_not_repeated(self, pin):
        case = Case(fakeredis.FakeRedis()).with_mailbox()
        with pytest.raises(InvalidValueError) as refused:
            case.store.pins.change(ALICE, pin)
        assert pin.strip() not in str(refused.value)

    def test_two_mailboxes_with_the_same_pin_have_different_hashes_in_a_compact_field(self, real):
        real.with_mailbox()
        stored = []
        for _ in range(2):
            Store(real.store.link, pin_cost=Scrypt()).pins.change(ALICE, "4711")
            stored.append(real.store.link.run(None, lambda c: c.hget("vm:{p14}:box:1001@default", "pin")).decode())
        assert stored[0] != stored[1]
        assert all(word.startswith("scrypt$16384$8$1$") and len(word) <= 64 for word in stored)


def test_what_happened_is_told_without_the_pin(alice):
    alice.store.pins.check(ALICE, "4711", "1001")
    for _ in range(3):
        alice.store.pins.check(ALICE, "5678", "5145550100")
    assert alice.happened() == ["box-added", "pin-changed", "login", *["login-failed"] * 3, "locked"]
    told = alice.store.events.tail(9, box=ALICE)
    assert told[2].details == {"from": "1001"}
    assert told[-1].details["from"] == "5145550100"
    assert float(told[-1].details["until"]) == alice.clock.now() + 600
    shown = str([replace(event, id="") for event in told])  # an id is a time of Redis' and may hold any digits
    assert "4711" not in shown
    assert "5678" not in shown


def test_the_hash_never_leaves_redis(real, real_redis):
    real.with_mailbox()
    real.store.pins.change(ALICE, "4711")
    stored = real.store.link.run(None, lambda c: c.hget("vm:{p14}:box:1001@default", "pin")).decode()
    seen = []
    link = connect(real_redis.url)
    original = link.script

    def listening(*args, **named):
        reply = original(*args, **named)
        seen.append(repr(reply))
        return reply

    link.script = listening
    store = Store(link, clock=real.clock, pin_cost=QUICK)
    store.mailboxes.open(ALICE)
    assert store.pins.check(ALICE, "4711") is RIGHT
    assert "pin" not in store.registry.fields(ALICE)
    assert seen
    assert not any(stored.rpartition("$")[2] in reply for reply in seen)
    store.close()


@pytest.mark.parametrize(
    "how", ["", "plain", "scrypt$3$8$1$abcdefgh", "scrypt$1048576$64$9$abcdefgh", "scrypt$0$8$1$abcdefgh"]
)
def test_a_way_of_hashing_that_makes_no_sense_is_refused(how):
    with pytest.raises(InvalidValueError):
        hash_pin("1234", how)


def test_hashing_costs_what_it_should():
    assert Scrypt().new_salt().startswith("scrypt$16384$8$1$")  # RFC 7914's for interactive use, 16 MiB
    assert hash_pin("1234", "scrypt$16384$8$1$abcdefghijklmnop") == "52JJ4v5cTMLmKgiWHFlEWKzSz1Q"
