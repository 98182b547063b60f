"""Having a message mailed (3 6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from esl_vm.actions.mailing import ask_for_mail
from esl_vm.dialogue.listening import gone_meanwhile
from esl_vm.dialogue.visit import Next

if TYPE_CHECKING:
    from esl_vm.dialogue.visit import Visit


def mail_message(visit: Visit) -> Next:
    """3 6: the message that was just heard goes to the mailbox's address, as when it came."""
    entry = visit.here
    if not visit.after_message or entry is None:
        return Next(said=visit.say("vm-sorry"))
    if (gone := gone_meanwhile(visit, entry)) is not None:
        return gone
    world = visit.talk.world
    asked = ask_for_mail(world.mailboxes, visit.mailbox, entry.message.id, mails=world.mails)
    return Next(said=visit.say("auth-thankyou" if asked else "feature-not-avail-line"))
