"""What prompts say, to read: the words of each prompt, and of an utterance as one grammatical sentence.

The words are this project's own (`words.json`); a recording says the same in its own way. They are what the terminal
phone and the callers' guide show, and what a synthesizer speaks where there is no recording.

`words.json` is also the one list of all prompts the service can ask for. In a text, `singular|plural` agrees with the
number before it; a leading comma joins what precedes.
"""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from esl_vm.speech.counting import Characters, Number, Ordinal, read_numbers
from esl_vm.speech.voice import voice_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    from esl_vm.speech.counting import Token

FRENCH_ONLY = frozenset({"digits/et", "digits/1F", "vm-ago", "vm-from-extension", "vm-from-phonenumber"})
ENGLISH_ONLY = frozenset({"digits/a-m", "digits/p-m", "digits/oh", "second", "hours", "dir-multi3"})

_PLURAL_NOUNS = frozenset({"vm-messages", "vm-minutes", "seconds"})
_ADJECTIVES = frozenset({"vm-INBOX", "vm-Old"})
_SINGULAR_BEFORE = {"vm-no": 0, "vm-first": 1, "vm-last": 1}
# A number after (or before) these names something, it does not count: it is shown in figures.
_NAMED_BY_NUMBER = frozenset(
    {
        "vm-message",
        "vm-press",
        "vm-theperson",
        "vm-extension",
        "vm-from",
        "vm-from-extension",
        "vm-from-phonenumber",
        "vm-num-i-have",
        "dir-multi3",
    }
)
_BEFORE_A_FOLDER_NAME = frozenset({"vm-for", "vm-onefor", "vm-savedto"})
_ABBREVIATIONS = ("a.m.", "p.m.")
_SENTENCE_ENDS = (".", "?", "!")


@cache
def _table() -> dict[str, dict[str, str]]:
    text = resources.files("esl_vm.speech").joinpath("words.json").read_text(encoding="utf-8")
    table: dict[str, dict[str, str]] = json.loads(text)
    return table


def prompt_names(language: str) -> tuple[str, ...]:
    """Every prompt the service can ask for in a language (`fr` or `en`), in the order of `words.json`."""
    foreign = FRENCH_ONLY if language == "en" else ENGLISH_ONLY
    return tuple(name for name in _table() if name not in foreign)


def word(name: str, language: str) -> str:
    """The words of one prompt by itself, in the singular; `[name]` for a prompt that is not ours."""
    entry = _table().get(name)
    if entry is None:
        return f"[{name}]"
    return entry[voice_for(language).language].split("|")[0].lstrip(", ")


def ends_sentence(name: str, language: str) -> bool:
    """Whether a sentence is over after a prompt."""
    text = _text(name, language)
    return text.endswith(_SENTENCE_ENDS) and not text.endswith(_ABBREVIATIONS)


def begins_clause(name: str, language: str) -> bool:
    """Whether a prompt is a sentence of its own, or what one puts a comma before."""
    text = _text(name, language)
    return text.startswith(",") or (text[:1].isupper() and ends_sentence(name, language))


def _text(name: str, language: str) -> str:
    return _table().get(name, {}).get(voice_for(language).language, "")


def words(prompt_names: Sequence[str], language: str) -> str:
    """An utterance's prompts as a sentence: capitals, full stop, numbers spelled out, nouns and adjectives agreeing.

    Numbers that name something (a telephone number, a mailbox, a key, message 2) are in figures. A prompt that is
    not ours is shown as `[name]`. Nothing to say gives ``.
    """
    language = voice_for(language).language
    tokens = read_numbers(prompt_names)
    texts = _french(tokens) if language == "fr" else _english(tokens)
    return _sentence(texts)


def _english(tokens: Sequence[Token]) -> list[str]:
    return [_number_or_text(tokens, place, "en") for place in range(len(tokens))]


def _french(tokens: Sequence[Token]) -> list[str]:
    texts: list[str] = []
    count: int | None = None
    place = 0
    while place < len(tokens):
        token = tokens[place]
        label = _folder_name(tokens, place)
        text = label or _number_or_text(tokens, place, "fr")
        if isinstance(token, Number):
            if _goes_on_counting(tokens, place):
                text = f", {text}"
            count = None if _names_something(tokens, place) else token.value
        elif "|" in text:
            if count is None:
                count = 2 if _is_plural(tokens, place) else 1
            text = text.split("|")[abs(count) >= 2]
        elif isinstance(token, str):
            count = _SINGULAR_BEFORE.get(token)
        texts.append(text)
        place += 2 if label else 1
    return texts


def _number_or_text(tokens: Sequence[Token], place: int, language: str) -> str:
    token = tokens[place]
    if isinstance(token, Characters):
        return token.text
    if isinstance(token, Number):
        return str(token.value) if _names_something(tokens, place) else token.spell(base_words(language), language)
    if isinstance(token, Ordinal):
        return token.spell(base_words(language))
    return _table().get(token, {}).get(language, f"[{token}]")


@cache
def base_words(language: str) -> dict[str, str]:
    """The words numbers are made of, by the prompts' names without `digits/`."""
    return {name.removeprefix("digits/"): entry[language] for name, entry in _table().items() if name[:7] == "digits/"}


def _names_something(tokens: Sequence[Token], place: int) -> bool:
    before, after = _neighbours(tokens, place)
    urgent = tokens[max(0, place - 2) : place] == ["vm-message", "vm-Urgent"]  # message urgent 2
    return before in _NAMED_BY_NUMBER or after == "vm-for" or (urgent and after not in _ADJECTIVES)


def _goes_on_counting(tokens: Sequence[Token], place: int) -> bool:
    """Whether a number is the second of three: "2 messages urgents, 3 nouveaux et 1 ancien message"."""
    before, after = _neighbours(tokens, place)
    return before == "vm-Urgent" and after in _ADJECTIVES


def _neighbours(tokens: Sequence[Token], place: int) -> tuple[Token, Token]:
    before = tokens[place - 1] if place else ""
    return before, tokens[place + 1] if place + 1 < len(tokens) else ""


def _is_plural(tokens: Sequence[Token], place: int) -> bool:
    """Whether a noun, or the noun right after an adjective, is named in the plural."""
    return any(token in _PLURAL_NOUNS for token in tokens[place : place + 2] if isinstance(token, str))


def _folder_name(tokens: Sequence[Token], place: int) -> str:
    """Two prompts that are a folder's name (« Nouveaux messages »), not something counted; `` if they are not."""
    before = tokens[place - 1] if place else "vm-for"
    pair = tuple(tokens[place : place + 2])
    if before not in _BEFORE_A_FOLDER_NAME or "vm-messages" not in pair or len(pair) != 2:
        return ""
    first, second = (token if isinstance(token, str) else "" for token in pair)
    if first in _ADJECTIVES or (first == "vm-messages" and second == "vm-Urgent"):
        plurals = [_table()[name]["fr"].split("|")[1] for name in (first, second)]
        return f"« {' '.join(plurals).capitalize()} »"
    return ""


def _sentence(texts: Sequence[str]) -> str:
    """Join texts: commas closed up, sentences begun with capitals and ended; `[beep]` is a sign, not a sentence."""
    said, ended = "", True
    for text in texts:
        sign = said.endswith("]")
        if not ended and not sign and text[:1].isupper() and text.endswith(_SENTENCE_ENDS):
            said, ended = f"{said}.", True
        if ended or sign or said.endswith(","):
            text = text.lstrip(", ")
        if ended:
            text = text[:1].upper() + text[1:]
        said += text if not said or text.startswith(",") else f" {text}"
        ended = said.endswith(_SENTENCE_ENDS) and not said.endswith(_ABBREVIATIONS)
    return said if not said or said.endswith((*_SENTENCE_ENDS, "]", "…")) else f"{said}."
