"""Slower and faster at the pitch it has; renditions are made once, go with their sound, and never keep it from being heard."""

import numpy as np
import pytest

from esl_vm.audio.cache import Cache
from esl_vm.audio.renditions import LONGEST_S, Renditions
from esl_vm.model.manner import MORE_DB, SPEEDS, Manner
from esl_vm.sound.decode import read_sound
from esl_vm.sound.disk import at_once
from esl_vm.sound.resample import to_pcm
from esl_vm.sound.tempo import stretched
from esl_vm.sound.wav import wave


def voice(seconds=2.0, rate=8000, pitch=180.0):
    """Something like a vowel that is spoken four times a second: harmonics of a pitch, louder and softer."""
    at = np.arange(int(seconds * rate)) / rate
    harmonics = sum(np.sin(2 * np.pi * pitch * n * at) / n for n in range(1, 8))
    return (0.2 * harmonics * (0.55 + 0.45 * np.sin(2 * np.pi * 4 * at))).astype(np.float32)


def strongest_hz(samples, rate):
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return np.argmax(spectrum) * rate / len(samples)


@pytest.mark.parametrize("rate", [8000, 16000])
@pytest.mark.parametrize("percent", SPEEDS)
def test_it_lasts_as_long_as_wanted_at_the_pitch_and_level_it_has(percent, rate):
    spoken = voice(rate=rate)
    heard = stretched(spoken, rate, percent)
    assert len(heard) == len(spoken) * 100 // percent
    assert strongest_hz(heard, rate) == pytest.approx(180, abs=4)
    assert np.std(heard) == pytest.approx(np.std(spoken), rel=0.1)


@pytest.mark.parametrize("percent", SPEEDS)
def test_what_was_said_first_is_heard_first(percent):
    low, high = voice(1.0, pitch=150), voice(1.0, pitch=300)
    heard = stretched(np.concatenate([low, high]), 8000, percent)
    half, edge = len(heard) // 2, len(heard) // 10
    assert strongest_hz(heard[: half - edge], 8000) == pytest.approx(150, abs=8)
    assert strongest_hz(heard[half + edge :], 8000) == pytest.approx(300, abs=8)


@pytest.mark.parametrize("length", [0, 1, 100, 319, 321, 1000])
def test_the_shortest_sounds_are_no_trouble(length):
    for percent in SPEEDS:
        assert len(stretched(voice()[:length], 8000, percent)) == length * 100 // percent


def test_the_steps_have_ends_and_louder_goes_round():
    manner, slowest = Manner(), Manner(percent=min(SPEEDS))
    for _ in SPEEDS:
        manner = manner.faster()
    assert (manner.percent, slowest.slower()) == (max(SPEEDS), slowest)
    for _ in MORE_DB:
        manner = manner.louder()
    assert manner == Manner(percent=max(SPEEDS))
    assert manner.slower().faster() == manner


@pytest.fixture
def sound(tmp_path):
    path = tmp_path / "sounds/1a2b.wav"
    path.parent.mkdir()
    path.write_bytes(wave(to_pcm(voice()), 8000))
    return path


def test_a_rendition_is_made_once_and_goes_with_its_sound(tmp_path, sound):
    made = []
    cache = Cache(tmp_path / "cache", limit_bytes=1 << 20)
    renditions = Renditions(cache, lambda work: made.append(1) or work())
    faster, louder = Manner(percent=200), Manner(more_db=6)
    paths = {renditions.of(sound, manner) for manner in (faster, louder, faster)}
    assert (len(paths), len(made)) == (2, 2)
    assert renditions.of(sound, Manner()) == sound
    samples, rate = read_sound(renditions.of(sound, faster))
    assert (len(samples), rate) == (8000, 8000)
    louder_samples, _ = read_sound(renditions.of(sound, louder))
    assert np.std(louder_samples) > 1.6 * np.std(voice())
    assert np.abs(louder_samples).max() < 1
    cache.fetch("1a2b", sound.read_bytes)
    cache.fetch("1a2bc", sound.read_bytes)
    cache.forget("1a2b")
    assert [path.name for path in (tmp_path / "cache").glob("*/*.wav")] == ["1a2bc.wav"]


def test_what_can_not_be_made_is_heard_as_it_is(tmp_path, sound):
    renditions = Renditions(Cache(tmp_path / "cache", limit_bytes=1 << 20), at_once)
    broken, gone, long = (sound.with_name(f"{name}.wav") for name in ("broken", "gone", "long"))
    broken.write_bytes(b"no sound")
    long.write_bytes(wave(bytes(2 * 10 * (LONGEST_S + 1)), 10))
    for path in (broken, gone, long):
        assert renditions.of(path, Manner(percent=150)) == path
    in_the_way = tmp_path / "file"
    in_the_way.write_bytes(b"")
    assert Renditions(Cache(in_the_way, limit_bytes=1 << 20), at_once).of(sound, Manner(more_db=6)) == sound
