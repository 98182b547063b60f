"""The one resampler: libsoxr's band-limited interpolation, with its low-pass (docs/decisions/0009-resampling.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import soxr

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import numpy.typing as npt

    Samples = npt.NDArray[np.float32]

#: Passes up to 0.91 of half the lower rate, level within 0.01 dB; what is above half of it is 100 dB down.
_QUALITY = "HQ"
_FULL_SCALE = np.float32(32768)


def resampling(blocks: Iterable[Samples], source: int, target: int) -> Iterator[Samples]:
    """One channel of sound, block by block, at another rate; as long as it was, to the nearest sample.

    Args:
        blocks: the sound.
        source: samples a second of it.
        target: samples a second of what comes out.
    """
    if source == target:
        yield from blocks
        return
    stream = soxr.ResampleStream(source, target, 1, dtype="float32", quality=_QUALITY)
    for block in blocks:
        yield stream.resample_chunk(np.ascontiguousarray(block, dtype=np.float32))
    yield stream.resample_chunk(np.zeros(0, dtype=np.float32), last=True)


def resampled(samples: Samples, source: int, target: int) -> Samples:
    """A whole sound of one channel at another rate."""
    return np.concatenate(list(resampling([samples], source, target)))


def from_pcm(data: bytes, channels: int = 1) -> Samples:
    """16-bit little-endian samples as numbers from -1 to 1; several channels are mixed into one."""
    samples = np.frombuffer(data, dtype="<i2")
    mixed = np.zeros(len(samples) // channels, dtype=np.float32)
    for channel in range(channels):
        mixed += samples[channel::channels]
    return mixed / (_FULL_SCALE * np.float32(channels))


def to_pcm(samples: Samples) -> bytes:
    """Numbers from -1 to 1 as 16-bit little-endian samples; what is beyond is clipped, what is no number is silence."""
    clean = np.nan_to_num(samples, nan=0.0, posinf=1.0, neginf=-1.0)
    packed: bytes = np.clip(np.rint(clean * _FULL_SCALE), -32768, 32767).astype("<i2").tobytes()
    return packed
