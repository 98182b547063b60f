"""The report: docs/listening.md."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from listening.sentences import Sentence

_HEAD = """# What a recogniser hears

`make listen` renders {count} sentences and menus from Debian's prompts, as callers hear them, and has Whisper (the multilingual
base model, which is small) write down each. A word counts as wrong when it is put in, left out or another; French endings
that sound alike are alike. A sentence counts against what its recordings say, by the list that comes with Debian's packages,
put right where the voices say it otherwise. What is heard otherwise is in the list below, as slips of the recogniser: "dièse"
as "dix" or "diesel", "pour" before a number as a dash ("press 1 for" as "1-4"), "veuillez" as "veillez", folders' names. A
sentence that is heard worse than its slip makes `make listen` fail. It is not part of `make test`: it takes some minutes.

| language | sentences | words | words heard otherwise | sentences heard word for word |
|---|---|---|---|---|
{totals}
"""
_LANGUAGES = {"fr": "French", "en": "English"}


@dataclass(frozen=True, slots=True)
class Heard:
    """A sentence, how long it is, how many words it has, how many of them were heard otherwise, and what was heard."""

    sentence: Sentence
    seconds: float
    words: int
    errors: int
    heard: str

    @property
    def key(self) -> str:
        """What stands for it in the list of known slips: its language and prompts."""
        return f"{self.sentence.language} {' '.join(self.sentence.names)}"


def page(heard: list[Heard]) -> str:
    """The report as Markdown: totals, the known slips, then every sentence."""
    totals = []
    for language, name in _LANGUAGES.items():
        of = [one for one in heard if one.sentence.language == language]
        words, errors = sum(one.words for one in of), sum(one.errors for one in of)
        right = sum(not one.errors for one in of)
        totals.append(f"| {name} | {len(of)} | {words} | {errors} ({100 * errors / max(words, 1):.1f} %) | {right} |")
    text = _HEAD.format(count=len(heard), totals="\n".join(totals))
    text += "\n## Slips of the recogniser\n\n| what is said | what it heard | words wrong |\n|---|---|---|\n"
    text += "".join(
        f"| {one.sentence.words} | {_cell(one.heard)} | {one.errors} of {one.words} |\n" for one in heard if one.errors
    )
    for language, name in _LANGUAGES.items():
        text += f"\n## {name}\n\n| what is said | seconds | words wrong |\n|---|---|---|\n"
        of = [one for one in heard if one.sentence.language == language]
        text += "".join(f"| {one.sentence.words} | {one.seconds:.1f} | {one.errors} of {one.words} |\n" for one in of)
    return text


def _cell(text: str) -> str:
    return text.replace("|", "/").strip() or "(nothing)"
