"""Who gets a message: mailboxes typed (`*` between several, `#` ends) or found by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from esl_vm.dialogue.directory import find_by_name
from esl_vm.dialogue.menus import RecipientMenu
from esl_vm.model.call import ALL_KEYS
from esl_vm.model.errors import InvalidValueError
from esl_vm.model.mailbox import Folder, Mailbox, MailboxId

if TYPE_CHECKING:
    from esl_vm.dialogue.visit import Visit
    from esl_vm.speech.utterance import Utterance


def ask_recipients(visit: Visit, *, own: bool) -> list[Mailbox]:
    """Ask for one or several mailboxes and say each back; empty: cancelled.

    `own`: one's own mailbox is allowed. A list with a wrong or full mailbox in it is asked for again as a whole.
    """
    if visit.options.usedirectory:
        match _number_or_name(visit):
            case None | RecipientMenu.CANCEL:
                return []
            case RecipientMenu.DIRECTORY:
                found = find_by_name(visit.talk, visit.box.domain)
                return [] if found is None else _checked(visit, [found], own=own)[0]
    complaint: Utterance = ()
    for _ in range(visit.talk.world.waits.recipient_times):
        typed = visit.talk.ask_digits(complaint + visit.say("vm-extension"))
        if not typed.strip("*"):
            return []
        mailboxes = [_mailbox(visit, number) for number in dict.fromkeys(n for n in typed.split("*") if n)]
        good, complaint = _checked(visit, mailboxes, own=own)
        if not complaint:
            return good
    visit.talk.tell(complaint)
    return []


def _checked(visit: Visit, mailboxes: list[Mailbox | None], *, own: bool) -> tuple[list[Mailbox], Utterance]:
    """Say each recipient back; the first that can't get it ends the list with a complaint."""
    said: Utterance = ()
    good: list[Mailbox] = []
    complaint: Utterance = ()
    for mailbox in mailboxes:
        if mailbox is None or (mailbox.id == visit.box and not own):
            complaint = visit.say("pbx-invalid")
        elif _is_full(mailbox):
            complaint = visit.say("vm-mailboxfull")
        else:
            said += visit.talk.name_of(mailbox)
            good.append(mailbox)
        if complaint:
            break
    if complaint:
        return [], said + complaint
    visit.talk.phone.play(said, ALL_KEYS)
    return good, ()


def _is_full(mailbox: Mailbox) -> bool:
    """What comes from inside also counts what was heard: the mailbox as a whole has no room."""
    held = mailbox.counts.of(Folder.NEW) + mailbox.counts.of(Folder.OLD)
    return held >= mailbox.options.maxmsg or mailbox.options.announce_only


def _mailbox(visit: Visit, number: str) -> Mailbox | None:
    try:
        return visit.talk.world.mailboxes.open(MailboxId(number, visit.box.domain))
    except InvalidValueError:
        return None


def _number_or_name(visit: Visit) -> RecipientMenu | None:
    waits = visit.talk.world.waits
    for _ in range(waits.menu_times):
        key = visit.talk.ask(visit.say("vm-forward"), waits.directory_ms)
        if key in {choice.value for choice in RecipientMenu}:
            return RecipientMenu(key)
    return None
