"""Events as they happen (server-sent events): Redis' streams, read once by each process for all who listen.

An event's id says how far one has come in each partition's stream, so one who comes back with it, at any node, misses
nothing and sees nothing twice. One who was away for longer than the streams reach back gets a `reset`.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import gevent
import msgspec
from gevent.lock import Semaphore
from gevent.queue import Empty, Queue

from esl_vm.model.errors import StoreDownError, VoicemailError
from esl_vm.model.events import EventType
from esl_vm.model.rights import Right
from esl_vm.web.problems import ProblemError
from esl_vm.web.routes import Request, Response, route
from esl_vm.web.schemas.events import EventsQuery
from esl_vm.web.views import event_view

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping

    from esl_vm.model.events import Event
    from esl_vm.store.events import RedisEvents

log = logging.getLogger(__name__)

HEARTBEAT_S = 15.0
"""Seconds after which a line is sent although nothing happened: proxies and browsers see that it goes on."""
_WAIT_MS = 5000
_PORTION = 500
_MOST_BEHIND = 1000
"""Events that wait for a client; one who does not keep up is cut off, and comes back with the id it has."""
_POSITIONS = re.compile(r"([0-9]{1,4}:[0-9]{1,16}-[0-9]{1,16},)*[0-9]{1,4}:[0-9]{1,16}-[0-9]{1,16}")
_ENDS = frozenset({EventType.PIN_CHANGED, EventType.BOX_REMOVED})
_KIND = "text/event-stream"


class Hub:
    """Reads the streams for all who listen in this process.

    Args:
        events: the streams.
        observe: called with how many listen, whenever that changes.
        again_s: seconds after which the streams are read again where Redis was away.
    """

    def __init__(
        self, events: RedisEvents, observe: Callable[[int], None] = lambda _: None, *, again_s: float = 1.0
    ) -> None:
        self._events, self._observe, self._again_s = events, observe, again_s
        self._listeners: set[Queue[Event | None]] = set()
        self._reader: gevent.Greenlet | None = None
        self._beginning = Semaphore()
        self.reached: dict[int, str] = {}

    def listen(self) -> Queue[Event | None]:
        """What comes from now on; raises StoreDownError where it can't be read."""
        with self._beginning:
            if self._reader is None or self._reader.dead:
                self.reached = self._events.end()
                self._reader = gevent.spawn(self._read)
        queue: Queue[Event | None] = Queue(_MOST_BEHIND)
        self._listeners.add(queue)
        self._observe(len(self._listeners))
        return queue

    def leave(self, queue: Queue[Event | None]) -> None:
        """He listens no more; with the last of them the reading ends."""
        self._listeners.discard(queue)
        self._observe(len(self._listeners))

    def close(self) -> None:
        """The streams end, and their clients come back elsewhere."""
        for queue in tuple(self._listeners):
            self.leave(queue)
            if not queue.full():
                queue.put_nowait(None)
        if self._reader is not None:
            self._reader.kill(block=False)

    def has(self, queue: Queue[Event | None]) -> bool:
        """Whether he is still given what comes."""
        return queue in self._listeners

    def _look_anew(self) -> None:
        """Redis is back: where a fail-over lost the end of a stream its clients begin anew, and get a `reset`."""
        ends = self._events.end()
        if any(_order(entry) < _order(self.reached.get(partition, entry)) for partition, entry in ends.items()):
            self.reached = ends
            for queue in tuple(self._listeners):
                self.leave(queue)
                if not queue.full():
                    queue.put_nowait(None)

    def _read(self) -> None:
        away = False
        while self._listeners:
            try:
                if away:
                    self._look_anew()
                away = False
                events = self._events.read(self.reached, _WAIT_MS)
            except VoicemailError as why:
                log.debug("events wait: %s", why)
                away = True
                gevent.sleep(self._again_s)
                continue
            for event in events:
                self.reached[event.partition] = event.id
                for queue in tuple(self._listeners):
                    if queue.full():
                        self.leave(queue)
                    else:
                        queue.put_nowait(event)


@route(
    "GET", "/mailboxes/{mailbox}/events", Right.EVENTS_READ, "What happens in a mailbox, as it happens", response=_KIND,
    tag="Events",
)  # fmt: skip
def mailbox_events(request: Request, query: EventsQuery) -> Response:
    """Server-sent events; go on with Last-Event-ID. Ends when the session does."""
    box = request.box
    return _stream(request, query, [request.deps.partition(box)], lambda event: event.box == box)


@route(
    "GET", "/events", Right.EVENTS_READ, "What happens in all mailboxes within your reach, as it happens",
    response=_KIND, tag="Events",
)  # fmt: skip
def all_events(request: Request, query: EventsQuery) -> Response:
    """Server-sent events; go on with Last-Event-ID."""
    reach = request.identity.reach
    return _stream(request, query, None, lambda event: reach.has(event.box))


def _stream(
    request: Request, query: EventsQuery, partitions: list[int] | None, wanted: Callable[[Event], bool]
) -> Response:
    given = request.header("Last-Event-ID") or query.last_event_id
    if given and not _POSITIONS.fullmatch(given):
        raise ProblemError("invalid", "Last-Event-ID is the id of an event of this stream.")
    hub = request.deps.hub
    queue = hub.listen()  # before it is looked at what was missed
    reached = {p: at for p, at in hub.reached.items() if partitions is None or p in partitions}
    asked = dict(_pair(word) for word in given.split(",")) if given else {}
    stream = _Stream(request, queue, reached, {p: at for p, at in asked.items() if p in reached}, wanted)
    return Response(content_type=_KIND, stream=stream, headers={"X-Accel-Buffering": "no", "Cache-Control": "no-store"})


def _pair(word: str) -> tuple[int, str]:
    partition, _, entry = word.partition(":")
    return int(partition), entry


@dataclass(slots=True)
class _Stream:
    """The bytes of one client's stream.

    Args:
        request: whose. queue: where it is given what comes. reached: how far it has come, by partition.
        resume: from where it goes on, by partition. wanted: which events are for it.
    """

    request: Request
    queue: Queue[Event | None]
    reached: dict[int, str]
    resume: Mapping[int, str]
    wanted: Callable[[Event], bool]
    lines: Generator[bytes, None, None] = field(init=False)

    def __post_init__(self) -> None:
        self.lines = self._all()

    def __iter__(self) -> Iterator[bytes]:
        return self.lines

    def close(self) -> None:
        """The client is gone."""
        self.request.deps.hub.leave(self.queue)
        self.lines.close()

    def _all(self) -> Generator[bytes, None, None]:
        yield b"retry: 2000\n\n"
        for partition, entry in self.resume.items():
            yield from self._missed(partition, entry)
        while self.request.deps.hub.has(self.queue):
            try:
                event = self.queue.get(timeout=HEARTBEAT_S)
            except Empty:
                if not self._may():
                    return
                yield b":\n\n"
                continue
            if event is None:
                return
            if event.partition not in self.reached or _order(event.id) <= _order(self.reached[event.partition]):
                continue
            self.reached[event.partition] = event.id
            if self.wanted(event):
                yield self._encoded(event)
                if event.what in _ENDS and not self._may():
                    return

    def _missed(self, partition: int, entry: str) -> Iterator[bytes]:
        while True:
            events = self.request.deps.events.since(partition, entry, _PORTION)
            if events is None:
                yield b"id: %s\nevent: reset\ndata: {}\n\n" % self._position()
                return
            for event in events:
                entry = self.reached[partition] = event.id
                if self.wanted(event):
                    yield self._encoded(event)
            if len(events) < _PORTION:
                return

    def _may(self) -> bool:
        try:
            return self.request.is_still_valid()
        except StoreDownError:
            return True  # it can't be asked now, and nothing is sent meanwhile
        except VoicemailError:
            return False

    def _position(self) -> bytes:
        """The id with which one goes on from here."""
        return ",".join(f"{partition}:{entry}" for partition, entry in sorted(self.reached.items())).encode()

    def _encoded(self, event: Event) -> bytes:
        data = msgspec.json.encode(event_view(event, self.request.zone))
        return b"id: %s\nevent: %s\ndata: %s\n\n" % (self._position(), event.what.encode(), data)


def _order(entry: str) -> tuple[int, int]:
    at, _, number = entry.partition("-")
    return int(at), int(number or 0)
