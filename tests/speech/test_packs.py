"""Prompt packs: which files speak a prompt, what stands in for a missing one, and what `prompts check` reports."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from esl_vm.model.errors import InvalidValueError
from esl_vm.speech.asterisk_pack import DEBIAN_FOLDER, AsteriskPack
from esl_vm.speech.freeswitch_pack import FreeswitchPack, candidates
from esl_vm.speech.packs import NominalPack, check_pack, open_pack
from esl_vm.speech.recordings import OWN_SOUNDS, Coverage
from esl_vm.speech.utterance import Prompt
from esl_vm.speech.words import prompt_names

debian_prompts = pytest.mark.skipif(
    not all((DEBIAN_FOLDER / language / "vm-youhave.wav").exists() for language in ("fr", "en")),
    reason="Debian's asterisk-core-sounds-fr-wav and -en-wav are not installed here",
)


def put(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"sound")
    return folder


def fr(name):
    return Prompt(name, "fr")


def test_asterisk_files_go_by_language_and_name(tmp_path):
    pack = AsteriskPack(put(tmp_path, "fr/vm-youhave.wav", "fr/digits/21.wav", "en/vm-youhave.wav"))
    assert pack.files(fr("vm-youhave")) == (f"{tmp_path}/fr/vm-youhave.wav",)
    assert pack.files(fr("digits/21")) == (f"{tmp_path}/fr/digits/21.wav",)
    assert pack.files(Prompt("vm-youhave", "en")) == (f"{tmp_path}/en/vm-youhave.wav",)


def test_a_region_falls_back_on_its_language_and_a_language_on_its_regions(tmp_path):
    put(tmp_path, "fr_CA/vm-no.wav", "fr_CA/vm-and.wav", "fr/vm-no.wav", "fr/vm-old.wav", "en_US/vm-no.wav")
    pack = AsteriskPack(tmp_path)
    assert pack.files(Prompt("vm-no", "fr_CA")) == (f"{tmp_path}/fr_CA/vm-no.wav",)
    assert pack.files(Prompt("vm-old", "fr-CA")) == (f"{tmp_path}/fr/vm-old.wav",)
    assert pack.files(fr("vm-no")) == (f"{tmp_path}/fr/vm-no.wav",)
    assert pack.files(fr("vm-and")) == (f"{tmp_path}/fr_CA/vm-and.wav",)
    assert pack.files(Prompt("vm-no", "en")) == (f"{tmp_path}/en_US/vm-no.wav",)


def test_wav_is_played_before_other_types_and_what_freeswitch_cannot_play_is_not(tmp_path):
    put(tmp_path, "fr/vm-no.gsm", "fr/vm-no.wav", "fr/vm-and.ulaw", "fr/vm-old.g722")
    pack = AsteriskPack(tmp_path)
    assert pack.files(fr("vm-no")) == (f"{tmp_path}/fr/vm-no.wav",)
    assert pack.files(fr("vm-and")) == (f"{tmp_path}/fr/vm-and.ulaw",)
    assert pack.files(fr("vm-old")) == ()
    assert pack.coverage(fr("vm-old")) is Coverage.NEEDS_BUILD


def test_a_word_is_said_by_another_recording_of_it_unless_it_has_its_own(tmp_path):
    put(tmp_path, "fr/queue-minute.wav", "fr/minutes.wav", "fr/vm-minutes.wav")
    pack = AsteriskPack(tmp_path)
    assert pack.files(fr("minute")) == (f"{tmp_path}/fr/queue-minute.wav",)
    assert pack.coverage(fr("minute")) is Coverage.SUBSTITUTED
    assert pack.files(fr("vm-minutes")) == (f"{tmp_path}/fr/vm-minutes.wav",)


def test_the_feminine_of_one_comes_with_the_project_unless_the_pack_has_its_own(tmp_path):
    assert AsteriskPack(tmp_path).files(fr("digits/1F")) == (str(OWN_SOUNDS / "fr/digits/1F.wav"),)
    put(tmp_path, "fr/digits/1F.wav")
    assert AsteriskPack(tmp_path).files(fr("digits/1F")) == (f"{tmp_path}/fr/digits/1F.wav",)


def test_the_beep_needs_no_file(tmp_path):
    pack = AsteriskPack(tmp_path)
    assert pack.files(fr("beep")) == (str(OWN_SOUNDS / "fr/beep.wav"),)


def test_a_missing_prompt_is_played_in_the_other_language_and_logged_once(tmp_path, caplog):
    pack = AsteriskPack(put(tmp_path, "en/vm-goodbye.wav"))
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert pack.files(fr("vm-goodbye")) == (f"{tmp_path}/en/vm-goodbye.wav",)
            assert pack.files(fr("vm-sorry")) == ()
    assert [record.levelname for record in caplog.records] == ["WARNING", "ERROR"]
    assert "vm-goodbye is missing in fr" in caplog.text


def test_freeswitch_recordings_are_found_at_the_telephones_rate_or_another(tmp_path):
    june = "fr/ca/june"
    put(tmp_path, f"{june}/voicemail/8000/vm-you_have.wav", f"{june}/voicemail/16000/vm-you_have.wav")
    put(tmp_path, f"{june}/time/48000/day-0.wav", f"{june}/ascii/8000/97.wav", f"{june}/digits/8000/1_f.wav")
    pack = FreeswitchPack(tmp_path)
    assert pack.files(fr("vm-youhave")) == (f"{tmp_path}/{june}/voicemail/8000/vm-you_have.wav",)
    assert pack.files(fr("digits/day-0")) == (f"{tmp_path}/{june}/time/48000/day-0.wav",)
    assert pack.files(fr("letters/a")) == (f"{tmp_path}/{june}/ascii/8000/97.wav",)
    assert pack.files(fr("digits/1F")) == (f"{tmp_path}/{june}/digits/8000/1_f.wav",)


def test_a_prompt_freeswitch_lacks_is_made_up_of_several(tmp_path):
    voice = "en/us/callie"
    put(tmp_path, f"{voice}/voicemail/8000/vm-advanced.wav", f"{voice}/voicemail/8000/vm-press.wav")
    pack = FreeswitchPack(tmp_path)
    assert pack.files(Prompt("vm-advopts", "en")) == ()  # not half a sentence: the digit is not there
    put(tmp_path, f"{voice}/digits/8000/3.wav")
    assert [Path(file).stem for file in FreeswitchPack(tmp_path).files(Prompt("vm-advopts", "en"))] == [
        "vm-advanced",
        "vm-press",
        "3",
    ]


@pytest.mark.parametrize("voice", ["fr/ca/june", "en/us/callie"])
def test_who_handles_a_message_is_said_with_freeswitchs_recordings_too(tmp_path, voice):
    recorded = ("voicemail/8000/vm-person", "ivr/8000/ivr-extension_number", "ivr/8000/ivr-enter_ext")
    digits = tuple(f"digits/8000/{digit}" for digit in "1002")
    pack = FreeswitchPack(put(tmp_path, *(f"{voice}/{name}.wav" for name in (*recorded, *digits))))
    said = [Prompt(name, voice[:2]) for name in ("spy-agent", "vm-extension", *(f"digits/{digit}" for digit in "1002"))]
    files = [Path(file).stem for prompt in said for file in pack.files(prompt)]
    assert files == ["vm-person", "ivr-extension_number", "1", "0", "0", "2"]


def test_a_second_wording_serves_where_the_first_is_not_recorded(tmp_path):
    pack = FreeswitchPack(put(tmp_path, "fr/ca/june/ivr/48000/ivr-you_have_dialed_an_invalid_extension.wav"))
    assert [Path(file).stem for file in pack.files(fr("pbx-invalid"))] == ["ivr-you_have_dialed_an_invalid_extension"]


def test_another_voice_of_the_language_is_better_than_none(tmp_path):
    pack = FreeswitchPack(put(tmp_path, "fr/fr/sibylle/voicemail/8000/vm-goodbye.wav"))
    assert pack.files(fr("vm-goodbye")) == (f"{tmp_path}/fr/fr/sibylle/voicemail/8000/vm-goodbye.wav",)


def test_every_way_of_saying_a_prompt_is_for_a_prompt_the_service_asks_for():
    known = {*prompt_names("fr"), *prompt_names("en")}
    said = {name for name in known if candidates(name)}
    assert {"vm-review", "digits/thousand", "digits/oh", "letters/ascii95"} <= said
    assert candidates("tt-monkeys") == ()
    for name in said:
        for way in candidates(name):
            assert all(file.count("/") == 1 for file in way), name
    from esl_vm.speech import freeswitch_pack

    assert set(freeswitch_pack.WAYS) <= known


@pytest.mark.parametrize(
    ("files", "kind"),
    [
        (["fr/vm-goodbye.wav"], "asterisk"),
        (["en/vm-goodbye.gsm"], "asterisk"),
        (["fr/ca/june/voicemail/8000/vm-goodbye.wav"], "freeswitch"),
        (["notes.txt"], "nominal"),
    ],
)
def test_a_folder_is_recognized_by_what_is_in_it(tmp_path, files, kind):
    assert open_pack("auto", str(put(tmp_path, *files))).kind == kind


def test_a_kind_can_be_named_and_an_unknown_one_is_refused(tmp_path):
    for kind in ("asterisk", "freeswitch", "nominal"):
        pack = open_pack(kind, str(tmp_path))
        assert (pack.kind, pack.folder) == (kind, tmp_path)
    with pytest.raises(InvalidValueError, match="festival"):
        open_pack("festival")


@pytest.mark.parametrize("name", ["pro!mpts", "pro\nmpts"])
def test_a_folder_that_would_break_a_command_to_freeswitch_is_refused(tmp_path, name):
    for kind in ("asterisk", "freeswitch", "nominal"):
        with pytest.raises(InvalidValueError, match="prompt folder"):
            open_pack(kind, str(tmp_path / name))


def test_without_any_files_the_names_of_prompts_still_have_paths():
    pack = NominalPack(Path("prompts"))
    assert pack.files(fr("digits/21")) == ("prompts/fr/digits/21.wav",)
    [french, english] = check_pack(pack)
    assert french.missing == prompt_names("fr")
    assert not english.complete


def test_the_check_names_what_is_missing_and_where_to_get_it(tmp_path):
    everything = [f"fr/{name}.wav" for name in prompt_names("fr")]
    put(tmp_path, *everything)
    (tmp_path / "fr/vm-sorry.wav").write_bytes(b"")  # as a broken download leaves it
    (tmp_path / "fr/vm-next.wav").rename(tmp_path / "fr/vm-next.g722")
    (tmp_path / "fr/synthetic.txt").write_text("vm-prev\n")
    [french, english] = check_pack(open_pack("auto", str(tmp_path)))
    assert french.missing == ("vm-next", "vm-sorry")
    assert french.prompts[Coverage.SYNTHETIC] == ("vm-prev",)
    assert "asterisk-core-sounds-fr-wav" in french.advice
    assert "prompts build" in french.advice
    assert french.total == len(prompt_names("fr"))
    assert "asterisk-core-sounds-en-wav" in english.advice
    put(tmp_path, "fr/vm-sorry.wav", "fr/vm-next.wav")
    [french, _] = check_pack(open_pack("auto", str(tmp_path)))
    assert (french.complete, french.missing, french.advice) == (True, (), "")


def test_the_check_of_freeswitchs_pack_names_its_packages(tmp_path):
    [french, english] = check_pack(FreeswitchPack(tmp_path))
    assert "freeswitch-sounds-fr-ca-june" in french.advice
    assert "freeswitch-sounds-en-us-callie" in english.advice


@debian_prompts
def test_debians_packages_speak_every_prompt():
    for check in check_pack(AsteriskPack()):
        assert check.missing == ()
        own, ago = (("digits/1F",), ("vm-ago",)) if check.language == "fr" else ((), ())
        assert check.prompts[Coverage.SUBSTITUTED] == (
            *(
                "listen-keys",
                *ago,
                "vm-greetings-key",
                "vm-intro-short",
                "vm-leave-key",
                "vm-options-first",
                "vm-separated",
            ),
            *("vm-which-number", *own),
        )


@debian_prompts
def test_debians_prompts_are_found_by_themselves():
    assert open_pack().kind == "asterisk"
    assert Path(open_pack().files(Prompt("vm-youhave", "fr_CA"))[0]).is_file()
