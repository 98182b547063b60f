"""Many callers at once, in real time, while things are killed: what was heard saved is there, once.

    python -m chaos.load --calls 50 --seconds 30 --redis sentinel --kill-master 8
    python -m chaos.load --calls 50 --seconds 30 --redis cluster --kill-master 15 --move-slots 6
    python -m chaos.load --calls 1000 --seconds 300 --talk 20 --kill-worker-every 10

Every caller has a number of their own, so each message can be looked for. The callers are simulated; the service is
`esl-vm serve` with its workers, the Redis a real one.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from support.redis_servers import redis_cluster, redis_sentinels, redis_server
from support.script import Caller
from support.waiting import wait_until

from esl_vm.model.errors import StoreDownError
from esl_vm.model.mailbox import Folder, MailboxId
from esl_vm.model.options import MailboxOptions
from esl_vm.sim.node import Incoming, SimNode
from esl_vm.sim.realtime import RealTime
from esl_vm.sim.tcp import call_over_tcp
from esl_vm.store.connect import connect
from esl_vm.store.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BOXES = 32
DURABLE = ("--appendonly", "yes", "--appendfsync", "everysec")


@dataclass
class Told:
    """What the callers heard: calls begun, saved (by caller), full, apologies, calls no service took."""

    begun: int = 0
    saved: set[str] = field(default_factory=set)
    spoke: set[str] = field(default_factory=set)
    ends: Counter = field(default_factory=Counter)
    refused: int = 0
    most_at_once: int = 0


@dataclass
class Verdict:
    """What lies in the mailboxes afterwards, against what was heard."""

    told: Told
    there: Counter = field(default_factory=Counter)

    @property
    def lost(self) -> list[str]:
        """Callers who heard saved and whose message is not there."""
        return sorted(self.told.saved - set(self.there))

    @property
    def doubled(self) -> list[str]:
        """Callers whose message is there more than once."""
        return sorted(caller for caller, count in self.there.items() if count > 1)

    @property
    def from_nowhere(self) -> list[str]:
        """Messages of callers who never spoke."""
        return sorted(set(self.there) - self.told.spoke)

    def text(self) -> str:
        """The figures in words."""
        told = self.told
        return (
            f"{told.begun} calls, at most {told.most_at_once} at once, {told.refused} not taken; "
            f"{len(told.saved)} heard saved, {len(self.there)} messages; "
            f"lost {len(self.lost)}, doubled {len(self.doubled)}, from nowhere {len(self.from_nowhere)}; "
            f"ends {dict(told.ends)}"
        )


@contextlib.contextmanager
def service(url: str, folder: Path, workers: int, more: str = "") -> Iterator[tuple[tuple[str, int], subprocess.Popen]]:
    """`esl-vm serve` on that Redis, with more of its settings (TOML); its address and process."""
    settings = folder / "esl-vm.toml"
    settings.write_text(f"[spool]\nsweep_s = 2\n{more}")
    command = [sys.executable, "-m", "esl_vm", "--config", settings, "--redis", url, "--data-dir", folder / "data"]
    command += ["serve", "--listen", "127.0.0.1:0", "--workers", str(workers)]
    with (folder / "serve.log").open("wb") as log:
        running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, stdin=subprocess.DEVNULL)
    try:
        for line in running.stdout:
            if match := re.search(rb"takes calls on (127\.0\.0\.1):(\d+)", line):
                yield (match[1].decode(), int(match[2])), running
                return
        raise OSError((folder / "serve.log").read_text()[-2000:])
    finally:
        running.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            running.wait(20)
        running.kill()
        running.stdout.close()


class Load:
    """Keeps so many calls up at once against a service, for so many seconds."""

    def __init__(self, address: tuple[str, int], calls: int, seconds: float, talk: float) -> None:
        self.address = address
        self.calls = calls
        self.seconds = seconds
        self.script = f"w:vm-theperson d:# w:beep talk s:{talk} d:# quiet w:vm-review d:1 end:20"
        self.told = Told()
        self._up = 0
        self._dice = random.Random(1)

    def run(self, events: list[tuple[float, Callable[[], None]]]) -> Told:
        """Ring until the time is over and all calls have ended; `events` happen at their seconds."""
        with RealTime() as loop, _old_objects_left_alone():
            node = SimNode(loop)
            end = loop.now() + self.seconds
            for at, event in events:
                loop.call_later(at, event)
            for number in range(self.calls):
                loop.call_later(number * min(0.02, 5 / self.calls), lambda: self._ring(loop, node, end))
            loop.run_until(lambda: loop.now() > end and self._up == 0, timeout=self.seconds + 90)
        return self.told

    def _ring(self, loop: RealTime, node: SimNode, end: float) -> None:
        if loop.now() >= end:
            return
        self.told.begun += 1
        number = f"5{self.told.begun:07}"
        box = f"{2000 + self._dice.randrange(BOXES)}"
        incoming = Incoming(box, number, "Load", variables={"vm_action": "leave", "domain_name": "default"})
        try:
            call, _, _ = call_over_tcp(loop, node, [self.address], incoming)
        except OSError:
            self.told.refused += 1
            loop.call_later(0.2, lambda: self._ring(loop, node, end))
            return
        self._up += 1
        self.told.most_at_once = max(self.told.most_at_once, self._up)
        caller = Caller(call.line, loop, self.script)

        def ended() -> None:
            self._up -= 1
            heard = call.line.heard
            if "beep" in heard:
                self.told.spoke.add(number)
            if "vm-msgsaved" in heard:
                self.told.saved.add(number)
            self.told.ends[heard[-1] if heard else "(nothing)"] += 1
            loop.call_later(0, lambda: self._ring(loop, node, end))

        call.line.on_ended.append(ended)
        caller.start()


@contextlib.contextmanager
def _old_objects_left_alone() -> Iterator[None]:
    """A FreeSWITCH does not halt because three thousand tests ran before: the collector leaves alone what there is."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def look(store: Store, told: Told) -> Verdict:
    """What lies in the mailboxes, once the sweepers have had their time and a Redis that was killed its successor."""
    verdict = Verdict(told)

    def all_there() -> bool:
        with contextlib.suppress(StoreDownError):
            boxes = [MailboxId(str(2000 + n)) for n in range(BOXES)]
            verdict.there = Counter(m.caller.number for box in boxes for m in _messages(store, box))
            return not verdict.lost
        return False

    with contextlib.suppress(AssertionError):  # what is lost for good, the verdict says
        wait_until(all_there)
    return verdict


def _messages(store: Store, box: MailboxId) -> list:
    found, after = [], None
    while True:
        page = store.mailboxes.page(box, Folder.NEW, urgent=None, after=after, most=100)
        found += page.messages
        if not page.messages:
            return found
        after = page.places[-1]


def furnish(url: str) -> Store:
    """Mailboxes for everybody."""
    store = Store(connect(url), defaults=MailboxOptions())
    for number in range(BOXES):
        store.registry.add(MailboxId(str(2000 + number)), {"name": f"Box {number}", "maxmsg": "9999"})
    return store


def kill_worker(service: subprocess.Popen) -> None:
    """SIGKILL to one of the workers; the supervisor starts another."""
    children = Path(f"/proc/{service.pid}/task/{service.pid}/children").read_text().split()
    if children:
        os.kill(int(random.choice(children)), signal.SIGKILL)


def move_slots(cluster, count: int = 64) -> None:
    """Move slots that hold mailboxes from the first master to the second, keys and all, while calls go on."""
    source, target = cluster.nodes[0], cluster.nodes[1]
    with source.client() as a, target.client() as b:
        a_id, b_id = a.execute_command("CLUSTER", "MYID"), b.execute_command("CLUSTER", "MYID")
        slots = sorted({a.execute_command("CLUSTER", "KEYSLOT", key) for key in a.scan_iter("vm:{p*", count=1000)})
        for slot in slots[:count]:
            b.execute_command("CLUSTER", "SETSLOT", slot, "IMPORTING", a_id)
            a.execute_command("CLUSTER", "SETSLOT", slot, "MIGRATING", b_id)
            while keys := a.execute_command("CLUSTER", "GETKEYSINSLOT", slot, 100):
                a.execute_command("MIGRATE", "127.0.0.1", target.port, "", 0, 5000, "KEYS", *keys)
            for client in (b, a):
                client.execute_command("CLUSTER", "SETSLOT", slot, "NODE", b_id)


@contextlib.contextmanager
def redis_of(kind: str) -> Iterator[tuple[str, object]]:
    """A Redis of that kind; its URL and itself."""
    if kind == "sentinel":
        with redis_sentinels(3, 3, *DURABLE, down_after_ms=1500) as group:
            yield group.url, group
    elif kind == "cluster":
        with redis_cluster(3, 1, *DURABLE, timeout_ms=1500) as cluster:
            yield cluster.url, cluster
    else:
        with redis_server(*DURABLE) as server:
            yield server.url, server


def kill_master(redis: object) -> None:
    """SIGKILL to a master; a replica takes over."""
    master = redis.master() if hasattr(redis, "master") else redis.nodes[2] if hasattr(redis, "nodes") else redis
    master.kill()


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--talk", type=float, default=1.5)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--redis", choices=("single", "sentinel", "cluster"), default="single")
    parser.add_argument("--kill-master", type=float, metavar="AT_SECOND")
    parser.add_argument("--move-slots", type=float, metavar="AT_SECOND")
    parser.add_argument("--kill-worker-every", type=float, metavar="SECONDS")
    asked = parser.parse_args()
    verdict = play(asked)
    print(verdict.text())
    return 1 if verdict.lost or verdict.doubled or verdict.from_nowhere else 0


def play(asked: argparse.Namespace) -> Verdict:
    """One load as asked for."""
    with redis_of(asked.redis) as (url, redis), tempfile.TemporaryDirectory(prefix="load-") as name:
        store = furnish(url)
        with service(url, Path(name), asked.workers) as (address, running):
            load = Load(address, asked.calls, asked.seconds, asked.talk)
            events: list = []
            if asked.kill_master is not None:
                events.append((asked.kill_master, lambda: kill_master(redis)))
            if asked.move_slots is not None:
                events.append((asked.move_slots, lambda: move_slots(redis)))
            if asked.kill_worker_every:
                times = int(asked.seconds / asked.kill_worker_every)
                events += [(asked.kill_worker_every * (n + 1), lambda: kill_worker(running)) for n in range(times)]
            told = load.run(events)
            verdict = look(store, told)
        store.close()
        return verdict


if __name__ == "__main__":
    sys.exit(main())
