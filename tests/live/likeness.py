"""How much two sounds are alike, and where in the longer one the shorter one is.

The measure is the normalised cross-correlation: 1 for the same sound however loud, about 0 for unrelated ones. Two
things on a telephone line spare no sound and are allowed for: mu-law's rounding (which leaves 0.999), and a whole frame
of 20 ms left out or put in where a timer slipped on a busy machine, which shifts all that follows. So the place is found
with one of the loudest half seconds, and then each frame may lie a few frames beside it; but every slip has its price,
or any sound could be put together from any other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from live.telephone_sound import FRAME, RATE

ANCHOR = RATE // 2
SLIPS = 4
"""So many frames may all slips together come to, in either direction."""
PRICE = 0.04
"""What a slip takes from the score while the best place for each frame is sought."""
_FLOOR = 4.0
"""The level below which nothing is heard: rounding would make anything of it."""


@dataclass(frozen=True)
class Likeness:
    """How alike (-1 to 1), and the sample of the longer sound at which the shorter one begins."""

    score: float
    at: int


def likeness(sound: np.ndarray, heard: np.ndarray) -> Likeness:
    """How much of `sound` is in `heard`, which may be longer; its frames count by their loudness."""
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
    """How alike they are if the sound lies there, each frame at its best place nearby."""
    frames = _frames(sound)
    weights = (frames**2).sum(axis=1)
    if not weights.sum():
        return Likeness(0.0, 0)
    weights /= weights.sum()
    slips = range(-SLIPS, SLIPS + 1)
    margin = SLIPS * FRAME + max(0, -offset)
    padded = np.concatenate((np.zeros(margin), heard, np.zeros(margin + len(sound) + max(0, offset))))
    scores = np.empty((len(slips), len(frames)))
    for row, slip in enumerate(slips):
        start = margin + offset + slip * FRAME
        scores[row] = weights * _alike(frames, _frames(padded[start : start + len(sound)]))
    # The best path through the frames: best[slip] is the score up to here of those that end at that slip.
    best, came_from = scores[:, 0].copy(), np.zeros(scores.shape, dtype=int)
    for number in range(1, len(frames)):
        change = int(np.argmax(best))
        slipped = best[change] - PRICE > best
        came_from[:, number] = np.where(slipped, change, np.arange(len(slips)))
        best = np.where(slipped, best[change] - PRICE, best) + scores[:, number]
    row = int(np.argmax(best))
    total = 0.0
    for number in range(len(frames) - 1, -1, -1):
        total += float(scores[row, number])
        if number:
            row = int(came_from[row, number])
    return Likeness(total, max(0, offset + slips[row] * FRAME))


def _frames(sound: np.ndarray) -> np.ndarray:
    """The sound as rows of 20 ms, the last one filled up with silence."""
    return np.concatenate((sound, np.zeros(-len(sound) % FRAME))).reshape(-1, FRAME)


def _alike(frames: np.ndarray, heard: np.ndarray) -> np.ndarray:
    """How alike each frame is to the one heard there."""
    energies = (heard**2).sum(axis=1)
    alike = (frames * heard).sum(axis=1) / np.sqrt(np.maximum((frames**2).sum(axis=1) * energies, 1.0))
    return np.where(energies > FRAME * _FLOOR**2, alike, 0.0)


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
