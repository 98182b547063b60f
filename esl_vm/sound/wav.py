"""How long a recording is, how much of it was spoken, and making of it what is stored: mono, at the store's rate, whole.

Recordings are RIFF WAVE files, 16-bit PCM, as FreeSWITCH writes them at the call's rate and with its channels. Seen on FreeSWITCH 1.11: while
it records, the header says RIFF size 8 and no data; the true sizes are written when the recording ends. So a file
whose RIFF size is not its own was cut off, and its sound is all that follows the header.
"""

from __future__ import annotations

import dataclasses
import os
import struct
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from esl_vm.sound import disk

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from esl_vm.sound.resample import Samples

#: What is left of the silence at a recording's end when the rest is cut off (Asterisk, app.c).
SILENCE_LEFT_MS = 200

_PCM, _EXTENSIBLE = 1, 0xFFFE
_RIFF = struct.Struct("<4sI4s")
_CHUNK = struct.Struct("<4sI")
_FORMAT = struct.Struct("<HHIIHH")
#: What no recording of a telephone call goes beyond: samples a second, channels, bytes (a WAVE file's sizes have 32 bits).
_RATES = range(1000, 384_001)
_MOST_CHANNELS = 8
_MOST_BYTES = (1 << 32) - 1
_LONGEST_FORMAT = 26  # as much of a format chunk as is looked at


class BrokenSoundError(ValueError):
    """The file is no 16-bit PCM WAVE file. The sentence says what it is instead."""


@dataclass(frozen=True, slots=True)
class Wave:
    """What a look at a recording found.

    Args:
        rate: samples a second. channels: 1 or more.
        frames: samples of each channel. data_at: where they begin in the file, bytes.
        finished: the header was completed, which is how a recording ends properly.
        heard_frames: up to where something was louder than the threshold; 0 = all silence.
        tone_frames: what follows `frames` in the file: the tone of the key that ended it.
    """

    rate: int
    channels: int
    frames: int
    data_at: int
    finished: bool
    heard_frames: int
    tone_frames: int = 0

    @property
    def ms(self) -> int:
        """How long it plays, in milliseconds."""
        return self.frames * 1000 // self.rate

    @property
    def heard_ms(self) -> int:
        """Its length without the silence at its end, in milliseconds; 0 = nothing but silence."""
        return self.heard_frames * 1000 // self.rate

    def frames_at(self, rate: int) -> int:
        """How many frames it has at another rate, to the nearest."""
        return (2 * self.frames * rate + self.rate) // (2 * self.rate)

    def trimmed(self) -> int:
        """How many frames remain when the silence at the end beyond 200 ms is cut off."""
        return min(self.frames, self.heard_frames + self.rate * SILENCE_LEFT_MS // 1000)


def measure(path: Path, threshold: int = 0, key: str = "") -> Wave:
    """Measure a recording.

    Args:
        path: the file.
        threshold: a 20 ms frame is silence when the mean of its samples' absolute values is below it: Asterisk's
            `silencethreshold`, 0 to 32767; 0 = nothing is silence.
        key: the one that ended it: its tone at the end is no part of it.

    Raises:
        BrokenSoundError: the file is no recording. OSError: it can't be read.
    """
    fd = disk.open_file(path)
    try:
        sound = read_header(fd)
        if threshold <= 0 and not key:
            return sound
        from esl_vm.sound import levels  # a header needs no numpy, and a process that loads it pays 0.1 s once

        return levels.heard(fd, sound, threshold, key)
    finally:
        os.close(fd)


def read_header(fd: int) -> Wave:
    """What the header of an open file says, put right where the recording was cut off; nothing in it is silence.

    Raises:
        BrokenSoundError: the file is no recording. OSError: it can't be read.
    """
    try:
        return _header(fd, os.fstat(fd).st_size)
    except struct.error as error:
        raise BrokenSoundError("the file became shorter while it was read") from error


def _header(fd: int, length: int) -> Wave:
    if not length:
        raise BrokenSoundError("the file is empty")
    if length < _RIFF.size:
        raise BrokenSoundError(f"the file has only {length} bytes")
    if length > _MOST_BYTES:
        raise BrokenSoundError(f"the file has {length >> 20} MiB, more than a WAVE file can have")
    magic, riff_size, form = _RIFF.unpack(os.pread(fd, _RIFF.size, 0))
    if magic != b"RIFF" or form != b"WAVE":
        raise BrokenSoundError("it is not a RIFF WAVE file")
    rate = channels = 0
    at = _RIFF.size
    while at + _CHUNK.size <= length:
        name, size = _CHUNK.unpack(os.pread(fd, _CHUNK.size, at))
        at += _CHUNK.size
        if name == b"fmt ":
            rate, channels = _format(os.pread(fd, min(size, _LONGEST_FORMAT), at), size)
        elif name == b"data":
            if not rate:
                raise BrokenSoundError("the header does not say its format")
            left = length - at
            # No data, and yet something follows: who recorded it died before the second of two lengths was written.
            finished = riff_size + 8 in {length, length - 1} and size <= left and (size > 0 or not left)
            frames = (size if finished else length - at) // (2 * channels)
            return Wave(rate, channels, frames, at, finished, frames)
        at += size + size % 2
    raise BrokenSoundError("the header ends before the sound begins")


def _format(chunk: bytes, size: int) -> tuple[int, int]:
    """Rate and channels of a format chunk of that size, of which the beginning is given."""
    if size < _FORMAT.size or len(chunk) < min(size, _LONGEST_FORMAT):
        raise BrokenSoundError("the header is cut off")
    code, channels, rate, _, width, bits = _FORMAT.unpack_from(chunk)
    if code == _EXTENSIBLE and size >= _LONGEST_FORMAT:
        (code,) = struct.unpack_from("<H", chunk, 24)
    usual = rate in _RATES and 0 < channels <= _MOST_CHANNELS
    if code != _PCM or bits != 16 or width != 2 * channels or not usual:
        raise BrokenSoundError(f"it is not 16-bit PCM (format {code}, {bits} bits, {channels} channels, {rate} Hz)")
    return rate, channels


def wave(data: bytes, rate: int, channels: int = 1) -> bytes:
    """A complete WAVE file of 16-bit little-endian samples."""
    return wave_header(len(data), rate, channels) + data


def wave_header(size: int, rate: int, channels: int = 1) -> bytes:
    """What a WAVE file of so many bytes of 16-bit samples begins with."""
    width = 2 * channels
    form = _CHUNK.pack(b"fmt ", _FORMAT.size) + _FORMAT.pack(_PCM, channels, rate, rate * width, width, 16)
    return _RIFF.pack(b"RIFF", 36 + size, b"WAVE") + form + _CHUNK.pack(b"data", size)


def seconds(path: Path, sound: Wave) -> Iterator[bytes]:
    """A measured recording second by second; silence for what the file has lost since. Raises OSError."""
    width = 2 * sound.channels
    step, size = sound.rate * width, sound.frames * width
    fd = disk.open_file(path)
    try:
        for at in range(0, size, step):
            wanted = min(step, size - at)
            yield os.pread(fd, wanted, sound.data_at + at).ljust(wanted, b"\0")
    finally:
        os.close(fd)


def mono(path: Path, sound: Wave) -> Iterator[Samples]:
    """As `seconds`, one channel of numbers from -1 to 1."""
    from esl_vm.sound.resample import from_pcm

    return (from_pcm(second, sound.channels) for second in seconds(path, sound))


def cut_to(source: Path, sound: Wave, frames: int, target: Path) -> None:
    """Write the first frames of a measured recording as a new, complete WAVE file, durably. Raises OSError."""
    header = wave_header(frames * 2 * sound.channels, sound.rate, sound.channels)
    disk.write_parts(target, chain([header], seconds(source, dataclasses.replace(sound, frames=frames))))


def measured(paths: Sequence[Path], threshold: int = 0) -> list[tuple[Path, Wave]]:
    """The pieces of a recording, measured; one in which nothing has come yet, after the first, is left out.

    Raises:
        BrokenSoundError: the first is no recording. OSError: one can't be read.
    """
    found = [(paths[0], measure(paths[0], threshold))]
    for path in paths[1:]:
        with suppress(BrokenSoundError):
            found.append((path, measure(path, threshold)))
    return found


def convert(pieces: Sequence[tuple[Path, Wave]], rate: int, target: Path) -> int:
    """Write measured recordings, one after the other, as a new, complete WAVE file in one channel at that rate, durably.

    Returns:
        How many frames they came to.

    Raises:
        OSError.
    """
    frames = sum(sound.frames_at(rate) for _, sound in pieces)
    disk.write_parts(target, _joined(pieces, rate, frames))
    return frames


def join(paths: Iterable[Path], target: Path, rate: int) -> int:
    """Write several recordings as one, mono at that rate, durably; returns its milliseconds.

    Raises:
        BrokenSoundError: one of them is no recording. OSError: one can't be read, or the new one not be written.
    """
    return convert([(path, measure(path)) for path in paths], rate, target) * 1000 // rate


def _joined(parts: Sequence[tuple[Path, Wave]], rate: int, frames: int) -> Iterator[bytes]:
    """The bytes of that file; of each recording exactly `frames_at`."""
    from esl_vm.sound.resample import resampling, to_pcm

    yield wave_header(2 * frames, rate)
    for path, sound in parts:
        left = 2 * sound.frames_at(rate)
        for block in resampling(mono(path, sound), sound.rate, rate):
            piece = to_pcm(block)[:left]
            left -= len(piece)
            yield piece
        yield bytes(left)
