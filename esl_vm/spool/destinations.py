"""Where takes go: into mailboxes as messages, in force as greetings. Sound first; each step can be repeated."""

from __future__ import annotations

import dataclasses
import logging
import re
from typing import TYPE_CHECKING

from esl_vm.model.errors import NoSuchMailboxError, StoreDownError
from esl_vm.model.mailbox import StoredGreeting
from esl_vm.model.store import Delivery
from esl_vm.spool.manifest import INTRO_SUFFIX, copy_id
from esl_vm.spool.outcome import Settled, Settlement

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from esl_vm.model.mailbox import MailboxId
    from esl_vm.model.message import Message
    from esl_vm.ports import AudioStore, Mailboxes
    from esl_vm.spool.manifest import Manifest

log = logging.getLogger(__name__)

_OUR_ID = re.compile(r"[0-9a-f]{11}-[0-9a-f]{12}")


class Destinations:
    """The mailboxes and the audio store, as a take uses them.

    Args:
        mailboxes, audio: the ports.
    """

    def __init__(self, mailboxes: Mailboxes, audio: AudioStore) -> None:
        self.audio = audio
        self._mailboxes = mailboxes

    def deliver(
        self, manifest: Manifest, message: Message, sound: Path, intro: Path, *, retry: bool
    ) -> dict[MailboxId, Delivery]:
        """Put a message in each of its mailboxes; what each answered. Raises StoreDownError in between."""
        # One who was told that the message is kept is not sent away by a mailbox that filled up since.
        most = 0 if manifest.promised else manifest.most
        deliveries = {}
        for place, box in enumerate(manifest.boxes):
            copy = dataclasses.replace(message, id=copy_id(message.id, place))
            sounds = {copy.id: sound}
            if manifest.intro:
                copy = dataclasses.replace(copy, intro_id=copy.id + INTRO_SUFFIX)
                sounds[copy.intro_id] = intro
            deliveries[box] = self._deliver_copy(box, copy, sounds, most, retry=retry)
        return deliveries

    def _deliver_copy(
        self, box: MailboxId, message: Message, sounds: dict[str, Path], most: int, *, retry: bool
    ) -> Delivery:
        """Store a copy's sounds and deliver it; what is not kept leaves no sound behind."""
        # Tried before, it may have been delivered, deleted and its sound removed: then that must not come back.
        erased = [sound for sound in sounds if retry and not self.audio.exists(sound)]
        for sound, path in sounds.items():
            self.audio.put(sound, path)
        try:
            delivery = self._mailboxes.deliver(box, message, most)
        except NoSuchMailboxError:
            delivery = Delivery.NO_MAILBOX
        unwanted = sounds if not delivery.kept else erased if delivery is Delivery.DELETED else ()
        for sound in unwanted:
            self.audio.delete(sound)
        return delivery

    def put_in_force(
        self, manifest: Manifest, sound: Path, duration_ms: int, note: Callable[[str], None], *, retry: bool
    ) -> Settlement:
        """Let an accepted greeting take the place of the one before.

        Args:
            manifest: of the take.
            sound: the recording.
            duration_ms: its length, milliseconds.
            note: writes down, durably, that the sound is stored and whose place (a sound's id) it takes.
            retry: it may have been tried before.

        Raises:
            StoreDownError: it is not certain to be in force.
        """
        box, greeting = manifest.boxes[0], manifest.greeting
        opened = self._mailboxes.open(box)
        if opened is None or greeting is None:
            return self._refuse(manifest, Settled.NO_MAILBOX, "there is no such mailbox")
        stored = opened.greetings.get(greeting)
        former = current = stored.audio_id if stored else ""
        if current == manifest.id:
            former = manifest.replaces
        elif _overtaken(manifest, current, retry=retry):
            return self._refuse(manifest, Settled.DISCARDED, "it was replaced or erased since")
        elif manifest.stored and not current and not self.audio.exists(manifest.id):
            # Erased by the owner after it was in force, or lost by the store before: nobody can tell.
            return Settlement(Settled.BROKEN, "its sound was stored and is gone")
        else:
            self.audio.put(manifest.id, sound)
            note(current)
            in_force = StoredGreeting(manifest.id, duration_ms, manifest.starts, manifest.ends)
            try:
                replaced = self._mailboxes.set_greeting(box, greeting, in_force)
            except NoSuchMailboxError:
                return self._refuse(manifest, Settled.NO_MAILBOX, "there is no such mailbox")
            if replaced != current:  # another call was quicker than ours between our look and now
                former = replaced
        try:
            if former not in {"", manifest.id}:
                self.audio.delete(former)
        except StoreDownError as error:
            log.warning("greeting %s: the former one's sound is still stored: %s", manifest.id, error)
            return Settlement(Settled.DELIVERED, complete=False)
        return Settlement(Settled.DELIVERED)

    def _refuse(self, manifest: Manifest, settled: Settled, reason: str) -> Settlement:
        self.audio.delete(manifest.id)
        log.warning("greeting %s for %s: %s", manifest.id, manifest.boxes[0], reason)
        return Settlement(settled, reason)


def _overtaken(manifest: Manifest, current: str, *, retry: bool) -> bool:
    """Whether the owner has decided anew since this greeting was accepted.

    Only ids made by this service begin with the time, so only they can be compared.
    """
    if manifest.stored:
        return current != manifest.replaces
    ours = _OUR_ID.fullmatch(current) and _OUR_ID.fullmatch(manifest.id)
    return retry and bool(ours) and current > manifest.id
