"""Recordings as samples and back: any type of prompt file in, WAV out."""

from __future__ import annotations

import os
import sys
import tempfile
import wave
from array import array
from pathlib import Path
from typing import TYPE_CHECKING

from esl_vm.sound.resample import from_pcm, resampled, to_pcm
from esl_vm.sound.shaping import shaped
from esl_vm.speech.cuts import cut_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from esl_vm.speech.utterance import Prompt

_RAW = {
    "ulaw": ("ULAW", 8000),
    "alaw": ("ALAW", 8000),
    "gsm": ("GSM610", 8000),
    "sln": ("PCM_16", 8000),
    "sln16": ("PCM_16", 16000),
}
AS_THEY_ARE = frozenset({"beep"})
"""A tone: no speech; its level and length are as wanted."""


def as_heard(prompt: Prompt, recordings: Sequence[Path], rate: int = 0) -> tuple[bytes, int]:
    """What a prompt's recordings come to, one after another: their parts, at one level, without silence around them.

    Args:
        prompt: whose recordings they are.
        recordings: the files.
        rate: samples a second wanted; 0: the first recording's own.

    Returns:
        Samples (16 bit, one channel, little-endian) and their rate; no samples if there is no sound in them.

    Raises:
        OSError, ValueError: one can't be read: broken, or of a type that must be converted elsewhere (G.722); or it is not
            the one that a part is cut from.
    """
    cut = cut_of(prompt.name, prompt.language)
    parts = []
    for recording in recordings:
        samples, own_rate = read_sound(recording)
        rate = rate or own_rate
        if cut is not None:
            samples = cut.of(recording.stem, samples, own_rate)
        if own_rate != rate:
            samples = to_pcm(resampled(from_pcm(samples), own_rate, rate))
        if prompt.name not in AS_THEY_ARE:
            samples = _swapped(shaped(_swapped(samples), rate))
        parts.append(samples)
    return b"".join(parts), rate


def read_sound(path: Path) -> tuple[bytes, int]:
    """A recording's samples (16 bit, little-endian), channels mixed into one, and its rate.

    Raises:
        OSError, ValueError: it can't be read.
    """
    kind = path.suffix.removeprefix(".")
    if kind == "wav" and (found := _plain_wave(path)) is not None:
        return found
    import soundfile  # what the standard library can't read; few packs need it

    with path.open("rb"):
        pass  # a file that can't be opened gives the system's own clear error
    try:
        if kind in _RAW:
            subtype, rate = _RAW[kind]
            samples, _ = soundfile.read(
                path, format="RAW", subtype=subtype, samplerate=rate, channels=1, endian="LITTLE", always_2d=True
            )
        else:
            samples, rate = soundfile.read(path, always_2d=True)
    except soundfile.SoundFileError as error:
        raise ValueError(str(error)) from error
    return to_pcm(samples.mean(axis=1)), int(rate)


def _plain_wave(path: Path) -> tuple[bytes, int] | None:
    """What nearly every prompt is, read without a library; None: it is something else. Raises OSError."""
    try:
        with wave.open(str(path), "rb") as sound:
            if sound.getnchannels() != 1 or sound.getsampwidth() != 2:
                return None
            return sound.readframes(sound.getnframes()), sound.getframerate()
    except (wave.Error, EOFError):
        return None


def write_wave(path: Path, samples: bytes, rate: int) -> None:
    """Write samples (16 bit, little-endian) as WAV that everybody may read; the file appears whole or not at all.

    Raises:
        OSError: it can't be written.
    """
    handle, partial = tempfile.mkstemp(dir=path.parent, prefix=".partial-", suffix=".wav")
    try:
        with os.fdopen(handle, "wb") as file, wave.open(file, "wb") as sound:
            sound.setnchannels(1)
            sound.setsampwidth(2)
            sound.setframerate(rate)
            sound.writeframesraw(samples)
        Path(partial).chmod(0o644)
        Path(partial).replace(path)
    finally:
        Path(partial).unlink(missing_ok=True)


def _swapped(samples: bytes) -> bytes:
    """Little-endian samples in this machine's order, or back."""
    if sys.byteorder == "little":
        return samples
    values = array("h", samples)
    values.byteswap()
    return values.tobytes()
