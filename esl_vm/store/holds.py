"""Legal holds: set and lifted, what they keep, and its end."""

from __future__ import annotations

import json
from itertools import islice
from typing import TYPE_CHECKING

from esl_vm.model.actor import actor
from esl_vm.model.errors import NoSuchMailboxError
from esl_vm.model.events import PRIVACY, EventType
from esl_vm.model.holds import FIELDS, LONGEST_REASON, Hold
from esl_vm.model.message import one_line
from esl_vm.store.base import Part
from esl_vm.store.link import EVERY_PARTITION
from esl_vm.store.records import message_of, number, text, texts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from esl_vm.model.mailbox import MailboxId
    from esl_vm.model.message import Message

_BOXES, _MESSAGES = 200, 100


class RedisHolds(Part):
    """See the module; all may raise StoreDownError."""

    def begin(self, box: MailboxId, reason: str, until: float = 0.0) -> Hold:
        """Put a mailbox under a hold, in place of one that is there; an event tells it, not among the mailbox's own.

        until: epoch seconds, 0 = until it is lifted. Raises NoSuchMailboxError.
        """
        hold = Hold(one_line(reason, LONGEST_REASON), actor(), self._base.now(), until)
        fields = (f"{hold.until:.0f}", f"{hold.since:.3f}", hold.by, hold.reason)
        self._change(box, [word for pair in zip(FIELDS, fields, strict=True) for word in pair])
        details = {"mailbox": str(box), "reason": hold.reason, "until": f"{until:.0f}" if until else ""}
        self._base.log_event(PRIVACY, EventType.HOLD_SET, **details)
        return hold

    def lift(self, box: MailboxId) -> None:
        """End a hold; what it kept is erased by housekeeping. Raises NoSuchMailboxError."""
        self._change(box, [])
        self._base.log_event(PRIVACY, EventType.HOLD_LIFTED, mailbox=str(box))

    def of(self, boxes: Iterable[MailboxId]) -> Iterator[tuple[MailboxId, Hold, int]]:
        """Those of these mailboxes that are under a hold, or of which one that is over still keeps messages; how many it keeps."""
        rest = iter(boxes)
        while portion := list(islice(rest, _BOXES)):
            asked: list[tuple[str, ...]] = []
            for box in portion:
                keys = self._base.keys.of(box)
                asked += (("HMGET", keys.box, *FIELDS), ("ZCARD", keys.held))
            answers = iter(self._base.link.pipe(EVERY_PARTITION, asked))
            for box in portion:
                (until, since, by, reason), kept = next(answers), next(answers)
                if until is not None or kept:
                    hold = Hold(text(reason), text(by), number(text(since)), number(text(until)) if until else 1.0)
                    yield box, hold, kept

    def in_force(self, boxes: Iterable[MailboxId]) -> set[MailboxId]:
        """Those of these mailboxes that are under a hold now."""
        now = self._base.now()
        return {box for box, hold, _ in self.of(boxes) if hold.in_force(now)}

    def kept(self, box: MailboxId) -> Iterator[Message]:
        """What a mailbox's hold keeps of what was deleted, in the order in which it was erased."""
        keys = self._base.keys.of(box)
        ids = [text(one) for one in self._base.link.pipe(keys.partition, [("ZRANGE", keys.held, 0, -1)])[0]]
        for start in range(0, len(ids), _MESSAGES):
            some = ids[start : start + _MESSAGES]
            found = self._base.link.pipe(keys.partition, [("HGETALL", f"{keys.held}:{one}") for one in some])
            yield from (message_of(one, texts(it), self._base.seal) for one, it in zip(some, found, strict=True) if it)

    def drop(self, box: MailboxId) -> int:
        """Erase what a hold that is over kept; how many messages. An event tells it, not among the mailbox's own."""
        keys, gone = self._base.keys.of(box), 0
        while some := int(self._base.change(keys, "held_drop", [keys.erase], [str(_MESSAGES)])):
            gone += some
        if gone:
            self._base.log_event(PRIVACY, EventType.HELD_ERASED, mailbox=str(box), messages=str(gone))
        return gone

    def _change(self, box: MailboxId, fields: list[str]) -> None:
        if not self._base.change(self._base.keys.of(box), "hold", [], [json.dumps(fields)]):
            raise NoSuchMailboxError(f"no mailbox {box}")
