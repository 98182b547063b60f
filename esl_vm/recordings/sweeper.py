"""Settles what calls left behind: takes that waited for a store, and those of processes that died."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import logging
import os
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from esl_vm.model.errors import AudioMissingError, InvalidValueError, SpoolError, StoreDownError
from esl_vm.model.rate_limited_log import RateLimitedLog
from esl_vm.recordings.journal import Journal
from esl_vm.recordings.keeper import Keeper
from esl_vm.recordings.manifest import MOST_BYTES, ManifestError, NewerManifestError, decode
from esl_vm.recordings.onward import send_on
from esl_vm.recordings.outcome import Outcome, Settled
from esl_vm.recordings.settle import HANDOVER_SUFFIX, MENDING_S
from esl_vm.recordings.undelivered import log_not_delivered

if TYPE_CHECKING:
    from collections.abc import Callable

    from esl_vm.model.mailbox import MailboxId
    from esl_vm.recordings.manifest import Manifest
    from esl_vm.recordings.spool import Spool

log = logging.getLogger(__name__)

#: A store that does not answer so often in a row is left in peace until the next sweep.
PATIENCE = 3
#: What is half-written is taken for a crash's leftover after so many seconds.
_LEFTOVER_S = 3600


class Sweeper:
    """Settles the takes of this host that nobody is at work on. Any number may run at once.

    Args:
        spool: whose takes.
        quiet_s: a recording whose end nobody witnessed is left alone until its file has not changed for so many
            seconds: FreeSWITCH records on when the service dies. It writes every 4 s, or at once where
            `enable_file_write_buffering` is false.
        stray_s: a recording without a manifest is quarantined after so many seconds.
        wall: the clock that files are dated by.
    """

    def __init__(
        self,
        spool: Spool,
        *,
        quiet_s: float = 15.0,
        stray_s: float = 86400.0,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._spool = spool
        self._folder = spool.folder
        self._quiet_s = quiet_s
        self._stray_s = stray_s
        self._wall = wall
        self._after = ""
        self._trouble = RateLimitedLog(log, logging.WARNING, most=1)
        self._keeper = Keeper(spool, wall)

    def sweep_once(self) -> list[Outcome]:
        """Settle what can be settled now, and look for what was delivered lately; what became of each take touched.

        Raises:
            SpoolError: the spool can't be read.
        """
        try:
            self._tidy()
            outcomes = self._sweep_takes()
            outcomes += self._sweep_strays()
            outcomes += self._keeper.look()
        except OSError as error:
            raise SpoolError(f"the spool can't be read or written: {error}") from error
        return outcomes

    def settle(self, take_id: str) -> Outcome:
        """Settle one take because an administrator says so: whoever's it is, quarantined or not, finished or not.

        A message is then delivered even to a full mailbox, and a greeting only if it was accepted.

        Raises:
            InvalidValueError: there is no such take. SpoolError: the spool can't be used.
        """
        for folder in (self._folder.takes, self._folder.quarantine):
            path = folder / f"{take_id}{self._folder.TAKE}"
            if path.parent == folder and path.exists():
                return self._settle_named(path)
        raise InvalidValueError(f"there is no take {take_id!r} in the spool")

    def discard(self, take_id: str) -> tuple[MailboxId, ...]:
        """Erase a take that is in quarantine, for an administrator says so; each mailbox is told that it does not get it.

        Returns whose it was; nothing where that can't be read any more.

        Raises:
            InvalidValueError: no such take is in quarantine, or somebody is at work on it. SpoolError: the spool can't be used.
        """
        path = self._folder.quarantine / f"{take_id}{self._folder.TAKE}"
        try:
            sounds = self._folder.strays(self._folder.quarantine).get(take_id, [])
            if path.parent == self._folder.quarantine and path.exists():
                return self._discard(path)
            if not sounds:
                raise InvalidValueError(f"no recording {take_id!r} is in quarantine in the spool")
            for sound in sounds:
                self._folder.clear(sound)
        except OSError as error:
            raise SpoolError(f"the take {take_id} can't be discarded: {error}") from error
        return ()

    def _discard(self, path: Path) -> tuple[MailboxId, ...]:
        try:
            journal = Journal.open(path)
        except ManifestError:
            for sound in self._folder.sounds_named(path.stem, self._folder.quarantine):
                self._folder.clear(sound)
            self._folder.clear(path)
            return ()
        if journal is None:
            raise InvalidValueError(f"somebody is at work on the take {path.stem}")
        manifest = journal.manifest
        self._folder.bring_back(journal)
        self._folder.remove(journal)
        log.warning("take %s for %s was discarded: an administrator said so", manifest.id, manifest.recipients)
        if manifest.message is not None:
            refused = dict.fromkeys(manifest.boxes, "discarded")
            log_not_delivered(self._spool.destinations.mailboxes, manifest.message, refused)
        return manifest.boxes

    def settle_all(self) -> list[Outcome]:
        """Settle every take that was quarantined, as `settle` does; raises SpoolError: the spool can't be used."""
        try:
            paths = self._folder.manifests(self._folder.quarantine)
        except OSError as error:
            raise SpoolError(f"the spool can't be read: {error}") from error
        outcomes = []
        for path in paths:
            try:
                outcomes.append(self._settle_named(path))
            except SpoolError as error:
                outcomes.append(Outcome(path.stem, settled=Settled.BROKEN, reason=str(error)))
        return outcomes

    def _settle_named(self, path: Path) -> Outcome:
        """Settle the take of that manifest, quarantined or not; raises SpoolError."""
        try:
            journal = Journal.open(path)
            if journal is None:
                return Outcome(path.stem, reason="somebody is at work on it")
            if path.parent == self._folder.quarantine:
                self._folder.bring_back(journal)
            journal.append(promised=True)
            return self._settle(journal)
        except ManifestError as error:
            raise SpoolError(f"the take {path.stem} can't be read: {error}") from error
        except OSError as error:
            raise SpoolError(f"the take {path.stem} can't be settled: {error}") from error

    def _sweep_takes(self) -> list[Outcome]:
        outcomes: list[Outcome] = []
        paths = self._folder.manifests()
        # One sweep goes on after the take at which the last one gave up, lest a few bad ones hold up all.
        later = [path for path in paths if path.name > self._after]
        unanswered = 0
        for path in later + paths[: len(paths) - len(later)]:
            outcome = self._sweep_take(path)
            if outcome is None:
                continue
            outcomes.append(outcome)
            unanswered = unanswered + 1 if outcome.settled is Settled.WAITING else 0
            self._after = path.name
            if unanswered == PATIENCE:
                return outcomes
        self._after = ""
        return outcomes

    def _sweep_take(self, path: Path) -> Outcome | None:
        """Settle one take; None if it is nobody's business now."""
        try:
            journal = Journal.open(path)
            if journal is None:
                return None
            with contextlib.closing(journal):
                ours = journal.manifest.node in {"", self._spool.node}
                return self._settle(journal) if ours and self._over(journal.manifest, path) else None
        except NewerManifestError:
            return None
        except ManifestError as error:
            return self._guarded(path.stem, partial(self._unreadable, path, str(error)))
        except OSError as error:
            if error.errno == errno.EROFS:  # all of them are: they wait until it is mended
                raise
            return self._guarded(
                path.stem, partial(self._closed, path, f"the manifest can't be read: {error.strerror}")
            )

    def _guarded(self, take_id: str, work: Callable[[], Outcome | None]) -> Outcome | None:
        """Do something about one take; whatever comes of it, the others are settled too."""
        try:
            return work()
        except (StoreDownError, ManifestError, OSError) as error:
            self._trouble.log("take %s: %s", take_id, error)
            return Outcome(take_id, reason=str(error))
        except Exception as error:  # whatever is wrong with one, the others are settled
            log.exception("take %s", take_id)
            return Outcome(take_id, reason=f"{type(error).__name__}: {error}")

    def _settle(self, journal: Journal) -> Outcome:
        manifest = journal.manifest
        if manifest.adopted:
            try:
                self._spool.audio.delete(manifest.id + HANDOVER_SUFFIX)  # it is written down here now
            except StoreDownError as error:
                log.warning("take %s: what was handed over is still stored: %s", manifest.id, error)
        if manifest.source and not (manifest.elsewhere or manifest.discarded or manifest.aside):
            settlement = send_on(self._spool, journal)
        else:
            settlement = self._spool.settler.settle(journal, retry=True)
        log.info(
            "take %s for %s, left behind: %s %s",
            manifest.id, manifest.recipients, settlement.settled.value, settlement.reason,
        )  # fmt: skip
        return Outcome(manifest.id, tuple(map(str, manifest.boxes)), settlement.settled, settlement.reason)

    def _over(self, manifest: Manifest, path: Path) -> bool:
        """Whether the recording has ended, as far as can be known."""
        if manifest.ended or manifest.promised or manifest.discarded or manifest.aside:
            return True
        recording = self._folder.recordings(manifest.id, manifest.part)[-1]
        return self._age(recording if recording.exists() else path) >= self._quiet_s

    def _age(self, path: Path) -> float:
        """Seconds since a file was changed."""
        return self._wall() - path.lstat().st_mtime

    def _unreadable(self, path: Path, reason: str) -> Outcome | None:
        """A manifest that says nothing: quarantine it with all that has its name."""
        named = [*self._folder.sounds_named(path.stem), path]
        return None if self._age(path) < self._quiet_s else self._quarantine(path.stem, named, reason)

    def _closed(self, path: Path, reason: str) -> Outcome:
        """A manifest that this service may not read: it is waited for, as whoever can mend it needs no command then."""
        if self._age(path) >= MENDING_S:
            return self._quarantine(path.stem, [*self._folder.sounds_named(path.stem), path], reason)
        self._trouble.log("take %s waits: %s", path.stem, reason)
        return Outcome(path.stem, reason=reason)

    def _tidy(self) -> None:
        """Finish what a crash left half-removed or half-written."""
        for path in self._folder.settled():
            self._guarded(path.stem, partial(self._finish, path))
        for part in self._folder.leftovers():
            self._guarded(part.name, partial(self._tidy_leftover, part))

    def _finish(self, path: Path) -> None:
        try:
            journal = Journal.open(path)
        except ManifestError:
            self._folder.clear(path)
        else:
            if journal:
                self._folder.finish(journal)

    def _tidy_leftover(self, part: Path) -> None:
        if self._age(part) >= _LEFTOVER_S:
            self._folder.clear(part)

    def _sweep_strays(self) -> list[Outcome]:
        """Recordings without a manifest: a call that a service on another host served."""
        outcomes = []
        for take_id, paths in self._folder.strays().items():
            if outcome := self._guarded(take_id, partial(self._sweep_stray, take_id, paths)):
                outcomes.append(outcome)
        return outcomes

    def _sweep_stray(self, take_id: str, paths: list[Path]) -> Outcome | None:
        """One recording without a manifest; None if nothing is to be done about it now."""
        ages = [self._age(path) for path in paths if os.path.lexists(path)]
        if not ages or min(ages) < self._quiet_s:
            return None
        try:
            journal = self._adopt(take_id)
        except AudioMissingError:
            reason = "a recording without a manifest"
            return self._quarantine(take_id, paths, reason) if min(ages) >= self._stray_s else None
        except (StoreDownError, ManifestError) as error:
            return Outcome(take_id, reason=str(error))
        if journal and any(path.exists() for path in paths):
            return self._settle(journal)
        if journal:  # another sweeper adopted and settled it since we looked
            self._folder.remove(journal)
        return None

    def _adopt(self, take_id: str) -> Journal | None:
        """Write down here what the other host knew of a recording; None if another sweeper is at it.

        Raises:
            AudioMissingError: nothing was handed over. StoreDownError, ManifestError, OSError.
        """
        handed = self._spool.audio.playable(take_id + HANDOVER_SUFFIX)
        with Path(handed).open("rb") as file:
            manifest, _ = decode(file.read(MOST_BYTES + 1))
        if manifest.id != take_id:
            raise ManifestError(f"what was handed over as {take_id} is {manifest.id}")
        node = self._spool.node
        ours = dataclasses.replace(manifest, node=node, call_node=node, elsewhere=False, adopted=True, problem="")
        try:
            return Journal.create(self._folder.manifest(take_id), ours)
        except FileExistsError:
            return None

    def _quarantine(self, take_id: str, paths: list[Path], reason: str) -> Outcome:
        self._folder.quarantine_files(paths)
        log.error("take %s was quarantined: %s", take_id, reason)
        return Outcome(take_id, settled=Settled.BROKEN, reason=reason)
