"""How much of a recording was spoken: what is louder than silence, and no tone of the key that ended it."""

from __future__ import annotations

import dataclasses
import os
from typing import TYPE_CHECKING

import numpy as np

from esl_vm.sound.key_tone import LOOKED_AT_MS, tone_frames

if TYPE_CHECKING:
    import numpy.typing as npt

    from esl_vm.sound.wav import Wave

#: Asterisk judges silence in frames of 20 ms (dsp.c), by the mean of the samples' absolute values.
FRAME_MS = 20
_AT_ONCE = 500


def heard(fd: int, sound: Wave, threshold: int, key: str) -> Wave:
    """A recording of which the header was read, without that key's tone at its end, and up to where it was heard.

    Raises:
        OSError: it can't be read.
    """
    if key:
        looked_at = min(sound.frames, sound.rate * LOOKED_AT_MS // 1000)
        tone = tone_frames(_samples(fd, sound, sound.frames - looked_at, sound.frames)[:, 0], sound.rate, key)
        sound = dataclasses.replace(sound, frames=sound.frames - tone, tone_frames=tone)
    return dataclasses.replace(sound, heard_frames=_last_loud(fd, sound, threshold))


def _last_loud(fd: int, sound: Wave, threshold: int) -> int:
    """Up to which frame something was as loud as the threshold; looked for from the end, where it is near."""
    step = sound.rate * FRAME_MS // 1000
    block = step * _AT_ONCE
    for first in range((sound.frames - 1) // block * block, -1, -block):
        sizes = np.abs(_samples(fd, sound, first, min(first + block, sound.frames)).astype(np.int32)).mean(axis=1)
        starts = np.arange(0, len(sizes), step)
        means = np.add.reduceat(sizes, starts) / np.diff(starts, append=len(sizes))
        loud = np.flatnonzero(means >= threshold)
        if len(loud):
            return int(min(sound.frames, first + (loud[-1] + 1) * step))
    return 0


def _samples(fd: int, sound: Wave, first: int, last: int) -> npt.NDArray[np.int16]:
    """The frames from one to another, a column for each channel; silence for what the file has lost since."""
    width = 2 * sound.channels
    size = (last - first) * width
    data = os.pread(fd, size, sound.data_at + first * width).ljust(size, b"\0")
    return np.frombuffer(data, dtype="<i2").reshape(-1, sound.channels)
