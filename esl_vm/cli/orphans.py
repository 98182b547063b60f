"""Sounds nothing points to, and messages and greetings whose sound is gone: found, and settled, both ways."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from esl_vm.model.mailbox import Folder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from esl_vm.app import Node
    from esl_vm.model.mailbox import Greeting, MailboxId

_DAY_S = 86400.0
# A recording's host may be away for days; then its sweeper needs what another host handed over.
_HANDED_OVER_S = 7 * _DAY_S


@dataclass(frozen=True, slots=True)
class Lost:
    """A message or a greeting whose sound is gone.

    Args:
        box: the mailbox. sound: the sound's id.
        greeting: which greeting it was, None if it was a message or a message's introduction.
        message_id: which message it was, `` if it was a greeting or an introduction.
    """

    box: MailboxId
    sound: str
    greeting: Greeting | None = None
    message_id: str = ""

    def __str__(self) -> str:
        """What it is, for people."""
        what = f"greeting {self.greeting}" if self.greeting else "message" if self.message_id else "introduction"
        return f"{self.box}: {what}: its sound {self.sound} is gone"


@dataclass(frozen=True, slots=True)
class Orphans:
    """Where sounds and what points to them do not agree.

    Args:
        lost: whose sound is gone (messages in the trash left out).
        unused: ids of sounds nothing points to, older than a day.
    """

    lost: tuple[Lost, ...]
    unused: tuple[str, ...]


def find_orphans(node: Node, older_than_s: float = _DAY_S) -> Orphans:
    """Compare every mailbox with every sound; reads all of both.

    A sound lies there before its message does, and a while longer: only old ones count as unused. What the spool or
    the store's own housekeeping still needs is left alone, and for a week what was handed over to another host.
    """
    from esl_vm.spool import HANDOVER_SUFFIX

    there = set(node.audio.ids())
    # A mailbox that is being renamed is found by neither name with all it has.
    pointed = node.store.lists.sounds() | node.store.renames.sounds()
    lost: list[Lost] = []
    for box in node.registry.boxes():
        sounds = node.mailboxes.sounds(box)
        pointed |= sounds
        # One that was stored since the list was made is there after all.
        gone = {sound for sound in sounds - there if not node.audio.exists(sound)}
        if gone:
            lost += _lost(node, box, gone)
    pointed |= node.store.renames.sounds()
    waiting = {take.id for take in node.spool.takes()} | set(node.store.housekeeping.sounds_to_erase())
    now = node.clock.now()
    handed_over = {sound for sound in there if sound.endswith(HANDOVER_SUFFIX)}
    unused = _older(there - pointed - handed_over, now - older_than_s)
    unused |= _older(handed_over, now - max(older_than_s, _HANDED_OVER_S))
    return Orphans(tuple(lost), tuple(sound for sound in sorted(unused) if not sound.startswith(tuple(waiting))))


def _older(sounds: set[str], than: float) -> set[str]:
    """Those made before a time (epoch seconds): ids begin with when they were made."""
    horizon = f"{int(than * 1000):011x}"
    return {sound for sound in sounds if sound[: len(horizon)] < horizon}


def _lost(node: Node, box: MailboxId, gone: set[str]) -> Iterator[Lost]:
    mailbox = node.mailboxes.open(box)
    if mailbox is None:
        return
    greetings = {stored.audio_id: greeting for greeting, stored in mailbox.greetings.items()}
    folders = node.mailboxes.message_ids(box)
    messages = {message_id: folder for folder, ids in folders.items() for message_id in ids}
    for sound in sorted(gone):
        if sound in greetings:
            yield Lost(box, sound, greeting=greetings[sound])
        elif messages.get(sound) is not Folder.TRASH:
            yield Lost(box, sound, message_id=sound if sound in messages else "")


def settle_orphans(node: Node, orphans: Orphans) -> list[str]:
    """Put messages without sound into the trash, take greetings without sound out of force, erase unused sounds.

    Returns:
        What was done, a line each. A message that only lost its introduction stays: it can be heard.
    """
    done = []
    for lost in orphans.lost:
        if lost.greeting:
            node.mailboxes.remove_greeting(lost.box, lost.greeting)
            done.append(f"{lost.box}: greeting {lost.greeting} taken out of force: its sound is gone")
        elif lost.message_id and node.mailboxes.delete_because(lost.box, lost.message_id, "sound lost"):
            done.append(f"{lost.box}: message {lost.message_id} put into the trash: its sound is gone")
    for sound in orphans.unused:
        node.audio.delete(sound)
        done.append(f"sound {sound} erased: nothing points to it")
    return done
