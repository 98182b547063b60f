"""The partitions' streams as Redis gives them: entries read together, waited for, and made into events."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from esl_vm.model.errors import InvalidValueError, StoreDownError
from esl_vm.model.events import Event, EventType
from esl_vm.model.mailbox import Folder, MailboxId
from esl_vm.model.message import Counts
from esl_vm.store.base import Part
from esl_vm.store.records import number, text, unpack_payload

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from esl_vm.store.base import Base
    from esl_vm.store.link import Link

T = TypeVar("T")
START = "0-0"
COUNT = 200
LONGEST_WAIT_MS = 5000  # inside Redis: a connection that died in silence is noticed soon after
_POLL_MS = 250  # between looks in a Cluster, where one command can't wait for the streams of several slots
_PLAIN = frozenset({b"what", b"box", b"id", b"at", b"new", b"old", b"urgent", b"urgent_old", b"payload"})


class StreamEntry(NamedTuple):
    """An entry of a partition's stream; event is None where it can't be read (a newer version wrote it)."""

    partition: int
    id: str
    event: Event | None


class Streams(Part):
    """All partitions' streams."""

    def __init__(self, base: Base) -> None:
        super().__init__(base)
        self.names = {partition: base.keys.part(partition).events for partition in range(base.keys.partitions)}
        self._partitions = {name.encode(): partition for partition, name in self.names.items()}
        self._waiting: Link | None = None

    def each(self, command: Callable[[Any, str], Any], missing: Any) -> list[Any] | None:
        """Do something with every stream in one round trip.

        Args:
            command: gets a pipeline or a client, and the stream's key.
            missing: what it came to where a part of a Cluster is away.

        Returns:
            What it came to, by partition; None if a consumer group is not there.
        """

        def ask(client: Any, partition: int) -> Any:
            return command(client, self.names[partition])

        return _unless_missing(lambda: self._base.each_partition(ask, missing))

    def read(
        self, command: Callable[[Any, dict[str, str], int | None], Any], positions: Mapping[int, str], wait_ms: int
    ) -> list[StreamEntry] | None:
        """Read entries; waits until some come or the time is over.

        Args:
            command: XREAD or XREADGROUP on a client or a pipeline, for streams with their positions; its third
                argument is for how many milliseconds Redis is to wait, None: not at all.
            positions: for each partition from where.
            wait_ms: milliseconds, cut to five seconds.

        Returns:
            The entries, in order within a partition; None if a stream or a consumer group is not there.
        """
        streams = {self.names[partition]: position for partition, position in positions.items()}
        wait_ms = max(0, min(wait_ms, LONGEST_WAIT_MS))
        if not self._base.link.cluster:
            link, block = (self._patient(), wait_ms) if wait_ms else (self._base.link, None)
            found = _unless_missing(lambda: link.run(None, lambda client: command(client, streams, block)) or [])
            return self._entries(found)
        waited = 0
        while True:
            # As each stream may be on a node of its own, what is away keeps nothing from the others.
            replies = self.each(lambda client, name: command(client, {name: streams[name]}, None), [])
            entries = None if replies is None else self._entries(one for reply in replies for one in reply or [])
            if entries or entries is None or waited >= wait_ms:
                return entries
            time.sleep(_POLL_MS / 1000)
            waited += _POLL_MS

    def close(self) -> None:
        """Close the connection on which entries are waited for, if there is one."""
        if self._waiting is not None:
            self._waiting.close()

    def _entries(self, streams: Iterable[Sequence[Any]] | None) -> list[StreamEntry] | None:
        if streams is None:
            return None
        found = []
        for name, entries in streams:
            found += entries_of(self._partitions[name], entries)
        return found

    def _patient(self) -> Link:
        if self._waiting is None:
            self._waiting = self._base.link.patient(LONGEST_WAIT_MS / 1000)
        return self._waiting


def entries_of(partition: int, entries: Iterable[Sequence[Any]]) -> list[StreamEntry]:
    """Entries from ids and fields; a deleted one has no fields."""
    return [StreamEntry(partition, text(at), event_of(partition, text(at), fields)) for at, fields in entries]


def event_of(partition: int, entry_id: str, fields: Mapping[bytes, bytes] | None) -> Event | None:
    """The event of an entry; None if this version can't read it."""
    if not fields:
        return None
    try:
        what = EventType(text(fields.get(b"what")))
        box = MailboxId.parse(text(fields.get(b"box")))
        at = float(fields.get(b"at", b"0"))
    except (ValueError, InvalidValueError):
        return None
    details = unpack_payload(fields.get(b"payload", b""))
    details |= {text(name): text(value) for name, value in fields.items() if name not in _PLAIN}
    folders = {Folder.NEW: number(text(fields.get(b"new"))), Folder.OLD: number(text(fields.get(b"old")))}
    counts = Counts(folders, number(text(fields.get(b"urgent"))), number(text(fields.get(b"urgent_old"))))
    return Event(entry_id, partition, what, box, at, counts, text(fields.get(b"id")), details)


def _unless_missing(ask: Callable[[], T]) -> T | None:
    """None where Redis says NOGROUP."""
    try:
        return ask()
    except StoreDownError as error:
        if "NOGROUP" in str(error):
            return None
        raise


def place_of(key: str) -> tuple[int, int, int]:
    """Where the event of that `Event.key` stands among all: by millisecond, partition, number. Raises InvalidValueError."""
    found = re.fullmatch(r"(\d{1,6}):(\d{1,18})-(\d{1,18})", key, re.ASCII)
    if found is None:
        raise InvalidValueError("that is no event's key")
    return int(found[2]), int(found[1]), int(found[3])


def order_of(entry: str) -> tuple[int, int]:
    """An entry's id as it is ordered."""
    at, _, number = entry.partition("-")
    return int(at), int(number or 0)


def id_at(seconds: float) -> str:
    """The smallest id of an entry written at that time."""
    return f"{max(0.0, seconds) * 1000:.0f}-0"
