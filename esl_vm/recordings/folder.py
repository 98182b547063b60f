"""The spool's files and their names.

takes/ID.take          the manifest of a take on its way
takes/ID-1.wav         what FreeSWITCH records to; ID-2.wav after "record again"
takes/ID-1.2.wav       what follows in it, once the line's sample rate has changed; ID-1.3.wav …
takes/ID-1.fit.wav     the same as it is kept (trimmed, repaired, at the rate of what is stored), where that differs
takes/ID-intro.wav     the introduction of a forwarded message
takes/ID.kept          the manifest of a take that was delivered, looked for a while longer (keeper.py)
takes/ID.done          a settled take whose files are being removed
installation           the id of the installation whose Redis this node serves
aside/                 takes that could not be settled; the reason stands in the manifest
"""

from __future__ import annotations

import contextlib
import itertools
import os
import re
from typing import TYPE_CHECKING, Final

from esl_vm.model.errors import SpoolError
from esl_vm.recordings.journal import Journal
from esl_vm.recordings.manifest import ManifestError
from esl_vm.sound import disk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from esl_vm.recordings.manifest import Manifest

_SOUND_FILE = re.compile(r"(?P<id>[A-Za-z0-9][A-Za-z0-9._-]*)-(?:\d+(?:\.fit|\.\d+)?|intro)\.wav")


class SpoolFolder:
    """Where takes lie.

    Args:
        folder: the spool's folder; made when first needed.
        min_free: bytes that must be free on its disk before a recording begins.
    """

    TAKE: Final = ".take"
    KEPT: Final = ".kept"
    DONE: Final = ".done"

    def __init__(self, folder: Path, min_free: int) -> None:
        self.takes = folder.absolute() / "takes"
        self.quarantine = folder.absolute() / "aside"
        self._mark = folder.absolute() / "installation"
        self._min_free = min_free

    def make_ready(self) -> None:
        """Check that a recording can begin.

        Raises:
            SpoolError: the folder can't be made or used, or its disk has too little room.
        """
        try:
            disk.make_folder(self.takes)
            disk.make_folder(self.quarantine)
            free = self.make_room(self._min_free)
        except OSError as error:
            raise SpoolError(f"the spool can't be used: {error}") from error
        if free < self._min_free:
            raise SpoolError(f"the disk of {self.takes} is full: {free >> 20} MiB free, {self._min_free >> 20} needed")

    def installation(self) -> str:
        """The installation that takes of this spool belong to; `` = none yet, or that can't be read."""
        try:
            return self._mark.read_text(encoding="ascii").strip()[:80]
        except (OSError, UnicodeDecodeError):
            return ""

    def belong_to(self, installation: str) -> None:
        """Note to which installation they belong, once; raises OSError."""
        if installation and not os.path.lexists(self._mark):
            disk.make_folder(self._mark.parent)
            disk.write_whole(self._mark, f"{installation}\n".encode())

    def make_room(self, wanted: int) -> int:
        """See that so many bytes are free, by removing what is kept of delivered takes; how many are. Raises OSError."""
        free = disk.free_bytes(self.takes)
        if free < wanted:
            for path in self.kept():
                with contextlib.suppress(ManifestError):
                    if journal := Journal.open(path):
                        self.remove(journal)
                free = disk.free_bytes(self.takes)
                if free >= wanted:
                    break
        return free

    def make_room_ahead(self) -> None:
        """As much again as a recording must find, lest callers wait for it. Raises OSError."""
        self.make_room(2 * self._min_free)

    def manifest(self, take_id: str) -> Path:
        """The manifest of a take on its way."""
        return self.takes / f"{take_id}{self.TAKE}"

    def recording(self, take_id: str, part: int, piece: int = 1) -> Path:
        """What FreeSWITCH records to at that attempt; piece: what follows once the line's sample rate has changed, from 2."""
        return self.takes / (f"{take_id}-{part}.wav" if piece == 1 else f"{take_id}-{part}.{piece}.wav")

    def recordings(self, take_id: str, part: int, folder: Path | None = None) -> list[Path]:
        """All pieces of an attempt in `takes` (or that folder), the first whether it is there or not."""
        first = (folder or self.takes) / self.recording(take_id, part).name
        found = [first]
        for piece in itertools.count(2):
            another = first.with_name(self.recording(take_id, part, piece).name)
            if not os.path.lexists(another):
                break
            found.append(another)
        return found

    def fitted(self, take_id: str, part: int) -> Path:
        """That attempt as it is kept: trimmed, repaired, at the rate of what is stored."""
        return self.takes / f"{take_id}-{part}.fit.wav"

    def intro(self, take_id: str) -> Path:
        """The introduction of a forwarded message."""
        return self.takes / f"{take_id}-intro.wav"

    def counting(self, manifest: Manifest) -> Path:
        """The sound that counts."""
        of_attempt = self.fitted if manifest.fitted else self.recording
        return of_attempt(manifest.id, manifest.part)

    def sounds(self, manifest: Manifest, folder: Path | None = None) -> list[Path]:
        """Every sound that may lie beside a manifest, of former attempts too; of an attempt the last piece first."""
        folder = folder or self.takes
        found = [self.intro(manifest.id)]
        for part in range(1, manifest.part + 1):
            found += [self.fitted(manifest.id, part), *reversed(self.recordings(manifest.id, part, folder))]
        return [folder / path.name for path in found]

    def remove(self, journal: Journal) -> None:
        """Remove a settled take with all its files, and close it. Raises OSError.

        It gets its passing name first: whatever happens from then on, it is settled.
        """
        journal.rename(journal.path.with_name(journal.manifest.id + self.DONE))
        self.finish(journal)

    def finish(self, journal: Journal) -> None:
        """The rest of `remove`, also for what a crash left of one. Raises OSError."""
        for sound in self.sounds(journal.manifest):
            self.clear(sound)
        disk.remove(journal.path)
        journal.close()

    def clear(self, path: Path) -> None:
        """Remove a file that is done with; a folder that has its name is quarantined. Raises OSError."""
        try:
            disk.remove(path)
        except OSError:
            if not path.is_dir():
                raise
            self.quarantine_files([path])

    def keep(self, journal: Journal, sealed: Callable[[bytes], bytes] | None = None) -> None:
        """Give a delivered take the name under which it is kept, seal its sounds, and close it. Raises OSError, SealedError."""
        journal.rename(journal.path.with_name(journal.manifest.id + self.KEPT))
        if sealed is not None:
            self.rewrite(journal.manifest, sealed)
        journal.close()

    def rewrite(self, manifest: Manifest, change: Callable[[bytes], bytes]) -> None:
        """Seal a kept take's sounds, or open them to be delivered again; each is whole the one way or the other."""
        for path in self.sounds(manifest):
            if path.exists() and (content := change(before := path.read_bytes())) != before:
                disk.write_whole(path, content)

    def kept(self) -> list[Path]:
        """The manifests of delivered takes that are kept, oldest first. Raises OSError."""
        return self._ending(self.takes, self.KEPT)

    def put_in_quarantine(self, journal: Journal, reason: str) -> None:
        """Put a take where an administrator looks for it, with the reason, and close it. Raises OSError."""
        if journal.manifest.aside != reason:
            journal.append(aside=reason)
        self._carry(journal, self.takes, self.quarantine)
        journal.close()

    def bring_back(self, journal: Journal) -> None:
        """Put a take that was quarantined among the others again, open. Raises OSError."""
        self._carry(journal, self.quarantine, self.takes)
        journal.append(aside="", problem="")

    def quarantine_files(self, paths: list[Path]) -> None:
        """Quarantine files of which no manifest says anything; one that has gone is no error. Raises OSError.

        What lies there under the same names stays as it is.
        """
        disk.make_folder(self.quarantine)
        ahead = next(
            ahead
            for ahead in _ahead()
            if not any(os.path.lexists(self.quarantine / (ahead + path.name)) for path in paths)
        )
        for path in paths:
            with contextlib.suppress(FileNotFoundError):
                path.rename(self.quarantine / (ahead + path.name))
        disk.sync_folder(self.quarantine)

    def _carry(self, journal: Journal, source: Path, target: Path) -> None:
        """Move the sounds, then the manifest; it can be repeated after a crash."""
        disk.make_folder(target)
        for sound in self.sounds(journal.manifest, source):
            if os.path.lexists(sound):
                sound.rename(target / sound.name)
        journal.rename(target / f"{journal.manifest.id}{self.TAKE}")
        disk.sync_folder(target)
        disk.sync_folder(source)

    def manifests(self, folder: Path | None = None) -> list[Path]:
        """The manifests of all takes on their way (or in `aside`), oldest first: ids sort by time. Raises OSError."""
        return self._ending(folder or self.takes, self.TAKE)

    def settled(self) -> list[Path]:
        """What was settled and not yet removed. Raises OSError."""
        return self._ending(self.takes, self.DONE)

    def strays(self, folder: Path | None = None) -> dict[str, list[Path]]:
        """Sounds without a manifest (in `takes`, or that folder), by the id in their names. Raises OSError."""
        folder = folder or self.takes
        names = _names(folder)
        found = _sounds(folder, names)
        for name in names:
            found.pop(name.removesuffix(self.TAKE).removesuffix(self.KEPT).removesuffix(self.DONE), None)
        return found

    def sounds_named(self, take_id: str, folder: Path | None = None) -> list[Path]:
        """Every sound in `takes` (or that folder) that has this id in its name. Raises OSError."""
        folder = folder or self.takes
        return _sounds(folder, _names(folder)).get(take_id, [])

    def leftovers(self) -> list[Path]:
        """Files that a crash left half-written, under their passing names. Raises OSError."""
        folders = (self.takes, self.quarantine)
        ending = (".part", ".wav")  # the latter of FreeSWITCH's, tried out
        return [path for folder in folders for path in self._ending(folder, ending) if path.name.startswith(".")]

    @staticmethod
    def _ending(folder: Path, ending: str | tuple[str, ...]) -> list[Path]:
        return sorted(folder / name for name in _names(folder) if name.endswith(ending))


def _ahead() -> Iterator[str]:
    """What to put before names until none of them is taken: nothing, `2-`, `3-` ..."""
    yield ""
    for number in itertools.count(2):
        yield f"{number}-"


def _names(folder: Path) -> set[str]:
    """What lies in a folder; nothing where it has not been made yet. Raises OSError where it can't be read."""
    try:
        return {path.name for path in folder.iterdir()}
    except FileNotFoundError:
        return set()


def _sounds(folder: Path, names: set[str]) -> dict[str, list[Path]]:
    """The sounds among those names, by the id in their names."""
    found: dict[str, list[Path]] = {}
    for name in sorted(names):
        if parsed := _SOUND_FILE.fullmatch(name):
            found.setdefault(parsed["id"], []).append(folder / name)
    return found
