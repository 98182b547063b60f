"""Silence and tones are told from speech before an engine is asked; no speech is taken for them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from esl_vm.sound.resample import to_pcm
from esl_vm.sound.spoken import nobody_speaks
from esl_vm.sound.wav import wave

RATE = 8000
AT = np.arange(4 * RATE) / RATE
PROMPTS = Path("/usr/share/asterisk/sounds")
ON_AND_OFF = (AT % 2 < 1).astype(float)


def tone(*pitches):
    return sum(np.sin(2 * np.pi * pitch * AT) for pitch in pitches) * 0.3 / len(pitches)


@pytest.mark.parametrize(
    "samples",
    [
        pytest.param(0 * AT, id="silence"),
        pytest.param(0.002 * np.sin(700 * AT), id="a faint hum"),
        pytest.param(tone(350, 440), id="dial tone"),
        pytest.param(tone(440, 480) * ON_AND_OFF, id="ringing"),
        pytest.param(tone(480, 620) * (AT % 1 < 0.5), id="busy"),
        pytest.param(tone(697, 1209), id="a key"),
        pytest.param(tone(60), id="mains hum"),
    ],
)
def test_in_a_tone_nobody_speaks(tmp_path, samples):
    path = tmp_path / "tone.wav"
    path.write_bytes(wave(to_pcm(samples.astype(np.float32)), RATE))
    assert nobody_speaks(path)


def test_in_every_prompt_somebody_speaks():
    folders = [PROMPTS / name for name in ("fr_CA_f_June", "en_US_f_Allison")]
    prompts = [
        path for folder in folders for path in sorted(folder.glob("vm-*.wav")) + sorted(folder.glob("digits/*.wav"))
    ]
    if not prompts:
        pytest.skip("no prompts are installed")
    assert [path.name for path in prompts if nobody_speaks(path)] == []


def test_a_file_that_is_no_sound_is_told_of(tmp_path):
    (tmp_path / "no.wav").write_bytes(b"nothing that is heard")
    with pytest.raises(ValueError, match="not a sound file"):
        nobody_speaks(tmp_path / "no.wav")
