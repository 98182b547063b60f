"""The counts of every mailbox, held in memory by each notifier, and which lamps they add up to.

A lamp shows the sum of its own mailbox and of those it watches (a mailbox's `extensions`), as a telephone with several
mailboxes does on other systems. Lamps are named here like mailboxes (`1002@default`), whether or not there is a
mailbox of that name; which telephones of which hosts that means is node.py's business.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from esl_vm.model.errors import InvalidValueError
from esl_vm.model.mailbox import MailboxId
from esl_vm.notify.summary import Summary

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(slots=True)
class _Row:
    """One mailbox: what it holds, and the lamps it lights."""

    summary: Summary
    lamps: frozenset[MailboxId]


class LampCounts:
    """Counts by mailbox, sums by lamp; safe to use from several threads."""

    def __init__(self) -> None:
        self._rows: dict[MailboxId, _Row] = {}
        self._boxes: dict[MailboxId, set[MailboxId]] = {}
        self._seen: dict[MailboxId, int] = {}
        self._lock = threading.Lock()

    def version(self, box: MailboxId) -> int:
        """A number that changes with every event seen of that mailbox; for `load`."""
        with self._lock:
            return self._seen.get(box, 0)

    def load(self, box: MailboxId, summary: Summary, extensions: Iterable[str], version: int) -> set[MailboxId]:
        """What a look at the store showed, unless events overtook it since `version`; returns the lamps that changed."""
        with self._lock:
            if self._seen.get(box, 0) != version:
                return set()
            row = self._rows.get(box)
            lamps = self._set(box, summary, extensions)
            before = row.lamps if row else frozenset()
            same = row is not None and row.summary == summary
            return set(before ^ lamps) if same else set(before | lamps)

    def changed(self, box: MailboxId, summary: Summary, extensions: Iterable[str]) -> set[MailboxId]:
        """What an event told; returns the lamps concerned, those included that it lights no more."""
        with self._lock:
            self._seen[box] = self._seen.get(box, 0) + 1
            row = self._rows.get(box)
            return set(self._set(box, summary, extensions) | (row.lamps if row else frozenset()))

    def remove(self, box: MailboxId) -> set[MailboxId]:
        """The mailbox is gone; returns the lamps concerned."""
        with self._lock:
            self._seen[box] = self._seen.get(box, 0) + 1
            row = self._rows.pop(box, None)
            if row is None:
                return set()
            self._link(box, row.lamps, frozenset())
            return set(row.lamps)

    def __contains__(self, lamp: MailboxId) -> bool:
        """Whether any mailbox lights this lamp."""
        with self._lock:
            return lamp in self._boxes

    def lamp(self, lamp: MailboxId) -> Summary:
        """What a lamp shows: the sum over its mailboxes."""
        with self._lock:
            return sum((self._rows[box].summary for box in self._boxes.get(lamp, ())), Summary())

    def new(self, box: MailboxId) -> int | None:
        """The new messages of one mailbox; None if there is no such."""
        with self._lock:
            row = self._rows.get(box)
            return row.summary.new if row else None

    def lamps_of(self, box: MailboxId) -> set[MailboxId]:
        """The lamps a mailbox lights."""
        with self._lock:
            row = self._rows.get(box)
            return set(row.lamps) if row else set()

    def lamps(self) -> list[MailboxId]:
        """All lamps, those with new messages first."""
        with self._lock:
            lit = {lamp for row in self._rows.values() if row.summary.new for lamp in row.lamps}
            return [*sorted(lit), *sorted(self._boxes.keys() - lit)]

    def boxes(self) -> set[MailboxId]:
        """All mailboxes it knows."""
        with self._lock:
            return set(self._rows)

    def _set(self, box: MailboxId, summary: Summary, extensions: Iterable[str]) -> frozenset[MailboxId]:
        """Write down a mailbox; returns the lamps it lights."""
        lamps = frozenset({box, *watching(box, extensions)})
        row = self._rows.get(box)
        self._rows[box] = _Row(summary, lamps)
        self._link(box, row.lamps if row else frozenset(), lamps)
        return lamps

    def _link(self, box: MailboxId, before: frozenset[MailboxId], now: frozenset[MailboxId]) -> None:
        """Keep the index of lamps in step with a mailbox's row."""
        for lamp in before - now:
            self._boxes[lamp].discard(box)
            if not self._boxes[lamp]:
                del self._boxes[lamp]
        for lamp in now - before:
            self._boxes.setdefault(lamp, set()).add(box)


def watching(box: MailboxId, extensions: Iterable[str]) -> set[MailboxId]:
    """The lamps named by a mailbox's `extensions`: `1002` or `1002@domain`; what is neither is passed over."""
    lamps = set()
    for extension in extensions:
        try:
            lamps.add(MailboxId.parse(extension.strip().removeprefix("sip:"), box.domain))
        except InvalidValueError:
            continue
    return lamps
