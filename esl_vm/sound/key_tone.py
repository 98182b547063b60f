"""The tone of the key that ended a recording: gateways let 60 ms of it through before they tell of the key."""

from __future__ import annotations

import array
import math
import sys

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


def tone_frames(samples: bytes, rate: int, key: str) -> int:
    """How many frames at the end of a recording belong to the tone of that key, with what follows it.

    Args:
        samples: the last `LOOKED_AT_MS` of it: 16 bits, little-endian, one channel.
        rate: samples a second.
        key: the one that ended it.
    """
    size = rate * _BLOCK_MS // 1000
    values = array.array("h", samples[: len(samples) & ~1])
    if sys.byteorder == "big":
        values.byteswap()
    blocks = [values[at : at + size] for at in range(len(values) % size, len(values), size)]
    at, behind = len(blocks), 0
    while at and behind <= _BEHIND and not _is_tone(blocks[at - 1], rate, key):
        at -= 1
        behind += not _is_quiet(blocks[at])
    end = at
    while at and _is_tone(blocks[at - 1], rate, key):
        at -= 1
    if end - at < _LEAST:
        return 0
    return min(len(values), (len(blocks) - at + 1) * size)  # it begins within the block before


def _is_tone(block: array.array[int], rate: int, key: str) -> bool:
    if key not in _KEYS or not block:
        return False
    if _is_quiet(block):
        return False
    energy = _energy(block)
    shares = [_power(block, rate, frequency) / energy for frequency in _KEYS[key]]
    return sum(shares) >= _BOTH and min(shares) >= _EACH


def _is_quiet(block: array.array[int]) -> bool:
    return _energy(block) < _QUIET * len(block)


def _energy(block: array.array[int]) -> float:
    return float(sum(value * value for value in block))


def _power(block: array.array[int], rate: int, frequency: int) -> float:
    """The energy of a block at a frequency (Goertzel's algorithm), as large as all of it for a pure tone."""
    turn = 2 * math.cos(2 * math.pi * frequency / rate)
    last = before = 0.0
    for value in block:
        last, before = value + turn * last - before, last
    return 2 * (last * last + before * before - turn * last * before) / len(block)
