"""Sounds made smaller: they say what they said, and have the same bytes on every node."""

import io
import shutil
import subprocess

import pytest
import soundfile

from esl_vm.sim.voice import tone
from esl_vm.sound.encode import NoEncoderError, encoded
from esl_vm.sound.wav import wave


@pytest.fixture
def spoken(tmp_path):
    path = tmp_path / "spoken.wav"
    path.write_bytes(wave(tone(7.0).tobytes(), 8000))  # several pages of Ogg
    return path


@pytest.mark.parametrize("kind", ["mp3", "opus"])
def test_whoever_makes_it_anew_has_the_same_bytes(spoken, kind):
    made = encoded(spoken, kind)
    assert encoded(spoken, kind) == made
    samples, rate = soundfile.read(io.BytesIO(made))
    assert len(samples) / rate == pytest.approx(7.0, abs=0.2)


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="no ffmpeg on this machine")
def test_the_checksums_of_opus_are_right(spoken):
    ran = subprocess.run(
        ["ffmpeg", "-v", "error", "-err_detect", "crccheck+explode", "-i", "-", "-f", "null", "-"],
        input=encoded(spoken, "opus"), capture_output=True, check=False,
    )  # fmt: skip
    assert (ran.returncode, ran.stderr) == (0, b"")


def test_a_host_that_makes_none_says_so(spoken, monkeypatch):
    monkeypatch.setattr(soundfile, "check_format", lambda *_: False)
    with pytest.raises(NoEncoderError, match="makes no opus"):
        encoded(spoken, "opus")


def test_what_can_not_be_read_is_told_of(tmp_path):
    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"RIFF\0\0\0\0WAVEjunk")
    with pytest.raises(OSError, match="broken"):
        encoded(broken, "mp3")
