"""Other numbers that meant a mailbox: its aliases, where nobody else has them."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from esl_vm.model.errors import InvalidValueError, MailboxExistsError
from esl_vm.model.mailbox import MailboxId

if TYPE_CHECKING:
    from collections.abc import Container

    from esl_vm.importers.plan import ImportedMailbox
    from esl_vm.ports import Registry


def give_aliases(registry: Registry, box: ImportedMailbox, boxes: Container[MailboxId]) -> None:
    """Give a mailbox that was just made its other numbers as aliases; those that somebody has stay accounts that watch it.

    boxes: those of the plan, which need their own numbers.
    """
    aliases: list[str] = []
    for number in box.extensions:
        named = MailboxId.of(number, box.box.domain)
        if named is None or named in boxes:
            continue
        with contextlib.suppress(MailboxExistsError, InvalidValueError):
            registry.change(box.box, {"aliases": ",".join([*aliases, number])})
            aliases.append(number)
    if aliases:
        accounts = [number for number in box.extensions if number not in aliases]
        with contextlib.suppress(InvalidValueError):  # too many still: those that there was room for stay
            registry.change(box.box, {"extensions": ",".join(accounts)})
