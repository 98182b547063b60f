"""A node's own FreeSWITCH over its inbound event socket, for lamps and looking after."""

from __future__ import annotations

import logging
import random
import re
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import gevent
from gevent import socket
from gevent.event import AsyncResult, Event
from gevent.lock import BoundedSemaphore

from esl_vm.esl.commands import checked, command, send_event
from esl_vm.esl.tcp import prepare
from esl_vm.esl.wire import PLAIN_EVENT, Decoder, Frame, FrameLimits
from esl_vm.model.errors import SwitchDownError, UnsafeArgumentError, WireError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

log = logging.getLogger(__name__)

READ_SIZE = 65536
# Events kept for a subscriber that is slow; beyond these it is told to look at everything anew.
MOST_EVENTS = 10_000
_EVENT_NAME = re.compile(r"[A-Z_]{1,64}|CUSTOM [A-Za-z0-9_:.-]{1,128}")


@dataclass(frozen=True, slots=True)
class SwitchSettings:
    """Where FreeSWITCH's inbound event socket is, and how patient we are with it.

    Args:
        host: where it listens (event_socket.conf.xml). Best 127.0.0.1: the password goes in clear.
        port: its port.
        password: its password; `` is refused by FreeSWITCH.
        connect_s: seconds for connecting and logging in.
        reply_s: seconds for the answer to a command.
        retry_first_s: pause before the first new attempt; it doubles with each that fails.
        retry_most_s: the longest pause. Each is drawn between half of it and all, so that nodes don't come at once.
        limits: the longest frames; the output of an api command can be long.

    Raises:
        UnsafeArgumentError: a line break in the password.
    """

    host: str = "127.0.0.1"
    port: int = 8021
    password: str = field(default="", repr=False)
    connect_s: float = 5.0
    reply_s: float = 10.0
    retry_first_s: float = 0.5
    retry_most_s: float = 30.0
    limits: FrameLimits = field(default_factory=lambda: FrameLimits(body=16 * 1024 * 1024))

    def __post_init__(self) -> None:
        checked(self.password)


class _Subscriber:
    """Events for one iterator."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = frozenset(names)
        self.events: deque[Mapping[str, str]] = deque()
        self.arrived = Event()

    def put(self, event: Mapping[str, str]) -> None:
        if len(self.events) >= MOST_EVENTS:
            log.error("a subscriber of %s fell behind; it looks at everything anew", ", ".join(sorted(self.names)))
            self.restart()
        self.events.append(event)
        self.arrived.set()

    def restart(self) -> None:
        """What was missed can't be told: begin anew with an empty mapping."""
        self.events.clear()
        self.events.append({})
        self.arrived.set()


class EventSocketSwitch:
    """Keeps one connection, comes back by itself, may be used by many greenlets.

    Args:
        settings: where FreeSWITCH is.
    """

    def __init__(self, settings: SwitchSettings) -> None:
        self._settings = settings
        self._socket: socket.socket | None = None
        self._replies: deque[AsyncResult[Frame]] = deque()
        self._writing = BoundedSemaphore(1)
        self._subscribers: list[_Subscriber] = []
        self._up = Event()
        self._closed = False
        self._why = self._waits_for = ""
        self._keeper: gevent.Greenlet | None = None

    def start(self) -> None:
        """Connect in the background and stay connected until `close`. A wrong password is tried again, too."""
        if self._keeper is None:
            self._keeper = gevent.spawn(self._keep)

    def close(self) -> None:
        """Disconnect for good; iterators of events end."""
        self._closed = True
        if self._keeper is not None:
            self._keeper.kill()
        self._drop("closed")
        for subscriber in self._subscribers:
            subscriber.arrived.set()

    @property
    def connected(self) -> bool:
        """Whether FreeSWITCH is connected and has accepted the password."""
        return bool(self._up.is_set())

    @property
    def trouble(self) -> str:
        """Why the last attempt to connect failed, or the connection ended; `` if nothing has."""
        return self._why

    @property
    def unread(self) -> list[int]:
        """How many events wait for each iterator that is open."""
        return [len(subscriber.events) for subscriber in self._subscribers]

    def wait_connected(self, timeout: float) -> bool:
        """Wait until it is, at most that many seconds."""
        return self._up.wait(timeout) is True

    def fire(self, name: str, headers: Mapping[str, str], subclass: str = "") -> bool:
        """Fire an event; False if it is not connected now; UnsafeArgumentError for a name or a value that can be none."""
        every = {"Event-Subclass": subclass, **headers} if subclass else dict(headers)
        message = send_event(name, every)
        try:
            answer = self._ask(message).data
        except SwitchDownError:
            return False
        return answer.startswith("+OK")

    def api(self, command_line: str) -> str:
        """Run an api command, return its answer; raises SwitchDownError and UnsafeArgumentError."""
        return self._ask(command(f"api {command_line}")).data

    def events(self, names: Sequence[str]) -> Iterator[Mapping[str, str]]:
        """The events of those names as they come, all headers; `CUSTOM vm::maintenance` names a subclass.

        First, and after each new connection, an empty mapping: what happened before is not known. From then on none
        is missed. An event's own text is under the name `_body`. Raises UnsafeArgumentError for what is no name.
        """
        for name in names:
            if not _EVENT_NAME.fullmatch(name):
                raise UnsafeArgumentError(f"not the name of an event: {name!r}")
        subscriber = _Subscriber(names)
        self._subscribers.append(subscriber)
        if self.connected:
            gevent.spawn(self._subscribe, [subscriber])
        return self._events_of(subscriber)

    def _events_of(self, subscriber: _Subscriber) -> Iterator[Mapping[str, str]]:
        try:
            while not self._closed:
                while subscriber.events:
                    yield subscriber.events.popleft()
                subscriber.arrived.clear()
                if not self._closed:
                    subscriber.arrived.wait()
        finally:
            self._subscribers.remove(subscriber)

    # -- the connection ---------------------------------------------------------------------------------------------

    def _keep(self) -> None:
        pause = self._settings.retry_first_s
        told = False
        while not self._closed:
            try:
                decoder = self._connect()
                pause, told = self._settings.retry_first_s, False
                self._listen(decoder)
            except (OSError, WireError, SwitchDownError) as error:
                # Once an outage, not once an attempt.
                (log.debug if told else log.warning)("FreeSWITCH at %s: %s", self._where, error)
                told = True
                self._why = self._waits_for if isinstance(error, TimeoutError) else str(error)
                self._drop(self._why)
            except Exception as error:
                log.exception("FreeSWITCH at %s", self._where)
                self._drop(str(error))
            gevent.sleep(random.uniform(pause / 2, pause))
            pause = min(pause * 2, self._settings.retry_most_s)

    @property
    def _where(self) -> str:
        return f"{self._settings.host}:{self._settings.port}"

    def _connect(self) -> Decoder:
        """Connect, log in, subscribe; returns the decoder that reads on."""
        settings = self._settings
        end = time.monotonic() + settings.connect_s
        self._waits_for = "nothing answers at that address"
        self._socket = socket.create_connection((settings.host, settings.port), timeout=settings.connect_s)
        prepare(self._socket)
        decoder = Decoder(settings.limits)
        self._waits_for = "it takes connections and says nothing"
        greeting = self._next(decoder, end)
        if greeting.type != "auth/request":
            if greeting.type == "text/rude-rejection":
                raise SwitchDownError("its access list refuses this host (apply-inbound-acl in event_socket.conf.xml)")
            raise SwitchDownError(f"no log-in is asked for, but {greeting.type}: {greeting.data.strip()[:80]}")
        self._socket.sendall(command(f"auth {checked(settings.password)}"))
        if not self._next(decoder, end).data.startswith("+OK"):
            raise SwitchDownError("it refuses the password (notify.password)")
        self._up.set()
        log.info("FreeSWITCH at %s is connected", self._where)
        gevent.spawn(self._subscribe, list(self._subscribers))
        return decoder

    def _next(self, decoder: Decoder, end: float) -> Frame:
        """The next frame, while logging in."""
        while (frame := decoder.next()) is None:
            if self._socket is None:
                raise SwitchDownError("closed")
            self._socket.settimeout(max(0.001, end - time.monotonic()))
            data = self._socket.recv(READ_SIZE)
            if not data:
                raise SwitchDownError("the connection was closed while logging in")
            decoder.feed(data)
        return frame

    def _listen(self, decoder: Decoder) -> None:
        """Read until the connection ends."""
        stream = self._socket
        if stream is None:
            return
        stream.settimeout(None)
        while True:
            while (frame := decoder.next()) is not None:
                self._take(frame)
            data = stream.recv(READ_SIZE)
            if not data:
                raise SwitchDownError("the connection was closed")
            decoder.feed(data)

    def _take(self, frame: Frame) -> None:
        if frame.type == PLAIN_EVENT:
            name = frame.event
            if name == "CUSTOM":
                name = f"CUSTOM {frame.get('Event-Subclass') or ''}"
            wanted = [subscriber for subscriber in self._subscribers if name in subscriber.names]
            if wanted:
                event = frame.headers
                if frame.event_body:
                    event["_body"] = frame.event_body
                for subscriber in wanted:
                    subscriber.put(event)
        elif frame.type in {"command/reply", "api/response"}:
            if not self._replies:
                raise WireError(f"a reply to nothing: {frame.data[:80]!r}")
            self._replies.popleft().set(frame)
        elif frame.type == "text/disconnect-notice":
            raise SwitchDownError("FreeSWITCH ended the connection")

    def _ask(self, message: bytes) -> Frame:
        """Send a command, wait for its reply; raises SwitchDownError."""
        reply: AsyncResult[Frame] = AsyncResult()
        with self._writing:
            stream = self._socket
            if stream is None or not self.connected:
                raise SwitchDownError(f"FreeSWITCH at {self._where} is not connected: {self._why or self._waits_for}")
            self._replies.append(reply)
            try:
                stream.sendall(message)
            except OSError as error:
                self._drop(str(error))
                raise SwitchDownError(f"FreeSWITCH at {self._where}: {error}") from error
        try:
            frame: Frame = reply.get(timeout=self._settings.reply_s)
        except gevent.Timeout as error:
            # Replies come in order: after one that did not come no other can be told apart.
            self._drop("no answer")
            raise SwitchDownError(f"FreeSWITCH at {self._where} does not answer") from error
        return frame

    def _subscribe(self, subscribers: list[_Subscriber]) -> None:
        """Ask FreeSWITCH for the events of these subscribers, and tell them to begin."""
        every = sorted(frozenset(name for subscriber in subscribers for name in subscriber.names))
        # What follows CUSTOM on a line is a subclass, so those have a line each.
        plain = " ".join(name for name in every if not name.startswith("CUSTOM "))
        try:
            for names in [plain, *(name for name in every if name.startswith("CUSTOM "))]:
                if names and not (answer := self._ask(command(f"event plain {names}")).data).startswith("+OK"):
                    log.error("FreeSWITCH at %s does not tell of %s: %s", self._where, names, answer.strip())
        except SwitchDownError as error:
            log.debug("subscribing: %s", error)
            return
        for subscriber in subscribers:
            subscriber.restart()

    def _drop(self, why: str) -> None:
        """Close the connection; those who wait for replies are told."""
        self._up.clear()
        stream, self._socket = self._socket, None
        if stream is not None:
            stream.close()
        while self._replies:
            self._replies.popleft().set_exception(SwitchDownError(f"FreeSWITCH at {self._where}: {why}"))
