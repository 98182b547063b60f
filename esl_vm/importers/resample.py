"""Bringing sound to 8 kHz, block by block: a windowed-sinc low-pass in polyphase form."""

from __future__ import annotations

from math import ceil, gcd

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.float32]
LOBES = 16
"""Half the filter's length, in periods of the lower of the two rates."""


class Resampler:
    """One channel of sound at a whole-number rate, brought to another; feed blocks, then finish.

    Args:
        source: samples per second of what is fed. target: of what comes out.
    """

    def __init__(self, source: int, target: int) -> None:
        common = gcd(source, target)
        self._up, self._down = target // common, source // common
        cutoff = min(1.0, target / source) * 0.95
        self._half = ceil(LOBES / min(1.0, target / source))
        taps = np.arange(-self._half + 1, self._half + 1, dtype=np.float64)
        distance = taps[np.newaxis, :] - np.arange(self._up, dtype=np.float64)[:, np.newaxis] / self._up
        window = 0.5 + 0.5 * np.cos(np.pi * np.clip(distance / self._half, -1, 1))
        weights = np.sinc(distance * cutoff) * window
        self._weights = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
        self._waiting: Samples = np.zeros(self._half - 1, dtype=np.float32)
        self._next = 0
        self._fed = self._given = 0

    def feed(self, block: Samples) -> Samples:
        """More of the source; returns as much of the target as is certain by now."""
        self._fed += len(block)
        self._waiting = np.concatenate((self._waiting, block))
        return self._run(len(self._waiting) - 2 * self._half + 1)

    def finish(self) -> Samples:
        """The rest, as if silence followed."""
        tail = np.zeros(2 * self._half, dtype=np.float32)
        self._waiting = np.concatenate((self._waiting, tail))
        missing = ceil(self._fed * self._up / self._down) - self._given
        return self._run(len(self._waiting) - 2 * self._half + 1)[:missing]

    def _run(self, starts: int) -> Samples:
        """Every output whose taps begin before `starts` in what waits; forgets what no later one needs."""
        pieces: list[Samples] = []
        while True:
            # output n lies at source position n * down / up; `_next` is that numerator, counted from what waits
            count = min(4096, max(0, ceil((starts * self._up - self._next) / self._down)))
            if not count:
                break
            places = self._next + np.arange(count, dtype=np.int64) * self._down
            first, phase = places // self._up, places % self._up
            windows = np.lib.stride_tricks.sliding_window_view(self._waiting, 2 * self._half)
            pieces.append(np.einsum("ij,ij->i", windows[first], self._weights[phase]).astype(np.float32))
            self._next += count * self._down
        used = min(self._next // self._up, len(self._waiting))
        self._waiting = self._waiting[used:]
        self._next -= used * self._up
        result: Samples = np.concatenate(pieces) if pieces else np.zeros(0, dtype=np.float32)
        self._given += len(result)
        return result
