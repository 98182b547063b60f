"""The sound of a message as a file to attach: WAV as it is stored, MP3 or Opus."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from esl_vm.notify.mail_templates import Attachment
from esl_vm.sound import disk

if TYPE_CHECKING:
    from pathlib import Path

log = logging.getLogger(__name__)

_SUBTYPES = {"mp3": "mpeg", "opus": "ogg"}


def attachment(path: Path, name: str, wanted: str, run: disk.Runner = disk.at_once) -> Attachment:
    """A sound file as an attachment of that name (without ending): `wav`, `mp3` or `opus`; WAV what can't be encoded.

    Raises:
        OSError: the file can't be read.
    """
    if wanted in _SUBTYPES:
        from esl_vm.sound.encode import encoded

        try:
            return Attachment(f"{name}.{wanted}", "audio", _SUBTYPES[wanted], run(lambda: encoded(path, wanted)))
        except OSError as error:
            log.warning("the sound is attached as it is: %s", error)
    return Attachment(f"{name}.wav", "audio", "x-wav", path.read_bytes())
