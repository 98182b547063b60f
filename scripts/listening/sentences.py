"""What is rendered: sentences put together from words, and menus, in both languages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from esl_vm.model.mailbox import Folder
from esl_vm.speech.utterance import Prompt
from esl_vm.speech.voice import LANGUAGES, voice_for
from esl_vm.speech.words import ends_sentence, prompt_names, words

if TYPE_CHECKING:
    from esl_vm.speech.spoken import Voice
    from esl_vm.speech.utterance import Utterance

NOW = datetime(2026, 11, 27, 18, 0, tzinfo=ZoneInfo("America/Toronto"))
COUNTS = (
    (0, 0, 0),
    (0, 1, 0),
    (0, 2, 0),
    (0, 21, 0),
    (0, 71, 0),
    (0, 99, 0),
    (0, 0, 1),
    (0, 0, 5),
    (0, 1, 1),
    (0, 3, 2),
)
COUNTS += ((1, 0, 0), (2, 0, 0), (1, 1, 0), (2, 3, 1), (3, 0, 4), (0, 10, 16), (0, 31, 80))
HOURS_AGO = (0.5, 1, 3.75, 8, 12, 17.5, 18, 24, 30, 42, 50, 75, 100, 130, 160, 200, 400, 900, 2500, 4000, 6000, 9000)
NUMBERS = ("1002", "5145550180", "8195550123", "15145550180", "5550180", "4185559876", "2000", "", "+33612345678")
# Parts of sentences, which are heard in those they belong to.
_TONES = ("beep", "beeperr")


@dataclass(frozen=True, slots=True)
class Sentence:
    """Something said in one go.

    Args:
        language: `fr` or `en`.
        said: what.
    """

    language: str
    said: Utterance

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its prompts."""
        return tuple(part.name for part in self.said if isinstance(part, Prompt))

    @property
    def words(self) -> str:
        """In this project's own words."""
        return words(self.names, self.language)


def sentences() -> list[Sentence]:
    """All of them, each once."""
    return [Sentence(language, said) for language in LANGUAGES for said in dict.fromkeys(_said(voice_for(language)))]


def _said(voice: Voice) -> list[Utterance]:
    said = [voice.counts(*counts) for counts in COUNTS]
    said += [voice.place(1, 1) + voice.received(NOW - timedelta(hours=hours), NOW) for hours in HOURS_AGO]
    said += [voice.place(1, 1) + voice.age(NOW - timedelta(minutes=age), NOW) for age in (1, 5, 90, 120, 1300)]
    said += [voice.place(2, 3) + voice.phone_number(number) for number in NUMBERS]
    said += [voice.place(number, 9, urgent=urgent) for number in (1, 5, 9) for urgent in (False, True)]
    said += [voice.duration(ms) for ms in (1_000, 41_000, 60_000, 120_000, 1_260_000)]
    said += [voice.place(3, 9) + voice.extension(number) for number in ("1002", "2045")]
    said += [voice.prompt("spy-agent", "vm-extension") + voice.digits(number) for number in ("1002", "2045")]
    for folder in (*Folder, "urgent"):
        said += [voice.listen_to(folder), voice.no_messages(folder)]
        if folder is not Folder.TRASH:
            said.append(
                voice.prompt("vm-message")
                + voice.number(3)
                + voice.prompt("vm-savedto")
                + voice.folder_messages(folder)
            )
    said.append(voice.prompt("vm-theperson") + voice.digits("1001") + voice.prompt("vm-isunavail", "vm-intro"))
    said.append(voice.prompt("vm-theperson") + voice.digits("1001") + voice.prompt("vm-isonphone", "vm-intro"))
    said.append(
        voice.prompt("vm-num-i-have") + voice.digits("5145550180") + voice.prompt("vm-tocallnum", "vm-star-cancel")
    )
    said.append(
        voice.prompt("dir-welcome", "dir-pls-enter")
        + voice.number(3)
        + voice.prompt("dir-firstlast", "dir-usingkeypad")
    )
    said.append(voice.prompt("vm-enter-num-to-call", "vm-then-pound", "vm-star-cancel"))
    said.append(voice.prompt("vm-extension", "vm-separated"))
    said.append(voice.prompt("vm-incorrect", "vm-password"))
    said.append(voice.prompt("vm-options-first", "vm-star-cancel"))
    said.append(voice.prompt("vm-num-i-have") + voice.digits("2") + voice.prompt("vm-which-number", "vm-star-cancel"))
    said.append(voice.prompt("vm-review", "vm-delete", "vm-star-cancel"))
    menus = [name for name in prompt_names(voice.language) if _is_menu(name, voice.language)]
    return said + [voice.prompt(name) for name in menus]


def _is_menu(name: str, language: str) -> bool:
    return (
        ends_sentence(name, language)
        and name not in _TONES
        and not name.startswith(("silence/", "digits/", "letters/"))
    )
