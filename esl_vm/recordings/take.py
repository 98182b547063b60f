"""A recording on its way, as the conversation holds it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Self

from esl_vm.model.errors import SpoolError
from esl_vm.recordings.fitting import fit, too_short
from esl_vm.recordings.manifest import TakeKind
from esl_vm.sound.wav import BrokenSoundError

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from esl_vm.model.call import Recorded
    from esl_vm.model.mailbox import MailboxId
    from esl_vm.model.store import Delivery
    from esl_vm.recordings.journal import Journal
    from esl_vm.recordings.outcome import Settled, Settlement
    from esl_vm.recordings.settle import Settler
    from esl_vm.sound.wav import Wave

log = logging.getLogger(__name__)


class Take:
    """A recording on its way. Its manifest is on the disk before this object exists.

        with spool.take_message(boxes, message, ...) as take:
            take.recorded(phone.record(take.path, ...))
            if take.settle() is Settled.DELIVERED: ...

    Leaving the block without a decision settles a message (hanging up keeps it) and drops a greeting or a sound.
    Any method may raise SpoolError: what it should have written down is not.

    Attributes:
        journal: what is written down of it, and its lock; a process that dies lets go of it.
        sound: what was recorded, as far as it was looked at.
    """

    def __init__(self, journal: Journal, settler: Settler) -> None:
        self.journal = journal
        self._settler = settler
        self._settlement: Settlement | None = None
        self._decided = False
        self._pieces = 1
        self.sound: Wave | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._decided:
            return
        try:
            if self.journal.manifest.kind in {TakeKind.MESSAGE, TakeKind.FORWARD}:
                self._settle(announced=False)
            else:
                self.discard()
        except SpoolError as wrong:
            if error is None:
                raise
            self._settler.trouble.log("take %s is left to the sweeper: %s", self.id, wrong)

    @property
    def id(self) -> str:
        """The id of the message or sound it becomes."""
        return self.journal.manifest.id

    @property
    def path(self) -> Path:
        """Where FreeSWITCH records to; another file after `again`."""
        manifest = self.journal.manifest
        return self._settler.folder.recording(manifest.id, manifest.part)

    @property
    def playable(self) -> Path:
        """What to play when the recording is listened to before it is kept."""
        return self._settler.folder.counting(self.journal.manifest)

    @property
    def too_short(self) -> bool:
        """Whether what was recorded is too short to be kept, or nothing but silence; False as long as unknown.

        A greeting is its owner's business and never too short, unless it has no sound at all.
        """
        if self.sound is None:
            return False
        manifest = self.journal.manifest
        return not self.sound.frames if manifest.kind is TakeKind.GREETING else too_short(manifest, self.sound)

    @property
    def elsewhere(self) -> bool:
        """Whether the recording turned out to be on another host, which has to deliver it."""
        return self.journal.manifest.elsewhere

    @property
    def urgent(self) -> bool:
        """Whether it is marked urgent."""
        return self.journal.manifest.urgent

    @property
    def settled(self) -> Settled | None:
        """What became of it; None as long as nothing is decided."""
        return self._settlement.settled if self._settlement else None

    @property
    def reason(self) -> str:
        """Why that became of it, for the operator."""
        return self._settlement.reason if self._settlement else ""

    @property
    def deliveries(self) -> dict[MailboxId, Delivery]:
        """What each mailbox answered, after `settle`."""
        return self._settlement.deliveries if self._settlement else {}

    def recorded(self, recorded: Recorded) -> None:
        """The recording has ended as it should (not: the caller hung up). It is measured and trimmed."""
        sound, changes = self._settler.run(lambda: self._measure(recorded.ms, recorded.key))
        self.sound = sound
        self._note(recorded_ms=max(0, recorded.ms), **changes)

    def following(self) -> Path:
        """Where FreeSWITCH goes on recording once the line's sample rate has changed; another file each time."""
        self._pieces += 1
        manifest = self.journal.manifest
        return self._settler.folder.recording(manifest.id, manifest.part, self._pieces)

    def mark(self, urgent: bool) -> None:
        """Mark it urgent, or not urgent."""
        if urgent != self.journal.manifest.urgent:
            self._note(urgent=urgent)

    def ask_receipt(self, sender: str) -> bool:
        """Ask for a receipt for that mailbox, or no more where it was asked for; whether it is now."""
        self._note(receipt="" if self.journal.manifest.receipt else sender)
        return bool(self.journal.manifest.receipt)

    def again(self) -> None:
        """Record again: there is a new `path`, and what was recorded is gone for good."""
        manifest = self.journal.manifest
        folder = self._settler.folder
        former = [*reversed(folder.recordings(manifest.id, manifest.part)), folder.fitted(manifest.id, manifest.part)]
        self._append(part=manifest.part + 1, recorded_ms=-1, fitted=False, cut=False, elsewhere=False)
        self.sound, self._pieces = None, 1
        try:
            for path in former:
                path.unlink(missing_ok=True)
        except OSError as error:
            self._settler.trouble.log("take %s: a former attempt is still there: %s", self.id, error)

    def settle(self) -> Settled:
        """Keep it: store the sound, deliver the message or activate the greeting. Asked again, answers the same.

        A sound (an introduction) is not kept by itself: it is handed to `Spool.forward`, or dropped.
        """
        if self._settlement is None and not self._decided:
            if self.journal.manifest.kind is TakeKind.GREETING:
                self._append(accepted=True)
            self._settle(announced=True)
        if self._settlement is None:
            raise SpoolError(f"the take {self.id} could not be kept")
        return self._settlement.settled

    def discard(self) -> None:
        """Drop it for good. Nothing happens to one that is settled."""
        if not self._decided:
            self._decided = True
            self._settlement = self._settler.drop(self.journal)

    def _settle(self, *, announced: bool) -> None:
        self._decided = True
        self._settlement = self._settler.settle(self.journal, announced=announced)

    def _measure(self, milliseconds: int, key: str) -> tuple[Wave | None, dict[str, Any]]:
        """Look at what was recorded; what can't be looked at now is judged when it is settled."""
        manifest = self.journal.manifest
        try:
            return fit(self._settler.folder, manifest, self._settler.rate, milliseconds, key)
        except FileNotFoundError:
            elsewhere = milliseconds > 0 and not manifest.at_home
            if elsewhere:
                log.warning("take %s: FreeSWITCH recorded it, but the file is not on this host", manifest.id)
            return None, {"elsewhere": True} if elsewhere else {}
        except (BrokenSoundError, OSError) as error:
            self._settler.trouble.log("take %s can't be looked at yet: %s", manifest.id, error)
            return None, {}

    def _note(self, **changes: Any) -> None:
        """Write down what is found out anew, or was asked for, should a crash come: the call goes on without it."""
        try:
            self._append(**changes)
        except SpoolError:
            self.journal.assume(**changes)

    def _append(self, **changes: Any) -> None:
        try:
            self._settler.run(lambda: self.journal.append(**changes))
        except OSError as error:
            self._settler.trouble.log("take %s can't be written down: %s", self.id, error)
            raise SpoolError(f"the take {self.id} can't be written down: {error}") from error
