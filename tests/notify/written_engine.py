"""An engine that says what it is told to say, and a sound in which somebody may speak."""

from __future__ import annotations

import numpy as np

from esl_vm.model.transcript import Segment, Transcript
from esl_vm.sound.resample import to_pcm
from esl_vm.sound.wav import wave

SAID = Transcript(
    language="fr", engine="written", segments=(Segment(0, 900, "Bonjour."), Segment(900, 1500, "Rappelez-moi."))
)


def speech(seconds=1.5, rate=8000):
    """What changes as speech does: every 40 ms another mix of tones."""
    chance = np.random.default_rng(15)
    at = np.arange(int(seconds * rate)) / rate
    piece = (at / 0.04).astype(int)
    pitches = chance.uniform(150, 3000, (piece[-1] + 1, 3))
    samples = np.sin(2 * np.pi * pitches[piece].T * at).mean(axis=0) * 0.3
    return wave(to_pcm(samples.astype(np.float32)), rate)


class WrittenEngine:
    """ports.Transcriber; each of `steps` once (an exception is raised), then `answer`."""

    engine = "written"

    def __init__(self):
        self.asked = []
        self.steps = []
        self.answer = SAID

    def transcribe(self, sound, language, names):
        self.asked.append((sound, language, names))
        step = self.steps.pop(0) if self.steps else self.answer
        if isinstance(step, BaseException):
            raise step
        return step
