"""Cut networks: hosts in network namespaces, the service and callers on one of them, Redis on the others and beside it.

    python -m chaos.partitions            every row (root is needed; about ten minutes)
    python -m chaos.partitions --short    a row of each kind
    python -m chaos.partitions --only 2   one of them

For 14 seconds the service's host, and whatever else the row names, is cut off from the rest, or the master is stopped
(SIGSTOP). Each caller has a number of their own: what was heard as saved is looked for when all is whole again. Whatever is
waited for, nothing may be lost: the node that took it lives, and looks for it (`spool.keep_minutes`).
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from chaos import load
from support.redis_servers import redis_executable
from support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

CUT_AT_S, CUT_S, AFTER_S = 3.0, 14.0, 14.0
DURABLE = ("--appendonly", "yes", "--appendfsync", "everysec", "--save", "", "--repl-diskless-sync-delay", "0")
SAFE = ("--min-replicas-to-write", "1", "--min-replicas-max-lag", "10")
RING = ("--cluster-enabled", "yes", "--cluster-node-timeout", "3000", "--cluster-require-full-coverage", "no")


@dataclass(frozen=True)
class Row:
    """One trial.

    Args:
        title: what is set up, and what happens. kind: `sentinel` or `cluster`. redis: the hosts that have a Redis; the
            first has the master (of a Cluster: three on each). sentinels: the hosts that have a Sentinel.
        cut: the hosts cut off with the service's, `h1`; empty: the master is stopped instead.
        waits: wait_replicas. safe: whether min-replicas-to-write is 1.
    """

    title: str
    kind: str
    redis: tuple[str, ...]
    sentinels: tuple[str, ...]
    cut: tuple[str, ...]
    waits: int
    safe: bool


H2 = ("h1", "h2")
H3 = ("h1", "h2", "h3")
APART = ("s1", "s2", "s3")
ROWS = (
    Row("Sentinel beside each of three Redis; service and master cut off", "sentinel", H3, H3, ("h1",), 0, False),
    Row("the same", "sentinel", H3, H3, ("h1",), 1, True),
    Row("Sentinels apart; service, master, one replica cut off", "sentinel", H3, APART, ("h1", "h2"), 0, False),
    Row("the same", "sentinel", H3, APART, ("h1", "h2"), 1, True),
    Row("the same", "sentinel", H3, APART, ("h1", "h2"), 2, True),
    Row("Two Redis, three Sentinels; service and master cut off", "sentinel", H2, H3, ("h1",), 0, False),
    Row("the same", "sentinel", H2, H3, ("h1",), 1, True),
    Row("Cluster, nine on three hosts; service's host cut off", "cluster", H3, (), ("h1",), 0, False),
    Row("the same", "cluster", H3, (), ("h1",), 1, True),
    Row("Sentinel beside each; the master stopped and back", "sentinel", H3, H3, (), 0, False),
    Row("the same", "sentinel", H3, H3, (), 1, True),
)
SHORT = (0, 3, 5, 7, 10)
HEAD = (
    "| set up, and what happened for 14 s | wait_replicas | min-replicas | heard saved | there | lost | doubled |\n"
    "|---|---|---|---|---|---|---|"
)


class NoNamespacesError(Exception):
    """They can't be made here."""


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


class Network:
    """Hosts in namespaces of their own, on one of two bridges of another: a side of the cut each."""

    def __init__(self, hosts: tuple[str, ...]) -> None:
        self._name = f"evm{os.getpid()}"
        self.hosts = hosts
        self.address = {host: f"10.213.7.{number + 11}" for number, host in enumerate(hosts)}

    def of(self, host: str) -> str:
        return f"{self._name}-{host}"

    @contextlib.contextmanager
    def made(self) -> Iterator[Network]:
        if os.geteuid() or not shutil.which("ip"):
            raise NoNamespacesError("network namespaces need root and the command ip")
        hub = self.of("hub")
        with contextlib.ExitStack() as stack:
            try:
                for name in (hub, *map(self.of, self.hosts)):
                    _ip("netns", "add", name)
                    stack.callback(_ip, "netns", "delete", name)
                    _ip("-n", name, "link", "set", "lo", "up")
                for bridge in ("whole", "apart"):
                    _ip("-n", hub, "link", "add", bridge, "type", "bridge")
                    _ip("-n", hub, "link", "set", bridge, "up")
                for host in self.hosts:
                    _ip("-n", hub, "link", "add", host, "type", "veth", "peer", "name", "eth0", "netns", self.of(host))
                    _ip("-n", hub, "link", "set", host, "master", "whole", "up")
                    _ip("-n", self.of(host), "address", "add", f"{self.address[host]}/24", "dev", "eth0")
                    _ip("-n", self.of(host), "link", "set", "eth0", "up")
            except subprocess.CalledProcessError as wrong:
                raise NoNamespacesError(f"network namespaces can't be made: {wrong.stderr.decode()}") from wrong
            yield self

    def within(self, host: str) -> list[str]:
        """Words that have a command run on a host."""
        return ["ip", "netns", "exec", self.of(host)]


@contextlib.contextmanager
def servers(row: Row, network: Network, folder: Path, program: str) -> Iterator[tuple[str, int]]:
    """The Redis and Sentinels of a row; the URL, and the process of the first master."""
    each = 3 if row.kind == "cluster" else 1
    words = (*DURABLE, *(SAFE if row.safe else ()), *(RING if row.kind == "cluster" else ()))
    processes: list[subprocess.Popen] = []
    places = [(host, 6379 + number) for number in range(each) for host in row.redis]

    def run(host: str, name: str, *command: str) -> None:
        where = folder / name
        where.mkdir()
        with (where / "log").open("wb") as log:
            processes.append(
                subprocess.Popen([*network.within(host), program, *command], stdout=log, stderr=log, cwd=where)
            )

    def ask(host: str, port: int, *question: str) -> str:
        at = ("-h", network.address[host], "-p", str(port))
        ran = subprocess.run(
            [*network.within("h1"), "redis-cli", *at, *question], capture_output=True, text=True, check=False
        )
        return ran.stdout

    try:
        first = network.address[row.redis[0]]
        for host, port in places:
            place = ("--port", str(port), "--bind", network.address[host], "--protected-mode", "no")
            follow = ("--replicaof", first, "6379") if row.kind == "sentinel" and host != row.redis[0] else ()
            run(host, f"redis-{host}-{port}", *place, *words, *follow)
        for host, port in places:
            wait_until(lambda host=host, port=port: "PONG" in ask(host, port, "ping"), what=f"{host}:{port}")
        if row.kind == "cluster":
            every = [f"{network.address[host]}:{port}" for host, port in places]
            make = ["redis-cli", "--cluster", "create", *every, "--cluster-replicas", "2", "--cluster-yes"]
            subprocess.run([*network.within("h1"), *make], check=True, capture_output=True, timeout=60)
            url = "redis+cluster://" + ",".join(every[:3])
        else:
            for host in row.sentinels:
                file = folder / f"sentinel-{host}.conf"
                file.write_text(
                    f"port 26379\nbind {network.address[host]}\nprotected-mode no\nsentinel monitor voicemail {first} 6379 2\n"
                    "sentinel down-after-milliseconds voicemail 3000\nsentinel failover-timeout voicemail 6000\n"
                )
                run(host, f"sentinel-{host}", str(file), "--sentinel")
            asked = row.sentinels[0]
            wait_until(
                lambda: "num-other-sentinels\n2\n" in ask(asked, 26379, "sentinel", "master", "voicemail"),
                what="Sentinels",
            )
            url = "redis+sentinel://" + ",".join(network.address[host] for host in row.sentinels) + "/voicemail"
        for host, port in places:
            wait_until(lambda h=host, p=port: _in_step(ask(h, p, "info", "replication")), what="replicas")
        yield f"{url}?wait_replicas={row.waits}", processes[0].pid
    finally:
        for process in processes:
            process.send_signal(signal.SIGCONT)
            process.kill()
            process.wait()


def _in_step(told: str) -> bool:
    return "master_link_status:up" in told or ("role:master" in told and "connected_slaves:0" not in told)


def try_row(row: Row, program: str) -> dict:
    """One row; what the callers heard and what was there."""
    network = Network(tuple(dict.fromkeys((*row.redis, *row.sentinels))))
    with (
        network.made(),
        tempfile.TemporaryDirectory(prefix="partition-") as name,
        servers(row, network, Path(name), program) as (url, master),
    ):
        command = [*network.within("h1"), sys.executable, "-m", "chaos.partitions", "--drive", network.of("hub")]
        command += ["--url", url, "--cut", ",".join(row.cut), "--master", str(master)]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
        if ran.returncode:
            raise AssertionError(ran.stderr[-3000:])
        return json.loads(ran.stdout.splitlines()[-1])


def drive(hub: str, url: str, cut: tuple[str, ...], master: int) -> dict:
    """On the service's host: callers, the cut, the look afterwards."""

    def to(bridge: str) -> None:
        for host in cut:
            _ip("-n", hub, "link", "set", host, "master", bridge)
        if not cut:
            os.kill(master, signal.SIGSTOP if bridge == "apart" else signal.SIGCONT)

    with tempfile.TemporaryDirectory(prefix="service-") as name:
        store = load.furnish(url)
        store.close()
        with load.service(url, Path(name), 1) as (address, _):
            calls = load.Load(address, 12, CUT_AT_S + CUT_S + 3, 1.5)
            told = calls.run([(CUT_AT_S, lambda: to("apart")), (CUT_AT_S + CUT_S, lambda: to("whole"))])
            time.sleep(AFTER_S)  # until the old master follows the new one
            verdict = load.look(store, told)
        store.close()
    return {
        "saved": len(told.saved),
        "there": len(told.saved & set(verdict.there)),
        "lost": len(verdict.lost),
        "doubled": len(verdict.doubled),
    }


def text(row: Row, found: dict) -> str:
    safe = "1" if row.safe else "0"
    figures = " | ".join(str(found[name]) for name in ("saved", "there", "lost", "doubled"))
    return f"| {row.title} | {row.waits} | {safe} | {figures} |"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", type=int, action="append", metavar="ROW")
    parser.add_argument("--short", action="store_true", help="a row of each kind")
    parser.add_argument("--server", default=redis_executable(), help="the server program")
    parser.add_argument("--drive", help=argparse.SUPPRESS)
    for name in ("--url", "--cut", "--master"):
        parser.add_argument(name, default="", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.drive:
        found = drive(asked.drive, asked.url, tuple(filter(None, asked.cut.split(","))), int(asked.master))
        print(json.dumps(found), flush=True)
        return 0
    chosen = asked.only or (SHORT if asked.short else range(len(ROWS)))
    print(HEAD, flush=True)
    wrong = 0
    for number in chosen:
        try:
            found = try_row(ROWS[number], asked.server)
        except NoNamespacesError as none:
            print(f"(not tried: {none})")
            return 0
        print(text(ROWS[number], found), flush=True)
        wrong += found["lost"] + found["doubled"]
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
