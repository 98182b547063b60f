"""The load, as a process of its own: calls from the other side of the event socket, or requests to the API at fixed moments.

python -m bench.load PLAN    a JSON object, see PLAN; prints what was seen as another

Of FreeSWITCH what a service's work depends on: the reply to an execute at once, the application's start up to 20 ms later,
the key's event and the application's end together, each event in two pieces; only events asked for. The frames are captures
of FreeSWITCH 1.11 with a call's ids put in. Requests count from the moment at which they were due.
"""

from __future__ import annotations

import heapq
import json
import random
import re
import resource
import select
import socket
import sys
import time
import uuid
from collections import deque
from functools import partial
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

from esl_vm.esl.wire import Decoder

if TYPE_CHECKING:
    from collections.abc import Callable

PLAN = {
    "port": 0,  # the service's
    "hold": 0,  # when so many calls have nothing more to do, or streams have begun: say so, wait for a line, end
    "seconds": 0.0,  # end after so long; 0: when all calls have ended
    "calls": 0,  # how many in all
    "at_once": 0,  # how many at the same time; of requests: connections
    "keys": "",  # for each playback in turn the key that ends it; `-` = none, it plays to its end
    "cycle": False,  # begin the keys again when they are used up; else the next playback goes on for ever
    "think_s": (0.02, 0.06),  # the least and the longest time from a playback's start to its end
    "fast": False,  # no ticks: everything at once
    "variables": {},  # of the calls
    "boxes": [""],  # mailboxes the calls go to in turn (variable vm_mailbox)
    "paths": [],  # requests instead of calls: asked for in turn
    "rate": 0,  # so many a second
    "token": "",
}
_CAPTURES = Path(__file__).absolute().parents[2] / "tests" / "data" / "wire"
OK = b"Content-Type: command/reply\nReply-Text: +OK\n\n"
API = b"Content-Type: api/response\nContent-Length: 4\n\n%s"
RAN = b"Application-UUID: %s\n\n"
ENDED = b"Application: %s\nApplication-Response: %s\n" + RAN
MYEVENTS = ("CHANNEL_EXECUTE", "CHANNEL_EXECUTE_COMPLETE", "DTMF")
TICK_S = 0.02


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
        self.stream = load.connect(self)
        self.events: set[str] = set()
        self.unread = b""
        self.place, self.pressed_at, self.over = 0, 0.0, False

    def readable(self, data: bytes) -> None:
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
            load.waits["key"].append(now - self.pressed_at)
            self.pressed_at = 0.0
        start = now if plan.fast else now + random.random() * TICK_S
        if "CHANNEL_EXECUTE" in self.events:
            load.later(start, lambda: self._write(*_event(self.begun + RAN % application_uuid)))
        key = ""
        if application == b"playback":
            if self.place >= len(plan.keys):
                load.held += 1
                return
            key = plan.keys[self.place].replace("-", "")
            self.place = (self.place + 1) % len(plan.keys) if plan.cycle else self.place + 1
            start += random.uniform(*plan.think_s)
        load.later(start, lambda: self._complete(application, application_uuid, key))

    def _complete(self, application: bytes, application_uuid: bytes, key: str) -> None:
        """The application ends: CHANNEL_EXECUTE_COMPLETE, 6.6 kB; before it the key that ended it, 2.1 kB."""
        response = b"FILE%20PLAYED" if application == b"playback" else b"_none_"
        digit = {"#": b"%23", "*": b"%2A"}.get(key) or key.encode()
        used = b"variable_playback_terminator_used: %s\n" % digit if key else b""
        pieces = _event(self.complete + used + ENDED % (application, response, application_uuid))
        if key:
            pieces = _event((b"DTMF-Digit: " + digit + b"\n").join(self.dtmf)) + pieces
            self.pressed_at = time.perf_counter()
        self._write(*pieces)

    def _write(self, *pieces: bytes) -> None:
        try:
            for piece in pieces if not self.over else ():
                self.stream.sendall(piece)
        except OSError:
            self.load.ended(self)


class Client:
    """One connection to the API."""

    def __init__(self, load: Load) -> None:
        self.load, self.stream = load, load.connect(self)

    def ask(self, due: float, number: int) -> None:
        self.due, self.got, self.begun = due, b"", False
        path = self.load.plan.paths[number % len(self.load.plan.paths)]
        head = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {self.load.plan.token}\r\n\r\n"
        self.stream.sendall(head.encode())

    def readable(self, data: bytes) -> None:
        self.got += data
        head, _, body = self.got.partition(b"\r\n\r\n")
        if not data or not self.got.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(self.got[:500].decode())
        now = time.perf_counter()
        if body and not self.begun:
            self.begun = True
            self.load.held += 1
            self.load.waits["first"].append(now - self.due)
            if self.load.held < self.load.plan.hold:  # one after the other
                self.load.idle.append(Client(self.load))
                self.load.next_request()
        length = re.search(rb"(?i)\bcontent-length: (\d+)", head)
        if length and len(body) == int(length[1]):
            self.load.waits["whole"].append(now - self.due)
            self.load.idle.append(self)
            self.load.next_request()


class Load:
    """All calls or requests of a plan."""

    def __init__(self, plan: SimpleNamespace) -> None:
        self.plan = plan
        self.applications = self.completed = self.held = self._begun = 0
        self.waits: dict[str, list[float]] = {"key": [], "first": [], "whole": []}
        self.idle: deque[Client] = deque()  # used in turn: none waits so long that it is hung up on
        self._due: deque[tuple[float, int]] = deque()
        self._timers: list = []
        self._numbers = count()
        self._there: dict[int, Caller | Client] = {}
        self._poll = select.epoll()

    def connect(self, owner: Caller | Client) -> socket.socket:
        stream = socket.create_connection(("127.0.0.1", self.plan.port))
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._there[stream.fileno()] = owner
        self._poll.register(stream.fileno(), select.EPOLLIN)
        return stream

    def later(self, at: float, action: Callable[[], None]) -> None:
        heapq.heappush(self._timers, (at, next(self._numbers), action))

    def ended(self, caller: Caller) -> None:
        if not caller.over:
            caller.over = True
            self._poll.unregister(caller.stream.fileno())
            del self._there[caller.stream.fileno()]
            caller.stream.close()
            self.completed += 1
            self._next_call()

    def _next_call(self) -> None:
        if self._begun < self.plan.calls:
            self._begun += 1
            Caller(self, self._begun - 1)

    def due(self, at: float, number: int) -> None:
        self._due.append((at, number))
        self.next_request()

    def next_request(self) -> None:
        if self._due and self.idle:
            self.idle.popleft().ask(*self._due.popleft())

    def run(self) -> dict[str, float]:
        plan, began = self.plan, time.perf_counter()
        if plan.paths:
            self.idle += [Client(self) for _ in range(1 if plan.hold else plan.at_once)]
            self._due += [(began, number) for number in range(plan.hold)]
            self.next_request()
        for number in range(int(plan.rate * plan.seconds)):
            at = began + number / plan.rate
            self.later(at, partial(self.due, at, number))
        while self._begun < min(plan.at_once, plan.calls):
            self._next_call()
            self._turn(0)
        while self._goes_on(began):
            self._turn(0.1)
        if plan.hold:
            print("holding", flush=True)
            sys.stdin.readline()
        parts = {
            f"{name}_p{part}_ms": 1000 * sorted(waits)[part * (len(waits) - 1) // 100]
            for name, waits in self.waits.items() if waits for part in (50, 99)
        }  # fmt: skip
        answers = len(self.waits["whole"])
        return {"applications": self.applications, "calls": self.completed, "answers": answers, **parts}

    def _goes_on(self, began: float) -> bool:
        plan = self.plan
        if plan.hold:
            return self.held < plan.hold
        if plan.paths:
            return len(self.waits["whole"]) < int(plan.rate * plan.seconds)
        return bool(self._there) and (not plan.seconds or time.perf_counter() < began + plan.seconds)

    def _turn(self, longest: float) -> None:
        if self._timers:
            longest = max(0.0, min(longest, self._timers[0][0] - time.perf_counter()))
        for descriptor, _ in self._poll.poll(longest):
            if one := self._there.get(descriptor):
                try:
                    data = one.stream.recv(65536)
                except ConnectionResetError:
                    data = b""
                one.readable(data)
        while self._timers and self._timers[0][0] <= time.perf_counter():
            heapq.heappop(self._timers)[2]()


if __name__ == "__main__":
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    print(json.dumps(Load(SimpleNamespace(**PLAN | json.loads(sys.argv[1]))).run()), flush=True)
