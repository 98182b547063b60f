"""Listening (guide: Écouter Message(s)): the envelope, the message, and the keys while it plays."""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, assert_never

from esl_vm.dialogue.listing import URGENT
from esl_vm.dialogue.menus import WhileListening, WhilePaused
from esl_vm.dialogue.visit import Next
from esl_vm.model.call import Listened
from esl_vm.model.errors import (
    AudioMissingError,
    CallerGoneError,
    NoSuchMessageError,
    SealedError,
    StoreDownError,
)
from esl_vm.model.events import EventType
from esl_vm.model.mailbox import Folder, Greeting, MailboxId
from esl_vm.model.message import Caller
from esl_vm.model.units import Milliseconds
from esl_vm.speech.utterance import Sound

if TYPE_CHECKING:
    from esl_vm.dialogue.listing import Entry
    from esl_vm.dialogue.visit import Visit
    from esl_vm.model.manner import Manner
    from esl_vm.model.message import Message
    from esl_vm.speech.utterance import Utterance

log = logging.getLogger(__name__)

SKIP_ENVELOPE = "1#"
LONGEST_PAUSE_MS = Milliseconds(30 * 60 * 1000)
MINUTE_MS = 60_000


def play_first(visit: Visit, *, said: Utterance = ()) -> Next:
    """1: the first message of the open folder. `said` is said before, in the same breath."""
    if not len(visit.listing):
        visit.reopen()  # something may have come since
    visit.listing.current = 0
    return play_here(visit, said=said)


def play_here(visit: Visit, *, said: Utterance = ()) -> Next:
    """Play the current message; comes back with the key that ended it. `said` is said before, in the same breath."""
    entry = visit.here
    if entry is None:
        return Next(said=said + visit.talk.voice.no_messages(visit.listing.name))
    visit.after_message = True
    if entry.offered and (gone := gone_meanwhile(visit, entry)) is not None:
        return replace(gone, said=said + gone.said)
    key = visit.talk.ask(said + _announcement(visit, entry.message))
    entry.offered = True
    if key is not None and key not in SKIP_ENVELOPE:
        return Next(key=key)
    try:
        sounds = _sounds(visit, entry.message)
    except (AudioMissingError, SealedError):
        return gone_meanwhile(visit, entry) or did_not_sound(visit, entry)
    try:
        for sound in sounds:  # an introduction that can't be played does not keep the message from its owner
            listened = _play_body(visit, sound)
            if listened.key is not None:
                break
    except CallerGoneError:
        _mark_heard(visit, entry)
        raise
    if listened.failed:
        return did_not_sound(visit, entry, listened.key)
    _mark_heard(visit, entry)
    return Next(said=_after(visit, entry.message), key=listened.key)


def gone_meanwhile(visit: Visit, entry: Entry) -> Next | None:
    """What to say of a message that somebody else deleted since this folder was opened; None: it is still there."""
    try:
        message = visit.talk.world.mailboxes.message(visit.box, entry.message.id)
    except NoSuchMessageError:
        return was_deleted(visit, entry)
    if message.folder is Folder.TRASH and visit.listing.folder is not Folder.TRASH and entry.gone is None:
        return was_deleted(visit, entry)
    return None


def was_deleted(visit: Visit, entry: Entry) -> Next:
    """Say of a message that is gone that it was deleted."""
    entry.gone = Folder.TRASH
    return Next(said=visit.say("vm-deleted"))


def _mark_heard(visit: Visit, entry: Entry) -> None:
    """It sounded, so it was heard, however little of it. A Redis that takes no changes keeps nobody from the next one."""
    if visit.read_only:
        return
    if not entry.heard and not entry.message.heard:
        with suppress(StoreDownError):
            visit.talk.world.mailboxes.heard(visit.box, entry.message.id)
    else:
        with suppress(StoreDownError):
            visit.talk.world.mailboxes.log_event(visit.box, EventType.HEARD_AGAIN, entry.message.id)
    entry.heard = True


def did_not_sound(visit: Visit, entry: Entry, key: str | None = None) -> Next:
    """Nobody could hear it: it stays as it was, its owner and the operator are told."""
    log.error("message %s of %s can't be played: sound missing or unreadable", entry.message.id, visit.box)
    return Next(said=visit.talk.apology, key=key)


def next_message(visit: Visit, *, said: Utterance = ()) -> Next:
    """6: the next message; from the last urgent one on to New."""
    listing = visit.listing
    if listing.current + 1 < len(listing):
        listing.current += 1
        return play_here(visit, said=said)
    if listing.name == URGENT and visit.ordinary_left():
        visit.open_folder(Folder.NEW)
        return play_here(visit, said=said)
    if visit.options.messagewrap and len(listing) > 1:
        listing.current = 0
        return play_here(visit, said=said)
    return Next(said=said + visit.say("vm-nomore"))


def previous_message(visit: Visit) -> Next:
    """4: the previous message; from the first of New back to the last urgent one still there."""
    listing = visit.listing
    if listing.current > 0 and len(listing):
        listing.current -= 1
        return play_here(visit)
    if listing.name == Folder.NEW and visit.urgent_left():
        visit.open_folder(URGENT)
        visit.listing.current = max(len(visit.listing) - 1, 0)
        return play_here(visit)
    if visit.options.messagewrap and len(listing) > 1:
        listing.current = len(listing) - 1
        return play_here(visit)
    return Next(said=visit.say("vm-nomore"))


def delete_or_restore(visit: Visit) -> Next:
    """7: to the trash, or back where it was; done at once, so that what is announced holds however the call ends."""
    entry = visit.chosen
    if entry is None or visit.read_only:
        return Next()
    mailboxes, folder = visit.talk.world.mailboxes, visit.listing.folder
    if not visit.restorable:
        mailboxes.delete(visit.box, entry.message.id)
        entry.gone = None if folder is Folder.TRASH else Folder.TRASH
        said = visit.say("vm-deleted")
        return next_message(visit, said=said) if visit.options.nextaftercmd else Next(said=said)
    if (entry.gone or folder) is Folder.TRASH:
        back = mailboxes.restore(visit.box, entry.message.id)
    else:
        try:
            back = mailboxes.move(visit.box, entry.message.id, folder, even_if_full=True).kept
        except NoSuchMessageError:
            return was_deleted(visit, entry)
        if back and (entry.heard or entry.message.heard):
            # What comes to New counts as unheard there, but this one only comes back: heard it was, and goes to Old
            # at the end of the visit.
            mailboxes.heard(visit.box, entry.message.id)
    if not back:
        return was_deleted(visit, entry)
    entry.gone = Folder.NEW if folder is Folder.TRASH else None  # out of the trash: wherever it lay before
    return Next(said=visit.say("vm-undeleted"))


def envelope_of(visit: Visit, message: Message) -> Utterance:
    """When a message came, from whom, and how long it is, whatever the mailbox's options say (3 3)."""
    return _when(visit, message) + _who(visit, message) + visit.talk.voice.duration(message.duration_ms)


def _announcement(visit: Visit, message: Message) -> Utterance:
    """Which message it is, when it came, who left it, how long it is, as far as the mailbox's options ask for it.

    Where `brief` is on, when it came is said behind the message, and in an autoplay who left it too: who waits for the
    message hears it seconds sooner.
    """
    options, voice = visit.options, visit.talk.voice
    said: Utterance = ()
    if len(visit.listing) > 1 or message.urgent or not options.brief:
        said = voice.place(visit.listing.current + 1, len(visit.listing), urgent=message.urgent)
    said += handler_of(visit, message.handled_by)
    if options.envelope and not options.brief:
        said += _when(visit, message)
    if options.saycid and not visit.sound_first:
        said += _who(visit, message, brief=options.brief)
    if options.sayduration and message.duration_ms // MINUTE_MS >= options.saydurationm:
        said += voice.duration(message.duration_ms)
    return said


def _after(visit: Visit, message: Message) -> Utterance:
    """What is said of a message that was heard to its end, before its menu: what was not said before it."""
    options = visit.options
    who = _who(visit, message, brief=True) if options.saycid and visit.sound_first else ()
    return who + _when(visit, message, brief=True) if options.brief and options.envelope else who


def _when(visit: Visit, message: Message, *, brief: bool = False) -> Utterance:
    zone = visit.talk.zone(visit.mailbox)
    now = datetime.fromtimestamp(visit.talk.world.clock.now(), zone)
    voice = visit.talk.voice
    spoken = voice.age if visit.options.envelope_ago else voice.received
    return spoken(datetime.fromtimestamp(message.received, zone), now, brief=brief)


def _who(visit: Visit, message: Message, *, brief: bool = False) -> Utterance:
    """The recorded name of a colleague, else the number digit by digit, else "from an unknown caller"."""
    number = message.caller.dialable
    if not number:
        return visit.say("vm-unknown-caller")
    colleague = _colleague(visit, number) if visit.options.internal_names else ()
    return colleague or visit.talk.voice.phone_number(number, brief=brief)


def _colleague(visit: Visit, number: str) -> Utterance:
    """Name a colleague: "from NAME" or "from extension N", if the number is a mailbox of the same domain; asked once a visit."""
    if number not in visit.colleagues:
        box = MailboxId.of(number, visit.box.domain)
        mailbox = visit.talk.world.mailboxes.open(box) if box else None
        if mailbox is None:
            visit.colleagues[number] = ()
        elif recorded := visit.talk.greeting_of(mailbox, Greeting.NAME):
            visit.colleagues[number] = visit.say("vm-from") + recorded
        else:
            visit.colleagues[number] = visit.talk.voice.extension(number)
    return visit.colleagues[number]


def handler_of(visit: Visit, handled_by: str) -> Utterance:
    """Who handles a message: a colleague's recorded name, or the number; nothing where nobody does."""
    if not handled_by:
        return ()
    number = Caller(handled_by.partition(" ")[0]).dialable
    box = MailboxId.of(number, visit.box.domain)
    mailbox = visit.talk.world.mailboxes.open(box) if box else None
    name = visit.talk.greeting_of(mailbox, Greeting.NAME) if mailbox else ()
    if number and not name:
        name = visit.say("vm-extension") + visit.talk.voice.digits(number)
    return visit.say("spy-agent") + name


def _sounds(visit: Visit, message: Message) -> list[Sound]:
    """What is played as the message: a forward's introduction first."""
    audio = visit.talk.world.audio
    sounds = []
    if message.intro_id:
        with suppress(AudioMissingError):
            sounds.append(Sound(str(audio.playable(message.intro_id)), f"introduction of message {message.id}"))
    sounds.append(Sound(str(audio.playable(message.id)), f"message {message.id}"))
    return sounds


def _play_body(visit: Visit, sound: Sound) -> Listened:
    """Play a sound under the caller's keys; how it ended: with a key that is the main menu's, or None at its end."""
    phone, skip = visit.talk.phone, visit.options.skipms
    keys = visit.talk.world.listen_keys
    stop = "".join(key for key, choice in keys.items() if choice is None)
    position = 0  # in the message as it was left
    while True:
        heard, percent = _in_manner(visit, sound), visit.manner.percent
        listened = phone.listen(heard, position * 100 // percent, "".join(keys))
        position = listened.position_ms * percent // 100
        if listened.key is None or listened.failed:
            return listened
        match keys[listened.key]:
            case WhileListening.AHEAD:
                position += skip
            case WhileListening.BACK:
                position = max(0, position - skip)
            case WhileListening.RESTART:
                position = 0
            case WhileListening.PAUSE:
                key = phone.wait_key(LONGEST_PAUSE_MS, listened.key + stop + _paused_keys(visit))
                if key is not None and key in stop:
                    return Listened(key, position)
                if key != listened.key:
                    visit.manner = _changed(visit.manner, WhilePaused.of(key))
            case None:
                return listened
            case unreachable:
                assert_never(unreachable)


def _paused_keys(visit: Visit) -> str:
    """The keys that change how messages are heard, where they do nothing else in the pause."""
    if visit.talk.world.renditions is None:
        return ""
    used = {key for key, choice in visit.talk.world.listen_keys.items() if choice in {None, WhileListening.PAUSE}}
    return "".join(choice.value for choice in WhilePaused if choice.value not in used)


def _changed(manner: Manner, choice: WhilePaused | None) -> Manner:
    match choice:
        case WhilePaused.SLOWER:
            return manner.slower()
        case WhilePaused.FASTER:
            return manner.faster()
        case WhilePaused.LOUDER:
            return manner.louder()
        case None:
            return manner  # nobody pressed anything for half an hour
        case unreachable:
            assert_never(unreachable)


def _in_manner(visit: Visit, sound: Sound) -> Sound:
    renditions = visit.talk.world.renditions
    return Sound(str(renditions.of(Path(sound.path), visit.manner)), sound.label) if renditions else sound
