"""Sounds nothing points to, and messages and greetings whose sound is gone; `repair.py` settles both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from esl_vm.model.mailbox import Folder
from esl_vm.recordings.scheduled import scheduled_sounds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from esl_vm.model.mailbox import Greeting, MailboxId
    from esl_vm.ops.node import Node

_DAY_S = 86400.0
# A recording's host may be away for days; then its sweeper needs what another host handed over.
_HANDED_OVER_S = 7 * _DAY_S


@dataclass(frozen=True, slots=True)
class LostSound:
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
        pointed: how many sounds messages and greetings point to.
    """

    lost: tuple[LostSound, ...]
    unused: tuple[str, ...]
    pointed: int = 0

    @property
    def many(self) -> int:
        """How many messages, greetings and sounds a repair would touch."""
        return len(self.lost) + len(self.unused)

    @property
    def most_are_gone(self) -> bool:
        """Whether it looks as if this were not the store that the sounds are in."""
        return len(self.lost) > 1 and len(self.lost) * 4 > self.pointed * 3


def find_orphans(node: Node, older_than_s: float = _DAY_S) -> Orphans:
    """Compare every mailbox with every sound; reads all of both.

    A sound lies there before its message does, and a while longer: only old ones count as unused. What the spool or
    the store's own housekeeping still needs is left alone, and for a week what was handed over to another host.
    """
    from esl_vm.recordings import HANDOVER_SUFFIX

    there = set(node.audio.ids())
    # A mailbox that is being renamed is found by neither name with all it has.
    pointed = node.store.lists.sounds() | node.store.renames.sounds()
    lost: list[LostSound] = []
    for box in node.registry.boxes():
        sounds = node.mailboxes.sounds(box)
        pointed |= sounds
        # One that was stored since the list was made is there after all.
        gone = {sound for sound in sounds - there if not node.audio.exists(sound)}
        if gone:
            lost += _lost(node, box, gone)
    pointed |= node.store.renames.sounds()
    pointed |= {sound for one in node.mailboxes.scheduled() for sound in scheduled_sounds(one)}
    many = len(pointed)
    waiting = {take.id for take in node.spool.takes()} | set(node.store.housekeeping.sounds_to_erase())
    now = node.clock.now()
    handed_over = {sound for sound in there if sound.endswith(HANDOVER_SUFFIX)}
    unused = _older(there - pointed - handed_over, now - older_than_s)
    unused |= _older(handed_over, now - max(older_than_s, _HANDED_OVER_S))
    return Orphans(tuple(lost), tuple(sound for sound in sorted(unused) if not sound.startswith(tuple(waiting))), many)


def _older(sounds: set[str], than: float) -> set[str]:
    """Those made before a time (epoch seconds): ids begin with when they were made."""
    horizon = f"{int(than * 1000):011x}"
    return {sound for sound in sounds if sound[: len(horizon)] < horizon}


def _lost(node: Node, box: MailboxId, gone: set[str]) -> Iterator[LostSound]:
    mailbox = node.mailboxes.open(box)
    if mailbox is None:
        return
    greetings = {stored.audio_id: greeting for greeting, stored in mailbox.greetings.items()}
    folders = node.mailboxes.message_ids(box)
    messages = {message_id: folder for folder, ids in folders.items() for message_id in ids}
    for sound in sorted(gone):
        if sound in greetings:
            yield LostSound(box, sound, greeting=greetings[sound])
        elif messages.get(sound) is not Folder.TRASH:
            yield LostSound(box, sound, message_id=sound if sound in messages else "")
