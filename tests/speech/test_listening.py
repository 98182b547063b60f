"""`make listen`, without its recogniser: what is rendered, and how what is heard is held to what is said."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from esl_vm.sound.shaping import LEVEL_DBFS, active_level
from esl_vm.speech.prepared import PreparedPack
from esl_vm.speech.utterance import Pause, Prompt

SCRIPTS = Path(__file__).parents[2] / "scripts"
sys.path.append(str(SCRIPTS))
from listening.hearing import errors_in, reference, word_errors
from listening.render import RATE, NoPackError, installed_pack, rendered
from listening.report import Heard, page
from listening.sentences import Sentence, sentences

SAID_AND_HEARD = [
    ("fr", "vous avez soixante et onze nouveaux messages", "Vous avez 71 nouveaux messages.", 0),
    ("fr", "vous avez soixante et onze nouveaux messages", "Vous avez 60 et 11 nouveau message.", 0),
    ("fr", "reçu hier à dix-sept heures trente", "Reçue hier à 17h30.", 0),
    ("fr", "appuyez sur un pour écouter vos messages", "Appuyer sur 1 pour écoutez vos message", 0),
    ("fr", "vous avez deux nouveaux messages", "Vous avez trois nouveaux messages.", 1),
    ("fr", "Messagerie vocale", "Messagerie Astérisque", 1),
    ("en", "from five one four five five five zero one eight zero", "From 514-555-0180.", 0),
    ("en", "received today at nine oh five p m", "Received today at 9.05 pm.", 0),
    ("en", "received today at five thirty p m", "Received today at 5:30 p.m.", 0),
    ("en", "received november twenty-fifth", "Received November 25th", 0),
    ("en", "message deleted", "Message deleted message", 1),
    ("en", "message deleted", "", 2),
]


@pytest.mark.parametrize(("language", "said", "heard", "errors"), SAID_AND_HEARD)
def test_only_what_sounds_otherwise_is_an_error(language, said, heard, errors):
    assert errors_in(said, heard, language)[0] == errors


def test_words_put_in_left_out_and_changed_are_errors():
    assert word_errors([], []) == 0
    assert word_errors(["a", "b", "c"], ["a", "x", "c", "d"]) == 2
    assert word_errors(["a", "b"], []) == 2


def test_at_least_two_hundred_sentences_in_both_languages_each_once():
    found = sentences()
    assert len(found) == len(set(found)) >= 200
    for language in ("fr", "en"):
        of = [one for one in found if one.language == language]
        assert len(of) >= 100
        assert any(any(isinstance(part, Pause) for part in one.said) for one in of)


def test_what_the_recordings_say_is_put_together_prompt_by_prompt():
    said = tuple(Prompt(name, "fr") for name in ("vm-youhave", "digits/20", "digits/et", "digits/1", "vm-messages"))
    texts = {"vm-youhave": "vous avez", "vm-messages": "messages"}
    assert reference(Sentence("fr", said), texts) == "vous avez vingt et un messages"


def test_a_sentence_is_rendered_as_long_as_freeswitch_plays_it(tmp_path):
    try:
        pack = PreparedPack(installed_pack(), tmp_path)
    except NoPackError as missing:
        pytest.skip(str(missing))
    one, two = Prompt("vm-deleted", "fr"), Prompt("vm-helpexit", "fr")
    together = len(rendered((one, two), pack)) - len(rendered((one,), pack)) - len(rendered((two,), pack))
    assert together == 200 * 8, "300 ms between sentences, of which 100 are at the first one's end"


def test_the_report_counts_words_and_names_the_slips():
    said = Sentence("fr", (Prompt("vm-goodbye", "fr"),))
    text = page([Heard(said, 0.9, 2, 0, "Au revoir."), Heard(said, 0.9, 2, 1, "Au | revoit")])
    assert "| French | 2 | 4 | 1 (25.0 %) | 1 |" in text
    assert "| Au revoir. | Au / revoit | 1 of 2 |" in text


def test_every_sentence_is_at_the_level_of_its_prompts(tmp_path):
    try:
        pack = PreparedPack(installed_pack(), tmp_path)
    except NoPackError as missing:
        pytest.skip(str(missing))
    levels = {one.words: active_level(rendered(one.said, pack), RATE) for one in sentences()}
    assert {words: round(level, 1) for words, level in levels.items() if abs(level - LEVEL_DBFS) > 2} == {}
