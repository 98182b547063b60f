"""Advanced options (guide: Options avancées)."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from esl_vm.dialogue.calling import call_back, call_out
from esl_vm.dialogue.folders import open_trash
from esl_vm.dialogue.handling import handle
from esl_vm.dialogue.later import scheduled, send_later
from esl_vm.dialogue.listening import envelope_of, gone_meanwhile
from esl_vm.dialogue.mailing import mail_message
from esl_vm.dialogue.menus import AdvancedMenu
from esl_vm.dialogue.sending import reply, send
from esl_vm.dialogue.visit import Next

if TYPE_CHECKING:
    from esl_vm.dialogue.visit import Visit
    from esl_vm.speech.utterance import Utterance


def advanced_options(visit: Visit) -> Next:
    """3: what can be done beside listening; every choice ends in the main menu, # leaves."""
    waits = visit.talk.world.waits
    for _ in range(waits.menu_times):
        menu = "advanced options, for a message" if visit.after_message else "advanced options"
        key = visit.talk.offer(menu, _offer(visit), waits.menu_ms, short=visit.say("vm-starmain"))
        choice = AdvancedMenu.of(key)
        if choice is not None:
            return _do(visit, choice)
    return Next()


def _do(visit: Visit, choice: AdvancedMenu) -> Next:
    match choice:
        case AdvancedMenu.REPLY:
            return reply(visit)
        case AdvancedMenu.CALL_BACK:
            return call_back(visit)
        case AdvancedMenu.ENVELOPE:
            return _envelope(visit)
        case AdvancedMenu.OUTGOING_CALL:
            return call_out(visit)
        case AdvancedMenu.SEND:
            return send(visit)
        case AdvancedMenu.LATER:
            return send_later(visit)
        case AdvancedMenu.SCHEDULED:
            return scheduled(visit)
        case AdvancedMenu.MAIL:
            return mail_message(visit)
        case AdvancedMenu.TRASH:
            return open_trash(visit)
        case AdvancedMenu.HANDLE:
            return handle(visit)
        case AdvancedMenu.BACK:
            return Next()
        case AdvancedMenu.LEAVE:
            return Next(leave=True)
        case unreachable:
            assert_never(unreachable)


def _envelope(visit: Visit) -> Next:
    if not visit.after_message or visit.here is None:
        return Next(said=visit.say("vm-sorry"))
    if (gone := gone_meanwhile(visit, visit.here)) is not None:
        return gone
    visit.talk.skim(envelope_of(visit, visit.here.message))
    return Next()


def _offer(visit: Visit) -> Utterance:
    options, names = visit.options, []
    if visit.after_message:
        names.append("vm-toreply")
        if options.callback:
            names.append("vm-tocallback")
        names.append("vm-tohearenv")
    if options.dialout:
        names.append("vm-tomakecall")
    if options.sendvoicemail:
        names.append("vm-leavemsg")
    return visit.say(*names, "vm-starmain")
