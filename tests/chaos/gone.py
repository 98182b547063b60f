"""Every Redis of a set-up killed in turn, then a second one: which mailboxes let in, play and take messages?

    python -m chaos.gone            the Redis of this host, then the Valkey of the wheel: Sentinel and Cluster
    python -m chaos.gone --short    one after the other of two

With a whole third of a Cluster gone, a master and both its replicas, at last. What is left is left as by a call: a recording
in the spool, then settled; one that waits there is announced too, and is looked for when all servers are back.

The servers stand on three addresses, 127.0.0.1 to 127.0.0.3, as they do on the three hosts of docs/administration.md.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import re
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import redis
from support.ports import free_port
from support.redis_servers import NoRedisError, redis_executable, valkeys
from support.sounds import write_wav
from support.waiting import wait_until

from esl_vm.cli.settings_file import load_settings
from esl_vm.model.call import Ended, Recorded
from esl_vm.model.errors import VoicemailError
from esl_vm.model.mailbox import Folder, MailboxId
from esl_vm.model.message import Message, new_id
from esl_vm.model.pins import PinCheck
from esl_vm.model.topology import problems
from esl_vm.recordings import Settled
from esl_vm.service.wiring import open_node
from esl_vm.store.topology import discover

if TYPE_CHECKING:
    from collections.abc import Iterator

    from esl_vm.store.link import Link

HOSTS = ("127.0.0.1", "127.0.0.2", "127.0.0.3")
DURABLE = ("--appendonly", "yes", "--appendfsync", "everysec", "--save", "", "--repl-diskless-sync-delay", "0")
SAFE = (*DURABLE, "--min-replicas-to-write", "1", "--min-replicas-max-lag", "10")
BOXES = [MailboxId(str(number)) for number in range(2000, 2030)]
PIN = "48213"
LONGEST_S, SECOND_S = 40.0, 20.0  # for what is to work, and for what may not


@dataclass
class Server:
    """A redis-server on a host of its own, or one that shares it."""

    host: str
    port: int
    folder: Path
    words: tuple[str, ...]
    program: str
    process: subprocess.Popen | None = None

    @property
    def name(self) -> str:
        return f"{self.host}:{self.port}"

    def start(self) -> None:
        self.folder.mkdir(exist_ok=True)
        place = ("--port", str(self.port), "--bind", self.host, "--dir", str(self.folder))
        place += ("--replica-announce-ip", self.host)  # all of them reach each other from 127.0.0.1
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen([self.program, *place, *self.words], stdout=log, stderr=log)
        wait_until(self.answers, what=f"{self.name} answering")

    def answers(self) -> bool:
        with contextlib.suppress(redis.RedisError), self.client() as client:
            return bool(client.ping())
        return False

    def client(self) -> redis.Redis:
        return redis.Redis(host=self.host, port=self.port, decode_responses=True, socket_timeout=2)

    def kill(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()


@dataclass
class Setting:
    """Servers that run, and how the service names them."""

    url: str
    servers: list[Server] = field(default_factory=list)

    def in_step(self, replicas: int) -> bool:
        """Whether each master has so many replicas that are in step, and no server is away."""
        online = 0
        masters = 0
        for server in self.servers:
            with server.client() as client:
                told = client.info("replication")
            if told["role"] == "master":
                masters += 1
                online += sum(isinstance(one, dict) and one.get("state") == "online" for one in told.values())
            elif told.get("master_link_status") != "up":
                return False
        return online == masters * replicas


@contextlib.contextmanager
def sentinel(program: str, port: int) -> Iterator[Setting]:
    """A master and two replicas, a Sentinel beside each: as the page has it."""
    with tempfile.TemporaryDirectory(prefix="gone-") as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        servers: list[Server] = []
        for number, host in enumerate(HOSTS):
            follow = ("--replicaof", HOSTS[0], str(port)) if number else ()
            servers.append(Server(host, port, folder / f"redis{number}", (*SAFE, *follow), program))
            stack.callback(servers[-1].kill)
            servers[-1].start()
        for number, host in enumerate(HOSTS):
            file = folder / f"sentinel{number}.conf"
            file.write_text(
                f"port {port + 1}\nbind {host}\nsentinel announce-ip {host}\nsentinel monitor voicemail {HOSTS[0]} {port} 2\n"
                "sentinel down-after-milliseconds voicemail 2000\nsentinel failover-timeout voicemail 6000\n"
            )
            with (folder / f"sentinel{number}.log").open("wb") as log:
                watching = subprocess.Popen([program, file, "--sentinel"], stdout=log, stderr=log, cwd=folder)
            stack.callback(watching.wait)
            stack.callback(watching.kill)
        hosts = ",".join(f"{host}:{port + 1}" for host in HOSTS)
        setting = Setting(f"redis+sentinel://{hosts}/voicemail?wait_replicas=1", servers)
        wait_until(lambda: setting.in_step(2), what="the replicas")
        with redis.Redis(host=HOSTS[0], port=port + 1, decode_responses=True) as client:
            wait_until(lambda: client.sentinel_master("voicemail")["num-other-sentinels"] == 2, what="the Sentinels")
        yield setting


@contextlib.contextmanager
def cluster(program: str, port: int) -> Iterator[Setting]:
    """Three masters with two replicas each, three servers on each host, made by the page's command."""
    with tempfile.TemporaryDirectory(prefix="gone-") as name, contextlib.ExitStack() as stack:
        words = ("--cluster-enabled", "yes", "--cluster-node-timeout", "2000", "--cluster-require-full-coverage", "no")
        servers = [
            Server(
                host,
                port + number,
                Path(name) / f"{host}-{number}",
                (*SAFE, *words, "--cluster-announce-ip", host),
                program,
            )
            for number in range(3)
            for host in HOSTS
        ]
        for server in servers:
            stack.callback(server.kill)
            server.start()
        make = ["redis-cli", "--cluster", "create", *(server.name for server in servers), "--cluster-replicas", "2"]
        subprocess.run([*make, "--cluster-yes"], check=True, capture_output=True, timeout=60)
        setting = Setting("redis+cluster://" + ",".join(s.name for s in servers[:3]) + "?wait_replicas=1", servers)
        wait_until(lambda: setting.in_step(2), what="the replicas")
        yield setting


@dataclass(frozen=True)
class Seen:
    """Of so many mailboxes: how many let in, how many played their first message, how many took one at once, and of how
    many a message waits in the spool; and for how long it took until no more came of it, seconds.
    """

    lets_in: int = 0
    plays: int = 0
    takes: int = 0
    waits: int = 0
    seconds: float = 0.0

    @property
    def all_works(self) -> bool:
        return self.takes == self.plays == len(BOXES)

    def text(self) -> str:
        if self.all_works:
            return f"all let in, play and take messages, after {self.seconds:.0f} s"
        count = {len(BOXES): "all", 0: "none"}
        let, play, wait = (
            count.get(many, f"{many} of {len(BOXES)}") for many in (self.lets_in, self.plays, self.waits)
        )
        return f"{let} let in, {play} play; messages of {wait} are announced and wait in the spool"


@dataclass(frozen=True)
class Row:
    """What is gone, and what works then."""

    setting: str
    gone: str
    seen: Seen
    lost: int

    def text(self) -> str:
        return f"| {self.setting} | {self.gone} | {self.seen.text()} | {self.lost} |"


HEAD = "| set up as | gone | mailboxes | announced and lost |\n|---|---|---|---|"


class Trial:
    """A node on a setting, its mailboxes, and all that was announced."""

    def __init__(self, setting: Setting, node, folder: Path) -> None:
        self.setting, self.node, self._folder = setting, node, folder
        for box in BOXES:
            node.add_mailbox(box, {"maxmsg": "9999"}, PIN)
        self.announced: dict[MailboxId, list[str]] = {box: [] for box in BOXES}
        assert all(self._leave(box) is Settled.DELIVERED for box in BOXES)

    def until_it_works(self, longest_s: float) -> Seen:
        """What works when all does, or after so long."""
        begun = time.monotonic()
        left: dict[MailboxId, Settled] = {}
        while True:
            let_in = sum(self._lets_in(box) for box in BOXES)
            play = sum(self._plays(box) for box in BOXES)
            late = time.monotonic() - begun > longest_s
            for box in BOXES if late or play == len(BOXES) else ():
                if left.get(box) is not Settled.DELIVERED:
                    left[box] = self._leave(box)
                    if left[box] is not Settled.DELIVERED and not late:
                        break  # it takes a second: all are tried at last
            settled = list(left.values())
            takes, waits = settled.count(Settled.DELIVERED), settled.count(Settled.WAITING)
            seen = Seen(let_in, play, takes, waits, time.monotonic() - begun)
            if seen.all_works or late:
                return seen
            time.sleep(0.5)

    def lost(self) -> int:
        """What was announced and is not there, or twice, when all is back and the spools are settled."""
        self.node.sweeper.sweep_once()
        wait_until(lambda: not self._on_the_way(), what="the spool")
        found = {box: self.node.mailboxes.message_ids(box)[Folder.NEW] for box in BOXES}
        return sum(
            found[box].count(one) != 1 or not self.node.audio.exists(one)
            for box, ids in self.announced.items()
            for one in ids
        )

    def _on_the_way(self) -> int:
        self.node.sweeper.sweep_once()
        return sum(take.state in {"waiting", "unfinished", "aside"} for take in self.node.spool.takes())

    def _lets_in(self, box: MailboxId) -> bool:
        with contextlib.suppress(VoicemailError):
            return self.node.store.pins.check(box, PIN, "own") is PinCheck.RIGHT
        return False

    def _plays(self, box: MailboxId) -> bool:
        first = self.announced[box][0]
        self.node.cache.forget(first)
        with contextlib.suppress(VoicemailError):
            return (
                first in self.node.mailboxes.message_ids(box)[Folder.NEW] and self.node.audio.playable(first).is_file()
            )
        return False

    def _leave(self, box: MailboxId) -> Settled:
        """What a call does when its caller accepts: the recording is settled, now or later."""
        now = self.node.clock.now()
        here = self.node.settings.service.node
        rules = {"min_ms": 0, "trim_silence": False, "threshold": 128, "call_node": here}
        with self.node.spool.take_message([box], Message(new_id(now), received=now), **rules) as take:
            write_wav(take.path, 0.2)
            take.recorded(Recorded(200, Ended.KEY, "#"))
            self.announced[box].append(take.id)
            return take.settle()


def role(server: Server) -> str:
    with server.client() as client:
        return {"master": "a master", "slave": "a replica"}[client.info("replication")["role"]]


def family(setting: Setting, server: Server) -> set[str]:
    """The servers that have the same mailboxes as this one: all behind Sentinel, a third of a Cluster."""
    with server.client() as client:
        if not client.info("cluster")["cluster_enabled"]:
            return {one.name for one in setting.servers}
        nodes = [line.split() for line in client.execute_command("CLUSTER", "NODES").splitlines()]
        own = client.execute_command("CLUSTER", "MYID")
    masters = {number: number if master == "-" else master for number, _, _, master, *_ in nodes}
    return {at.partition("@")[0] for number, at, *_ in nodes if masters[number] == masters[own]}


FAMILY = 3
"""A master and two replicas, behind Sentinel as in each third of a Cluster."""


def second(setting: Setting, related: set[str], wish: tuple[bool, str]) -> tuple[Server, str]:
    """One more of those that are there, and what it is.

    Args:
        setting: the servers. related: those with the mailboxes of the one that is gone.
        wish: whether it is to be one of these, and its role.
    """
    same, wanted = wish
    there = [one for one in setting.servers if one.answers() and (one.name in related) == same]
    chosen = next((one for one in there if role(one) == wanted), there[0])
    return chosen, role(chosen)


WISHES = {
    "Sentinel": ((True, "a master"), (True, "a replica")),
    "Cluster": ((True, "a master"), (True, "a replica"), (False, "a master"), (False, "a replica")),
}


def in_order(link: Link) -> bool:
    with contextlib.suppress(VoicemailError):
        return not list(problems(discover(link), link.replicas))
    return False


def play(name: str, setting: Setting, folder: Path, most: int = 99) -> Iterator[Row]:
    """Kill one server after the other, at most so many, and after each a second one; a row for each state."""
    wishes = WISHES[name]
    rounds = [(one, wish) for one in setting.servers for wish in (wishes if name == "Sentinel" else wishes[:1])]
    if name == "Cluster":
        rounds = [(one, wishes[number % len(wishes)]) for number, (one, _) in enumerate(rounds)]
    with open_node(load_settings(None, {"redis.url": setting.url, "data_dir": str(folder)})) as node:
        # A Cluster's servers tell each other who follows whom; it takes a moment until all know.
        wait_until(lambda: in_order(node.store.link), "no problem of the setting")
        trial = Trial(setting, node, folder)
        for first, wish in rounds[:most]:
            # Each server of a Cluster hears by itself who follows it, be it later than the one that was asked above.
            wait_until(lambda asked=first: len(family(setting, asked)) == FAMILY, "a server that knows its family")
            what, related = role(first), family(setting, first)
            first.kill()
            one = trial.until_it_works(LONGEST_S)
            other, what_too = second(setting, related, wish)
            other.kill()
            two = trial.until_it_works(SECOND_S)
            restart(setting, first, other)
            lost = trial.lost()
            yield Row(name, what, one, lost)
            place = "" if name == "Sentinel" else " of the same third" if wish[0] else " of another third"
            yield Row(name, f"{what}, then {what_too}{place}", two, lost)
        if name == "Cluster" and most > len(rounds):
            third = [one for one in setting.servers if one.name in family(setting, setting.servers[0])]
            for server in third:
                server.kill()
            seen = trial.until_it_works(SECOND_S)
            restart(setting, *third)
            yield Row(name, f"a whole third ({len(third)} servers)", seen, trial.lost())


def restart(setting: Setting, *servers: Server) -> None:
    for server in servers:
        server.start()
    wait_until(lambda: setting.in_step(2), what="all servers being in step again")


def servers_here() -> dict[str, str]:
    """The server programs to try, by vendor and version."""
    found = {}
    for program in (redis_executable(), *valkeys()):
        said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
        vendor, version = re.search(r"(Redis|Valkey) server v=(\S+)", said).groups()
        found[f"{vendor} {version}"] = program
    return found


def table(rows: list[Row]) -> Iterator[str]:
    """A line for each state, with how often it was tried and the latest of its figures."""
    for setting, gone in dict.fromkeys((row.setting, row.gone) for row in rows):
        alike = [row for row in rows if (row.setting, row.gone) == (setting, gone)]
        worst = min(alike, key=lambda row: (row.seen.all_works, row.seen.plays, -row.seen.seconds))
        many = f" ({len(alike)} times)" if len(alike) > 1 else ""
        yield Row(setting, gone + many, worst.seen, sum(row.lost for row in alike)).text()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", action="append", metavar="FILE", help="this server program")
    parser.add_argument("--only", choices=["sentinel", "cluster"])
    parser.add_argument("--short", action="store_true", help="two rounds of each")
    asked = parser.parse_args()
    logging.disable(logging.ERROR)  # what waits is counted
    if not shutil.which("redis-cli"):
        raise NoRedisError("no redis-cli on PATH: it makes the Cluster")
    programs = {one: one for one in asked.server} if asked.server else servers_here()
    bad = 0
    for label, program in programs.items():
        rows: list[Row] = []
        for name, make in (("Sentinel", sentinel), ("Cluster", cluster)):
            if asked.only in {None, name.lower()}:
                with make(program, free_port(3)) as setting, tempfile.TemporaryDirectory() as folder:
                    for row in play(name, setting, Path(folder), 2 if asked.short else 99):
                        print(row.text(), flush=True)
                        rows.append(row)
        print(f"\n{label}:\n\n{HEAD}")
        print("\n".join(table(rows)), flush=True)
        bad += sum(
            row.lost + ("then" not in row.gone and "third" not in row.gone and not row.seen.all_works) for row in rows
        )
    return 1 if bad else 0


if __name__ == "__main__":
    raise SystemExit(main())
