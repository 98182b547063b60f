"""First mailboxes, of the users in FreeSWITCH's directory. Those that are there stay as they are."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from esl_vm.importers.texts import addresses, language_of, person
from esl_vm.model.errors import InvalidValueError, MailboxExistsError
from esl_vm.model.fields import checked_field
from esl_vm.model.mailbox import MailboxId

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from esl_vm.actions.mailbox_changes import HandsOutPins
    from esl_vm.importers.freeswitch_directory import User
    from esl_vm.model.mailbox import Mailbox
    from esl_vm.model.pins import PinRules
    from esl_vm.setup.actions import World


@dataclass(frozen=True, slots=True)
class NewMailbox:
    """A mailbox to be made; pin: the directory's where it may be kept, `` = a random one."""

    box: MailboxId
    fields: dict[str, str]
    pin: str = field(default="", repr=False)


def new_mailboxes(
    users: Iterable[User], domain: str, rules: PinRules, there: Callable[[MailboxId], Mailbox | None]
) -> list[NewMailbox]:
    """The mailboxes that are missing.

    Args:
        users: of the directory.
        domain: of all of them; `` = each user's own.
        rules: what a PIN has to keep to.
        there: a mailbox; None if there is none.
    """
    found: list[NewMailbox] = []
    for user in users:
        with suppress(InvalidValueError):
            box = MailboxId(user.id, (domain or user.domain).lower())
            if there(box) is None and box not in {one.box for one in found}:
                pin = user.params.get("vm-password", "")
                found.append(NewMailbox(box, _fields(user), "" if rules.weakness(pin, user.id) else pin))
    return found


def _fields(user: User) -> dict[str, str]:
    wanted = {
        "name": person(user.variables.get("effective_caller_id_name", "")),
        "language": language_of(user.variables.get("default_language", "")),
        "timezone": user.variables.get("timezone", ""),
        "email": ",".join(addresses(user.params.get("vm-mailto", ""))[0]),
    }
    fields = {}
    for name, value in wanted.items():
        with suppress(InvalidValueError):
            if value:
                fields[name] = checked_field(name, value)
    return fields


def add(
    boxes: Iterable[NewMailbox],
    rules: PinRules,
    make: Callable[[MailboxId, Mapping[str, str], str], None],
    handout: HandsOutPins,
    world: World,
) -> None:
    """Make them, each with its PIN in one step; a random PIN is given out before the mailbox has it, so that none is lost."""
    for one in boxes:
        world.journal.write({"do": "mailbox", "box": str(one.box)})
        world.passed(f"journal {one.box}")
        pin = one.pin or rules.random_pin(one.box.number)
        if not one.pin:
            handout.give(one.box, one.fields, pin)
        with suppress(MailboxExistsError):
            make(one.box, one.fields, pin)
        world.passed(f"mailbox {one.box}")


def why_kept(mailbox: Mailbox | None) -> str:
    """Why --undo leaves a mailbox that setup made; `` = nobody has used it, or it is gone."""
    if mailbox is None:
        return ""
    used = sum(mailbox.counts.folders.values()) or mailbox.greetings or not mailbox.pin_is_initial
    return "it is used, and stays" if used else ""
