"""The words: every prompt has some, in both languages, and they read well in any order."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import esl_vm
from esl_vm.speech.voice import LANGUAGES, voice_for
from esl_vm.speech.words import ENGLISH_ONLY, FRENCH_ONLY, prompt_names, word, words

PACKAGE = Path(esl_vm.__file__).parent
TABLE = json.loads((PACKAGE / "speech" / "words.json").read_text(encoding="utf-8"))


def test_both_languages_have_words_for_the_same_prompts():
    for name, entry in TABLE.items():
        assert set(entry) == set(LANGUAGES), name
        assert all(text.strip(" ,;") for text in entry.values()), name
        assert entry["en"].count("|") == 0, name
        assert entry["fr"].count("|") <= 1, name


def test_only_the_words_of_counting_and_telling_time_are_asked_for_in_one_language_only():
    french, english = set(prompt_names("fr")), set(prompt_names("en"))
    assert french - english == FRENCH_ONLY
    assert english - french == ENGLISH_ONLY
    assert french | english == set(TABLE)


def test_every_prompt_the_conversations_name_is_in_the_list():
    named = set()
    for source in {*PACKAGE.glob("dialogue/*.py"), *PACKAGE.glob("speech/*.py")} - {PACKAGE / "speech/cuts.py"}:
        named |= set(re.findall(r'"((?:vm|dir|pbx|auth)-[A-Za-z0-9-]+)"', source.read_text(encoding="utf-8")))
    assert named, "the conversations name no prompt: this test looks in the wrong place"
    assert named - set(TABLE) == set()


def test_sentences_end_and_begin_as_sentences_do():
    for name, entry in TABLE.items():
        for language, text in entry.items():
            if text.endswith((".", "?", "!")) and not text.endswith((".m.",)) and text[0].isupper():
                assert words([name], language) == text, name
            assert "  " not in text, name


def test_a_comma_at_the_end_and_one_at_the_beginning_are_one():
    assert ",," not in words(["vm-enter-num-to-call", "vm-duration"], "fr")


@pytest.mark.parametrize("language", LANGUAGES)
@given(data=st.data())
def test_any_prompts_in_any_order_read_as_tidy_text(language, data):
    chosen = data.draw(st.lists(st.sampled_from(prompt_names(language)), min_size=1, max_size=12))
    text = words(chosen, language)
    assert text
    assert text == text.strip()
    assert not re.search(r"  | ,|,,|\|", text), text


def test_every_prompt_in_the_list_is_asked_for():
    lists = {
        "words.py",
        "counting.py",
        "recordings.py",
        "cuts.py",
        "spacing.py",
        "freeswitch_pack.py",
        "sound_files.py",
    }
    sources = [
        *PACKAGE.glob("dialogue/*.py"),
        *(path for path in PACKAGE.glob("speech/*.py") if path.name not in lists),
    ]
    source = "".join(path.read_text(encoding="utf-8") for path in sources)
    put_together = re.compile(r"digits/(\d|h-|day-|mon-)|letters/[a-z]$")
    names = {name for language in LANGUAGES for name in prompt_names(language)}
    assert {name for name in names if f'"{name}"' not in source and not put_together.match(name)} <= {"vm-intro-short"}


def test_nothing_reads_as_nothing_and_a_stranger_by_its_name():
    assert words([], "fr") == ""
    assert words(["tt-monkeys"], "fr") == "[tt-monkeys]"
    assert words(["vm-youhave", "tt-monkeys", "vm-messages"], "en") == "You have [tt-monkeys] messages."
    assert word("tt-monkeys", "en") == "[tt-monkeys]"


def test_one_prompt_by_itself_is_in_the_singular_without_its_comma():
    assert word("vm-INBOX", "fr") == "nouveau"
    assert word("vm-from-phonenumber", "fr_CA") == "du numéro"
    assert word("vm-received", "en") == "received"


def test_a_tone_is_a_sign_between_sentences():
    assert words(["auth-thankyou", "beep", "vm-youhave", "vm-no", "vm-messages"], "en") == (
        "Thank you. [beep] you have no messages."
    )
    assert words(["vm-youhave", "vm-goodbye"], "en") == "You have. Goodbye."


def test_mail_addresses_and_names_are_spelled_as_they_are():
    assert words([prompt.name for prompt in voice_for("en").digits("a.b@c")], "en") == "A.B@C."
