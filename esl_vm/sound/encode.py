"""A sound of the store as MP3, which every browser plays, or Opus; the same bytes on every node."""

from __future__ import annotations

import io
import zlib
from typing import TYPE_CHECKING

import soundfile

if TYPE_CHECKING:
    from pathlib import Path

_FORMATS = {"mp3": ("MP3", "MPEG_LAYER_III"), "opus": ("OGG", "OPUS")}
_SERIAL, _CHECKSUM, _LACING = slice(14, 18), slice(22, 26), 27
"""Where an Ogg page (RFC 3533, 6) has its stream's serial number, its checksum, and the lengths of its segments."""
_BITS_TURNED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


class NoEncoderError(OSError):
    """This host makes no sounds of that kind. The administrator must act, or another kind be asked for."""


def encoded(source: Path, kind: str) -> bytes:
    """The whole file as `mp3` or `opus`. Raises OSError where it can't be read, NoEncoderError where it can't be made."""
    container, encoding = _FORMATS[kind]
    if not soundfile.check_format(container, encoding):
        raise NoEncoderError(f"this host's libsndfile makes no {kind}")
    made = io.BytesIO()
    try:
        with soundfile.SoundFile(source) as sound:
            soundfile.write(made, sound.read(dtype="int16"), sound.samplerate, format=container, subtype=encoding)
    except soundfile.SoundFileError as wrong:
        raise OSError(f"{source.name}: {wrong}") from wrong
    return _numbered(made.getvalue()) if container == "OGG" else made.getvalue()


def _numbered(ogg: bytes) -> bytes:
    """An Ogg file with 1 for the serial number that libsndfile draws: the ranges that two nodes give fit together."""
    pages = bytearray()
    while ogg:
        body = _LACING + ogg[26]
        end = body + sum(ogg[_LACING:body])
        page, ogg = bytearray(ogg[:end]), ogg[end:]
        page[_SERIAL], page[_CHECKSUM] = b"\1\0\0\0", bytes(4)
        # Ogg's checksum is zlib's with the bits of each byte, and of the sum, the other way round, and nothing inverted.
        turned = zlib.crc32(page.translate(_BITS_TURNED), 0xFFFFFFFF) ^ 0xFFFFFFFF
        page[_CHECKSUM] = turned.to_bytes(4, "big").translate(_BITS_TURNED)
        pages += page
    return bytes(pages)
