"""A caller leaves a message: from before the beep until it is in the mailbox."""

from __future__ import annotations

import contextlib
import os
import stat

import pytest
from spool_cast import ALICE, BOB, EVE, NOBODY, RATE, Desk, freeswitch_records, recorded
from support.sounds import cut_off, silence, voice

from esl_vm.model.call import Ended
from esl_vm.model.errors import CallerGoneError, InvalidValueError, SpoolError
from esl_vm.model.message import Message
from esl_vm.model.store import Delivery
from esl_vm.recordings import Settled
from esl_vm.recordings.journal import read
from esl_vm.sound.wav import wave


def test_the_manifest_is_on_the_disk_before_the_beep(desk):
    with desk.take() as take:
        manifest, busy = read(desk.folder / "takes" / f"{take.id}.take")
        assert busy
        assert manifest.boxes == (ALICE,)
        assert manifest.message.caller.number == "5145550100"
        assert take.path.is_absolute()
        assert take.path.suffix == ".wav"
        assert take.path.parent.is_dir()
        assert not take.path.exists()


def test_an_accepted_message_is_in_the_mailbox_before_the_caller_hears_saved(desk):
    with desk.take() as take:
        freeswitch_records(take.path, voice(2000))
        take.recorded(recorded(2000))
        assert take.settle() is Settled.DELIVERED

        message = desk.mailboxes.messages(ALICE)[take.id]
        assert (message.duration_ms, message.cut, message.urgent) == (2000, False, False)
        assert desk.content(take.id) == wave(voice(2000), RATE)
        assert take.deliveries == {ALICE: Delivery.DONE}
    assert desk.on_the_way() == []
    assert desk.set_aside() == []


def test_settling_twice_answers_the_same_and_delivers_once(desk):
    with desk.take() as take:
        freeswitch_records(take.path, voice(2000))
        take.recorded(recorded(2000))

        assert take.settle() is take.settle() is Settled.DELIVERED
    assert len(desk.mailboxes.messages(ALICE)) == 1


def interrupted(desk, error, data=None, *, ended=False):
    """A call that an error ends: before, while or after something was recorded; the take, when it is over."""
    takes = []

    def call():
        with desk.take() as take:
            takes.append(take)
            if data is not None:
                freeswitch_records(take.path, data)
            if ended:
                take.recorded(recorded(len(data) // 16))
            raise error

    with pytest.raises(type(error)):
        call()
    return takes[0]


def test_hanging_up_while_recording_keeps_the_message(desk):
    take = interrupted(desk, CallerGoneError(), voice(3000))

    assert take.settled is Settled.DELIVERED
    message = desk.mailboxes.messages(ALICE)[take.id]
    assert (message.duration_ms, message.cut) == (3000, False)


@pytest.mark.parametrize("error", [CallerGoneError(), ZeroDivisionError(), KeyboardInterrupt()])
def test_whatever_ends_the_call_in_the_review_keeps_the_message(desk, error):
    take = interrupted(desk, error, voice(3000), ended=True)

    assert list(desk.mailboxes.messages(ALICE)) == [take.id]


def test_hanging_up_before_the_beep_leaves_nothing(desk):
    take = interrupted(desk, CallerGoneError())

    assert take.settled is Settled.TOO_SHORT
    assert (desk.on_the_way(), desk.set_aside(), desk.sounds()) == ([], [], [])


def test_hanging_up_at_the_beep_leaves_nothing(desk):
    take = interrupted(desk, CallerGoneError(), b"")

    assert take.settled is Settled.TOO_SHORT
    assert (desk.on_the_way(), desk.set_aside(), desk.sounds()) == ([], [], [])


@pytest.mark.parametrize("ended", [Ended.SILENCE, Ended.KEY, Ended.LIMIT])
def test_silence_at_the_end_beyond_200_ms_is_cut_off(desk, ended):
    with desk.take() as take:
        freeswitch_records(take.path, voice(2000) + silence(5000))
        take.recorded(recorded(7000, ended))

        assert take.playable.read_bytes() == wave(voice(2000) + silence(200), RATE)
        take.settle()
    assert desk.mailboxes.messages(ALICE)[take.id].duration_ms == 2200
    assert desk.content(take.id) == wave(voice(2000) + silence(200), RATE)
    assert desk.on_the_way() == []


def test_after_a_hang_up_the_silence_at_the_end_stays(desk):
    with contextlib.suppress(CallerGoneError), desk.take() as take:
        freeswitch_records(take.path, voice(2000) + silence(5000))
        raise CallerGoneError

    assert desk.mailboxes.messages(ALICE)[take.id].duration_ms == 7000


def test_without_the_silence_option_nothing_is_cut_off(desk):
    with desk.take(trim_silence=False) as take:
        freeswitch_records(take.path, voice(2000) + silence(5000))
        take.recorded(recorded(7000, Ended.LIMIT))
        take.settle()

    assert desk.mailboxes.messages(ALICE)[take.id].duration_ms == 7000


@pytest.mark.parametrize(
    ("said", "trim", "short"),
    [
        (voice(980), True, True),
        (voice(1000), True, False),
        (voice(980) + silence(4000), True, True),
        (voice(980) + silence(4000), False, False),
        (silence(500) + voice(500) + silence(4000), True, False),
        (silence(5000), True, True),
        (silence(5000), False, True),
    ],
)
def test_too_short_a_message_or_only_silence_is_known_at_once_and_not_kept(desk, said, trim, short):
    with desk.take(trim_silence=trim) as take:
        freeswitch_records(take.path, said)
        take.recorded(recorded(len(said) // 16))

        assert take.too_short is short
        assert take.settle() is (Settled.TOO_SHORT if short else Settled.DELIVERED)
    assert (desk.sounds() == []) is short
    assert desk.on_the_way() == []


def test_silence_is_kept_where_the_threshold_says_that_nothing_is_silence(desk):
    with desk.take(threshold=0) as take:
        freeswitch_records(take.path, silence(3000))
        take.recorded(recorded(3000))

        assert take.settle() is Settled.DELIVERED


def test_marked_urgent_then_hung_up_it_arrives_urgent(desk):
    with contextlib.suppress(CallerGoneError), desk.take() as take:
        freeswitch_records(take.path, voice(2000))
        take.recorded(recorded(2000))
        take.mark(urgent=True)
        raise CallerGoneError

    assert desk.mailboxes.messages(ALICE)[take.id].urgent


def test_marked_urgent_and_not_urgent_again_it_arrives_as_any_other(desk):
    with desk.take() as take:
        freeswitch_records(take.path, voice(2000))
        take.recorded(recorded(2000))
        take.mark(urgent=True)
        assert take.urgent
        take.mark(urgent=False)
        take.settle()

    assert not desk.mailboxes.messages(ALICE)[take.id].urgent


def test_recorded_again_only_the_last_attempt_counts(desk):
    with desk.take() as take:
        first = take.path
        freeswitch_records(first, voice(2000))
        take.recorded(recorded(2000))
        take.again()
        assert take.path != first
        assert not first.exists()
        freeswitch_records(take.path, voice(4000, pitch=0.5))
        take.recorded(recorded(4000))
        take.settle()

    assert desk.content(take.id) == wave(voice(4000, pitch=0.5), RATE)
    assert desk.on_the_way() == []


def test_hanging_up_after_asking_to_record_again_leaves_nothing(desk):
    with contextlib.suppress(CallerGoneError), desk.take() as take:
        freeswitch_records(take.path, voice(2000))
        take.recorded(recorded(2000))
        take.again()
        raise CallerGoneError

    assert desk.mailboxes.messages(ALICE) == {}
    assert (desk.on_the_way(), desk.sounds()) == ([], [])


def test_a_discarded_message_is_gone(desk):
    with desk.take() as take:
        freeswitch_records(take.path, voice(2000))
        take.recorded(recorded(2000))
        take.discard()
        assert take.settle() is Settled.DISCARDED

    assert (desk.mailboxes.messages(ALICE), desk.on_the_way(), desk.sounds()) == ({}, [], [])


def test_several_mailboxes_each_get_a_message_of_their_own(desk):
    with desk.take(ALICE, BOB, EVE) as take:
        freeswitch_records(take.path, voice(2000))
        take.recorded(recorded(2000))
        take.settle()

    for place, box in enumerate((ALICE, BOB, EVE)):
        [(message_id, message)] = desk.mailboxes.messages(box).items()
        assert message_id == message.id == (f"{take.id}.{place}" if place else take.id)
        assert desk.content(message_id) == wave(voice(2000), RATE)
    assert len(desk.sounds()) == 3


def test_a_mailbox_named_twice_gets_the_message_once(desk):
    with desk.take(ALICE, BOB, ALICE) as take:
        freeswitch_records(take.path, voice(2000))
        take.settle()

    assert len(desk.mailboxes.messages(ALICE)) == 1


def test_of_several_mailboxes_the_full_and_the_unknown_are_told_and_the_others_get_it(desk):
    desk.mailboxes.fill(ALICE, 10)
    with desk.take(ALICE, NOBODY, EVE) as take:
        freeswitch_records(take.path, voice(2000))

        assert take.settle() is Settled.DELIVERED
        assert take.deliveries == {ALICE: Delivery.FULL, NOBODY: Delivery.NO_MAILBOX, EVE: Delivery.DONE}
    assert desk.sounds() == [f"{take.id}.2"]


def test_a_full_mailbox_is_told_and_nothing_remains(desk):
    desk.mailboxes.fill(ALICE, 10)
    with desk.take() as take:
        freeswitch_records(take.path, voice(2000))

        assert take.settle() is Settled.FULL
    assert (desk.on_the_way(), desk.set_aside(), desk.sounds()) == ([], [], [])


def test_a_mailbox_removed_during_the_call_is_told(desk):
    with desk.take() as take:
        freeswitch_records(take.path, voice(2000))
        desk.mailboxes.remove_box(ALICE)

        assert take.settle() is Settled.NO_MAILBOX
    assert (desk.on_the_way(), desk.sounds()) == ([], [])


def test_a_mailbox_that_filled_up_before_the_caller_hung_up_costs_no_message(desk):
    with contextlib.suppress(CallerGoneError), desk.take() as take:
        freeswitch_records(take.path, voice(2000))
        desk.mailboxes.fill(ALICE, 10)
        raise CallerGoneError

    assert take.settled is Settled.FULL
    assert desk.set_aside() == [f"{take.id}-1.wav", f"{take.id}.take"]
    [info] = desk.spool.takes()
    assert (info.state, info.reason) == ("aside", "the mailbox is full")


@pytest.mark.parametrize("stubborn", ["mailboxes", "audio"])
def test_with_the_store_down_the_message_waits_and_arrives_when_it_is_back(desk, stubborn):
    with desk.take() as take:
        freeswitch_records(take.path, voice(2000))
        take.recorded(recorded(2000))
        if stubborn == "mailboxes":
            desk.mailboxes.down = 1
        else:
            (desk.shared / "audio").rename(desk.shared / "away")
        assert take.settle() is Settled.WAITING
        assert "does not answer" in take.reason
    [info] = desk.spool.takes()
    assert (info.id, info.state, info.size) == (take.id, "waiting", 44 + 32000)
    assert "does not answer" in info.reason

    if stubborn == "audio":
        (desk.shared / "away").rename(desk.shared / "audio")
    [outcome] = desk.sweeper().sweep_once()

    assert outcome.settled is Settled.DELIVERED
    assert list(desk.mailboxes.messages(ALICE)) == [take.id]
    assert desk.on_the_way() == []


def test_an_answer_that_got_lost_delivers_no_second_message(desk):
    with desk.take(ALICE, BOB) as take:
        freeswitch_records(take.path, voice(2000))
        desk.mailboxes.deaf = 1
        assert take.settle() is Settled.WAITING
    desk.sweeper().sweep_once()

    assert len(desk.mailboxes.messages(ALICE)) == len(desk.mailboxes.messages(BOB)) == 1


def test_what_the_owner_deleted_meanwhile_does_not_come_back(desk):
    with desk.take() as take:
        freeswitch_records(take.path, voice(2000))
        desk.mailboxes.deaf = 1
        take.settle()
    desk.mailboxes.delete(ALICE, take.id)
    desk.audio.delete(take.id)

    [outcome] = desk.sweeper().sweep_once()

    assert outcome.settled is Settled.DELIVERED
    assert (desk.mailboxes.messages(ALICE), desk.sounds(), desk.on_the_way()) == ({}, [], [])


def test_what_was_erased_meanwhile_leaves_no_sound_however_often_the_store_stumbles(desk):
    with desk.take() as take:
        freeswitch_records(take.path, voice(2000))
        desk.mailboxes.deaf = 1
        take.settle()
    desk.mailboxes.delete(ALICE, take.id)
    desk.audio.delete(take.id)

    for _ in range(3):
        desk.mailboxes.down = 1
        desk.sweeper().sweep_once()
    desk.sweeper().sweep_once()

    assert (desk.mailboxes.messages(ALICE), desk.sounds(), desk.on_the_way()) == ({}, [], [])


def test_what_the_store_forgot_with_its_sound_arrives_with_its_sound(desk):
    with desk.take() as take:
        freeswitch_records(take.path, voice(2000))
        desk.mailboxes.down = 1
        take.settle()
    desk.audio.delete(take.id)

    desk.sweeper().sweep_once()

    assert list(desk.mailboxes.messages(ALICE)) == desk.sounds() == [take.id]
    assert desk.content(take.id) == wave(voice(2000), RATE)


def test_on_a_disk_too_full_for_a_note_the_message_is_delivered_all_the_same(desk, monkeypatch):
    with desk.take() as take:
        freeswitch_records(take.path, voice(2000))
        take.recorded(recorded(2000))

        def full(*_):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "pwrite", full)
        assert take.settle() is Settled.DELIVERED


def test_what_lies_in_the_trash_keeps_its_sound(desk):
    with desk.take() as take:
        freeswitch_records(take.path, voice(2000))
        desk.mailboxes.deaf = 1
        take.settle()
    desk.mailboxes.delete(ALICE, take.id)

    desk.sweeper().sweep_once()

    assert desk.sounds() == [take.id]


def test_one_who_was_told_kept_is_not_sent_away_by_a_mailbox_that_filled_up_since(desk):
    with desk.take() as take:
        freeswitch_records(take.path, voice(2000))
        desk.mailboxes.down = 1
        assert take.settle() is Settled.WAITING
    desk.mailboxes.fill(ALICE, 10)

    desk.sweeper().sweep_once()

    assert take.id in desk.mailboxes.messages(ALICE)


@pytest.mark.parametrize("content", [b"", b"RIFF", b"\x00" * 5000, b"#!AMR" + bytes(100)])
def test_a_broken_recording_is_set_aside_with_the_reason_and_never_delivered(desk, content):
    with desk.take() as take:
        take.path.write_bytes(content)
        take.recorded(recorded(3000))

        assert take.settle() is Settled.BROKEN
        assert "broken" in take.reason
    assert desk.mailboxes.messages(ALICE) == {}
    assert desk.set_aside() == [f"{take.id}-1.wav", f"{take.id}.take"]
    [info] = desk.spool.takes()
    assert (info.state, info.size, info.boxes) == ("aside", len(content), ("1001@default",))
    assert "broken" in info.reason


def test_a_recording_that_should_have_sound_and_has_none_is_set_aside(desk):
    with desk.take() as take:
        freeswitch_records(take.path, b"")
        take.recorded(recorded(3000))

        assert take.settle() is Settled.BROKEN
    assert "3000 ms" in next(desk.spool.takes()).reason


def test_a_recording_cut_short_by_a_full_disk_arrives_and_is_marked_so(desk):
    with desk.take() as take:
        freeswitch_records(take.path, voice(2000))
        take.recorded(recorded(9000))
        take.settle()

    message = desk.mailboxes.messages(ALICE)[take.id]
    assert (message.duration_ms, message.cut) == (2000, True)


def test_freeswitch_dies_in_mid_recording_and_what_reached_the_disk_arrives_marked_as_cut(desk):
    with contextlib.suppress(CallerGoneError), desk.take() as take:
        take.path.write_bytes(cut_off(voice(4096)))
        raise CallerGoneError

    message = desk.mailboxes.messages(ALICE)[take.id]
    assert (message.duration_ms, message.cut) == (4096, True)
    assert desk.content(take.id) == wave(voice(4096), RATE)


def test_freeswitch_dies_before_anything_reached_the_disk(desk):
    with contextlib.suppress(CallerGoneError), desk.take() as take:
        take.path.write_bytes(cut_off(b""))
        raise CallerGoneError

    assert take.settled is Settled.BROKEN
    assert "cut off" in next(desk.spool.takes()).reason


def test_freeswitch_may_write_where_it_records_through_the_group_whatever_the_umask(desk):
    desk.shared.chmod(0o2775)
    before = os.umask(0o077)
    try:
        take = desk.take()
    finally:
        os.umask(before)

    folder = take.path.parent.stat()
    assert stat.S_IMODE(folder.st_mode) & 0o777 == 0o770  # whatever the umask is
    assert folder.st_mode & stat.S_ISGID
    assert folder.st_gid == desk.shared.stat().st_gid


@pytest.mark.parametrize("hostile", ["../../etc/cron.d/x", "a/b", "", ".x", "x" * 80, "a\nb"])
def test_an_id_from_outside_leads_nowhere(desk, hostile):
    with pytest.raises(InvalidValueError):
        desk.take(message=Message(hostile))


def test_the_same_id_twice_is_refused_and_the_first_is_unharmed(desk):
    take = desk.take()
    with pytest.raises(SpoolError):
        desk.take(message=Message(take.id))

    freeswitch_records(take.path, voice(2000))
    assert take.settle() is Settled.DELIVERED


def test_disk_work_can_be_handed_to_a_thread(tmp_path):
    handed = []

    def run(work):
        handed.append(work)
        return work()

    desk = Desk(tmp_path, run=run)
    with desk.take() as take:
        before_the_beep = len(handed)
        freeswitch_records(take.path, voice(2000))
        take.recorded(recorded(2000))
        take.settle()

    assert before_the_beep == 1
    assert len(handed) > 2
    assert list(desk.mailboxes.messages(ALICE)) == [take.id]
