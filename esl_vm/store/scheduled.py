"""Messages that wait for their time (`vm:{scheduled}:…`): all in one place of a Cluster, so that one look finds those due."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from esl_vm.model.mailbox import MailboxId
from esl_vm.model.scheduled import Scheduled
from esl_vm.store.base import Part
from esl_vm.store.keys import SCHEDULED, SCHEDULED_DUE, SCHEDULED_OVER
from esl_vm.store.records import message_fields, message_of, text
from esl_vm.store.scripts import script


class ScheduledMessages(Part):
    """What of ports.Mailboxes is about them."""

    def schedule(self, scheduled: Scheduled) -> None:
        """Keep a message until its time; one that was delivered or cancelled meanwhile does not come back."""
        record = {
            "from": str(scheduled.sender),
            "to": list(map(str, scheduled.to)),
            # What is said in it is written down anew where it arrives: it need not be sealed here, nor anew with another key.
            "fields": message_fields(replace(scheduled.message, transcript=None, note=""), self._base.seal),
        }
        self._put(scheduled.message.id, scheduled.due, json.dumps(record))

    def restore_scheduled(self, message_id: str, due: float, record: str) -> None:
        """Put in what `scheduled_records` gave, out of a backup: also one that was delivered or cancelled since."""
        over = SCHEDULED_OVER + message_id
        self._base.link.run(over, lambda client: client.delete(over))
        self._put(message_id, due, record)

    def _put(self, message_id: str, due: float, record: str) -> None:
        keys = [SCHEDULED_DUE, SCHEDULED, SCHEDULED_OVER + message_id]
        args = [message_id, f"{due:.3f}", record]
        self._base.link.script(None, script("scheduled_add"), keys, args, announced=True)

    def scheduled(self, sender: MailboxId | None = None) -> list[Scheduled]:
        """Those of a sender, or all, the first that is due first."""
        found = [self._scheduled(*one) for one in self.scheduled_records()]
        return [one for one in found if sender in {None, one.sender}]

    def scheduled_due(self) -> list[Scheduled]:
        """Those whose time has come."""
        now = self._base.now()
        return [self._scheduled(*one) for one in self.scheduled_records(now)]

    def scheduled_records(self, until: float | None = None) -> list[tuple[str, float, str]]:
        """All (that are due by then, epoch seconds) as they are kept: id, when due, JSON."""
        run = self._base.link.run
        high = "+inf" if until is None else until
        due = run(SCHEDULED_DUE, lambda client: client.zrangebyscore(SCHEDULED_DUE, "-inf", high, withscores=True))
        if not due:
            return []
        kept = run(SCHEDULED, lambda client: client.hmget(SCHEDULED, [one for one, _ in due]))
        return [(text(one), at, text(record)) for (one, at), record in zip(due, kept, strict=True) if record]

    def scheduled_delivered(self, message_id: str) -> None:
        """Forget one that was delivered."""
        self._over(message_id, "")

    def cancel_scheduled(self, message_id: str) -> bool:
        """Cancel one before its time; False if there is none (any more)."""
        return self._over(message_id, f"{self._base.now():.3f}")

    def rename_scheduled(self, old: MailboxId, new: MailboxId) -> None:
        """A mailbox has another name: what it sends, and what it is to get, follows."""
        for message_id, due, kept in self.scheduled_records():
            record = json.loads(kept)
            boxes = [str(new) if box == str(old) else box for box in (record["from"], *record["to"])]
            if boxes != [record["from"], *record["to"]]:
                record |= {"from": boxes[0], "to": boxes[1:]}
                self._put(message_id, due, json.dumps(record))

    def _over(self, message_id: str, now: str) -> bool:
        keys = [SCHEDULED_DUE, SCHEDULED, SCHEDULED_OVER + message_id]
        args = [message_id, str(self._base.remember_s), now]
        return bool(self._base.link.script(None, script("scheduled_over"), keys, args))

    def _scheduled(self, message_id: str, due: float, kept: str) -> Scheduled:
        record: dict[str, Any] = json.loads(kept)
        to = tuple(_box(box) for box in record["to"])
        return Scheduled(_box(record["from"]), to, message_of(message_id, record["fields"], self._base.seal), due)


def _box(name: str) -> MailboxId:
    return MailboxId.stored(*name.split("@", 1))
