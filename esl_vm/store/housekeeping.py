"""What has to be done now and then: empty the trash, retire what is too old, erase sounds nothing points to.

All of it may be done by several processes at once, broken off anywhere and begun again.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, islice
from typing import TYPE_CHECKING

from esl_vm.model.mailbox import Folder
from esl_vm.model.message import Counts
from esl_vm.store.base import DAY_S
from esl_vm.store.keys import BROADCASTS_ENDING, HOUSEKEEPING
from esl_vm.store.records import mailbox_of, number, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from esl_vm.model.mailbox import MailboxId
    from esl_vm.model.options import MailboxOptions
    from esl_vm.store.base import Base
    from esl_vm.store.cluster import Cluster
    from esl_vm.store.holds import RedisHolds
    from esl_vm.store.mailboxes import RedisMailboxes
    from esl_vm.store.registry import RedisRegistry

BOXES = 100
MESSAGES = 100
_KEPT = ("trash_days", "retention_days", "retention_folders")
_URGENT = 10**13  # as in common.lua: an urgent message's score is its time less this


@dataclass(frozen=True, slots=True)
class Purged:
    """What a portion of a purge did.

    Args:
        last: the last mailbox looked at; a purge broken off goes on after it.
        to_trash: messages older than their mailbox keeps any. erased: messages out of the trash.
    """

    last: MailboxId
    to_trash: int
    erased: int


@dataclass(frozen=True, slots=True)
class Due:
    """Messages of a folder that are older than its mailbox keeps them, in days; out of the trash they are erased."""

    box: MailboxId
    folder: Folder
    days: int
    messages: int


class Housekeeping:
    """See the module.

    Args:
        base: what the parts of the store share.
        mailboxes, registry, cluster, holds: of the same store.
    """

    def __init__(
        self, base: Base, mailboxes: RedisMailboxes, registry: RedisRegistry, cluster: Cluster, holds: RedisHolds
    ) -> None:
        self._base = base
        self._cluster = cluster
        self._holds = holds
        self._mailboxes = mailboxes
        self._registry = registry

    def my_turn(self, who: str, every_s: int) -> bool:
        """Whether this process is to purge now: True for one in the whole cluster within so many seconds."""
        turn = self._base.link.run(None, lambda client: client.set(HOUSEKEEPING, who, nx=True, ex=every_s))
        return bool(turn)

    def purge(self, after: MailboxId | None = None) -> Iterator[Purged]:
        """Go over all mailboxes (after one): messages over their folder's days go to the trash, those over `trash_days`
        in the trash and what legal holds kept that are over are erased, their sounds entered for `erase_sounds`. Yields after every hundred mailboxes.
        """  # noqa: D205 - one sentence
        boxes = self._registry.boxes(after=after)
        while portion := list(islice(boxes, BOXES)):
            to_trash = erased = 0
            for box, options, in_trash in self._looked_at(portion):
                if options.retires:
                    to_trash += self._retire(box, options)
                if in_trash:
                    erased += self._empty_trash(box, options.trash_days)
            over = [box for box, hold, kept in self._holds.of(portion) if kept and not hold.in_force(self._base.now())]
            erased += sum(map(self._holds.drop, over))
            yield Purged(portion[-1], to_trash, erased)

    def due(self, ahead_s: float = 0.0) -> Iterator[Due]:
        """What a purge would do now, or in so many seconds, folder by folder; nothing is changed."""
        boxes, now = self._registry.boxes(), self._base.now() + ahead_s
        while portion := list(islice(boxes, BOXES)):
            for box, options, in_trash in self._looked_at(portion):
                old = self._too_old(box, options, now) if options.retires else {}
                found = {folder: len(ids) for folder, (_, ids) in old.items()}
                if in_trash:
                    keys, before = self._base.keys.of(box), int((now - options.trash_days * DAY_S) * 1000)
                    asked = [("ZCOUNT", keys.folder(Folder.TRASH), *span) for span in _older_than(before)]
                    found[Folder.TRASH] = sum(self._base.link.pipe(keys.partition, asked))
                yield from (Due(box, one, options.days_kept(one), many) for one, many in found.items() if many)

    def withdraw(self) -> int:
        """Put unheard messages of broadcasts that are over in the trash; returns how many.

        All mailboxes are looked over, for a day after the end: one may still be sent at that moment.
        """
        now = self._base.now()
        run = self._base.link.run
        if not run(None, lambda client: client.zcount(BROADCASTS_ENDING, "-inf", now)):
            return 0
        gone = 0
        boxes = self._registry.boxes()
        while portion := list(islice(boxes, BOXES)):
            gone += sum(map(self._withdraw, portion))
        run(None, lambda client: client.zremrangebyscore(BROADCASTS_ENDING, "-inf", now - DAY_S))
        return gone

    def _withdraw(self, box: MailboxId) -> int:
        keys, now = self._base.keys.of(box), self._base.now()
        ids = [
            text(one) for one in self._base.link.pipe(keys.partition, [("ZRANGE", keys.folder(Folder.NEW), 0, -1)])[0]
        ]
        ends = (
            self._base.link.pipe(keys.partition, [("HGET", keys.message(one), "until") for one in ids]) if ids else []
        )
        over = [one for one, end in zip(ids, ends, strict=True) if 0 < number(text(end)) <= now]
        return sum(self._mailboxes.delete_because(box, one, "withdrawn") for one in over)

    def erase(self, box: MailboxId, message_ids: Sequence[str], before_ms: int = _URGENT) -> int:
        """Erase messages that lie in the trash, their sounds entered for `erase_sounds`; returns how many.

        Args:
            box: the mailbox.
            message_ids: which messages.
            before_ms: those that came into the trash before this time (milliseconds since 1970).
        """
        keys = self._base.keys.of(box)
        touched = [keys.deleted, keys.erase, *(keys.message(message_id) for message_id in message_ids)]
        words = [str(before_ms), str(self._base.remember_s), *message_ids]
        sounds = self._base.change(keys, "erase", touched, words)
        return len({text(sound) for sound in sounds} & set(message_ids))

    def sounds_to_erase(self, most: int = 1000) -> list[str]:
        """Ids of sounds nothing has pointed to for a while; about so many at most."""
        limit = ("-inf", self._base.now_ms(), "LIMIT", 0, max(1, most // self._base.keys.partitions))
        found = self._base.link.pipe(None, (("ZRANGEBYSCORE", part.erase, *limit) for part in self._base.keys.parts()))
        return [text(sound) for part in found for sound in part]

    def erase_sounds(self, delete: Callable[[str], None]) -> int:
        """Erase all sounds that nothing points to.

        Args:
            delete: erases one, `AudioStore.delete`; what it raises stops this, the rest is done the next time.

        Returns:
            How many were erased.
        """
        erased = 0
        while sounds := self.sounds_to_erase():
            for sound in sounds:
                delete(sound)
            self._cluster.note_erased(sounds)
            self._base.link.pipe(None, (("ZREM", part.erase, *sounds) for part in self._base.keys.parts()))
            erased += len(sounds)
        return erased

    def _looked_at(self, boxes: Sequence[MailboxId]) -> list[tuple[MailboxId, MailboxOptions, int]]:
        """Each mailbox with what it says of how long messages are kept, and how many lie in its trash."""
        places = [self._base.keys.of(box) for box in boxes]
        asked = [(("HMGET", keys.box, *_KEPT), ("ZCARD", keys.folder(Folder.TRASH))) for keys in places]
        replies = self._base.link.pipe(None, chain.from_iterable(asked))
        found = []
        for box, values, in_trash in zip(boxes, replies[::2], replies[1::2], strict=True):
            set_ones = {name: text(value) for name, value in zip(_KEPT, values, strict=True) if value}
            found.append((box, mailbox_of(box, set_ones, Counts(), self._base.defaults).options, in_trash))
        return found

    def _empty_trash(self, box: MailboxId, trash_days: int) -> int:
        keys = self._base.keys.of(box)
        trash = keys.folder(Folder.TRASH)
        before = int(self._base.now_ms()) - trash_days * DAY_S * 1000
        old = [("ZRANGEBYSCORE", trash, *span, "LIMIT", 0, MESSAGES) for span in _older_than(before)]
        erased = 0
        while True:
            ids = [text(word) for part in self._base.link.pipe(keys.partition, old) for word in part]
            if not ids:
                return erased
            gone = self.erase(box, ids, before)
            if not gone:  # all were restored in this moment
                return erased
            erased += gone

    def _retire(self, box: MailboxId, options: MailboxOptions) -> int:
        """Put what is too old in the trash. Goes by when it came, not since when it lies there: it may have been moved."""
        return sum(
            self._mailboxes.delete_because(box, message_id, "retention", came_before=before)
            for before, ids in self._too_old(box, options, self._base.now()).values()
            for message_id in ids
        )

    def _too_old(self, box: MailboxId, options: MailboxOptions, now: float) -> dict[Folder, tuple[float, list[str]]]:
        """By folder before when a message must have come to be too old (epoch seconds), and those that did."""
        keys, found = self._base.keys.of(box), {}
        for folder, ids in self._mailboxes.message_ids(box).items():
            days = 0 if folder is Folder.TRASH else options.days_kept(folder)
            before, old = now - days * DAY_S, []
            for start in range(0, len(ids) if days else 0, MESSAGES):
                portion = ids[start : start + MESSAGES]
                asked = [("HMGET", keys.message(message_id), "arrived", "received") for message_id in portion]
                times = self._base.link.pipe(keys.partition, asked)
                for message_id, (arrived, received) in zip(portion, times, strict=True):
                    came = arrived or received
                    if came is not None and number(text(came)) < before:
                        old.append(message_id)
            if old:
                found[folder] = (before, old)
        return found


def _older_than(before_ms: int) -> tuple[tuple[str | int, str], ...]:
    """The spans of scores that came into a folder before a time (milliseconds since 1970), urgent ones first."""
    return ("-inf", f"({before_ms - _URGENT}"), (0, f"({before_ms}")
