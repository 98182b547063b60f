"""Where takes go: into mailboxes as messages, active as greetings. Sound first; each step can be repeated."""

from __future__ import annotations

import dataclasses
import logging
import re
from typing import TYPE_CHECKING

from esl_vm.model.errors import NoSuchMailboxError
from esl_vm.model.mailbox import MailboxId, StoredGreeting
from esl_vm.model.rate_limited_log import RateLimitedLog
from esl_vm.model.scheduled import Scheduled
from esl_vm.model.store import Announced, Delivery
from esl_vm.recordings.manifest import INTRO_SUFFIX, copy_id
from esl_vm.recordings.outcome import Settled, Settlement
from esl_vm.recordings.undelivered import log_not_delivered

if TYPE_CHECKING:
    from pathlib import Path

    from esl_vm.model.mailbox import Greeting
    from esl_vm.model.message import Message
    from esl_vm.ports import AudioStore, Mailboxes
    from esl_vm.recordings.journal import Journal
    from esl_vm.recordings.manifest import Manifest

    Deliveries = dict[MailboxId, Delivery]

log = logging.getLogger(__name__)

_OUR_ID = re.compile(r"[0-9a-f]{11}-[0-9a-f]{12}")


class Destinations:
    """The mailboxes and the audio store, as a take uses them.

    Args:
        mailboxes, audio: the ports.
    """

    def __init__(self, mailboxes: Mailboxes, audio: AudioStore) -> None:
        self.audio = audio
        self.mailboxes = mailboxes
        self._trouble = RateLimitedLog(log, logging.WARNING, most=1)

    def deliver(
        self, journal: Journal, sound: Path, intro: Path, measured_ms: int | None, *, retry: bool
    ) -> Settlement:
        """Put a message in its mailboxes.

        Args:
            journal: the take.
            sound: the recording.
            intro: its introduction, where it has one.
            measured_ms: its length, milliseconds; None where the message knows it.
            retry: it may have been tried before.

        Raises:
            StoreDownError: not all were asked.
        """
        manifest = journal.manifest
        if manifest.message is None:  # which its kind forbids
            return Settlement(Settled.BROKEN, "the manifest names no message")
        message = dataclasses.replace(
            manifest.message,
            duration_ms=manifest.message.duration_ms if measured_ms is None else measured_ms,
            urgent=manifest.urgent,
            receipt=manifest.receipt or manifest.message.receipt,
            cut=manifest.cut or manifest.message.cut,
        )
        if manifest.due:
            return self._schedule(manifest, message, sound, intro)
        deliveries = self._deliver_to_each(journal, message, sound, intro, retry=retry)
        if any(delivery.kept for delivery in deliveries.values()):
            for box, delivery in deliveries.items():
                if not delivery.kept:
                    log.warning("message %s was not delivered to %s: %s", manifest.id, box, delivery.value)
            return Settlement(Settled.DELIVERED, deliveries=deliveries)
        if Delivery.FULL in deliveries.values():
            return Settlement(Settled.FULL, "the mailbox is full", deliveries)
        if Delivery.CLOSED in deliveries.values():
            return Settlement(Settled.FULL, "the mailbox takes no messages", deliveries)
        return Settlement(Settled.NO_MAILBOX, "there is no such mailbox", deliveries)

    def _deliver_to_each(
        self, journal: Journal, message: Message, sound: Path, intro: Path, *, retry: bool
    ) -> Deliveries:
        """Ask each mailbox but those whose copy is gone; what each answered."""
        manifest = journal.manifest
        deliveries = {}
        shared = len(manifest.boxes) > 1
        unasked = self._put_unasked(manifest, sound, intro, retry=retry) if shared else set()
        for place, box in enumerate(manifest.boxes):
            if place in manifest.gone:
                continue
            copy = dataclasses.replace(message, id=copy_id(message.id, place))
            sounds = {copy.id: sound}
            if manifest.intro:
                copy = dataclasses.replace(copy, intro_id=copy.id + INTRO_SUFFIX)
                sounds[copy.intro_id] = intro
            erased = copy.id not in unasked and self._store(
                sounds, retry=retry, tried=place < manifest.tried, shared=shared
            )
            self._note_tried(journal, place + 1)
            deliveries[box] = self._deliver_copy(box, copy, promised=manifest.promised or manifest.delivered)
            if not deliveries[box].kept:
                self._delete(sounds)
            elif erased and deliveries[box] is not Delivery.DELETED:
                self._put(sounds, shared=shared)
        # When all were asked, so that a retry tells it once.
        log_not_delivered(
            self.mailboxes, message, {box: done.refusal for box, done in deliveries.items() if not done.kept}
        )
        return deliveries

    def _schedule(self, manifest: Manifest, message: Message, sound: Path, intro: Path) -> Settlement:
        """Keep a message for its time, its sounds stored for each of its mailboxes."""
        sender = MailboxId.parse(message.forwarded_by or message.caller.number, manifest.boxes[0].domain)
        if manifest.intro:
            message = dataclasses.replace(message, intro_id=message.id + INTRO_SUFFIX)
        self._put_unasked(manifest, sound, intro, retry=False)
        self.mailboxes.schedule(Scheduled(sender, manifest.boxes, message, manifest.due))
        return Settlement(Settled.DELIVERED)

    def _put_unasked(self, manifest: Manifest, sound: Path, intro: Path, *, retry: bool) -> set[str]:
        """Store a message to many, once for all mailboxes that were not asked yet; the ids of their copies."""
        first = manifest.tried if retry else 0
        places = [place for place in range(first, len(manifest.boxes)) if place not in manifest.gone]
        ids = [copy_id(manifest.id, place) for place in places]
        if ids:
            self.audio.put_many(ids, sound)
            if manifest.intro:
                self.audio.put_many([name + INTRO_SUFFIX for name in ids], intro)
        return set(ids)

    def announced(self, manifest: Manifest) -> list[tuple[int, Announced, list[str]]]:
        """What a delivered take is in its mailboxes, but what is gone: place, what to look for, its sounds."""
        found = []
        for place, box in enumerate(manifest.boxes):
            if place not in manifest.gone:
                name = copy_id(manifest.id, place)
                sounds = [name, name + INTRO_SUFFIX] if manifest.intro else [name]
                found.append((place, Announced(box, name, manifest.made, manifest.greeting), sounds))
        return found

    def activate(self, journal: Journal, sound: Path, duration_ms: int, *, retry: bool) -> Settlement:
        """Let an accepted greeting take the place of the one before, whose sound is the store's to erase.

        Args:
            journal: the take.
            sound: the recording.
            duration_ms: its length, milliseconds.
            retry: it may have been tried before; the owner may have recorded another, or erased it, since.

        Raises:
            StoreDownError: it is not certain to be active.
        """
        manifest = journal.manifest
        box, greeting = manifest.boxes[0], manifest.greeting
        if greeting is None:  # which its kind forbids
            return self._refuse(manifest, Settled.NO_MAILBOX, "the manifest names no greeting")
        active_now = self._active(box, greeting) if retry else ""
        # The one that its owner was about to replace is not newer, whatever clock gave it its id.
        if active_now != manifest.replaces and _is_newer(active_now, manifest.id):
            return self._refuse(manifest, Settled.DISCARDED, "a newer one is active")
        erased = self._store({manifest.id: sound}, retry=retry, tried=bool(manifest.tried))
        self._note_tried(journal, 1)
        try:
            active = StoredGreeting(manifest.id, duration_ms, manifest.starts, manifest.ends)
            self.mailboxes.set_greeting(box, greeting, active)
        except NoSuchMailboxError:
            return self._refuse(manifest, Settled.NO_MAILBOX, "there is no such mailbox")
        if retry and self._active(box, greeting) != manifest.id:  # it was before, and the store lets none come back
            return Settlement(Settled.DISCARDED, "it was replaced or erased since")
        if erased:
            self._put({manifest.id: sound})
        return Settlement(Settled.DELIVERED)

    def _store(self, sounds: dict[str, Path], *, retry: bool, tried: bool, shared: bool = False) -> bool:
        """Store the sounds of something before a mailbox is asked to take it, unless they were erased since.

        What is there already is put again all the same: that proves that it is kept as safely as the first time. The sounds were there when a mailbox was asked before. If they are not any more, it had taken it and its owner
        has erased it since: it must be asked again, to be certain, but a sound stored now would stay for ever.

        Returns:
            Whether they were erased (or the store lost them). Then they are still to be stored, if it takes it after all.
        """
        if retry and tried and not all(self.audio.exists(sound) for sound in sounds):
            return True
        self._put(sounds, shared=shared)
        return False

    def _deliver_copy(self, box: MailboxId, message: Message, *, promised: bool) -> Delivery:
        """Put it in. One who was told that the message is kept is not sent away by a mailbox that filled up since."""
        try:
            return self.mailboxes.deliver(box, message, even_if_full=promised)
        except NoSuchMailboxError:
            return Delivery.NO_MAILBOX

    def _note_tried(self, journal: Journal, mailboxes: int) -> None:
        """Write down that a mailbox will be asked. On a full disk it is asked all the same: at worst a sound stays."""
        try:
            if journal.manifest.tried < mailboxes:
                journal.note(tried=mailboxes)
        except OSError as error:
            self._trouble.log("take %s: that it is delivered can't be written down: %s", journal.manifest.id, error)

    def _put(self, sounds: dict[str, Path], *, shared: bool = False) -> None:
        for sound, path in sounds.items():
            if shared:
                self.audio.put_many([sound], path)
            else:
                self.audio.put(sound, path)

    def _delete(self, sounds: dict[str, Path]) -> None:
        for sound in sounds:
            self.audio.delete(sound)

    def _active(self, box: MailboxId, greeting: Greeting) -> str:
        """The sound id of the active greeting, `` if there is none."""
        opened = self.mailboxes.open(box)
        stored = opened.greetings.get(greeting) if opened else None
        return stored.audio_id if stored else ""

    def _refuse(self, manifest: Manifest, settled: Settled, reason: str) -> Settlement:
        self.audio.delete(manifest.id)
        log.warning("greeting %s for %s: %s", manifest.id, manifest.boxes[0], reason)
        return Settlement(settled, reason)


def _is_newer(audio_id: str, than: str) -> bool:
    """Whether a sound was recorded later: only ids made by this service begin with the time and can be compared."""
    return bool(_OUR_ID.fullmatch(audio_id) and _OUR_ID.fullmatch(than)) and audio_id > than
