"""Sounds that lie in a database, set down as files until they are brought."""

from __future__ import annotations

import base64
import binascii
import hashlib
import tempfile
from pathlib import Path

from esl_vm.importers.plan import SoundFiles


class Scratch:
    """A folder of its own below the system's temporary one; whoever gets `folder` removes it."""

    def __init__(self) -> None:
        self.folder = tempfile.TemporaryDirectory(prefix="esl-vm-import-")
        self._path = Path(self.folder.name).resolve()

    def keep(self, data: bytes, kind: str = "") -> str:
        """Write a sound; its file's name. Its format is told by its first bytes, else by `kind` (an extension)."""
        name = f"{hashlib.sha256(data).hexdigest()}.{sniff(data) or kind or 'wav'}"
        (self._path / name).write_bytes(data)
        return name

    def kept(self, name: str) -> SoundFiles:
        """A sound that was kept before, by its file's name."""
        return SoundFiles((self._path / name,), self._path)

    def copy(self, source: Path) -> Path:
        """Copy a file in, under its own name; raises OSError."""
        target = self._path / source.name
        with source.open("rb") as read, target.open("wb") as written:
            while piece := read.read(2**20):
                written.write(piece)
        return target


def sniff(data: bytes) -> str:
    """The extension of a sound by its first bytes, `` if they don't tell."""
    head = data[:16]
    if head[:4] in {b"RIFF", b"RF64"}:
        return "wav"
    if head[:4] == b"OggS":
        return "ogg"
    if head[:4] == b"fLaC":
        return "flac"
    if head[:3] == b"ID3" or (len(head) > 2 and head[0] == 0xFF and head[1] & 0xE6 == 0xE2):
        return "mp3"
    return ""


def from_base64(text: str) -> bytes | None:
    """A database's base64 (line breaks allowed, padding may be missing); None if it is none."""
    compact = "".join(text.split()).rstrip("=")
    try:
        return base64.b64decode(compact + "=" * (-len(compact) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None
