"""One level and no silence around it: what is done to a recording so that prompts follow each other as one speaks.

Samples are numbers from -1 to 1, one channel; levels are in dBFS, of which 0 is the mean power of a square wave at full
scale (as in ITU-T P.56).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy.typing as npt

    from esl_vm.sound.resample import Samples

LEVEL_DBFS = -20.0
"""What every recording's active speech level is brought to."""
WORD_GAP_MS = 100
"""From the end of one recording to the beginning of the next, within a sentence."""
LONGEST_SILENCE_MS = 300
"""A longer silence within a recording is cut to this: as long as between two sentences."""

RECIPE = (3, LEVEL_DBFS, WORD_GAP_MS, LONGEST_SILENCE_MS)
"""Changes whenever the result does: the first is a number to count up."""

_QUIET_DBFS = -50.0
"""Below this, once at its level, a recording is silent; its rooms are at -70 and less."""
_NOTHING_DBFS = -65.0
"""A whole recording below this is an empty room."""
_BEFORE_MS, _AFTER_MS = 10, 20
"""Kept on both sides of what is loud: a consonant begins and ends softer than the rest."""
_FADE_MS = 5
_FRAME_MS = 20
"""FreeSWITCH plays whole frames."""

# ITU-T P.56, method B: time constant and hang-over of the envelope, how far below the active level its threshold is.
_SMOOTHING_MS, _HANGOVER_MS, _MARGIN_DB = 30.0, 200, 15.9
# Peaks beyond the knee are rounded off, and none reaches the ceiling.
_KNEE, _CEILING = 0.7, 10 ** (-1 / 20)


def shaped(samples: Samples, rate: int) -> Samples:
    """A recording at its level, without silence around it, with that between words at its end, in whole frames (to the nearest).

    Args:
        samples: the recording.
        rate: samples a second.

    Returns:
        Nothing if there is no sound in it.
    """
    level = active_level(samples, rate)
    if level < _NOTHING_DBFS:
        return samples[:0]
    loud = np.pad(amplified(samples, LEVEL_DBFS - level), (0, rate * _AFTER_MS // 1000))
    tight = _without_long_silences(loud, _loud_spans(loud, rate), rate)
    frame = rate * _FRAME_MS // 1000
    frames = round((len(tight) + rate * (WORD_GAP_MS - _AFTER_MS - _BEFORE_MS) // 1000) / frame)
    spaced = np.pad(tight, (0, max(0, frames * frame - len(tight))))
    return amplified(spaced, LEVEL_DBFS - active_level(spaced, rate))


def active_level(samples: Samples, rate: int) -> float:
    """The active speech level in dBFS (ITU-T P.56, method B, with an envelope of 1 ms steps); -inf for silence."""
    powers = _powers(samples, rate, 1)
    total = float(powers.sum())
    if not total:
        return -math.inf
    envelope = _envelope(np.sqrt(powers))
    before: tuple[float, float] | None = None
    for exponent in range(15, 0, -1):
        threshold = 2.0**-exponent
        active = _active(envelope, threshold)
        if not active:
            break
        level, wanted = 10 * math.log10(total / active), 20 * math.log10(threshold) + _MARGIN_DB
        if level <= wanted:
            if before is None:
                return level
            last_level, last_wanted = before
            part = (last_level - last_wanted) / ((last_level - last_wanted) - (level - wanted))
            return last_level + part * (level - last_level)
        before = level, wanted
    return before[0] if before else 10 * math.log10(total / len(powers))


def _powers(samples: Samples, rate: int, step_ms: int) -> npt.NDArray[np.float64]:
    """The mean power of each step, of 1 at full scale; what is left at the end is no step."""
    step = rate * step_ms // 1000
    steps = samples[: len(samples) // step * step].reshape(-1, step)
    powers: npt.NDArray[np.float64] = np.square(steps, dtype=np.float64).mean(axis=1)
    return powers


def _envelope(sizes: Iterable[float]) -> npt.NDArray[np.float64]:
    keep = math.exp(-1 / _SMOOTHING_MS)
    once = twice = 0.0
    envelope = []
    for size in sizes:
        once = keep * once + (1 - keep) * size
        twice = keep * twice + (1 - keep) * once
        envelope.append(twice)
    return np.array(envelope)


def _active(envelope: npt.NDArray[np.float64], threshold: float) -> int:
    """How many milliseconds are speech by this threshold: those above it, and the hang-over after them."""
    since = np.convolve(envelope >= threshold, np.ones(_HANGOVER_MS))
    return int(np.count_nonzero(since[: len(envelope)] > 0.5))


def amplified(samples: Samples, more_db: float) -> Samples:
    """Louder by so many decibels; peaks that would be beyond full scale are rounded off."""
    loud = samples * np.float32(10 ** (more_db / 20))
    size = np.abs(loud)
    if size.max(initial=0) < _CEILING:
        return loud
    room = _CEILING - _KNEE
    rounded: Samples = np.copysign(_KNEE + room * np.tanh((size - _KNEE) / room), loud, dtype=np.float32)
    return np.where(size > _KNEE, rounded, loud)


def _loud_spans(samples: Samples, rate: int) -> list[tuple[int, int]]:
    """Where it is louder than silence, in samples from and to, with a little on both sides; near ones are one."""
    step, before, after, gap = (rate * ms // 1000 for ms in (5, _BEFORE_MS, _AFTER_MS, LONGEST_SILENCE_MS))
    spans: list[tuple[int, int]] = []
    for place in np.flatnonzero(_powers(samples, rate, 5) >= 10 ** (_QUIET_DBFS / 10)).tolist():
        start, end = max(0, place * step - before), min(len(samples), (place + 1) * step + after)
        if spans and start - spans[-1][1] < gap:
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((start, end))
    return spans


def _without_long_silences(samples: Samples, spans: Sequence[tuple[int, int]], rate: int) -> Samples:
    silence = np.zeros(rate * (LONGEST_SILENCE_MS - _BEFORE_MS - _AFTER_MS) // 1000, dtype=np.float32)
    parts = [part for start, end in spans for part in (silence, _faded(samples[start:end], rate))]
    return np.concatenate([samples[:0], *parts[1:]])


def _faded(samples: Samples, rate: int) -> Samples:
    """With its first and last milliseconds faded, so that a cut makes no click."""
    length = min(rate * _FADE_MS // 1000, len(samples) // 2)
    shape = np.ones(len(samples), dtype=np.float32)
    shape[:length] = np.arange(length) / max(1, length)
    return samples * shape * shape[::-1]
