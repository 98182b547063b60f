"""The table of sentences with their lengths, before and after: docs/sentences.md."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from esl_vm.sound.decode import read_sound
from esl_vm.speech.utterance import Prompt
from esl_vm.speech.voice import voice_for
from esl_vm.speech.words import words
from listening.calls import WAITS, seconds_of
from listening.render import RATE, installed_pack, prepared, rendered
from listening.sentences import NOW, timedelta

if TYPE_CHECKING:
    from collections.abc import Callable

    from esl_vm.speech.recordings import PromptPack
    from esl_vm.speech.spoken import Voice
    from esl_vm.speech.utterance import Utterance

LANGUAGES = {"fr": "French", "en": "English"}

_HEAD = """# How long sentences take

Seconds a caller hears, in version 0.1.0 ("before") and now. Before, prompts were played as the pack has them; now they are
at one level, 100 ms between words, 300 ms between sentences. The lengths are those of Debian's asterisk-core-sounds-fr-wav
and -en-wav. `scripts/sentences-table` writes this page, from the code and the installed prompts; a test compares.

## Seconds of a caller's life

What is said until the caller has what was wanted, without the caller's own time.

| | French: before | now | English: before | now |
|---|---|---|---|---|
"""


def _digits(text: str) -> str:
    return " ".join(f"digits/{c}" for c in text)


_NUMBER = "5145550180"
# What was said in 0.1.0, by prompts, and what says it now.
ROWS: tuple[tuple[str, dict[str, str], Callable[[Voice], Utterance]], ...] = (
    (
        "no messages",
        {"fr": "vm-no vm-message", "en": "vm-youhave vm-no vm-messages"},
        lambda voice: voice.counts(0, 0, 0),
    ),
    (
        "one new message",
        dict.fromkeys(LANGUAGES, "vm-youhave digits/1 vm-INBOX vm-message"),
        lambda voice: voice.counts(0, 1, 0),
    ),
    (
        "urgent, new and old messages",
        {
            "fr": "vm-youhave digits/2 vm-messages vm-Urgent vm-and digits/3 vm-INBOX vm-and digits/1 vm-Old vm-message",
            "en": "vm-youhave digits/2 vm-Urgent vm-and digits/3 vm-INBOX vm-and digits/1 vm-Old vm-message",
        },
        lambda voice: voice.counts(2, 3, 1),
    ),
    (
        "what 1 does",
        dict.fromkeys(LANGUAGES, "vm-onefor vm-INBOX vm-messages"),
        lambda voice: voice.listen_to("new"),
    ),
    (
        "what 1 does in a folder",
        {"fr": "vm-onefor vm-Work", "en": "vm-onefor vm-Work vm-messages"},
        lambda voice: voice.listen_to("work"),
    ),
    (
        "an urgent message's place",
        {"fr": "vm-message digits/2 vm-Urgent", "en": "vm-Urgent vm-message digits/2"},
        lambda voice: voice.place(2, 5, urgent=True),
    ),
    (
        "a message of today",
        {
            "fr": "vm-received digits/at digits/17 digits/oclock digits/30",
            "en": "vm-received digits/today digits/at digits/5 digits/30 digits/p-m",
        },
        lambda voice: voice.received(NOW - timedelta(minutes=30), NOW),
    ),
    (
        "a message of two weeks ago",
        {
            "fr": "vm-received digits/day-5 digits/13 digits/mon-10 digits/2 digits/thousand digits/20 digits/6 digits/at "
            "digits/18 digits/oclock",
            "en": "vm-received digits/day-5 digits/mon-10 digits/h-13 digits/at digits/6 digits/oclock digits/p-m",
        },
        lambda voice: voice.received(NOW - timedelta(days=14), NOW),
    ),
    (
        "a phone number in an envelope",
        dict.fromkeys(LANGUAGES, f"vm-from-phonenumber {_digits(_NUMBER)}"),
        lambda voice: voice.phone_number(_NUMBER),
    ),
    (
        "a colleague's number",
        dict.fromkeys(LANGUAGES, f"vm-from-extension {_digits('1002')}"),
        lambda voice: voice.extension("1002"),
    ),
    (
        "when a message is to arrive",
        {},
        lambda voice: (
            voice.prompt("vm-toenternumber")
            + voice.moment((NOW + timedelta(days=1)).replace(hour=8, minute=0), NOW)
            + voice.prompt("vm-press", "digits/2")
        ),
    ),
    (
        "who handles a message",
        {},
        lambda voice: voice.prompt("spy-agent", "vm-extension") + voice.digits("1002"),
    ),
    (
        "who heard what was sent",
        {},
        lambda voice: voice.digits("1002") + voice.received(NOW - timedelta(minutes=30), NOW),
    ),
    (
        "a message of 41 seconds",
        {"fr": "vm-duration digits/40 digits/et digits/1F seconds", "en": "vm-duration digits/40 digits/1 seconds"},
        lambda voice: voice.duration(41_000),
    ),
    ("the mailbox is asked", dict.fromkeys(LANGUAGES, "vm-login"), lambda voice: voice.prompt("vm-login")),
    ("an owner's first call", dict.fromkeys(LANGUAGES, "vm-newuser"), lambda voice: voice.prompt("vm-newuser")),
    ("the directory", dict.fromkeys(LANGUAGES, "dir-welcome"), lambda voice: voice.prompt("dir-welcome")),
    (
        "the main menu",
        dict.fromkeys(LANGUAGES, "vm-opts vm-helpexit"),
        lambda voice: voice.prompt("vm-opts", "vm-helpexit"),
    ),
    ("the review", dict.fromkeys(LANGUAGES, "vm-review"), lambda voice: voice.prompt("vm-review")),
    (
        "the mailbox options",
        dict.fromkeys(LANGUAGES, "vm-options"),
        lambda voice: voice.prompt("vm-options", "vm-greetings-key"),
    ),
    (
        "nobody answers",
        dict.fromkeys(LANGUAGES, f"vm-theperson {_digits('1001')} vm-isunavail vm-intro"),
        lambda voice: voice.prompt("vm-theperson") + voice.digits("1001") + voice.prompt("vm-isunavail", "vm-intro"),
    ),
)


def page() -> str:
    """The page; raises NoPackError."""
    pack = installed_pack()
    with tempfile.TemporaryDirectory() as folder:
        spoken = prepared(Path(folder))
        text = _HEAD
        for wait in WAITS:
            now = [seconds_of(wait, language, spoken) for language in LANGUAGES]
            french, english = (f"{seconds:.1f}" for seconds in wait.before) if wait.before else ("–", "–")
            text += f"| {wait.what} | {french} | {now[0]:.1f} | {english} | {now[1]:.1f} |\n"
        for language, name in LANGUAGES.items():
            text += f"\n## {name}\n\n| | what is said | before | now |\n|---|---|---|---|\n"
            voice = voice_for(language)
            for what, before, now_said in ROWS:
                said = now_said(voice)
                names = [part.name for part in said if isinstance(part, Prompt)]
                seconds = len(rendered(said, spoken)) / RATE
                then = f"{_as_it_was(before[language].split(), language, pack):.1f}" if before else "–"
                text += f"| {what} | {words(names, language)} | {then} | {seconds:.1f} |\n"
    return text


def _as_it_was(names: list[str], language: str, pack: PromptPack) -> float:
    """How long these prompts are as the pack has them, one after the other."""
    total = 0.0
    for name in names:
        for recording in pack.recordings(Prompt(name, language)):
            samples, rate = read_sound(recording)
            total += len(samples) / rate
    return total
