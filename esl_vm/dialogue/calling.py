"""Calling back (3 2) and placing a call (3 4): off until an administrator allows them, to allowed numbers, so many a day."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from esl_vm.actions.calling import CallRefusal, place_call
from esl_vm.dialogue.conversation import DIGITS
from esl_vm.dialogue.listening import gone_meanwhile
from esl_vm.dialogue.menus import CallBackMenu
from esl_vm.dialogue.visit import Next
from esl_vm.model.call import Status

if TYPE_CHECKING:
    from esl_vm.dialogue.visit import Visit
    from esl_vm.speech.utterance import Utterance


def call_back(visit: Visit) -> Next:
    """3 2: call the number that left the current message, or another one."""
    if not visit.options.callback:
        return Next(said=visit.say("feature-not-avail-line"))
    if not visit.after_message or visit.here is None:
        return Next(said=visit.say("vm-sorry"))
    if (gone := gone_meanwhile(visit, visit.here)) is not None:
        return gone
    number = visit.here.message.caller.dialable
    waits = visit.talk.world.waits
    opening: Utterance = ()
    for _ in range(waits.menu_times):
        key = visit.talk.ask(opening + _offer(visit, number), waits.menu_ms)
        opening = ()
        match CallBackMenu.of(key):
            case CallBackMenu.CALL if number:
                return place(visit, number, "call-back")
            case CallBackMenu.CALL | CallBackMenu.OTHER if visit.options.dialout:
                return call_out(visit)
            case CallBackMenu.CANCEL:
                return Next()
            case None if key in {None, "#"}:
                pass
            case CallBackMenu.CALL | CallBackMenu.OTHER | None:
                opening = visit.say("vm-sorry")
            case unreachable:
                assert_never(unreachable)
    return Next()


def call_out(visit: Visit) -> Next:
    """3 4: call a number that is typed."""
    if not visit.options.dialout:
        return Next(said=visit.say("feature-not-avail-line"))
    number = _ask_number(visit)
    return place(visit, number, "call") if number else Next()


def place(visit: Visit, number: str, how: str) -> Next:
    """Leave the mailbox and go on to a number, if that is allowed and the hour's and the day's calls are not used up.

    It is written down in any case, with how it came to it (`call-back`, `call`); what it costs is the owner's.
    """
    talk = visit.talk
    match place_call(talk.world.mailboxes, visit.box, visit.options, number, how):
        case CallRefusal.NUMBER:
            return Next(said=visit.say("feature-not-avail-line"))
        case CallRefusal.TOO_MANY:
            return Next(said=talk.apology)
        case None:
            pass
    talk.know(Status.SUCCESS)
    visit.close_folder()
    talk.say("vm-dialout")
    talk.hand_over(number, talk.world.call_context, vm_dialed_number=number, vm_dialed_by=str(visit.box))
    return Next(leave=True, goodbye=False)


def _offer(visit: Visit, number: str) -> Utterance:
    if not number:
        names = ["vm-nonumber", *(["vm-toenternumber"] if visit.options.dialout else []), "vm-star-cancel"]
        return visit.say(*names)
    said = visit.say("vm-num-i-have") + visit.talk.voice.digits(number) + visit.say("vm-tocallnum")
    return said + visit.say(*(["vm-calldiffnum"] if visit.options.dialout else []), "vm-star-cancel")


def _ask_number(visit: Visit) -> str:
    """A telephone number, ended by # or silence; `*` first or last cancels; `` if none came."""
    waits, phone = visit.talk.world.waits, visit.talk.phone
    ask = visit.say("vm-enter-num-to-call", "vm-then-pound", "vm-star-cancel")
    for _ in range(waits.number_times):
        typed = ""
        key = visit.talk.ask(ask, waits.number_first_ms, DIGITS + "*#")
        while key is not None and key != "#":
            typed += key
            if typed == "*":
                return ""
            key = phone.wait_key(waits.number_next_ms if len(typed) > 1 else waits.number_second_ms, DIGITS + "*#")
        if typed:
            return "" if typed.endswith("*") else typed
    return ""
