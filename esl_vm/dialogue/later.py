"""Messages that arrive later (3 8, 8 3); those that wait for their time, and receipts (3 0)."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, assert_never

from esl_vm.dialogue.menus import ScheduledMenu, WhenMenu
from esl_vm.dialogue.recipients import ask_recipients
from esl_vm.dialogue.sending import record_for
from esl_vm.dialogue.visit import Next
from esl_vm.model.errors import InvalidValueError
from esl_vm.model.scheduled import tomorrow_morning, typed_moment
from esl_vm.recordings.scheduled import cancel

if TYPE_CHECKING:
    from esl_vm.dialogue.visit import Visit
    from esl_vm.model.mailbox import MailboxId
    from esl_vm.model.scheduled import Scheduled
    from esl_vm.speech.utterance import Utterance


_MOST_SAID = 10
"""Receipts that are said; the page has all."""


def send_later(visit: Visit) -> Next:
    """3 8: as 3 5, once it is said when it is to arrive."""
    if not visit.options.sendvoicemail:
        return Next(said=visit.say("feature-not-avail-line"))
    recipients = ask_recipients(visit, own=True)
    if not recipients.boxes:
        return Next()
    due = ask_when(visit)
    return Next() if due is None else record_for(visit, recipients, origin="send", due=due)


def ask_when(visit: Visit) -> float | None:
    """When it is to arrive, epoch seconds, said back; None: cancelled. By the clock of the mailbox's own time zone."""
    talk = visit.talk
    now = _now(visit)
    morning = tomorrow_morning(now)
    offer = visit.say("vm-toenternumber") + talk.voice.moment(morning, now) + visit.say("vm-press", "digits/2")
    opening: Utterance = ()
    for _ in range(talk.world.waits.menu_times):
        at: datetime | None = None
        match WhenMenu.of(talk.ask(opening + offer + visit.say("vm-star-cancel"), talk.world.waits.menu_ms)):
            case WhenMenu.TYPED:
                at = _typed(talk.ask_digits(visit.say("vm-then-pound")), now)
                opening = visit.say("vm-pls-try-again")
            case WhenMenu.MORNING:
                at = morning
            case WhenMenu.CANCEL:
                return None
            case None:
                opening = ()
            case unreachable:
                assert_never(unreachable)
        if at is not None:
            talk.skim(talk.voice.moment(at, now))
            return at.timestamp()
    return None


def scheduled(visit: Visit) -> Next:
    """3 0: each message that waits, to whom and when; 7 cancels it. Then the receipts."""
    talk, world = visit.talk, visit.talk.world
    waiting = world.mailboxes.scheduled(visit.box)
    said: Utterance = ()
    for one in waiting:
        key = talk.ask(
            said + _about(visit, one) + visit.say("vm-delete", "vm-next", "vm-starmain"), world.waits.menu_ms
        )
        said = ()
        match ScheduledMenu.of(key):
            case ScheduledMenu.CANCEL if not visit.read_only:
                done = cancel(world.mailboxes, world.audio, one)
                said = visit.say("vm-deleted" if done else "feature-not-avail-line")
            case ScheduledMenu.CANCEL:
                said = visit.say("feature-not-avail-line")
            case ScheduledMenu.BACK:
                return Next()
            case ScheduledMenu.NEXT | None:
                pass
            case unreachable:
                assert_never(unreachable)
    return _receipts(visit, said)


def _receipts(visit: Visit, said: Utterance) -> Next:
    """Who heard what the owner sent, and when, the latest that was sent first; then that there is no more."""
    talk, now = visit.talk, _now(visit)
    heard = [one for one in talk.world.mailboxes.receipts(visit.box) if one.heard]
    for one in heard[:_MOST_SAID]:
        at = datetime.fromtimestamp(one.heard, now.tzinfo)
        about = _named(visit, one.to) + talk.voice.received(at, now)
        key = talk.ask(said + about + visit.say("vm-next", "vm-starmain"), talk.world.waits.menu_ms)
        said = ()
        if ScheduledMenu.of(key) is ScheduledMenu.BACK:
            return Next()
    return Next(said=said + visit.say("vm-nomore"))


def _about(visit: Visit, one: Scheduled) -> Utterance:
    """The first of its recipients, and when it arrives."""
    now = _now(visit)
    return _named(visit, one.to[0]) + visit.talk.voice.moment(datetime.fromtimestamp(one.due, now.tzinfo), now)


def _named(visit: Visit, box: MailboxId) -> Utterance:
    mailbox = visit.talk.world.mailboxes.open(box)
    return visit.talk.name_of(mailbox) if mailbox else visit.talk.voice.digits(box.number)


def _now(visit: Visit) -> datetime:
    return datetime.fromtimestamp(visit.talk.world.clock.now(), visit.talk.zone(visit.mailbox))


def _typed(typed: str, now: datetime) -> datetime | None:
    try:
        return typed_moment(typed, now)
    except InvalidValueError:
        return None
