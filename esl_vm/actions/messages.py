"""What commands, imports and the browser do with a mailbox, each in one place, over the ports."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from esl_vm.model.mailbox import Folder, MailboxId
    from esl_vm.model.message import Message
    from esl_vm.ports import Mailboxes

_PORTION = 200


def messages_of(
    mailboxes: Mailboxes, box: MailboxId, folder: Folder, *, urgent: bool | None = None
) -> Iterator[Message]:
    """All messages of a folder, in the order in which they are played; urgent: only those, or only the others."""
    after = None
    while True:
        page = mailboxes.page(box, folder, urgent=urgent, after=after, most=_PORTION)
        yield from page.messages
        if len(page.messages) < _PORTION:
            return
        after = page.places[-1]
