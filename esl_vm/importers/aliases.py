"""Other numbers that meant a mailbox: its aliases, where nobody else has them."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from esl_vm.model.errors import InvalidValueError, MailboxExistsError
from esl_vm.model.mailbox import MailboxId

if TYPE_CHECKING:
    from collections.abc import Container, Mapping

    from esl_vm.importers.plan import ImportedMailbox
    from esl_vm.ports import Registry


def add_with_aliases(
    registry: Registry,
    box: ImportedMailbox,
    fields: Mapping[str, str],
    boxes: Container[MailboxId],
    *,
    pin_hash: str,
    pin_initial: bool,
) -> None:
    """Make a mailbox with its other numbers as aliases; those that somebody has stay accounts that watch it.

    All in one step where they are free: what is killed here and begun again must not leave a mailbox without them.

    Args:
        registry: where.
        box: the mailbox.
        fields: its fields.
        boxes: those of the plan, which need their own numbers.
        pin_hash: its PIN, `` = none.
        pin_initial: whether its owner is to choose another.

    Raises:
        MailboxExistsError, InvalidValueError: it can't be made.
    """
    numbers = [n for n in box.extensions if (named := MailboxId.of(n, box.box.domain)) and named not in boxes]
    if numbers:
        rest = ",".join(number for number in box.extensions if number not in numbers)
        whole = {**fields, "aliases": ",".join(numbers), "extensions": rest}
        with contextlib.suppress(MailboxExistsError, InvalidValueError):
            registry.add(box.box, whole, pin_hash=pin_hash, pin_initial=pin_initial)
            return
    registry.add(box.box, fields, pin_hash=pin_hash, pin_initial=pin_initial)
    _give_one_by_one(registry, box, numbers)


def _give_one_by_one(registry: Registry, box: ImportedMailbox, numbers: list[str]) -> None:
    aliases: list[str] = []
    for number in numbers:
        with contextlib.suppress(MailboxExistsError, InvalidValueError):
            registry.change(box.box, {"aliases": ",".join([*aliases, number])})
            aliases.append(number)
    if aliases:
        accounts = [number for number in box.extensions if number not in aliases]
        with contextlib.suppress(InvalidValueError):  # too many still: those that there was room for stay
            registry.change(box.box, {"extensions": ",".join(accounts)})
