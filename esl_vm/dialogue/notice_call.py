"""A call that announces a message to its owner's other telephone (guide: Avis par téléphone).

Whoever, or whatever, answers hears how many new messages there are and which key hears them, and nothing else: a mobile's
voicemail presses none. Then the PIN is asked, as from any telephone that is not the mailbox's own.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from esl_vm.dialogue.login import own_mailbox
from esl_vm.dialogue.main_menu import visit_mailbox
from esl_vm.dialogue.menus import NoticeMenu
from esl_vm.model.call import Cause, Status
from esl_vm.model.errors import StoreDownError
from esl_vm.model.events import EventType
from esl_vm.model.mailbox import Folder, Greeting
from esl_vm.speech.spoken import URGENT

if TYPE_CHECKING:
    from esl_vm.dialogue.conversation import Conversation
    from esl_vm.model.mailbox import Mailbox, MailboxId
    from esl_vm.speech.utterance import Utterance

NUMBER = "vm_notice"
"""The variable that says which number was called about a message."""


def notice_call(talk: Conversation, box: MailboxId | None) -> None:
    """Announce the new messages of a mailbox until a key is pressed; the owner is let in with the PIN."""
    mailbox = None if box is None else talk.world.mailboxes.open(box)
    if mailbox is None:
        talk.know(Status.FAILED, Cause.UNKNOWN)
        talk.goodbye()
        return
    talk.speak_in(mailbox.language)
    for _ in range(talk.world.waits.main_times):
        match NoticeMenu.of(talk.ask(_announcement(talk, mailbox), talk.world.waits.menu_ms)):
            case NoticeMenu.LISTEN:
                entered = own_mailbox(talk, mailbox.id, vouched=False)
                _confirm(talk, mailbox.id)
                visit_mailbox(talk, entered)
                return
            case NoticeMenu.LEAVE:
                _confirm(talk, mailbox.id)
                talk.know(Status.SUCCESS)
                talk.goodbye()
                return
            case _:
                pass
    raise talk.give_up()


def _announcement(talk: Conversation, mailbox: Mailbox) -> Utterance:
    """Whose mailbox it is, how many new messages it has, and what 1 does: "extension 1001, you have one new message, press 1 …"."""
    counts, voice = mailbox.counts, talk.voice
    owner = talk.greeting_of(mailbox, Greeting.NAME) or voice.prompt("vm-extension") + voice.digits(mailbox.id.number)
    told = owner + voice.counts(counts.urgent, counts.new - counts.urgent, 0)
    return told + voice.listen_to(URGENT if counts.urgent else Folder.NEW)


def _confirm(talk: Conversation, box: MailboxId) -> None:
    """Tell that somebody knows of the messages: that number is not called again about them."""
    with suppress(StoreDownError):  # then it is called once more
        number = talk.phone.call.variable(NUMBER)
        talk.world.mailboxes.log_event(box, EventType.NOTICE_CALL, state="confirmed", number=number)
