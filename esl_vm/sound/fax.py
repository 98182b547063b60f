"""A fax machine that reached a voicemail: it sends its calling tone for half a minute, and nobody speaks.

The calling tone (ITU-T T.30, 4.1.3): 1100 Hz, 38 Hz more or less, for half a second every three and a half.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from esl_vm.sound.wav import measure, mono

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_BLOCK_MS = 20
# Zero crossings of a block of the tone, one more or less for where it begins.
_CROSSINGS = range(round(2 * (1100 - 38) * _BLOCK_MS / 1000) - 1, round(2 * (1100 + 38) * _BLOCK_MS / 1000) + 2)
# Blocks of a tone, and from the beginning of one to that of the next: 15 % more or less, and a block that it shares.
_LASTS, _EVERY = range(20, 31), range(146, 205)
# How far a tone's level may change from block to block; speech and whistling change more.
_STEADY = 0.25
_QUIET = 300 / 32768
# Nothing else may be loud but so much of what is: clicks, the first and the last tone, which the recording cuts.
_ELSE = 0.1
# Where there is none of the tone in so many blocks from the beginning, there is none.
_FIRST = 500


def is_fax(recording: Path) -> bool:
    """Whether all that is heard are a fax machine's calling tones, two whole ones at least.

    Raises:
        BrokenSoundError: the file is no recording. OSError: it can't be read.
    """
    tones: list[tuple[int, int]] = []  # the block at which each begins, and how many it lasts
    begun = loud = toned = 0
    level = 0.0
    at = -1
    for at, (now, crossings) in enumerate(_blocks(recording)):
        if now >= _QUIET:
            loud += 1
            if crossings in _CROSSINGS:
                toned += 1
                if level and abs(now - level) <= _STEADY * level:
                    level = now
                    continue
                _end(tones, begun, at, level)
                begun, level = at, now
                continue
        _end(tones, begun, at, level)
        level = 0.0
        if at == _FIRST and not toned:
            return False
    _end(tones, begun, at + 1, level)
    in_step = sum(later[0] - earlier[0] in _EVERY for earlier, later in pairwise(tones))
    return in_step >= 1 and loud - toned <= _ELSE * loud


def _blocks(recording: Path) -> Iterator[tuple[float, int]]:
    """Of each 20 ms the level (root mean square, 1 at full scale), and how often it crosses zero."""
    import numpy as np  # loaded by the first recording that is looked at

    sound = measure(recording)
    size = sound.rate * _BLOCK_MS // 1000
    for second in mono(recording, sound):
        blocks = second[: len(second) // size * size].reshape(-1, size)
        levels = np.sqrt(np.square(blocks).mean(axis=1))
        crossings = np.count_nonzero(np.diff(blocks < 0, axis=1), axis=1)
        yield from zip(levels.tolist(), crossings.tolist(), strict=True)


def _end(tones: list[tuple[int, int]], begun: int, at: int, level: float) -> None:
    if level and at - begun in _LASTS:
        tones.append((begun, at - begun))
