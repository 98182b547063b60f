"""Every Redis of a set-up killed in turn: do all mailboxes let in, play and take messages with any one gone?

    python -m chaos.gone                      Redis from PATH: Sentinel and Cluster
    python -m chaos.gone --server FILE        another server program, such as Valkey's

The servers stand on three addresses, 127.0.0.1 to 127.0.0.3, as they do on the three hosts of docs/administration.md.
"""

from __future__ import annotations

import argparse
import contextlib
import shutil
import subprocess
import tempfile
import time
import wave
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import redis
from support.ports import free_port
from support.redis_servers import NoRedisError, redis_executable
from support.waiting import wait_until

from esl_vm.cli.settings_file import load_settings
from esl_vm.model.errors import StoreDownError, VoicemailError
from esl_vm.model.mailbox import Folder, MailboxId
from esl_vm.model.message import Message, new_id
from esl_vm.model.pins import PinCheck
from esl_vm.model.topology import problems
from esl_vm.service.wiring import open_node
from esl_vm.store.topology import discover

if TYPE_CHECKING:
    from collections.abc import Iterator

HOSTS = ("127.0.0.1", "127.0.0.2", "127.0.0.3")
DURABLE = ("--appendonly", "yes", "--appendfsync", "everysec", "--save", "", "--repl-diskless-sync-delay", "0")
SAFE = (*DURABLE, "--min-replicas-to-write", "1", "--min-replicas-max-lag", "10")
BOXES = [MailboxId(str(number)) for number in range(2000, 2030)]
PIN = "48213"
LONGEST_S = 40.0


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
class Row:
    """One server gone: its role, and what worked how soon."""

    setting: str
    gone: str
    seconds: float
    missing: int

    def text(self) -> str:
        works = f"all, after {self.seconds:.0f} s" if self.seconds <= LONGEST_S else "not all"
        return f"| {self.setting} | {self.gone} | {works} | {self.missing} |"


HEAD = "| set up as | gone | mailboxes that let in, play and take messages | announced and lost |\n|---|---|---|---|"


def play(name: str, setting: Setting, folder: Path, most: int = 99) -> Iterator[Row]:
    """Kill one server after the other, at most so many; a row for each."""
    with open_node(load_settings(None, {"redis.url": setting.url, "data_dir": str(folder)})) as node:
        wrong = [problem.said for problem in problems(discover(node.store.link), node.store.link.replicas)]
        assert wrong == [], wrong
        for box in BOXES:
            node.add_mailbox(box, {}, PIN)
        kept = {box: [_leave(node, box, folder)] for box in BOXES}
        for server in setting.servers[:most]:
            with server.client() as client:
                role = {"master": "a master", "slave": "a replica"}[client.info("replication")["role"]]
            server.kill()
            seconds = _until_all_works(node, kept, folder)
            missing = sum(
                one not in node.mailboxes.message_ids(box)[Folder.NEW] or not node.audio.exists(one)
                for box, ids in kept.items()
                for one in ids
            ) if seconds <= LONGEST_S else 0  # fmt: skip
            yield Row(name, f"{role} ({server.name})", seconds, missing)
            server.start()
            wait_until(lambda: setting.in_step(2), what=f"{server.name} being in step again")


def _until_all_works(node, kept, folder: Path) -> float:
    """Seconds until each mailbox lets its owner in, plays and takes a message."""
    begun = time.monotonic()
    waiting = list(BOXES)
    while waiting and time.monotonic() - begun < LONGEST_S:
        waiting = [box for box in waiting if not _works(node, box, kept, folder)]
        time.sleep(0.2)
    return time.monotonic() - begun if not waiting else LONGEST_S + 1


def _works(node, box: MailboxId, kept, folder: Path) -> bool:
    try:
        if node.store.pins.check(box, PIN, "own") is not PinCheck.RIGHT:
            return False
        first = kept[box][0]
        node.cache.forget(first)
        node.audio.playable(first)
        kept[box].append(_leave(node, box, folder))
    except (StoreDownError, VoicemailError):
        return False
    return True


def _leave(node, box: MailboxId, folder: Path) -> str:
    """What the spool does when a caller accepts: the sound, then the message."""
    path = folder / "said.wav"
    with wave.open(str(path), "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes(bytes(1600))
    message = Message(new_id(node.clock.now()), received=node.clock.now(), duration_ms=100)
    node.audio.put(message.id, path)
    node.mailboxes.deliver(box, message)
    return message.id


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", default="")
    parser.add_argument("--only", choices=["sentinel", "cluster"])
    parser.add_argument("--most", type=int, default=99)
    asked = parser.parse_args()
    program = asked.server or redis_executable()
    if not shutil.which("redis-cli"):
        raise NoRedisError("no redis-cli on PATH: it makes the Cluster")
    print(HEAD, flush=True)
    bad = 0
    for name, make in (("Sentinel", sentinel), ("Cluster", cluster)):
        if asked.only in {None, name.lower()}:
            with make(program, free_port(3)) as setting, tempfile.TemporaryDirectory() as folder:
                for row in play(name, setting, Path(folder), asked.most):
                    print(row.text(), flush=True)
                    bad += row.missing + (row.seconds > LONGEST_S)
    return 1 if bad else 0


if __name__ == "__main__":
    raise SystemExit(main())
