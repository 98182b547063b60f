"""A pack's recordings as callers hear them: at one level, without silence around them, parts of them where that is right.

Each is made when it is first asked for, and kept in a folder of the service: `FOLDER/KEY/fr/vm-youhave.wav`. The key
stands for the pack as it lies on the disk, so that a pack that changes gets a folder of its own. All processes of a node
share it; a file appears whole or not at all. What can't be made is played as the pack has it, and the log says so.
"""

from __future__ import annotations

import hashlib
import logging
import os
import secrets
import shutil
import time
from typing import TYPE_CHECKING

from esl_vm.model.rate_limited_log import RateLimitedLog
from esl_vm.sound import disk, shaping
from esl_vm.speech.cuts import CUTS, MADE_OF
from esl_vm.speech.sound_files import as_heard, write_wave
from esl_vm.speech.utterance import Prompt
from esl_vm.speech.voice import LANGUAGES
from esl_vm.speech.words import prompt_names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from esl_vm.speech.recordings import PromptPack

_LOOK_AGAIN_S = 60.0
"""For so long a pack is taken to be as it was when it was last looked at."""
_KEPT_S = 3600.0
"""For so long the folder of the pack as it was before stays: calls may be playing from it."""
_FOLDER_MODE = 0o755  # everybody may read: FreeSWITCH runs as another user
_HEADER = 44  # bytes of a WAV file without a sample
_log = logging.getLogger(__name__)


class PreparedPack:
    """A pack of files, each prepared when it is first asked for.

    Args:
        pack: where the recordings are.
        folder: where the prepared ones are kept; FreeSWITCH must be able to read it.
        now: seconds, of a clock that only goes on.
        wall: the clock that files are dated by.

    Attributes:
        pack: the recordings as they are.
    """

    spaced = True

    def __init__(
        self,
        pack: PromptPack,
        folder: Path,
        now: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.pack = pack
        self._folder = folder.absolute()
        self._now = now
        self._wall = wall
        self._unprepared = RateLimitedLog(_log, logging.WARNING, most=1)
        self._looked: dict[str, tuple[int, Path]] = {}
        self._found: dict[Prompt, tuple[int, tuple[str, ...]]] = {}

    def files(self, prompt: Prompt) -> tuple[str, ...]:
        """The file that speaks a prompt; the pack's own where none can be made."""
        as_of, files = self._found.get(prompt, (-1, ()))
        if as_of != self.as_of:
            path = self._current(prompt.language) / prompt.language / f"{prompt.name}.wav"
            made = self._is_there(path) or self._prepare(prompt, path)
            files = (str(path),) if made else self.pack.files(prompt)
            self._found[prompt] = self.as_of, files
        return files

    @property
    def as_of(self) -> int:
        """A minute: a file is taken to be as it was within one."""
        return int(self._now() // _LOOK_AGAIN_S)

    def proof(self) -> Path | None:
        """A file of the folder whose name no other folder has: who sees it sees this folder. None: none can be made."""
        try:
            disk.make_folder(self._folder, _FOLDER_MODE)
            if not (found := sorted(self._folder.glob("here-*"))):
                (self._folder / f"here-{secrets.token_hex(8)}").touch(mode=0o644)
                found = sorted(self._folder.glob("here-*"))
        except OSError as error:
            _log.warning("prompts are played as the pack has them: %s can't be written: %s", self._folder, error)
            return None
        return found[0]

    def prepare_all(self) -> Iterator[bool]:
        """Prepare every prompt the service can ask for, one at each step; tells whether there was anything to make."""
        for language in LANGUAGES:
            for name in prompt_names(language):
                prompt = Prompt(name, language)
                path = self._current(language) / language / f"{name}.wav"
                missing = not self._is_there(path) and bool(self.pack.recordings(prompt))
                if missing:
                    self.files(prompt)
                yield missing

    def _current(self, language: str) -> Path:
        """The folder for the pack as it is now; looked at once a minute."""
        as_of = self.as_of
        looked, folder = self._looked.get(language, (-1, self._folder))
        if looked == as_of:
            return folder
        current = self._folder / self._key(language)
        if current != folder or not current.is_dir():
            self._tidy(current)
        self._looked[language] = as_of, current
        return current

    def _key(self, language: str) -> str:
        """What stands for the pack's files of a language, and for what is done to them."""
        seen = hashlib.sha256(repr((shaping.RECIPE, sorted(CUTS.items()), MADE_OF)).encode())
        for name in prompt_names(language):
            for path in self.pack.recordings(Prompt(name, language)):
                try:
                    found = path.stat()
                except OSError:
                    continue
                seen.update(f"{name}\0{path}\0{found.st_size}\0{found.st_mtime_ns}\n".encode())
        return f"{language}-{seen.hexdigest()[:12]}"

    def _tidy(self, current: Path) -> None:
        """Remove the folders of packs that were; one that was in use until now is only marked, and goes an hour later."""
        language = current.name.partition("-")[0]
        try:
            for other in self._folder.glob(f"{language}-*"):
                if other == current:
                    continue
                if not current.is_dir():
                    os.utime(other)
                elif self._wall() - other.stat().st_mtime > _KEPT_S:
                    shutil.rmtree(other, ignore_errors=True)
        except OSError as error:
            _log.info("old prompts in %s: %s", self._folder, error)

    def _is_there(self, path: Path) -> bool:
        """Whether it was made before, here or by another process; a power cut may have left an empty file."""
        try:
            return path.stat().st_size > _HEADER
        except OSError:
            return False

    def _prepare(self, prompt: Prompt, path: Path) -> bool:
        """Make a prompt's file; False where there is nothing to make it of, or it can't be written."""
        recordings = self.pack.recordings(prompt)
        if not recordings:
            return False
        try:
            samples, rate = as_heard(prompt, recordings)
            if not len(samples):
                return False
            disk.make_folder(path.parent, _FOLDER_MODE)
            write_wave(path, samples, rate)
        except (OSError, ValueError) as error:
            self._unprepared.log("prompt %s is played as the pack has it, at its own level: %s", prompt.name, error)
            return False
        return True
