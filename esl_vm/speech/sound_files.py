"""Recordings of prompts as callers hear them, written as WAV."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from esl_vm.sound import disk
from esl_vm.sound.decode import read_sound
from esl_vm.sound.resample import resampled, to_pcm
from esl_vm.sound.shaping import shaped
from esl_vm.sound.wav import wave
from esl_vm.speech.cuts import cut_of, made_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from esl_vm.sound.resample import Samples
    from esl_vm.speech.utterance import Prompt

AS_THEY_ARE = frozenset({"beep"})
"""A tone: no speech; its level and length are as wanted."""


def as_heard(prompt: Prompt, recordings: Sequence[Path], rate: int = 0) -> tuple[Samples, int]:
    """What a prompt's recordings come to, one after another: their parts, at one level, without silence around them.

    Args:
        prompt: whose recordings they are.
        recordings: the files.
        rate: samples a second wanted; 0: the first recording's own.

    Returns:
        Samples (one channel, -1 to 1) and their rate; no samples if there is no sound in them.

    Raises:
        OSError, ValueError: one can't be read: broken, or of a type that must be converted elsewhere (G.722); or it is not
            the one that a part is cut from.
    """
    pieces = made_of(prompt.name, prompt.language)
    composed = [name.rpartition("/")[2] for name, _ in pieces] == [recording.stem for recording in recordings]
    parts = []
    for place, recording in enumerate(recordings):
        samples, own_rate = read_sound(recording)
        rate = rate or own_rate
        cut = pieces[place][1] if composed else cut_of(prompt.name, prompt.language)
        if cut is not None:
            if composed and not cut.is_of(samples, own_rate):
                raise ValueError(f"{recording} is another recording than the one that a part is cut from")
            samples = cut.of(samples, own_rate)
        samples = resampled(samples, own_rate, rate)
        parts.append(samples if prompt.name in AS_THEY_ARE else shaped(samples, rate))
    return np.concatenate(parts), rate


def write_wave(path: Path, samples: Samples, rate: int) -> None:
    """Write samples as WAV that everybody may read; the file appears whole or not at all.

    Raises:
        OSError: it can't be written.
    """
    with disk.unfinished(path.parent, path.name, 0o644) as (fd, part):
        disk.write_all(fd, wave(to_pcm(samples), rate))
        part.rename(path)
