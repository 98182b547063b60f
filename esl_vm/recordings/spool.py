"""The spool: where recordings are from before the beep until they are in a mailbox."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
from typing import TYPE_CHECKING

from esl_vm.model.actor import actor
from esl_vm.model.errors import AudioMissingError, SpoolError
from esl_vm.model.rate_limited_log import RateLimitedLog
from esl_vm.model.sealing import Keyless, close_transcript
from esl_vm.recordings.destinations import Destinations
from esl_vm.recordings.folder import SpoolFolder
from esl_vm.recordings.journal import Journal
from esl_vm.recordings.listing import listed
from esl_vm.recordings.manifest import Manifest, TakeKind
from esl_vm.recordings.settle import Settler
from esl_vm.recordings.take import Take
from esl_vm.sound import disk
from esl_vm.sound.wav import BrokenSoundError, join

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from esl_vm.model.mailbox import Greeting, MailboxId
    from esl_vm.model.message import Message
    from esl_vm.model.sealing import Seal
    from esl_vm.model.units import Milliseconds
    from esl_vm.ports import AudioStore, Clock, Mailboxes
    from esl_vm.recordings.listing import TakeInfo

log = logging.getLogger(__name__)

MIN_FREE = 64 << 20
TELEPHONE_RATE = 8000


class Spool:
    """Recordings on their way, in a folder that FreeSWITCH can write to.

    Args:
        folder: the spool's folder; made when first needed, for the group it is in.
        mailboxes, audio: where takes go.
        clock: what time it is.
        node: this host's name. Where hosts share the folder, each settles its own takes.
        min_free: bytes that must be free on the disk before a recording begins.
        rate: samples a second of what is stored, whatever the call's line gives.
        keep_s: seconds for which what was delivered is looked for, and delivered again where a fail-over lost it.
        run: how work that waits for the disk is run: at once, or in a thread.
        seal: seals what is kept of what was delivered; None = nothing does.
    """

    def __init__(
        self,
        folder: Path,
        mailboxes: Mailboxes,
        audio: AudioStore,
        clock: Clock,
        *,
        node: str = "",
        min_free: int = MIN_FREE,
        rate: int = TELEPHONE_RATE,
        keep_s: float = 0.0,
        run: disk.Runner = disk.at_once,
        seal: Seal | None = None,
    ) -> None:
        self._seal = seal or Keyless()
        self.folder = SpoolFolder(folder, min_free)
        self.keep_s = keep_s
        self.destinations = Destinations(mailboxes, audio)
        self.settler = Settler(self.folder, self.destinations, run, rate, keep=keep_s > 0, seal=self._seal)
        self.node = node
        self.clock = clock
        self.audio = audio
        self.run = run
        self.refused = RateLimitedLog(log, logging.ERROR, most=1)

    def take_message(
        self,
        boxes: Sequence[MailboxId],
        message: Message,
        *,
        min_ms: Milliseconds,
        trim_silence: bool,
        threshold: int,
        call_node: str = "",
        due: float = 0.0,
    ) -> Take:
        """Begin a message.

        Args:
            boxes: where it goes, one or more; the first gets the message's id, the others `ID.1`, `ID.2` ...
            message: who leaves it, when, how. Its length, and whether it was cut, are found out.
            min_ms: shortest message kept, milliseconds.
            trim_silence: silence at the end does not count, and is cut off beyond 200 ms (but not after a hang-up).
            threshold: what is silence, Asterisk's `silencethreshold`, 0 to 32767.
            call_node: the host whose FreeSWITCH records; `` = not known.
            due: when it is delivered, epoch seconds; 0 = at once.

        Raises:
            SpoolError: nothing can be recorded now: the disk is full, the folder can't be written.
        """
        return self._take(
            Manifest(
                kind=TakeKind.MESSAGE,
                id=message.id,
                boxes=tuple(dict.fromkeys(boxes)),
                message=message,
                urgent=message.urgent,
                min_ms=min_ms,
                trim=trim_silence,
                threshold=threshold,
                call_node=call_node,
                due=due,
            )
        )

    def take_greeting(
        self,
        box: MailboxId,
        greeting: Greeting,
        audio_id: str,
        *,
        trim_silence: bool = True,
        threshold: int = 128,
        starts: int = 0,
        ends: int = 0,
        replaces: str = "",
        call_node: str = "",
    ) -> Take:
        """Begin a greeting; settling it activates it. Arguments and errors as of `take_message`.

        Args:
            box: whose it is.
            greeting: which one.
            audio_id: the new sound's id.
            trim_silence: cut off silence at the end beyond 200 ms.
            threshold: what is silence.
            starts: when a temporary greeting begins to be active, epoch seconds; 0 = at once.
            ends: when it ceases to be; 0 = never.
            replaces: the sound id of the active greeting, `` = none or not known.
            call_node: the host whose FreeSWITCH records; `` = not known.
        """
        return self._take(
            Manifest(
                kind=TakeKind.GREETING,
                id=audio_id,
                boxes=(box,),
                greeting=greeting,
                trim=trim_silence,
                threshold=threshold,
                starts=starts,
                ends=ends,
                replaces=replaces,
                call_node=call_node,
            )
        )

    def take_sound(
        self,
        audio_id: str,
        boxes: Sequence[MailboxId] = (),
        message: Message | None = None,
        *,
        source_id: str = "",
        source_intro_id: str = "",
        trim_silence: bool = True,
        threshold: int = 128,
        call_node: str = "",
    ) -> Take:
        """Begin the introduction of a message to be forwarded: it is handed to `forward`, or dropped.

        With what will be handed to `forward`, a sweeper does that with what was spoken so far, should this process die.
        """
        return self._take(
            Manifest(
                kind=TakeKind.SOUND,
                id=audio_id,
                boxes=tuple(dict.fromkeys(boxes)),
                message=message,
                source=source_id,
                source_intro=source_intro_id,
                trim=trim_silence,
                threshold=threshold,
                call_node=call_node,
            )
        )

    def forward(
        self,
        boxes: Sequence[MailboxId],
        message: Message,
        *,
        source_id: str,
        source_intro_id: str = "",
        preface: Take | None = None,
        due: float = 0.0,
    ) -> Take:
        """Send a message on. When this returns, it is certain to be sent: now by `settle`, or else by a sweeper.

        Args:
            boxes: where it goes, one or more.
            message: as it is to be there: a new id, and `duration_ms` of the source. Introductions are filled in.
            source_id: the sound of the message sent on; it is left as it is.
            source_intro_id: the introduction which that message had already; it is played after the preface. One whose
                sound is gone does not keep the message from being sent on.
            preface: a finished take of `take_sound`; it is used up.
            due: when it is delivered, epoch seconds; 0 = at once.

        Raises:
            AudioMissingError, StoreDownError: the message can't be fetched. SpoolError: it can't be kept, or the
                preface was recorded on another host. Then nothing is sent.
        """
        sound = self.audio.playable(source_id)
        intros = []
        if source_intro_id:
            with contextlib.suppress(AudioMissingError):
                intros.append(self.audio.playable(source_intro_id))
        if preface:
            if preface.sound is None or not preface.sound.frames:
                raise SpoolError(f"the introduction {preface.id} was not recorded here")
            intros.insert(0, preface.playable)
        take = self._take(
            Manifest(
                kind=TakeKind.FORWARD,
                id=message.id,
                boxes=tuple(dict.fromkeys(boxes)),
                message=self._sealed(message),
                urgent=message.urgent,
                due=due,
            ),
            lambda journal: self._copy_in(journal, sound, intros),
        )
        if preface:
            preface.discard()
        return take

    def _sealed(self, message: Message) -> Message:
        """A message that has been written down, as a manifest may say what is said in it."""
        written = message.transcript
        return dataclasses.replace(message, transcript=close_transcript(self._seal, written)) if written else message

    def takes(self) -> Iterator[TakeInfo]:
        """What lies in the spool, oldest first, then what is in quarantine. Raises SpoolError."""
        return listed(self.folder, self.clock.now())

    def kept(self) -> int:
        """How many delivered takes are kept. Raises SpoolError."""
        try:
            return len(self.folder.kept())
        except OSError as error:
            raise SpoolError(f"the spool can't be read: {error}") from error

    def _take(self, manifest: Manifest, prepare: Callable[[Journal], None] = lambda _: None) -> Take:
        manifest = dataclasses.replace(manifest, node=self.node, made=self.clock.now(), by=actor())
        try:
            return Take(self.run(lambda: self._begin(manifest, prepare)), self.settler)
        except SpoolError as error:
            self.refused.log("callers are told that nothing can be recorded now: %s", error)
            raise

    def _begin(self, manifest: Manifest, prepare: Callable[[Journal], None]) -> Journal:
        """Write the manifest and what belongs to it; all of it, or an error and nothing."""
        self.folder.make_ready()
        try:
            journal = Journal.create(self.folder.manifest(manifest.id), manifest)
        except OSError as error:
            raise SpoolError(f"the spool can't be written: {error}") from error
        try:
            prepare(journal)
        except BaseException as error:  # a greenlet that is killed leaves nothing behind either
            with contextlib.suppress(OSError):
                self.folder.remove(journal)
            if isinstance(error, OSError):
                raise SpoolError(f"the spool can't be written: {error}") from error
            raise
        return journal

    def _copy_in(self, journal: Journal, sound: Path, intros: list[Path]) -> None:
        """Make a forward independent of what it was made from; only then is it certain to be sent."""
        manifest = journal.manifest
        disk.write_whole(self.folder.recording(manifest.id, manifest.part), sound.read_bytes())
        message = manifest.message and dataclasses.replace(manifest.message, intro_id="", intro_ms=0)
        if intros and message:
            try:
                joined_ms = join(intros, self.folder.intro(manifest.id), self.settler.rate)
            except BrokenSoundError as error:
                raise SpoolError(f"the introductions can't be joined: {error}") from error
            message = dataclasses.replace(message, intro_ms=joined_ms)
        journal.append(message=message, intro=bool(intros), recorded_ms=0, accepted=True)
