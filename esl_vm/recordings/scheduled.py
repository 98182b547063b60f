"""Messages whose time has come: into their mailboxes, or back to who sent them. Each step can be repeated."""

from __future__ import annotations

import dataclasses
import logging
from typing import TYPE_CHECKING

from esl_vm.model.errors import AudioMissingError, StoreDownError
from esl_vm.recordings.manifest import INTRO_SUFFIX, copy_id
from esl_vm.recordings.undelivered import log_not_delivered

if TYPE_CHECKING:
    from esl_vm.model.mailbox import MailboxId
    from esl_vm.model.message import Message
    from esl_vm.model.scheduled import Scheduled
    from esl_vm.ports import AudioStore, Mailboxes

log = logging.getLogger(__name__)

RETURNED = "returned"
"""Where a message comes from that could not be delivered at its time: its sender's own, back in his mailbox."""


def scheduled_sounds(scheduled: Scheduled) -> list[str]:
    """The ids under which its sounds lie: one for each recipient."""
    ids = [copy_id(scheduled.message.id, place) for place in range(len(scheduled.to))]
    return ids + [one + INTRO_SUFFIX for one in ids if scheduled.message.intro_id]


def deliver_due(mailboxes: Mailboxes, audio: AudioStore) -> int:
    """Deliver what is due; returns how many messages. Raises StoreDownError: the rest is delivered later."""
    due = mailboxes.scheduled_due()
    done = 0
    for one in due:
        try:
            _deliver(mailboxes, audio, one)
        except StoreDownError:
            raise
        except Exception:  # whatever is wrong with one, the others are delivered
            log.exception("message %s of %s can't be delivered now", one.message.id, one.sender)
        else:
            done += 1
    return done


def cancel(mailboxes: Mailboxes, audio: AudioStore, scheduled: Scheduled) -> bool:
    """Cancel one with its sounds; False if its time has come."""
    if not mailboxes.cancel_scheduled(scheduled.message.id):
        return False
    for sound in scheduled_sounds(scheduled):
        audio.delete(sound)
    return True


def _deliver(mailboxes: Mailboxes, audio: AudioStore, scheduled: Scheduled) -> None:
    message = dataclasses.replace(scheduled.message, received=scheduled.due, arrived=0.0)
    refused: dict[MailboxId, str] = {}
    unused: list[Message] = []
    for place, box in enumerate(scheduled.to):
        copy = _copy(message, place)
        delivery = mailboxes.deliver(box, copy)
        if not delivery.kept:
            refused[box] = delivery.refusal
            unused.append(copy)
    if refused:
        log_not_delivered(mailboxes, message, refused)
        _return(mailboxes, audio, scheduled, unused[0])
    mailboxes.scheduled_delivered(message.id)
    for copy in unused:  # last: who is asked again after a crash must find them
        for sound in filter(None, (copy.id, copy.intro_id)):
            audio.delete(sound)


def _return(mailboxes: Mailboxes, audio: AudioStore, scheduled: Scheduled, refused: Message) -> None:
    """Put what somebody could not get into its sender's mailbox, new, however full that is."""
    plain = dataclasses.replace(refused, id=scheduled.message.id)
    back = dataclasses.replace(_copy(plain, len(scheduled.to)), origin=RETURNED, receipt="")
    try:
        for sound, original in ((back.id, refused.id), (back.intro_id, refused.intro_id)):
            if sound:
                audio.put_many([sound], audio.playable(original))
    except AudioMissingError:
        log.error("message %s can't be returned to %s: its sound is gone", refused.id, scheduled.sender)  # noqa: TRY400
        return
    if not mailboxes.deliver(scheduled.sender, back, even_if_full=True).kept:
        log.error("message %s could not be delivered, and its sender %s is gone", refused.id, scheduled.sender)
        for sound in filter(None, (back.id, back.intro_id)):
            audio.delete(sound)


def _copy(message: Message, place: int) -> Message:
    own = copy_id(message.id, place)
    return dataclasses.replace(message, id=own, intro_id=own + INTRO_SUFFIX if message.intro_id else "")
