"""How much two sounds are alike, and where in the longer one the shorter one is.

The measure is the normalised cross-correlation: 1 for the same sound however loud, about 0 for unrelated ones. Two
things on a telephone line spare no sound and are allowed for: mu-law's rounding (which leaves 0.999), and a whole frame
of 20 ms left out or put in where a timer slipped on a busy machine, which shifts all that follows. So the place is found
with one of the loudest half seconds, and from there on, in both directions, each tenth of a second is looked for where
it should be or a frame or two beside it: nowhere else, or any sound could be put together from any other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from live.telephone_sound import FRAME, RATE

ANCHOR, PIECE = RATE // 2, RATE // 10
SLIPS = tuple(frames * FRAME for frames in (0, 1, -1, 2, -2))
_FLOOR = 4.0
"""The level below which nothing is heard: rounding would make anything of it."""
_SPOKEN = 50.0
"""The level of a piece loud enough to tell that it lies elsewhere."""


@dataclass(frozen=True)
class Likeness:
    """How alike (-1 to 1), and the sample of the longer sound at which the shorter one begins."""

    score: float
    at: int


def likeness(sound: np.ndarray, heard: np.ndarray) -> Likeness:
    """How much of `sound` is in `heard`, which may be longer; its parts count by their loudness."""
    sound, heard = sound.astype(np.float64), heard.astype(np.float64)
    # A slip inside an anchor misleads it, so there are a few.
    offsets = {_find(sound[start : start + ANCHOR], heard) - start for start in _loudest(sound)}
    return max((_aligned(sound, heard, offset) for offset in offsets), key=lambda like: like.score)


def _loudest(sound: np.ndarray) -> list[int]:
    """Where the loudest three half seconds begin that don't overlap; of a short sound its beginning."""
    starts = list(range(0, max(1, len(sound) - ANCHOR // 2), ANCHOR))
    starts.sort(key=lambda start: -float(np.dot(sound[start : start + ANCHOR], sound[start : start + ANCHOR])))
    return starts[:3]


def _aligned(sound: np.ndarray, heard: np.ndarray, offset: int) -> Likeness:
    """How alike they are if the sound lies there, its pieces followed in both directions from the loudest."""
    starts = range(0, len(sound), PIECE)
    pieces = [sound[start : start + PIECE] for start in starts]
    energies = [float(np.dot(piece, piece)) for piece in pieces]
    if not sum(energies):
        return Likeness(0.0, 0)
    loudest = energies.index(max(energies))
    agreed, at = 0.0, offset
    for order in (range(loudest, len(pieces)), range(loudest - 1, -1, -1)):
        place = offset
        for number in order:
            piece, start = pieces[number], starts[number]
            score = _beside(piece, heard, start + place)
            if score < 0.9 and energies[number] > len(piece) * _SPOKEN**2:
                scores = [_beside(piece, heard, start + place + slip) for slip in SLIPS]
                score = max(scores)
                if score > scores[0] + 0.1:
                    place += SLIPS[scores.index(score)]
            agreed += score * energies[number]
        at = place
    return Likeness(agreed / sum(energies), max(0, at))


def _beside(piece: np.ndarray, heard: np.ndarray, at: int) -> float:
    """How alike a piece is to what is heard at one place."""
    there = heard[at : at + len(piece)] if at >= 0 else heard[:0]
    if len(there) < len(piece):
        return 0.0
    energy = float(np.dot(there, there))
    if energy < len(piece) * _FLOOR**2:
        return 0.0
    return float(np.dot(piece, there)) / np.sqrt(energy * max(float(np.dot(piece, piece)), 1.0))


def _find(piece: np.ndarray, heard: np.ndarray) -> int:
    """Where a piece fits best."""
    size = len(piece)
    energy = float(np.dot(piece, piece))
    if len(heard) < size or not energy:
        return 0
    length = 1 << (len(heard) + size).bit_length()
    products = np.fft.irfft(np.fft.rfft(heard, length) * np.conj(np.fft.rfft(piece, length)), length)
    sums = np.concatenate(([0.0], np.cumsum(heard**2)))
    energies = sums[size:] - sums[:-size]
    return int(np.argmax(products[: len(energies)] / np.sqrt(np.maximum(energies, size * _FLOOR**2))))
