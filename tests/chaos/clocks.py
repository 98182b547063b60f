"""One node's clock is wrong, the others' are right: nothing is erased, no lock is shorter or longer, no greeting dropped.

    python -m chaos.clocks

Each row is a process of its own whose `time.time()` is off from its first line. It does what a node does, housekeeping
too, which a service with such a clock would leave to others; then a node whose clock is right looks, and goes on.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from support.sounds import write_wav

DAY = 86400
CLOCKS = {"40 days ahead": 40 * DAY, "two days behind": -2 * DAY, "an hour back": -3600}
LOCK_S = 900
HEAD = (
    "| a node's clock | does housekeeping | messages and sounds gone | a lock of 900 s, as it sees it | one it set, as others "
    "see it | greetings dropped |\n|---|---|---|---|---|---|"
)


@dataclass(frozen=True)
class Row:
    """What one wrong clock did."""

    clock: str
    keeps_house: bool
    gone: int
    seen: int
    set_by_it: int
    dropped: int

    def text(self) -> str:
        house = "yes" if self.keeps_house else "no"
        return f"| {self.clock} | {house} | {self.gone} | {self.seen} s | {self.set_by_it} s | {self.dropped} |"

    @property
    def wrong(self) -> list[str]:
        """What should not be."""
        found = []
        if self.keeps_house:
            found.append("it would do housekeeping")
        if self.gone:
            found.append(f"{self.gone} messages or sounds are gone")
        if self.dropped:
            found.append(f"{self.dropped} greetings were dropped")
        # A slow machine takes its time in between; nothing makes a lock longer.
        found += [f"a lock of {s} s" for s in (self.seen, self.set_by_it) if not LOCK_S - 120 <= s <= LOCK_S + 1]
        return [f"{self.clock}: {one}" for one in found]


def play(redis_url: str, folder: Path) -> list[Row]:
    """All rows, each on an empty Redis."""
    return [_played(name, skew_s, redis_url, folder / str(skew_s)) for name, skew_s in CLOCKS.items()]


def _played(name: str, skew_s: int, redis_url: str, folder: Path) -> Row:
    from esl_vm.model.mailbox import Folder, Greeting, MailboxId

    ours = MailboxId("1001")
    with _node(redis_url, folder) as node:
        node.store.link.run(None, lambda client: client.flushall())
        node.add_mailbox(ours, {"retention_days": "30", "trash_days": "14"}, "48213")
        node.add_mailbox(MailboxId("1002"), {}, "48213")
        kept = [_leave(node, ours, folder) for _ in range(4)]
        node.mailboxes.delete(ours, kept[3])
        _lock(node, "1001")
        events = len(node.store.events.tail(1000))
    here = [sys.executable, "-m", "chaos.clocks", "--off", str(skew_s), "--redis", redis_url, "--data", str(folder)]
    paths = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    acted = subprocess.run(here, capture_output=True, text=True, timeout=100, check=False, env=paths)
    if acted.returncode:
        raise AssertionError(acted.stderr)
    told = json.loads(acted.stdout)
    with _node(redis_url, folder) as node:
        _keep_house(node)
        lies = node.mailboxes.message_ids(ours)
        gone = sum(one not in lies[Folder.NEW] for one in kept[:3]) + (kept[3] not in lies[Folder.TRASH])
        gone += sum(not node.audio.exists(one) for one in kept)
        gone += max(0, events - len(node.store.events.tail(1000)))
        set_by_it = node.registry.locked_for(MailboxId("1002"))
        first = _greeting(node, ours) == told["greeting"]
        later = _record(node, folder, ours, store_away=True)
        node.sweeper.sweep_once()
        dropped = (not first) + (_greeting(node, ours) != later)
        node.store.mailboxes.remove_greeting(ours, Greeting.BUSY)
    return Row(name, told["keeps_house"], gone, told["seen"], set_by_it, dropped)


def _act(redis_url: str, folder: Path) -> dict[str, object]:
    """What the node does whose clock is wrong."""
    from esl_vm.model.mailbox import MailboxId
    from esl_vm.service.background import may_keep_house

    with _node(redis_url, folder) as node:
        _lock(node, "1002")
        keeps_house = may_keep_house(node)
        _keep_house(node)
        seen = node.registry.locked_for(MailboxId("1001"))
        return {"keeps_house": keeps_house, "seen": seen, "greeting": _record(node, folder, MailboxId("1001"))}


def _node(redis_url: str, folder: Path):
    from esl_vm.cli.settings_file import load_settings
    from esl_vm.service.wiring import open_node

    wanted = {"redis.url": redis_url, "data_dir": str(folder), "pins.lock_s": LOCK_S, "pins.failures": 3}
    return open_node(load_settings(None, wanted))


def _keep_house(node) -> None:
    """What the background process does each hour."""
    list(node.store.housekeeping.purge())
    node.store.housekeeping.erase_sounds(node.audio.delete)
    node.store.events.trim(node.settings.redis.events_days * DAY)


def _lock(node, number: str) -> None:
    from esl_vm.model.mailbox import MailboxId

    for _ in range(3):
        node.store.pins.check(MailboxId(number), "00000")


def _leave(node, box, folder: Path) -> str:
    from esl_vm.model.message import Message, new_id

    now = node.clock.now()
    message = Message(new_id(now), received=now, duration_ms=1000)
    node.audio.put(message.id, write_wav(folder / "said.wav"))
    assert node.mailboxes.deliver(box, message).kept
    return message.id


def _record(node, folder: Path, box, *, store_away: bool = False) -> str:
    """An owner records a greeting and hears that it is saved; its id. store_away: Redis goes away in that moment."""
    from esl_vm.model.call import Ended, Recorded
    from esl_vm.model.errors import StoreDownError
    from esl_vm.model.mailbox import Greeting
    from esl_vm.model.message import new_id
    from esl_vm.recordings import Settled

    def away(*_) -> str:
        raise StoreDownError("away for a moment")

    replaces = _greeting(node, box)
    with node.spool.take_greeting(box, Greeting.BUSY, new_id(node.clock.now()), replaces=replaces) as take:
        write_wav(take.path)
        take.recorded(Recorded(1000, Ended.KEY, "#"))
        if store_away:
            node.mailboxes.set_greeting = away
        try:
            assert take.settle() is (Settled.WAITING if store_away else Settled.DELIVERED)
        finally:
            vars(node.mailboxes).pop("set_greeting", None)
        return take.id


def _greeting(node, box) -> str:
    from esl_vm.model.mailbox import Greeting

    stored = node.mailboxes.open(box).greetings.get(Greeting.BUSY)
    return stored.audio_id if stored else ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--off", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--redis", default="", help=argparse.SUPPRESS)
    parser.add_argument("--data", default="", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.off is not None:
        right = time.time
        time.time = lambda: right() + asked.off
        print(json.dumps(_act(asked.redis, Path(asked.data))))
        return 0
    from support.redis_servers import redis_server

    with redis_server() as server, tempfile.TemporaryDirectory() as folder:
        rows = play(server.url, Path(folder))
    print("\n".join([HEAD, *(row.text() for row in rows)]))
    wrong = [one for row in rows for one in row.wrong]
    print(*wrong, sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
