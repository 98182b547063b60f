"""The callers' guide says what the menus do."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from esl_vm.dialogue import menus
from esl_vm.model.options import MailboxOptions
from esl_vm.model.pins import PinRules
from esl_vm.model.waits import Waits

ROOT = Path(__file__).parents[2]


def test_the_key_tables_of_the_guide_are_those_of_the_menus():
    done = subprocess.run(
        [sys.executable, ROOT / "scripts/key-tables", "--check"], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_every_key_of_every_menu_has_words():
    for menu in menus.Menu.__subclasses__():
        assert all(len(choice.value) == 1 and len(choice.words) == 2 and all(choice.words) for choice in menu)


GUIDES = {name: (ROOT / "docs" / f"guide.{name}.md").read_text(encoding="utf-8") for name in ("fr", "en")}


def prose(text: str) -> str:
    """A page without its marks and what is typed as it stands."""
    return re.sub(r"<!--.*?-->|`[^`\n]*`|\*\*", "", text)


@pytest.mark.parametrize("language", GUIDES)
def test_each_menu_has_one_table_and_names_each_key_once(language):
    tables = re.findall(r"<!-- keys:(\w+) -->\n(.*?)<!-- /keys -->", GUIDES[language], re.DOTALL)
    assert sorted(name for name, _ in tables) == sorted(menu.__name__ for menu in menus.Menu.__subclasses__())
    for name, table in tables:
        keys = re.findall(r"^\| `(.)` \|", table, re.MULTILINE)
        assert sorted(keys) == sorted(choice.value for choice in getattr(menus, name)), name


def test_both_guides_are_built_alike():
    parts = {language: re.findall(r"^#+|<!-- keys:\w+ -->", text, re.MULTILINE) for language, text in GUIDES.items()}
    assert parts["fr"] == parts["en"]


def test_the_numbers_of_the_guides_are_those_of_the_settings():
    options, pins, waits = MailboxOptions(), PinRules(), Waits()
    window, lock, most = pins.window_s // 60, pins.lock_s // 60, options.maxsecs // 60
    told = {
        "fr": (
            f"{options.maxlogins} essais par appel",
            f"{pins.failures} en {window} minutes, la boîte se verrouille {lock} minutes",
            f"après {waits.next_digit_ms // 1000} secondes",
            f"au moins {pins.shortest} chiffres",
            f"{most} minutes au plus",
            f"{options.maxsilence} secondes de silence",
            f"({options.trash_days}, sauf",
            f"Reculer de {options.skipms // 1000} secondes",
        ),
        "en": (
            f"{options.maxlogins} attempts in a call",
            f"{pins.failures} within {window} minutes the mailbox locks for {lock} minutes",
            f"after {waits.next_digit_ms // 1000} seconds",
            f"at least {pins.shortest} digits",
            f"{most} minutes at most",
            f"{options.maxsilence} seconds of silence",
            f"({options.trash_days}, unless",
            f"Back {options.skipms // 1000} seconds",
        ),
    }
    for language, sentences in told.items():
        text = " ".join(GUIDES[language].split(None)).replace("\u00a0", " ")
        assert [sentence for sentence in sentences if sentence not in text] == [], language


def test_the_french_guide_is_typeset_as_french_is():
    text = prose(GUIDES["fr"])
    assert re.findall(r"\w+'\w*", text) == [], "an apostrophe is ’"
    assert re.findall(r".{12} [;:?!»]", text) == [], "before ; : ? ! and » the space does not break"
    assert re.findall(r"«(?!\u00a0).{9}", text) == [], "after « the space does not break"


@pytest.mark.parametrize("language", GUIDES)
def test_what_the_menus_do_not_say_is_marked(language):
    mark = {"fr": "non annoncé", "en": "not announced"}[language]
    text = GUIDES[language].replace("\u00a0", " ")
    place = ("fr", "en").index(language)
    unsaid = [choice.words[place] for choice in menus.FolderMenu if choice.value in "56789"]
    unsaid.append(menus.WhileListening.RESTART.words[place])
    unsaid += [choice.words[place] for choice in menus.WhilePaused]
    assert all(mark in words and words in text for words in unsaid)
