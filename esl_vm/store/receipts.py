"""Receipts that a mailbox's owner asked for (field `receipts_asked` of the mailbox, so that they go where it goes)."""

from __future__ import annotations

import json

from esl_vm.model.mailbox import MailboxId
from esl_vm.model.receipts import MOST_RECEIPTS, Receipt
from esl_vm.store.base import Part
from esl_vm.store.records import text


class Receipts(Part):
    """What of ports.Mailboxes is about them."""

    def receipt(self, sender: MailboxId, receipt: Receipt) -> bool:
        """Write down that one is awaited, or when the message was heard; False if it is known, or there is no such mailbox.

        A mailbox that was renamed is found by its old name.
        """
        keys = self._base.keys.of(sender)
        heard = f"{receipt.heard:.3f}" if receipt.heard else ""
        args = [receipt.id, str(receipt.to), f"{receipt.sent:.3f}", heard, str(MOST_RECEIPTS)]
        answer = int(self._base.change(keys, "receipt", [], args))
        if answer >= 0:
            return bool(answer)
        moved = text(self._base.link.run(keys.partition, lambda client: client.get(keys.moved)))
        return bool(moved) and self.receipt(MailboxId.parse(moved), receipt)

    def receipts(self, sender: MailboxId) -> list[Receipt]:
        """Those that a mailbox's owner asked for, the latest first."""
        keys = self._base.keys.of(sender)
        kept = self._base.link.run(keys.partition, lambda client: client.hget(keys.box, "receipts_asked"))
        try:
            found = json.loads(text(kept) or "[]")
        except ValueError:  # written by hand
            found = []
        return [
            Receipt(
                one["id"], MailboxId.stored(*one["to"].split("@", 1)), float(one["sent"]), float(one.get("heard", 0))
            )
            for one in reversed(found)
        ]
