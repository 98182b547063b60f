"""Who gets a message: mailboxes and distribution lists typed (`*` between several, `#` ends) or found by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never

from esl_vm.dialogue.directory import find_by_name
from esl_vm.dialogue.menus import RecipientMenu
from esl_vm.model.mailbox import Mailbox, MailboxId
from esl_vm.model.recipients import Refusal, are_too_many, members_of, refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from esl_vm.dialogue.visit import Visit
    from esl_vm.model.lists import DistributionList
    from esl_vm.speech.utterance import Utterance


@dataclass(frozen=True, slots=True)
class Recipients:
    """Who was chosen.

    Args:
        boxes: every mailbox once, those of lists among them; empty: nobody.
        first: the mailbox typed first, None if that was a list.
    """

    boxes: tuple[MailboxId, ...] = ()
    first: Mailbox | None = None


def ask_recipients(visit: Visit, *, own: bool) -> Recipients:
    """Ask for one or several recipients and say each back; nobody: cancelled.

    `own`: one's own mailbox is allowed; without it a list that one is on goes to all the others. A list of recipients
    with a wrong or full mailbox in it is asked for again as a whole; a full mailbox of a distribution list does not
    keep the message from the others on it.
    """
    if visit.options.usedirectory:
        match _number_or_name(visit):
            case None | RecipientMenu.CANCEL:
                return Recipients()
            case RecipientMenu.DIRECTORY:
                found = find_by_name(visit.talk, visit.box.domain)
                return Recipients() if found is None else _checked(visit, {found.id.number: found}, own=own)[0]
            case RecipientMenu.NUMBER:
                pass
            case unreachable:
                assert_never(unreachable)
    complaint: Utterance = ()
    how: tuple[str, ...] = ("vm-separated",)
    for _ in range(visit.talk.world.waits.recipient_times):
        typed = visit.talk.ask_digits(complaint + visit.say("vm-extension", *how))
        how = ()
        if not typed.strip("*"):
            return Recipients()
        chosen = {number: _of_number(visit, number) for number in typed.split("*") if number}
        recipients, complaint = _checked(visit, chosen, own=own)
        if not complaint:
            return recipients
    visit.talk.tell(complaint)
    return Recipients()


def _checked(
    visit: Visit, chosen: Mapping[str, Mailbox | DistributionList | None], *, own: bool
) -> tuple[Recipients, Utterance]:
    """Say each recipient back; the first that can't get it ends the choice with a complaint that names it alone."""
    said: Utterance = ()
    boxes: list[MailboxId] = []
    for number, one in chosen.items():
        members = members_of(one, visit.box, own=own)
        match refusal(one, members, visit.options):
            case Refusal.NOT_ALLOWED:
                return Recipients(), visit.talk.voice.digits(number) + visit.say("feature-not-avail-line")
            case Refusal.UNKNOWN:
                return Recipients(), visit.talk.voice.digits(number) + visit.say("pbx-invalid")
            case Refusal.FULL if one is not None:
                return Recipients(), visit.talk.name_of(one) + visit.say("vm-mailboxfull")
            case _:
                pass
        if one is not None:
            said += visit.talk.name_of(one)
        boxes += members
        if are_too_many(boxes, visit.options):
            return Recipients(), visit.talk.voice.digits(number) + visit.say("feature-not-avail-line")
    visit.talk.skim(said)
    first = next(iter(chosen.values()))
    return Recipients(tuple(dict.fromkeys(boxes)), first if isinstance(first, Mailbox) else None), ()


def _of_number(visit: Visit, number: str) -> Mailbox | DistributionList | None:
    """The mailbox or the distribution list of a number; None if there is neither."""
    world = visit.talk.world
    box = MailboxId.of(number, visit.box.domain)
    if box is None:
        return None
    return visit.talk.typed_mailbox(number, box.domain) or (world.lists.find(box) if world.lists else None)


def _number_or_name(visit: Visit) -> RecipientMenu | None:
    waits = visit.talk.world.waits
    for _ in range(waits.menu_times):
        choice = RecipientMenu.of(visit.talk.ask(visit.say("vm-forward"), waits.directory_ms))
        if choice is not None:
            return choice
    return None
