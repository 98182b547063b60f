"""What came back on a line, recorded by FreeSWITCH: for how long a tone is in it."""

from __future__ import annotations

import array
import math
import wave
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_BLOCK_S = 0.1
#: Of a block's power, so much is the tone's where it is heard; a voice has less at any one frequency for a tenth of a second.
_SHARE = 0.5
_FAINT = 100.0


def tone_seconds(path: Path, hertz: float) -> float:
    """For how many seconds a tone is heard in a WAV file of 16 bits, whatever else is; 0 where there is no such file."""
    try:
        with wave.open(str(path)) as sound:
            rate, channels, width = sound.getframerate(), sound.getnchannels(), sound.getsampwidth()
            samples = array.array("h", sound.readframes(sound.getnframes())) if width == 2 else array.array("h")
    except (OSError, EOFError, wave.Error):
        return 0.0
    samples = samples[::channels]
    size = round(rate * _BLOCK_S)
    blocks = (samples[at : at + size] for at in range(0, len(samples) - size + 1, size))
    return sum(_BLOCK_S for block in blocks if _has(block, hertz / rate))


def _has(block: array.array[int], cycles: float) -> bool:
    """Whether most of a block is a tone of so many cycles a sample."""
    power = sum(sample * sample for sample in block) / len(block)
    if power < _FAINT:
        return False
    turn = 2 * math.pi * cycles
    real = sum(sample * math.cos(turn * at) for at, sample in enumerate(block))
    imaginary = sum(sample * math.sin(turn * at) for at, sample in enumerate(block))
    return 2 * (real * real + imaginary * imaginary) / len(block) ** 2 > _SHARE * power
