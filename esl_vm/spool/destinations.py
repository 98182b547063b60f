"""Where takes go: into mailboxes as messages, in force as greetings. Sound first; each step can be repeated."""

from __future__ import annotations

import dataclasses
import logging
import re
from typing import TYPE_CHECKING

from esl_vm.model.errors import NoSuchMailboxError
from esl_vm.model.mailbox import StoredGreeting
from esl_vm.model.store import Delivery
from esl_vm.spool.manifest import INTRO_SUFFIX, copy_id
from esl_vm.spool.outcome import Settled, Settlement

if TYPE_CHECKING:
    from pathlib import Path

    from esl_vm.model.mailbox import Greeting, MailboxId
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

    def put_in_force(self, manifest: Manifest, sound: Path, duration_ms: int, *, retry: bool) -> Settlement:
        """Let an accepted greeting take the place of the one before, whose sound is the store's to erase.

        Args:
            manifest: of the take.
            sound: the recording.
            duration_ms: its length, milliseconds.
            retry: it may have been tried before; the owner may have recorded another, or erased it, since.

        Raises:
            StoreDownError: it is not certain to be in force.
        """
        box, greeting = manifest.boxes[0], manifest.greeting
        if greeting is None:  # which its kind forbids
            return self._refuse(manifest, Settled.NO_MAILBOX, "the manifest names no greeting")
        if retry and _is_newer(self._in_force(box, greeting), manifest.id):
            return self._refuse(manifest, Settled.DISCARDED, "a newer one is in force")
        erased = retry and not self.audio.exists(manifest.id)
        self.audio.put(manifest.id, sound)
        try:
            in_force = StoredGreeting(manifest.id, duration_ms, manifest.starts, manifest.ends)
            self._mailboxes.set_greeting(box, greeting, in_force)
        except NoSuchMailboxError:
            return self._refuse(manifest, Settled.NO_MAILBOX, "there is no such mailbox")
        if retry and self._in_force(box, greeting) != manifest.id:
            # It was in force before, and the store lets none come back.
            if erased:
                self.audio.delete(manifest.id)
            return Settlement(Settled.DISCARDED, "it was replaced or erased since")
        return Settlement(Settled.DELIVERED)

    def _in_force(self, box: MailboxId, greeting: Greeting) -> str:
        """The sound id of the greeting in force, `` if there is none."""
        opened = self._mailboxes.open(box)
        stored = opened.greetings.get(greeting) if opened else None
        return stored.audio_id if stored else ""

    def _refuse(self, manifest: Manifest, settled: Settled, reason: str) -> Settlement:
        self.audio.delete(manifest.id)
        log.warning("greeting %s for %s: %s", manifest.id, manifest.boxes[0], reason)
        return Settlement(settled, reason)


def _is_newer(audio_id: str, than: str) -> bool:
    """Whether a sound was recorded later: only ids made by this service begin with the time and can be compared."""
    return bool(_OUR_ID.fullmatch(audio_id) and _OUR_ID.fullmatch(than)) and audio_id > than
