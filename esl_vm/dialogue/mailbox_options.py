"""Mailbox options (guide: Options de la boite vocale), and the first call of a new owner."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, assert_never

from esl_vm.dialogue.greetings import numbered_greetings, record_for_mailbox
from esl_vm.dialogue.menus import OptionsMenu, TemporaryMenu
from esl_vm.dialogue.notices import switch_notices
from esl_vm.dialogue.recording import GreetingEnd
from esl_vm.dialogue.visit import Next
from esl_vm.model.errors import AbandonedError, InvalidValueError, SpoolError
from esl_vm.model.mailbox import Greeting
from esl_vm.model.owners import FIRST

if TYPE_CHECKING:
    from esl_vm.dialogue.conversation import Conversation
    from esl_vm.dialogue.visit import Visit
    from esl_vm.model.mailbox import Mailbox
    from esl_vm.model.owners import Owner
    from esl_vm.speech.utterance import Utterance


def mailbox_options(visit: Visit) -> Next:
    """0: greetings, name, PIN. Comes back to the main menu at the same message; what was deleted stays deleted."""
    if visit.read_only:
        return Next(said=visit.say("feature-not-avail-line"))
    visit.after_message = False
    waits = visit.talk.world.waits
    silences = 0
    temporary = visit.mailbox.greetings.get(Greeting.TEMPORARY)
    exists = temporary is not None and temporary.is_active(visit.talk.world.clock.now())
    opening = visit.say("vm-tmpexists") if exists else ()
    while silences < waits.menu_times:
        menu = visit.say("vm-options", "vm-greetings-key")
        key = visit.talk.offer("mailbox options", menu, waits.menu_ms, short=visit.say("vm-starmain"), opening=opening)
        opening = ()
        choice = OptionsMenu.of(key)
        if key is None:
            silences += 1
        elif choice is OptionsMenu.BACK:
            break
        elif choice is not None:
            silences = 0
            said = _do(visit, choice)
            if said is None:
                break
            opening = said
    return Next()


def _do(visit: Visit, choice: OptionsMenu) -> Utterance | None:
    """Carry out a choice; what to say before the menu again, None: back to the main menu."""
    match choice:
        case OptionsMenu.UNAVAILABLE:
            return _record(visit, Greeting.UNAVAILABLE)
        case OptionsMenu.BUSY:
            return _record(visit, Greeting.BUSY)
        case OptionsMenu.NAME:
            return _record(visit, Greeting.NAME)
        case OptionsMenu.TEMPORARY:
            return _temporary(visit)
        case OptionsMenu.GREETINGS:
            return numbered_greetings(visit)
        case OptionsMenu.NOTICES:
            return switch_notices(visit)
        case OptionsMenu.PIN:
            return change_pin(visit.talk, visit.mailbox, visit.owner)
        case OptionsMenu.BACK:
            return None
        case unreachable:
            assert_never(unreachable)


def _record(visit: Visit, greeting: Greeting) -> Utterance | None:
    """Record a greeting; its review left without an answer drops it and leads back to the main menu."""
    try:
        end, mailbox = record_for_mailbox(visit.talk, visit.mailbox, greeting)
    except SpoolError:
        return visit.talk.apology
    visit.mailbox = mailbox
    return None if end is GreetingEnd.TIMED_OUT else ()


def _temporary(visit: Visit) -> Utterance:
    """0 4: the first time it is recorded at once; later 1 records again, 2 erases."""
    if Greeting.TEMPORARY not in visit.mailbox.greetings:
        return _record(visit, Greeting.TEMPORARY) or ()
    waits = visit.talk.world.waits
    silences = 0
    opening: Utterance = ()
    while silences < waits.menu_times:
        key = visit.talk.offer(
            "temporary greeting",
            visit.say("vm-tempgreeting2", "vm-star-cancel"),
            waits.menu_ms,
            short=visit.say("vm-star-cancel"),
            opening=opening,
        )
        opening = ()
        silences = silences + 1 if key is None else 0
        match TemporaryMenu.of(key):
            case None:
                pass
            case TemporaryMenu.RECORD:
                opening = _record(visit, Greeting.TEMPORARY) or ()
            case TemporaryMenu.ERASE:
                visit.talk.world.mailboxes.remove_greeting(visit.box, Greeting.TEMPORARY)
                greetings = dict(visit.mailbox.greetings)
                del greetings[Greeting.TEMPORARY]
                visit.mailbox = replace(visit.mailbox, greetings=greetings)
                return visit.say("vm-tempremoved")
            case TemporaryMenu.BACK:
                return ()
            case unreachable:
                assert_never(unreachable)
    return ()


def change_pin(talk: Conversation, mailbox: Mailbox, owner: Owner | None) -> Utterance:
    """0 5: a new PIN, typed twice, asked again at once where it won't do; what to say about it before the menu again.

    It is that of the owner who is in; of the mailbox's first where nobody knows which it is.
    The PIN stays what it was after `*`, after silence in answer to a complaint, and after the last attempt.
    """
    if mailbox.options.pin_locked:
        return talk.voice.prompt("feature-not-avail-line")
    opening: Utterance = ()
    for _ in range(talk.world.waits.new_pin_times):
        pin = _ask_new_pin(talk, opening)
        if pin == "*" or (opening and not pin):
            return ()
        complaint = _change_to(talk, mailbox, owner, pin)
        if not complaint:
            return talk.voice.prompt("vm-passchanged")
        opening = talk.voice.prompt(complaint)
    return opening


def _ask_new_pin(talk: Conversation, opening: Utterance) -> str:
    return talk.ask_pin(opening + talk.voice.prompt("vm-newpassword"))


def _change_to(talk: Conversation, mailbox: Mailbox, owner: Owner | None, pin: str) -> str:
    """Have a new PIN typed once more and change it; the prompt of the complaint, `` if it was changed."""
    number = owner.number if owner else FIRST
    if talk.world.pins.refusal(mailbox.id, pin, owner=number):
        return "vm-invalid-password"
    if talk.ask_pin(talk.voice.prompt("vm-reenterpassword")) != pin:
        return "vm-mismatch"
    try:
        talk.world.pins.change(mailbox.id, pin, owner=number)
    except InvalidValueError:  # another owner chose the same in this moment
        return "vm-invalid-password"
    return ""


def set_up_new_owner(talk: Conversation, mailbox: Mailbox, owner: Owner | None) -> Mailbox:
    """Lead an owner through what is missing: name, greetings, a PIN of one's own, a new one where the old one is too old.

    Asked for by the options force_name and force_greetings, and by the rules of PINs; what was accepted stays, however the
    call ends.

    Raises:
        AbandonedError: no answer, or three PINs that don't do.
    """
    options, owner = mailbox.options, owner or mailbox.owners[0]
    wanted = [(Greeting.NAME, options.force_name)]
    wanted += [(greeting, options.force_greetings) for greeting in (Greeting.UNAVAILABLE, Greeting.BUSY)]
    missing = [greeting for greeting, forced in wanted if forced and greeting not in mailbox.greetings]
    new_pin = owner.pin_is_initial and (options.force_name or options.force_greetings)
    if not missing and not new_pin:
        is_old = talk.world.pin_rules.is_old(owner.pin_changed, talk.world.clock.now())
        if mailbox.has_pin and not options.pin_locked and is_old:
            _insist_on_pin(talk, mailbox, owner)
        return mailbox
    talk.skim(talk.voice.prompt("vm-newuser"))
    for greeting in missing:
        try:
            end, mailbox = record_for_mailbox(talk, mailbox, greeting)
        except SpoolError:
            talk.apologise()
            return mailbox
        if end is GreetingEnd.TIMED_OUT:
            raise talk.give_up()
    if new_pin:
        _insist_on_pin(talk, mailbox, owner)
    return mailbox


def _insist_on_pin(talk: Conversation, mailbox: Mailbox, owner: Owner) -> None:
    opening: Utterance = ()
    for _ in range(talk.world.waits.new_pin_times):
        complaint = _change_to(talk, mailbox, owner, _ask_new_pin(talk, opening))
        if not complaint:
            talk.say("vm-passchanged")
            return
        opening = talk.voice.prompt(complaint)
    talk.tell(opening)
    raise AbandonedError
