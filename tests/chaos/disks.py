"""A disk that is full, has no inodes, or is found broken and becomes read-only, under calls; and comes back.

    python -m chaos.disks                         every row (root is needed; five minutes)
    python -m chaos.disks --place spool --trouble full

The data folder, the spool and the embedded Redis' folder lie on a disk of their own in turn. Callers leave messages and
owners listen, from before the trouble until after it; some are in mid-recording when it begins.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import re
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from unittest.mock import patch

import pytest
from support.redis_servers import redis_server
from support.script import Caller as Person
from support.served import Service
from support.small_disk import LoopDisk, loop_disk
from support.sounds import write_wav
from support.waiting import wait_until

from esl_vm.cli.settings_file import load_settings
from esl_vm.model.errors import StoreDownError
from esl_vm.model.mailbox import MailboxId
from esl_vm.model.message import Caller, Message, new_id
from esl_vm.service.wiring import open_node
from esl_vm.sim import recording
from esl_vm.sim.node import Incoming, SimNode
from esl_vm.sim.realtime import RealTime
from esl_vm.sim.tcp import call_over_tcp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PLACES = ("data folder", "spool", "Redis")
TROUBLES = LoopDisk.TROUBLES
SEEDED, SEEDED_BY = 12, "1001"
BOXES = [MailboxId(str(number)) for number in (2000, 2001)]
LEAVE = "w:vm-theperson d:# w:beep talk s:1.5 d:# quiet w:vm-review d:1 end:20"
LISTEN = "w:vm-opts d:1 w:<*@6 q:0 d:# end:20"
APOLOGY = {"im-sorry", "vm-mailboxfull"}
WHY = re.compile(r"No space left|Read-only file system|is full|MISCONF|Redis|can't be (?:used|written)", re.IGNORECASE)
HEAD = (
    "| what | on the disk of | callers heard *saved* | an apology | owners heard their message | an apology | cut off "
    "| announced and lost | doubled | workers died | log lines of one kind a minute, at most |\n|" + "---|" * 11
)


@dataclass(frozen=True)
class Plan:
    """How long it takes, and who rings.

    Args:
        before: seconds from the first call to the trouble. trouble: seconds of it, but as long as fewer calls than `ended`
            have ended in it. after: seconds for which calls begin after it.
        callers, owners: who leave messages at once, and who listen. once: each rings once only.
    """

    before: float = 3.0
    trouble: float = 12.0
    ended: int = 6
    after: float = 5.0
    callers: int = 6
    owners: int = 3
    once: bool = False


@dataclass
class Told:
    """What the callers heard who rang in the trouble, and all who heard saved."""

    begun: int = 0
    saved: set[str] = field(default_factory=set)
    ends: Counter = field(default_factory=Counter)
    cut: list[list[str]] = field(default_factory=list)


@dataclass(frozen=True)
class Row:
    """One disk with one trouble."""

    trouble: str
    place: str
    told: Told
    lost: int
    doubled: int
    died: int
    log: Counter
    why: str

    def text(self) -> str:
        ends = self.told.ends
        heard = (ends["saved"], ends["leaving: apology"], ends["heard"], ends["listening: apology"], len(self.told.cut))
        figures = (*heard, self.lost, self.doubled, self.died, max(self.log.values(), default=0))
        return f"| {self.trouble} | {self.place} | {' | '.join(map(str, figures))} |"

    @property
    def wrong(self) -> list[str]:
        """What should not be."""
        found = []
        if self.lost or self.doubled:
            found.append(f"{self.lost} lost, {self.doubled} doubled")
        if self.died:
            found.append(f"{self.died} workers died")
        found += [f"a caller was told nothing: {' '.join(heard)}" for heard in self.told.cut]
        told = self.told.ends["leaving: apology"] + self.told.ends["listening: apology"]
        if told and not self.why:
            found.append("the log does not say why")
        found += [f"{count} log lines a minute: {kind}" for kind, count in self.log.items() if count > 1]
        return [f"{self.place}, {self.trouble}: {one}" for one in found]


class Ringing:
    """Callers and owners, each ringing again as soon as their call has ended."""

    def __init__(self, address: str, plan: Plan, told: Told | None = None) -> None:
        host, _, port = address.partition(":")
        self._address = (host, int(port))
        self.trouble: list[float] = []  # when it began, and when it was over
        self.told = told or Told()
        self._plan = plan
        self._up = 0
        self._over = False

    def run(self, begin: Callable[[], None] | None, mend: Callable[[], None] | None) -> None:
        """Ring through the trouble, if it begins, and after its end, if it ends; let the calls end."""
        plan = self._plan
        with RealTime() as loop:
            node = SimNode(loop)

            def stop() -> None:
                self._over = True

            def end() -> None:
                if self._ended < plan.ended:
                    loop.call_later(0.2, end)
                elif mend:
                    mend()
                    loop.call_later(plan.after, stop)
                else:
                    stop()

            if begin:
                loop.call_later(plan.before, begin)
                loop.call_later(plan.before + plan.trouble, end)
            else:
                loop.call_later(plan.after, stop)
            for number in range(plan.callers + plan.owners):
                listens = number >= plan.callers
                loop.call_later(number * 0.3, lambda listens=listens: self._ring(loop, node, listens))
            loop.run_until(lambda: self._over and not self._up, timeout=plan.trouble + 120)

    @property
    def _ended(self) -> int:
        return self.told.ends.total() + len(self.told.cut)

    def _ring(self, loop: RealTime, node: SimNode, listens: bool) -> None:
        if self._over:
            return
        self.told.begun += 1
        number = f"5{self.told.begun:07}"
        box = BOXES[self.told.begun % 2].number
        if listens:
            incoming = Incoming("*97", box, "Owner", variables={"vm_action": "check", "domain_name": "default"})
        else:
            incoming = Incoming(box, number, "Caller", variables={"vm_action": "leave", "domain_name": "default"})
        began = time.time()
        try:
            call, _, _ = call_over_tcp(loop, node, [self._address], incoming)
        except OSError as refused:
            self.told.cut.append([str(refused)])
            loop.call_later(1, lambda: self._ring(loop, node, listens))
            return
        self._up += 1

        def ended() -> None:
            self._up -= 1
            in_trouble = bool(self.trouble) and (len(self.trouble) == 1 or began < self.trouble[1])
            self._note(call.line.heard, number, listens, in_trouble)
            if not self._plan.once:
                loop.call_later(0, lambda: self._ring(loop, node, listens))

        call.line.on_ended.append(ended)
        Person(call.line, loop, LISTEN if listens else LEAVE).start()

    def _note(self, heard: list[str], number: str, listens: bool, in_trouble: bool) -> None:
        saved = "vm-msgsaved" in heard
        if saved:
            self.told.saved.add(number)
        if not in_trouble:
            return
        if saved:
            self.told.ends["saved"] += 1
        elif APOLOGY & set(heard):
            self.told.ends["listening: apology" if listens else "leaving: apology"] += 1
        elif listens and any(name.startswith("<") for name in heard):
            self.told.ends["heard"] += 1
        elif listens and {"vm-nomore", "vm-no"} & set(heard):
            self.told.ends["nothing to hear"] += 1
        else:
            self.told.cut.append(heard)


@contextlib.contextmanager
def _setting(place: str, folder: Path) -> Iterator[tuple[Service, LoopDisk, Callable[[], Service]]]:
    """A service with that on a small disk; and how another one is started on the same."""
    spool = folder / "spool"
    where = {"data folder": folder / "data", "spool": spool, "Redis": folder / "data" / "redis"}[place]
    settings = f'[spool]\nfolder = "{spool}"\nmin_free_mb = 16\nsweep_s = 1\n'
    with contextlib.ExitStack() as stack:
        disk = stack.enter_context(loop_disk(where))
        where.chmod(0o700)
        words: tuple[str, ...] = ()
        if place != "Redis":
            server = stack.enter_context(redis_server("--appendonly", "yes", "--appendfsync", "always"))
            words = ("--redis", server.url)

        def start() -> Service:
            service = Service(folder, *words, settings=settings)
            stack.callback(service.close)
            return service

        yield start(), disk, start


def play(place: str, trouble: str, plan: Plan | None = None) -> Row:
    """One row. Skips where no disk can be made."""
    plan = plan or Plan()
    with (
        tempfile.TemporaryDirectory(prefix="disks-") as name,
        _setting(place, Path(name)) as (service, disk, again),
        patch.object(recording, "_FLUSH_S", 0.02),  # as FreeSWITCH is told to write
    ):
        _furnish(service)
        ringing = Ringing(service.address, plan)
        workers = service.workers()

        def begin() -> None:
            ringing.trouble.append(time.time())
            disk.spoil(trouble)

        def mend() -> None:
            if plan.once:  # what those few left may be delivered a while after their calls
                wait_until(lambda: _log(service.log, ringing.trouble[0])[1], what="the reason in the log")
            disk.mend(trouble)
            ringing.trouble.append(time.time())

        repaired = trouble == "read-only"  # nobody may have a file open on it then
        ringing.run(begin, None if repaired else mend)
        died = len(set(workers) - set(service.workers())) + (service.process.poll() is not None)
        kinds, why = _log(service.log, ringing.trouble[0])
        if repaired:
            if place == "Redis":  # whose locks the service holds open
                service.close()
            mend()
            if place == "Redis":
                service = again()
            ringing = Ringing(service.address, plan, ringing.told)
            ringing.run(None, None)
        there = _look(service, ringing.told.saved)
        lost = len(ringing.told.saved - set(there))
        doubled = sum(count > 1 for caller, count in there.items() if caller != SEEDED_BY)
        return Row(trouble, place, ringing.told, lost, doubled, died, kinds, why)


def _node(service: Service):
    words = service.process.args
    url = words[words.index("--redis") + 1] if "--redis" in words else ""
    config = Path(words[words.index("--config") + 1])
    return open_node(load_settings(config, {"data_dir": str(service.data)} | ({"redis.url": url} if url else {})))


def _furnish(service: Service) -> None:
    """Mailboxes, with messages to listen to: one that was heard is in the cache, and the next is another."""
    said = write_wav(service.data.parent / "said.wav", 0.5)
    with _node(service) as node:
        for box in BOXES:
            node.add_mailbox(box, {"maxmsg": "9999"}, "")
            for _ in range(SEEDED):
                now = node.clock.now()
                message = Message(new_id(now), Caller(SEEDED_BY), received=now, duration_ms=500)
                node.audio.put(message.id, said)
                node.mailboxes.deliver(box, message)


def _look(service: Service, saved: set[str]) -> Counter:
    """Who left what is in the mailboxes, with its sound, once all that was announced is there or time is up."""
    with _node(service) as node:

        def there() -> Counter:
            found: Counter = Counter()
            for box in BOXES:
                for ids in node.mailboxes.message_ids(box).values():
                    for one in ids:
                        message = node.mailboxes.message(box, one)
                        if message and node.audio.exists(one):
                            found[message.caller.number] += 1
            return found

        def complete() -> bool:
            try:
                return saved <= set(there())
            except StoreDownError:
                return False

        with contextlib.suppress(AssertionError):
            wait_until(complete, "all that was announced")
        return there()


def _log(path: Path, since: float) -> tuple[Counter, str]:
    """How often each kind of line was written in a minute from then on by a process, and one that says why."""
    kinds: Counter = Counter()
    why = ""
    for line in path.read_text("utf-8").splitlines():
        if not line.startswith("{"):
            continue
        told = json.loads(line)
        at, message = datetime.fromisoformat(told["time"]).timestamp(), told["message"]
        if told["level"] not in {"warning", "error", "critical"} or at < since:
            continue
        if "was quarantined" in message:  # one recording's end, each of them to be looked at
            continue
        kind = re.sub(r"[0-9a-f]{8,}[-0-9a-f.]*|[0-9]+|(?<=\.)[0-9a-f]{8}(?=\.)", "N", message)
        kinds[f"{told['process']} {int((at - since) // 60)} {kind}"] += 1
        if WHY.search(line):
            why = why or message
    return kinds, why


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--place", choices=PLACES, action="append")
    parser.add_argument("--trouble", choices=TROUBLES, action="append")
    asked = parser.parse_args()
    print(HEAD, flush=True)
    wrong: list[str] = []
    for place in asked.place or PLACES:
        for trouble in asked.trouble or TROUBLES:
            try:
                row = play(place, trouble)
            except pytest.skip.Exception as none:
                print(f"(not tried: {none})")
                return 0
            print(row.text(), flush=True)
            wrong += row.wrong
    print(*wrong, sep="\n", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
