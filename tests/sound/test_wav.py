"""What a recording says of itself: how long, how much of it spoken, ended or cut off; and what is stored of it."""

from __future__ import annotations

import math
import struct
import wave as standard_wave

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.sounds import RATE, cut_off, silence, voice

from esl_vm.sound.wav import BrokenSoundError, convert, cut_to, join, measure, measured, wave


@pytest.fixture
def recording(tmp_path):
    def write(content: bytes):
        path = tmp_path / "recording.wav"
        path.write_bytes(content)
        return path

    return write


@pytest.mark.parametrize(
    ("data", "ms", "heard_ms"),
    [
        (b"", 0, 0),
        (silence(3000), 3000, 0),
        (voice(1000), 1000, 1000),
        (voice(1000) + silence(3000), 4000, 1000),
        (silence(500) + voice(500) + silence(2000), 3000, 1000),
        (voice(1000) + silence(2000) + voice(20) + silence(1000), 4020, 3020),
        (voice(1000, level=100) + voice(1000, level=90), 2000, 0),
        (voice(7), 7, 7),
    ],
)
def test_how_long_it_is_and_how_much_of_it_is_not_silence_at_the_end(recording, data, ms, heard_ms):
    sound = measure(recording(wave(data, RATE)), 128)

    assert (sound.ms, sound.heard_ms, sound.finished) == (ms, heard_ms, True)


def test_a_threshold_of_0_hears_everything(recording):
    assert measure(recording(wave(silence(3000), RATE)), 0).heard_ms == 3000


@given(st.lists(st.integers(-32768, 32767), min_size=1, max_size=160))
def test_what_is_as_loud_as_the_threshold_in_the_mean_is_heard(tmp_path_factory, samples):
    path = tmp_path_factory.mktemp("loud") / "recording.wav"
    path.write_bytes(wave(silence(1000) + struct.pack(f"<{len(samples)}h", *samples), RATE))
    mean = sum(abs(sample) for sample in samples) / len(samples)

    assert measure(path, max(1, math.floor(mean))).heard_frames == (RATE + len(samples) if mean >= 1 else 0)
    assert measure(path, math.floor(mean) + 1).heard_frames == 0


@pytest.mark.parametrize("rate", [8000, 16000, 48000])
@pytest.mark.parametrize("channels", [1, 2])
def test_any_rate_and_stereo_are_measured_alike(recording, rate, channels):
    frames = b"".join(struct.pack("<h", 5000 * (i % 7 - 3)) * channels for i in range(rate))
    sound = measure(recording(wave(frames + bytes(2 * channels * rate), rate, channels)), 128)

    assert (sound.ms, sound.heard_ms, sound.channels) == (2000, 1000, channels)


def test_the_rest_of_the_silence_is_cut_off_and_200_ms_remain(recording, tmp_path):
    path = recording(wave(voice(1000) + silence(3000), RATE))
    sound = measure(path, 128)

    cut_to(path, sound, sound.trimmed(), tmp_path / "fit.wav")

    with standard_wave.open(str(tmp_path / "fit.wav")) as file:
        assert file.getnframes() == RATE * 1200 // 1000
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (RATE, 1, 2)


def test_a_recording_that_freeswitch_could_not_end_is_known_by_its_header_and_repaired(recording, tmp_path):
    path = recording(cut_off(voice(2500)))

    sound = measure(path, 128)
    cut_to(path, sound, sound.frames, tmp_path / "fit.wav")

    assert not sound.finished
    assert sound.ms == 2500
    with standard_wave.open(str(tmp_path / "fit.wav")) as file:
        assert file.readframes(99999) == voice(2500)


def test_an_odd_last_byte_of_a_recording_cut_off_is_left_out(recording):
    sound = measure(recording(cut_off(voice(1000)) + b"\x01"), 128)

    assert (sound.finished, sound.frames) == (False, 8000)


@pytest.mark.parametrize("said", [0, 100, 0x7FFFFFF0, 0xFFFFFFFF])
def test_whatever_sizes_a_broken_header_names_all_the_sound_is_found(recording, said):
    content = bytearray(wave(voice(1000), RATE))
    struct.pack_into("<I", content, 4, said)
    struct.pack_into("<I", content, 40, said)

    sound = measure(recording(bytes(content)), 128)

    assert (sound.finished, sound.ms) == (False, 1000)


def test_notes_after_the_sound_are_no_sound(recording):
    content = bytearray(wave(voice(1000), RATE) + b"LIST" + struct.pack("<I", 4) + b"INFO")
    struct.pack_into("<I", content, 4, len(content) - 8)

    sound = measure(recording(bytes(content)), 128)

    assert (sound.finished, sound.ms) == (True, 1000)


def test_notes_before_the_sound_are_skipped(recording):
    plain = wave(voice(1000), RATE)
    content = bytearray(plain[:36] + b"LIST" + struct.pack("<I", 3) + b"abc\0" + plain[36:])
    struct.pack_into("<I", content, 4, len(content) - 8)

    assert measure(recording(bytes(content)), 128).ms == 1000


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "the file is empty"),
        (b"RIFF", "only 4 bytes"),
        (b"ID3\x04" + bytes(200), "not a RIFF WAVE file"),
        (wave(b"", RATE)[:30], "the header is cut off"),
        (wave(b"", RATE)[:36], "ends before the sound"),
        (wave(b"", RATE)[:12] + wave(b"", RATE)[36:], "does not say its format"),
        (wave(voice(10), RATE).replace(b"\x10\x00data", b"\x08\x00data"), "not 16-bit PCM"),
        (wave(voice(10), RATE).replace(b"fmt \x10\0\0\0\x01\0", b"fmt \x10\0\0\0\x07\0"), "not 16-bit PCM"),
        (wave(voice(10), 0), "not 16-bit PCM"),
        (wave(voice(10), 1), "1 Hz"),
        (wave(voice(10), 2**31 - 1), "2147483647 Hz"),
    ],
)
def test_what_is_no_recording_is_refused_with_a_sentence(recording, content, sentence):
    with pytest.raises(BrokenSoundError, match=sentence):
        measure(recording(content), 128)


@given(st.binary(max_size=80), st.integers(0, 120))
def test_rubbish_and_half_headers_never_do_more_than_be_refused(tmp_path_factory, rubbish, keep):
    path = tmp_path_factory.mktemp("rubbish") / "recording.wav"
    path.write_bytes(wave(voice(5), RATE)[:keep] + rubbish)
    try:
        sound = measure(path, 128)
    except BrokenSoundError:
        return
    assert 0 <= sound.heard_frames <= sound.frames


@pytest.mark.parametrize("rate", [8000, 16000])
def test_introductions_are_joined_at_the_rate_of_what_is_stored(tmp_path, rate):
    paths = [tmp_path / name for name in ("a.wav", "b.wav", "c.wav")]
    paths[0].write_bytes(wave(voice(1000), 8000))
    paths[1].write_bytes(wave(voice(500, rate=16000), 16000))
    stereo = b"".join(struct.pack("<hh", 1000, 1000) for _ in range(4000))
    paths[2].write_bytes(wave(stereo, 8000, 2))

    ms = join(paths, tmp_path / "joined.wav", rate)

    sound = measure(tmp_path / "joined.wav", 128)
    assert (sound.rate, sound.channels) == (rate, 1)
    assert sound.ms == ms == 2000


def sine(hertz, rate, *, left=0.5, right=None):
    """Two seconds of a tone; in stereo where the right channel has a level too."""
    levels = [left] if right is None else [left, right]
    samples = (level * math.sin(2 * math.pi * hertz * i / rate) for i in range(2 * rate) for level in levels)
    return wave(b"".join(struct.pack("<h", round(32767 * sample)) for sample in samples), rate, len(levels))


def at(rate, path):
    """The samples of it in one channel at a rate, -1 to 1."""
    target = path.with_name("converted.wav")
    convert([(path, measure(path, 0))], rate, target)
    with standard_wave.open(str(target)) as file:
        assert file.getparams()[:3] == (1, 2, rate)
        return np.frombuffer(file.readframes(file.getnframes()), dtype="<i2") / 32767


def heard(samples):
    """The strongest frequency in the middle second of two, Hz, and that tone's amplitude."""
    middle = samples[len(samples) // 4 : len(samples) * 3 // 4]
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle)))) * 4 / len(middle)
    return int(np.argmax(spectrum)), float(spectrum.max())


@pytest.mark.parametrize("line", [8000, 11025, 16000, 24000, 48000])
@pytest.mark.parametrize("kept", [8000, 16000])
def test_a_tone_keeps_length_pitch_and_level(recording, line, kept):
    samples = at(kept, recording(sine(1000, line)))

    assert len(samples) == 2 * kept
    assert heard(samples) == (1000, pytest.approx(0.5, rel=0.01))


def test_a_tone_that_the_kept_rate_cannot_carry_is_gone_not_another_tone(recording):
    path = recording(sine(6000, 48000))

    assert heard(at(8000, path))[1] < 0.001
    assert heard(at(16000, path)) == (6000, pytest.approx(0.5, rel=0.01))


@pytest.mark.parametrize(("left", "right", "level"), [(0.5, 0.5, 0.5), (0.5, 0.0, 0.25), (0.2, 0.4, 0.3)])
def test_the_channels_of_a_stereo_line_are_mixed(recording, left, right, level):
    assert heard(at(8000, recording(sine(1000, 48000, left=left, right=right)))) == (
        1000,
        pytest.approx(level, rel=0.01),
    )


def test_the_same_recording_gives_the_same_bytes_every_time(recording):
    path = recording(sine(440, 48000, left=0.3, right=0.1))

    assert at(8000, path).tobytes() == at(8000, path).tobytes()


@pytest.mark.parametrize(("first", "then"), [(8000, 16000), (16000, 8000), (8000, 48000), (48000, 8000)])
def test_all_pieces_of_a_recording_keep_their_speed(tmp_path, first, then):
    pieces = [tmp_path / "1.wav", tmp_path / "2.wav", tmp_path / "3.wav"]
    for path, content in zip(pieces, (sine(1000, first), sine(1000, then, right=0.5), b"RIFF"), strict=True):
        path.write_bytes(content)

    convert(measured(pieces), 8000, tmp_path / "converted.wav")

    with standard_wave.open(str(tmp_path / "converted.wav")) as file:
        assert file.getnframes() == 4 * 8000
        samples = np.frombuffer(file.readframes(4 * 8000), dtype="<i2") / 32767
    for part in (samples[: 2 * 8000], samples[2 * 8000 :]):
        assert heard(part) == (1000, pytest.approx(0.5, rel=0.01))


@pytest.mark.parametrize("channels", [1, 2, 3, 8])
@pytest.mark.parametrize("frames", [1, 2, 7, 12345])
def test_any_length_is_the_same_length_at_another_rate(recording, frames, channels):
    path = recording(wave(bytes(2 * channels * frames), 44100, channels))

    assert abs(len(at(8000, path)) - frames * 8000 / 44100) <= 0.5
