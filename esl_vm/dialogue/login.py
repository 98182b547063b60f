"""Logging in (guide: Boite vocale): own mailbox `*97`, another phone `*98`, and * in one's own greeting."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from esl_vm.dialogue.listing import PAGE
from esl_vm.model.access import authenticated_user, is_own_telephone, named_domain
from esl_vm.model.actor import act_as
from esl_vm.model.call import Cause
from esl_vm.model.mailbox import MailboxId
from esl_vm.model.owners import FIRST
from esl_vm.model.pins import PinCheck

if TYPE_CHECKING:
    from esl_vm.dialogue.conversation import Conversation
    from esl_vm.model.errors import AbandonedError
    from esl_vm.model.mailbox import Mailbox
    from esl_vm.model.store import Entered

log = logging.getLogger(__name__)


class NotTheOwnerError(Exception):
    """A caller pressed * in a greeting without meaning to log in: no PIN came, or * again."""


def own_mailbox(
    talk: Conversation, box: MailboxId, *, vouched: bool, skip_pin: bool = False, by_mistake: bool = False
) -> Entered:
    """Log in to a mailbox that the call names; asks which one if there is none of that number.

    vouched: the dialplan says that its own telephone calls. skip_pin: and that no PIN is asked there. by_mistake: whoever
    types no PIN, or *, may not have meant to log in.

    Raises:
        NotTheOwnerError: that came, where it may have been a mistake.
        AbandonedError: all attempts failed; goodbye was said.
    """
    entered = talk.world.mailboxes.enter(box, PAGE)  # its messages too: where no PIN is asked, that is all
    if entered is None:
        log.warning("call %s: there is no mailbox %s", talk.phone.call.uuid, box)
        return ask_mailbox(talk)
    mailbox, box = entered.mailbox, entered.mailbox.id
    own = _is_own(talk, mailbox, vouched=vouched)
    if skip_pin and not own:
        log.warning("call %s: %s is not the caller's own mailbox: vm_skip_pin is not obeyed", talk.phone.call.uuid, box)
    if _opens_without_pin(talk, mailbox, own=own) or (skip_pin and own):
        talk.speak_in(mailbox.language)
        return entered
    names: tuple[str, ...] = ("vm-password",)
    for _ in range(mailbox.options.maxlogins):
        typed = talk.ask_pin(
            talk.voice.prompt(*names), stop="#*" if by_mistake else "#", more="" if by_mistake else "*"
        )
        if by_mistake and not typed:
            raise NotTheOwnerError
        check, owner = talk.world.pins.whose(box, typed, outside=not own, rest=talk.rest)
        if check is PinCheck.RIGHT:
            return _welcome(talk, box, owner)
        if check is PinCheck.LOCKED:
            raise _locked(talk)
        names = ("vm-incorrect", "vm-password")
    talk.say("vm-incorrect")
    raise talk.give_up(Cause.PIN)


def ask_mailbox(talk: Conversation) -> Entered:
    """Log in to a mailbox that is typed, with its PIN.

    Nothing typed is the caller's own number. The PIN is asked even where there is no such mailbox: a stranger
    learns nothing.

    Raises:
        AbandonedError: all attempts failed, or there is no number to go by.
    """
    names = ("vm-login",)
    for _ in range(talk.world.defaults.maxlogins):
        typed = talk.ask_digits(talk.voice.prompt(*names))
        number = typed or authenticated_user(talk.phone.call) or talk.phone.call.caller.number
        if not number:
            raise talk.give_up()
        names = ("vm-incorrect-mailbox",)
        mailbox = talk.typed_mailbox(number, domain_of(talk))
        box = mailbox.id if mailbox else MailboxId.of(number, domain_of(talk))
        own = mailbox is not None and _is_own(talk, mailbox, vouched=False)
        if mailbox is not None and _opens_without_pin(talk, mailbox, own=own):
            return _welcome(talk, mailbox.id, 0)
        pin = talk.ask_pin(talk.voice.prompt("vm-password"))
        check, owner = PinCheck.WRONG, 0
        if box is not None:
            check, owner = talk.world.pins.whose(box, pin, outside=not own, rest=talk.rest)
        if check is PinCheck.RIGHT and box is not None:
            return _welcome(talk, box, owner)
        if check is PinCheck.LOCKED:
            raise _locked(talk)
    talk.say("vm-incorrect")
    raise talk.give_up(Cause.PIN)


def _is_own(talk: Conversation, mailbox: Mailbox, *, vouched: bool) -> bool:
    """Whether the mailbox's own telephone calls; the dialplan has the last word."""
    call = talk.phone.call
    if call.variable("vm_own_telephone"):
        return call.flag("vm_own_telephone")
    return is_own_telephone(call, mailbox.id, mailbox.accounts, vouched=vouched)


def _opens_without_pin(talk: Conversation, mailbox: Mailbox, *, own: bool) -> bool:
    """Whether none is asked: it has none, and this is its own telephone (or the settings let others in too)."""
    return not mailbox.has_pin and (own or talk.world.pin_rules.initial_from_outside)


def domain_of(talk: Conversation) -> str:
    """The mailboxes' domain of a call: the one it names, else the setting's; in small letters."""
    return named_domain(talk.phone.call) or talk.world.domain.lower()


def _welcome(talk: Conversation, box: MailboxId, owner: int) -> Entered:
    """Let in one who was found to own it, in its language; an administrator may have removed it, or him, this moment."""
    entered = talk.world.mailboxes.enter(box, PAGE)
    known = entered.mailbox.owner(owner or FIRST) if entered else None
    if entered is None or known is None:
        raise talk.give_up(Cause.UNKNOWN)
    act_as(known.name if owner and entered.mailbox.others else "")
    talk.speak_in(entered.mailbox.language)
    return replace(entered, owner=owner)


def _locked(talk: Conversation) -> AbandonedError:
    """Too many wrong PINs on this mailbox, here or elsewhere: it opens again later, or by an administrator."""
    talk.say("vm-incorrect", "please-try-call-later")
    return talk.give_up(Cause.PIN)
