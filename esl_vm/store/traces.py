"""What stands in Redis about a caller's number: messages, what was noted on others, settings, events."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from esl_vm.model.callers import HELD, HOLD, Trace, TraceKind, names, same_number, stands_in
from esl_vm.store.base import Part
from esl_vm.store.link import EVERY_PARTITION
from esl_vm.store.records import message_of, text, texts
from esl_vm.store.records import number as number_of
from esl_vm.store.streams import COUNT, entries_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from esl_vm.model.events import Event
    from esl_vm.model.mailbox import MailboxId
    from esl_vm.model.message import Message

_BOXES, _MESSAGES = 20, 200


class RedisTraces(Part):
    """See the module; all may raise StoreDownError."""

    def messages(self, boxes: Iterable[MailboxId], number: str) -> Iterator[tuple[MailboxId, Message, Trace]]:
        """Messages that he left, and others' with which his number stands; trash included."""
        rest = iter(boxes)
        while portion := list(islice(rest, _BOXES)):
            for box, message, kept in self._all(portion):
                if same_number(message.caller.number, number) or same_number(message.caller.name, number):
                    where = "held" if kept == HELD else str(message.folder)
                    trace = Trace(TraceKind.MESSAGE, str(box), message.id, message.received, where, kept and HOLD)
                elif field := _mentioned(message, number):
                    trace = Trace(TraceKind.MENTION, str(box), message.id, message.received, field, "another's message")
                else:
                    continue
                yield box, message, trace

    def settings(self, boxes: Iterable[MailboxId], number: str) -> Iterator[Trace]:
        """Options of mailboxes that have the number: rules, telephones."""
        rest = iter(boxes)
        while portion := list(islice(rest, _BOXES)):
            asked = [("HGETALL", self._base.keys.of(box).box) for box in portion]
            for box, fields in zip(portion, self._base.link.pipe(EVERY_PARTITION, asked), strict=True):
                for name, value in texts(fields).items():
                    if not name.startswith(("pin", "greeting.", "sound_ms", "created")) and stands_in(value, number):
                        yield Trace(TraceKind.SETTING, str(box), name, kept="a mailbox's setting")

    def events(self, number: str) -> Iterator[Event]:
        """Events that name him, in order within a partition."""
        for partition in range(self._base.keys.partitions):
            first = "-"
            while entries := self._range(partition, first):
                for _, _, event in entries_of(partition, entries):
                    if event is not None and names(event.details, number):
                        yield event
                first = f"({text(entries[-1][0])}"

    def forget_events(self, events: Sequence[Event]) -> int:
        """Take these out of the streams; how many were still there."""
        gone = 0
        for start in range(0, len(events), COUNT):
            some = events[start : start + COUNT]
            asked = [("XDEL", self._base.keys.part(event.partition).events, event.id) for event in some]
            gone += sum(self._base.link.pipe(EVERY_PARTITION, asked))
        return gone

    def _range(self, partition: int, first: str) -> list[Sequence[Any]]:
        stream = self._base.keys.part(partition).events
        return self._base.link.run(partition, lambda client: client.xrange(stream, min=first, count=COUNT))

    def _all(self, boxes: Sequence[MailboxId]) -> Iterator[tuple[MailboxId, Message, str]]:
        """All messages of these mailboxes, whether a hold forbids to erase them, or keeps them of what was erased (`HELD`)."""
        asked: list[tuple[str | int, ...]] = []
        for box in boxes:
            keys = self._base.keys.of(box)
            folders = [("ZRANGE", folder, 0, -1) for folder in (*keys.folders, keys.held)]
            asked += (("HGET", keys.box, "hold_until"), *folders)
        answers = iter(self._base.link.pipe(EVERY_PARTITION, asked))
        places, now = [], self._base.now()
        for box in boxes:
            keys, until = self._base.keys.of(box), next(answers)
            forbids = (
                HOLD if until is not None and (number_of(text(until)) == 0 or number_of(text(until)) > now) else ""
            )
            for folder in (*keys.folders, keys.held):
                hidden, ids = folder == keys.held, map(text, next(answers))
                places += [
                    (box, one, f"{keys.held}:{one}" if hidden else keys.message(one), HELD if hidden else forbids)
                    for one in ids
                ]
        for start in range(0, len(places), _MESSAGES):
            some = places[start : start + _MESSAGES]
            found = self._base.link.pipe(EVERY_PARTITION, [("HGETALL", key) for _, _, key, _ in some])
            for (box, one, _, kept), fields in zip(some, found, strict=True):
                if fields:
                    yield box, message_of(one, texts(fields), self._base.seal), kept


def _mentioned(message: Message, number: str) -> str:
    """In which field of somebody else's message the number stands, `` = in none."""
    said = message.transcript.text if message.transcript else ""
    if same_number(message.call.diverted_from, number):
        return "diverted_from"
    fields = {"note": message.note, "handled_by": message.handled_by, "transcript": said}
    return next((name for name, value in fields.items() if stands_in(value, number)), "")
