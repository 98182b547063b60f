"""The tone of the key that ended a recording is no part of it."""

import array
import math

import numpy as np
import pytest

from esl_vm.sound.key_tone import tone_frames
from esl_vm.sound.wav import measure, wave

RATE = 8000


def found_in(samples, rate, key):
    return tone_frames(np.array(samples), rate, key)


KEYS = {"#": (941, 1477), "1": (697, 1209), "0": (941, 1336), "5": (770, 1336)}


def tone(key, ms, rate=RATE, level=6000):
    frames = range(rate * ms // 1000)
    return array.array(
        "h", (round(sum(level * math.sin(2 * math.pi * hertz * n / rate) for hertz in KEYS[key])) for n in frames)
    )


def speech(ms, rate=RATE):
    """A voice of 120 Hz with its harmonics, louder and quieter."""
    frames = range(rate * ms // 1000)
    return array.array(
        "h",
        (
            round(
                (1 + math.sin(n / rate * 25))
                * sum(1800 / k * math.sin(2 * math.pi * 120 * k * n / rate) for k in range(1, 20))
            )
            for n in frames
        ),
    )


def silence(ms, rate=RATE):
    return array.array("h", bytes(2 * (rate * ms // 1000)))


@pytest.mark.parametrize("rate", [8000, 16000, 48000])
@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("ms", [40, 60, 75, 120])
def test_a_tone_at_the_end_is_found_whole_and_not_much_more(rate, key, ms):
    samples = speech(400, rate) + tone(key, ms, rate)
    found = found_in(samples[-rate * 6 // 10 :], rate, key) * 1000 / rate
    assert ms <= found <= ms + 40


def test_a_little_silence_may_follow_it():
    samples = speech(400) + tone("#", 60) + silence(300)
    assert 360 <= found_in(samples[-4800:], RATE, "#") * 1000 / RATE <= 400


def test_a_word_on_the_lips_may_follow_it():
    samples = speech(600) + tone("#", 60) + silence(80) + speech(50)
    assert 190 <= found_in(samples[-4800:], RATE, "#") * 1000 / RATE <= 230


@pytest.mark.parametrize(
    "samples",
    [speech(400), silence(400), tone("5", 400), speech(300) + tone("#", 60) + speech(140), array.array("h")],
    ids=["speech", "silence", "another key", "in the middle", "nothing"],
)
def test_what_is_no_tone_of_that_key_stays(samples):
    assert found_in(samples[-4800:], RATE, "#") == 0


@pytest.mark.parametrize("channels", [1, 2])
def test_a_recording_is_measured_without_it(tmp_path, channels):
    path = tmp_path / "a.wav"
    samples = speech(2000) + tone("#", 60)
    path.write_bytes(wave(np.repeat(samples, channels).astype("<i2").tobytes(), RATE, channels))
    assert measure(path, 128).ms == 2060
    assert 1960 <= measure(path, 128, "#").ms <= 2000
    assert measure(path, 128, "1").ms == 2060


def test_all_of_a_recording_may_be_the_tone():
    assert found_in(tone("#", 100), RATE, "#") == 800
