"""The way to Redis: calls bounded in time, errors translated, nothing waited for twice while it is down.

A caller on the telephone must never hear more than two seconds of silence because of Redis. So a connection is given
one second, an answer a second and a half, a call as a whole two, or what the caller has left of a patience of two
(model/patience.py); what failed quickly (a connection that Redis closed, a master that has become a replica) is tried
once more, which is harmless since every script may be repeated; and once Redis did not answer, the next calls fail at
once. In the service a greenlet looks for it meanwhile, with more time than a caller has, so that one that answers slowly
is found back, and hands on its connection; elsewhere one of the calls, every second, finds it back.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar

import gevent
from gevent import monkey
from redis import exceptions as wrong
from redis.crc import key_slot

from esl_vm.model import patience
from esl_vm.model.breaker import Breaker
from esl_vm.model.errors import StoreDownError
from esl_vm.store.keys import META, in_partition
from esl_vm.store.lookout import watch
from esl_vm.store.outage import TooLongError, is_away, may_be_better_at_once, sentence

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from esl_vm.store.scripts import Script

T = TypeVar("T")
EVERY_PARTITION = -1
"""What a look at all partitions together is about: it fails where one is away, and says nothing of the others."""
_LANE_BITS = 10  # 16 stretches of 1,024 slots
Client = Any  # redis.Redis or redis.cluster.RedisCluster: one set of commands, no common class


@dataclass(frozen=True, slots=True)
class LinkLimits:
    """How long Redis is waited for, and by how many at once.

    Args:
        connect_s: for a connection. answer_s: for an answer. call_s: for a call as a whole, retry included (kept
            where gevent's sockets are in use, as in the service). rest_s: between tries while Redis is down.
        connections: most calls at once to Redis; others wait their turn for up to `connect_s`.
    """

    connect_s: float = 1.0
    answer_s: float = 1.5
    call_s: float = 2.0
    rest_s: float = 1.0
    connections: int = 64


class Link:
    """One Redis, be it single, behind Sentinel or a Cluster. Made without connecting.

    Args:
        make: makes the client of redis-py for given limits.
        label: what to call it in errors; no password in it.
        limits: see LinkLimits.
        cluster: whether it is a Cluster, where one partition may be away while others are there.
        observe: told of every call: how many seconds it took, whether it worked.
        replicas: how many replicas must have what is announced to a caller before it is announced; 0 = none.
        redis_cli: see RedisAddress.

    Attributes:
        prepare: done once, before the first call; what it raises, the call raises, and the next call does it again.
    """

    def __init__(
        self,
        make: Callable[[LinkLimits], Client],
        *,
        label: str = "Redis",
        limits: LinkLimits | None = None,
        cluster: bool = False,
        observe: Callable[[float, bool], None] | None = None,
        replicas: int = 0,
        redis_cli: Callable[..., str] = lambda *_, **__: "redis-cli",
    ) -> None:
        self.label = label
        self.limits = limits or LinkLimits()
        self.cluster = cluster
        self.observe = observe
        self.replicas = replicas
        self.redis_cli = redis_cli
        self.prepare: Callable[[Client], None] | None = None
        self._make = make
        self._client: Client = None
        self._prepared = False
        self._breakers: dict[int | str | None, Breaker] = {}
        self._scripts: dict[str, Script] = {}  # that were run; one that comes back may have forgotten them
        self._making = threading.Lock()
        self._turns = threading.BoundedSemaphore(self.limits.connections)

    def patient(self, block_s: float) -> Link:
        """Another link to the same Redis, for calls in which Redis waits up to `block_s` seconds."""
        limits = self.limits
        limits = replace(limits, answer_s=block_s + limits.answer_s, call_s=block_s + limits.call_s)
        return Link(self._make, label=self.label, limits=limits, cluster=self.cluster)

    def run(self, partition: int | str | None, work: Callable[[Client], T]) -> T:
        """Do something with the client.

        Args:
            partition: the one it is about, or the only key; None if it is about several or none.
            work: may be done twice.

        Raises:
            StoreDownError: Redis can't be reached, does not answer in time, or refuses; its text says which.
        """
        lane = self._lane(partition)
        breaker = self._breakers.setdefault(lane, Breaker(self.limits.rest_s))
        if breaker.resting:
            raise StoreDownError(breaker.reason)
        started = monotonic()
        worked = False
        try:
            # Sockets that are not gevent's have time-outs of their own.
            given_s = patience.time_for(self.limits.call_s)
            limit = gevent.Timeout.start_new(given_s, TooLongError) if monkey.is_module_patched("socket") else None
            try:
                if not self._turns.acquire(timeout=self.limits.connect_s):
                    raise wrong.MaxConnectionsError(f"{self.limits.connections} calls are waiting for it")
                try:
                    if not breaker.allows():  # others found out while this one waited for its turn
                        raise StoreDownError(breaker.reason)
                    result = self._twice(work, started, lane)
                finally:
                    self._turns.release()
            finally:
                if limit is not None:
                    limit.close()
            breaker.succeeded()
            worked = True
        except (wrong.RedisError, wrong.RedisClusterException, OSError, TooLongError) as error:
            reason = f"{self.label}: {sentence(error)}"
            patience.failed_after(monotonic() - started)
            hurried = given_s < self.limits.call_s and isinstance(error, TooLongError)  # which proves nothing
            if is_away(error) and not hurried:
                breaker.failed(reason)
                self._forget_connections(lane)
                look = partial(self._look, lane, partition)
                watch(breaker, look, rest_s=self.limits.rest_s, label=self.label)
            raise StoreDownError(reason) from error
        finally:
            if self.observe is not None:
                self.observe(monotonic() - started, worked)
        return result

    def script(
        self,
        partition: int | None,
        script: Script,
        keys: Sequence[str],
        args: Sequence[str | bytes],
        *,
        announced: bool = False,
    ) -> Any:
        """Run a script by its SHA; a Redis that does not know it (any more) is given it.

        Args:
            partition: the one it is about.
            script: what to run.
            keys: all it touches.
            args: the rest.
            announced: somebody is told that it was done: wait until the replicas have it.

        Raises:
            StoreDownError: as `run`; or too few replicas have it. It may be done all the same.
        """
        rest = (len(keys), *keys, *args)
        self._scripts[script.sha] = script
        whole = ("EVAL", script.text, *rest)

        def work(client: Client) -> Any:
            if announced and self.replicas:
                return self._with_copies(client, keys[0], whole)
            try:
                return client.execute_command("EVALSHA", script.sha, *rest)
            except wrong.NoScriptError:
                return client.execute_command(*whole)

        return self.run(keys[0] if partition is None and keys else partition, work)

    def announce(self, key: str, *command: Any) -> Any:
        """Run a command that writes a key, each time it is run; wait until the replicas have it. Returns its answer.

        Raises:
            StoreDownError: as `run`; or too few replicas have it.
        """

        def work(client: Client) -> Any:
            if self.replicas:
                return self._with_copies(client, key, command)
            return client.execute_command(*command)

        return self.run(key, work)

    def pipe(
        self, partition: int | str | None, commands: Iterable[Sequence[Any]], *, atomic: bool = False
    ) -> list[Any]:
        """Run commands in one round trip; returns what redis-py makes of each answer.

        Args:
            partition: as `run`.
            commands: each its name and arguments; with none, Redis is not asked.
            atomic: nobody else's commands run in between.

        Raises:
            StoreDownError: as `run`; or one of the commands was refused.
        """
        listed = list(commands)

        def work(client: Client) -> list[Any]:
            pipeline = client.pipeline(transaction=atomic)
            for command in listed:
                # Of this option redis-py's parser must be told.
                pipeline.execute_command(*command, **({"withscores": True} if command[-1] == "WITHSCORES" else {}))
            return pipeline.execute()  # type: ignore[no-any-return]

        return self.run(partition, work) if listed else []

    def missing(self, keys: Sequence[str]) -> list[str]:
        """Those of these keys that are not there; raises StoreDownError, in a Cluster where a part of it is away."""
        found = self.pipe(EVERY_PARTITION, (("EXISTS", key) for key in keys))
        return [key for key, there in zip(keys, found, strict=True) if not there]

    def _with_copies(self, client: Client, key: str, command: Sequence[Any]) -> Any:
        """Run a command that writes a key, and WAIT on the same connection, which is what WAIT is about; in one round trip."""
        said: Sequence[Any] = ()
        for _ in range(2):
            node = client.get_redis_connection(client.get_node_from_key(key)) if self.cluster else client
            pipeline = node.pipeline(transaction=False)
            pipeline.execute_command(*command)
            pipeline.execute_command("WAIT", self.replicas, int(self.limits.connect_s * 1000))
            said = pipeline.execute(raise_on_error=False)
            if not isinstance(said[0], wrong.MovedError | wrong.AskError):
                break
            client.execute_command(*command)  # a Cluster's client follows and remembers
        for answer in said:
            if isinstance(answer, Exception):
                raise answer
        if said[1] < self.replicas:
            raise wrong.ResponseError(f"{said[1]} of {self.replicas} replicas have it")
        return said[0]

    def close(self) -> None:
        """Close all connections; the link can be used again."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def _twice(self, work: Callable[[Client], T], started: float, lane: int | str | None) -> T:
        try:
            return work(self._ready())
        except (wrong.RedisError, wrong.RedisClusterException) as error:
            quick = monotonic() - started < self.limits.connect_s / 2
            if not (quick and may_be_better_at_once(error)):
                raise
            self._forget_connections(lane)
            if isinstance(error, wrong.RedisClusterException) and self._client is not None:
                self._client.nodes_manager.initialize()
            return work(self._ready())

    def _ready(self) -> Client:
        if self._client is None:
            with self._making:
                if self._client is None:
                    self._client = self._make(self.limits)
        if not self._prepared and self.prepare is not None:
            self.prepare(self._client)
        self._prepared = True
        return self._client

    def _look(self, lane: int | str | None, partition: int | str | None) -> None:
        """See whether it answers; leaves a connection behind on which a caller waits for nothing but the answer."""
        if self.cluster:
            key = partition if isinstance(partition, str) else META
            if isinstance(partition, int) and partition != EVERY_PARTITION:
                key = in_partition(partition)
            self._twice(lambda client: client.exists(key), monotonic(), lane)
            return
        pipeline = self._ready().pipeline(transaction=False)
        pipeline.ping()
        for script in self._scripts.values():
            pipeline.script_load(script.text)
        pipeline.execute()

    def _forget_connections(self, lane: int | str | None = None) -> None:
        """Connections that lie idle are as dead, or lead to as wrong a server, as the one that failed.

        A Cluster's client sees to that itself, by node; but it does not look again for a slot that nobody served.
        What is there when Redis is reached again may be another version's: `prepare` looks once more. Not for
        the part of a Cluster that is away: the others would pay for it with each call.
        """
        if lane is None:
            self._prepared = False
        if not self.cluster:
            pool = getattr(self._client, "connection_pool", None)
            if pool is not None:
                pool.disconnect(inuse_connections=False)

    def _lane(self, partition: int | str | None) -> int | str | None:
        """What is away together: in a Cluster a partition, or the keys of a stretch of slots; else all there is."""
        if not self.cluster:
            return None
        if isinstance(partition, str):
            return f"slots {key_slot(partition.encode()) >> _LANE_BITS}"
        return partition
