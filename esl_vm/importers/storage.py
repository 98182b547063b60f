"""A folder of sound files that lies elsewhere now than the source's absolute paths say."""

from __future__ import annotations

import os
import posixpath
import re
from collections import Counter, defaultdict
from enum import Enum
from pathlib import Path

from esl_vm.importers.audio import AUDIO_EXTENSIONS, extension
from esl_vm.importers.plan import SoundFiles, folder_of


class Lost(Enum):
    """Why a path of the source leads to no file here."""

    MISSING = "missing"
    OUTSIDE = "outside"


class Storage:
    """The files below a folder, found by the ends of the paths under which the source knew them.

    Where the folder used to lie is learnt from the paths themselves (`learn`): what stands before the longest end that
    exists here. A path that does not begin so, or that leaves the folder by `..` or by a link, is outside.

    Args:
        folder: where the files lie now. Raises ImportSourceError if it isn't a folder.
    """

    def __init__(self, folder: Path) -> None:
        self.root = folder_of(folder)
        self._former: list[str] = []
        self._by_stem: dict[str, list[Path]] = defaultdict(list)
        for path, _folders, names in os.walk(self.root):
            for name in names:
                if extension(name).lower() in AUDIO_EXTENSIONS:
                    self._by_stem[name.rpartition(".")[0].lower()].append(Path(path, name))

    def learn(self, paths: list[str]) -> None:
        """Learn from all paths of the source where the folder used to lie."""
        votes: Counter[str] = Counter()
        for path in paths:
            parts = _parts(path)
            if parts is None or not _absolute(path):
                continue
            for start in range(1, len(parts)):
                if os.path.lexists(self.root.joinpath(*parts[start:])):
                    votes["/".join(parts[:start])] += 1
                    break
        # the usual layout tells even where no file is left: all is below a folder `voicemail`
        usual: Counter[str] = Counter()
        for path in paths:
            parts = _parts(path)
            if not votes and parts and _absolute(path) and "voicemail" in parts[1:-1]:
                usual["/".join(parts[: parts.index("voicemail", 1)])] += 1
        self._former = sorted(votes or usual, key=len, reverse=True)

    def find(self, path: str) -> SoundFiles | Lost:
        """The file that the source knew under this path."""
        parts = _parts(path)
        if parts is None:
            return Lost.OUTSIDE
        tails = self._tails("/".join(parts)) if _absolute(path) else ["/".join(parts)]
        if not tails:
            return Lost.OUTSIDE
        for tail in tails:
            try:
                file = (self.root / tail).resolve(strict=True)
            except (OSError, RuntimeError, ValueError):
                continue
            if not file.is_relative_to(self.root):
                return Lost.OUTSIDE
            if file.is_file():
                return SoundFiles((file,), self.root)
        return Lost.MISSING

    def relative(self, path: str) -> str:
        """A path of the source without what stood before the folder, for reports and for telling files apart."""
        joined = "/".join(_parts(path) or (path,))
        return next(iter(self._tails(joined)), joined) if _absolute(path) else joined

    def _tails(self, path: str) -> list[str]:
        return [path[len(root) + 1 :] for root in self._former if path.startswith(f"{root}/")]

    def called(self, stem: str) -> list[Path]:
        """All sound files called STEM.EXTENSION (in capitals or not), wherever in the folder."""
        return sorted(self._by_stem.get(stem.lower(), []))

    def sounds(self, prefix: str) -> list[Path]:
        """All sound files whose name (in lower case) begins so, sorted by path; links that lead out of the folder are left out."""
        return sorted(
            path
            for stem, paths in self._by_stem.items()
            if stem.startswith(prefix)
            for path in paths
            if path.is_file() and path.resolve().is_relative_to(self.root)
        )

    def shown(self, file: Path) -> str:
        """A file below the folder as a report names it."""
        return f"{self.root.name}/{file.relative_to(self.root)}"


def _absolute(path: str) -> bool:
    return bool(re.match(r"/|\\|[A-Za-z]:", path))


def _parts(path: str) -> list[str] | None:
    """A source's path without the first `/`, `..` taken in; None for one that is no sensible path."""
    clean = path.replace("\\", "/")
    if "\0" in clean or len(clean) > 4096 or not clean.strip("/"):
        return None
    parts = posixpath.normpath("/" + clean.lstrip("/")).strip("/").split("/")
    return parts if parts and all(len(part.encode("utf-8", "surrogateescape")) <= 255 for part in parts) else None
