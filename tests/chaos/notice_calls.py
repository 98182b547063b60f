"""A call about a message while whoever places it, or Redis, is killed at every step of a try.

    python -m chaos.notice_calls

A process claims the job and rings; at one point of that (each word to Redis, each answer, before and after the telephone
rings) it is killed, or Redis is, whose append-only file is on. Then another goes on until nothing waits. What must hold: no
two rings are closer than the pause between two tries, the telephone rings no more often than it should, and at most the try
that was struck is lost.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
import tempfile
from collections import Counter
from enum import Enum
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

sys.path[:0] = [str(Path(__file__).parents[1] / "notify")]

from chaos.points import Points, kill_this_process
from house import House
from notify_cast import ALICE, NOON, TestClock
from support.redis_servers import redis_server
from support.waiting import wait_until

from esl_vm.model.errors import StoreDownError
from esl_vm.model.events import EventType
from esl_vm.model.jobs import JobKind, JobState
from esl_vm.model.settings import NoticeCallSettings, Settings
from esl_vm.notify.job_worker import LEASE_S, JobWorker
from esl_vm.notify.notice_calls import NoticeCalls
from esl_vm.notify.plan import Wishes, jobs_of
from esl_vm.notify.rules import Notices
from esl_vm.notify.sources import Sources

if TYPE_CHECKING:
    from support.redis_servers import RedisServer

TRIES, PAUSE_S = 3, 120
SETTINGS = Settings(notice_calls=NoticeCallSettings(dial="sofia/gateway/trunk/{number}", tries=TRIES, pause_s=PAUSE_S))


class Failure(Enum):
    """What is killed."""

    WORKER = "the worker"
    REDIS = "Redis"


class Telephone:
    """FreeSWITCH and the telephone that nobody answers: each ring is a line of a file, when it was."""

    def __init__(self, folder: Path, clock: TestClock, points: Points | None = None) -> None:
        self._file, self._clock, self._points = folder / "rung", clock, points

    def api(self, _command: str) -> str:
        return ""

    def ring(self, _words: str, _seconds: float) -> str:
        self._point("before it rings")
        with self._file.open("a") as file:
            file.write(f"{self._clock.now()}\n")
        self._point("after it rang")
        return "-ERR NO_ANSWER"

    def _point(self, kind: str) -> None:
        if self._points is not None:
            self._points.point(kind)

    @property
    def rung(self) -> list[float]:
        return [float(line) for line in self._file.read_text().splitlines()] if self._file.exists() else []


def worker(house: House, telephone: Telephone) -> JobWorker:
    """Who places calls."""
    events = house.store.events
    shared = (events.shared("plans", "t"), events.shared("history", "t"))
    sources = Sources(
        events, *shared, house.outbox, house.mailboxes, house.registry, house.audio, house.clock
    )  # fmt: skip
    calls = NoticeCalls(telephone, telephone, SETTINGS, sources, Notices(sources, SETTINGS))
    return JobWorker(JobKind.NOTICE_CALL, house.outbox, calls.carry, house.clock, at_once=0)


def run(every: int = 1) -> tuple[Counter[str], list[str]]:
    """Strike at each `every`-th point: how many of each kind, and what was found wrong."""
    struck: Counter[str] = Counter()
    wrong: list[str] = []
    for failure in Failure:
        with redis_server("--appendonly", "yes", "--appendfsync", "always") as server:
            at = 1
            while kind := strike(failure, at, server, wrong):
                struck[f"{failure.value} is killed: {kind}"] += 1
                at += every
    return struck, wrong


def strike(failure: Failure, at: int, server: RedisServer, wrong: list[str]) -> str:
    """One try with a failure at that point, and what comes after it; the kind of the point, `` if there are not so many."""
    with server.client() as client:
        client.flushall()
    with tempfile.TemporaryDirectory(prefix="chaos-") as place:
        folder = Path(place)
        house = House(server.url, folder)
        house.add(notify_rules="call:15145550100")
        house.leave()
        for event in house.events():
            notices = Notices(Sources(*(None,) * 5, house.registry, None, house.clock), SETTINGS)  # type: ignore[arg-type]
            told = notices.of(event, house.registry.fields(ALICE)) if event.what is EventType.DELIVERED else ()
            for job in jobs_of(event, {}, Wishes(mail=False, calls=True), NOON, told):
                house.outbox.add(job)
        house.close()
        kind = _try_in_a_process(failure, at, server, folder)
        if kind and failure is Failure.REDIS:
            server.process.wait(100)
            server.start()
            wait_until(lambda: _is_loaded(server), what="Redis having read its file")
        if kind:
            wrong += [f"{failure.value}, point {at} ({kind}): {one}" for one in _after(server, folder)]
        return kind


def _is_loaded(server: RedisServer) -> bool:
    with server.client() as client:
        return not client.info("persistence")["loading"]


def _try_in_a_process(failure: Failure, at: int, server: RedisServer, folder: Path) -> str:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        with contextlib.suppress(BaseException):
            _try_once(failure, at, server, folder, writing)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as pipe:
        kind = pipe.read()
    os.waitpid(child, 0)
    return kind


def _try_once(failure: Failure, at: int, server: RedisServer, folder: Path, writing: int) -> None:
    house = House(server.url, folder)
    points = Points(folder, at, lambda: None)

    def struck() -> None:
        os.write(writing, points.last.encode())
        if failure is Failure.WORKER:
            kill_this_process()
        os.kill(server.pid, signal.SIGKILL)

    points.strike = struck
    telephone = Telephone(folder, house.clock, points)
    carrier = worker(house, telephone)
    with points.counting(), contextlib.suppress(StoreDownError):
        carrier.step()


def _after(server: RedisServer, folder: Path) -> list[str]:
    """Another worker, from when the lease of the first one is over until nothing is to be done."""
    clock = TestClock(NOON + LEASE_S + 1)
    house = House(server.url, folder, clock)
    telephone = Telephone(folder, clock)
    carrier = worker(house, telephone)
    for _ in range(2 * (TRIES + 2)):
        while carrier.step():
            pass
        clock.later(PAUSE_S / 2 + 1)
    rung = telephone.rung
    wrong = [] if TRIES - 1 <= len(rung) <= TRIES else [f"rang {len(rung)} times"]
    wrong += [f"rang again after {b - a:.0f} s" for a, b in pairwise(rung) if b - a < PAUSE_S]
    left = [f"{state}: {job.id}" for state in JobState for job in house.outbox.jobs(state)]
    house.close()
    return wrong + left


def main() -> int:
    """The whole campaign."""
    logging.disable(logging.CRITICAL)  # what is told of failures made on purpose
    struck, wrong = run()
    print("\n".join(f"{count:5}  {kind}" for kind, count in sorted(struck.items())), *wrong, sep="\n")
    return 1 if wrong or sum(struck.values()) < 20 else 0


if __name__ == "__main__":
    sys.exit(main())
