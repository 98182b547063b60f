"""Looks for what was delivered, for a while: a fail-over may lose what its master took last, whatever was waited for.

A delivered take stays in the spool as `ID.kept`. At each sweep all of them are looked for, in a few round trips; one that
is not there any more is delivered again, which does nothing if it was there after all. What its owner deleted, as seen at
any of these looks, is not looked for any longer, so a fail-over that loses the deletion too does not bring it back.
"""

from __future__ import annotations

import contextlib
import logging
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from esl_vm.model.errors import StoreDownError
from esl_vm.model.rate_limited_log import RateLimitedLog
from esl_vm.model.store import Fate
from esl_vm.recordings.journal import Journal, read
from esl_vm.recordings.manifest import ManifestError, NewerManifestError
from esl_vm.recordings.outcome import Outcome, Settled

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from esl_vm.recordings.manifest import Manifest
    from esl_vm.recordings.spool import Spool

log = logging.getLogger(__name__)

#: Takes looked for in one round trip to each partition.
_AT_ONCE = 200
#: On a folder that hosts share, what a host that is gone kept is removed by another after so many seconds.
_ORPHANED_S = 86400.0


@dataclass(slots=True)
class _Kept:
    """A delivered take, as it is remembered between looks. since: when it was delivered, by the clock of its file."""

    path: Path
    manifest: Manifest
    since: float


class Keeper:
    """See the module.

    Args:
        spool: whose takes.
        wall: the clock that files are dated by.
    """

    def __init__(self, spool: Spool, wall: Callable[[], float]) -> None:
        self._spool = spool
        self._folder = spool.folder
        self._wall = wall
        self._known: dict[str, _Kept] = {}
        self._trouble = RateLimitedLog(log, logging.WARNING, most=1)

    def look(self) -> list[Outcome]:
        """Look for all that is kept, deliver again what is lost, remove what was kept for long enough.

        Returns:
            What became of each that was lost.

        Raises:
            OSError: the spool can't be read.
        """
        self._refresh()
        if self._known:
            self._folder.make_room_ahead()
        outcomes: list[Outcome] = []
        kept = list(self._known.values())
        for first in range(0, len(kept), _AT_ONCE):
            outcomes += self._look_for(kept[first : first + _AT_ONCE])
        return outcomes

    def _refresh(self) -> None:
        """Read the manifests that came, forget those that went."""
        paths = {path.name: path for path in self._folder.kept()}
        for name in self._known.keys() - paths.keys():
            del self._known[name]
        for name in sorted(paths.keys() - self._known.keys()):
            try:
                manifest, _ = read(paths[name])
                kept = _Kept(paths[name], manifest, paths[name].lstat().st_mtime)
                ours = manifest.node in {"", self._spool.node}
                if ours:
                    self._known[name] = kept
                elif self._age(kept) >= _ORPHANED_S:
                    self._remove(kept)
            except (FileNotFoundError, NewerManifestError):
                continue
            except ManifestError as error:
                log.error("take %s was quarantined: %s", paths[name].stem, error)  # noqa: TRY400
                self._folder.quarantine_files([*self._folder.sounds_named(paths[name].stem), paths[name]])
            except OSError as error:
                self._trouble.log("take %s can't be looked at: %s", paths[name].stem, error)

    def _look_for(self, some: Sequence[_Kept]) -> list[Outcome]:
        destinations = self._spool.destinations
        wanted = [destinations.announced(kept.manifest) for kept in some]
        answers = iter(destinations.mailboxes.fates([one for copies in wanted for _, one, _ in copies]))
        fates = [[(place, sounds, next(answers)) for place, _, sounds in copies] for copies in wanted]
        there = [sound for copies in fates for _, sounds, fate in copies if fate is Fate.THERE for sound in sounds]
        silent: set[str] | None
        try:
            silent = self._spool.audio.missing(there)
        except StoreDownError:
            silent = None
        outcomes = []
        for kept, copies in zip(some, fates, strict=True):
            gone = {place for place, _, fate in copies if fate is Fate.DELETED}
            lost = any(
                fate is Fate.LOST or (fate is Fate.THERE and silent and not silent.isdisjoint(sounds))
                for _, sounds, fate in copies
            )
            certain = silent is not None and all(fate is not Fate.UNKNOWN for _, _, fate in copies)
            if lost:
                outcomes.append(self._deliver_again(kept, gone))
            elif len(gone) == len(copies) or (certain and self._age(kept) >= self._spool.keep_s):
                self._remove(kept)
            elif gone:
                self._forget(kept, gone)
        return [outcome for outcome in outcomes if outcome]

    def _deliver_again(self, kept: _Kept, gone: set[int]) -> Outcome | None:
        """Deliver what is lost; None if somebody else is at it."""
        journal = self._opened(kept)
        if journal is None:
            return None
        boxes = tuple(map(str, kept.manifest.boxes))
        try:
            self._note(journal, kept, gone)
            settlement = self._spool.settler.deliver_again(journal)
        except (StoreDownError, OSError) as error:
            return Outcome(kept.manifest.id, boxes, reason=f"the store has lost it, and can't take it now: {error}")
        finally:
            journal.close()
            self._known.pop(kept.path.name, None)  # read anew: it is kept as long again
        if settlement.settled is Settled.NO_MAILBOX:
            log.info("take %s for %s, delivered before: its mailbox is gone", kept.manifest.id, ", ".join(boxes))
            return Outcome(kept.manifest.id, boxes, settlement.settled, settlement.reason)
        lost = f"the store had lost it. {settlement.reason}".strip()
        log.warning(
            "take %s for %s, delivered before: %s %s",
            kept.manifest.id,
            ", ".join(boxes),
            settlement.settled.value,
            lost,
        )
        return Outcome(kept.manifest.id, boxes, settlement.settled, lost)

    def _forget(self, kept: _Kept, gone: set[int]) -> None:
        """Look no longer for copies that were deleted."""
        if journal := self._opened(kept):
            with contextlib.closing(journal):
                self._note(journal, kept, gone)

    def _note(self, journal: Journal, kept: _Kept, gone: set[int]) -> None:
        """Write down which copies are gone, without changing since when the take is kept."""
        all_gone = tuple(sorted(gone | set(journal.manifest.gone)))
        if all_gone != journal.manifest.gone:
            try:
                journal.note(gone=all_gone)
                os.utime(kept.path, (kept.since, kept.since))
            except OSError as error:
                self._trouble.log("take %s: %s", kept.manifest.id, error)
        kept.manifest = journal.manifest

    def _opened(self, kept: _Kept) -> Journal | None:
        try:
            return Journal.open(kept.path)
        except (ManifestError, OSError) as error:
            self._trouble.log("take %s: %s", kept.manifest.id, error)
            return None

    def _age(self, kept: _Kept) -> float:
        return self._wall() - kept.since

    def _remove(self, kept: _Kept) -> None:
        """Keep it no longer."""
        if journal := self._opened(kept):
            self._folder.remove(journal)
        self._known.pop(kept.path.name, None)
