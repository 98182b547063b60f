"""Leaving a message (`vm_action=leave`; guide: Messages d'accueil, Pour prendre vos messages à distance)."""

from __future__ import annotations

import contextlib
import logging
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING

from esl_vm.dialogue.addressees import UNKNOWN, addressees, as_text, members
from esl_vm.dialogue.exits import LeftFor, leave_by, led_on
from esl_vm.dialogue.recording import MessageEnd, record_message, say_and_beep
from esl_vm.model.access import is_internal
from esl_vm.model.call import AnswerPolicy, Cause, Status
from esl_vm.model.conditions import no_calendar
from esl_vm.model.errors import CallerGoneError, SpoolError, StoreDownError
from esl_vm.model.exits import parse_exits
from esl_vm.model.greeting_choice import fitting
from esl_vm.model.greeting_rules import Circumstances
from esl_vm.model.mailbox import Greeting, Mailbox, MailboxId
from esl_vm.model.message import Message, new_id
from esl_vm.model.units import in_ms
from esl_vm.recordings.outcome import Settled
from esl_vm.recordings.undelivered import log_not_delivered

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from esl_vm.dialogue.addressees import Addressees
    from esl_vm.dialogue.conversation import Conversation
    from esl_vm.model.exits import Exit
    from esl_vm.recordings.take import Take
    from esl_vm.speech.utterance import Utterance

log = logging.getLogger(__name__)

PRESS = "1"
"""The key before the tone, where a mailbox wants one."""


class Reason(Enum):
    """Why the caller ended here (`vm_reason`): which greeting, and "is unavailable" or "is on the phone"."""

    UNAVAILABLE = "unavailable"
    BUSY = "busy"
    NONE = "none"

    @classmethod
    def of(cls, text: str) -> Reason:
        """The reason named by the dialplan; unavailable where it names none or one we don't know."""
        try:
            return cls(text.strip().lower())
        except ValueError:
            return cls.UNAVAILABLE


def leave(talk: Conversation, to: Addressees, reason: Reason, *, greeted: bool = False) -> LeftFor | MailboxId:
    """The whole visit of a caller. OWNER: they pressed * and want to log in to the first mailbox.

    A mailbox: an exit of this one leads there. greeted: they were here already: the greeting is not played again.
    """
    boxes = to.boxes
    talk.box = boxes[0]
    if to.refused:
        talk.phone.set_variables({"vm_undelivered": as_text(to.refused)})
    mailbox = _look_up(talk, boxes[0])
    if mailbox is None:
        listed = addressees(talk, [(str(box), box) for box in members(talk, boxes[0])])
        if listed.boxes:
            return leave(talk, listed, reason, greeted=greeted)
        log.warning("call %s: there is no mailbox %s", talk.phone.call.uuid, boxes[0])
        no_such_mailbox(talk)
        return LeftFor.END
    talk.box, boxes = mailbox.id, (mailbox.id, *boxes[1:])
    talk.know(Status.USEREXIT, Cause.LEFT)
    exits = parse_exits(mailbox.options.exits)
    led = None if greeted or len(boxes) > 1 else led_on(talk, mailbox, exits.get(reason.value))
    if led is not None:
        return led
    if talk.answers is AnswerPolicy.KNOWN:
        talk.answer()
    if not talk.phone.call.variable("vm_language"):
        talk.speak_in(mailbox.language)
    talk.brief = mailbox.options.brief
    operator = talk.operator_for(mailbox)
    doors = {key: way for key, way in exits.items() if key.isdecimal()}
    if talk.phone.call.variable("vm_operator"):
        doors.pop("0", None)
    keys = "#" + "*" * mailbox.options.greeting_login + "".join(sorted({*doors, *("0" * bool(operator))}))
    if mailbox.takes_messages and mailbox.is_full:
        talk.know(Status.FAILED, Cause.FULL)
        key = talk.ask(talk.voice.prompt("vm-mailboxfull"), keys=keys)
        return LeftFor.END if key in {None, "#"} else _answer_early(talk, key, mailbox, doors)
    if not mailbox.takes_messages:
        return _answer_early(talk, talk.ask(_greeting(talk, mailbox, reason), keys=keys), mailbox, doors)
    message = Message(
        id=new_id(talk.world.clock.now()),
        caller=talk.phone.call.caller,
        received=talk.world.clock.now(),
        urgent=talk.phone.call.flag("vm_urgent"),
        call=talk.phone.call.details,
    )
    try:
        take = take_message(talk, boxes, message, mailbox)
    except SpoolError:
        talk.know(Status.FAILED, Cause.AWAY)
        talk.apologise()
        return LeftFor.END
    try:
        with take:
            _see_that_it_can_be_recorded(talk, take)
            key = _greet(talk, take, mailbox, reason, keys, greeted=greeted)
            if key is not None:
                take.discard()
                return _answer_early(talk, key, mailbox, doors)
            end = record_message(talk, take, mailbox, operator=operator, urgent=message.urgent)
    except SpoolError as error:
        talk.world.spool.refused.log("call %s: its message can't be recorded: %s", talk.phone.call.uuid, error)
        talk.know(Status.FAILED, Cause.AWAY)
        talk.apologise()
        return LeftFor.END
    finally:
        if take.settled in {Settled.DELIVERED, Settled.WAITING}:  # also when the caller hung up
            talk.status, talk.cause = Status.SUCCESS, Cause.NONE
            talk.message_id = message.id
            _tell_undelivered(talk, to, take, message)
    if end is MessageEnd.KEPT_BY_SILENCE:
        talk.goodbye()
    if end in {MessageEnd.OPERATOR_KEPT, MessageEnd.OPERATOR_DROPPED}:
        to_operator(talk, operator)
    return LeftFor.END


def _see_that_it_can_be_recorded(talk: Conversation, take: Take) -> None:
    """Before the greeting, so that nobody is asked to speak for nothing; raises SpoolError, and drops the take."""
    if not talk.phone.can_record(take.path):
        take.discard()
        raise SpoolError(f"the folder {take.path.parent} can't be used, here or by the call's FreeSWITCH")


def _tell_undelivered(talk: Conversation, to: Addressees, take: Take, message: Message) -> None:
    """Tell the dialplan who did not get it: found out before the greeting, or when it was delivered.

    Those found out before have no copy in the take, so their events are written here; the others' by the delivery.
    """
    before = {box: why for box, why in to.turned_away.items() if box not in take.deliveries}
    log_not_delivered(talk.world.mailboxes, message, before)
    for name in to.no_numbers:  # there is no mailbox whose event it could be
        log_not_delivered(talk.world.mailboxes, message, {to.boxes[0]: UNKNOWN}, named=name)
    since = {str(box): delivery.refusal for box, delivery in take.deliveries.items() if not delivery.kept}
    if since:
        with contextlib.suppress(CallerGoneError):
            talk.phone.set_variables({"vm_undelivered": as_text(to.refused | since)})


def take_message(
    talk: Conversation, boxes: Sequence[MailboxId], message: Message, mailbox: Mailbox, *, due: float = 0.0
) -> Take:
    """A take for a message to these mailboxes, by the first one's options; raises SpoolError."""
    options = mailbox.options
    return talk.world.spool.take_message(
        boxes,
        message,
        min_ms=in_ms(options.minsecs),
        trim_silence=options.maxsilence > 0,
        threshold=options.silencethreshold,
        call_node=talk.phone.call.node,
        due=due,
    )


def to_operator(talk: Conversation, operator: str) -> None:
    """Say that the call goes to the operator, and send it there."""
    talk.know(Status.USEREXIT, Cause.OPERATOR, talk.message_id)
    if talk.box is not None:
        with contextlib.suppress(StoreDownError):  # who wants the operator gets him
            talk.world.mailboxes.log_outgoing_call(talk.box, operator, "operator")
    talk.say("transfer")
    talk.hand_over(operator, vm_dialed_number=operator, vm_dialed_by=str(talk.box or ""))


def instructions(talk: Conversation, mailbox: Mailbox, reason: Reason) -> Utterance:
    """The words "please leave your message after the tone", unless the mailbox or the dialplan leaves it out."""
    call = talk.phone.call
    skip = call.variable("vm_skip_instructions").strip().lower()
    if mailbox.options.skip_instructions or skip == "always" or call.flag("vm_skip_instructions"):
        return ()
    if skip == "greeted" and _recorded_greeting(talk, mailbox, reason):
        return ()
    return talk.voice.prompt(talk.request)


def _look_up(talk: Conversation, box: MailboxId) -> Mailbox | None:
    """The mailbox; with the store down, one with the service's defaults: the message waits in the spool."""
    try:
        return talk.world.mailboxes.open(box)
    except StoreDownError:
        return talk.unseen(box)


def _recorded_greeting(talk: Conversation, mailbox: Mailbox, reason: Reason) -> Utterance:
    call = talk.phone.call
    if greeting := _named_by_the_dialplan(talk, mailbox, reason):
        return greeting
    at = datetime.fromtimestamp(talk.world.clock.now(), talk.zone(mailbox))
    calendars = talk.world.calendars
    circumstances = Circumstances(at, reason is Reason.BUSY, call.caller.number, is_internal(call))
    try:
        for choice in fitting(mailbox, circumstances, calendars.covers if calendars else no_calendar):
            if reason is Reason.NONE and choice.greeting is not Greeting.TEMPORARY:
                break
            if greeting := talk.greeting_of(mailbox, choice.greeting):  # else its sound can't be had: the next one
                return greeting
    except StoreDownError:
        pass
    return ()


def _named_by_the_dialplan(talk: Conversation, mailbox: Mailbox, reason: Reason) -> Utterance:
    """The greeting of that number (`vm_greeting`, 1 to 9); empty where none is named, or it is not recorded."""
    number = talk.phone.call.variable("vm_greeting").strip()
    if len(number) != 1 or number not in "123456789":
        return ()
    kind = Greeting.BUSY if reason is Reason.BUSY else Greeting.UNAVAILABLE
    try:
        return talk.greeting_of(mailbox, kind.numbered(int(number)))
    except StoreDownError:
        return ()


def _greeting(talk: Conversation, mailbox: Mailbox, reason: Reason) -> Utterance:
    """Temporary, else busy or unavailable, else the name (or "the person at extension N") and what keeps them."""
    recorded = _recorded_greeting(talk, mailbox, reason)
    if recorded or reason is Reason.NONE:
        return recorded
    state = talk.voice.prompt("vm-isonphone" if reason is Reason.BUSY else "vm-isunavail")
    try:
        name = talk.greeting_of(mailbox, Greeting.NAME)
    except StoreDownError:
        name = ()
    return (name or talk.voice.prompt("vm-theperson") + talk.voice.digits(mailbox.id.number)) + state


def _greet(talk: Conversation, take: Take, mailbox: Mailbox, reason: Reason, keys: str, *, greeted: bool) -> str | None:
    """Say the greeting, then the tone; None: it was heard, and the message may begin. Else the key that leads elsewhere.

    Where 1 is to be pressed before the tone, who presses nothing (a machine that calls) hears goodbye.
    """
    skipped = greeted or talk.phone.call.flag("vm_skip_greeting")
    opening = () if skipped else _greeting(talk, mailbox, reason)
    if mailbox.options.press_to_leave:
        ask = talk.voice.prompt("vm-leave-key")
        for _ in range(talk.world.waits.menu_times):
            key = talk.ask(opening + ask, talk.world.waits.menu_ms, keys + PRESS)
            opening = ()
            if key == PRESS:
                break
            if key not in {None, "#"}:  # which cuts the greeting short
                return key
        else:
            take.discard()
            raise talk.give_up()
    return say_and_beep(talk, opening + instructions(talk, mailbox, reason), keys)


def _answer_early(
    talk: Conversation, key: str | None, mailbox: Mailbox, doors: Mapping[str, Exit]
) -> LeftFor | MailboxId:
    """A key in the greeting: * is the owner, 0 the operator, or an exit; an announcement that was heard out is a success."""
    if key == "*":
        return LeftFor.OWNER
    if key is not None and key in doors:
        return leave_by(talk, mailbox, doors[key])
    if key == "0":
        to_operator(talk, talk.operator_for(mailbox))
    else:
        talk.know(Status.SUCCESS)
    return LeftFor.END


def no_such_mailbox(talk: Conversation) -> None:
    """Say that the number has no voicemail; to one who was not answered the dialplan says it."""
    talk.know(Status.FAILED, Cause.UNKNOWN)
    if talk.answered:
        talk.say("ss-noservice")
