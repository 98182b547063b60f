"""Settling a take: sound first, then the mailbox, then the spool's files; each step can be repeated after a crash."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any

from esl_vm.model.actor import acting, actor
from esl_vm.model.errors import InvalidValueError, SealedError, SoundTooLargeError, SpoolError, StoreDownError
from esl_vm.model.rate_limited_log import RateLimitedLog
from esl_vm.model.sealing import Keyless
from esl_vm.model.store import Delivery
from esl_vm.recordings.fitting import MISSING_MS, look, too_short
from esl_vm.recordings.manifest import TakeKind
from esl_vm.recordings.outcome import Settled, Settlement
from esl_vm.recordings.undelivered import log_not_delivered
from esl_vm.sound import disk
from esl_vm.sound.fax import is_fax
from esl_vm.sound.wav import BrokenSoundError

if TYPE_CHECKING:
    from collections.abc import Callable

    from esl_vm.model.sealing import Seal
    from esl_vm.recordings.destinations import Destinations
    from esl_vm.recordings.folder import SpoolFolder
    from esl_vm.recordings.journal import Journal
    from esl_vm.sound.wav import Wave

log = logging.getLogger(__name__)

#: A manifest handed to another host lies in the audio store under its id with this ending. It is no sound.
HANDOVER_SUFFIX = ".take"
#: What only an administrator can mend is waited for so many seconds before it is quarantined.
MENDING_S = 3600.0
#: Why a fax machine's call is no message. It rings no lamp and makes no mail.
FAX = "fax tones, and nobody spoke: this mailbox's number is dialled by a fax machine"


class Settler:
    """Decides what becomes of a take, and sees that nothing is removed before it is safe elsewhere.

    Args:
        folder: the spool.
        destinations: where takes go.
        run: how work that waits for the disk is run.
        rate: samples a second of what is stored.
        keep: whether what was delivered is kept, to be looked for a while longer.
        seal: seals the sounds of what is kept; None = nothing does.
        wall: the clock that files are dated by.
    """

    def __init__(
        self,
        folder: SpoolFolder,
        destinations: Destinations,
        run: disk.Runner,
        rate: int,
        *,
        keep: bool = False,
        seal: Seal | None = None,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.folder = folder
        self.run = run
        self.rate = rate
        self._destinations = destinations
        self._keep = keep
        self._seal = seal or Keyless()
        self._wall = wall
        self.trouble = RateLimitedLog(log, logging.WARNING, most=1)

    def settle(self, journal: Journal, *, retry: bool = False, announced: bool = True) -> Settlement:
        """Settle a take and close its journal.

        Args:
            journal: the take, locked.
            retry: not by the call that recorded it, so it may have been tried before.
            announced: the caller hears what is answered. Else a message that no mailbox takes is quarantined.

        Raises:
            SpoolError: the take can't be kept here either; nothing may be promised to the caller.
        """
        with acting(journal.manifest.by or actor()):
            return self._guarded(
                journal, lambda: self._settle(journal, retry=retry, announced=announced and not retry), retry=retry
            )

    def deliver_again(self, journal: Journal) -> Settlement:
        """Put again in its mailboxes what was delivered and the store has lost; close its journal.

        It is kept as long again, but for what was deleted meanwhile.

        Raises:
            StoreDownError, OSError: it is to be tried again.
        """

        def work() -> Settlement:
            manifest = journal.manifest
            try:
                self.run(lambda: self.folder.rewrite(manifest, self._seal.open))
                sound = self.run(lambda: look(self.folder, journal, self.rate))
            except FileNotFoundError:
                return self._quarantine(journal, "Redis has lost it, and the recording has vanished")
            except BrokenSoundError as error:
                return self._quarantine(journal, f"Redis has lost it, and the recording is broken: {error}")
            if manifest.kind is TakeKind.GREETING:
                path = self.folder.counting(manifest)
                settlement = self._destinations.activate(journal, path, sound.ms, retry=True)
            else:
                ms = None if manifest.kind is TakeKind.FORWARD else sound.ms
                settlement = self._delivered(journal, ms, retry=True)
            if settlement.settled is not Settled.DELIVERED:
                return self._remove(journal, settlement)
            return self._keep_for_a_while(journal, settlement)

        try:
            return self._tried(journal, work, retry=True)
        finally:
            journal.close()

    def drop(self, journal: Journal) -> Settlement:
        """Drop a take for good and close its journal; raises SpoolError: a crash now could bring it back."""

        def dropped() -> Settlement:
            try:
                self.run(lambda: journal.append(discarded=True))
            except OSError as error:
                raise SpoolError(f"the take {journal.manifest.id} can't be dropped: {error}") from error
            return self._settle(journal, retry=False, announced=True)

        return self._guarded(journal, dropped, retry=True)

    def _guarded(self, journal: Journal, work: Callable[[], Settlement], *, retry: bool) -> Settlement:
        """Do the work; whatever does not answer, the take waits for it. What can never be settled is quarantined."""
        try:
            return self._tried(journal, work, retry=retry)
        except StoreDownError as error:
            return self._wait(journal, "the store does not answer", error, retry=retry)
        except OSError as error:
            return self._wait(journal, "the spool can't be used", error, retry=retry)
        finally:
            journal.close()

    def _tried(self, journal: Journal, work: Callable[[], Settlement], *, retry: bool) -> Settlement:
        """The work; what it says of this take alone, and waiting does not mend, quarantines the take."""
        try:
            return work()
        except disk.NotAFileError as error:
            return self._quarantine(journal, f"the recording can't be read: {error}")
        except SoundTooLargeError as error:
            return self._quarantine(journal, f"the recording is too large: {error}")
        except InvalidValueError as error:
            return self._quarantine(journal, f"the manifest is damaged: {error}")
        except PermissionError as error:
            why = f"{error.filename}; both users must be in its group"
            return self._mended_or_quarantined(
                journal, "this service's user may not read or write it", why, retry=retry
            )
        except (StoreDownError, SpoolError, OSError):
            raise
        except (
            Exception
        ) as error:  # whatever is wrong with one take, the others are settled; its call must know, and reports it
            if not retry:
                raise
            log.exception("settling take %s", journal.manifest.id)
            why = f"{type(error).__name__}: {error}"
            return self._mended_or_quarantined(journal, "an error in this service, please report it", why, retry=True)

    def _mended_or_quarantined(self, journal: Journal, cause: str, why: str, *, retry: bool) -> Settlement:
        """Wait for an administrator, for an hour: what was mended by then needs no command."""
        reason = f"{cause}: {why}"
        if journal.manifest.problem == reason and self._wall() - journal.path.stat().st_mtime >= MENDING_S:
            return self._quarantine(journal, reason)
        return self._wait(journal, cause, why, retry=retry)

    def _settle(self, journal: Journal, *, retry: bool, announced: bool) -> Settlement:
        manifest = journal.manifest
        if manifest.aside:
            return self._quarantine(journal, manifest.aside)
        if manifest.elsewhere:
            return self._hand_over(journal)
        if manifest.discarded or manifest.kind is TakeKind.SOUND:
            return self._remove(journal, Settlement(Settled.DISCARDED))
        if manifest.kind is TakeKind.FORWARD:
            return self._forward(journal, retry=retry, announced=announced)
        if manifest.kind is TakeKind.GREETING and not manifest.accepted:
            return self._remove(journal, Settlement(Settled.DISCARDED, "it was not accepted"))
        try:
            sound = self.run(lambda: look(self.folder, journal, self.rate))
        except FileNotFoundError:
            return self._missing(journal)
        except BrokenSoundError as error:
            return self._quarantine(journal, f"the recording is broken: {error}")
        manifest = journal.manifest
        if not sound.frames:
            return self._empty(journal, sound)
        if manifest.kind is TakeKind.GREETING:
            active = self._destinations.activate(journal, self.folder.counting(manifest), sound.ms, retry=retry)
            return self._keep_for_a_while(journal, active)
        if too_short(manifest, sound):
            reason = f"{sound.heard_ms} of {sound.ms} ms are not silence"
            return self._remove(journal, Settlement(Settled.TOO_SHORT, reason))
        # What was promised, or an administrator has settled, is delivered whatever it sounds like.
        if not manifest.promised and self.run(lambda: is_fax(self.folder.counting(manifest))):
            if manifest.message is not None:
                log_not_delivered(self._destinations.mailboxes, manifest.message, dict.fromkeys(manifest.boxes, "fax"))
            return self._quarantine(journal, FAX)
        return self._deliver(journal, sound.ms, retry=retry, announced=announced)

    def _missing(self, journal: Journal) -> Settlement:
        """No recording is there: nothing was recorded yet, or it lies on the host of the call's FreeSWITCH."""
        manifest = journal.manifest
        if manifest.recorded_ms <= 0 and not manifest.foreign:
            return self._remove(journal, Settlement(Settled.TOO_SHORT, "nothing was recorded"))
        if manifest.at_home:
            return self._quarantine(journal, f"the recording of {manifest.recorded_ms} ms has vanished")
        self.run(lambda: journal.append(elsewhere=True))
        return self._hand_over(journal)

    def _hand_over(self, journal: Journal) -> Settlement:
        """Leave the manifest where the sweeper of the host that has the recording looks for it."""
        manifest = journal.manifest
        reason = f"the recording lies on {manifest.call_node or 'another host'}, whose service will deliver it"
        log.warning("take %s: %s; do the hosts share the spool's folder?", manifest.id, reason)
        self._destinations.audio.put(manifest.id + HANDOVER_SUFFIX, journal.path)
        return self._remove(journal, Settlement(Settled.WAITING, reason))

    def _empty(self, journal: Journal, sound: Wave) -> Settlement:
        if not sound.finished:
            return self._quarantine(journal, "the recording was cut off before any of it reached the disk")
        if journal.manifest.recorded_ms > MISSING_MS:
            return self._quarantine(
                journal, f"FreeSWITCH recorded {journal.manifest.recorded_ms} ms, the file has none"
            )
        return self._remove(journal, Settlement(Settled.TOO_SHORT, "nothing was recorded"))

    def _forward(self, journal: Journal, *, retry: bool, announced: bool) -> Settlement:
        manifest = journal.manifest
        if not manifest.accepted:  # the process died before it said that it would be sent
            return self._remove(journal, Settlement(Settled.DISCARDED, "it was never sent"))
        if not self.folder.counting(manifest).exists():
            return self._quarantine(journal, "the sound to forward has vanished")
        return self._deliver(journal, None, retry=retry, announced=announced)

    def _deliver(self, journal: Journal, measured_ms: int | None, *, retry: bool, announced: bool) -> Settlement:
        """Deliver a message; what no mailbox takes is reported, or quarantined."""
        settlement = self._delivered(journal, measured_ms, retry=retry)
        if settlement.settled is Settled.DELIVERED:
            return self._keep_for_a_while(journal, settlement)
        if announced:
            return self._remove(journal, settlement)
        self._quarantine(journal, settlement.reason)
        return settlement

    def _delivered(self, journal: Journal, measured_ms: int | None, *, retry: bool) -> Settlement:
        sound, intro = self.folder.counting(journal.manifest), self.folder.intro(journal.manifest.id)
        return self._destinations.deliver(journal, sound, intro, measured_ms, retry=retry)

    def _keep_for_a_while(self, journal: Journal, settlement: Settlement) -> Settlement:
        """Keep what was delivered where the settings say so: a fail-over may lose what its master took last."""
        manifest = journal.manifest
        gone = set(manifest.gone)
        gone |= {
            place
            for place, box in enumerate(manifest.boxes)
            if settlement.deliveries.get(box, Delivery.DONE) not in {Delivery.DONE, Delivery.ALREADY}
        }
        if (
            manifest.due
            or not self._keep
            or settlement.settled is not Settled.DELIVERED
            or len(gone) == len(manifest.boxes)
        ):
            return self._remove(journal, settlement)

        def keep() -> None:
            journal.note(delivered=True, gone=tuple(sorted(gone)), problem="")
            self.folder.keep(journal, self._seal.close if self._seal.key else None)

        try:
            self.run(keep)
        except (OSError, SealedError) as error:
            self.trouble.log("take %s is delivered and can't be kept any longer: %s", manifest.id, error)
            return self._remove(journal, settlement)
        return settlement

    def _wait(self, journal: Journal, cause: str, why: object, *, retry: bool) -> Settlement:
        """Keep a take until it can be settled; on the disk before anything is promised.

        cause: one of a few, each told once a minute. why: more of it.
        """
        manifest = journal.manifest
        reason = f"{cause}: {why}"
        changes: dict[str, Any] = {} if manifest.problem == reason else {"problem": reason}
        if not retry and not manifest.promised:
            changes["promised"] = True
        try:
            self.run(lambda: self._secure(journal, changes))
        except OSError as error:
            if not retry:
                raise SpoolError(f"the take {manifest.id} can't be kept: {error}") from error
            self.trouble.log("take %s: why it waits can't be written down: %s", manifest.id, error)
        self.trouble.log(f"take %s for %s waits: {cause}: %s", manifest.id, manifest.recipients, why)
        return Settlement(Settled.WAITING, reason)

    def _secure(self, journal: Journal, changes: dict[str, Any]) -> None:
        if "promised" in changes and journal.manifest.kind is not TakeKind.FORWARD and not journal.manifest.elsewhere:
            manifest = journal.manifest
            fitted = [self.folder.counting(manifest)] if manifest.fitted else []
            for path in fitted or self.folder.recordings(manifest.id, manifest.part):
                disk.sync_file(path)
        if changes:
            journal.append(**changes)

    def _quarantine(self, journal: Journal, reason: str) -> Settlement:
        self.run(lambda: self.folder.put_in_quarantine(journal, reason))
        log.error("take %s for %s was quarantined: %s", journal.manifest.id, journal.manifest.recipients, reason)
        return Settlement(Settled.BROKEN, reason)

    def _remove(self, journal: Journal, settlement: Settlement) -> Settlement:
        """Remove what is settled. Files that resist are left to the sweeper, for whom settling again is harmless."""
        try:
            self.run(lambda: self.folder.remove(journal))
        except OSError as error:
            self.trouble.log("take %s is settled, its files can't be removed: %s", journal.manifest.id, error)
        return settlement
