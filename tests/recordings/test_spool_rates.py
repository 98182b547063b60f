"""Whatever a call's line gives, what is stored is mono at one rate; what FreeSWITCH recorded is there until it is."""

from __future__ import annotations

import struct

import pytest
from spool_cast import ALICE, RATE, Desk, freeswitch_records, recorded
from support.sounds import silence, voice

from esl_vm.model.mailbox import Greeting
from esl_vm.recordings import Settled
from esl_vm.recordings.journal import Journal
from esl_vm.sound.wav import measure, wave

LINES = [(8000, 1), (16000, 1), (24000, 1), (48000, 1), (48000, 2)]


def spoken(ms, rate, channels):
    """Somebody speaking on such a line."""
    one = voice(ms, pitch=0.3 * 8000 / rate, rate=rate)
    return b"".join(one[at : at + 2] * channels for at in range(0, len(one), 2))


def quiet(ms, rate, channels):
    return silence(ms, rate) * channels


def stored(desk, audio_id):
    return measure(desk.audio.playable(audio_id), 128)


@pytest.mark.parametrize(("rate", "channels"), LINES)
@pytest.mark.parametrize("kept", [8000, 16000])
def test_a_message_is_kept_mono_at_the_rate_of_the_installation(tmp_path, rate, channels, kept):
    desk = Desk(tmp_path, rate=kept)
    with desk.take() as take:
        freeswitch_records(take.path, spoken(2000, rate, channels) + quiet(3000, rate, channels), rate, channels)
        take.recorded(recorded(5000))
        assert not take.too_short
        assert measure(take.playable, 128).rate == kept
        assert take.settle() is Settled.DELIVERED

    sound = stored(desk, take.id)
    assert (sound.rate, sound.channels, sound.finished) == (kept, 1, True)
    assert sound.ms == pytest.approx(2200, abs=20)
    assert desk.mailboxes.messages(ALICE)[take.id].duration_ms == sound.ms
    assert len(desk.content(take.id)) == 44 + 2 * sound.frames
    assert desk.on_the_way() == []


@pytest.mark.parametrize(("rate", "channels"), LINES)
def test_one_whose_caller_hung_up_too(desk, rate, channels):
    with desk.take() as take:
        freeswitch_records(take.path, spoken(2000, rate, channels) + quiet(1000, rate, channels), rate, channels)

    sound = stored(desk, take.id)
    assert (sound.rate, sound.channels, sound.ms) == (RATE, 1, 3000)


def test_one_that_was_cut_off_too(desk):
    data = spoken(2000, 48000, 2)
    content = bytearray(wave(data, 48000, 2))
    struct.pack_into("<I", content, 4, 8)
    struct.pack_into("<I", content, 40, 0)
    with desk.take() as take:
        take.path.write_bytes(content + b"\x01\x02\x03")

    assert stored(desk, take.id).ms == 2000
    assert desk.mailboxes.messages(ALICE)[take.id].cut


@pytest.mark.parametrize("ended", [True, False])
def test_a_message_in_which_the_codec_changed_is_as_long_as_it_was(desk, ended):
    with desk.take() as take:
        freeswitch_records(take.path, spoken(2000, 48000, 2), 48000, 2)
        freeswitch_records(take.following(), spoken(3000, 8000, 1))
        freeswitch_records(take.following(), spoken(1000, 16000, 1), 16000)
        if ended:
            take.recorded(recorded(6000))
            take.settle()

    assert stored(desk, take.id).ms == 6000
    assert not desk.mailboxes.messages(ALICE)[take.id].cut
    assert desk.on_the_way() == []


def test_one_whose_worker_was_killed_after_the_change_too(desk):
    desk.mailboxes.down = 1
    with desk.take() as take:
        freeswitch_records(take.path, spoken(2000, 48000, 1), 48000)
        freeswitch_records(take.following(), spoken(3000, 8000, 1))
        take.following().write_bytes(b"")  # begun, and nothing has come yet
        assert take.settle() is Settled.WAITING

    assert desk.sweeper().sweep_once()[0].settled is Settled.DELIVERED
    assert stored(desk, take.id).ms == 5000
    assert desk.on_the_way() == []


def test_one_that_is_set_aside_and_brought_back_has_all_its_pieces(desk):
    with desk.take() as take:
        freeswitch_records(take.path, spoken(2000, 48000, 1), 48000)
        freeswitch_records(take.following(), spoken(3000, 8000, 1))
        desk.mailboxes.down = 1
        assert take.settle() is Settled.WAITING
    folder = desk.spool.folder
    folder.put_in_quarantine(Journal.open(folder.manifest(take.id)), "to be tried")
    assert {path.name for path in folder.quarantine.iterdir()} >= {f"{take.id}-1.wav", f"{take.id}-1.2.wav"}
    journal = Journal.open(folder.quarantine / f"{take.id}.take")
    folder.bring_back(journal)
    journal.close()
    assert desk.sweeper().sweep_once()[0].settled is Settled.DELIVERED
    assert stored(desk, take.id).ms == 5000


def test_recorded_again_it_is_as_it_comes(desk):
    with desk.take() as take:
        freeswitch_records(take.path, spoken(2000, 8000, 1))
        freeswitch_records(take.following(), spoken(2000, 16000, 1), 16000)
        take.recorded(recorded(4000))
        take.again()
        freeswitch_records(take.path, spoken(3000, 8000, 1))

    assert stored(desk, take.id).ms == 3000
    assert desk.on_the_way() == []


@pytest.mark.parametrize(("rate", "channels"), LINES)
def test_a_greeting_too(desk, rate, channels):
    take = desk.spool.take_greeting(ALICE, Greeting.UNAVAILABLE, desk.sound_id())
    with take:
        freeswitch_records(take.path, spoken(2000, rate, channels), rate, channels)
        take.recorded(recorded(2000))
        assert take.settle() is Settled.DELIVERED

    sound = stored(desk, take.id)
    assert (sound.rate, sound.channels, sound.ms) == (RATE, 1, 2000)
    assert desk.mailboxes.greeting(ALICE, Greeting.UNAVAILABLE).duration_ms == 2000


def test_five_minutes_of_a_stereo_line_are_as_large_as_those_of_a_telephone(desk):
    with desk.take() as take:
        freeswitch_records(take.path, spoken(1000, 48000, 2) * 300, 48000, 2)
        take.recorded(recorded(300_000))
        take.settle()

    assert len(desk.content(take.id)) == 44 + 300 * 16000


@pytest.mark.parametrize(("rate", "channels"), LINES)
def test_too_short_and_silent_are_the_same_on_every_line(desk, rate, channels):
    for data in (spoken(500, rate, channels), quiet(3000, rate, channels)):
        with desk.take() as take:
            freeswitch_records(take.path, data + quiet(2000, rate, channels), rate, channels)
            take.recorded(recorded(2500))
            assert take.too_short
            assert take.settle() is Settled.TOO_SHORT


def test_what_was_recorded_stays_until_it_is_delivered(desk):
    desk.mailboxes.down = 1
    with desk.take() as take:
        freeswitch_records(take.path, spoken(2000, 48000, 2), 48000, 2)
        take.recorded(recorded(2000))
        assert take.settle() is Settled.WAITING
    assert f"{take.id}-1.wav" in desk.on_the_way()

    assert desk.sweeper().sweep_once()[0].settled is Settled.DELIVERED
    assert desk.on_the_way() == []


def test_without_room_for_the_converted_one_it_waits_as_it_was_recorded(desk, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    with desk.take() as take:
        freeswitch_records(take.path, spoken(2000, 48000, 2), 48000, 2)
        with monkeypatch.context() as patch:
            patch.setattr("esl_vm.sound.wav.disk.write_parts", full)
            take.recorded(recorded(2000))
            assert take.settle() is Settled.WAITING
    assert desk.mailboxes.messages(ALICE) == {}

    assert desk.sweeper().sweep_once()[0].settled is Settled.DELIVERED
    assert stored(desk, take.id).ms == 2000
