"""Prompts brought to one level, with the silence around them cut: measured by ITU-T P.56 as the recommendation has it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from esl_vm.sound.shaping import LEVEL_DBFS, LONGEST_SILENCE_MS, WORD_GAP_MS, active_level, shaped


def p56(samples, rate):
    """The active speech level in dB below overload (ITU-T P.56, method B), sample by sample."""
    keep, hang = math.exp(-1 / (0.03 * rate)), round(0.2 * rate)
    once = twice = 0.0
    envelope = np.empty(len(samples))
    for place, size in enumerate(np.abs(samples)):
        once = keep * once + (1 - keep) * size
        twice = keep * twice + (1 - keep) * once
        envelope[place] = twice
    power = float((samples**2).sum())
    last = None
    for exponent in range(15, 0, -1):
        active = left = 0
        for value in envelope:
            left = hang if value >= 2.0**-exponent else left - 1
            active += left > 0
        if not active:
            break
        level, threshold = 10 * math.log10(power / active), -20 * exponent * math.log10(2)
        if level - threshold <= 15.9:
            if last is None:
                return level
            part = (last[0] - last[1] - 15.9) / ((last[0] - last[1]) - (level - threshold))
            return last[0] + part * (level - last[0])
        last = level, threshold
    return last[0]


def syllables(rate=8000, *, level=0.1, pauses=(0.05, 0.4, 0.05), seed=1):
    """Something like speech: noise in syllables with pauses between, 300 ms of a quiet room before and after."""
    draw = np.random.default_rng(seed)
    room = 10 ** (-75 / 20)
    parts = [draw.normal(0, room, int(0.3 * rate))]
    for pause in (*pauses, 0.3):
        length = int(0.18 * rate)
        shape = np.sin(np.linspace(0, math.pi, length)) ** 0.5
        parts += [level * shape * draw.normal(0, 1, length), draw.normal(0, room, int(pause * rate))]
    return np.clip(np.concatenate(parts), -1, 1)


@pytest.mark.parametrize("rate", [8000, 16000])
@pytest.mark.parametrize("level", [0.003, 0.05, 0.1, 0.3])
def test_any_recording_comes_to_the_same_level(rate, level):
    before = syllables(rate, level=level)
    after = shaped(before, rate)
    assert p56(after, rate) == pytest.approx(LEVEL_DBFS, abs=1)
    assert active_level(before, rate) == pytest.approx(p56(before, rate), abs=0.7)
    assert np.abs(after).max() < 0.95


def test_silence_around_and_long_silence_within_are_cut():
    rate = 8000
    after = shaped((syllables(rate, pauses=(0.05, 1.5, 0.05))), rate)
    loud = np.flatnonzero(np.abs(after) >= 10 ** (-45 / 20))
    assert loud[0] <= 0.03 * rate
    assert np.diff(loud).max() * 1000 / rate == pytest.approx(LONGEST_SILENCE_MS, abs=40)
    assert len(after) % 160 == 0, "FreeSWITCH plays whole frames"


@pytest.mark.parametrize("ms", range(200, 220, 5))
def test_from_one_word_to_the_next_is_the_gap_to_half_a_frame(ms):
    rate = 8000
    word = np.concatenate((np.zeros(800), np.tile([0.1, -0.1], rate * ms // 2000), np.zeros(1200)))
    loud = np.flatnonzero(np.tile(shaped(word, rate), 2))
    gap = np.diff(loud).max() * 1000 / rate
    assert gap == pytest.approx(WORD_GAP_MS, abs=10.5)


def test_a_sound_shaped_again_stays_as_it_is():
    once = shaped(syllables(), 8000)
    again = shaped(once, 8000)
    assert abs(len(again) - len(once)) <= 2 * 160
    assert active_level(again, 8000) == pytest.approx(active_level(once, 8000), abs=0.5)


def test_peaks_are_rounded_off_not_cut():
    rate = 8000
    sound = syllables(rate, level=0.02)
    sound[len(sound) // 2] = 0.9  # a click, 30 dB above the rest
    after = shaped(sound, rate)
    assert 0.85 < np.abs(after).max() < 0.95
    assert p56(after, rate) == pytest.approx(LEVEL_DBFS, abs=2)


@pytest.mark.parametrize("samples", [[], [0.0] * 8000, [0.00003] * 8000])
def test_where_there_is_no_sound_there_is_nothing(samples):
    assert not len(shaped(np.array(samples, dtype=np.float32), 8000))
