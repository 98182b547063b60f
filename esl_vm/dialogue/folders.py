"""Folders (guide: Changer de dossier): 2 opens one, 9 saves the current message in one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from esl_vm.dialogue.listening import next_message, was_deleted
from esl_vm.dialogue.listing import Listing
from esl_vm.dialogue.menus import FolderMenu
from esl_vm.dialogue.visit import Next
from esl_vm.model.errors import NoSuchMessageError
from esl_vm.model.mailbox import Folder
from esl_vm.speech.utterance import Pause

if TYPE_CHECKING:
    from esl_vm.dialogue.visit import Visit
    from esl_vm.speech.utterance import Utterance

SPOKEN = (Folder.NEW, Folder.OLD, Folder.WORK, Folder.FAMILY, Folder.FRIENDS)


def change_folder(visit: Visit) -> Next:
    """2: leave the open folder for another; cancelled, begin again at its first message."""
    folder = _choose(visit, "vm-changeto")
    if folder is Folder.NEW:
        visit.open_new()
    elif folder is not None:
        visit.open_folder(folder)
    visit.listing.current = 0
    visit.after_message = False
    if not visit.options.brief:
        return Next(said=visit.talk.voice.folder_messages(visit.listing.name))
    visit.fresh = True  # the menu says what is in it, with the key that plays it
    return Next(said=() if len(visit.listing) else visit.talk.voice.no_messages(visit.listing.name))


def save_to_folder(visit: Visit) -> Next:
    """9: move the current message to a folder; 7 brings it back."""
    entry = visit.chosen
    if entry is None or visit.read_only:
        return Next()
    folder = _choose(visit, "vm-savefolder")
    if folder is None:
        return Next()
    try:
        delivery = visit.talk.world.mailboxes.move(visit.box, entry.message.id, folder)
    except NoSuchMessageError:
        return was_deleted(visit, entry)
    if not delivery.kept:
        return Next(said=visit.talk.voice.full(folder, visit.options.maxmsg))
    entry.gone = folder
    voice = visit.talk.voice
    said = visit.say("vm-message") + voice.number(visit.listing.current + 1)
    said += visit.say("vm-savedto") + voice.folder_messages(folder)
    return next_message(visit, said=said) if visit.options.nextaftercmd else Next(said=said)


def open_trash(visit: Visit) -> Next:
    """3 7: what was deleted and is still kept, however long ago the call ended; 7 brings it back, 9 saves it elsewhere."""
    voice = visit.talk.voice
    if not len(Listing.open(visit.talk.world.mailboxes, visit.box, Folder.TRASH)):
        return Next(said=voice.no_messages(Folder.TRASH))
    visit.open_folder(Folder.TRASH)
    count = len(visit.listing)
    return Next(said=voice.number(count) + visit.say("vm-message" if count == 1 else "vm-messages"))


def _choose(visit: Visit, question: str) -> Folder | None:
    """Which folder; None: cancelled, or no answer."""
    opening = visit.say(question)
    for _ in range(visit.talk.world.waits.folder_times):
        key = visit.talk.offer("folders", _offer(visit), visit.talk.world.waits.folder_ms, opening=opening)
        opening = ()
        match FolderMenu.of(key):
            case FolderMenu.CANCEL:
                return None
            case FolderMenu.AGAIN:
                visit.talk.forget("folders")
            case None:
                pass
            case folder:
                return Folder.of_key(folder.value)
    return None


def _offer(visit: Visit) -> Utterance:
    """Offer: "Press 0 for new messages, 1 for …, # to cancel", with a breath after each."""
    voice = visit.talk.voice
    said = visit.say("vm-press")
    for folder in SPOKEN:
        said += voice.digits(folder.key) + visit.say("vm-for") + voice.folder_messages(folder)
        said += (Pause(visit.talk.world.waits.folder_item_ms),)
    return said + visit.say("vm-tocancel")
