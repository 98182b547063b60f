"""Having a message mailed to its mailbox's own address, when its owner asks for it: an event, of which a notifier makes the mail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from esl_vm.model.events import EventType

if TYPE_CHECKING:
    from esl_vm.model.mailbox import Mailbox
    from esl_vm.ports import Mailboxes


def ask_for_mail(mailboxes: Mailboxes, mailbox: Mailbox, message_id: str, *, mails: bool) -> bool:
    """Ask for it; False, and nothing happens, where no mail can come.

    Args:
        mailboxes: the port.
        mailbox: whose.
        message_id: which message.
        mails: the service has a mail server.
    """
    if not (mails and mailbox.email):
        return False
    mailboxes.log_event(mailbox.id, EventType.MAIL_ASKED, message_id)
    return True
