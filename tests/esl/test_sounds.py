"""How long a WAV file is, from its header alone."""

import wave

import pytest

from esl_vm.esl.sounds import Wave, wave_of


def written(path, rate, seconds, width=2, channels=1):
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(b"\0" * int(rate * seconds) * width * channels)
    return str(path)


@pytest.mark.parametrize(
    ("rate", "seconds", "width", "channels"), [(8000, 2.5, 2, 1), (16000, 1, 2, 1), (44100, 1, 2, 2), (8000, 3, 1, 1)]
)
def test_a_wave_file_tells_its_rate_and_length(tmp_path, rate, seconds, width, channels):
    assert wave_of(written(tmp_path / "a.wav", rate, seconds, width, channels)) == Wave(rate, int(seconds * 1000))


def test_a_recording_that_was_cut_is_as_long_as_what_there_is(tmp_path):
    path = tmp_path / "a.wav"
    written(path, 8000, 2)
    data = bytearray(path.read_bytes())
    for length in (0, 0xFFFFFFFF, 10**6):
        data[40:44] = length.to_bytes(4, "little")
        path.write_bytes(data)
        assert wave_of(str(path)) == Wave(8000, 2000)


def test_chunks_before_the_data_are_passed_over(tmp_path):
    path = tmp_path / "a.wav"
    written(path, 16000, 1)
    data = path.read_bytes()
    path.write_bytes(data[:36] + b"LIST" + (5).to_bytes(4, "little") + b"hello\0" + data[36:])
    assert wave_of(str(path)) == Wave(16000, 1000)


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
def test_what_is_no_wave_file_is_taken_as_usual(tmp_path, content):
    path = tmp_path / "a.wav"
    path.write_bytes(content)
    assert wave_of(str(path)) == Wave(8000, None)


def test_a_file_that_is_not_here_is_taken_as_usual(tmp_path):
    assert wave_of(str(tmp_path / "nowhere.wav")) == Wave(8000, None)
    assert wave_of(str(tmp_path)) == Wave(8000, None)
