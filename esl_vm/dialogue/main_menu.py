"""The main menu (guide: Menu principal), before and after a message."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from esl_vm.dialogue.advanced import advanced_options
from esl_vm.dialogue.folders import change_folder, save_to_folder
from esl_vm.dialogue.forwarding import forward
from esl_vm.dialogue.listening import delete_or_restore, next_message, play_first, play_here, previous_message
from esl_vm.dialogue.listing import URGENT
from esl_vm.dialogue.mailbox_options import mailbox_options, set_up_new_owner
from esl_vm.dialogue.menus import MainMenu
from esl_vm.dialogue.visit import Next, Visit
from esl_vm.model.call import Status
from esl_vm.model.mailbox import Folder, Greeting

if TYPE_CHECKING:
    from esl_vm.dialogue.conversation import Conversation
    from esl_vm.model.store import Entered
    from esl_vm.speech.utterance import Utterance


def visit_mailbox(talk: Conversation, entered: Entered) -> None:
    """The whole visit of an owner who is logged in. However it ends, the open folder is left in order."""
    talk.owner_is_in = True
    talk.know(Status.SUCCESS)
    talk.box = entered.mailbox.id
    visit = Visit.begin(talk, entered)
    if not visit.read_only:
        visit.mailbox = set_up_new_owner(talk, entered.mailbox)
    try:
        _main_menu(visit)
    finally:
        visit.close_folder()


def _main_menu(visit: Visit) -> None:
    step = _autoplay(visit) or Next(said=_welcome(visit))
    while not step.leave:
        key = step.key or visit.talk.ask(step.said + _offer(visit), visit.talk.world.waits.menu_ms)
        if key is None:
            visit.silences += 1
            if visit.silences == visit.talk.world.waits.main_times:
                break
            step = Next()
        else:
            visit.silences = 0
            step = _do(visit, MainMenu(key))
    if step.goodbye:
        visit.talk.goodbye()


def _do(visit: Visit, choice: MainMenu) -> Next:
    match choice:
        case MainMenu.LISTEN:
            return play_first(visit)
        case MainMenu.CHANGE_FOLDER:
            return change_folder(visit)
        case MainMenu.ADVANCED:
            return advanced_options(visit)
        case MainMenu.PREVIOUS:
            return previous_message(visit)
        case MainMenu.REPEAT:
            return play_here(visit)
        case MainMenu.NEXT:
            return next_message(visit)
        case MainMenu.DELETE:
            return delete_or_restore(visit)
        case MainMenu.FORWARD:
            return forward(visit)
        case MainMenu.SAVE:
            return save_to_folder(visit)
        case MainMenu.OPTIONS:
            return mailbox_options(visit)
        case MainMenu.HELP:
            return _help(visit)
        case MainMenu.LEAVE:
            return Next(leave=True)
        case unreachable:
            assert_never(unreachable)


def _welcome(visit: Visit) -> Utterance:
    """Count the messages: "you have N new and M old messages", after a reminder of an active temporary greeting."""
    mailbox, counts = visit.mailbox, visit.mailbox.counts
    temporary = mailbox.greetings.get(Greeting.TEMPORARY)
    now = visit.talk.world.clock.now()
    reminder = temporary is not None and temporary.in_force(now) and visit.options.tempgreetwarn
    said = visit.talk.voice.counts(counts.urgent, counts.new - counts.urgent, counts.old)
    return visit.say("vm-tempgreetactive") + said if reminder else said


def _autoplay(visit: Visit) -> Next | None:
    """`vm_autoplay`: a folder whose messages are played at once, without the menu first."""
    name = visit.talk.phone.call.variable("vm_autoplay").lower()
    if not name or name not in set(Folder) - {Folder.TRASH}:
        return None
    if name != visit.listing.folder:
        visit.open_folder(name)
    return play_first(visit)


def _offer(visit: Visit) -> Utterance:
    """What the main menu lists now."""
    if visit.after_message and visit.here is not None:
        return _offer_for_message(visit)
    return _to_listen(visit) + visit.say("vm-opts", "vm-helpexit")


def _to_listen(visit: Visit) -> Utterance:
    if not len(visit.listing):
        return ()
    return visit.talk.voice.listen_to(visit.listing.name)


def _offer_for_message(visit: Visit, *, advanced: bool = True) -> Utterance:
    names = []
    if _has_previous(visit):
        names.append("vm-prev")
    if advanced:
        names.append("vm-advopts")
    names.append("vm-repeat")
    if _has_next(visit):
        names.append("vm-next")
    if not visit.read_only:
        names.append("vm-undelete" if visit.restorable else "vm-delete")
    names.append("vm-toforward")
    if not visit.read_only:
        names.append("vm-savemessage")
    names.append("vm-helpexit")
    return visit.say(*names)


def _has_previous(visit: Visit) -> bool:
    listing = visit.listing
    wraps = visit.options.messagewrap and len(listing) > 1
    return listing.current > 0 or wraps or (listing.name == Folder.NEW and visit.urgent_left())


def _has_next(visit: Visit) -> bool:
    listing = visit.listing
    wraps = visit.options.messagewrap and len(listing) > 1
    return listing.current + 1 < len(listing) or wraps or (listing.name == URGENT and visit.ordinary_left())


def _help(visit: Visit) -> Next:
    """The long help; before any message was played, the menu itself says all there is."""
    if not visit.after_message or visit.here is None:
        return Next()
    full = visit.talk.voice.listen_to(visit.listing.name, full=True)
    said = _to_listen(visit) + visit.say("vm-opts")
    menu = full + visit.say("vm-opts-full") + _offer_for_message(visit, advanced=False)
    while True:
        key = visit.talk.ask(said + menu, visit.talk.world.waits.menu_ms)
        said = ()
        if key is not None:
            return Next(key=key)
        visit.silences += 1
        if visit.silences == visit.talk.world.waits.main_times:
            return Next(leave=True)
