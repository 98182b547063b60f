"""Clients of the API: so many requests a second, at fixed moments, whatever the answers take; or streams that are held open.

python -m bench.web_load PLAN    a JSON object with the fields of Plan; prints what was seen as a JSON object
"""

from __future__ import annotations

from gevent import monkey

monkey.patch_all()

import json
import socket
import statistics
import sys
import time
from dataclasses import dataclass

import gevent
from gevent.queue import Queue


@dataclass(frozen=True)
class Plan:
    """What is asked.

    Args:
        port, token: of the service. paths: asked for in turn.
        rate: requests a second. seconds: for how long. connections: that are kept open for them.
        hold: instead: so many connections, each with one request whose answer does not end, until a line comes.
    """

    port: int
    token: str
    paths: list[str]
    rate: int = 200
    seconds: float = 10.0
    connections: int = 32
    hold: int = 0


class Connection:
    """One kept-alive connection."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self.line = socket.create_connection(("127.0.0.1", plan.port))
        self.line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, path: str) -> None:
        self.line.sendall(
            f"GET {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {self._plan.token}\r\n\r\n".encode()
        )

    def head(self) -> tuple[float, bytes]:
        """When the answer's first bytes came, and all that had come when its head was there."""
        got = self.line.recv(65536)
        first = time.perf_counter()
        while b"\r\n\r\n" not in got:
            got += self.line.recv(65536)
        return first, got

    def answer(self) -> tuple[float, float]:
        """When the first byte of its body was there, and the last."""
        _, got = self.head()
        head, _, body = got.partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(got[:300].decode())
        length = int(head.lower().partition(b"content-length:")[2].split()[0])
        while not body:
            body += self.line.recv(65536)
        first = time.perf_counter()
        had = len(body)
        while had < length:
            had += len(self.line.recv(65536))
        return first, time.perf_counter()


def run(plan: Plan) -> dict[str, float]:
    """Requests at their moments; latencies count from the moment a request was due."""
    due: Queue[tuple[float, str] | None] = Queue()
    firsts: list[float] = []
    wholes: list[float] = []

    def work() -> None:
        connection = Connection(plan)
        for at, path in due:
            connection.ask(path)
            first, last = connection.answer()
            firsts.append(first - at)
            wholes.append(last - at)

    workers = [gevent.spawn(work) for _ in range(plan.connections)]
    began = time.perf_counter()
    many = int(plan.rate * plan.seconds)
    for number in range(many):
        at = began + number / plan.rate
        gevent.sleep(max(0.0, at - time.perf_counter()))
        due.put((at, plan.paths[number % len(plan.paths)]))
    for _ in workers:
        due.put(StopIteration)
    gevent.joinall(workers, raise_error=True)
    return {"answers": len(wholes), **_percentiles("first", firsts), **_percentiles("whole", wholes)}


def _percentiles(name: str, seconds: list[float]) -> dict[str, float]:
    cuts = statistics.quantiles(seconds, n=100)
    return {f"{name}_p50_ms": 1000 * cuts[49], f"{name}_p99_ms": 1000 * cuts[98]}


def hold(plan: Plan) -> None:
    """Streams, all of them begun, until a line comes."""
    connections = [Connection(plan) for _ in range(plan.hold)]
    for number, connection in enumerate(connections):
        connection.ask(plan.paths[number % len(plan.paths)])
    for connection in connections:
        connection.head()
    print("held", flush=True)
    sys.stdin.readline()


if __name__ == "__main__":
    given = Plan(**json.loads(sys.argv[1]))
    if given.hold:
        hold(given)
    else:
        print(json.dumps(run(given)))
