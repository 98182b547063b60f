"""The sound of a message as a file to attach: WAV as it is stored, or MP3 or Opus where ffmpeg is there."""

from __future__ import annotations

import logging
import shutil
import subprocess
from enum import Enum
from typing import TYPE_CHECKING

from esl_vm.notify.mail_templates import Attachment

if TYPE_CHECKING:
    from pathlib import Path

log = logging.getLogger(__name__)


class SoundFormat(Enum):
    """What is attached."""

    WAV = "wav"
    MP3 = "mp3"
    OPUS = "opus"


#: ffmpeg's output options and the MIME subtype; 8 kHz speech needs no more bits.
_ENCODERS = {
    SoundFormat.MP3: (("-c:a", "libmp3lame", "-b:a", "32k", "-f", "mp3"), "mpeg"),
    SoundFormat.OPUS: (("-c:a", "libopus", "-b:a", "20k", "-f", "ogg"), "ogg"),
}
_LONGEST_S = 120


def attachment(path: Path, name: str, wanted: SoundFormat, ffmpeg: str = "ffmpeg") -> Attachment:
    """A sound file as an attachment of that name (without ending); WAV where the wanted format can't be made.

    Raises:
        OSError: the file can't be read.
    """
    if wanted in _ENCODERS:
        options, subtype = _ENCODERS[wanted]
        data = _converted(path, options, ffmpeg)
        if data:
            return Attachment(f"{name}.{wanted.value}", "audio", subtype, data)
    return Attachment(f"{name}.wav", "audio", "x-wav", path.read_bytes())


def _converted(path: Path, options: tuple[str, ...], ffmpeg: str) -> bytes:
    """What ffmpeg makes of a file; nothing where it is not there or fails, which is logged."""
    program = shutil.which(ffmpeg)
    if program is None:
        log.warning("no ffmpeg here: the sound is attached as WAV")
        return b""
    command = [program, "-nostdin", "-v", "error", "-i", f"file:{path}", *options, "pipe:1"]
    try:
        made = subprocess.run(command, capture_output=True, timeout=_LONGEST_S, check=False, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired) as error:
        log.warning("ffmpeg failed, the sound is attached as WAV: %s", error)
        return b""
    if made.returncode:
        log.warning("ffmpeg failed, the sound is attached as WAV: %s", made.stderr.decode("utf-8", "replace").strip())
        return b""
    return made.stdout
