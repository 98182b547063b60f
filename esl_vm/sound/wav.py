"""How long a recording is, how much of it was spoken, and making of it what is stored: mono, at the store's rate, whole.

Recordings are RIFF WAVE files, 16-bit PCM, as FreeSWITCH writes them at the call's rate and with its channels. Seen on FreeSWITCH 1.11: while
it records, the header says RIFF size 8 and no data; the true sizes are written when the recording ends. So a file
whose RIFF size is not its own was cut off, and its sound is all that follows the header.
"""

from __future__ import annotations

import dataclasses
import os
import struct
import sys
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

from esl_vm.sound import disk
from esl_vm.sound.key_tone import LOOKED_AT_MS, tone_frames

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

with warnings.catch_warnings():  # 3.11 and 3.12 announce its removal; later Pythons have it from audioop-lts
    warnings.simplefilter("ignore", DeprecationWarning)
    import audioop

#: Asterisk judges silence in frames of 20 ms (dsp.c), by the mean of the samples' absolute values.
FRAME_MS = 20
#: What is left of the silence at a recording's end when the rest is cut off (Asterisk, app.c).
SILENCE_LEFT_MS = 200

_PCM, _EXTENSIBLE = 1, 0xFFFE
_RIFF = struct.Struct("<4sI4s")
_CHUNK = struct.Struct("<4sI")
_FORMAT = struct.Struct("<HHIIHH")
_LOUDEST = 32767
#: What no recording of a telephone call goes beyond: samples a second, channels, bytes (a WAVE file's sizes have 32 bits).
_RATES = range(1000, 384_001)
_MOST_CHANNELS = 8
_MOST_BYTES = (1 << 32) - 1
_BLOCK = 1 << 20
_LONGEST_FORMAT = 26  # as much of a format chunk as is looked at


class BrokenSoundError(ValueError):
    """The file is no 16-bit PCM WAVE file. The sentence says what it is instead."""


@dataclass(frozen=True, slots=True)
class Sound:
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


def measure(path: Path, threshold: int, key: str = "") -> Sound:
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
        length = os.fstat(fd).st_size
        rate, channels, data_at, size, finished = _header(lambda at, size: os.pread(fd, size, at), length)
        width = 2 * channels
        frames = size // width
        tone = _tone(fd, data_at, frames, channels, rate, key) if key else 0
        frames -= tone
        heard = _heard(fd, data_at, frames, width, rate, threshold)
    except struct.error as error:
        raise BrokenSoundError("the file became shorter while it was read") from error
    finally:
        os.close(fd)
    return Sound(rate, channels, frames, data_at, finished, heard, tone)


def blocks(path: Path, sound: Sound, ms: int) -> Iterator[bytes]:
    """A measured recording of one channel in pieces of so many milliseconds, in the machine's byte order. Raises OSError."""
    size = 2 * (sound.rate * ms // 1000)
    end = sound.data_at + 2 * sound.frames
    fd = disk.open_file(path)
    try:
        for at in range(sound.data_at, end, size * 50):
            several = os.pread(fd, min(size * 50, end - at), at)
            for piece in range(0, len(several) - 1, size):
                yield _native(several[piece : piece + size][: (len(several) - piece) & ~1])
    finally:
        os.close(fd)


def cut_to(source: Path, sound: Sound, frames: int, target: Path) -> None:
    """Write the first frames of a measured recording as a new, complete WAVE file, durably. Raises OSError."""
    fd = disk.open_file(source)
    try:
        disk.write_parts(target, _cut(fd, sound, frames))
    finally:
        os.close(fd)


def _cut(fd: int, sound: Sound, frames: int) -> Iterator[bytes]:
    size = frames * 2 * sound.channels
    yield wave_header(size, sound.rate, sound.channels)
    for done in range(0, size, _BLOCK):
        wanted = min(_BLOCK, size - done)
        block = os.pread(fd, wanted, sound.data_at + done)
        yield block + bytes(wanted - len(block))  # of a file that became shorter since it was measured


def convert(source: Path, sound: Sound, rate: int, target: Path, rates: Sequence[int] = ()) -> None:
    """Write a measured recording as a new, complete WAVE file in one channel at that rate, durably.

    Args:
        source: the recording.
        sound: what was measured of it.
        rate: samples a second of what is written.
        target: where.
        rates: a size in bytes and a rate, and so on: from there on its samples are of that rate, not of the header's.

    Raises:
        OSError.
    """
    parts = _parts(sound, rates)
    disk.write_parts(target, _joined([source] * len(parts), parts, rate, sum(part.frames_at(rate) for part in parts)))


def _parts(sound: Sound, rates: Sequence[int]) -> list[Sound]:
    """The stretches of a recording that have one rate each."""
    width = 2 * sound.channels
    found: list[Sound] = []
    begins, now = 0, sound.rate
    for size, then in [*zip(rates[::2], rates[1::2], strict=True), (sound.data_at + sound.frames * width, 0)]:
        ends = min(max((size - sound.data_at) // width, begins), sound.frames)
        if ends > begins:
            at = sound.data_at + begins * width
            found.append(dataclasses.replace(sound, rate=now, frames=ends - begins, data_at=at))
        begins, now = ends, then if then in _RATES else now
    return found


def _converted(fd: int, sound: Sound, rate: int) -> Iterator[bytes]:
    """Its samples in one channel at that rate, exactly `frames_at` of them."""
    # Most lines need it never, and a process that does pays 0.1 s for it once.
    from esl_vm.sound.resample import Resampler, from_pcm, to_pcm

    resampler = Resampler(sound.rate, rate) if sound.rate != rate else None
    left = 2 * sound.frames_at(rate)
    width = 2 * sound.channels
    size = sound.frames * width
    step = _BLOCK // width * width
    for done in range(0, size, step):
        block = os.pread(fd, min(step, size - done), sound.data_at + done)
        mono = from_pcm(block[: len(block) // width * width], sound.channels)
        piece = to_pcm(resampler.feed(mono) if resampler else mono)[:left]
        left -= len(piece)
        yield piece
    rest = to_pcm(resampler.finish())[:left] if resampler else b""
    yield rest + bytes(left - len(rest))


def join(parts: list[Path], target: Path, rate: int) -> int:
    """Write several recordings as one, mono at that rate, durably; returns its milliseconds.

    Raises:
        BrokenSoundError: one of them is no recording. OSError: one can't be read, or the new one not be written.
    """
    sounds = [measure(path, 0) for path in parts]
    frames = sum(sound.frames_at(rate) for sound in sounds)
    disk.write_parts(target, _joined(parts, sounds, rate, frames))
    return frames * 1000 // rate


def _joined(parts: list[Path], sounds: list[Sound], rate: int, frames: int) -> Iterator[bytes]:
    yield wave_header(2 * frames, rate)
    for path, sound in zip(parts, sounds, strict=True):
        fd = disk.open_file(path)
        try:
            yield from _converted(fd, sound, rate)
        finally:
            os.close(fd)


def wave(data: bytes, rate: int, channels: int = 1) -> bytes:
    """A complete WAVE file of 16-bit little-endian samples."""
    return wave_header(len(data), rate, channels) + data


def wave_header(size: int, rate: int, channels: int = 1) -> bytes:
    """What a WAVE file of so many bytes of 16-bit samples begins with."""
    width = 2 * channels
    return b"".join(
        (
            _RIFF.pack(b"RIFF", 36 + size, b"WAVE"),
            _CHUNK.pack(b"fmt ", 16),
            _FORMAT.pack(_PCM, channels, rate, rate * width, width, 16),
            _CHUNK.pack(b"data", size),
        )
    )


def _header(read: Callable[[int, int], bytes], length: int) -> tuple[int, int, int, int, bool]:
    """Rate, channels, where the samples begin, how many bytes they are, and whether the header was completed.

    Args:
        read: so many bytes from a position, fewer at the end.
        length: of the file, bytes.
    """
    if not length:
        raise BrokenSoundError("the file is empty")
    if length < _RIFF.size:
        raise BrokenSoundError(f"the file has only {length} bytes")
    if length > _MOST_BYTES:
        raise BrokenSoundError(f"the file has {length >> 20} MiB, more than a WAVE file can have")
    magic, riff_size, form = _RIFF.unpack(read(0, _RIFF.size))
    if magic != b"RIFF" or form != b"WAVE":
        raise BrokenSoundError("it is not a RIFF WAVE file")
    finished = riff_size + 8 in {length, length - 1}
    rate = channels = 0
    at = _RIFF.size
    while at + _CHUNK.size <= length:
        name, size = _CHUNK.unpack(read(at, _CHUNK.size))
        at += _CHUNK.size
        if name == b"fmt ":
            rate, channels = _format(read(at, min(size, _LONGEST_FORMAT)), size)
        elif name == b"data":
            if not rate:
                raise BrokenSoundError("the header does not say its format")
            there = length - at
            finished = finished and size <= there
            return rate, channels, at, size if finished else there, finished
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


def _heard(fd: int, data_at: int, frames: int, width: int, rate: int, threshold: int) -> int:
    """Up to which frame something was as loud as the threshold; looked for from the end, where it is near."""
    if threshold <= 0:
        return frames
    step = rate * FRAME_MS // 1000
    piece_size = step * width
    pieces_a_block = max(1, _BLOCK // piece_size)
    last = -(-frames // step)
    while last:
        first = max(0, last - pieces_a_block)
        wanted = min(last * step, frames) - first * step
        block = os.pread(fd, wanted * width, data_at + first * piece_size)
        for at in range(last - 1, first - 1, -1):
            piece = block[(at - first) * piece_size : (at + 1 - first) * piece_size]
            if len(piece) >= 2 and loudness(_native(piece[: len(piece) & ~1])) >= threshold:
                return min(frames, (at + 1) * step)
        last = first
    return 0


def _tone(fd: int, data_at: int, frames: int, channels: int, rate: int, key: str) -> int:
    """How many frames at the end are the tone of the key that ended the recording."""
    wanted = min(frames, rate * LOOKED_AT_MS // 1000)
    width = 2 * channels
    block = os.pread(fd, wanted * width, data_at + (frames - wanted) * width)
    first = block if channels == 1 else b"".join(block[at : at + 2] for at in range(0, len(block), width))
    return tone_frames(first, rate, key)


def loudness(samples: bytes) -> int:
    """The mean of the absolute values of 16-bit samples in the machine's byte order, 0 to 32768, give or take 2.

    audioop has no such mean, but adding the largest sample saturates all that is above 0: what remains is the negative
    part, and the mean of absolute values is the mean less twice the mean of the negative part.
    """
    ceiling = struct.pack("=h", _LOUDEST) * (len(samples) // 2)
    below = audioop.avg(audioop.add(samples, ceiling, 2), 2) - _LOUDEST
    return max(0, audioop.avg(samples, 2) - 2 * below)


def _native(data: bytes) -> bytes:
    """Little-endian samples in the machine's byte order, and back."""
    return data if sys.byteorder == "little" else audioop.byteswap(data, 2)
