"""Voices: what a conversation can say, in the caller's language."""

from __future__ import annotations

from typing import TYPE_CHECKING

from esl_vm.speech.english import English
from esl_vm.speech.french import French
from esl_vm.speech.spoken import primary_language

if TYPE_CHECKING:
    from esl_vm.speech.spoken import Voice


_VOICES: dict[str, Voice] = {"fr": French(), "en": English()}

LANGUAGES = tuple(_VOICES)


def voice_for(language: str, default: str = "en") -> Voice:
    """The voice of a language: `fr`, `fr_CA`, `fr-CA`, `FR` are French, likewise English.

    An unknown language is spoken as `default`; if that is unknown too, as English.
    """
    for tag in (language, default):
        voice = _VOICES.get(primary_language(tag))
        if voice is not None:
            return voice
    return _VOICES["en"]
