"""Standing copies while the process that makes them is killed at every step.

    python -m chaos.copies [--every N]

A message with an introduction is left in a mailbox that has a standing copy. A process plans the copy and carries it, on a
real Redis, and is killed (SIGKILL) at one point of that: a word to Redis, an answer, a file operation on a sound. Then its
lease ends, and another goes on. What must hold: the original is there, the copy is there once, both have their sounds, no
other sound is there, and nothing waits.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

sys.path[:0] = [str(Path(__file__).parents[1] / "notify")]

from chaos.points import Points, kill_this_process
from house import House
from notify_cast import ALICE, BOB
from support.clocks import Clock
from support.redis_servers import redis_server
from support.sounds import write_wav

from esl_vm.model.jobs import JobKind, JobState
from esl_vm.model.mailbox import Folder
from esl_vm.notify.copies import Copier
from esl_vm.notify.job_worker import LEASE_S, JobWorker
from esl_vm.notify.plan import Wishes, jobs_of
from esl_vm.notify.sources import fields_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from esl_vm.model.mailbox import MailboxId
    from esl_vm.model.message import Message

NO_MAIL = Wishes(mail=False)


class Installation:
    """Two mailboxes on a Redis, the first with a copy to the second; each message is one trial."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url, self.folder = url, folder
        self.house = House(url, folder, Clock(time.time()))  # a stream's ids are of Redis' clock
        self.house.add(copies="1002", maxmsg="9999")
        self.house.add(BOB, maxmsg="9999")
        self.left = 0

    def struck(self, at: int) -> tuple[str, list[str]]:
        """Leave a message, kill what copies it at a point; at which kind of point (`` = past the last), what is wrong."""
        self.left += 1
        name = f"m{self.left:04d}"
        self.house.audio.put(f"{name}.intro", write_wav(self.folder / "intro.wav", 0.3))
        self.house.leave(message_id=name, seconds=0.3, intro_id=f"{name}.intro", intro_ms=300)
        kind = self._killed(at)
        self.house.clock.passes(LEASE_S + 1)
        carried(self.house)
        return kind, self.wrong(name)

    def wrong(self, name: str) -> list[str]:
        """What is not as it must be."""
        copies = self._messages(BOB)
        sounds = {sound for one in (*self._messages(ALICE), *copies) for sound in (one.id, one.intro_id)}
        found = [] if name in {one.id for one in self._messages(ALICE)} else ["the original is gone"]
        if len(copies) != self.left:
            found.append(f"{len(copies)} copies of {self.left} messages")
        if set(self.house.audio.ids()) != sounds:
            found.append(f"sounds: {set(self.house.audio.ids()) ^ sounds}")
        waiting = list(self.house.outbox.jobs(JobState.WAITING))
        return [*found, *(f"{job.id} waits" for job in waiting)]

    def _messages(self, box: MailboxId) -> list[Message]:
        return list(self.house.mailboxes.page(box, Folder.NEW, urgent=None, after=None, most=9999).messages)

    def _killed(self, at: int) -> str:
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            with contextlib.suppress(BaseException):
                _die_copying(self, at, writing)
            os._exit(0)
        os.close(writing)
        with os.fdopen(reading, encoding="utf-8") as pipe:
            kind = pipe.read()
        os.waitpid(child, 0)
        return kind


def carried(house: House) -> None:
    """Plan what was left, as the notifier does, and copy it."""
    plans = house.store.events.shared("plans", f"p{os.getpid()}", idle_s=0.0)
    while events := plans.take(1):
        for event in events:
            for job in jobs_of(event, fields_of(house.registry, event.box), NO_MAIL, house.clock.now()):
                house.outbox.add(job)
            plans.finish([event])
    copier = Copier(house.mailboxes, house.audio)
    worker = JobWorker(JobKind.COPY, house.outbox, copier.carry, house.clock, at_once=0)
    while worker.step():
        pass


def _die_copying(there: Installation, at: int, writing: int) -> None:
    mine = House(there.url, there.folder, there.house.clock)

    def strike() -> None:
        os.write(writing, points.last.encode())
        kill_this_process()

    points = Points(there.folder, at, strike)
    with points.counting():
        carried(mine)


def campaign(every: int = 1) -> Iterator[tuple[str, list[str]]]:
    """Every so many points, until there are no more: at which kind of point it died, and what is wrong then."""
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder, redis_server() as server:
        there, at = Installation(server.url, Path(folder)), 1
        while True:
            kind, wrong = there.struck(at)
            if not kind:
                return
            yield kind, [f"at {at}: {one}" for one in wrong]
            at += every


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m chaos.copies")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only every Nth point")
    struck = list(campaign(parser.parse_args().every))
    for kind, count in sorted(Counter(kind for kind, _ in struck).items()):
        print(f"{count:4} killed at {kind}")
    wrong = [one for _, each in struck for one in each]
    print("\n".join(wrong) or "nothing is wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
