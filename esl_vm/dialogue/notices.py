"""Notices of messages, stopped and had again by telephone (guide: Options de la boîte vocale, 7)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from esl_vm.model.options import option_text

if TYPE_CHECKING:
    from esl_vm.dialogue.visit import Visit
    from esl_vm.speech.utterance import Utterance


def switch_notices(visit: Visit) -> Utterance:
    """0 7: nobody is told of messages any more, or again as the rules say; nothing where the mailbox has no rules."""
    if not visit.options.notify_rules:
        return visit.say("vm-sorry")
    wanted = not visit.options.notices
    visit.talk.world.registry.change(visit.box, {"notices": option_text(wanted)})
    visit.mailbox = replace(visit.mailbox, options=replace(visit.options, notices=wanted))
    return visit.say("activated" if wanted else "de-activated")
