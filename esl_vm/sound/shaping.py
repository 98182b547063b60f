"""One level and no silence around it: what is done to a recording so that prompts follow each other as one speaks.

Samples are 16 bit, one channel, in this machine's byte order; levels are in dBFS, of which 0 is the mean power of a
square wave at full scale (as in ITU-T P.56).
"""

from __future__ import annotations

import math
import warnings
from array import array
from typing import TYPE_CHECKING

with warnings.catch_warnings():  # 3.11 and 3.12 announce its removal; later Pythons have it from audioop-lts
    warnings.simplefilter("ignore", DeprecationWarning)
    import audioop

if TYPE_CHECKING:
    from collections.abc import Sequence

LEVEL_DBFS = -20.0
"""What every recording's active speech level is brought to."""
WORD_GAP_MS = 100
"""From the end of one recording to the beginning of the next, within a sentence."""
LONGEST_SILENCE_MS = 300
"""A longer silence within a recording is cut to this: as long as between two sentences."""

RECIPE = (2, LEVEL_DBFS, WORD_GAP_MS, LONGEST_SILENCE_MS)
"""Changes whenever the result does: the first is a number to count up."""

_FULL = 32768.0
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
_CEILING = 10 ** (-1 / 20) * _FULL


def shaped(samples: bytes, rate: int) -> bytes:
    """A recording at its level, without silence around it, with that between words at its end, in whole frames (to the nearest).

    Args:
        samples: the recording.
        rate: samples a second.

    Returns:
        Nothing if there is no sound in it.
    """
    level = active_level(samples, rate)
    if level < _NOTHING_DBFS:
        return b""
    loud = _amplified(samples, level) + bytes(_bytes(_AFTER_MS, rate))
    tight = _without_long_silences(loud, _loud_spans(loud, rate), rate)
    frame = _bytes(_FRAME_MS, rate)
    frames = round((len(tight) + _bytes(WORD_GAP_MS - _AFTER_MS - _BEFORE_MS, rate)) / frame)
    spaced = tight.ljust(frames * frame, b"\0")
    return _amplified(spaced, active_level(spaced, rate))


def active_level(samples: bytes, rate: int) -> float:
    """The active speech level in dBFS (ITU-T P.56, method B, with an envelope of 1 ms steps); -inf for silence."""
    powers = _powers(samples, rate, 1)
    total = sum(powers)
    if not total:
        return -math.inf
    envelope = _envelope(powers)
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


def _powers(samples: bytes, rate: int, step_ms: int) -> list[float]:
    """The mean power of each step, of 1 at full scale; what is left at the end is no step."""
    step = _bytes(step_ms, rate)
    return [(audioop.rms(samples[at : at + step], 2) / _FULL) ** 2 for at in range(0, len(samples) - step + 1, step)]


def _envelope(powers: Sequence[float]) -> list[float]:
    keep = math.exp(-1 / _SMOOTHING_MS)
    once = twice = 0.0
    envelope = []
    for power in powers:
        once = keep * once + (1 - keep) * math.sqrt(power)
        twice = keep * twice + (1 - keep) * once
        envelope.append(twice)
    return envelope


def _active(envelope: Sequence[float], threshold: float) -> int:
    """How many milliseconds are speech by this threshold: those above it, and the hang-over after them."""
    active = left = 0
    for value in envelope:
        left = _HANGOVER_MS if value >= threshold else left - 1
        active += left > 0
    return active


def _amplified(samples: bytes, level: float) -> bytes:
    """From the level it has to the one wanted; peaks that would be beyond full scale are rounded off."""
    factor = 10 ** ((LEVEL_DBFS - level) / 20)
    if audioop.max(samples, 2) * factor < _CEILING:
        return audioop.mul(samples, 2, factor)
    return _limited(samples, factor)


def _limited(samples: bytes, factor: float) -> bytes:
    """Amplified with a soft knee above 70 % of full scale."""
    knee = 0.7 * _FULL
    room = _CEILING - knee
    values = array("h", samples)
    for at, value in enumerate(values):
        size = abs(value) * factor
        if size > knee:
            size = knee + room * math.tanh((size - knee) / room)
        values[at] = round(math.copysign(size, value))
    return values.tobytes()


def _loud_spans(samples: bytes, rate: int) -> list[tuple[int, int]]:
    """Where it is louder than silence, in bytes from and to, with a little on both sides; near ones are one."""
    step_ms = 5
    quiet = 10 ** (_QUIET_DBFS / 10)
    step, before, after = (_bytes(ms, rate) for ms in (step_ms, _BEFORE_MS, _AFTER_MS))
    gap = _bytes(LONGEST_SILENCE_MS, rate)
    spans: list[tuple[int, int]] = []
    for place, power in enumerate(_powers(samples, rate, step_ms)):
        if power < quiet:
            continue
        start, end = max(0, place * step - before), min(len(samples), (place + 1) * step + after)
        if spans and start - spans[-1][1] < gap:
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((start, end))
    return spans


def _without_long_silences(samples: bytes, spans: Sequence[tuple[int, int]], rate: int) -> bytes:
    silence = bytes(_bytes(LONGEST_SILENCE_MS - _BEFORE_MS - _AFTER_MS, rate))
    return silence.join(_faded(samples[start:end], rate) for start, end in spans)


def _faded(samples: bytes, rate: int) -> bytes:
    """With its first and last milliseconds faded, so that a cut makes no click."""
    values = array("h", samples)
    length = min(rate * _FADE_MS // 1000, len(values) // 2)
    for place in range(length):
        values[place] = values[place] * place // length
        values[-1 - place] = values[-1 - place] * place // length
    return values.tobytes()


def _bytes(milliseconds: int, rate: int) -> int:
    return rate * milliseconds // 1000 * 2
