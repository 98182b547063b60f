"""Whether aliases and the mailboxes that have them agree: a change that was broken off may have left one half."""

from __future__ import annotations

from typing import TYPE_CHECKING

from esl_vm.model.findings import Finding, Level

if TYPE_CHECKING:
    from collections.abc import Iterator

    from esl_vm.model.mailbox import MailboxId
    from esl_vm.ops.node import Node


def check_aliases(node: Node) -> Iterator[Finding]:
    """Aliases whose mailbox is gone or does not name them, and those that a mailbox names and does not have."""
    entered = node.store.aliases.all()
    fields = node.store.aliases.fields(node.registry.boxes())
    gone = {alias for alias, box in entered.items() if box not in fields}
    for alias in sorted(gone):
        said = f"{alias} is an alias of {entered[alias]}, which is not there: calls for it find no mailbox"
        remedy = "give it to one: `esl-vm mailbox set MAILBOX --alias NUMBER`"
        yield Finding("aliases", Level.WARNING, said, remedy)
    has: dict[MailboxId, set[str]] = {}
    for alias, box in entered.items():
        has.setdefault(box, set()).add(alias.number)
    wrong = [box for box, numbers in fields.items() if set(numbers) != has.get(box, set())]
    for box in wrong:
        said = f"the aliases of {box} were not changed to the end"
        yield Finding("aliases", Level.WARNING, said, f"esl-vm mailbox set {box} aliases={','.join(fields[box])}")
    if entered and not gone and not wrong:
        yield Finding("aliases", Level.OK, f"{len(entered)} further numbers of mailboxes")
