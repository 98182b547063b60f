"""Sound as a telephone carries it: G.711 mu-law, and WAV files at 8000 samples a second."""

from __future__ import annotations

import wave
from functools import lru_cache
from pathlib import Path

import numpy as np

from esl_vm.sound.resample import from_pcm, resampled, to_pcm
from esl_vm.sound.wav import wave as wav

RATE = 8000
FRAME = 160
"""Samples in an RTP packet of 20 ms."""
SILENCE = b"\xff" * FRAME


def _decoded(byte: int) -> int:
    """One mu-law byte as a sample of 16 bit (ITU-T G.711, table 2)."""
    byte = ~byte & 0xFF
    magnitude = (((byte & 0x0F) << 3) + 0x84) << ((byte & 0x70) >> 4)
    return 0x84 - magnitude if byte & 0x80 else magnitude - 0x84


_SAMPLES = np.array([_decoded(byte) for byte in range(256)], dtype=np.int16)


@lru_cache(maxsize=1)
def _nearest() -> np.ndarray:
    """The mu-law byte whose sample is nearest, for each of the 65536 samples from -32768 on."""
    order = np.argsort(_SAMPLES, kind="stable")
    known = _SAMPLES[order].astype(np.int32)
    middles = (known[:-1] + known[1:]) / 2
    return order[np.searchsorted(middles, np.arange(-32768, 32768))].astype(np.uint8)


def from_ulaw(data: bytes) -> np.ndarray:
    """Samples of 16 bit."""
    return _SAMPLES[np.frombuffer(data, dtype=np.uint8)]


def to_ulaw(samples: np.ndarray) -> bytes:
    """Each sample's nearest mu-law byte."""
    return _nearest()[samples.astype(np.int32) + 32768].tobytes()


def read_wav(path: Path) -> np.ndarray:
    """The samples of a telephone WAV file (mono, 16 bit, 8000 a second), also of one whose header was never finished."""
    with wave.open(str(path), "rb") as sound:
        assert sound.getparams()[:3] == (1, 2, RATE), f"{path} is no telephone sound: {sound.getparams()}"
        return np.frombuffer(sound.readframes(sound.getnframes()), dtype="<i2")


def as_played(path: Path) -> np.ndarray:
    """The samples of a mono file of 8000 a second or more, as FreeSWITCH brings them to a telephone."""
    with wave.open(str(path), "rb") as sound:
        rate = sound.getframerate()
        if rate == RATE:
            return read_wav(path)
        samples = from_pcm(sound.readframes(sound.getnframes()))
    return np.frombuffer(to_pcm(resampled(samples, rate, RATE)), dtype="<i2")


def write_wav(path: Path, samples: np.ndarray) -> Path:
    """Write samples as such a file."""
    path.write_bytes(wav(samples.astype("<i2").tobytes(), RATE))
    return path


def without_pauses(samples: np.ndarray, threshold: int = 250) -> np.ndarray:
    """Only those frames of 20 ms in which someone speaks: a voice that never falls silent."""
    frames = samples[: len(samples) // FRAME * FRAME].reshape(-1, FRAME)
    return frames[np.abs(frames.astype(np.int32)).mean(axis=1) >= threshold].reshape(-1)
