"""A mailbox as one would write it in an afternoon: lists in memory. What the store does must come to the same."""

from __future__ import annotations

from dataclasses import dataclass, field

from esl_vm.model.mailbox import Folder
from esl_vm.model.store import Delivery

FOLDERS = tuple(Folder)


@dataclass
class Kept:
    id: str
    folder: Folder
    place: int  # milliseconds; decides the order among urgent ones, and among the others
    urgent: bool = False
    heard: bool = False
    was: tuple[Folder, int] | None = None
    ms: int = 0


@dataclass
class MailboxModel:
    """Messages by id, and ids that must not come back."""

    trash_days: int = 14
    maxmsg: int = 9999
    messages: dict[str, Kept] = field(default_factory=dict)
    erased: set[str] = field(default_factory=set)

    def lie(self, folder: Folder) -> list[str]:
        kept = [m for m in self.messages.values() if m.folder is folder]
        first = folder is Folder.NEW
        return [m.id for m in sorted(kept, key=lambda m: (first and not m.urgent, m.place, m.id))]

    def count(self, folder: Folder, *, urgent: bool = False) -> int:
        return sum(m.folder is folder and (m.urgent or not urgent) for m in self.messages.values())

    def folder_of(self, message_id: str) -> Folder | None:
        kept = self.messages.get(message_id)
        return kept.folder if kept else None

    def sound_ms(self) -> int:
        return sum(m.ms for m in self.messages.values() if m.folder is not Folder.TRASH)

    def _end(self, folder: Folder, now: int, *, urgent: bool) -> int:
        same = [m.place for m in self.messages.values() if m.folder is folder and m.urgent == urgent]
        return max([now, *(place + 1 for place in same)])

    def deliver(self, message_id: str, folder: Folder, place: int, *, urgent: bool, ms: int) -> Delivery:
        there = self.messages.get(message_id)
        if there:
            return Delivery.DELETED if there.folder is Folder.TRASH else Delivery.ALREADY
        if message_id in self.erased:
            return Delivery.DELETED
        if not self.maxmsg:
            return Delivery.CLOSED
        if self.count(folder) >= self.maxmsg:
            return Delivery.FULL
        self.messages[message_id] = Kept(message_id, folder, place, urgent, ms=ms)
        return Delivery.DONE

    def heard(self, message_id: str) -> None:
        if message_id in self.messages:
            self.messages[message_id].heard = True

    def retire(self, ids: list[str], now: int) -> int:
        moved = 0
        for message_id in ids:
            m = self.messages.get(message_id)
            if m and m.folder is Folder.NEW and m.heard and (not self.maxmsg or self.count(Folder.OLD) < self.maxmsg):
                m.place = self._end(Folder.OLD, now, urgent=m.urgent)
                m.folder = Folder.OLD
                moved += 1
        return moved

    def move(self, message_id: str, to: Folder, now: int) -> Delivery | None:
        m = self.messages.get(message_id)
        if m is None:
            return None
        if m.folder is to:
            m.heard = m.heard and to is not Folder.NEW
            return Delivery.ALREADY
        if self.maxmsg and self.count(to) >= self.maxmsg:
            return Delivery.FULL
        m.place = self._end(to, now, urgent=m.urgent)
        m.folder = to
        m.was = None
        m.heard = m.heard and to is not Folder.NEW
        return Delivery.DONE

    def delete(self, message_id: str, now: int) -> bool:
        m = self.messages.get(message_id)
        if m is None or m.folder is Folder.TRASH:
            return False
        if not self.trash_days:
            del self.messages[message_id]
            self.erased.add(message_id)
            return True
        was = (m.folder, m.place)
        m.place = self._end(Folder.TRASH, now, urgent=m.urgent)
        m.folder, m.was = Folder.TRASH, was
        return True

    def restore(self, message_id: str) -> bool:
        m = self.messages.get(message_id)
        if m is None or m.folder is not Folder.TRASH:
            return False
        m.folder, m.place = m.was
        m.was = None
        return True

    def purge(self, now: int) -> list[str]:
        before = now - self.trash_days * 86_400_000
        gone = [m.id for m in self.messages.values() if m.folder is Folder.TRASH and m.place < before]
        for message_id in gone:
            del self.messages[message_id]
            self.erased.add(message_id)
        return gone
