"""The one resampler: libsoxr's band-limited interpolation, with its low-pass (docs/decisions/0009-resampling.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import soxr

if TYPE_CHECKING:
    import numpy.typing as npt

    Samples = npt.NDArray[np.float32]

#: Passes up to 0.91 of half the lower rate, level within 0.01 dB; what is above half of it is 100 dB down.
_QUALITY = "HQ"
_FULL_SCALE = np.float32(32768)


class Resampler:
    """One channel of sound, brought to another rate; feed blocks, then finish.

    Args:
        source: samples per second of what is fed. target: of what comes out; both more than 0.
    """

    def __init__(self, source: int, target: int) -> None:
        self._stream = soxr.ResampleStream(source, target, 1, dtype="float32", quality=_QUALITY)

    def feed(self, block: Samples) -> Samples:
        """More of the source; returns as much of the target as is certain by now."""
        return self._through(block, last=False)

    def finish(self) -> Samples:
        """The rest. All in all the target is as long as the source, to the nearest sample."""
        return self._through(np.zeros(0, dtype=np.float32), last=True)

    def _through(self, block: Samples, *, last: bool) -> Samples:
        given: Samples = self._stream.resample_chunk(np.ascontiguousarray(block, dtype=np.float32), last=last)
        return given


def resampled(samples: Samples, source: int, target: int) -> Samples:
    """A whole sound of one channel at another rate."""
    if source == target:
        return samples
    resampler = Resampler(source, target)
    return np.concatenate((resampler.feed(samples), resampler.finish()))


def from_pcm(data: bytes | memoryview, channels: int = 1) -> Samples:
    """16-bit little-endian samples as numbers from -1 to 1; several channels are mixed into one."""
    samples = np.frombuffer(data, dtype="<i2")
    if channels > 1:
        mixed = np.zeros(len(samples) // channels, dtype=np.float32)
        for channel in range(channels):
            mixed += samples[channel::channels]
        return mixed / (_FULL_SCALE * np.float32(channels))
    return samples.astype(np.float32) / _FULL_SCALE


def to_pcm(samples: Samples) -> bytes:
    """Numbers from -1 to 1 as 16-bit little-endian samples; what is beyond is clipped, what is no number is silence."""
    clean = np.nan_to_num(samples, nan=0.0, posinf=1.0, neginf=-1.0)
    packed: bytes = np.clip(np.rint(clean * _FULL_SCALE), -32768, 32767).astype("<i2").tobytes()
    return packed
