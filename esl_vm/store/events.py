"""Reading what happened: the partitions' streams, for one who wants all of it, and for many who share the work."""

from __future__ import annotations

import heapq
from functools import partial
from typing import TYPE_CHECKING, Any

from redis.exceptions import ResponseError

from esl_vm.model.errors import StoreDownError
from esl_vm.store.base import Part
from esl_vm.store.records import text
from esl_vm.store.scripts import script
from esl_vm.store.streams import (
    COUNT,
    LONGEST_WAIT_MS,
    START,
    StreamEntry,
    Streams,
    entries_of,
    id_at,
    order_of,
    place_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from esl_vm.model.events import Event
    from esl_vm.model.mailbox import MailboxId
    from esl_vm.store.base import Base

# Milliseconds after which a consumer that has read nothing belongs to a process that is gone.
GONE_MS = 86_400_000


class RedisEvents(Part):
    """The streams of all partitions, read by one who wants to see everything."""

    def __init__(self, base: Base) -> None:
        super().__init__(base)
        self._streams = Streams(base)

    def end(self) -> dict[int, str]:
        """Where each partition's stream ends now: its newest entry's id."""
        found = self._streams.each(lambda pipeline, name: pipeline.xrevrange(name, count=1), [])
        return {p: text(newest[0][0]) if newest else START for p, newest in enumerate(found or [])}

    def read(self, after: Mapping[int, str], wait_ms: int) -> list[Event]:
        """Events after those positions, in order within a partition; waits up to `wait_ms` if there are none.

        Args:
            after: an entry's id for each partition; one that isn't named is read from its start.
            wait_ms: milliseconds; waits are cut to five seconds.
        """
        positions = {partition: after.get(partition, START) for partition in self._streams.names}
        entries = self._streams.read(
            lambda client, streams, block: client.xread(streams, count=COUNT, block=block), positions, wait_ms
        )
        return [entry.event for entry in entries or [] if entry.event is not None]

    def follow(self, after: Mapping[int, str] | None = None) -> Iterator[Event | None]:
        """Events as they come, from those positions (None: from now); None whenever none came for five seconds."""
        reached = dict(self.end() if after is None else after)
        while True:
            events = self.read(reached, LONGEST_WAIT_MS)
            for event in events:
                reached[event.partition] = event.id
                yield event
            if not events:
                yield None

    def tail(self, most: int = 100, *, box: MailboxId | None = None, since: float = 0.0) -> list[Event]:
        """The latest events, oldest first.

        Args:
            most: how many.
            box: only of that mailbox; its partition's stream is searched as far back as needed.
            since: only from that time on, epoch seconds by Redis's clock.
        """
        first = f"{since * 1000:.0f}-0" if since else "-"
        partitions = list(self._streams.names) if box is None else [self._base.keys.partition(box)]
        latest = [self._latest(partition, most, box, first)[::-1] for partition in partitions]
        found = list(heapq.merge(*latest, key=lambda event: (order_of(event.id)[0], event.at)))
        return found[-most:] if most > 0 else []

    def span(
        self, since: float = 0.0, until: float = 0.0, *, box: MailboxId | None = None, after: str = ""
    ) -> Iterator[Event]:
        """All events of a span of time, the earliest first; those of one millisecond by partition.

        since, until: epoch seconds by Redis' clock; before until, 0 = until now. box: only of that mailbox.
        after: only what comes after the event of that `Event.key`; raises InvalidValueError for what is none.
        """
        partitions = list(self._streams.names) if box is None else [self._base.keys.partition(box)]
        passed = place_of(after) if after else (0, 0, 0)
        first = id_at(max(since, passed[0] / 1000))
        last = f"({id_at(max(until, 0.001))}" if until else "+"  # nothing is before 0-0: Redis refuses that
        streams = [self._forward(one, first, last) for one in partitions]
        events = heapq.merge(*streams, key=lambda event: place_of(event.key))
        return (event for event in events if box in {None, event.box} and place_of(event.key) > passed)

    def begin(self) -> float:
        """From when on there are all events of all partitions, epoch seconds; 0 = none was dropped yet.

        A stream that has an entry at its begin that is not its first one was trimmed there.
        """
        oldest = 0.0
        for partition, name in self._streams.names.items():

            def work(client: Any, name: str = name) -> Any:
                try:
                    return client.xinfo_stream(name)
                except ResponseError:
                    return None  # there is no stream

            about = self._base.link.run(partition, work)
            if about and about["first-entry"] and int(about.get("entries-added", 0)) > int(about["length"]):
                oldest = max(oldest, int(text(about["first-entry"][0]).partition("-")[0]) / 1000)
        return oldest

    def _forward(self, partition: int, first: str, last: str) -> Iterator[Event]:
        while True:

            def work(client: Any, first: str = first) -> Any:
                return client.xrange(self._streams.names[partition], min=first, max=last, count=COUNT)

            entries = entries_of(partition, self._base.link.run(partition, work))
            yield from (one.event for one in entries if one.event is not None)
            if len(entries) < COUNT:
                return
            first = f"({entries[-1].id}"

    def since(self, partition: int, entry: str, most: int) -> list[Event] | None:
        """The events of one partition after an entry, oldest first; None if its stream does not have what came after it.

        It may not reach back so far any more; or it ends before that entry, as a fail-over of Redis lost the end of it.

        Args:
            partition: which one.
            entry: an entry's id.
            most: how many.
        """
        name = self._streams.names[partition]
        asked = [("XRANGE", name, f"({entry}", "+", "COUNT", most), ("XRANGE", name, "-", "+", "COUNT", 1)]
        found, oldest = self._base.link.pipe(partition, asked)
        if entry != START and oldest and order_of(text(oldest[0][0])) > order_of(entry):
            return None
        if entry != START and not found and order_of(self._last(partition)) < order_of(entry):
            return None
        return [one.event for one in entries_of(partition, found) if one.event is not None]

    def _last(self, partition: int) -> str:
        """The newest id that a partition's stream ever had, also of an entry that was dropped since."""

        def work(client: Any) -> str:
            try:
                return text(client.xinfo_stream(self._streams.names[partition])["last-generated-id"])
            except ResponseError:
                return START  # there is no stream

        return self._base.link.run(partition, work)

    def shared(self, group: str, consumer: str, **times: float) -> SharedEvents:
        """The streams as shared by all who name this group; each event is given to one of them."""
        return SharedEvents(self._base, self._streams, group, consumer, **times)

    def trim(self, older_than_s: float) -> int:
        """Drop entries older than so many seconds (about: whole blocks only); returns how many went."""
        oldest = id_at(self._base.now() - older_than_s)
        gone = self._streams.each(lambda pipeline, name: pipeline.xtrim(name, minid=oldest, approximate=True), 0)
        return sum(gone or [])

    def close(self) -> None:
        """Close the connection on which events are waited for."""
        self._streams.close()

    def _latest(self, partition: int, most: int, box: MailboxId | None, first: str) -> list[Event]:
        """A partition's latest events, newest first."""
        found: list[Event] = []
        last = "+"
        count = most if box is None else COUNT
        while len(found) < most:

            def work(client: Any, last: str = last) -> Any:
                return client.xrevrange(self._streams.names[partition], max=last, min=first, count=count)

            entries = entries_of(partition, self._base.link.run(partition, work))
            found += [e.event for e in entries if e.event is not None and box in {None, e.event.box}]
            if len(entries) < count:
                break
            last = f"({entries[-1].id}"
        return found[:most]


class SharedEvents:
    """The same streams, read by many of whom one is to see each event (a consumer group).

    Args:
        base: what the parts of the store share.
        streams: all partitions'.
        group: letters, digits and -, for what is done. consumer: this process, unlike any other.
        idle_s: seconds after which what somebody took and did not finish is given to another.
        begin_ago_s: a group that is new begins with what happened so many seconds ago.
    """

    def __init__(
        self,
        base: Base,
        streams: Streams,
        group: str,
        consumer: str,
        *,
        idle_s: float = 60.0,
        begin_ago_s: float = 600.0,
    ) -> None:
        self._base = base
        self._streams = streams
        self._group = group
        self._consumer = consumer
        self._idle_s = idle_s
        self._begin_ago_s = begin_ago_s
        self._there = False
        self._looked = float("-inf")

    def take(self, wait_ms: int) -> list[Event]:
        """Events nobody else was given, or that somebody took and left unfinished; waits up to `wait_ms`."""
        if not self._there:
            self._make_groups()
        entries = self._left_unfinished()
        if entries is not None and not entries:
            entries = self._streams.read(
                lambda client, streams, block: client.xreadgroup(
                    self._group, self._consumer, streams, count=COUNT, block=block
                ),
                dict.fromkeys(self._streams.names, ">"),
                wait_ms,
            )
        if entries is None:  # Redis was emptied or restored: the group is made anew with the next call
            self._there = False
            return []
        self._acknowledge([entry for entry in entries if entry.event is None])
        return [entry.event for entry in entries if entry.event is not None]

    def finish(self, events: Sequence[Event]) -> None:
        """These were seen to: nobody is given them again."""
        self._acknowledge([StreamEntry(event.partition, event.id, event) for event in events])

    def _acknowledge(self, entries: Sequence[StreamEntry]) -> None:
        ids: dict[int, list[str]] = {}
        for entry in entries:
            ids.setdefault(entry.partition, []).append(entry.id)

        for partition, done in ids.items():
            self._base.link.run(partition, partial(_acknowledge, self._streams.names[partition], self._group, done))

    def _make_groups(self) -> None:
        begin = id_at(self._base.now() - self._begin_ago_s)

        away: list[StoreDownError] = []
        for partition, name in self._streams.names.items():

            def work(client: Any, name: str = name) -> None:
                try:
                    client.xgroup_create(name, self._group, id=begin, mkstream=True)
                except ResponseError as error:
                    if "BUSYGROUP" not in str(error):  # that is: it is there
                        raise

            try:
                self._base.link.run(partition, work)
                self._base.link.script(partition, script("consumers_forget"), [name], [self._group, str(GONE_MS)])
            except StoreDownError as error:
                away.append(error)
        # A part of a Cluster that is away has its group already, or is given it when it is found to have none.
        if away and (not self._base.link.cluster or len(away) == len(self._streams.names)):
            raise away[0]
        self._there = True

    def _left_unfinished(self) -> list[StreamEntry] | None:
        """What somebody took too long ago; looked for twice in that time; None if the group is gone."""
        now = self._base.now()
        if now - self._looked < self._idle_s / 2:
            return []
        self._looked = now
        idle_ms = int(self._idle_s * 1000)
        replies = self._streams.each(
            lambda pipeline, name: pipeline.xautoclaim(name, self._group, self._consumer, idle_ms, count=COUNT),
            (b"", [], []),
        )
        if replies is None:
            return None
        return [entry for partition, reply in enumerate(replies) for entry in entries_of(partition, reply[1])]


def _acknowledge(stream: str, group: str, entries: Sequence[str], client: Any) -> None:
    client.xack(stream, group, *entries)
