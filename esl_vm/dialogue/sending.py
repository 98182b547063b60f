"""Sending a voice message (3 5) and replying (3 1): recorded once, delivered to each recipient."""

from __future__ import annotations

from typing import TYPE_CHECKING

from esl_vm.dialogue.leaving import take_message, to_operator
from esl_vm.dialogue.listening import gone_meanwhile
from esl_vm.dialogue.recipients import Recipients, ask_recipients
from esl_vm.dialogue.recording import MessageEnd, record_message, say_and_beep
from esl_vm.dialogue.visit import Next
from esl_vm.model.errors import SpoolError
from esl_vm.model.mailbox import Greeting, MailboxId
from esl_vm.model.message import Caller, Message, new_id

if TYPE_CHECKING:
    from esl_vm.dialogue.visit import Visit


def send(visit: Visit) -> Next:
    """3 5: to one or several mailboxes; all of them get it."""
    if not visit.options.sendvoicemail:
        return Next(said=visit.say("feature-not-avail-line"))
    recipients = ask_recipients(visit, own=True)
    return record_for(visit, recipients, origin="send") if recipients.boxes else Next()


def reply(visit: Visit) -> Next:
    """3 1: to the sender of the current message, if they have a mailbox here."""
    if not visit.after_message or visit.here is None:
        return Next(said=visit.say("vm-sorry"))
    if (gone := gone_meanwhile(visit, visit.here)) is not None:
        return gone
    number = visit.here.message.caller.dialable
    if not number:
        return Next(said=visit.say("vm-nonumber"))
    box = MailboxId.of(number, visit.box.domain)
    recipient = visit.talk.world.mailboxes.open(box) if box else None
    if recipient is None:
        return Next(said=visit.say("vm-nobox"))
    if not recipient.has_room:
        return Next(said=visit.say("vm-mailboxfull"))
    return record_for(visit, Recipients((recipient.id,), recipient), origin="reply")


def record_for(visit: Visit, recipients: Recipients, origin: str, due: float = 0.0) -> Next:
    """Record a message for mailboxes, reviewed as a caller's is: by the first one's options, by one's own for a list.

    due: when it is delivered, epoch seconds; 0 = at once.
    """
    talk, first = visit.talk, recipients.first or visit.mailbox
    now = talk.world.clock.now()
    owner = Caller(visit.box.number, visit.mailbox.name or talk.phone.call.caller.name)
    message = Message(id=new_id(now), caller=owner, received=now, origin=origin, call=talk.phone.call.details)
    operator = talk.operator_for(first)
    try:
        take = take_message(talk, recipients.boxes, message, first, due=due)
    except SpoolError:
        return Next(said=talk.apology)
    with take:
        away = talk.greeting_of(first, Greeting.TEMPORARY) if recipients.first else ()
        said = away + visit.say(talk.request)
        key = say_and_beep(talk, said, "#*0" if operator else "#*")
        if key is not None:
            take.discard()
            if key == "0":
                to_operator(talk, operator)
                return Next(leave=True, goodbye=False)
            return Next()
        end = record_message(talk, take, first, operator=operator, urgent=False, sender=str(visit.box))
    if end in {MessageEnd.OPERATOR_KEPT, MessageEnd.OPERATOR_DROPPED}:
        to_operator(talk, operator)
        return Next(leave=True, goodbye=False)
    return Next()
