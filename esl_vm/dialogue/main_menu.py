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

BEFORE_MESSAGE, FOR_MESSAGE = "main menu", "main menu, for a message"


def visit_mailbox(talk: Conversation, entered: Entered) -> None:
    """The whole visit of an owner who is logged in. However it ends, the open folder is left in order."""
    talk.owner_is_in = True
    talk.know(Status.SUCCESS)
    talk.box = entered.mailbox.id
    talk.brief = entered.mailbox.options.brief
    visit = Visit.begin(talk, entered)
    talk.owner = visit.owner.name if visit.owner and visit.mailbox.others else ""
    if not visit.read_only:
        visit.mailbox = set_up_new_owner(talk, entered.mailbox, visit.owner)
    try:
        _main_menu(visit)
    finally:
        visit.close_folder()


def _main_menu(visit: Visit) -> None:
    step = _autoplay(visit) or Next(said=_welcome(visit))
    while not step.leave:
        key = step.key or _ask(visit, step.said)
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


def _ask(visit: Visit, said: Utterance) -> str | None:
    """Say the main menu and wait for its key; `said` is said before, in the same breath."""
    wait_ms = visit.talk.world.waits.menu_ms
    if visit.after_message and visit.here is not None:
        whole, short = _offer_for_message(visit), _offer_for_message(visit, short=True)
        return visit.talk.offer(FOR_MESSAGE, whole, wait_ms, short=short, opening=said)
    said += _to_listen(visit) + visit.besides
    visit.fresh, visit.besides = False, ()
    leave = visit.say("vm-helpexit")
    return visit.talk.offer(BEFORE_MESSAGE, visit.say("vm-opts") + leave, wait_ms, short=leave, opening=said)


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
    counts, before = visit.mailbox.counts, _reminder(visit)
    kinds = {URGENT: counts.urgent, Folder.NEW: counts.new - counts.urgent, Folder.OLD: counts.old}
    if visit.options.brief and kinds[visit.listing.name]:
        # What opens is told with the key that plays it; the rest, if there is any, behind it.
        kinds[visit.listing.name] = 0
        visit.besides = visit.talk.voice.counts(*kinds.values()) if any(kinds.values()) else ()
        return before
    return before + visit.talk.voice.counts(*kinds.values())


def _reminder(visit: Visit) -> Utterance:
    """That a temporary greeting is active, if its owner wants to be reminded."""
    temporary = visit.mailbox.greetings.get(Greeting.TEMPORARY)
    active = temporary is not None and temporary.is_active(visit.talk.world.clock.now())
    return visit.say("vm-tempgreetactive") if active and visit.options.tempgreetwarn else ()


def _autoplay(visit: Visit) -> Next | None:
    """`vm_autoplay`, or the option: a folder whose messages are played at once, without the menu first."""
    name = visit.talk.phone.call.variable("vm_autoplay").lower()
    if not name and visit.options.autoplay and visit.mailbox.counts.new:
        name = Folder.NEW
    if not name or name not in set(Folder) - {Folder.TRASH}:
        return None
    if name != visit.listing.folder:
        visit.open_folder(name)
    visit.sound_first = visit.options.brief
    return play_first(visit, said=_reminder(visit))


def _to_listen(visit: Visit) -> Utterance:
    if not len(visit.listing):
        return ()
    count = len(visit.listing) if visit.options.brief and visit.fresh else 0
    return visit.talk.voice.listen_to(visit.listing.name, count=count)


def _offer_for_message(visit: Visit, *, help_: bool = False, short: bool = False) -> Utterance:
    """What can be done with the message that was played. help_: as part of what * says; short: what is wanted most."""
    if not visit.options.brief:
        return _offer_as_comedian_mail(visit, advanced=not help_)
    names = []
    if not visit.read_only:
        names.append("vm-undelete" if visit.restorable else "vm-delete")
    if _has_next(visit):
        names.append("vm-next")
    if not visit.read_only:
        names.append("vm-savemessage")
    if not short:
        names += ["vm-repeat", "vm-toforward"]
        if _has_previous(visit):
            names.append("vm-prev")
        names.append("vm-opts" if help_ else "vm-advopts")
    return visit.say(*names, "vm-helpexit")


def _offer_as_comedian_mail(visit: Visit, *, advanced: bool) -> Utterance:
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
    """All there is to say; before any message was played, the menu itself does."""
    visit.talk.forget(BEFORE_MESSAGE)
    visit.talk.forget(FOR_MESSAGE)
    if not visit.after_message or visit.here is None:
        return Next()
    said: Utterance = ()
    menu = _offer_for_message(visit, help_=True)
    if not visit.options.brief:
        full = visit.talk.voice.listen_to(visit.listing.name, full=True)
        said = _to_listen(visit) + visit.say("vm-opts")
        menu = full + visit.say("vm-opts-full") + menu
    else:
        menu += _to_listen(visit) + visit.say("listen-keys")
    while True:
        key = visit.talk.ask(said + menu, visit.talk.world.waits.menu_ms)
        said = ()
        if key is not None:
            return Next(key=key)
        visit.silences += 1
        if visit.silences == visit.talk.world.waits.main_times:
            return Next(leave=True)
