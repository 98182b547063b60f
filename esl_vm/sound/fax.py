"""A fax machine that reached a voicemail: it sends its calling tone for half a minute, and nobody speaks.

The calling tone (ITU-T T.30, 4.1.3): 1100 Hz, 38 Hz more or less, for half a second every three and a half.
"""

from __future__ import annotations

import warnings
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import audioop

BLOCK_MS = 20
# Zero crossings of a block of the tone, one more or less for where it begins.
_CROSSINGS = range(round(2 * (1100 - 38) * BLOCK_MS / 1000) - 1, round(2 * (1100 + 38) * BLOCK_MS / 1000) + 2)
# Blocks of a tone, and from the beginning of one to that of the next: 15 % more or less, and a block that it shares.
_LASTS, _EVERY = range(20, 31), range(146, 205)
# How far a tone's level may change from block to block; speech and whistling change more.
_STEADY = 0.25
_QUIET = 300
# Nothing else may be loud but so much of what is: clicks, the first and the last tone, which the recording cuts.
_ELSE = 0.1
# Where there is none of the tone in so many blocks from the beginning, there is none.
_FIRST = 500


def is_fax(blocks: Iterable[bytes]) -> bool:
    """Whether all that is heard are a fax machine's calling tones, two whole ones at least.

    Args:
        blocks: the recording, in pieces of 20 ms: 16 bits in the machine's byte order, one channel.
    """
    tones: list[tuple[int, int]] = []  # the block at which each begins, and how many it lasts
    begun = loud = toned = 0
    level = 0
    at = -1
    for at, block in enumerate(blocks):
        now = audioop.rms(block, 2)
        if now >= _QUIET:
            loud += 1
            if audioop.cross(block, 2) in _CROSSINGS:
                toned += 1
                if level and abs(now - level) <= _STEADY * level:
                    level = now
                    continue
                _end(tones, begun, at, level)
                begun, level = at, now
                continue
        _end(tones, begun, at, level)
        level = 0
        if at == _FIRST and not toned:
            return False
    _end(tones, begun, at + 1, level)
    in_step = sum(later[0] - earlier[0] in _EVERY for earlier, later in pairwise(tones))
    return in_step >= 1 and loud - toned <= _ELSE * loud


def _end(tones: list[tuple[int, int]], begun: int, at: int, level: int) -> None:
    if level and at - begun in _LASTS:
        tones.append((begun, at - begun))
