"""What the caller's end sends: a tone or a voice file while the caller talks, digital silence otherwise."""

from __future__ import annotations

import math
import sys
from array import array
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from esl_vm.sim.prompts import TELEPHONE_RATE

if TYPE_CHECKING:
    from pathlib import Path

FRAME = 160
"""Samples in a frame of 20 ms, over which FreeSWITCH judges silence."""
_LOUD = 10_000
_TONE_HZ = 440


def tone(seconds: float = 1.0) -> array[int]:
    """A tone of 440 Hz at a third of full scale, 8000 samples a second."""
    step = 2 * math.pi * _TONE_HZ / TELEPHONE_RATE
    return array("h", (round(_LOUD * math.sin(step * n)) for n in range(round(seconds * TELEPHONE_RATE))))


def load_voice(path: Path) -> array[int]:
    """A sound file as 8000 samples a second, mono, 16 bit.

    Raises:
        OSError: there is no such file.
        ValueError: it is no sound file.
    """
    from esl_vm.sound.decode import read_sound
    from esl_vm.sound.resample import resampled, to_pcm

    return samples_of(to_pcm(resampled(*read_sound(path), TELEPHONE_RATE)))


def samples_of(pcm: bytes) -> array[int]:
    """16-bit little-endian samples as numbers."""
    samples = array("h", pcm)
    if sys.byteorder == "big":
        samples.byteswap()
    return samples


@dataclass(slots=True)
class _Spell:
    """A time of talking; `end` is None while it lasts."""

    start: float
    end: float | None = None


@dataclass(slots=True)
class CallerVoice:
    """The caller's mouth. `talk` and `quiet` set it going and stop it; each talk begins the voice file anew.

    Args:
        speech: what is said, 8000 samples a second; empty = a tone, for as long as the caller talks.
    """

    speech: array[int] = field(default_factory=lambda: array("h"))
    _spells: list[_Spell] = field(default_factory=list)
    _levels: list[int] = field(default_factory=list)
    _tone: array[int] = field(default_factory=tone)

    @property
    def seconds(self) -> float | None:
        """How long the voice file is; None for the tone, which has no end."""
        return len(self.speech) / TELEPHONE_RATE if self.speech else None

    @property
    def talking(self) -> bool:
        """Whether the caller was told to talk and not yet to be quiet."""
        return bool(self._spells) and self._spells[-1].end is None

    def talk(self, at: float) -> None:
        """Begin to talk; nothing changes if the caller talks already."""
        if not self.talking:
            self._spells.append(_Spell(at))

    def quiet(self, at: float) -> None:
        """Stop talking."""
        if self.talking:
            self._spells[-1].end = at

    def samples(self, start: float, first: int, last: int) -> array[int]:
        """What is heard of samples `first` to `last`, counted from the moment `start`."""
        heard = array("h", bytes(2 * max(0, last - first)))
        for spell in self._spells:
            begin = round((spell.start - start) * TELEPHONE_RATE)
            end = last if spell.end is None else round((spell.end - start) * TELEPHONE_RATE)
            if self.speech:
                end = min(end, begin + len(self.speech))
            for at in range(max(first, begin), min(last, end), TELEPHONE_RATE):
                upto = min(at + TELEPHONE_RATE, last, end)
                heard[at - first : upto - first] = self._piece(at - begin, upto - at)
        return heard

    def _piece(self, position: int, length: int) -> array[int]:
        """At most a second of what is said, from a position in it."""
        if self.speech:
            return self.speech[position : position + length]
        position %= TELEPHONE_RATE  # a second holds 440 whole waves: the ends of the tone meet
        return (self._tone[position:] + self._tone[:position])[:length]

    def last_loud(self, now: float, threshold: int) -> float | None:
        """Until when, before now, the caller was last louder than a threshold; None if not so far.

        The threshold is FreeSWITCH's: the mean of the samples' absolute values in a frame of 20 ms, 0 to 32767.
        """
        for spell in reversed(self._spells):
            end = now if spell.end is None else min(now, spell.end)
            frames = int((end - spell.start) * TELEPHONE_RATE / FRAME + 1e-6)
            if not self.speech:
                if _LOUD * 2 / math.pi >= threshold:
                    return end
                continue
            levels = self._frame_levels()
            for frame in range(min(frames, len(levels)) - 1, -1, -1):
                if levels[frame] >= threshold:
                    return spell.start + (frame + 1) * FRAME / TELEPHONE_RATE
        return None

    def _frame_levels(self) -> list[int]:
        if not self._levels:
            speech = self.speech
            self._levels.extend(sum(map(abs, speech[at : at + FRAME])) // FRAME for at in range(0, len(speech), FRAME))
        return self._levels
