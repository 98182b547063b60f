"""How long a WAV file is, from its header alone."""

import pytest

from esl_vm.esl.sounds import wave_of
from esl_vm.sound.wav import wave


@pytest.mark.parametrize(("rate", "seconds", "channels"), [(8000, 2.5, 1), (16000, 1, 1), (44100, 1, 2)])
def test_a_wave_file_tells_its_rate_and_length(tmp_path, rate, seconds, channels):
    (tmp_path / "a.wav").write_bytes(wave(bytes(int(seconds * rate) * 2 * channels), rate, channels))
    (tmp_path / "link.wav").symlink_to(tmp_path / "a.wav")
    for name in ("a.wav", "link.wav"):
        found = wave_of(str(tmp_path / name))
        assert (found.rate, found.ms) == (rate, int(seconds * 1000))


def test_a_recording_that_was_cut_is_as_long_as_what_there_is(tmp_path):
    path = tmp_path / "a.wav"
    data = bytearray(wave(bytes(32000), 8000))
    for length in (0, 0xFFFFFFFF, 10**6):
        data[4:8] = data[40:44] = length.to_bytes(4, "little")
        path.write_bytes(data)
        assert wave_of(str(path)).ms == 2000


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"RIFF",
        b"RIFF\0\0\0\0WAVE",
        b"\xff\xfb\x90mp3",
        b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0",
        b"RIFF\0\0\0\0WAVEdata\0\0\0\0",
    ],
)
def test_what_is_no_wave_file_tells_nothing(tmp_path, content):
    path = tmp_path / "a.wav"
    path.write_bytes(content)
    assert wave_of(str(path)) is None


def test_a_file_that_is_not_here_tells_nothing(tmp_path):
    assert wave_of(str(tmp_path / "nowhere.wav")) is None
    assert wave_of(str(tmp_path)) is None
