"""Where messages lie: what every store does, on each kind of Redis."""

from __future__ import annotations

from dataclasses import replace

import pytest
from store_case import ALICE, BOB, MONDAY, NOBODY, message

from esl_vm.model.errors import NoSuchMailboxError, NoSuchMessageError, StoreDownError
from esl_vm.model.events import EventType
from esl_vm.model.mailbox import Folder, Greeting, StoredGreeting
from esl_vm.model.message import Caller
from esl_vm.model.store import Announced, Delivery, Fate, Place


def test_a_mailbox_that_is_not_there_opens_as_none(case):
    assert case.mailboxes.open(NOBODY) is None


def test_opening_shows_owner_options_and_counts_in_one_look(case):
    case.with_mailbox(name="Zoé Côté", language="fr", email="zoe@example.com", maxmsg="7", extensions="201,202")
    case.leave("a", "b")
    case.leave("c", urgent=True)
    box = case.mailboxes.open(ALICE)
    assert (box.name, box.language, box.email, box.options.maxmsg) == ("Zoé Côté", "fr", "zoe@example.com", 7)
    assert box.extensions == ("201", "202")
    assert (box.counts.new, box.counts.urgent, box.counts.old) == (3, 1, 0)
    assert not box.has_pin
    assert box.sound_ms == 12000


def test_an_option_written_by_hand_that_makes_no_sense_is_the_default(real):
    real.with_mailbox()
    real.store.link.run(
        None, lambda c: c.hset("vm:{p14}:box:1001@default", mapping={"maxmsg": "lots", "name": b"\xff"})
    )
    box = real.mailboxes.open(ALICE)
    assert box.options.maxmsg == 100
    assert box.name == "\N{REPLACEMENT CHARACTER}"


def test_every_field_of_a_message_comes_back(case):
    case.with_mailbox()
    left = message(
        "m1",
        urgent=True,
        heard=True,
        cut=True,
        folder=Folder.WORK,
        origin="forward",
        intro_id="i1",
        intro_ms=900,
        forwarded_by="1003@default",
        arrived=MONDAY + 3.25,
        received=MONDAY - 0.125,
        handled_by="1002 Bruno",
        handled_at=MONDAY + 9.5,
        note="Rappelé",
        until=MONDAY + 99.0,
    )
    case.mailboxes.deliver(ALICE, left)
    assert case.mailboxes.message(ALICE, "m1") == left
    page = case.mailboxes.page(ALICE, Folder.WORK, urgent=None, after=None, most=5)
    assert page.messages == (left,)


def test_a_message_that_is_not_there_is_an_error(case):
    case.with_mailbox()
    with pytest.raises(NoSuchMessageError, match="m1"):
        case.mailboxes.message(ALICE, "m1")


class TestDelivering:
    def test_nobody_there(self, case):
        assert case.mailboxes.deliver(NOBODY, message("m1")) is Delivery.NO_MAILBOX

    def test_twice_is_once(self, case):
        case.with_mailbox()
        assert case.mailboxes.deliver(ALICE, message("m1")) is Delivery.DONE
        assert case.mailboxes.deliver(ALICE, message("m1")) is Delivery.ALREADY
        assert case.lie(Folder.NEW) == ["m1"]
        assert case.happened() == ["box-added", "delivered"]

    def test_a_full_folder_takes_no_more_but_says_already_to_what_it_has(self, case):
        case.with_mailbox(maxmsg="2")
        case.leave("a", "b")
        assert case.mailboxes.deliver(ALICE, message("c")) is Delivery.FULL
        assert case.mailboxes.deliver(ALICE, message("a")) is Delivery.ALREADY
        assert case.lie(Folder.NEW) == ["a", "b"]

    def test_a_mailbox_with_its_quota_of_sound_is_full_until_some_is_deleted(self, case):
        case.with_mailbox(quota_seconds="5")
        case.leave("a")
        assert case.mailboxes.deliver(ALICE, message("b")) is Delivery.DONE  # 4 s of 5: begun below it
        assert case.mailboxes.deliver(ALICE, message("c")) is Delivery.FULL
        case.mailboxes.delete(ALICE, "a")
        assert case.mailboxes.deliver(ALICE, message("c")) is Delivery.DONE

    def test_one_that_was_deleted_does_not_come_back(self, case):
        case.with_mailbox()
        case.leave("m1")
        case.mailboxes.delete(ALICE, "m1")
        assert case.mailboxes.deliver(ALICE, message("m1")) is Delivery.DELETED
        assert case.lie(Folder.NEW) == []

    def test_nor_does_one_that_was_erased(self, case):
        case.with_mailbox(trash_days="0")
        case.leave("m1")
        assert case.mailboxes.delete(ALICE, "m1")
        assert case.mailboxes.deliver(ALICE, message("m1")) is Delivery.DELETED

    def test_a_late_one_takes_the_place_its_time_gives_it(self, case):
        case.with_mailbox()
        case.leave("a", "b")
        case.mailboxes.deliver(ALICE, message("late", MONDAY + 1.5))
        assert case.lie(Folder.NEW) == ["a", "late", "b"]

    def test_several_of_the_same_second_all_come_page_by_page(self, case):
        case.with_mailbox()
        ids = [f"m{n:02d}" for n in range(11)]
        for message_id in reversed(ids):
            case.mailboxes.deliver(ALICE, message(message_id))
        assert case.lie(Folder.NEW) == ids


class TestFates:
    """What became of what was announced."""

    def fates(self, case, *ids):
        return case.mailboxes.fates([Announced(ALICE, one, MONDAY) for one in ids])

    def test_there_in_any_folder_deleted_in_any_way_or_lost(self, case):
        case.with_mailbox()
        case.leave("new", "work", "trash", "erased")
        case.mailboxes.move(ALICE, "work", Folder.WORK)
        case.mailboxes.delete(ALICE, "trash")
        case.store.registry.change(ALICE, {"trash_days": "0"})
        case.mailboxes.delete(ALICE, "erased")

        assert self.fates(case, "new", "work", "trash", "erased", "nobody's") == [
            Fate.THERE,
            Fate.THERE,
            Fate.DELETED,
            Fate.DELETED,
            Fate.LOST,
        ]

    def test_a_greeting_is_in_force_or_replaced_or_lost(self, case):
        case.with_mailbox()
        for audio_id in ("first", "second"):
            case.mailboxes.set_greeting(ALICE, Greeting.BUSY, StoredGreeting(audio_id, 1000))
        asked = [Announced(ALICE, one, MONDAY, Greeting.BUSY) for one in ("first", "second", "third")]

        assert case.mailboxes.fates(asked) == [Fate.DELETED, Fate.THERE, Fate.LOST]

    def test_a_mailbox_that_was_made_since_is_another_one(self, case):
        case.with_mailbox()

        assert case.mailboxes.fates([Announced(ALICE, "m1", MONDAY - 60)]) == [Fate.DELETED]

    def test_with_the_store_away_nothing_is_known(self, case, monkeypatch):
        def away(*_):
            raise StoreDownError("Redis does not answer")

        monkeypatch.setattr(case.store.link, "run", away)

        assert self.fates(case, "m1") == [Fate.UNKNOWN]


class TestOrder:
    def test_urgent_ones_are_first_in_new_and_can_be_had_alone(self, case):
        case.with_mailbox()
        case.leave("a")
        case.leave("u1", urgent=True)
        case.leave("b")
        case.leave("u2", urgent=True)
        assert case.lie(Folder.NEW) == ["u1", "u2", "a", "b"]
        assert case.lie(Folder.NEW, urgent=True) == ["u1", "u2"]
        assert case.lie(Folder.NEW, urgent=False) == ["a", "b"]

    def test_in_the_other_folders_they_lie_as_they_came(self, case):
        case.with_mailbox()
        for message_id in ("a", "u1", "b", "c", "u2", "d", "u3"):
            case.leave(message_id, urgent=message_id.startswith("u"))
            case.clock.passes(seconds=1)
            case.mailboxes.move(ALICE, message_id, Folder.WORK)
        assert case.lie(Folder.WORK) == ["a", "u1", "b", "c", "u2", "d", "u3"]
        assert case.lie(Folder.WORK, urgent=True) == ["u1", "u2", "u3"]
        assert case.lie(Folder.WORK, urgent=False) == ["a", "b", "c", "d"]

    def test_a_place_stays_good_when_its_message_and_others_go(self, case):
        case.with_mailbox()
        case.leave("a", "b", "c", "d", "e")
        first = case.mailboxes.page(ALICE, Folder.NEW, urgent=None, after=None, most=2)
        assert [m.id for m in first.messages] == ["a", "b"]
        for message_id in ("a", "b", "c"):
            case.mailboxes.delete(ALICE, message_id)
        rest = case.mailboxes.page(ALICE, Folder.NEW, urgent=None, after=first.places[-1], most=9)
        assert [m.id for m in rest.messages] == ["d", "e"]
        assert rest.total == 2

    def test_an_urgent_place_goes_on_with_the_others(self, case):
        case.with_mailbox()
        case.leave("a")
        case.leave("u", urgent=True)
        [place] = case.mailboxes.page(ALICE, Folder.NEW, urgent=True, after=None, most=9).places
        assert place.score < 0
        assert [m.id for m in case.mailboxes.page(ALICE, Folder.NEW, urgent=None, after=place, most=9).messages] == [
            "a"
        ]
        assert [m.id for m in case.mailboxes.page(ALICE, Folder.NEW, urgent=False, after=place, most=9).messages] == [
            "a"
        ]
        assert case.mailboxes.page(ALICE, Folder.NEW, urgent=True, after=Place(MONDAY, "a"), most=9).messages == ()

    def test_a_message_whose_hash_is_lost_is_passed_over(self, real):
        real.with_mailbox()
        real.leave("a", "b", "c", "d")
        real.store.link.run(None, lambda c: c.delete("vm:{p14}:msg:1001@default:b"))
        page = real.mailboxes.page(ALICE, Folder.NEW, urgent=None, after=None, most=2)
        assert [m.id for m in page.messages] == ["a", "c"]


class TestHearing:
    def test_a_heard_message_stays_where_it_is(self, case):
        case.with_mailbox()
        case.leave("a")
        case.mailboxes.heard(ALICE, "a")
        case.mailboxes.heard(ALICE, "a")
        assert case.mailboxes.message(ALICE, "a").heard
        assert case.lie(Folder.NEW) == ["a"]
        assert case.happened().count("heard") == 1

    def test_hearing_one_that_is_gone_is_no_error_and_no_event(self, case):
        case.with_mailbox()
        case.mailboxes.heard(ALICE, "gone")
        assert case.happened() == ["box-added"]

    def test_heard_ones_retire_to_the_end_of_old_in_their_order(self, case):
        case.with_mailbox()
        case.leave("a", "b", "c")
        for message_id in ("c", "a"):
            case.mailboxes.heard(ALICE, message_id)
        assert case.mailboxes.retire(ALICE, ["a", "c"]) == 2
        assert case.lie(Folder.OLD) == ["a", "c"]
        assert case.lie(Folder.NEW) == ["b"]

    def test_retiring_again_does_nothing(self, case):
        case.with_mailbox()
        case.leave("a")
        case.mailboxes.heard(ALICE, "a")
        assert case.mailboxes.retire(ALICE, ["a"]) == 1
        assert case.mailboxes.retire(ALICE, ["a"]) == 0
        assert case.mailboxes.retire(ALICE, []) == 0
        assert case.happened().count("retired") == 1

    def test_what_another_call_made_unheard_or_moved_stays_there(self, case):
        case.with_mailbox()
        case.leave("a", "b")
        for message_id in ("a", "b"):
            case.mailboxes.heard(ALICE, message_id)
        case.mailboxes.move(ALICE, "a", Folder.NEW)
        case.mailboxes.move(ALICE, "b", Folder.WORK)
        assert case.mailboxes.retire(ALICE, ["a", "b"]) == 0
        assert (case.lie(Folder.NEW), case.lie(Folder.WORK)) == (["a"], ["b"])

    def test_only_as_many_retire_as_old_has_room_for(self, case):
        case.with_mailbox(maxmsg="2")
        case.leave("a", "b", "c")
        for message_id in ("a", "b", "c"):
            case.mailboxes.heard(ALICE, message_id)
        assert case.mailboxes.retire(ALICE, ["a", "b", "c"]) == 2
        assert case.lie(Folder.NEW) == ["c"]

    def test_the_event_of_several_names_them_all(self, case):
        case.with_mailbox()
        case.leave("a", "b")
        for message_id in ("a", "b"):
            case.mailboxes.heard(ALICE, message_id)
        case.mailboxes.retire(ALICE, ["a", "b"])
        event = case.store.events.tail(1)[0]
        assert (event.what, event.details["messages"]) == (EventType.RETIRED, "a b")
        assert (event.counts.new, event.counts.old) == (0, 2)


class TestMoving:
    def test_to_the_end_of_a_folder(self, case):
        case.with_mailbox()
        case.leave("a", "b")
        assert case.mailboxes.move(ALICE, "b", Folder.WORK) is Delivery.DONE
        assert case.mailboxes.move(ALICE, "a", Folder.WORK) is Delivery.DONE
        assert case.lie(Folder.WORK) == ["b", "a"]  # though it is older, and though no time passed

    def test_where_it_lies_already_it_keeps_its_place(self, case):
        case.with_mailbox()
        case.leave("a", "b")
        assert case.mailboxes.move(ALICE, "a", Folder.NEW) is Delivery.ALREADY
        assert case.lie(Folder.NEW) == ["a", "b"]

    def test_a_full_folder_takes_none_and_nothing_is_lost(self, case):
        case.with_mailbox(maxmsg="1")
        case.leave("a", "b")
        case.mailboxes.move(ALICE, "a", Folder.WORK)
        assert case.mailboxes.move(ALICE, "b", Folder.WORK) is Delivery.FULL
        assert (case.lie(Folder.NEW), case.lie(Folder.WORK)) == (["b"], ["a"])

    def test_into_new_makes_it_unheard(self, case):
        case.with_mailbox()
        case.leave("a")
        case.mailboxes.heard(ALICE, "a")
        case.mailboxes.retire(ALICE, ["a"])
        case.mailboxes.move(ALICE, "a", Folder.NEW)
        assert not case.mailboxes.message(ALICE, "a").heard

    def test_out_of_the_trash(self, case):
        case.with_mailbox()
        case.leave("a")
        case.mailboxes.delete(ALICE, "a")
        assert case.mailboxes.move(ALICE, "a", Folder.FAMILY) is Delivery.DONE
        assert case.lie(Folder.FAMILY) == ["a"]
        assert case.mailboxes.open(ALICE).sound_ms == 4000
        assert not case.mailboxes.restore(ALICE, "a")

    def test_to_the_trash_is_deleting(self, case):
        case.with_mailbox()
        case.leave("a")
        assert case.mailboxes.move(ALICE, "a", Folder.TRASH) is Delivery.DONE
        assert case.mailboxes.move(ALICE, "a", Folder.TRASH) is Delivery.ALREADY
        assert case.mailboxes.restore(ALICE, "a")

    @pytest.mark.parametrize("to", [Folder.WORK, Folder.TRASH])
    def test_one_that_is_gone_is_an_error(self, case, to):
        case.with_mailbox()
        with pytest.raises(NoSuchMessageError):
            case.mailboxes.move(ALICE, "gone", to)

    def test_urgent_goes_behind_the_urgent_ones(self, case):
        case.with_mailbox()
        case.leave("u1", "u2", urgent=True)
        case.leave("a")
        case.mailboxes.move(ALICE, "u1", Folder.OLD)
        case.mailboxes.move(ALICE, "u1", Folder.NEW)
        assert case.lie(Folder.NEW) == ["u2", "u1", "a"]
        assert case.mailboxes.counts(ALICE).urgent == 2


class TestDeleting:
    def test_to_the_trash_and_back_to_its_place(self, case):
        case.with_mailbox()
        case.leave("a", "b", "c")
        assert case.mailboxes.delete(ALICE, "b")
        assert case.lie(Folder.NEW) == ["a", "c"]
        assert case.lie(Folder.TRASH) == ["b"]
        assert case.mailboxes.restore(ALICE, "b")
        assert case.lie(Folder.NEW) == ["a", "b", "c"]

    def test_back_to_the_folder_where_it_lay_heard_as_it_was(self, case):
        case.with_mailbox()
        case.leave("u", urgent=True)
        case.mailboxes.heard(ALICE, "u")
        case.mailboxes.retire(ALICE, ["u"])
        case.mailboxes.delete(ALICE, "u")
        assert case.mailboxes.counts(ALICE).urgent_old == 0
        case.mailboxes.restore(ALICE, "u")
        assert case.lie(Folder.OLD) == ["u"]
        assert case.mailboxes.message(ALICE, "u").heard
        assert case.mailboxes.counts(ALICE).urgent_old == 1

    def test_twice_is_once(self, case):
        case.with_mailbox()
        case.leave("a")
        assert [case.mailboxes.delete(ALICE, "a") for _ in range(2)] == [True, False]
        assert [case.mailboxes.restore(ALICE, "a") for _ in range(2)] == [True, False]
        assert case.happened() == ["box-added", "delivered", "deleted", "restored"]
        assert case.mailboxes.open(ALICE).sound_ms == 4000

    def test_without_a_trash_it_is_erased_and_its_sounds_are_named(self, case):
        case.with_mailbox(trash_days="0")
        case.leave("a", intro_id="i")
        assert case.mailboxes.delete(ALICE, "a")
        assert not case.mailboxes.restore(ALICE, "a")
        with pytest.raises(NoSuchMessageError):
            case.mailboxes.message(ALICE, "a")
        assert sorted(case.store.housekeeping.sounds_to_erase()) == ["a", "i"]

    def test_deleting_what_is_not_there(self, case):
        case.with_mailbox()
        assert not case.mailboxes.delete(ALICE, "gone")
        assert not case.mailboxes.restore(ALICE, "gone")

    def test_imported_into_the_trash_it_can_be_restored(self, case):
        case.with_mailbox()
        case.mailboxes.deliver(ALICE, message("n", folder=Folder.TRASH))
        case.mailboxes.deliver(ALICE, message("h", folder=Folder.TRASH, heard=True))
        assert case.mailboxes.deliver(ALICE, message("n", folder=Folder.TRASH)) is Delivery.ALREADY
        assert case.mailboxes.open(ALICE).sound_ms == 0
        case.mailboxes.restore(ALICE, "n")
        case.mailboxes.restore(ALICE, "h")
        assert (case.lie(Folder.NEW), case.lie(Folder.OLD)) == (["n"], ["h"])


class TestGreetings:
    def test_a_new_one_replaces_the_old_one(self, case):
        case.with_mailbox()
        stored = StoredGreeting("g1", 1200, starts=100, ends=200)
        assert case.mailboxes.set_greeting(ALICE, Greeting.TEMPORARY, stored) == ""
        assert case.mailboxes.open(ALICE).greetings == {Greeting.TEMPORARY: stored}
        assert case.mailboxes.set_greeting(ALICE, Greeting.TEMPORARY, StoredGreeting("g2", 900)) == "g1"
        assert case.mailboxes.open(ALICE).greetings == {Greeting.TEMPORARY: StoredGreeting("g2", 900)}

    def test_setting_it_late_again_does_not_bring_the_old_one_back(self, case):
        case.with_mailbox()
        case.mailboxes.set_greeting(ALICE, Greeting.BUSY, StoredGreeting("g1", 1))
        case.mailboxes.set_greeting(ALICE, Greeting.BUSY, StoredGreeting("g2", 2))
        assert case.mailboxes.set_greeting(ALICE, Greeting.BUSY, StoredGreeting("g1", 1)) == ""
        assert case.mailboxes.open(ALICE).greetings[Greeting.BUSY].audio_id == "g2"

    def test_setting_it_again_at_once_is_harmless(self, case):
        case.with_mailbox()
        for _ in range(2):
            assert case.mailboxes.set_greeting(ALICE, Greeting.BUSY, StoredGreeting("g1", 1)) == ""
        case.clock.passes(days=1)
        assert case.store.housekeeping.sounds_to_erase() == []

    def test_removing(self, case):
        case.with_mailbox()
        case.mailboxes.set_greeting(ALICE, Greeting.NAME, StoredGreeting("g1", 1))
        assert [case.mailboxes.remove_greeting(ALICE, Greeting.NAME) for _ in range(2)] == ["g1", ""]
        assert case.mailboxes.open(ALICE).greetings == {}
        assert case.mailboxes.set_greeting(ALICE, Greeting.NAME, StoredGreeting("g1", 1)) == ""
        assert case.mailboxes.open(ALICE).greetings == {}

    def test_a_sound_two_greetings_have_is_not_erased_with_one(self, case):
        case.with_mailbox()
        for greeting in (Greeting.BUSY, Greeting.UNAVAILABLE):
            case.mailboxes.set_greeting(ALICE, greeting, StoredGreeting("g1", 1))
        assert case.mailboxes.remove_greeting(ALICE, Greeting.BUSY) == ""
        assert case.mailboxes.set_greeting(ALICE, Greeting.UNAVAILABLE, StoredGreeting("g2", 1)) == "g1"

    def test_a_replaced_sound_is_kept_for_calls_about_to_play_it(self, case):
        case.with_mailbox()
        case.mailboxes.set_greeting(ALICE, Greeting.BUSY, StoredGreeting("g1", 1))
        case.mailboxes.set_greeting(ALICE, Greeting.BUSY, StoredGreeting("g2", 1))
        assert case.store.housekeeping.sounds_to_erase() == []
        case.clock.passes(seconds=601)
        assert case.store.housekeeping.sounds_to_erase() == ["g1"]

    def test_no_mailbox(self, case):
        with pytest.raises(NoSuchMailboxError):
            case.mailboxes.set_greeting(NOBODY, Greeting.BUSY, StoredGreeting("g1", 1))
        assert case.mailboxes.remove_greeting(NOBODY, Greeting.BUSY) == ""


class TestCallsPlaced:
    def test_so_many_within_24_hours(self, case):
        case.with_mailbox()
        assert [case.mailboxes.count_call(ALICE, 2) for _ in range(3)] == [True, True, False]
        case.clock.passes(days=0.5)
        assert not case.mailboxes.count_call(ALICE, 2)
        case.clock.passes(days=0.6)
        assert case.mailboxes.count_call(ALICE, 2)


class TestApart:
    def test_mailboxes_of_the_same_number_in_two_domains_are_two(self, case):
        other = replace(ALICE, domain="autre.example")
        case.with_mailbox(ALICE).with_mailbox(other)
        case.leave("m1")
        assert case.mailboxes.counts(other).new == 0
        assert case.mailboxes.deliver(other, message("m1")) is Delivery.DONE
        case.mailboxes.delete(ALICE, "m1")
        assert case.lie(Folder.NEW, other) == ["m1"]

    def test_a_hostile_caller_name_stays_a_name(self, case):
        case.with_mailbox(BOB)
        name = "}:box:1001@default\r\nDEL * 'x' \u2028 \x00 {p00} $(id)"
        case.mailboxes.deliver(BOB, message("m1", caller=Caller("1\n2", name)))
        got = case.mailboxes.message(BOB, "m1")
        assert got.caller == Caller("1 2", "}:box:1001@default DEL * 'x' {p00} $(id)")


def test_the_event_of_a_delivery_tells_all_of_the_message_and_the_counts(case):
    case.with_mailbox(extensions="201")
    case.leave("m1", urgent=True)
    event = case.store.events.tail(1)[0]
    assert (event.what, event.box, event.message_id, event.at) == (EventType.DELIVERED, ALICE, "m1", case.clock.now())
    assert (event.counts.new, event.counts.urgent, event.counts.old, event.counts.urgent_old) == (1, 1, 0, 0)
    assert event.details == {
        "caller_number": "5145550100",
        "caller_name": "Bob Tremblay",
        "received": case.clock.now(),
        "duration_ms": 4000,
        "origin": "call",
        "urgent": True,
        "folder": "new",
        "extensions": "201",
    }


def test_all_ids_and_all_sounds_of_a_mailbox(case):
    case.with_mailbox()
    case.leave("a", "b")
    case.leave("c", intro_id="i")
    case.mailboxes.delete(ALICE, "a")
    case.mailboxes.set_greeting(ALICE, Greeting.NAME, StoredGreeting("g", 1))
    ids = case.mailboxes.message_ids(ALICE)
    assert (ids[Folder.NEW], ids[Folder.TRASH], ids[Folder.OLD]) == (["b", "c"], ["a"], [])
    assert case.mailboxes.sounds(ALICE) == {"a", "b", "c", "i", "g"}


def test_scripts_are_given_again_to_a_redis_that_forgot_them(real):
    real.with_mailbox()
    real.leave("a")
    real.store.link.run(None, lambda c: c.script_flush())
    real.leave("b")
    assert real.lie(Folder.NEW) == ["a", "b"]


def test_the_folders_of_the_scripts_are_those_of_the_model():
    from esl_vm.store.scripts import script

    listed = script("move").text.split("local FOLDERS = {")[1].split("}")[0]
    assert [word.strip(" '") for word in listed.split(",")] == [folder.value for folder in Folder]
