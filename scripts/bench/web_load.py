"""Clients of the API: so many requests a second, at fixed moments, whatever the answers take; or streams that are held open.

python -m bench.web_load PLAN    a JSON object with the fields of Plan; prints what was seen as a JSON object
"""

from __future__ import annotations

from gevent import monkey

monkey.patch_all()

import json
import statistics
import sys
import time
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import TYPE_CHECKING

import gevent
from gevent.queue import Queue

if TYPE_CHECKING:
    from http.client import HTTPResponse


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

    def ask(self, line: HTTPConnection, number: int) -> HTTPResponse:
        path = self.paths[number % len(self.paths)]
        line.request("GET", path, headers={"Authorization": f"Bearer {self.token}"})
        answer = line.getresponse()
        if answer.status != 200:
            raise RuntimeError(answer.read(300).decode())
        return answer


def run(plan: Plan) -> dict[str, float]:
    """Requests at their moments; latencies count from the moment a request was due."""
    due: Queue[tuple[float, int]] = Queue()
    took: dict[str, list[float]] = {"first": [], "whole": []}  # to the first byte of the body, to the last

    def work() -> None:
        line = HTTPConnection("127.0.0.1", plan.port)
        for at, number in due:
            answer = plan.ask(line, number)
            answer.read(1)
            took["first"].append(time.perf_counter() - at)
            answer.read()
            took["whole"].append(time.perf_counter() - at)

    workers = [gevent.spawn(work) for _ in range(plan.connections)]
    began = time.perf_counter()
    for number in range(int(plan.rate * plan.seconds)):
        at = began + number / plan.rate
        gevent.sleep(max(0.0, at - time.perf_counter()))
        due.put((at, number))
    for _ in workers:
        due.put(StopIteration)
    gevent.joinall(workers, raise_error=True)
    cuts = {name: statistics.quantiles(seconds, n=100) for name, seconds in took.items()}
    parts = ((f"{name}_p{part}_ms", 1000 * cuts[name][part - 1]) for name in cuts for part in (50, 99))
    return {"answers": len(took["whole"]), **dict(parts)}


def hold(plan: Plan) -> None:
    """Streams, all of them begun, until a line comes."""
    lines = [HTTPConnection("127.0.0.1", plan.port) for _ in range(plan.hold)]
    answers = [plan.ask(line, number) for number, line in enumerate(lines)]
    print("held", flush=True)
    sys.stdin.readline()
    del answers


if __name__ == "__main__":
    given = Plan(**json.loads(sys.argv[1]))
    if given.hold:
        hold(given)
    else:
        print(json.dumps(run(given)))
