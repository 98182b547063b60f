"""The tone of the key that ended a recording: gateways let 60 ms of it through before they tell of the key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

# Keys and their two frequencies, in Hz (ITU-T Q.23).
_ROWS, _COLUMNS = (697, 770, 852, 941), (1209, 1336, 1477)
_KEYS = {key: (_ROWS[at // 3], _COLUMNS[at % 3]) for at, key in enumerate("123456789*0#")}

_BLOCK_MS = 20
# How much of the end is looked at: a key may be held for a while, in silence, after its tone was cut.
LOOKED_AT_MS = 600
# The blocks of sound that may follow the tone (what is said from the key's release until the recording ends), and the fewest
# that are one.
_BEHIND, _LEAST = 4, 2
# What of a block's energy the two frequencies hold together, and each of them, at least. Speech comes to 0.4 and 0.
_BOTH, _EACH = 0.8, 0.1
# The mean square below which a block is too quiet to be a key's tone (-46 dBFS).
_QUIET = 164.0**2


def tone_frames(samples: npt.NDArray[np.int16], rate: int, key: str) -> int:
    """How many frames at the end of a recording belong to the tone of that key, with what follows it.

    Args:
        samples: the last `LOOKED_AT_MS` of it, one channel.
        rate: samples a second.
        key: the one that ended it.
    """
    if key not in _KEYS:
        return 0
    size = rate * _BLOCK_MS // 1000
    blocks = samples[len(samples) % size :].reshape(-1, size).astype(float)
    loud = np.square(blocks).mean(axis=1) >= _QUIET
    tone = loud & _is_tone(blocks, rate, key)
    [places] = np.nonzero(tone)
    if not len(places) or loud[places[-1] + 2 :].sum() > _BEHIND:  # it ends within the next block
        return 0
    before = np.flatnonzero(~tone[: places[-1]])
    begins = before[-1] + 1 if len(before) else 0
    if places[-1] + 1 - begins < _LEAST:
        return 0
    return int(min(len(samples), (len(blocks) - begins + 1) * size))  # it begins within the block before


def _is_tone(blocks: npt.NDArray[np.float64], rate: int, key: str) -> npt.NDArray[np.bool_]:
    """Which blocks hold the two frequencies of a key, and little else."""
    size = blocks.shape[1]
    waves = np.exp(-2j * np.pi * np.outer(np.arange(size), _KEYS[key]) / rate)
    energy = np.maximum(np.square(blocks).sum(axis=1, keepdims=True), 1)
    shares = 2 * np.abs(blocks @ waves) ** 2 / size / energy
    found: npt.NDArray[np.bool_] = (shares.sum(axis=1) >= _BOTH) & (shares.min(axis=1) >= _EACH)
    return found
