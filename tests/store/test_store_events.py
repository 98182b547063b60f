"""What happened: the streams, read by one who wants all of it, and shared by many."""

from __future__ import annotations

import threading

import pytest
from store_case import ALICE, BOB, Case
from support.redis_servers import redis_server
from support.waiting import wait_until

from esl_vm.model.events import EventType
from esl_vm.store.records import pack_payload, unpack_payload


@pytest.fixture
def two(case):
    return case.with_mailbox().with_mailbox(BOB)


def whats(events):
    return [(event.box, event.what.value) for event in events]


class TestReading:
    def test_from_the_start_and_from_where_one_was(self, two):
        events = two.store.events.read({}, 0)
        assert sorted(whats(events)) == [(ALICE, "box-added"), (BOB, "box-added")]
        reached = two.store.events.end()
        assert two.store.events.read(reached, 0) == []
        two.leave("m1")
        [event] = two.store.events.read(reached, 0)
        assert (event.what, event.message_id) == (EventType.DELIVERED, "m1")

    def test_the_end_of_a_stream_that_is_not_there(self, case):
        assert set(case.store.events.end().values()) == {"0-0"}
        assert case.store.events.read(case.store.events.end(), 0) == []

    def test_the_latest_ones_oldest_first(self, two):
        two.leave("m1", "m2")
        two.leave("m3", box=BOB)
        assert [e.message_id for e in two.store.events.tail(2)] == ["m2", "m3"]
        assert [e.message_id for e in two.store.events.tail(9, box=ALICE)] == ["", "m1", "m2"]
        assert two.store.events.tail(0) == []

    def test_the_latest_ones_of_one_mailbox_far_back(self, real, monkeypatch):
        monkeypatch.setattr("esl_vm.store.events.COUNT", 3)
        real.with_mailbox()
        beside = next(b for n in range(99) if (b := type(ALICE)(str(n))) and real.store.keys.partition(b) == 14)
        real.with_mailbox(beside)
        real.leave("a")
        real.leave(*(f"m{n}" for n in range(10)), box=beside)
        assert [e.message_id for e in real.store.events.tail(5, box=ALICE)] == ["", "a"]

    def test_only_from_a_time_on(self, real):
        real.with_mailbox()
        seconds, _ = real.store.link.run(None, lambda c: c.time())
        assert real.store.events.tail(9, since=seconds + 60) == []
        assert len(real.store.events.tail(9, since=seconds - 60)) == 1

    def test_waiting_ends_when_something_happens(self, two, request):
        if "fakeredis" in request.node.name:
            pytest.skip("fakeredis can't be written to while it blocks")
        reached = two.store.events.end()
        got = []
        reader = threading.Thread(target=lambda: got.extend(two.store.events.read(reached, 5000)))
        reader.start()
        two.leave("m1")
        reader.join(100)
        assert whats(got) == [(ALICE, "delivered")]

    def test_following(self, two, monkeypatch):
        monkeypatch.setattr("esl_vm.store.events.LONGEST_WAIT_MS", 1)
        following = two.store.events.follow()
        assert next(following) is None
        two.leave("m1")
        assert next(following).message_id == "m1"
        assert next(following) is None

    def test_what_a_newer_version_or_a_hand_wrote_is_passed_over(self, real):
        real.with_mailbox()
        stream = real.store.keys.part(3).events
        for fields in (
            {"what": "teleported", "box": "1@a"},
            {"what": "moved", "box": "../.."},
            {"x": "y"},
            {"what": b"\xff"},
        ):
            real.store.link.run(None, lambda c, f=fields: c.xadd(stream, f))
        payload = b"\x07later"
        real.store.link.run(
            None, lambda c: c.xadd(stream, {"what": "moved", "box": "1@a", "new": "x", "payload": payload})
        )
        [last] = [event for event in real.store.events.read({}, 0) if event.partition == 3]
        assert (last.what, last.counts.new, last.details) == (EventType.MOVED, 0, {})

    @pytest.mark.parametrize(
        "payload", [b"", b"\x01", b"\x01\xc1", b"\x01\x93\x01\x02\x03", b"\x01\xa3ab", b"\x02\x80"]
    )
    def test_a_payload_that_is_broken_is_empty(self, payload):
        assert unpack_payload(payload) == {}

    def test_a_payload_comes_back(self):
        assert unpack_payload(pack_payload({"a": 1, "é": True})) == {"a": 1, "é": True}


class TestSharing:
    def test_each_event_is_given_to_one(self, two):
        one, other = (two.store.events.shared("mail", name, begin_ago_s=1e9) for name in ("one", "other"))
        assert len(one.take(0)) == 2
        assert other.take(0) == []
        two.leave("m1")
        [event] = other.take(0)
        assert event.message_id == "m1"
        assert one.take(0) == []

    def test_what_its_taker_left_unfinished_is_given_to_another(self, two):
        dead, alive = (
            two.store.events.shared("mail", name, idle_s=0.001, begin_ago_s=1e9) for name in ("dead", "alive")
        )
        first, second = dead.take(0)
        dead.finish([first])
        two.clock.passes(seconds=1)
        got = wait_until(lambda: (two.clock.passes(seconds=1), alive.take(0))[1], what="the left one being claimed")
        assert got == [second]
        alive.finish(got)
        two.clock.passes(seconds=1)
        assert alive.take(0) == []

    def test_a_new_group_begins_a_while_ago(self, real):
        seconds, _ = real.store.link.run(None, lambda c: c.time())
        real.with_mailbox()
        real.clock.at = seconds + 3600
        assert real.store.events.shared("late", "x", begin_ago_s=600).take(0) == []
        assert len(real.store.events.shared("early", "x", begin_ago_s=7200).take(0)) == 1

    def test_after_redis_was_emptied_the_group_is_made_anew(self, two, request):
        if "fakeredis" in request.node.name:
            pytest.skip("fakeredis words it otherwise")
        group = two.store.events.shared("mail", "one", begin_ago_s=1e9)
        assert len(group.take(0)) == 2
        two.store.link.run(None, lambda c: c.flushall())
        assert group.take(0) == []
        two.with_mailbox()
        assert whats(group.take(0)) == [(ALICE, "box-added")]

    def test_processes_that_are_gone_are_forgotten_by_the_next_but_not_what_they_left(self, two, monkeypatch):
        finished, left = (two.store.events.shared("mail", name, begin_ago_s=1e9) for name in ("1", "2"))
        finished.finish(finished.take(0)[:1])  # of the mailbox's two events it leaves one
        two.leave("m1")
        left.take(0)
        stream = two.store.keys.part(two.store.keys.partition(ALICE)).events

        def known():
            return {c["name"] for c in two.store.link.run(None, lambda c: c.xinfo_consumers(stream, "mail"))}

        two.store.events.shared("mail", "3").take(0)
        assert known() >= {b"1", b"2"}, "they have not been gone for long"
        monkeypatch.setattr("esl_vm.store.events.GONE_MS", 0)
        finished.finish([event for event in two.store.events.read({}, 0) if event.message_id != "m1"])
        two.store.events.shared("mail", "4").take(0)
        assert b"1" not in known()
        assert b"2" in known(), "it took something and did not finish it"

    def test_what_can_not_be_read_is_finished_with(self, real):
        group = real.store.events.shared("mail", "one", begin_ago_s=1e9)
        group.take(0)
        stream = real.store.keys.part(3).events
        real.store.link.run(None, lambda c: c.xadd(stream, {"what": "teleported"}))
        assert group.take(0) == []
        assert real.store.link.run(None, lambda c: c.xpending(stream, "mail"))["pending"] == 0

    def test_waiting_ends_when_something_happens(self, real, real_redis):
        real.with_mailbox()
        group = real.store.events.shared("mail", "one", begin_ago_s=1e9)
        group.finish(group.take(0))
        got = []
        reader = threading.Thread(target=lambda: got.extend(group.take(100_000)))
        reader.start()
        other = Case(real_redis.url)
        other.leave("m1")
        reader.join(100)
        assert whats(got) == [(ALICE, "delivered")]
        other.store.close()


def test_closing_the_store_leaves_no_connection():
    with redis_server() as alone:  # what else has a connection to the run's server is not this store's
        case = Case(alone.url)
        case.with_mailbox()
        group = case.store.events.shared("mail", "one", begin_ago_s=1e9)
        assert group.take(50)
        assert case.store.events.read({}, 50)
        case.store.close()
        with alone.client() as client:
            wait_until(lambda: client.info("clients")["connected_clients"] == 1, what="the connections being closed")


class TestTrimming:
    def test_the_stream_keeps_about_so_many(self, real_redis):
        from esl_vm.store.connect import connect
        from esl_vm.store.store import Store

        with real_redis.client() as client:
            client.flushall()
        store = Store(connect(real_redis.url), events_kept=100)
        store.registry.add(ALICE, {})
        for _ in range(1000):
            store.registry.change(ALICE, {})
        length = store.link.run(None, lambda c: c.xlen(store.keys.of(ALICE).events))
        assert 100 <= length <= 300
        store.close()

    def test_old_ones_are_dropped(self, real):
        real.with_mailbox()
        for _ in range(250):
            real.registry.change(ALICE, {})
        seconds, _ = real.store.link.run(None, lambda c: c.time())
        real.clock.at = float(seconds)
        assert real.store.events.trim(3600) == 0
        real.clock.at = seconds + 7200.0
        assert real.store.events.trim(3600) >= 200
