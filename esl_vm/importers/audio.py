"""Sound of any kind becomes what the store keeps: WAV at one rate, one channel, 16 bits.

libsndfile reads what has a header (WAV with GSM in it, MP3, Ogg, FLAC, AU …) and, told how, the headerless files that
Asterisk writes; what it can't read goes to ffmpeg or sox where they are installed. Lengths are counted, never believed.
"""

from __future__ import annotations

import io
import resource
import shutil
import stat
import subprocess
import tempfile
import wave
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING

import soundfile

from esl_vm.importers.plan import Kind
from esl_vm.model.errors import InvalidValueError
from esl_vm.sound.decode import HEADERLESS, blocks, open_sound
from esl_vm.sound.resample import from_pcm, resampling, to_pcm
from esl_vm.sound.wav import BrokenSoundError, measure, mono

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from esl_vm.importers.plan import SoundFiles
    from esl_vm.sound.resample import Samples

RATE = 8000
"""What files without a header have unless their name says another, and what Asterisk's format `wav` is."""
_BLOCK = 65536
_LARGEST = 2**30
_LONGEST_S = 6 * 3600
_TOOL_S = 300
_LARGEST_IN_MEMORY = 96 << 20
"""Bytes of a file that must be read whole: an MP3."""

_WITH_HEADER = {"wav", "wav16", "wav49", "mp3", "ogg", "oga", "opus", "flac", "au", "aif", "aiff", "caf", "w64", "mp2"}
_FFMPEG = {
    "g722": ("-f", "g722"),
    **{f"g726-{kbit}": ("-f", "g726le", "-code_size", str(kbit // 8)) for kbit in (16, 24, 32, 40)},
    "g723": ("-f", "g723_1"),
    "g729": ("-f", "g729"),
    "ilbc": ("-f", "ilbc"),
    "amr": ("-f", "amr"),
    "aac": ("-f", "aac"),
    **dict.fromkeys(("m4a", "mp4", "3gp"), ("-f", "mov")),
    **dict.fromkeys(("webm", "mka"), ("-f", "matroska")),
    "mp3": ("-f", "mp3"),
    "wma": ("-f", "asf"),
}
_SOX = {"amr-nb", "amr-wb", "voc", "wv", "sph", "hcom", "gsm", "mp3", "wav", "ogg"}

AUDIO_EXTENSIONS = frozenset(HEADERLESS) | _WITH_HEADER | set(_FFMPEG) | _SOX
"""What may be a sound, by its extension in lower case."""

_QUALITY = (
    *("wav", "sln", "sln8", "raw", "sln16", "wav16", "sln12", "sln24", "sln32", "sln44", "sln48", "sln96", "sln192"),
    *("flac", "au", "ulaw", "alaw", "g722", "opus", "ogg", "mp3", "g726-40", "g726-32", "WAV", "wav49", "gsm"),
)


class SoundError(InvalidValueError):
    """A sound that can't be brought. `kind` is empty_audio, unreadable_audio or path_outside_storage."""

    def __init__(self, kind: Kind, why: str) -> None:
        self.kind = kind
        super().__init__(why)


def extension(name: str) -> str:
    """A file's extension as Asterisk means it: `WAV` (GSM in it) is not `wav`; others in lower case; `` if none."""
    tail = name.rpartition(".")[2] if "." in name else ""
    return "WAV" if tail == "WAV" else tail.lower()


def by_quality(files: list[Path]) -> tuple[Path, ...]:
    """The same sound in several formats, the one that lost least first."""

    def rank(file: Path) -> tuple[int, str]:
        kind = extension(file.name)
        return (_QUALITY.index(kind) if kind in _QUALITY else len(_QUALITY), file.name)

    return tuple(sorted(files, key=rank))


def convert(sound: SoundFiles, target: Path, rate: int = RATE) -> int:
    """Write the best readable one of a sound's files at that rate; returns its milliseconds (at least 1).

    The best format is taken unless another one has over half a second more of the sound (a disk was full, a
    recording was cut off in one of them).

    Raises:
        SoundError: none of them could be read; says about the best of them why.
    """
    if not sound.files:
        raise SoundError(Kind.UNREADABLE_AUDIO, "there is no sound file")
    errors: list[SoundError] = []
    lengths: list[tuple[float, Path]] = []
    for file in sound.files:
        try:
            check_file(file, sound.root)
            lengths.append((_seconds(file) if len(sound.files) > 1 else 0.0, file))
        except SoundError as error:
            errors.append(error)
    longest = max((seconds for seconds, _file in lengths), default=0.0)
    enough = [file for seconds, file in lengths if seconds >= longest - 0.5]
    for file in enough + [file for _seconds, file in lengths if file not in enough]:
        try:
            return _write(_samples(file, rate), target, rate)
        except SoundError as error:
            errors.append(error)
    raise min(errors, key=lambda error: error.kind is Kind.EMPTY_AUDIO)


def check_file(file: Path, root: Path) -> None:
    """Raise SoundError unless this is a plain, not absurdly large file inside that folder, links followed."""
    try:
        real = file.resolve(strict=True)
        status = real.stat()
    except (OSError, RuntimeError, ValueError) as error:
        raise SoundError(Kind.UNREADABLE_AUDIO, f"can't be opened: {type(error).__name__}") from None
    if not real.is_relative_to(root.resolve()):
        raise SoundError(Kind.PATH_OUTSIDE_STORAGE, "the path leads outside the storage folder")
    if not stat.S_ISREG(status.st_mode):
        raise SoundError(Kind.UNREADABLE_AUDIO, "not a plain file")
    if status.st_size > _LARGEST:
        raise SoundError(Kind.UNREADABLE_AUDIO, f"larger than {_LARGEST} bytes")
    if not status.st_size:
        raise SoundError(Kind.EMPTY_AUDIO, "no sound in it")


def _seconds(file: Path) -> float:
    """How long it plays, as far as that is known without decoding it; 0 for what only a tool can read."""
    kind = extension(file.name).lower()
    try:
        with _open(file) as sound:
            if sound.frames > 0:
                return float(sound.frames / sound.samplerate)
    except (soundfile.SoundFileError, OSError, SoundError):
        return 0.0
    if kind == "gsm":
        return file.stat().st_size / 33 * 0.02
    return 0.0


def _open(file: Path) -> soundfile.SoundFile:
    return _mp3(file) if extension(file.name) == "mp3" else open_sound(file)


def _mp3(file: Path) -> soundfile.SoundFile:
    """An MP3 with all its frames: an encoder's note on how much to cut off at both ends (LAME's `Info`) is not obeyed.

    Without it the length of a file of varying bit rate would be guessed: then the note is left in.
    """
    if file.stat().st_size > _LARGEST_IN_MEMORY:
        raise SoundError(Kind.UNREADABLE_AUDIO, f"larger than {_LARGEST_IN_MEMORY >> 20} MB")
    data = bytearray(file.read_bytes())
    start = 0
    if data[:3] == b"ID3" and len(data) > 10:
        start = 10 + sum((size & 0x7F) << shift for size, shift in zip(data[6:10], (21, 14, 7, 0), strict=True))
    place = data.find(b"Info", start, start + 64)
    if place < 0:
        return soundfile.SoundFile(file)
    data[place : place + 4] = bytes(4)
    whole, noted = soundfile.SoundFile(io.BytesIO(data)), soundfile.SoundFile(file)
    longer, shorter = (whole, noted) if whole.frames >= noted.frames else (noted, whole)
    shorter.close()
    return longer


def _samples(file: Path, rate: int) -> Iterator[Samples]:
    """The sound at that rate, one channel, block by block; raises SoundError before the first block or never."""
    try:
        sound = _open(file)
    except (soundfile.SoundFileError, OSError) as error:
        yield from _unfinished(file, rate) or _by_tool(file, rate, error)
        return
    with sound:
        if not 1000 <= sound.samplerate <= 384000 or not 1 <= sound.channels <= 64:
            raise SoundError(Kind.UNREADABLE_AUDIO, f"{sound.samplerate} Hz, {sound.channels} channels")
        if sound.frames > _LONGEST_S * sound.samplerate:
            raise SoundError(Kind.UNREADABLE_AUDIO, f"longer than {_LONGEST_S // 3600} hours")
        readable = blocks(sound)
        first = next(readable, None)
        if first is None:
            yield from _unfinished(file, rate) or ()
        else:
            yield from resampling(chain([first], readable), sound.samplerate, rate)


def _unfinished(file: Path, rate: int) -> Iterator[Samples] | None:
    """What a WAV file holds whose recorder died before it wrote the lengths; None if it is no such file."""
    try:
        sound = measure(file.resolve())
    except (BrokenSoundError, OSError):
        return None
    return resampling(mono(file.resolve(), sound), sound.rate, rate) if sound.frames else None


def _by_tool(file: Path, rate: int, reason: Exception) -> Iterator[Samples]:
    """Through ffmpeg or sox, told the format by the extension so that a file can't choose its own reader."""
    kind = extension(file.name).lower()
    out = ("-ar", str(rate), "-ac", "1", "-f", "s16le", "-")
    if kind in _FFMPEG and (ffmpeg := shutil.which("ffmpeg")):
        command = [ffmpeg, "-nostdin", "-v", "error", "-protocol_whitelist", "file,pipe", *_FFMPEG[kind]]
        command += ["-i", f"file:{file}", "-vn", *out]
    elif kind in _SOX and (sox := shutil.which("sox")):
        command = [sox, "-V1", "-t", kind, str(file), "-r", str(rate), "-c", "1", "-b", "16", "-e", "signed", "-L"]
        command += ["-t", "raw", "-"]
    else:
        tools = {**dict.fromkeys(_FFMPEG, "ffmpeg"), **dict.fromkeys(_SOX - set(_FFMPEG), "sox")}
        hint = f"; {tools[kind]}, which is not installed, may read it" if kind in tools else ""
        raise SoundError(Kind.UNREADABLE_AUDIO, f"not a sound file that can be read{hint}") from reason
    # To a file of bounded size: a few bytes of some formats are hours of sound, and hours of another tool's memory.
    with tempfile.TemporaryFile() as made:
        try:
            ran = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=made, stderr=subprocess.DEVNULL, timeout=_TOOL_S, check=False,
                preexec_fn=partial(_bound_the_file, _LONGEST_S * rate * 2),
            )  # fmt: skip
        except (OSError, subprocess.SubprocessError) as error:
            raise SoundError(Kind.UNREADABLE_AUDIO, f"{command[0]} failed: {type(error).__name__}") from None
        if made.seek(0, io.SEEK_END) >= _LONGEST_S * rate * 2:
            raise SoundError(Kind.UNREADABLE_AUDIO, f"longer than {_LONGEST_S // 3600} hours")
        if ran.returncode or not made.tell():
            raise SoundError(Kind.UNREADABLE_AUDIO, "not a sound file that can be read") from reason
        made.seek(0)
        while block := made.read(2 * _BLOCK):
            yield from_pcm(block[: len(block) // 2 * 2])


def _bound_the_file(size: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def _write(sound: Iterator[Samples], target: Path, rate: int) -> int:
    frames = 0
    with wave.open(str(target), "wb") as out:
        out.setparams((1, 2, rate, 0, "NONE", ""))
        for block in sound:
            out.writeframesraw(to_pcm(block))
            frames += len(block)
            if frames > _LONGEST_S * rate:
                raise SoundError(Kind.UNREADABLE_AUDIO, f"longer than {_LONGEST_S // 3600} hours")
    if not frames:
        raise SoundError(Kind.EMPTY_AUDIO, "no sound in it")
    return max(1, round(frames * 1000 / rate))
