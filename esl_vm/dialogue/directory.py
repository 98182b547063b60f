"""The directory (`vm_action=directory`, `*411`): dial by name; also from sending and forwarding."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from esl_vm.dialogue.menus import DirectoryMenu
from esl_vm.model.call import Status
from esl_vm.model.mailbox import Greeting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from esl_vm.dialogue.conversation import Conversation
    from esl_vm.model.mailbox import Mailbox
    from esl_vm.speech.utterance import Utterance

FEWEST_KEYS = 3


def directory(talk: Conversation, domain: str) -> None:
    """A caller looks for someone and is connected with 1."""
    found = find_by_name(talk, domain)
    if found is None:
        raise talk.give_up()
    talk.know(Status.SUCCESS)
    talk.hand_over(found.id.number)


def find_by_name(talk: Conversation, domain: str) -> Mailbox | None:
    """Ask for the first letters of a first or last name, offer who fits; None: nobody chosen."""
    opening: Utterance = talk.voice.prompt("dir-welcome")
    ask = talk.voice.prompt("dir-pls-enter") + talk.voice.number(FEWEST_KEYS)
    ask += talk.voice.prompt("dir-firstlast", "dir-usingkeypad")
    for _ in range(talk.world.waits.number_times):
        keys = talk.ask_digits(opening + ask)
        if "*" in keys:
            return None
        opening = talk.voice.prompt("dir-nomatch")
        if len(keys) < FEWEST_KEYS:
            continue
        nobody = True
        for mailbox in _fitting(talk, domain, keys):
            nobody = False
            if _is_the_one(talk, mailbox):
                return mailbox
        if not nobody:
            opening = talk.voice.prompt("dir-nomore")
    talk.tell(opening)
    return None


def _fitting(talk: Conversation, domain: str, keys: str) -> Iterator[Mailbox]:
    """Who fits by last name, then who fits by first name, each once."""
    seen = set()
    for by_first_name in (False, True):
        for mailbox in talk.world.directory.by_keys(domain, keys, by_first_name=by_first_name):
            if mailbox.id not in seen:
                seen.add(mailbox.id)
                yield mailbox


def _name(talk: Conversation, mailbox: Mailbox) -> Utterance:
    """The recorded name, else the name letter by letter, else the number."""
    recorded = talk.greeting_of(mailbox, Greeting.NAME)
    return recorded or talk.voice.digits(mailbox.name) or talk.voice.digits(mailbox.id.number)


def _is_the_one(talk: Conversation, mailbox: Mailbox) -> bool:
    """Say a name; 1 is the right one, * the next. Silence is asked again, then taken as "next"."""
    waits = talk.world.waits
    for _ in range(waits.number_times):
        key = talk.offer("directory", talk.voice.prompt("dir-instr"), waits.menu_ms, opening=_name(talk, mailbox))
        match DirectoryMenu.of(key):
            case DirectoryMenu.THIS_ONE:
                return True
            case DirectoryMenu.NEXT:
                return False
            case None:
                if key is not None:
                    return False
            case unreachable:
                assert_never(unreachable)
    return False
