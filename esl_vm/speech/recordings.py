"""What packs of prompt files have in common: looking once for each prompt, and what to do where one is missing."""

from __future__ import annotations

import logging
import re
from abc import ABC, abstractmethod
from enum import StrEnum
from pathlib import Path

from esl_vm.model.errors import InvalidValueError
from esl_vm.speech.cuts import made_of
from esl_vm.speech.spoken import primary_language
from esl_vm.speech.utterance import Prompt

OWN_SOUNDS = Path(__file__).resolve().parent / "sounds"

PLAYABLE_TYPES = ("wav", "ulaw", "alaw", "gsm")
"""File types that FreeSWITCH's mod_sndfile plays without more, the best first."""
OTHER_TYPES = ("wav16", "sln16", "g722", "sln", "WAV", "ogg", "flac", "mp3")
"""Types in which prompts are found too; `esl-vm prompts build` converts them."""

SYNTHETIC_LIST = "synthetic.txt"
"""In a language's folder: the names of the prompts that a synthesizer speaks, one a line."""

SUBSTITUTES: dict[str, tuple[str, ...]] = {
    "vm-intro-short": ("vm-intro",),
    "vm-separated": ("vm-then-pound",),
    "vm-options-first": ("vm-options",),
    "vm-greetings-key": ("vm-opts-full",),
    "vm-leave-key": ("vm-press", "digits/1"),
    "vm-which-number": ("vm-press", "digits/1", "digits/9"),
    "minute": ("queue-minute",),
    "vm-minutes": ("minutes",),
    "seconds": ("queue-seconds",),
}

_UNSPEAKABLE = re.compile(r"[!\x00-\x1f\x7f]")
_log = logging.getLogger(__name__)


class Coverage(StrEnum):
    """How a pack speaks a prompt."""

    RECORDED = "recorded"
    SYNTHETIC = "synthetic"
    SUBSTITUTED = "substituted"
    NEEDS_BUILD = "needs build"
    MISSING = "missing"


class PromptPack(ABC):
    """Which files speak a prompt: looks once for each, and remembers.

    Attributes:
        kind: `asterisk`, `freeswitch` or `nominal`. folder: where its files are.
        spaced: its files end in the silence between words and no more.
        as_of: another number when the files may be others than before.
    """

    kind: str
    spaced = False
    as_of = 0

    def __init__(self, folder: Path) -> None:
        self.folder = playable_folder(folder).absolute()
        self._found: dict[tuple[str, str], tuple[str, ...]] = {}

    def files(self, prompt: Prompt) -> tuple[str, ...]:
        """The files that speak a prompt, one after another; empty if nothing here can speak it."""
        key = (prompt.name, prompt.language)
        found = self._found.get(key)
        if found is None:
            found = self._found[key] = self._speak(prompt)
        return found

    def coverage(self, prompt: Prompt) -> Coverage:
        """How this pack speaks a prompt."""
        if self._playable(prompt):
            return Coverage.SYNTHETIC if prompt.name in self._synthetic(prompt.language) else Coverage.RECORDED
        if self.sources(prompt):
            return Coverage.NEEDS_BUILD
        return Coverage.SUBSTITUTED if self._substitute(prompt) or self.recordings(prompt) else Coverage.MISSING

    def recordings(self, prompt: Prompt) -> tuple[Path, ...]:
        """The recordings a prompt is made of, of any type: its own, one that comes with this project, or those of others."""
        found = self.sources(prompt) or _own(prompt)
        pieces = [self.sources(Prompt(name, prompt.language)) for name, _ in made_of(prompt.name, prompt.language)]
        if not found and pieces and all(pieces):
            found = tuple(piece[0] for piece in pieces)
        if found:
            return found
        names = SUBSTITUTES.get(prompt.name, ())
        parts = [self.sources(Prompt(name, prompt.language)) for name in names]
        return sum(parts, ()) if all(parts) else ()

    @abstractmethod
    def sources(self, prompt: Prompt) -> tuple[Path, ...]:
        """The recordings of a prompt of any type; of several the better ones."""

    @abstractmethod
    def _playable(self, prompt: Prompt) -> tuple[str, ...]:
        """The recordings of this prompt itself, as FreeSWITCH can play them."""

    def _synthetic(self, language: str) -> frozenset[str]:
        """Names of the prompts a synthesizer speaks."""
        del language
        return frozenset()

    def _substitute(self, prompt: Prompt) -> tuple[str, ...]:
        if own := _own(prompt):
            return tuple(map(str, own))
        names = SUBSTITUTES.get(prompt.name, ())
        parts = [self._playable(Prompt(name, prompt.language)) for name in names]
        return sum(parts, ()) if parts and all(parts) else ()

    def _speak(self, prompt: Prompt) -> tuple[str, ...]:
        found = self._playable(prompt) or self._substitute(prompt)
        if found or made_of(prompt.name, prompt.language):
            return found  # without the recordings it is put together of it is left out
        for language in ("en", "fr"):
            other = Prompt(prompt.name, language)
            found = self._playable(other) or self._substitute(other)
            if found:
                _log.warning("prompt %s is missing in %s, played in %s", prompt.name, prompt.language, language)
                return found
        _log.error("prompt %s is missing in %s: callers hear nothing of it", prompt.name, prompt.language)
        return ()


def _own(prompt: Prompt) -> tuple[Path, ...]:
    """The recording of a prompt that comes with this project, if there is one."""
    own = OWN_SOUNDS / primary_language(prompt.language) / f"{prompt.name}.wav"
    return (own,) if own.is_file() else ()


def playable_folder(folder: Path) -> Path:
    """A folder, if files in it can be named in a command to FreeSWITCH.

    Raises:
        InvalidValueError: its name has `!`, which separates files there, or a control character.
    """
    if _UNSPEAKABLE.search(str(folder)):
        raise InvalidValueError(f"a prompt folder's name can't have `!` or a control character: {str(folder)!r}")
    return folder
