"""A sound slower or faster at the pitch it has: pieces of it, laid over one another where their waves agree (WSOLA).

W. Verhelst, M. Roelands: An overlap-add technique based on waveform similarity for high quality time-scale modification of
speech, ICASSP 1993.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from esl_vm.sound.resample import Samples

_PIECE_MS, _REACH_MS = 40, 10
"""How long a piece is, half of which lies over the next; how far from its place a better one is looked for."""
_COMPARED_RATE = 8000
"""Samples a second that are compared: more say no more about voices."""


def stretched(samples: Samples, rate: int, percent: int) -> Samples:
    """A recording at so many percent of its speed.

    Args:
        samples: the recording, one channel, -1 to 1.
        rate: samples a second.
        percent: 50 to 200.
    """
    hop, reach = rate * _PIECE_MS // 2000, rate * _REACH_MS // 1000
    piece, every = 2 * hop, max(1, rate // _COMPARED_RATE)
    length = len(samples) * 100 // percent
    window = np.hanning(piece + 1)[:piece].astype(np.float32)
    sound = np.pad(samples, (reach, 4 * piece + 2 * reach))
    made = np.zeros(length + 2 * piece, dtype=np.float32)
    made[:piece] = sound[reach : reach + piece] * np.maximum(window, np.arange(piece) < hop)
    at = reach
    for start in range(hop, length, hop):
        goes_on = sound[at + hop : at + hop + piece]
        near = start * percent // 100
        around = sound[near : near + piece + 2 * reach]
        at = near + every * int(np.argmax(np.correlate(around[::every], goes_on[::every])))
        made[start : start + piece] += window * sound[at : at + piece]
    return made[:length]
