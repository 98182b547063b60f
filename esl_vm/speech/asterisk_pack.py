"""The pack `asterisk`: files named as Asterisk's core sounds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from esl_vm.speech.recordings import OTHER_TYPES, PLAYABLE_TYPES, SYNTHETIC_LIST, PromptPack
from esl_vm.speech.spoken import primary_language

if TYPE_CHECKING:
    from esl_vm.speech.utterance import Prompt

DEBIAN_FOLDER = Path("/usr/share/asterisk/sounds")
"""Where Debian's asterisk-core-sounds-fr-wav and -en-wav put them."""


class AsteriskPack(PromptPack):
    """Files named as Asterisk's core sounds, a folder for each language: `fr`, `fr_CA`, `en`, and so on.

    A language with a region is looked for in its own folder, then in the language's; a language without one in its
    own folder, then in those of its regions, in the order of their names.
    """

    kind = "asterisk"

    def __init__(self, folder: Path = DEBIAN_FOLDER) -> None:
        super().__init__(folder)
        self._folders: dict[str, tuple[Path, ...]] = {}
        self._marked: dict[str, frozenset[str]] = {}

    def sources(self, prompt: Prompt) -> tuple[Path, ...]:
        """The recording of a prompt, of any type: 16 kHz and telephone wav first."""
        return self._find(prompt, (*PLAYABLE_TYPES, *OTHER_TYPES))

    def _playable(self, prompt: Prompt) -> tuple[str, ...]:
        return tuple(str(path) for path in self._find(prompt, PLAYABLE_TYPES))

    def _find(self, prompt: Prompt, types: tuple[str, ...]) -> tuple[Path, ...]:
        for folder in self._of_language(prompt.language):
            for file_type in types:
                path = folder / f"{prompt.name}.{file_type}"
                if path.is_file():
                    return (path,)
        return ()

    def _of_language(self, language: str) -> tuple[Path, ...]:
        found = self._folders.get(language)
        if found is None:
            tag = language.replace("-", "_")
            primary = primary_language(language)
            regions = sorted(path.name for path in self.folder.glob(f"{primary}_*") if path.is_dir())
            names = dict.fromkeys((tag, primary, *regions))
            found = tuple(self.folder / name for name in names if (self.folder / name).is_dir())
            self._folders[language] = found
        return found

    def _synthetic(self, language: str) -> frozenset[str]:
        marked = self._marked.get(language)
        if marked is None:
            lists = [folder / SYNTHETIC_LIST for folder in self._of_language(language)]
            lines = [path.read_text(encoding="utf-8").splitlines() for path in lists if path.is_file()]
            marked = self._marked[language] = frozenset(line for group in lines for line in group)
        return marked
