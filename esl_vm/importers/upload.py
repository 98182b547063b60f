"""A sound that somebody sent in: what it is is judged by its content, and it is read by a process of its own, within bounds.

Run as a program it converts one file: `python -m esl_vm.importers.upload FILE TARGET RATE` prints the milliseconds, or why it
is no sound.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from esl_vm.model.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Iterator

_LONGEST_S = 60
_NO_SOUND = 3
_HEAD = 16


def kind_of(head: bytes) -> str:
    """The extension of what a file begins with, `` for what is no sound that we know.

    Without a header nothing is taken: any file at all could be read as samples.
    """
    for magic, kind in (
        (b"OggS", "ogg"),
        (b"fLaC", "flac"),
        (b"\x1aE\xdf\xa3", "webm"),
        (b"ID3", "mp3"),
        (b".snd", "au"),
        (b"caff", "caf"),
        (b"#!AMR", "amr"),
    ):
        if head.startswith(magic):
            return kind
    if head[:4] in {b"RIFF", b"RF64"} and head[8:12] == b"WAVE":
        return "wav"
    if head[:4] == b"FORM" and head[8:12] in {b"AIFF", b"AIFC"}:
        return "aiff"
    if head[4:8] == b"ftyp":
        return "m4a"
    if len(head) > 1 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0:
        return "aac" if head[1] & 0xF6 == 0xF0 else "mp3"
    return ""


@contextmanager
def converted_upload(source: Path, rate: int) -> Iterator[tuple[Path, int]]:
    """A file that somebody sent in as the store keeps sounds, and its milliseconds, for as long as this is open.

    Args:
        source: the file; its name does not matter.
        rate: samples a second.

    Raises:
        InvalidValueError: it is no sound that can be read, or takes too long to read.
    """
    with tempfile.TemporaryDirectory(prefix="esl-vm-upload-") as folder:
        target = Path(folder) / "sound.wav"
        command = [sys.executable, "-m", "esl_vm.importers.upload", str(source), str(target), str(rate)]
        try:
            ran = subprocess.run(
                command, capture_output=True, text=True, timeout=_LONGEST_S, check=False, stdin=subprocess.DEVNULL
            )
        except subprocess.TimeoutExpired:
            raise InvalidValueError("it takes too long to read") from None
        if ran.returncode:
            complaint = ran.stdout.strip() if ran.returncode == _NO_SOUND else ""
            raise InvalidValueError(complaint or "not a sound that can be read")
        yield target, int(ran.stdout)


def main(source: str, target: str, rate: str) -> int:
    """Convert one file; returns the exit code."""
    from esl_vm.importers.audio import convert
    from esl_vm.importers.plan import SoundFiles

    resource.setrlimit(resource.RLIMIT_CPU, (_LONGEST_S, _LONGEST_S))
    path = Path(source)
    with path.open("rb") as opened:
        kind = kind_of(opened.read(_HEAD))
    if not kind:
        sys.stdout.write("not a sound: WAV, MP3, Ogg, WebM, MP4, FLAC and AIFF are taken")
        return _NO_SOUND
    named = path.with_suffix(f".{kind}")
    if named != path:
        path.rename(named)
    try:
        sys.stdout.write(str(convert(SoundFiles((named,), named.parent), Path(target), int(rate))))
    except InvalidValueError as wrong:
        sys.stdout.write(str(wrong))
        return _NO_SOUND
    finally:
        if named != path:
            named.rename(path)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
