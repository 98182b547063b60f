"""Samples of callers, and what FreeSWITCH leaves of them."""

from __future__ import annotations

import functools
import math
import struct
from typing import TYPE_CHECKING

from esl_vm.sound.wav import wave

if TYPE_CHECKING:
    from pathlib import Path

RATE = 8000


@functools.cache
def voice(ms: int, level: int = 8000, pitch: float = 0.3, rate: int = RATE) -> bytes:
    """Samples of somebody speaking, more or less."""
    return b"".join(struct.pack("<h", int(level * math.sin(i * pitch))) for i in range(ms * rate // 1000))


@functools.cache
def wav(seconds: float = 1.5, rate: int = RATE) -> bytes:
    """A file of that length, loud throughout, and soon made."""
    frames = round(seconds * rate)
    return wave((b"\x00\x20\x00\x20\x00\xe0\x00\xe0" * (frames // 4 + 1))[: 2 * frames], rate)


def write_wav(path: Path, seconds: float = 1.5, rate: int = RATE) -> Path:
    """The same, written with its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(wav(seconds, rate))
    return path


def silence(ms: int, rate: int = RATE) -> bytes:
    return bytes(2 * (ms * rate // 1000))


def cut_off(data: bytes) -> bytes:
    """What is on the disk when FreeSWITCH 1.11 is killed while it records: RIFF size 8, no data, then the samples."""
    whole = bytearray(wave(data, RATE))
    struct.pack_into("<I", whole, 4, 8)
    struct.pack_into("<I", whole, 40, 0)
    return bytes(whole)
