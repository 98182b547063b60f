"""Who handles a message (3 9): told to all who open the mailbox, before the message."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from esl_vm.dialogue.listening import gone_meanwhile, handler_of
from esl_vm.dialogue.visit import Next
from esl_vm.model.access import authenticated_user
from esl_vm.model.mailbox import MailboxId

if TYPE_CHECKING:
    from esl_vm.dialogue.visit import Visit


def handle(visit: Visit) -> Next:
    """3 9: whoever calls handles the message, in place of another who did; once more: he does not any longer."""
    entry = visit.here
    if not visit.after_message or entry is None:
        return Next(said=visit.say("vm-sorry"))
    if visit.read_only:
        return Next(said=visit.say("feature-not-avail-line"))
    if (gone := gone_meanwhile(visit, entry)) is not None:
        return gone
    mailboxes, me = visit.talk.world.mailboxes, _caller(visit)
    by = "" if mailboxes.message(visit.box, entry.message.id).handled_by == me else me
    mailboxes.handle(visit.box, entry.message.id, by)
    entry.message = replace(entry.message, handled_by=by)
    return Next(said=handler_of(visit, by) or visit.say("auth-thankyou"))


def _caller(visit: Visit) -> str:
    """The account that FreeSWITCH authenticated, else the mailbox's number; and the name that its mailbox has.

    Of a mailbox of several owners it is the name of the one whose PIN it was.
    """
    number = authenticated_user(visit.talk.phone.call) or visit.box.number
    if visit.owner and visit.mailbox.others:
        return f"{number} {visit.owner.name}".strip()
    if number == visit.box.number:
        return f"{number} {visit.mailbox.name}".strip()
    box = MailboxId.of(number, visit.box.domain)
    mailbox = visit.talk.world.mailboxes.open(box) if box else None
    return f"{number} {mailbox.name if mailbox else ''}".strip()
