"""0 6: the nine recordings of the unavailable and of the busy greeting: hear, record, choose, erase."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, assert_never

from esl_vm.dialogue.menus import GreetingKindMenu, NumberedMenu
from esl_vm.dialogue.recording import GreetingEnd, record_greeting
from esl_vm.model.errors import SpoolError
from esl_vm.model.greeting_rules import choose, chosen, parse_rules, rules_text
from esl_vm.model.mailbox import Greeting, StoredGreeting
from esl_vm.model.message import new_id

if TYPE_CHECKING:
    from esl_vm.dialogue.conversation import Conversation
    from esl_vm.dialogue.visit import Visit
    from esl_vm.model.mailbox import Mailbox
    from esl_vm.speech.utterance import Utterance

_NUMBERS = "123456789"


def record_for_mailbox(talk: Conversation, mailbox: Mailbox, greeting: Greeting) -> tuple[GreetingEnd, Mailbox]:
    """Record a greeting for a mailbox; how it ended, and the mailbox with it active. Raises SpoolError."""
    now = talk.world.clock.now()
    audio_id = new_id(now)
    former = mailbox.greetings.get(greeting)
    starts, ends = former.kept_dates(now) if former else (0, 0)
    with talk.world.spool.take_greeting(
        mailbox.id,
        greeting,
        audio_id,
        trim_silence=mailbox.options.maxsilence > 0,
        threshold=mailbox.options.silencethreshold,
        replaces=former.audio_id if former else "",
        starts=starts,
        ends=ends,
        call_node=talk.phone.call.node,
    ) as take:
        end = record_greeting(talk, take, mailbox, greeting)
    if end is GreetingEnd.ACCEPTED:
        greetings = dict(mailbox.greetings)
        greetings[greeting] = StoredGreeting(audio_id, starts=starts, ends=ends)
        mailbox = replace(mailbox, greetings=greetings)
    return end, mailbox


def numbered_greetings(visit: Visit) -> Utterance:
    """Ask which kind, then which recording; what to say before the options again."""
    waits = visit.talk.world.waits
    opening: Utterance = ()
    for _ in range(waits.menu_times):
        key = visit.talk.offer(
            "greeting kinds", visit.say("vm-options-first", "vm-star-cancel"), waits.menu_ms, opening=opening
        )
        opening = ()
        match GreetingKindMenu.of(key):
            case GreetingKindMenu.UNAVAILABLE:
                return _numbers(visit, Greeting.UNAVAILABLE)
            case GreetingKindMenu.BUSY:
                return _numbers(visit, Greeting.BUSY)
            case GreetingKindMenu.BACK:
                return ()
            case None:
                opening = () if key is None else visit.say("vm-sorry")
            case unreachable:
                assert_never(unreachable)
    return ()


def _numbers(visit: Visit, kind: Greeting) -> Utterance:
    """Say which one is heard, and ask for a number until there is none."""
    waits = visit.talk.world.waits
    silences = 0
    opening: Utterance = ()
    while silences < waits.menu_times:
        rules = parse_rules(visit.options.greeting_rules)
        usual = Greeting(chosen(rules, kind.value))
        ask = visit.say("vm-num-i-have") + visit.talk.voice.digits(str(usual.number))
        key = visit.talk.ask(
            opening + ask + visit.say("vm-which-number", "vm-star-cancel"), waits.menu_ms, f"{_NUMBERS}*#"
        )
        opening = ()
        if key in {"*", "#"}:
            return ()
        silences = silences + 1 if key is None else 0
        if key is not None:
            opening = _one(visit, kind.numbered(int(key)))
    return ()


def _one(visit: Visit, greeting: Greeting) -> Utterance:
    """Hear a recording, and what becomes of it; one that is not there is recorded at once. What to say then."""
    waits = visit.talk.world.waits
    silences = 0
    opening: Utterance = ()
    if greeting not in visit.mailbox.greetings:
        opening = _record(visit, greeting)
        if greeting not in visit.mailbox.greetings:
            return opening
    else:
        opening = visit.talk.greeting_of(visit.mailbox, greeting)
    while silences < waits.menu_times:
        menu = visit.say("vm-review", "vm-delete", "vm-star-cancel")
        key = visit.talk.offer("greeting", menu, waits.menu_ms, short=visit.say("vm-review"), opening=opening)
        opening = ()
        silences = silences + 1 if key is None else 0
        match NumberedMenu.of(key):
            case None:
                opening = () if key is None else visit.say("vm-sorry")
            case NumberedMenu.CHOOSE:
                _choose(visit, greeting)
                return ()
            case NumberedMenu.LISTEN:
                opening = visit.talk.greeting_of(visit.mailbox, greeting)
            case NumberedMenu.AGAIN:
                opening = _record(visit, greeting)
            case NumberedMenu.ERASE:
                visit.talk.world.mailboxes.remove_greeting(visit.box, greeting)
                others = {one: stored for one, stored in visit.mailbox.greetings.items() if one is not greeting}
                visit.mailbox = replace(visit.mailbox, greetings=others)
                return visit.say("vm-deleted")
            case NumberedMenu.BACK:
                return ()
            case unreachable:
                assert_never(unreachable)
    return ()


def _record(visit: Visit, greeting: Greeting) -> Utterance:
    try:
        _, visit.mailbox = record_for_mailbox(visit.talk, visit.mailbox, greeting)
    except SpoolError:
        return visit.talk.apology
    return ()


def _choose(visit: Visit, greeting: Greeting) -> None:
    """Let it be the one of its kind that is heard where no rule names another."""
    rules = rules_text(choose(parse_rules(visit.options.greeting_rules), greeting.value))
    visit.talk.world.registry.change(visit.box, {"greeting_rules": rules})
    visit.mailbox = replace(visit.mailbox, options=replace(visit.options, greeting_rules=rules))
