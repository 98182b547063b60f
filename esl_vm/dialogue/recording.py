"""Recording and what follows: thank you, then 1 accept, 2 listen, 3 again (guide: Après l'enregistrement)."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, assert_never

from esl_vm.dialogue.menus import ReviewMenu
from esl_vm.model.call import ALL_KEYS, Cause, Ended, Recorded, Status
from esl_vm.model.errors import SpoolError
from esl_vm.model.mailbox import Greeting
from esl_vm.model.units import Milliseconds, in_ms
from esl_vm.recordings.outcome import Settled
from esl_vm.speech.utterance import Sound

if TYPE_CHECKING:
    from collections.abc import Mapping

    from esl_vm.dialogue.conversation import Conversation
    from esl_vm.model.mailbox import Mailbox
    from esl_vm.model.units import Seconds
    from esl_vm.recordings.take import Take
    from esl_vm.speech.utterance import Utterance

GREETING_PROMPTS = {
    Greeting.UNAVAILABLE: "vm-rec-unv",
    Greeting.BUSY: "vm-rec-busy",
    Greeting.NAME: "vm-rec-name",
    Greeting.TEMPORARY: "vm-rec-temp",
}
TOO_SHORT_TIMES = 3
# A # so soon after the tone, of one who cut to it with #, is that key once more and ends nothing.
SECOND_HASH_MS = 1000


class GreetingEnd(Enum):
    """How recording a greeting ended."""

    ACCEPTED = "accepted"
    TIMED_OUT = "timed out"
    NOT_KEPT = "not kept"


class MessageEnd(Enum):
    """How leaving a message ended, once it had begun."""

    KEPT = "kept"
    KEPT_BY_SILENCE = "kept by silence"
    DROPPED = "dropped"
    OPERATOR_KEPT = "operator, kept"
    OPERATOR_DROPPED = "operator, dropped"


def record(
    talk: Conversation,
    take: Take,
    mailbox: Mailbox,
    keys: str,
    *,
    max_s: Seconds,
    then: Mapping[str, str] | None = None,
) -> Recorded:
    """Record after the tone, until one of `keys`, the mailbox's silence or `max_s` seconds (0: no limit).

    then: channel variables that hold from the shortest message's length on (`minsecs`).

    Raises:
        SpoolError: it can't be recorded; the take is discarded.
    """
    options = mailbox.options
    while True:
        try:
            recorded = talk.phone.record(
                take.path,
                max_s=max_s,
                silence_s=options.maxsilence,
                threshold=options.silencethreshold,
                keys=keys,
                then=then,
                then_ms=in_ms(options.minsecs),
                following=take.following,
            )
        except SpoolError:
            take.discard()  # nothing was recorded, here or on another host: nobody is to wait for it
            raise
        take.recorded(recorded)
        _see_that_the_disk_took_it(take, recorded, max_s)
        if not (talk.hurried and recorded.key == "#" and recorded.ms < SECOND_HASH_MS):
            return recorded
        talk.hurried = False  # the second # of one who was in a hurry for the tone
        take.again()


def _see_that_the_disk_took_it(take: Take, recorded: Recorded, max_s: int) -> None:
    """FreeSWITCH ends a recording whose disk takes no more; raises SpoolError where there is too little of it to go on with."""
    early = recorded.ended is Ended.LIMIT and (not max_s or recorded.ms < (max_s - 1) * 1000)
    if early and (take.sound is None or take.too_short) and not take.elsewhere:
        take.discard()
        raise SpoolError(f"FreeSWITCH ended the recording {take.id} after {recorded.ms} ms: its disk takes no more")


def say_and_beep(talk: Conversation, before: Utterance, keys: str) -> str | None:
    """Say something, then the tone; a key of `keys` cuts to the tone (`#`, or any where all are given) or is returned.

    The tone is played by itself: nothing cuts it, and no key in it can be taken for one before it.
    """
    key = talk.ask(before, keys=keys) if before else None
    if key not in {None, "#"} and keys != ALL_KEYS:
        return key
    talk.hurried = key is not None
    talk.answer()
    talk.tell(talk.voice.prompt("beep"))
    return None


def record_greeting(talk: Conversation, take: Take, mailbox: Mailbox, greeting: Greeting) -> GreetingEnd:
    """Ask for a greeting, record it, let the owner review it, activate it once accepted.

    The key that cuts the request short leads to the tone and does nothing else. 0 is not offered here (guide).
    """
    ask = talk.voice.prompt(GREETING_PROMPTS[greeting.kind])

    def once() -> Utterance:
        say_and_beep(talk, ask, ALL_KEYS)
        record(talk, take, mailbox, "#", max_s=mailbox.options.maxgreet)
        return talk.voice.prompt("auth-thankyou")

    opening = once()
    silences = 0
    while True:
        key = talk.ask(opening + talk.voice.prompt("vm-review"), talk.world.waits.menu_ms)
        opening = ()
        silences = silences + 1 if key is None else 0
        match ReviewMenu.of(key):
            case None if key is None:
                if silences == talk.world.waits.review_times:
                    return GreetingEnd.TIMED_OUT
            case ReviewMenu.ACCEPT:
                return GreetingEnd.ACCEPTED if _settled(talk, take) else GreetingEnd.NOT_KEPT
            case ReviewMenu.LISTEN:
                opening = (Sound(str(take.playable), f"greeting {greeting}"),)
            case ReviewMenu.AGAIN:
                take.again()
                opening = once()
            case ReviewMenu.URGENT | ReviewMenu.RECEIPT | ReviewMenu.OPERATOR | None:
                opening = talk.voice.prompt("vm-sorry")
            case unreachable:
                assert_never(unreachable)


def record_message(
    talk: Conversation, take: Take, mailbox: Mailbox, *, operator: str, urgent: bool, sender: str = ""
) -> MessageEnd:
    """Record a message for a mailbox (the tone was just heard), review it, and keep it.

    Args:
        talk: the call.
        take: where it is recorded, already on disk.
        mailbox: the recipient, whose options rule (the first one's, where several get it).
        operator: the extension behind 0; `` = 0 is not offered.
        urgent: whether the call itself is marked urgent.
        sender: the mailbox that may ask for a receipt; `` = none may.
    """
    options = mailbox.options
    waits = talk.world.waits
    keys = "#0" if operator else "#"
    take.mark(urgent=urgent)
    opening, asked = _record_long_enough(talk, take, mailbox, keys)
    if asked is not None:
        return asked
    if not options.review:
        talk.tell(opening)
        return MessageEnd.KEPT if _settled(talk, take, saved=False) else MessageEnd.DROPPED
    silences = 0
    while True:
        menu = "review, urgent" if urgent else "review"
        key = talk.offer(
            menu,
            _review(talk, mailbox, operator, urgent=urgent),
            Milliseconds(waits.menu_ms + (waits.operator_extra_ms if operator else 0)),
            short=talk.voice.prompt("vm-review"),
            opening=opening,
        )
        opening = ()
        silences = silences + 1 if key is None else 0
        match ReviewMenu.of(key):
            case None if key is None:
                if silences == waits.review_times:
                    return MessageEnd.KEPT_BY_SILENCE if _settled(talk, take, saved=False) else MessageEnd.DROPPED
            case ReviewMenu.ACCEPT:
                return MessageEnd.KEPT if _settled(talk, take) else MessageEnd.DROPPED
            case ReviewMenu.LISTEN:
                opening = (Sound(str(take.playable), "your message"),)
            case ReviewMenu.AGAIN:
                take.again()
                _stands(talk, Status.USEREXIT, Cause.LEFT)
                say_and_beep(talk, talk.voice.prompt(talk.request), "#")
                opening, asked = _record_long_enough(talk, take, mailbox, keys)
                if asked is not None:
                    return asked
            case ReviewMenu.URGENT if options.leaveurgent:
                urgent = not urgent
                take.mark(urgent=urgent)
                opening = talk.voice.prompt("vm-marked-urgent" if urgent else "vm-marked-nonurgent")
            case ReviewMenu.RECEIPT if sender:
                opening = talk.voice.prompt("activated" if take.ask_receipt(sender) else "de-activated")
            case ReviewMenu.OPERATOR if operator:
                return _keep_before_operator(talk, take)
            case None if key == "*" and talk.brief:
                talk.forget(menu)
            case ReviewMenu.URGENT | ReviewMenu.RECEIPT | ReviewMenu.OPERATOR | None:
                opening = talk.voice.prompt("vm-sorry")
            case unreachable:
                assert_never(unreachable)


def _review(talk: Conversation, mailbox: Mailbox, operator: str, *, urgent: bool) -> Utterance:
    names = ["vm-review"]
    if mailbox.options.leaveurgent:
        names.append("vm-review-nonurgent" if urgent else "vm-review-urgent")
    if operator:
        names.append("vm-reachoper")
    return talk.voice.prompt(*names)


def _record_long_enough(
    talk: Conversation, take: Take, mailbox: Mailbox, keys: str
) -> tuple[Utterance, MessageEnd | None]:
    """Record; a message that is too short is said to be so and may be recorded again, a few times."""
    for attempt in range(TOO_SHORT_TIMES):
        _stands(talk, Status.USEREXIT, Cause.TOO_SHORT, take.id)
        kept = None if talk.owner_is_in else talk.standing(Status.SUCCESS)
        recorded = record(talk, take, mailbox, keys, max_s=mailbox.options.maxsecs, then=kept)
        if not take.too_short:
            _stands(talk, Status.SUCCESS, message_id=take.id)
        if recorded.ended is Ended.KEY and recorded.key == "0":
            return (), _keep_before_operator(talk, take)
        thanks = talk.voice.prompt("auth-thankyou")
        if not take.too_short:
            return thanks, None
        too_short = thanks + talk.voice.prompt("vm-tooshort")
        if attempt == TOO_SHORT_TIMES - 1:
            _stands(talk, Status.FAILED, Cause.TOO_SHORT)
            talk.tell(too_short + talk.voice.prompt("vm-goodbye"))
            break
        take.again()
        say_and_beep(talk, too_short + talk.voice.prompt(talk.request), "#")
    take.discard()
    return (), MessageEnd.DROPPED


def _keep_before_operator(talk: Conversation, take: Take) -> MessageEnd:
    """0: 1 or nothing keeps the message, 4 keeps it as urgent, any other key drops it; then the operator.

    The prompt says "or stay on the line": whoever does must not lose what was recorded.
    """
    key = talk.ask(talk.voice.prompt("vm-saveoper"), talk.world.waits.keep_ms)
    match ReviewMenu.of(key):
        case ReviewMenu.URGENT:
            take.mark(urgent=True)
            talk.tell(talk.voice.prompt("vm-marked-urgent"))
        case ReviewMenu.ACCEPT:
            pass
        case ReviewMenu.LISTEN | ReviewMenu.AGAIN | ReviewMenu.RECEIPT | ReviewMenu.OPERATOR | None:
            if key is not None:
                take.discard()
                _stands(talk, Status.USEREXIT, Cause.OPERATOR)
                talk.say("vm-deleted")
                return MessageEnd.OPERATOR_DROPPED
        case unreachable:
            assert_never(unreachable)
    return MessageEnd.OPERATOR_KEPT if _settled(talk, take) else MessageEnd.OPERATOR_DROPPED


def _settled(talk: Conversation, take: Take, *, saved: bool = True) -> bool:
    """Keep what was recorded, then say so: in this order, so that what is announced is true."""
    match take.settle():
        case Settled.DELIVERED | Settled.WAITING:
            if saved:
                talk.say("vm-msgsaved")
            return True
        case Settled.TOO_SHORT:
            _stands(talk, Status.FAILED, Cause.TOO_SHORT)
            talk.say("vm-tooshort")
        case Settled.FULL:
            _stands(talk, Status.FAILED, Cause.FULL)
            talk.say("vm-mailboxfull")
        case Settled.NO_MAILBOX:
            _stands(talk, Status.FAILED, Cause.UNKNOWN)
            talk.apologise()
        case _:
            _stands(talk, Status.FAILED, Cause.ERROR)
            talk.apologise()
    return False


def _stands(talk: Conversation, status: Status, cause: Cause = Cause.NONE, message_id: str = "") -> None:
    """Tell the channel how a caller's call stands; an owner's visit stands as it does, whatever is recorded in it."""
    if not talk.owner_is_in:
        talk.know(status, cause, message_id)
