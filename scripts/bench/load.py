"""The other side of the event socket: many calls at once, each pressing the keys of a list; run as a process of its own.

What FreeSWITCH does, as far as a service's work depends on it: the reply to an execute at once, the application's start
up to 20 ms later, the key's event and the application's end together, each event in two pieces; only events asked for.
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
from typing import TYPE_CHECKING

from bench.frames import API_OK, API_TRUE, OK, Frames

if TYPE_CHECKING:
    from collections.abc import Callable

TICK_S = 0.02
TO_ITS_END = "-"


@dataclass(frozen=True)
class Plan:
    """What the calls do.

    Args:
        host, port: the service.
        keys: for each playback in turn the key that ends it; `-` = none, it plays to its end.
        calls: how many in all. at_once: how many at the same time.
        cycle: begin the keys again when they are used up; else the next playback goes on for ever.
        think_s: the least and the longest time from a playback's start to its end.
        seconds: end after so long (0: when all calls have ended).
        hold: when no call has anything more to do, say so and wait for a line on the standard input.
        destination, variables: of the calls. boxes: mailboxes the calls go to in turn (variable vm_mailbox).
        fast: no ticks: everything at once.
    """

    host: str
    port: int
    keys: str
    calls: int
    at_once: int
    cycle: bool = False
    think_s: tuple[float, float] = (0.02, 0.06)
    seconds: float = 0.0
    hold: bool = False
    destination: str = "*97"
    variables: dict[str, str] = field(default_factory=dict)
    boxes: tuple[str, ...] = ()
    fast: bool = False


class Caller:
    """One call."""

    def __init__(self, load: Load, number: int) -> None:
        plan = load.plan
        self.load = load
        variables = dict(plan.variables)
        if plan.boxes:
            variables["vm_mailbox"] = plan.boxes[number % len(plan.boxes)]
        self.frames = Frames(str(uuid.UUID(int=number + (7 << 100))), plan.destination, variables)
        self.stream = socket.create_connection((plan.host, plan.port))
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
            return
        *commands, self.unread = (self.unread + data).split(b"\n\n")
        for command in commands:
            self._command(command)
            if self.over:
                return

    def _command(self, command: bytes) -> None:
        if command.startswith(b"sendmsg"):
            self._write([OK])
            self._execute(command)
        elif command.startswith((b"api uuid_exists", b"api file_exists")):
            self._write([API_TRUE])
        elif command.startswith(b"api"):
            self._write([API_OK])
        elif command == b"connect":
            self._write([self.frames.connect])
        else:
            if command == b"myevents":
                self.events |= {"CHANNEL_EXECUTE", "CHANNEL_EXECUTE_COMPLETE", "DTMF"}
            elif command.startswith(b"event plain "):
                self.events |= set(command.decode().split()[2:])
            self._write([OK])
            if command == b"exit":
                self.load.ended(self)

    def _execute(self, command: bytes) -> None:
        now = time.perf_counter()
        headers = dict(line.split(b": ", 1) for line in command.split(b"\n")[1:])
        application = headers[b"execute-app-name"]
        application_uuid = headers.get(b"Event-UUID", b"a0b1c2d3-0000-4000-8000-123456789abc")
        load, plan = self.load, self.load.plan
        load.applications += 1
        if self.pressed_at:
            load.latencies.append(now - self.pressed_at)
            self.pressed_at = 0.0
        start = now if plan.fast else now + random.random() * TICK_S
        if "CHANNEL_EXECUTE" in self.events:
            load.later(start, lambda: self._write(self.frames.executing(application_uuid)))
        if application != b"playback":
            load.later(start, lambda: self._write(self.frames.completed(application, application_uuid, "")))
            return
        if self.place >= len(plan.keys):
            load.nothing_more += 1
            return
        key = plan.keys[self.place].replace(TO_ITS_END, "")
        self.place = (self.place + 1) % len(plan.keys) if plan.cycle else self.place + 1
        load.later(start + random.uniform(*plan.think_s), lambda: self._end_playback(application_uuid, key))

    def _end_playback(self, application_uuid: bytes, key: str) -> None:
        if self.over:
            return
        pieces = self.frames.completed(b"playback", application_uuid, key)
        if key:
            pieces = self.frames.pressed(key) + pieces
            self.pressed_at = time.perf_counter()
            self.load.keys += 1
        self._write(pieces)

    def _write(self, pieces: list[bytes]) -> None:
        if self.over:
            return
        try:
            for piece in pieces:
                self.stream.sendall(piece)
        except OSError:
            self.load.ended(self)


class Load:
    """All calls of a plan."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.applications = 0
        self.keys = 0
        self.completed = 0
        self.nothing_more = 0
        self.latencies: list[float] = []
        self._timers: list = []
        self._numbers = count()
        self._callers: dict[int, Caller] = {}
        self._poll = select.epoll()
        self._begun = 0

    def later(self, at: float, action: Callable[[], None]) -> None:
        heapq.heappush(self._timers, (at, next(self._numbers), action))

    def ended(self, caller: Caller) -> None:
        caller.over = True
        self._poll.unregister(caller.stream.fileno())
        del self._callers[caller.stream.fileno()]
        caller.stream.close()
        self.completed += 1
        self._next_call()

    def run(self) -> dict[str, object]:
        plan, began = self.plan, time.perf_counter()
        while self._begun < min(plan.at_once, plan.calls):
            self._next_call()
            self._turn(0)
        end = began + plan.seconds if plan.seconds else None
        while self._callers and (end is None or time.perf_counter() < end):
            self._turn(0.1)
            if plan.hold and self.nothing_more == plan.calls:
                print("holding", flush=True)
                sys.stdin.readline()
                break
        self.latencies.sort()
        return {
            "applications": self.applications,
            "calls": self.completed,
            "keys": self.keys,
            "seconds": time.perf_counter() - began,
            "p50_ms": self._percentile(0.5),
            "p99_ms": self._percentile(0.99),
            "longest_ms": self._percentile(1.0),
        }

    def _percentile(self, part: float) -> float:
        if not self.latencies:
            return 0.0
        return 1000 * self.latencies[min(len(self.latencies) - 1, int(part * len(self.latencies)))]

    def _next_call(self) -> None:
        if self._begun >= self.plan.calls:
            return
        caller = Caller(self, self._begun)
        self._begun += 1
        self._callers[caller.stream.fileno()] = caller
        self._poll.register(caller.stream.fileno(), select.EPOLLIN)

    def _turn(self, longest: float) -> None:
        if self._timers:
            longest = max(0.0, min(longest, self._timers[0][0] - time.perf_counter()))
        for descriptor, _ in self._poll.poll(longest):
            caller = self._callers.get(descriptor)
            if caller is not None:
                caller.readable()
        while self._timers and self._timers[0][0] <= time.perf_counter():
            heapq.heappop(self._timers)[2]()


def main() -> None:
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    given = json.loads(sys.argv[1])
    given["think_s"] = tuple(given.get("think_s", (0.02, 0.06)))
    print(json.dumps(Load(Plan(**given)).run()), flush=True)


if __name__ == "__main__":
    main()
