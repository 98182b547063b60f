"""Ways out of the greeting: to an extension, an outside number, another mailbox or the directory (guide: Messages d'accueil)."""

from __future__ import annotations

import contextlib
import logging
from enum import Enum
from typing import TYPE_CHECKING

from esl_vm.actions.calling import CallRefusal, place_call
from esl_vm.dialogue.addressees import members
from esl_vm.dialogue.directory import directory
from esl_vm.model.call import Cause, Status
from esl_vm.model.errors import StoreDownError
from esl_vm.model.exits import ExitKind
from esl_vm.model.mailbox import MailboxId

if TYPE_CHECKING:
    from esl_vm.dialogue.conversation import Conversation
    from esl_vm.model.exits import Exit
    from esl_vm.model.mailbox import Mailbox
    from esl_vm.speech.utterance import Utterance

log = logging.getLogger(__name__)

MOST_MAILBOXES = 5
"""How many mailboxes one call goes through by exits: a caller, or two mailboxes that lead to one another, must come to an end."""
PASSED = "vm_exited"
"""The variable that tells, also behind a transfer, which mailboxes led a call on by themselves."""


class LeftFor(Enum):
    """What the front door does after someone left (or didn't leave) a message.

    BACK: they chose an exit that is not open, and may still leave their message.
    """

    END = "end"
    OWNER = "owner"
    BACK = "back"


def led_on(talk: Conversation, mailbox: Mailbox, way: Exit | None) -> LeftFor | MailboxId | None:
    """Lead on a caller for whose reason the mailbox has an exit; None: the greeting is heard, as there is none, or it is shut.

    A mailbox does so once in a call, whatever extensions the call goes through: two that lead to one another end in a greeting.
    """
    box = mailbox.id
    passed = talk.phone.call.variable(PASSED).split()
    if way is None or str(box) in passed or box in talk.passed:
        return None
    return _take(talk, mailbox, way, refused=None, **{PASSED: " ".join([*passed, *map(str, talk.passed), str(box)])})


def leave_by(talk: Conversation, mailbox: Mailbox, way: Exit) -> LeftFor | MailboxId:
    """Lead on a caller who pressed an exit's key; one that is shut is said to be, and the message can be left."""
    talk.answer()
    return _take(talk, mailbox, way, refused=talk.voice.prompt("feature-not-avail-line")) or LeftFor.BACK


def _take(
    talk: Conversation, mailbox: Mailbox, way: Exit, refused: Utterance | None, **more: str
) -> LeftFor | MailboxId | None:
    """Go that way; None: it is shut. refused: what is said then; None: nothing is said, here or there."""
    box, asked = mailbox.id, refused is not None
    match way.kind:
        case ExitKind.MAILBOX:
            found = MailboxId.parse(way.to, box.domain)
            if len(talk.passed) < MOST_MAILBOXES and _is_there(talk, found):
                talk.passed.append(box)
                return found
        case ExitKind.DIRECTORY:
            talk.answer()
            directory(talk, box.domain)
            return LeftFor.END
        case ExitKind.EXTENSION:
            with contextlib.suppress(StoreDownError):  # who wants to be connected is
                talk.world.mailboxes.log_outgoing_call(box, way.to, "exit")
            return _send(talk, mailbox, way.to, "transfer" if asked else "", "", more)
        case ExitKind.NUMBER:
            why = _refusal(talk, mailbox, way.to)
            if why is None:
                return _send(talk, mailbox, way.to, "vm-dialout" if asked else "", talk.world.call_context, more)
            if why is CallRefusal.TOO_MANY and asked:
                refused = talk.apology
    log.warning("call %s: the exit to %s of %s is shut", talk.phone.call.uuid, way, box)
    if refused is not None:
        talk.tell(refused)
    return None


def _is_there(talk: Conversation, box: MailboxId) -> bool:
    """Whether a mailbox or list is there; with Redis away it counts as there: the message waits in the spool."""
    try:
        return talk.world.mailboxes.open(box) is not None or bool(members(talk, box))
    except StoreDownError:
        return True


def _refusal(talk: Conversation, mailbox: Mailbox, number: str) -> CallRefusal | None:
    try:
        return place_call(talk.world.mailboxes, mailbox.id, mailbox.options, number, "exit")
    except StoreDownError:
        return CallRefusal.TOO_MANY  # it can't be counted


def _send(talk: Conversation, mailbox: Mailbox, to: str, said: str, context: str, more: dict[str, str]) -> LeftFor:
    talk.know(Status.USEREXIT, Cause.EXIT)
    if said:
        talk.say(said)
    talk.hand_over(to, context, vm_dialed_number=to, vm_dialed_by=str(mailbox.id), **more)
    return LeftFor.END
