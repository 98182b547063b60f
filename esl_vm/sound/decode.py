"""Sound files of any kind that libsndfile reads, those without a header by their extension."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import soundfile

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from esl_vm.sound.resample import Samples

HEADERLESS = {
    **dict.fromkeys(("sln", "raw"), ("PCM_16", 8000)),
    **{f"sln{khz}": ("PCM_16", khz * 1000) for khz in (8, 12, 16, 24, 32, 48, 96, 192)},
    "sln44": ("PCM_16", 44100),
    **dict.fromkeys(("ulaw", "ul", "mu", "ulw", "pcm", "pcmu"), ("ULAW", 8000)),
    **dict.fromkeys(("alaw", "al", "alw", "pcma"), ("ALAW", 8000)),
    "gsm": ("GSM610", 8000),
    "vox": ("VOX_ADPCM", 8000),
}
"""libsndfile's name of the encoding, and samples a second, by the extensions (lower case) of Asterisk's format modules, and
mod_native_file's."""

_BLOCK = 65536


def open_sound(path: Path) -> soundfile.SoundFile:
    """Open a sound file; one with a WAV header is one, whatever it is called. Raises soundfile.SoundFileError, OSError."""
    with path.open("rb") as opened:
        head = opened.read(12)
    raw = HEADERLESS.get(path.suffix[1:].lower())
    if raw and not (head[:4] in {b"RIFF", b"RF64"} and head[8:] == b"WAVE"):
        encoding, rate = raw
        return soundfile.SoundFile(path, "r", rate, 1, encoding, "LITTLE", "RAW")
    return soundfile.SoundFile(path)


def blocks(sound: soundfile.SoundFile) -> Iterator[Samples]:
    """What can be read of an open sound file, one channel of numbers from -1 to 1."""
    while True:
        try:
            block = sound.read(_BLOCK, dtype="float32", always_2d=True)
        except soundfile.SoundFileError:
            return  # a file cut off in its middle
        if len(block):
            yield block[:, 0] if block.shape[1] == 1 else block.mean(axis=1, dtype=np.float32)
        if len(block) < _BLOCK:
            return


def read_sound(path: Path) -> tuple[Samples, int]:
    """A whole sound file, one channel of numbers from -1 to 1, and its samples a second. Raises OSError, ValueError."""
    try:
        with open_sound(path) as sound:
            samples: Samples = sound.read(sound.frames, dtype="float32", always_2d=True).mean(axis=1, dtype=np.float32)
            return samples, sound.samplerate
    except soundfile.SoundFileError as error:
        raise ValueError(f"not a sound file: {error}") from error
