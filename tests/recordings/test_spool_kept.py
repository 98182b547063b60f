"""What was delivered is looked for, for a while: a fail-over that loses it loses nothing as long as this node lives."""

from __future__ import annotations

import logging

import pytest
from redis_service import BOB as BRUNO
from spool_cast import ALICE, BOB, EVE, Desk, freeswitch_records, process_dies, recorded
from support.clocks import WallClock
from support.sounds import voice

from esl_vm.model.mailbox import Greeting
from esl_vm.recordings import Settled, Spool, Sweeper
from esl_vm.sound import disk

SAID = voice(1500)
KEEP_S = 600.0


@pytest.fixture
def desk(tmp_path):
    desk = Desk(tmp_path, keep_s=KEEP_S)
    desk.wall = WallClock()  # files are dated by it
    desk.keeping = desk.sweeper(wall=desk.wall)
    return desk


def leave(desk, *boxes, **options) -> str:
    with desk.take(*boxes, **options) as take:
        freeswitch_records(take.path, SAID)
        take.recorded(recorded(1500))
        assert take.settle() is Settled.DELIVERED
    return take.id


def kept(desk) -> list[str]:
    return [name for name in desk.on_the_way() if name.endswith(".kept")]


def test_a_message_that_a_fail_over_lost_is_there_again_with_its_sound(desk):
    behind = desk.mailboxes.as_it_is()
    message = leave(desk)
    said = desk.mailboxes.messages(ALICE)[message]
    desk.mailboxes.fail_over(behind)
    desk.audio.delete(message)

    [outcome] = desk.keeping.sweep_once()

    assert outcome.settled is Settled.DELIVERED
    assert "lost" in outcome.reason
    assert desk.mailboxes.messages(ALICE) == {message: said}
    assert desk.sounds() == [message]
    assert desk.keeping.sweep_once() == []


def test_a_mailbox_that_was_removed_since_is_no_loss_to_warn_of(desk, caplog):
    message = leave(desk)
    desk.mailboxes.remove_box(ALICE)
    with caplog.at_level(logging.INFO):
        [outcome] = desk.keeping.sweep_once()
    assert outcome.settled is Settled.NO_MAILBOX
    assert kept(desk) == []
    said = [(one.levelname, one.getMessage()) for one in caplog.records if one.name == "esl_vm.recordings.keeper"]
    assert said == [("INFO", f"take {message} for {ALICE}, delivered before: its mailbox is gone")]


def test_it_is_lost_again_and_found_again_until_it_was_kept_for_long_enough_in_one_piece(desk):
    behind = desk.mailboxes.as_it_is()
    message = leave(desk)
    for _ in range(3):
        desk.wall.ahead += KEEP_S - 1
        desk.keeping.sweep_once()
        desk.mailboxes.fail_over(behind)
        desk.keeping.sweep_once()
        assert list(desk.mailboxes.messages(ALICE)) == [message]
        desk.wall.ahead = 0  # delivered again just now, by the same clock

    desk.wall.ahead = KEEP_S + 1
    assert desk.keeping.sweep_once() == []
    assert desk.on_the_way() == []


def test_it_is_removed_only_after_a_look_that_found_it(desk):
    leave(desk)
    desk.wall.ahead = 10 * KEEP_S
    desk.mailboxes.down = 1

    desk.keeping.sweep_once()

    assert len(kept(desk)) == 1
    desk.keeping.sweep_once()
    assert desk.on_the_way() == []


def test_what_its_owner_deleted_stays_deleted_though_the_fail_over_lost_that_too(desk):
    behind = desk.mailboxes.as_it_is()
    message = leave(desk)
    desk.mailboxes.delete(ALICE, message)
    desk.audio.delete(message)
    desk.keeping.sweep_once()

    assert desk.on_the_way() == []  # nor is its sound kept here
    desk.mailboxes.fail_over(behind)
    desk.keeping.sweep_once()
    assert desk.mailboxes.messages(ALICE) == {}
    assert desk.sounds() == []


def test_of_several_mailboxes_the_one_that_lost_it_gets_it_and_the_one_that_deleted_it_does_not(desk):
    behind = desk.mailboxes.as_it_is()
    message = leave(desk, ALICE, BOB, EVE)
    desk.mailboxes.delete(BOB, f"{message}.1")
    desk.audio.delete(f"{message}.1")
    desk.keeping.sweep_once()
    desk.mailboxes.fail_over(behind)

    desk.keeping.sweep_once()

    assert [list(desk.mailboxes.messages(box)) for box in (ALICE, BOB, EVE)] == [[message], [], [f"{message}.2"]]
    assert desk.sounds() == [message, f"{message}.2"]


def test_a_copy_that_was_refused_is_not_looked_for(desk):
    desk.mailboxes.fill(BOB, desk.mailboxes.maxmsg)
    message = leave(desk, ALICE, BOB)

    assert desk.keeping.sweep_once() == []
    assert f"{message}.1" not in desk.mailboxes.messages(BOB)


def test_what_was_announced_goes_into_a_mailbox_that_filled_up_since(desk):
    behind = desk.mailboxes.as_it_is()
    message = leave(desk)
    desk.mailboxes.fail_over(behind)
    desk.mailboxes.fill(ALICE, desk.mailboxes.maxmsg)

    desk.keeping.sweep_once()

    assert message in desk.mailboxes.messages(ALICE)


def test_a_sound_that_alone_was_lost_is_stored_again(desk):
    message = leave(desk)
    desk.audio.delete(message)

    desk.keeping.sweep_once()

    assert desk.content(message)
    assert list(desk.mailboxes.messages(ALICE)) == [message]


def test_a_forward_is_looked_for_with_its_introduction(desk):
    source = leave(desk)
    behind = desk.mailboxes.as_it_is()
    preface = desk.spool.take_sound(desk.sound_id())
    freeswitch_records(preface.path, SAID)
    preface.recorded(recorded(1500))
    message = desk.message(duration_ms=1500, origin="forward")
    assert desk.spool.forward([BOB], message, source_id=source, preface=preface).settle() is Settled.DELIVERED
    desk.mailboxes.fail_over(behind)
    desk.audio.delete(message.id)
    desk.audio.delete(f"{message.id}.intro")

    desk.keeping.sweep_once()

    there = desk.mailboxes.messages(BOB)[message.id]
    assert (there.intro_id, there.duration_ms) == (f"{message.id}.intro", 1500)
    assert desk.sounds() == [source, message.id, f"{message.id}.intro"]


def record_greeting(desk) -> str:
    desk.clock.at += 1
    take = desk.spool.take_greeting(ALICE, Greeting.BUSY, desk.sound_id())
    freeswitch_records(take.path, SAID)
    take.recorded(recorded(1500))
    assert take.settle() is Settled.DELIVERED
    return take.id


def test_a_greeting_that_a_fail_over_lost_is_in_force_again(desk):
    behind = desk.mailboxes.as_it_is()
    greeting = record_greeting(desk)
    desk.mailboxes.fail_over(behind)

    desk.keeping.sweep_once()

    assert desk.mailboxes.greeting(ALICE, Greeting.BUSY).audio_id == greeting


def test_of_two_greetings_that_were_lost_the_last_one_is_in_force(desk):
    behind = desk.mailboxes.as_it_is()
    record_greeting(desk)
    last = record_greeting(desk)
    desk.mailboxes.fail_over(behind)

    desk.keeping.sweep_once()

    assert desk.mailboxes.greeting(ALICE, Greeting.BUSY).audio_id == last


def test_a_greeting_that_was_removed_stays_removed(desk):
    behind = desk.mailboxes.as_it_is()
    record_greeting(desk)
    desk.mailboxes.remove_greeting(ALICE, Greeting.BUSY)
    desk.keeping.sweep_once()
    desk.mailboxes.fail_over(behind)

    desk.keeping.sweep_once()

    assert desk.mailboxes.greeting(ALICE, Greeting.BUSY) is None
    assert desk.on_the_way() == []


@pytest.mark.parametrize("restarted", [False, True])
def test_the_store_stumbles_while_it_is_delivered_again(desk, restarted):
    behind = desk.mailboxes.as_it_is()
    message = leave(desk, ALICE, BOB)
    desk.mailboxes.fail_over(behind)
    desk.mailboxes.deaf = 2

    for _ in range(4):
        desk.keeping.sweep_once()
        if restarted:
            desk.keeping = desk.sweeper(wall=desk.wall)

    assert [list(desk.mailboxes.messages(box)) for box in (ALICE, BOB)] == [[message], [f"{message}.1"]]
    assert desk.sounds() == [message, f"{message}.1"]


def test_a_call_being_delivered_when_its_process_dies_is_looked_for_as_well(desk):
    take = desk.take()
    freeswitch_records(take.path, SAID)
    take.recorded(recorded(1500))
    process_dies(take)
    behind = desk.mailboxes.as_it_is()
    desk.keeping.sweep_once()
    assert len(kept(desk)) == 1
    desk.mailboxes.fail_over(behind)

    desk.keeping.sweep_once()

    assert list(desk.mailboxes.messages(ALICE)) == [take.id]


def test_what_waits_to_be_removed_is_in_no_list_and_in_nobodys_way(desk):
    leave(desk)

    assert list(desk.spool.takes()) == []
    assert desk.spool.kept() == 1
    assert desk.sweeper(wall=desk.wall).sweep_once() == []


def test_what_is_kept_makes_room_before_a_recording_is_refused(tmp_path, monkeypatch):
    desk = Desk(tmp_path, keep_s=KEEP_S, min_free=1000)
    files = {}

    def free(folder):
        files["kept"] = sorted(path.name for path in folder.glob("*.kept"))
        return 900 + 200 * (3 - len(files["kept"]))

    monkeypatch.setattr(disk, "free_bytes", lambda _: 10**9)
    messages = [leave(desk) for _ in range(3)]
    monkeypatch.setattr(disk, "free_bytes", free)

    take = desk.take()

    assert take.settled is None
    assert files["kept"] == [f"{message}.kept" for message in messages[1:]]


def test_the_sweeper_makes_room_before_a_caller_has_to_wait_for_it(tmp_path, monkeypatch):
    desk = Desk(tmp_path, keep_s=KEEP_S, min_free=1000)
    monkeypatch.setattr(disk, "free_bytes", lambda _: 10**9)
    leave(desk)
    monkeypatch.setattr(disk, "free_bytes", lambda _: 1500)

    desk.sweeper().sweep_once()

    assert kept(desk) == []


@pytest.mark.parametrize("rubbish", [b"", b"hello", b"\x01\xff\xff"])
def test_rubbish_among_what_is_kept_is_set_aside_and_holds_up_nothing(desk, rubbish):
    behind = desk.mailboxes.as_it_is()
    message = leave(desk)
    (desk.folder / "takes" / "0000.kept").write_bytes(rubbish)
    desk.mailboxes.fail_over(behind)

    desk.keeping.sweep_once()

    assert list(desk.mailboxes.messages(ALICE)) == [message]
    assert desk.set_aside() == ["0000.kept"]


def test_a_recording_that_vanished_from_the_spool_is_told_of_when_it_is_needed(desk):
    behind = desk.mailboxes.as_it_is()
    message = leave(desk)
    desk.mailboxes.fail_over(behind)
    for path in (desk.folder / "takes").glob("*.wav"):
        path.unlink()

    [outcome] = desk.keeping.sweep_once()

    assert outcome.settled is Settled.BROKEN
    assert desk.set_aside() == [f"{message}.take"]


def test_on_a_shared_folder_each_host_looks_for_its_own_and_a_host_that_is_gone_leaves_nothing_for_ever(tmp_path):
    one, other = (Desk(tmp_path, node=name, keep_s=KEEP_S) for name in ("media1", "media2"))
    one.wall = WallClock()
    behind = one.mailboxes.as_it_is()
    leave(one)
    one.mailboxes.fail_over(behind)

    sweeper = other.sweeper(wall=one.wall)
    assert sweeper.sweep_once() == []
    one.wall.ahead = 86_401
    sweeper.sweep_once()

    assert other.on_the_way() == []


# On a real Redis.


@pytest.fixture
def keeping(service):
    spool = Spool(
        service.spool.folder.takes.parent,
        service.store.mailboxes,
        service.audio,
        service.clock,
        min_free=0,
        keep_s=KEEP_S,
    )
    service.spool = spool
    service.sweeper = Sweeper(spool, quiet_s=0)
    return service


def leave_on_redis(service) -> str:
    with service.take(1, BRUNO) as take:
        freeswitch_records(take.path, SAID)
        take.recorded(recorded(1500))
        assert take.settle() is Settled.DELIVERED
    return take.id


def test_what_redis_lost_comes_back_whatever_it_was(keeping, server):
    message = leave_on_redis(keeping)
    for keys in (f"*msg*{message}", f"vm:audio:{message}"):
        with server.client() as client:
            client.delete(*client.keys(keys))
        keeping.sweeper.sweep_once()
        assert [one.id for one in keeping.lie(BRUNO)] == [message]
        assert keeping.audio.exists(message)


@pytest.mark.parametrize("trash_days", ["0", "14"])
def test_what_was_deleted_in_redis_is_kept_no_longer(keeping, trash_days):
    keeping.store.registry.change(BRUNO, {"trash_days": trash_days})
    message = leave_on_redis(keeping)
    keeping.store.mailboxes.delete(BRUNO, message)

    keeping.sweeper.sweep_once()

    assert keeping.spool.kept() == 0
    assert keeping.lie(BRUNO) == []


def test_a_mailbox_that_is_made_anew_gets_nothing_of_the_one_before(keeping):
    leave_on_redis(keeping)
    keeping.store.registry.remove(BRUNO)
    keeping.clock.at += 60
    keeping.store.registry.add(BRUNO, {})

    keeping.sweeper.sweep_once()

    assert keeping.lie(BRUNO) == []
    assert keeping.spool.kept() == 0


def test_a_mailbox_that_was_renamed_has_it_once(keeping):
    message = leave_on_redis(keeping)
    new = type(BRUNO)("1777")
    keeping.store.renames.rename(BRUNO, new)

    keeping.sweeper.sweep_once()

    assert [one.id for one in keeping.lie(new)] == [message]


def test_looking_for_what_is_there_costs_a_round_trip_a_partition_and_one_for_the_sounds(keeping):
    leave_on_redis(keeping)
    keeping.sweeper.sweep_once()
    before = keeping.questions

    keeping.sweeper.sweep_once()

    assert keeping.questions - before == 2
