"""Forwarding (8): the current message to one or several mailboxes, with or without a spoken introduction."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, assert_never

from esl_vm.dialogue.later import ask_when
from esl_vm.dialogue.listening import did_not_sound, gone_meanwhile
from esl_vm.dialogue.menus import ForwardMenu
from esl_vm.dialogue.recipients import ask_recipients
from esl_vm.dialogue.recording import record, say_and_beep
from esl_vm.dialogue.visit import Next
from esl_vm.model.call import ALL_KEYS, Ended, Recorded
from esl_vm.model.errors import AudioMissingError, CallerGoneError, SpoolError
from esl_vm.model.mailbox import Folder
from esl_vm.model.message import new_id
from esl_vm.recordings.outcome import Settled

if TYPE_CHECKING:
    from esl_vm.dialogue.listing import Entry
    from esl_vm.dialogue.recipients import Recipients
    from esl_vm.dialogue.visit import Visit
    from esl_vm.model.message import Message
    from esl_vm.recordings.take import Take
    from esl_vm.speech.utterance import Utterance


def forward(visit: Visit) -> Next:
    """8: choose recipients, then 1 with an introduction, 2 as it is, * cancel. The original stays, unless its owner's option is another."""
    entry = visit.chosen
    if entry is None:
        return Next(said=visit.say("vm-nomore") if visit.here is None else ())
    gone = gone_meanwhile(visit, entry)
    if gone is not None:
        return gone
    recipients = ask_recipients(visit, own=False)
    if not recipients.boxes:
        return Next()
    waits = visit.talk.world.waits
    opening: Utterance = ()
    receipt = False
    for _ in range(waits.menu_times):
        whole, short = visit.say("vm-forwardoptions", "vm-starmain"), visit.say("vm-forwardoptions")
        key = visit.talk.offer("forward", whole, waits.menu_ms, short=short, opening=opening)
        opening = ()
        match ForwardMenu.of(key):
            case ForwardMenu.WITH_INTRODUCTION:
                step = _with_introduction(visit, entry, recipients, _copy(visit, entry, receipt=receipt))
                if step is not None:
                    return step
                opening = visit.say("vm-pls-try-again", "vm-then-pound")
            case ForwardMenu.AS_IT_IS:
                return _send_on(visit, entry, recipients, _copy(visit, entry, receipt=receipt))
            case ForwardMenu.LATER:
                due = ask_when(visit)
                if due is None:
                    return Next()
                return _send_on(visit, entry, recipients, _copy(visit, entry, receipt=receipt), due=due)
            case ForwardMenu.RECEIPT:
                receipt = not receipt
                opening = visit.say("activated" if receipt else "de-activated")
            case ForwardMenu.CANCEL:
                return Next()
            case None:
                pass
            case unreachable:
                assert_never(unreachable)
    return Next()


def _with_introduction(visit: Visit, entry: Entry, recipients: Recipients, copy: Message) -> Next | None:
    """Record the introduction after the tone; any key ends it, silence or the limit. None: nothing was said."""
    talk = visit.talk
    try:
        take = talk.world.spool.take_sound(
            new_id(talk.world.clock.now()),
            recipients.boxes,
            copy,
            source_id=entry.message.id,
            source_intro_id=entry.message.intro_id,
            call_node=talk.phone.call.node,
        )
    except SpoolError:
        return Next(said=visit.talk.apology)
    with take:
        say_and_beep(talk, visit.say("vm-record-prepend"), ALL_KEYS)
        try:
            record(talk, take, visit.mailbox, ALL_KEYS, max_s=visit.options.maxsecs)
        except CallerGoneError:
            # Who it is for was said before: what was spoken goes to them, as a message of 3 5 does.
            take.recorded(Recorded(0, Ended.LIMIT))
            if take.sound is not None and take.sound.heard_frames:
                _send_on(visit, entry, recipients, copy, take)
            raise
        if take.sound is None or not take.sound.heard_frames:
            return None
        return _send_on(visit, entry, recipients, copy, take)


def _copy(visit: Visit, entry: Entry, *, receipt: bool) -> Message:
    """What is sent on."""
    now = visit.talk.world.clock.now()
    copy = entry.message.forwarded(new_id(now), now, str(visit.box))
    return replace(copy, receipt=str(visit.box)) if receipt else copy


def _send_on(
    visit: Visit,
    entry: Entry,
    recipients: Recipients,
    copy: Message,
    introduction: Take | None = None,
    due: float = 0.0,
) -> Next:
    """Send it now, or leave it to the spool; a message that was erased while all this was said is no more sent."""
    message = entry.message
    try:
        with visit.talk.world.spool.forward(
            recipients.boxes,
            copy,
            source_id=message.id,
            source_intro_id=message.intro_id,
            preface=introduction,
            due=due,
        ) as take:
            settled = take.settle()
    except AudioMissingError:
        return gone_meanwhile(visit, entry) or did_not_sound(visit, entry)
    except SpoolError:
        return Next(said=visit.talk.apology)
    if settled in {Settled.DELIVERED, Settled.WAITING}:
        said = visit.say("vm-msgforwarded")
        return Next(said=said + _delete_forwarded(visit, entry) if settled is Settled.DELIVERED else said)
    if settled is Settled.FULL:
        return Next(said=visit.say("vm-mailboxfull"))
    return Next(said=visit.talk.apology)


def _delete_forwarded(visit: Visit, entry: Entry) -> Utterance:
    """The original goes to the trash where its owner wants it so (`forward_deletes`); 7 brings it back."""
    folder = visit.listing.folder
    if not visit.options.forward_deletes or visit.read_only or entry.gone is not None or folder is Folder.TRASH:
        return ()
    visit.talk.world.mailboxes.delete(visit.box, entry.message.id)
    entry.gone = Folder.TRASH
    return visit.say("vm-deleted")
