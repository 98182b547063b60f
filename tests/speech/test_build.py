"""`esl-vm prompts build`: any recordings become a folder FreeSWITCH plays, the rest is synthesized and marked."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from esl_vm.model.errors import InvalidValueError
from esl_vm.sound.decode import read_sound
from esl_vm.sound.shaping import WORD_GAP_MS, active_level
from esl_vm.speech.asterisk_pack import AsteriskPack
from esl_vm.speech.build import build_pack, espeak_ng
from esl_vm.speech.freeswitch_pack import FreeswitchPack
from esl_vm.speech.packs import check_pack, open_pack
from esl_vm.speech.recordings import OWN_SOUNDS, Coverage
from esl_vm.speech.utterance import Prompt
from esl_vm.speech.words import prompt_names

GAP = WORD_GAP_MS / 1000


def tone(seconds=0.5, rate=8000, pitch=440, level=0.5):
    return level * np.sin(2 * np.pi * pitch * np.arange(int(seconds * rate)) / rate)


def record(path, rate=8000, *, seconds=0.5, pitch=440, **how):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, tone(seconds, rate, pitch), rate, **how)


def pitch_of(samples, rate):
    return float(np.argmax(np.abs(np.fft.rfft(samples))) * rate / len(samples))


def speak(text, language, path):
    """A synthesizer for tests: a tone as long as the text."""
    assert language in {"fr", "en"}
    record(path, 22050, seconds=0.02 * len(text) + 0.1, pitch=600)


@pytest.mark.parametrize(
    ("name", "rate", "how"),
    [
        ("vm-no.wav", 8000, {}),
        ("vm-no.wav", 44100, {"subtype": "PCM_24"}),
        ("vm-no.wav16", 16000, {"format": "WAV"}),
        ("vm-no.WAV", 8000, {"format": "WAV", "subtype": "GSM610"}),
        ("vm-no.ulaw", 8000, {"format": "RAW", "subtype": "ULAW"}),
        ("vm-no.alaw", 8000, {"format": "RAW", "subtype": "ALAW"}),
        ("vm-no.gsm", 8000, {"format": "RAW", "subtype": "GSM610"}),
        ("vm-no.sln", 8000, {"format": "RAW", "subtype": "PCM_16", "endian": "LITTLE"}),
        ("vm-no.sln16", 16000, {"format": "RAW", "subtype": "PCM_16", "endian": "LITTLE"}),
        ("vm-no.flac", 16000, {}),
    ],
)
@pytest.mark.parametrize("wanted", [8000, 16000])
def test_a_recording_of_any_type_becomes_the_same_sound_in_wav(tmp_path, name, rate, how, wanted):
    record(tmp_path / "in/fr" / name, rate, **how)
    [built] = build_pack(AsteriskPack(tmp_path / "in"), tmp_path / "out", rate=wanted, languages=["fr"])
    assert "vm-no" in built.converted
    samples, made = soundfile.read(tmp_path / "out/fr/vm-no.wav")
    assert made == wanted
    assert len(samples) / made == pytest.approx(0.5 + GAP, abs=0.08)  # GSM has blocks of 40 ms
    assert pitch_of(samples, made) == pytest.approx(440, abs=8)
    assert active_level(samples, made) == pytest.approx(-20, abs=1)
    assert soundfile.info(tmp_path / "out/fr/vm-no.wav").subtype == "PCM_16"


def test_stereo_is_mixed(tmp_path):
    path = tmp_path / "in/en/vm-no.wav"
    path.parent.mkdir(parents=True)
    soundfile.write(path, np.stack([tone(), np.zeros(4000)], axis=1), 8000)
    build_pack(AsteriskPack(tmp_path / "in"), tmp_path / "out", languages=["en"])
    samples, _ = soundfile.read(tmp_path / "out/en/vm-no.wav")
    assert samples.ndim == 1
    assert active_level(samples, 8000) == pytest.approx(-20, abs=1)


def test_freeswitchs_recordings_are_joined_to_one_prompt(tmp_path):
    voice = tmp_path / "in/en/us/callie"
    for part, seconds in (
        ("voicemail/8000/vm-advanced", 0.5),
        ("voicemail/8000/vm-press", 0.2),
        ("digits/8000/3", 0.3),
    ):
        record(voice / f"{part}.wav", seconds=seconds)
    build_pack(FreeswitchPack(tmp_path / "in"), tmp_path / "out", languages=["en"])
    assert soundfile.info(tmp_path / "out/en/vm-advopts.wav").duration == pytest.approx(1.0 + 3 * GAP, abs=0.09)


def test_what_is_missing_is_synthesized_marked_and_replaced_once_recorded(tmp_path):
    source, target = tmp_path / "in", tmp_path / "out"
    record(source / "fr/vm-no.wav")
    [built] = build_pack(AsteriskPack(source), target, languages=["fr"], synthesizer=speak)
    assert "vm-no" in built.converted
    assert "vm-sorry" in built.synthesized
    assert built.missing == {}
    pack = open_pack("auto", str(target))
    assert pack.coverage(Prompt("vm-sorry", "fr")) is Coverage.SYNTHETIC
    assert pack.coverage(Prompt("vm-no", "fr")) is Coverage.RECORDED
    assert pack.coverage(Prompt("digits/1F", "fr")) is Coverage.RECORDED  # the project's own
    [check, _] = check_pack(pack)
    assert check.complete

    record(source / "fr/vm-sorry.wav", seconds=0.3)
    [again] = build_pack(AsteriskPack(source), target, languages=["fr"], synthesizer=speak)
    assert "vm-sorry" in again.converted
    assert "vm-no" in again.kept
    assert open_pack("auto", str(target)).coverage(Prompt("vm-sorry", "fr")) is Coverage.RECORDED
    assert soundfile.info(target / "fr/vm-sorry.wav").duration == pytest.approx(0.3 + GAP, abs=0.03)


def test_a_recording_someone_put_there_stays(tmp_path):
    record(tmp_path / "in/fr/vm-no.wav", pitch=440)
    record(tmp_path / "out/fr/vm-no.wav", pitch=1000)
    [built] = build_pack(AsteriskPack(tmp_path / "in"), tmp_path / "out", languages=["fr"])
    assert built.kept == ["vm-no"]
    samples, rate = soundfile.read(tmp_path / "out/fr/vm-no.wav")
    assert pitch_of(samples, rate) == pytest.approx(1000, abs=8)


def test_every_prompt_is_accounted_for_once(tmp_path):
    record(tmp_path / "in/fr/vm-no.wav")
    record(tmp_path / "in/fr/digits/0.wav")
    record(tmp_path / "in/fr/digits/oclock.wav")
    [built] = build_pack(AsteriskPack(tmp_path / "in"), tmp_path / "out", languages=["fr"])
    groups = [built.converted, built.kept, built.synthesized, list(built.missing)]
    assert sorted(name for group in groups for name in group) == sorted(prompt_names("fr"))
    assert built.missing["vm-sorry"] == "no recording"


def test_a_broken_recording_is_reported_and_leaves_no_half_file(tmp_path):
    broken = tmp_path / "in/fr/vm-no.wav"
    broken.parent.mkdir(parents=True)
    broken.write_bytes(b"RIFF....WAVEfmt rubbish")
    (tmp_path / "in/fr/vm-and.g722").write_bytes(b"\x00" * 400)
    record(tmp_path / "in/fr/vm-first.flac")
    cut = tmp_path / "in/fr/vm-first.flac"
    cut.write_bytes(cut.read_bytes()[:200])
    [built] = build_pack(AsteriskPack(tmp_path / "in"), tmp_path / "out", languages=["fr"])
    assert "vm-no" in built.missing
    assert "vm-and" in built.missing
    assert "vm-first" in built.missing
    assert not (tmp_path / "out/fr/vm-no.wav").exists()
    assert not list((tmp_path / "out").rglob("*.part"))


def test_a_synthesizer_that_fails_is_reported(tmp_path):
    def fail(text, language, path):
        raise subprocess.CalledProcessError(1, ["espeak-ng"])

    [built] = build_pack(AsteriskPack(tmp_path), tmp_path / "out", languages=["fr"], synthesizer=fail)
    assert "espeak-ng" in built.missing["vm-sorry"]
    assert built.synthesized == []


def test_another_rate_is_refused(tmp_path):
    with pytest.raises(InvalidValueError, match="11025"):
        build_pack(AsteriskPack(tmp_path), tmp_path / "out", rate=11025)


def test_an_unwritable_target_is_an_error_not_a_report(tmp_path):
    record(tmp_path / "in/fr/vm-no.wav")
    (tmp_path / "out").write_text("a file")
    with pytest.raises(OSError, match="out"):
        build_pack(AsteriskPack(tmp_path / "in"), tmp_path / "out")


@pytest.mark.skipif(espeak_ng() is None, reason="espeak-ng is not installed here")
def test_espeak_ng_speaks_french_and_english(tmp_path):
    speak_it = espeak_ng()
    for language in ("fr", "en"):
        path = tmp_path / f"{language}.wav"
        speak_it("-v pas une option", language, path)
        samples, rate = read_sound(path)
        assert len(samples) / 2 / rate > 0.3
        assert active_level(samples, rate) > -40


@pytest.mark.skipif(
    not Path("/usr/share/asterisk/sounds/fr/letters/u.wav").exists(),
    reason="Debian's asterisk-core-sounds-fr-wav is not installed here",
)
def test_our_own_recordings_are_made_from_debians_as_the_script_says(tmp_path):
    script = Path(__file__).parents[2] / "scripts/make-own-sounds"
    letters = "/usr/share/asterisk/sounds/fr/letters"
    subprocess.run([sys.executable, script, letters, tmp_path], check=True, capture_output=True)
    made = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*.wav"))
    assert made == sorted(path.relative_to(OWN_SOUNDS) for path in OWN_SOUNDS.rglob("*.wav"))
    for path in made:
        assert (tmp_path / path).read_bytes() == (OWN_SOUNDS / path).read_bytes()
    shutil.rmtree(tmp_path / "fr")


def test_our_own_recordings_are_telephone_wav():
    for path in OWN_SOUNDS.rglob("*.wav"):
        info = soundfile.info(path)
        assert (info.samplerate, info.channels, info.subtype) == (8000, 1, "PCM_16")
        assert 0.3 < info.duration < 0.6
