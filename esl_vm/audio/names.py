"""From a sound's id to a file's name, so that no id leads out of its folder and no folder grows too large."""

from __future__ import annotations

import binascii
from functools import partial
from typing import TYPE_CHECKING

from esl_vm.model.errors import InvalidValueError
from esl_vm.model.message import ID_PATTERN
from esl_vm.model.sealing import is_sealed

if TYPE_CHECKING:
    from pathlib import Path

    from esl_vm.model.sealing import Seal
    from esl_vm.sound import disk

#: What a sound's file ends with: FreeSWITCH chooses its reader by it.
ENDING = ".wav"
#: The file or object that says to which installation the sounds beside it belong.
OWNER = "installation"


def is_id(audio_id: str) -> bool:
    """Whether that can be a sound's id at all; under anything else there is no sound."""
    return ID_PATTERN.fullmatch(audio_id) is not None


def checked(audio_id: str) -> str:
    """The id, if something may be stored under it; raises InvalidValueError."""
    if not is_id(audio_id):
        raise InvalidValueError(f"not a sound's id: {audio_id!r}")
    return audio_id


def file_of(folder: Path, audio_id: str, levels: int) -> Path:
    """Where a sound lies in a folder with that many levels of 256 folders each; the id was checked.

    Ids begin with the time, so they are spread by their CRC: a day's sounds don't all lie in one folder.
    """
    spread = f"{binascii.crc32(audio_id.encode()):08x}"
    for level in range(levels):
        folder /= spread[2 * level : 2 * level + 2]
    return folder / f"{audio_id}{ENDING}"


def read_sealed(source: Path, seal: Seal, run: disk.Runner) -> bytes:
    """A file's content as it is to be stored. Raises OSError, SealedError."""
    return run(lambda: seal.close(source.read_bytes()))


def opened(stored: bytes, seal: Seal, run: disk.Runner) -> bytes:
    """A sound from what is stored; no thread is used for what lies in the clear. Raises SealedError."""
    return run(partial(seal.open, stored)) if is_sealed(stored) else stored
