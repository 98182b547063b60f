"""An owner sends a message on: one durable job for all recipients, with or without a spoken introduction."""

from __future__ import annotations

import dataclasses

import pytest
from spool_cast import ALICE, BOB, EVE, NOBODY, RATE, freeswitch_records, process_dies, recorded
from support.sounds import silence, voice

from esl_vm.model.errors import AudioMissingError, CallerGoneError, SpoolError
from esl_vm.model.store import Delivery
from esl_vm.recordings import Settled
from esl_vm.sound.wav import wave

SOURCE = voice(3000)
PREFACE = voice(1000, pitch=0.6)


@pytest.fixture
def original(desk):
    """A message that lies in Alice's mailbox."""
    with desk.take() as take:
        freeswitch_records(take.path, SOURCE)
        take.recorded(recorded(3000))
        take.settle()
    return desk.mailboxes.messages(ALICE)[take.id]


@pytest.fixture
def copy(desk, original):
    """What Alice makes of it, to be sent on."""
    desk.clock.at += 60
    return original.forwarded(desk.sound_id(), desk.clock.now(), str(ALICE))


@pytest.fixture
def preface(desk):
    take = desk.spool.take_sound(desk.sound_id())
    freeswitch_records(take.path, PREFACE + silence(2000))
    take.recorded(recorded(3000))
    return take


def test_every_recipient_gets_a_message_of_their_own_and_the_original_stays_as_it_is(desk, original, copy):
    with desk.spool.forward((BOB, EVE), copy, source_id=original.id) as job:
        assert job.settle() is Settled.DELIVERED

    for box, message_id in ((BOB, copy.id), (EVE, f"{copy.id}.1")):
        [message] = desk.mailboxes.messages(box).values()
        assert message.id == message_id
        assert desk.content(message_id) == wave(SOURCE, RATE)
        assert (message.duration_ms, message.forwarded_by, message.caller) == (3000, "1001@default", original.caller)
        assert (message.intro_id, message.intro_ms) == ("", 0)
    assert desk.mailboxes.messages(ALICE) == {original.id: original}
    assert desk.on_the_way() == []


def test_an_introduction_goes_with_it_as_a_sound_of_its_own(desk, original, copy, preface):
    with preface, desk.spool.forward((BOB, EVE), copy, source_id=original.id, preface=preface) as job:
        job.settle()

    for box in (BOB, EVE):
        [message] = desk.mailboxes.messages(box).values()
        assert message.intro_id == f"{message.id}.intro"
        assert message.intro_ms == 1200
        assert desk.content(message.intro_id) == wave(PREFACE + silence(200), RATE)
        assert desk.content(message.id) == wave(SOURCE, RATE)
    assert desk.on_the_way() == []
    assert len(desk.sounds()) == 5


def test_sent_on_again_both_introductions_are_heard_the_last_one_first(desk, original, copy, preface):
    with preface, desk.spool.forward((BOB,), copy, source_id=original.id, preface=preface) as job:
        job.settle()
    at_bobs = desk.mailboxes.messages(BOB)[copy.id]
    second = desk.spool.take_sound(desk.sound_id())
    freeswitch_records(second.path, voice(500))
    second.recorded(recorded(500))
    onward = dataclasses.replace(at_bobs, id=desk.sound_id())

    with (
        second,
        desk.spool.forward(
            (EVE,), onward, source_id=at_bobs.id, source_intro_id=at_bobs.intro_id, preface=second
        ) as job,
    ):
        job.settle()

    [message] = desk.mailboxes.messages(EVE).values()
    assert message.intro_ms == 1700
    assert desk.content(message.intro_id) == wave(voice(500) + PREFACE + silence(200), RATE)


def test_sent_on_as_it_is_it_keeps_the_introduction_it_had(desk, original, copy, preface):
    with preface, desk.spool.forward((BOB,), copy, source_id=original.id, preface=preface) as job:
        job.settle()
    at_bobs = desk.mailboxes.messages(BOB)[copy.id]
    onward = dataclasses.replace(at_bobs, id=desk.sound_id())

    with desk.spool.forward((EVE,), onward, source_id=at_bobs.id, source_intro_id=at_bobs.intro_id) as job:
        job.settle()

    [message] = desk.mailboxes.messages(EVE).values()
    assert desk.content(message.intro_id) == desk.content(at_bobs.intro_id)


def test_an_introduction_whose_sound_is_gone_keeps_no_message_from_being_sent_on(desk, original, copy):
    with desk.spool.forward((BOB,), copy, source_id=original.id, source_intro_id="gone") as job:
        assert job.settle() is Settled.DELIVERED
    [message] = desk.mailboxes.messages(BOB).values()
    assert (message.intro_id, message.intro_ms) == ("", 0)


def test_an_urgent_message_sent_on_stays_urgent(desk, original, copy):
    urgent = dataclasses.replace(copy, urgent=True)
    with desk.spool.forward((BOB,), urgent, source_id=original.id) as job:
        job.settle()

    assert desk.mailboxes.messages(BOB)[copy.id].urgent


def test_once_begun_it_is_sent_whatever_happens_to_the_call(desk, original, copy):
    def call():
        with desk.spool.forward((BOB, EVE), copy, source_id=original.id):
            raise CallerGoneError

    with pytest.raises(CallerGoneError):
        call()
    assert len(desk.mailboxes.messages(BOB)) == len(desk.mailboxes.messages(EVE)) == 1


def test_with_the_store_down_it_is_sent_later_even_if_the_original_is_gone_by_then(desk, original, copy, preface):
    with preface, desk.spool.forward((BOB, EVE), copy, source_id=original.id, preface=preface) as job:
        desk.mailboxes.down = 1
        assert job.settle() is Settled.WAITING
    desk.mailboxes.delete(ALICE, original.id)
    desk.audio.delete(original.id)

    [outcome] = desk.sweeper().sweep_once()

    assert outcome.settled is Settled.DELIVERED
    for box in (BOB, EVE):
        [message] = desk.mailboxes.messages(box).values()
        assert desk.content(message.id) == wave(SOURCE, RATE)
        assert desk.content(message.intro_id) == wave(PREFACE + silence(200), RATE)
    assert desk.on_the_way() == []


def test_an_answer_lost_half_way_sends_nobody_two(desk, original, copy):
    with desk.spool.forward((BOB, EVE), copy, source_id=original.id) as job:
        desk.mailboxes.deaf = 1
        job.settle()
    assert desk.mailboxes.messages(EVE) == {}

    desk.sweeper().sweep_once()

    assert len(desk.mailboxes.messages(BOB)) == len(desk.mailboxes.messages(EVE)) == 1


def test_the_full_and_the_unknown_are_told_apart_from_those_who_got_it(desk, original, copy, preface):
    desk.mailboxes.fill(EVE, 10)
    with preface, desk.spool.forward((EVE, NOBODY, BOB), copy, source_id=original.id, preface=preface) as job:
        assert job.settle() is Settled.DELIVERED
        assert job.deliveries == {EVE: Delivery.FULL, NOBODY: Delivery.NO_MAILBOX, BOB: Delivery.DONE}

    assert desk.sounds() == sorted([original.id, f"{copy.id}.2", f"{copy.id}.2.intro"])


def test_a_message_that_is_gone_cannot_be_sent_on_and_nothing_remains(desk, original, copy, preface):
    desk.audio.delete(original.id)

    with preface, pytest.raises(AudioMissingError):
        desk.spool.forward((BOB,), copy, source_id=original.id, preface=preface)

    assert desk.on_the_way() == []


def test_without_room_for_it_nothing_is_sent_and_nothing_remains(desk, original, copy, preface, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    with preface:
        monkeypatch.setattr("os.write", full)
        with pytest.raises(SpoolError):
            desk.spool.forward((BOB,), copy, source_id=original.id, preface=preface)
        monkeypatch.undo()

    assert (desk.on_the_way(), desk.mailboxes.messages(BOB)) == ([], {})


def test_an_introduction_without_sound_is_refused_and_nothing_is_sent(desk, original, copy):
    with desk.spool.take_sound(desk.sound_id()) as preface:
        freeswitch_records(preface.path, b"")
        preface.recorded(recorded(0))
        assert preface.too_short
        with pytest.raises(SpoolError):
            desk.spool.forward((BOB,), copy, source_id=original.id, preface=preface)

    assert (desk.on_the_way(), desk.mailboxes.messages(BOB)) == ([], {})


def test_an_introduction_that_is_not_handed_on_is_dropped(desk, preface):
    with preface:
        assert preface.playable.exists()

    assert preface.settled is Settled.DISCARDED
    assert (desk.on_the_way(), desk.sounds()) == ([], [])


def test_a_process_that_dies_before_it_was_certain_sends_nothing(desk, original, copy, monkeypatch):
    def dies(*_):
        raise SystemExit

    monkeypatch.setattr("esl_vm.recordings.spool.join", dies)
    monkeypatch.setattr("esl_vm.recordings.folder.SpoolFolder.remove", dies)
    preface = desk.spool.take_sound(desk.sound_id())
    freeswitch_records(preface.path, PREFACE)
    preface.recorded(recorded(1000))
    with pytest.raises(SystemExit):
        desk.spool.forward((BOB,), copy, source_id=original.id, preface=preface)
    monkeypatch.undo()
    process_dies(preface)
    assert f"{copy.id}.take" in desk.on_the_way()

    outcomes = desk.sweeper().sweep_once()

    assert [outcome.settled for outcome in outcomes] == [Settled.DISCARDED, Settled.DISCARDED]
    assert (desk.on_the_way(), desk.mailboxes.messages(BOB)) == ([], {})


@pytest.fixture
def left_behind(desk, original, copy):
    """An introduction whose process died while it was spoken, or after: a function of what was said so far."""

    def leave(said):
        take = desk.spool.take_sound(desk.sound_id(), (BOB, EVE), copy, source_id=original.id)
        if said is not None:
            freeswitch_records(take.path, said)
        process_dies(take)
        return take

    return leave


def test_an_introduction_whose_process_died_goes_with_what_it_was_spoken_for(desk, original, copy, left_behind):
    left_behind(PREFACE)

    [outcome] = desk.sweeper(quiet_s=0).sweep_once()

    assert outcome.settled is Settled.DELIVERED
    for box, message_id in ((BOB, copy.id), (EVE, f"{copy.id}.1")):
        [message] = desk.mailboxes.messages(box).values()
        assert (message.id, message.forwarded_by) == (message_id, str(ALICE))
        assert desk.content(message.id) == wave(SOURCE, RATE)
        assert desk.content(message.intro_id) == wave(PREFACE, RATE)
    assert desk.on_the_way() == []


@pytest.mark.parametrize("said", [None, b"", silence(3000)], ids=["not begun", "empty", "silence"])
def test_where_nothing_was_said_nothing_is_sent(desk, left_behind, said):
    left_behind(said)

    desk.sweeper(quiet_s=0).sweep_once()

    assert desk.mailboxes.messages(BOB) == {}
    assert desk.on_the_way() == []


def test_one_that_was_sent_before_the_process_died_is_there_once(desk, original, copy, left_behind):
    take = left_behind(PREFACE)
    with desk.spool.forward((BOB, EVE), copy, source_id=original.id) as job:
        job.settle()

    desk.sweeper(quiet_s=0).sweep_once()

    assert [len(desk.mailboxes.messages(box)) for box in (BOB, EVE)] == [1, 1]
    assert take.id not in " ".join(desk.on_the_way())


def test_what_was_erased_meanwhile_is_not_sent_on(desk, original, left_behind):
    left_behind(PREFACE)
    desk.audio.delete(original.id)

    desk.sweeper(quiet_s=0).sweep_once()

    assert desk.mailboxes.messages(BOB) == {}
    assert desk.on_the_way() == []


def test_with_the_store_away_it_waits(desk, left_behind):
    left_behind(PREFACE)
    audio = desk.shared / "audio"
    audio.rename(desk.shared / "away")
    desk.sweeper(quiet_s=0).sweep_once()
    (desk.shared / "away").rename(audio)

    assert desk.mailboxes.messages(BOB) == {}
    desk.sweeper(quiet_s=0).sweep_once()

    assert len(desk.mailboxes.messages(BOB)) == 1
    assert desk.on_the_way() == []
