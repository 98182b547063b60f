"""A sentence as one sound, as FreeSWITCH plays it: the prepared prompts, and the pauses between."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from esl_vm.esl.sounds import BETWEEN, playlists
from esl_vm.sound.decode import read_sound
from esl_vm.speech.packs import open_pack
from esl_vm.speech.prepared import PreparedPack

if TYPE_CHECKING:
    from esl_vm.sound.resample import Samples
    from esl_vm.speech.recordings import PromptPack
    from esl_vm.speech.utterance import Utterance

RATE = 8000
_SILENCE = "silence_stream://"


class NoPackError(Exception):
    """The prompts of Debian's packages are not installed here."""


def installed_pack() -> PromptPack:
    """The pack `asterisk` as Debian installs it; raises NoPackError."""
    pack = open_pack("asterisk")
    if not all((pack.folder / one / "vm-youhave.wav").exists() for one in ("fr", "en")):
        raise NoPackError("install asterisk-core-sounds-fr-wav and asterisk-core-sounds-en-wav first")
    return pack


def prepared(folder: Path) -> PreparedPack:
    """The installed pack, prepared in a folder; raises NoPackError."""
    return PreparedPack(installed_pack(), folder)


def rendered(said: Utterance, pack: PreparedPack) -> Samples:
    """Samples at 8000 a second."""
    return np.concatenate([_sound(member) for list_ in playlists(said, pack) for member in list_.split(BETWEEN)])


def _sound(member: str) -> Samples:
    if member.startswith(_SILENCE):
        return np.zeros(int(member.removeprefix(_SILENCE)) * RATE // 1000, dtype=np.float32)
    samples, rate = read_sound(Path(member))
    if rate != RATE:
        raise NoPackError(f"{member}: not of {RATE} Hz")
    return samples
