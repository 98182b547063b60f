"""Prompts as callers hear them: made once for all processes, again when the pack changes, as the pack has them if all else fails."""

from __future__ import annotations

import logging
import os
import stat
from pathlib import Path

import numpy as np
import pytest
from support.clocks import Clock

from esl_vm.esl.sounds import playlists
from esl_vm.sound.decode import read_sound
from esl_vm.sound.resample import to_pcm
from esl_vm.sound.shaping import LEVEL_DBFS, active_level
from esl_vm.sound.wav import wave
from esl_vm.speech.asterisk_pack import DEBIAN_FOLDER, AsteriskPack
from esl_vm.speech.cuts import CUTS
from esl_vm.speech.freeswitch_pack import FreeswitchPack
from esl_vm.speech.prepared import PreparedPack
from esl_vm.speech.sound_files import AS_THEY_ARE
from esl_vm.speech.utterance import Pause, Prompt, Sound
from esl_vm.speech.voice import LANGUAGES, voice_for
from esl_vm.speech.words import prompt_names

debian_prompts = pytest.mark.skipif(
    not all((DEBIAN_FOLDER / language / "vm-youhave.wav").exists() for language in LANGUAGES),
    reason="Debian's asterisk-core-sounds-fr-wav and -en-wav are not installed here",
)


def record(path, seconds=0.5, level=0.02, rate=8000):
    path.parent.mkdir(parents=True, exist_ok=True)
    tone = level * np.sin(np.arange(int(seconds * rate)) * 0.3)
    path.write_bytes(wave(to_pcm(tone), rate))


@pytest.fixture
def sounds(tmp_path):
    for name in ("vm-no", "vm-message"):
        record(tmp_path / f"pack/fr/{name}.wav")
    return tmp_path / "pack"


NO = Prompt("vm-no", "fr")


def test_a_prompt_is_made_at_its_level_where_everybody_may_read_it(sounds, tmp_path):
    [file] = PreparedPack(AsteriskPack(sounds), tmp_path / "made").files(NO)
    assert file.startswith(f"{tmp_path}/made/fr-")
    assert file.endswith("/fr/vm-no.wav")
    assert active_level(*read_sound(tmp_path / file)) == pytest.approx(LEVEL_DBFS, abs=1)
    made = tmp_path / file
    assert stat.S_IMODE(made.stat().st_mode) == 0o644
    for folder in (made.parent, made.parent.parent):
        assert stat.S_IMODE(folder.stat().st_mode) & 0o755 == 0o755


def test_it_is_made_once_for_all_processes(sounds, tmp_path):
    pack = PreparedPack(AsteriskPack(sounds), tmp_path / "made")
    [file] = pack.files(NO)
    os.utime(file, (1, 1))
    assert pack.files(NO) == PreparedPack(AsteriskPack(sounds), tmp_path / "made").files(NO) == (file,)
    assert os.stat(file).st_mtime == 1


def test_all_can_be_made_ahead(sounds, tmp_path):
    pack = PreparedPack(AsteriskPack(sounds), tmp_path / "made")
    names = [(name, language) for language in LANGUAGES for name in prompt_names(language)]
    made = dict(zip(names, pack.prepare_all(), strict=True))
    assert made["vm-no", "fr"]
    assert list((tmp_path / "made").rglob("fr/vm-no.wav"))
    again = dict(zip(names, PreparedPack(AsteriskPack(sounds), tmp_path / "made").prepare_all(), strict=True))
    assert not again["vm-no", "fr"]


def test_a_file_that_a_power_cut_left_empty_is_made_again(sounds, tmp_path):
    [file] = PreparedPack(AsteriskPack(sounds), tmp_path / "made").files(NO)
    os.truncate(file, 0)
    [again] = PreparedPack(AsteriskPack(sounds), tmp_path / "made").files(NO)
    assert again == file
    assert os.stat(file).st_size > 44


def test_a_pack_that_changes_is_prepared_anew_within_a_minute(sounds, tmp_path):
    clock, wall = Clock(0.0), Clock(0.0)
    pack = PreparedPack(AsteriskPack(sounds), tmp_path / "made", clock, wall)
    [before] = pack.files(NO)
    record(sounds / "fr/vm-no.wav", seconds=1.5)
    clock.at = 59
    assert pack.files(NO) == (before,)
    clock.at = 61
    [after] = pack.files(NO)
    assert after != before
    assert os.stat(after).st_size > os.stat(before).st_size
    assert os.path.exists(before), "a call may be playing it"
    assert PreparedPack(AsteriskPack(sounds), tmp_path / "made", clock, wall).files(NO) == (after,)
    wall.at = os.stat(tmp_path / "made").st_mtime + 2 * 3600
    assert PreparedPack(AsteriskPack(sounds), tmp_path / "made", clock, wall).files(NO) == (after,)
    assert not os.path.exists(before), "nobody plays it an hour later"


def test_a_folder_that_was_thrown_away_is_made_again(sounds, tmp_path):
    import shutil

    clock = Clock(0.0)
    pack = PreparedPack(AsteriskPack(sounds), tmp_path / "made", clock)
    [file] = pack.files(NO)
    shutil.rmtree(tmp_path / "made")
    clock.at = 61
    assert pack.files(NO) == (file,)
    assert os.path.exists(file)


def test_what_can_not_be_made_is_played_as_the_pack_has_it_until_it_can(sounds, tmp_path, caplog):
    clock = Clock(0.0)
    (tmp_path / "made").write_text("not a folder")
    pack = PreparedPack(AsteriskPack(sounds), tmp_path / "made", clock)
    assert pack.files(NO) == (f"{sounds}/fr/vm-no.wav",)
    assert "vm-no is played as the pack has it" in caplog.text
    caplog.clear()
    assert pack.files(NO) == (f"{sounds}/fr/vm-no.wav",)
    assert caplog.text == "", "said once a minute"
    (tmp_path / "made").unlink()
    clock.at = 61
    assert pack.files(NO)[0].startswith(f"{tmp_path}/made/")


@pytest.mark.parametrize("content", [b"", b"RIFF", b"not a sound at all" * 20])
def test_a_recording_that_can_not_be_read_is_left_to_freeswitch(sounds, tmp_path, content):
    (sounds / "fr/vm-no.wav").write_bytes(content)
    pack = PreparedPack(AsteriskPack(sounds), tmp_path / "made")
    assert pack.files(NO) == (f"{sounds}/fr/vm-no.wav",)
    assert pack.files(Prompt("vm-message", "fr"))[0].startswith(f"{tmp_path}/made/")


def test_a_prompt_that_is_missing_is_said_in_the_other_language(sounds, tmp_path, caplog):
    caplog.set_level(logging.WARNING)
    pack = PreparedPack(AsteriskPack(sounds), tmp_path / "made")
    assert pack.files(Prompt("vm-no", "en")) == (f"{sounds}/fr/vm-no.wav",)
    assert pack.files(Prompt("vm-goodbye", "en")) == ()


def test_a_prompt_of_several_recordings_is_one_file(tmp_path):
    voice = tmp_path / "pack/en/us/callie"
    for part in ("voicemail/8000/vm-advanced", "voicemail/8000/vm-press", "digits/8000/3"):
        record(voice / f"{part}.wav")
    [file] = PreparedPack(FreeswitchPack(tmp_path / "pack"), tmp_path / "made").files(Prompt("vm-advopts", "en"))
    assert file.endswith("/en/vm-advopts.wav")


def test_the_tone_is_no_speech(sounds, tmp_path):
    record(sounds / "fr/beep.wav", level=0.6)
    [file] = PreparedPack(AsteriskPack(sounds), tmp_path / "made").files(Prompt("beep", "fr"))
    assert (tmp_path / file).read_bytes() == (sounds / "fr/beep.wav").read_bytes()
    assert "beep" in AS_THEY_ARE


def test_only_the_recording_that_was_measured_is_cut(sounds, tmp_path):
    record(sounds / "fr/vm-login.wav", seconds=4.216)
    record(sounds / "en/vm-login.wav", seconds=4.216)
    pack = PreparedPack(AsteriskPack(sounds), tmp_path / "made")
    seconds = {
        language: len(read_sound(tmp_path / pack.files(Prompt("vm-login", language))[0])[0]) / 8000
        for language in LANGUAGES
    }
    assert seconds["fr"] == pytest.approx(4.216 - 1.62 + 0.1, abs=0.04)
    assert seconds["en"] == pytest.approx(4.216 + 0.1, abs=0.04), "another recording: all of it"


@debian_prompts
@pytest.mark.parametrize("language", LANGUAGES)
def test_debians_prompts_are_all_at_one_level_and_tight(language, tmp_path):
    pack = PreparedPack(AsteriskPack(), tmp_path / "made")
    for name in prompt_names(language):
        if name in AS_THEY_ARE:
            continue
        [file] = pack.files(Prompt(name, language))
        assert file.startswith(f"{tmp_path}/made/"), name
        samples, rate = read_sound(tmp_path / file)
        assert active_level(samples, rate) == pytest.approx(LEVEL_DBFS, abs=1.2), name
        loud = np.flatnonzero(np.abs(samples) > 0.006)
        assert loud[0] * 1000 / rate < 60, name
        assert (len(samples) - loud[-1]) * 1000 / rate < 200, name


@debian_prompts
@pytest.mark.parametrize(("language", "name"), CUTS)
def test_debians_recordings_are_those_that_were_measured(language, name, tmp_path):
    cut = CUTS[language, name]
    [recording] = AsteriskPack().recordings(Prompt(name, language))
    samples, rate = read_sound(recording)
    assert len(cut.of(samples, rate)) < len(samples)


class Spaced:
    spaced = True
    as_of = 0

    def files(self, prompt):
        return (prompt.name,)


def test_sentences_are_300_ms_apart_words_100_groups_of_digits_250():
    fr = voice_for("fr")
    said = fr.prompt("vm-deleted") + fr.counts(0, 2, 0) + fr.listen_to("new") + fr.prompt("vm-opts")
    assert playlists(said, Spaced())[0].split("!") == [
        "vm-deleted", "silence_stream://200",
        "vm-youhave", "digits/2", "vm-INBOX", "vm-messages", "silence_stream://200",
        "vm-onefor-full", "vm-INBOX", "vm-messages", "silence_stream://200",
        "vm-opts",
    ]  # fmt: skip
    number = playlists(fr.phone_number("5145550180"), Spaced())[0].split("!")
    assert number[4] == number[8] == "silence_stream://150"
    assert [name.removeprefix("digits/") for name in number if name.startswith("digits/")] == list("5145550180")


def test_a_recorded_name_and_a_pause_of_its_own_are_left_as_they_are():
    said = (Prompt("vm-from", "fr"), Sound("/name.wav", "name"), Pause(400), Prompt("vm-opts", "fr"), Pause(50))
    assert playlists(said, Spaced())[0].split("!") == ["vm-from", "/name.wav", "silence_stream://400", "vm-opts"]


@pytest.mark.parametrize(
    ("number", "groups"),
    [
        ("1001", "1001"),
        ("100123", "100123"),
        ("5550180", "555 0180"),
        ("5145550180", "514 555 0180"),
        ("15145550180", "1 514 555 0180"),
        ("+15145550180", "+1 514 555 0180"),
        ("+33612345678", "+336 123 456 78"),
    ],
)
def test_a_number_is_said_in_groups(number, groups):
    said = voice_for("en").digits(number)
    text = "".join(" " if isinstance(part, Pause) else part.name.rpartition("/")[2] for part in said)
    assert text.replace("plus", "+") == groups


def test_the_proof_of_a_folder_is_one_for_all_processes_and_no_other_folder_has_it(sounds, tmp_path):
    proof = PreparedPack(AsteriskPack(sounds), tmp_path / "made").proof()
    assert proof.is_file()
    assert PreparedPack(AsteriskPack(sounds), tmp_path / "made").proof() == proof
    assert PreparedPack(AsteriskPack(sounds), tmp_path / "other").proof().name != proof.name


def test_a_folder_that_can_t_be_written_has_no_proof(sounds, tmp_path):
    (tmp_path / "made").write_text("a file in its place")
    assert PreparedPack(AsteriskPack(sounds), tmp_path / "made").proof() is None


def test_a_part_of_another_recording_is_never_the_whole_of_it(sounds, tmp_path):
    separated = Prompt("vm-separated", "fr")
    record(sounds / "fr/vm-then-pound.wav")
    record(sounds / "fr/demo-enterkeywords.wav", seconds=3.0)
    files = PreparedPack(AsteriskPack(sounds), tmp_path / "made").files(separated)
    assert files == (str(sounds / "fr/vm-then-pound.wav"),)
    record(sounds / "fr/demo-enterkeywords.wav", seconds=5.802)
    [made] = PreparedPack(AsteriskPack(sounds), tmp_path / "made").files(separated)
    assert len(read_sound(Path(made))[0]) / 8000 == pytest.approx(5.802 - 2.65 + 0.1, abs=0.03)
