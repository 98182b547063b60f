"""Voices: what a conversation can say, in the caller's language."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from esl_vm.speech.english import English
from esl_vm.speech.french import French
from esl_vm.speech.spoken import primary_language

if TYPE_CHECKING:
    from datetime import datetime

    from esl_vm.speech.utterance import Utterance


class Voice(Protocol):
    """What can be said in one language. Each method returns a value to play; none plays.

    A folder's name is the value of a `Folder`, or `urgent` for New's urgent messages; any other raises
    InvalidValueError. Prompts go by their Asterisk names; what is not in that pack is listed in `speech/packs.py`.
    """

    @property
    def language(self) -> str:
        """`fr` or `en`."""
        ...

    def prompt(self, *names: str) -> Utterance:
        """The prompts of these names, one after another."""
        ...

    def digits(self, text: str) -> Utterance:
        """A text character by character: digits, letters (É as E), `+ * # - . @ _`; others are left out."""
        ...

    def number(self, n: int, feminine: bool = False) -> Utterance:
        """A cardinal number, -999,999,999 to 999,999,999; feminine: it counts something feminine (`une heure`)."""
        ...

    def counts(self, urgent: int, new: int, old: int) -> Utterance:
        """How many messages wait: "you have 2 urgent and 3 new and 1 old message", "no messages".

        `urgent` and `new` have no message in common.
        """
        ...

    def folder(self, name: str) -> Utterance:
        """A folder's name alone: "new", "work", "urgent"."""
        ...

    def folder_messages(self, name: str) -> Utterance:
        """A folder as one names it: "new messages", "work messages", in French "travail"."""
        ...

    def no_messages(self, name: str) -> Utterance:
        """That a folder is empty: "you have no new messages"."""
        ...

    def full(self, name: str, count: int) -> Utterance:
        """That a folder takes no more, by what it holds: "sorry, you have 100 work messages"."""
        ...

    def listen_to(self, name: str, *, full: bool = False, count: int = 0) -> Utterance:
        """What 1 does: "press 1 for new messages"; full: in the longer words of the help, where the language has shorter ones."""
        ...

    def place(self, number: int, total: int, *, urgent: bool = False) -> Utterance:
        """A message's place in its folder, from 1: "first message", "message 2", "last message", "first urgent message"."""
        ...

    def urgent(self) -> Utterance:
        """The word "urgent"."""
        ...

    def received(self, at: datetime, now: datetime, *, brief: bool = False) -> Utterance:
        """When a message came; both aware, in the mailbox's time zone. brief: without "received" and "today"."""
        ...

    def duration(self, ms: int) -> Utterance:
        """How long a message is, of so many milliseconds: whole minutes; below one minute, whole seconds (at least 1)."""
        ...

    def phone_number(self, text: str, *, brief: bool = False) -> Utterance:
        """Whom a message is from: "from 5 1 4…"; without a digit to say, "from an unknown caller". brief: in fewer words."""
        ...

    def extension(self, number: str) -> Utterance:
        """Which colleague a message is from: "from extension 1 0 0 2"."""
        ...


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
