"""The other side of the event socket: many calls at once, each pressing the keys of a list; run as a process of its own.

What FreeSWITCH does, as far as a service's work depends on it: the reply to an execute at once, the application's start
up to 20 ms later, the key's event and the application's end together, each event in two pieces; only events asked for. The
frames are captures of FreeSWITCH 1.11 with a call's ids put in.
"""

from __future__ import annotations

import heapq
import json
import random
import resource
import select
import socket
import sys
import time
import uuid
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from esl_vm.esl.wire import Decoder

if TYPE_CHECKING:
    from collections.abc import Callable

_CAPTURES = Path(__file__).absolute().parents[2] / "tests" / "data" / "wire"
OK = b"Content-Type: command/reply\nReply-Text: +OK\n\n"
API = b"Content-Type: api/response\nContent-Length: 4\n\n%s"
RAN = b"Application-UUID: %s\n\n"
ENDED = b"Application: %s\nApplication-Response: %s\n" + RAN
MYEVENTS = ("CHANNEL_EXECUTE", "CHANNEL_EXECUTE_COMPLETE", "DTMF")
TICK_S = 0.02
TO_ITS_END = "-"


@dataclass(frozen=True)
class Plan:
    """What the calls do.

    Args:
        port: the service's.
        keys: for each playback in turn the key that ends it; `-` = none, it plays to its end.
        calls: how many in all. at_once: how many at the same time.
        cycle: begin the keys again when they are used up; else the next playback goes on for ever.
        think_s: the least and the longest time from a playback's start to its end.
        seconds: end after so long (0: when all calls have ended).
        hold: when no call has anything more to do, say so and wait for a line on the standard input.
        variables: of the calls. boxes: mailboxes the calls go to in turn (variable vm_mailbox).
        fast: no ticks: everything at once.
    """

    port: int
    keys: str
    calls: int
    at_once: int
    cycle: bool = False
    think_s: tuple[float, float] = (0.02, 0.06)
    seconds: float = 0.0
    hold: bool = False
    variables: dict[str, str] = field(default_factory=dict)
    boxes: tuple[str, ...] = ("",)
    fast: bool = False


def _captured(file: str, event: str) -> bytes:
    decoder = Decoder()
    decoder.feed((_CAPTURES / f"{file}.esl").read_bytes())
    found = next(frame for frame in decoder if frame.event == event)
    return found.body or found.head + b"\n\n"


CONNECT, EXECUTE, COMPLETE = (
    _captured("executes-with-event-lock", f"CHANNEL_{name}") for name in ("DATA", "EXECUTE", "EXECUTE_COMPLETE")
)
DTMF = _captured("type-ahead", "DTMF")


def _header(block: bytes, name: bytes) -> bytes:
    return block.partition(b"\n" + name + b": ")[2].partition(b"\n")[0]


def _event(body: bytes) -> list[bytes]:
    """An event in the two pieces in which FreeSWITCH writes it."""
    return [b"Content-Length: %d\nContent-Type: text/event-plain\n\n" % len(body), body]


class Caller:
    """One call."""

    def __init__(self, load: Load, number: int) -> None:
        self.load, self.plan = load, load.plan
        own = str(uuid.UUID(int=number + (7 << 100))).encode()
        connect, begun, complete, dtmf = (
            block.replace(_header(block, b"Unique-ID"), own) for block in (CONNECT, EXECUTE, COMPLETE, DTMF)
        )
        variables = self.plan.variables | {"vm_mailbox": self.plan.boxes[number % len(self.plan.boxes)]}
        more = "".join(f"variable_{name}: {value}\n" for name, value in variables.items() if value).encode()
        connect = connect.replace(_header(connect, b"Caller-Destination-Number"), b"%2A97")
        self.connect_reply = connect.replace(b"variable_socket_host", more + b"variable_socket_host")
        self.begun = begun.rpartition(b"Application-UUID: ")[0]
        self.complete = complete.rpartition(b"Application: ")[0].replace(b"n: answer", b"n: playback")
        self.dtmf = dtmf.partition(b"DTMF-Digit: ")[0], dtmf.rpartition(b"DTMF-Digit: ")[2].partition(b"\n")[2]
        self.stream = socket.create_connection(("127.0.0.1", self.plan.port))
        self.stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.events: set[str] = set()
        self.unread = b""
        self.place = 0
        self.pressed_at = 0.0
        self.over = False

    def readable(self) -> None:
        try:
            data = self.stream.recv(65536)
        except ConnectionResetError:
            data = b""
        if not data:
            self.load.ended(self)
        *commands, self.unread = (self.unread + data).split(b"\n\n")
        for command in commands:
            if not self.over:
                self._command(command)

    def _command(self, command: bytes) -> None:
        if command.startswith(b"sendmsg"):
            self._write(OK)
            self._execute(dict(line.split(b": ", 1) for line in command.split(b"\n")[1:]))
        elif command.startswith(b"api"):
            self._write(API % (b"true" if b"_exists" in command else b"+OK\n"))
        elif command == b"connect":
            self._write(self.connect_reply)
        else:
            if command.startswith((b"event plain ", b"myevents")):
                self.events.update(command.decode().split()[2:] or MYEVENTS)
            self._write(OK)
            if command == b"exit":
                self.load.ended(self)

    def _execute(self, command: dict[bytes, bytes]) -> None:
        application = command[b"execute-app-name"]
        application_uuid = command.get(b"Event-UUID", b"a0b1c2d3-0000-4000-8000-123456789abc")
        load, plan, now = self.load, self.plan, time.perf_counter()
        load.applications += 1
        if self.pressed_at:
            load.latencies.append(now - self.pressed_at)
            self.pressed_at = 0.0
        start = now if plan.fast else now + random.random() * TICK_S
        if "CHANNEL_EXECUTE" in self.events:
            load.later(start, lambda: self._write(*_event(self.begun + RAN % application_uuid)))
        key = ""
        if application == b"playback":
            if self.place >= len(plan.keys):
                load.nothing_more += 1
                return
            key = plan.keys[self.place].replace(TO_ITS_END, "")
            self.place = (self.place + 1) % len(plan.keys) if plan.cycle else self.place + 1
            start += random.uniform(*plan.think_s)
        load.later(start, lambda: self._complete(application, application_uuid, key))

    def _complete(self, application: bytes, application_uuid: bytes, key: str) -> None:
        """The application ends: CHANNEL_EXECUTE_COMPLETE, 6.6 kB; before it the key that ended it, 2.1 kB."""
        response = b"FILE%20PLAYED" if application == b"playback" else b"_none_"
        told = {"#": b"%23", "*": b"%2A"}.get(key) or key.encode()
        used = b"variable_playback_terminator_used: %s\n" % told if key else b""
        pieces = _event(self.complete + used + ENDED % (application, response, application_uuid))
        if key:
            pieces = _event((b"DTMF-Digit: " + told + b"\n").join(self.dtmf)) + pieces
            self.pressed_at = time.perf_counter()
        self._write(*pieces)

    def _write(self, *pieces: bytes) -> None:
        try:
            for piece in pieces if not self.over else ():
                self.stream.sendall(piece)
        except OSError:
            self.load.ended(self)


class Load:
    """All calls of a plan."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.applications = self.completed = self.nothing_more = self._begun = 0
        self.latencies: list[float] = []
        self._timers: list = []
        self._numbers = count()
        self._callers: dict[int, Caller] = {}
        self._poll = select.epoll()

    def later(self, at: float, action: Callable[[], None]) -> None:
        heapq.heappush(self._timers, (at, next(self._numbers), action))

    def ended(self, caller: Caller) -> None:
        if not caller.over:
            caller.over = True
            self._poll.unregister(caller.stream.fileno())
            del self._callers[caller.stream.fileno()]
            caller.stream.close()
            self.completed += 1
            self._next_call()

    def run(self) -> dict[str, float]:
        plan, began = self.plan, time.perf_counter()
        while self._begun < min(plan.at_once, plan.calls):
            self._next_call()
            self._turn(0)
        while self._callers and (not plan.seconds or time.perf_counter() < began + plan.seconds):
            self._turn(0.1)
            if plan.hold and self.nothing_more == plan.calls:
                print("holding", flush=True)
                sys.stdin.readline()
                break
        times = sorted(self.latencies) or [0.0]
        waits = {name: 1000 * times[int(part * (len(times) - 1))] for name, part in (("p50_ms", 0.5), ("p99_ms", 0.99))}
        return {"applications": self.applications, "calls": self.completed, **waits}

    def _next_call(self) -> None:
        if self._begun < self.plan.calls:
            caller = Caller(self, self._begun)
            self._begun += 1
            self._callers[caller.stream.fileno()] = caller
            self._poll.register(caller.stream.fileno(), select.EPOLLIN)

    def _turn(self, longest: float) -> None:
        if self._timers:
            longest = max(0.0, min(longest, self._timers[0][0] - time.perf_counter()))
        for descriptor, _ in self._poll.poll(longest):
            if caller := self._callers.get(descriptor):
                caller.readable()
        while self._timers and self._timers[0][0] <= time.perf_counter():
            heapq.heappop(self._timers)[2]()


if __name__ == "__main__":
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    print(json.dumps(Load(Plan(**json.loads(sys.argv[1]))).run()), flush=True)
