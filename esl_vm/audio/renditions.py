"""Sounds as an owner wants to hear them, made when they are asked for and kept among the node's copies."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from esl_vm.model.errors import StoreDownError

if TYPE_CHECKING:
    from pathlib import Path

    from esl_vm.audio.cache import Cache
    from esl_vm.model.manner import Manner
    from esl_vm.sound import disk

log = logging.getLogger(__name__)

LONGEST_S = 1800
"""Making one takes about a millisecond for each second of sound, in which the caller waits: a longer one is heard as it is."""


class Renditions:
    """ports.Renditions in a node's cache.

    Args:
        cache: where they are kept; a sound's go with it.
        run: how the work is run: at once, or in a thread.
    """

    def __init__(self, cache: Cache, run: disk.Runner) -> None:
        self._cache = cache
        self._run = run

    def of(self, sound: Path, manner: Manner) -> Path:
        """A file with that sound in that manner; the sound itself where there is nothing to do, or it can't be done."""
        if manner.usual:
            return sound
        try:
            return self._cache.fetch(
                sound.stem, lambda: self._run(lambda: _made(sound, manner)), f"{manner.percent}.{manner.more_db}"
            )
        except (StoreDownError, OSError, ValueError) as error:
            log.warning("%s is heard as it is: %s", sound, error)
            return sound


def _made(sound: Path, manner: Manner) -> bytes:
    from esl_vm.sound.decode import read_sound
    from esl_vm.sound.resample import to_pcm
    from esl_vm.sound.shaping import amplified
    from esl_vm.sound.tempo import stretched
    from esl_vm.sound.wav import wave

    samples, rate = read_sound(sound)
    if len(samples) > LONGEST_S * rate:
        raise ValueError(f"it is longer than {LONGEST_S} s")
    if manner.percent != 100:
        samples = stretched(samples, rate, manner.percent)
    return wave(to_pcm(amplified(samples, manner.more_db)), rate)
