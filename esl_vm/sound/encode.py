"""A sound of the store as MP3, which every browser plays, or Opus."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import soundfile

if TYPE_CHECKING:
    from pathlib import Path

_FORMATS = {"mp3": ("MP3", "MPEG_LAYER_III"), "opus": ("OGG", "OPUS")}


def encoded(source: Path, kind: str) -> bytes:
    """The whole file as `mp3` or `opus`; an MP3 has the same bytes on every node. Raises OSError where it can't be read."""
    made = io.BytesIO()
    container, encoding = _FORMATS[kind]
    try:
        with soundfile.SoundFile(source) as sound:
            soundfile.write(made, sound.read(dtype="int16"), sound.samplerate, format=container, subtype=encoding)
    except soundfile.SoundFileError as wrong:
        raise OSError(f"{source.name}: {wrong}") from wrong
    return made.getvalue()
