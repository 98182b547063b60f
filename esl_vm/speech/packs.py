"""Prompt packs: which files of this node speak a prompt.

Prompts go by the names of Asterisk's core sounds. A pack is one of

- `asterisk`: `FOLDER/fr/vm-youhave.wav`, as Debian's asterisk-core-sounds-fr-wav (June, Canadian French) and
  asterisk-core-sounds-en-wav (Allison) install them, or as `esl-vm prompts build` makes them;
- `freeswitch`: `FOLDER/fr/ca/june/voicemail/8000/vm-you_have.wav` and `FOLDER/en/us/callie/…`;
- `nominal`: names without files, for machines that have none: the simulated node shows them, a telephone hears nothing.

A prompt the pack has no recording of is spoken by others that say the same (`SUBSTITUTES`), or by one of the few that
come with this project (`sounds/`); failing that in the other language, for a caller who hears nothing waits in vain.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from esl_vm.model.errors import InvalidValueError
from esl_vm.speech.asterisk_pack import DEBIAN_FOLDER, AsteriskPack
from esl_vm.speech.freeswitch_pack import FREESWITCH_FOLDERS, FreeswitchPack
from esl_vm.speech.recordings import Coverage, PromptPack
from esl_vm.speech.utterance import Prompt
from esl_vm.speech.voice import LANGUAGES
from esl_vm.speech.words import prompt_names

_HEADER = 44  # bytes of a WAV file without a sample


class NominalPack(PromptPack):
    """A pack without files: `FOLDER/fr/vm-youhave.wav`, whether it is there or not."""

    kind = "nominal"

    def __init__(self, folder: Path = Path("prompts")) -> None:
        super().__init__(folder)
        self.folder = folder

    def coverage(self, prompt: Prompt) -> Coverage:
        """Nothing is spoken here."""
        del prompt
        return Coverage.MISSING

    def recordings(self, prompt: Prompt) -> tuple[Path, ...]:
        """There are none."""
        return self.sources(prompt)

    def sources(self, prompt: Prompt) -> tuple[Path, ...]:
        """There are none."""
        del prompt
        return ()

    def _playable(self, prompt: Prompt) -> tuple[str, ...]:
        return (f"{self.folder}/{prompt.language}/{prompt.name}.wav",)


def open_pack(kind: str = "auto", folder: str = "") -> PromptPack:
    """Open a prompt pack.

    Args:
        kind: `asterisk`, `freeswitch`, `nominal`, or `auto`: what is found in the folder.
        folder: where it is; `` = where the pack's own packages put it.

    Returns:
        The pack; with `auto`, the nominal one where no prompts are found.

    Raises:
        InvalidValueError: no such kind, or a folder FreeSWITCH could not be told of.
    """
    match kind:
        case "asterisk":
            return AsteriskPack(Path(folder) if folder else DEBIAN_FOLDER)
        case "freeswitch":
            return FreeswitchPack(
                Path(folder) if folder else next(filter(Path.is_dir, FREESWITCH_FOLDERS), FREESWITCH_FOLDERS[0])
            )
        case "nominal":
            return NominalPack(Path(folder or "prompts"))
        case "auto":
            return _recognize(Path(folder)) if folder else _installed()
        case _:
            raise InvalidValueError(f"not a kind of prompt pack: {kind!r} (asterisk, freeswitch, nominal, auto)")


def _recognize(folder: Path) -> PromptPack:
    if any(folder.glob("*/vm-goodbye.*")):
        return AsteriskPack(folder)
    return FreeswitchPack(folder) if any(folder.glob("*/*/*/voicemail")) else NominalPack(folder)


def _installed() -> PromptPack:
    for folder in (DEBIAN_FOLDER, *FREESWITCH_FOLDERS):
        pack = _recognize(folder)
        if pack.kind != NominalPack.kind:
            return pack
    return NominalPack()


@dataclass(frozen=True, slots=True)
class LanguageCheck:
    """How a pack covers a language.

    Args:
        language: `fr` or `en`. kind, folder: the pack's.
        prompts: every prompt the service can ask for in that language, by how the pack speaks it.
    """

    language: str
    kind: str
    folder: Path
    prompts: dict[Coverage, tuple[str, ...]]

    @property
    def total(self) -> int:
        """How many prompts the service can ask for."""
        return sum(len(names) for names in self.prompts.values())

    @property
    def missing(self) -> tuple[str, ...]:
        """What callers would hear nothing of, or in the other language."""
        return self.prompts[Coverage.NEEDS_BUILD] + self.prompts[Coverage.MISSING]

    @property
    def complete(self) -> bool:
        """Whether every prompt is spoken in this language."""
        return not self.missing

    @property
    def advice(self) -> str:
        """Where to get what is missing, one sentence; `` if nothing is."""
        if self.complete:
            return ""
        advice = []
        if self.prompts[Coverage.NEEDS_BUILD]:
            advice.append("`esl-vm prompts build` converts the recordings that FreeSWITCH can't play as they are.")
        if self.prompts[Coverage.MISSING]:
            package = _PACKAGES.get(self.kind, _PACKAGES["asterisk"])[self.language]
            more = "" if self.kind != "freeswitch" else ", and `esl-vm prompts build` makes what that package lacks"
            advice.append(f"Install {package}{more}.")
        return " ".join(advice)


_PACKAGES = {
    "asterisk": {
        "fr": "Debian's package asterisk-core-sounds-fr-wav (Asterisk's French core sounds)",
        "en": "Debian's package asterisk-core-sounds-en-wav (Asterisk's English core sounds)",
    },
    "freeswitch": {
        "fr": "FreeSWITCH's package freeswitch-sounds-fr-ca-june",
        "en": "FreeSWITCH's package freeswitch-sounds-en-us-callie",
    },
}


def _is_empty(recording: Path) -> bool:
    """Whether there is no sound in a file: nothing, or a header alone."""
    return recording.is_file() and recording.stat().st_size in {0, _HEADER}


def check_pack(pack: PromptPack) -> list[LanguageCheck]:
    """How a pack covers each language: every prompt the service can ask for is looked for."""
    checks = []
    for language in LANGUAGES:
        found: dict[Coverage, list[str]] = {coverage: [] for coverage in Coverage}
        for name in prompt_names(language):
            prompt = Prompt(name, language)
            empty = any(_is_empty(path) for path in pack.sources(prompt))
            found[Coverage.MISSING if empty else pack.coverage(prompt)].append(name)
        prompts = {coverage: tuple(names) for coverage, names in found.items()}
        checks.append(LanguageCheck(language, pack.kind, pack.folder, prompts))
    return checks
