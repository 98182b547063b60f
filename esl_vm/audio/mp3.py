"""A sound of the store as MP3, which every browser plays."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import soundfile

if TYPE_CHECKING:
    from pathlib import Path


def mp3(source: Path) -> bytes:
    """The whole file: the same bytes each time and on every node. Raises OSError where it can't be read."""
    made = io.BytesIO()
    try:
        with soundfile.SoundFile(source) as sound:
            samples = sound.read(dtype="int16")
            soundfile.write(made, samples, sound.samplerate, format="MP3", subtype="MPEG_LAYER_III")
    except soundfile.SoundFileError as wrong:
        raise OSError(f"{source.name}: {wrong}") from wrong
    return made.getvalue()
