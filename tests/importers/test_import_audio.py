"""Sound of any kind becomes 8 kHz, one channel, 16 bits; lengths are counted."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from import_rig import tone, wav_bytes, wav_seconds, write

from esl_vm.importers.audio import SoundError, by_quality, convert
from esl_vm.importers.plan import Kind, SoundFiles


def brought(path, target):
    milliseconds = convert(SoundFiles((path,), path.parent), target)
    assert wav_seconds(target) == pytest.approx(milliseconds / 1000, abs=0.001)
    samples, rate = soundfile.read(target, dtype="float32")
    assert rate == 8000
    return samples


def pitch_of(samples):
    """The strongest frequency, Hz."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.argmax(spectrum) * 8000 / len(samples))


def sine(seconds, rate, pitch, channels=1):
    one = 0.5 * np.sin(2 * np.pi * pitch * np.arange(int(seconds * rate)) / rate)
    return np.column_stack([one] * channels) if channels > 1 else one


FORMATS = [
    ("wav", {"subtype": "PCM_16"}, 8000, 1),
    ("wav", {"subtype": "PCM_16"}, 16000, 1),
    ("wav", {"subtype": "PCM_24"}, 48000, 2),
    ("wav", {"subtype": "FLOAT"}, 44100, 2),
    ("wav", {"subtype": "PCM_U8"}, 11025, 1),
    ("wav", {"subtype": "ULAW"}, 8000, 1),
    ("wav", {"subtype": "ALAW"}, 8000, 1),
    ("WAV", {"subtype": "GSM610", "format": "WAV"}, 8000, 1),
    ("wav49", {"subtype": "GSM610", "format": "WAV"}, 8000, 1),
    ("wav", {"subtype": "IMA_ADPCM"}, 8000, 1),
    ("mp3", {"format": "MP3"}, 8000, 1),
    ("mp3", {"format": "MP3"}, 44100, 2),
    ("ogg", {"format": "OGG", "subtype": "VORBIS"}, 16000, 1),
    ("opus", {"format": "OGG", "subtype": "OPUS"}, 48000, 1),
    ("flac", {"format": "FLAC"}, 8000, 1),
    ("au", {"format": "AU", "subtype": "ULAW"}, 8000, 1),
    ("aiff", {"format": "AIFF"}, 22050, 1),
]


@pytest.mark.parametrize(("extension", "how", "rate", "channels"), FORMATS)
def test_whatever_libsndfile_reads(extension, how, rate, channels, tmp_path):
    path = tmp_path / f"x.{extension}"
    how.setdefault("format", "WAV")
    soundfile.write(path, sine(2.0, rate, 1000, channels), rate, **how)
    samples = brought(path, tmp_path / "out.wav")
    # lossy formats have a lead-in and come in whole frames
    slack = 0.25 if extension in {"mp3", "opus", "WAV", "wav49"} or how.get("subtype") == "IMA_ADPCM" else 0.001
    assert len(samples) / 8000 == pytest.approx(2.0, abs=slack)
    assert pitch_of(samples) == pytest.approx(1000, abs=2)
    assert float(np.abs(samples[4000:12000]).max()) == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize(
    ("extension", "rate"), [("sln", 8000), ("sln16", 16000), ("sln44", 44100), ("sln192", 192000), ("raw", 8000)]
)
def test_headerless_samples(extension, rate, tmp_path):
    path = write(tmp_path / f"x.{extension}", tone(1.0, rate, 700))
    assert pitch_of(brought(path, tmp_path / "out.wav")) == pytest.approx(700, abs=2)


def test_sixteen_bits_come_through_unchanged(tmp_path):
    values = np.arange(-32768, 32768, dtype="<i2")
    path = write(tmp_path / "x.sln", values.tobytes())
    convert(SoundFiles((path,), tmp_path), tmp_path / "out.wav")
    samples, _rate = soundfile.read(tmp_path / "out.wav", dtype="int16")
    assert np.array_equal(samples, values)


def test_a_headerless_name_over_a_real_wav_is_read_as_what_it_is(tmp_path):
    path = write(tmp_path / "x.ulaw", wav_bytes(1.0, pitch=600))
    assert pitch_of(brought(path, tmp_path / "out.wav")) == pytest.approx(600, abs=2)


def test_nothing_above_four_kilohertz_is_heard_as_something_else(tmp_path):
    path = tmp_path / "x.wav"
    soundfile.write(path, sine(1.0, 48000, 6000), 48000)
    samples = brought(path, tmp_path / "out.wav")
    assert float(np.abs(samples[200:-200]).max()) < 0.001


@pytest.mark.parametrize(("extension", "rate"), [("wav", 48000), ("wav", 8000), ("wav", 16000)])
def test_an_installation_that_keeps_16_kilohertz_has_what_is_above_four(extension, rate, tmp_path):
    path = tmp_path / f"x.{extension}"
    soundfile.write(path, sine(1.0, rate, 3000), rate)
    assert convert(SoundFiles((path,), tmp_path), tmp_path / "out.wav", 16000) == 1000
    samples, kept = soundfile.read(tmp_path / "out.wav", dtype="float32")
    assert (kept, len(samples)) == (16000, 16000)
    assert pitch_of(samples) * 2 == pytest.approx(3000, abs=2)


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("x.wav", b"", Kind.EMPTY_AUDIO),
        ("x.wav", wav_bytes(0.0), Kind.EMPTY_AUDIO),
        ("x.gsm", b"", Kind.EMPTY_AUDIO),
        ("x.wav", b"RIFF", Kind.UNREADABLE_AUDIO),
        ("x.wav", b"hello" * 1000, Kind.UNREADABLE_AUDIO),
        ("x.mp3", b"hello" * 1000, Kind.UNREADABLE_AUDIO),
        ("x.xyz", b"hello" * 1000, Kind.UNREADABLE_AUDIO),
        ("x.wav", b"<html>404</html>" + bytes(5000), Kind.UNREADABLE_AUDIO),
    ],
)
def test_what_is_no_sound_says_so(name, content, kind, tmp_path):
    path = write(tmp_path / name, content)
    with pytest.raises(SoundError) as caught:
        convert(SoundFiles((path,), tmp_path), tmp_path / "out.wav")
    assert caught.value.kind is kind


def test_a_header_that_lies_about_rate_or_channels(tmp_path):
    for rate, channels in ((0, 1), (4_000_000_000, 1), (8000, 0), (8000, 60000)):
        content = bytearray(wav_bytes())
        content[22:24] = channels.to_bytes(2, "little")
        content[24:28] = rate.to_bytes(4, "little")
        path = write(tmp_path / "x.wav", bytes(content))
        with pytest.raises(SoundError):
            convert(SoundFiles((path,), tmp_path), tmp_path / "out.wav")


@settings(max_examples=30, deadline=None)
@given(
    rubbish=st.binary(max_size=3000), head=st.sampled_from([b"", b"RIFF", b"OggS", b"fLaC", b"ID3", wav_bytes()[:44]])
)
def test_rubbish_is_refused_or_read_but_never_breaks(rubbish, head, tmp_path_factory):
    folder = tmp_path_factory.mktemp("rubbish")
    for extension in ("wav", "gsm", "mp3", "ogg", "ulaw"):
        path = write(folder / f"x.{extension}", head + rubbish)
        try:
            assert convert(SoundFiles((path,), folder), folder / "out.wav") > 0
        except SoundError as error:
            told = error.kind
        else:
            told = None
        assert told in {None, Kind.EMPTY_AUDIO, Kind.UNREADABLE_AUDIO}


def test_the_order_of_formats():
    names = ["m.gsm", "m.WAV", "m.xyz", "m.ulaw", "m.wav", "m.sln"]
    ordered = by_quality([Path(name) for name in names])
    assert [path.name for path in ordered] == ["m.wav", "m.sln", "m.ulaw", "m.WAV", "m.gsm", "m.xyz"]


@pytest.mark.skipif(not shutil.which("ffmpeg"), reason="needs ffmpeg to make them")
@pytest.mark.parametrize("rate", [("-b:a", "32k"), ("-q:a", "9"), ("-b:a", "64k", "-ar", "44100")])
def test_nothing_is_cut_off_an_mp3_of_constant_or_varying_bit_rate(rate, tmp_path):
    source = write(tmp_path / "s.wav", wav_bytes(5.0, pitch=800))
    path = tmp_path / "x.mp3"
    command = ["ffmpeg", "-v", "error", "-i", source, *rate, path]
    if subprocess.run(command, check=False, stdin=subprocess.DEVNULL, capture_output=True).returncode:
        pytest.skip("this ffmpeg makes no mp3")
    assert 5.0 <= len(brought(path, tmp_path / "out.wav")) / 8000 < 5.3


@pytest.mark.skipif(not shutil.which("ffmpeg"), reason="needs ffmpeg, which reads what libsndfile can't")
@pytest.mark.parametrize("extension", ["g722", "m4a"])
def test_what_only_ffmpeg_reads(extension, tmp_path):
    source = write(tmp_path / "s.wav", wav_bytes(2.0, 16000, 800))
    path = tmp_path / f"x.{extension}"
    subprocess.run(["ffmpeg", "-v", "error", "-i", source, path], check=True, stdin=subprocess.DEVNULL)
    samples = brought(path, tmp_path / "out.wav")
    assert len(samples) / 8000 == pytest.approx(2.0, abs=0.15)
    assert pitch_of(samples) == pytest.approx(800, abs=3)


@pytest.mark.skipif(not shutil.which("sox"), reason="needs sox, which reads what libsndfile and ffmpeg can't")
def test_what_only_sox_reads(tmp_path):
    source = write(tmp_path / "s.wav", wav_bytes(2.0, pitch=800))
    path = tmp_path / "x.hcom"
    made = subprocess.run(["sox", source, "-r", "5512", "-c", "1", "-b", "8", path], check=False, capture_output=True)
    if made.returncode:
        pytest.skip(f"this sox can't write hcom: {made.stderr.decode()[:80]}")
    assert len(brought(path, tmp_path / "out.wav")) / 8000 == pytest.approx(2.0, abs=0.15)


def test_without_those_tools_it_is_told_which_one_would_do(tmp_path, monkeypatch):
    path = write(tmp_path / "x.g722", bytes(8000))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SoundError, match="ffmpeg, which is not installed"):
        convert(SoundFiles((path,), tmp_path), tmp_path / "out.wav")


@pytest.mark.skipif(not shutil.which("ffmpeg"), reason="needs ffmpeg")
def test_a_playlist_in_a_sounds_clothes_reads_no_other_file(tmp_path):
    secret = write(tmp_path / "secret.wav", wav_bytes(3.0))
    for name, content in (
        ("x.m4a", f"#EXTM3U\n#EXTINF:3,\n{secret}\n"),
        ("x.aac", f"ffconcat version 1.0\nfile '{secret}'\n"),
        ("x.mp3", f"#EXTM3U\n{secret}\n"),
    ):
        path = write(tmp_path / "in" / name, content)
        with pytest.raises(SoundError):
            convert(SoundFiles((path,), path.parent), tmp_path / "out.wav")
