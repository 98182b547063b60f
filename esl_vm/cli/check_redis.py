"""What `esl-vm doctor` looks at in Redis: there, built for this version, durable, quick, its clock ours."""

from __future__ import annotations

import operator
import time
from typing import TYPE_CHECKING, Any

from esl_vm.cli.checks import Finding, Level
from esl_vm.model.errors import StoreDownError, VoicemailError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from esl_vm.app import Node

OLDEST_REDIS = (6, 2)
_SLOW_MS = 5.0
_SKEW_S = 2.0
_PINGS = 10
_NEARLY_FULL = 0.8


def check_redis(node: Node) -> Iterator[Finding]:
    """Everything about Redis."""
    try:
        node.store.verify()
        servers = _masters(node, "info")
    except VoicemailError as wrong:
        yield Finding("redis", Level.ERROR, str(wrong), "start Redis, or correct redis.url")
        return
    for name, info in servers.items():
        version = str(info.get("redis_version", "?"))
        said = f"{name}: version {version}, {info.get('redis_mode', '?')}, role {info.get('role', '?')}"
        old = tuple(int(part) for part in version.split(".")[:2] if part.isdigit()) < OLDEST_REDIS
        yield Finding("redis", Level.ERROR if old else Level.OK, said, "upgrade Redis to 6.2 or later" if old else "")
    yield Finding("redis", Level.OK, f"{node.store.keys.partitions} partitions, as this version expects them")
    try:
        settings = _masters(node, "config_get", "*")
    except StoreDownError:
        remedy = "allow CONFIG GET to this user, or compare with docs/administration.md yourself"
        yield Finding("redis", Level.WARNING, "its configuration can't be asked (CONFIG GET is refused)", remedy)
        settings = {}
    for name, info in servers.items():
        where = f"{name}: " if len(servers) > 1 else ""
        yield from _durability(info, settings.get(name, {}), where)
        if node.settings.redis.url != "embedded:":
            yield from _replication(info, settings.get(name, {}), where, node.store.link.replicas)
    yield from _speed(node)


def _durability(info: Mapping[str, Any], config: Mapping[str, Any], where: str) -> Iterator[Finding]:
    """Whether what a server was given outlives its crash."""
    if not int(info.get("aof_enabled", 0)):
        yield Finding(
            "redis",
            Level.ERROR,
            f"{where}nothing is written to the disk as it comes (appendonly no): a crash of Redis loses messages that "
            "were announced as saved",
            "redis-cli config set appendonly yes; redis-cli config rewrite",
        )
    if str(info.get("aof_last_write_status", "ok")) != "ok" or str(info.get("rdb_last_bgsave_status", "ok")) != "ok":
        yield Finding("redis", Level.ERROR, f"{where}it could not write to its disk", "see its log; free its disk")
    if config.get("appendfsync") == "no":
        yield Finding(
            "redis",
            Level.ERROR,
            f"{where}appendfsync no: minutes can be lost",
            "redis-cli config set appendfsync always; redis-cli config rewrite",
        )
    elif config.get("appendfsync") == "everysec":
        yield Finding(
            "redis",
            Level.WARNING,
            f"{where}appendfsync everysec: a crash of its host can lose the last second, although it was announced as "
            "saved",
            "redis-cli config set appendfsync always; or have replicas, and ?wait_replicas=1 in redis.url",
        )
    policy = config.get("maxmemory-policy", "noeviction")
    if str(config.get("maxmemory", "0")) != "0" and policy != "noeviction":
        yield Finding(
            "redis",
            Level.ERROR,
            f"{where}maxmemory-policy {policy}: a full Redis throws messages away",
            "redis-cli config set maxmemory-policy noeviction; redis-cli config rewrite",
        )
    limit, used = int(info.get("maxmemory", 0) or 0), int(info.get("used_memory", 0) or 0)
    if limit and used > limit * _NEARLY_FULL:
        said = f"{where}{used >> 20} of {limit >> 20} MB are used; a full Redis takes no messages"
        yield Finding("redis", Level.WARNING, said, "raise maxmemory, or keep the sounds elsewhere (audio.store)")


def _replication(info: Mapping[str, Any], config: Mapping[str, Any], where: str, waited_for: int) -> Iterator[Finding]:
    """Whether what a server was given outlives its host."""
    replicas = int(info.get("connected_slaves", 0))
    if waited_for > replicas:
        said = f"{where}{replicas} replicas, but redis.url waits for {waited_for}: nothing is announced as saved"
        yield Finding("redis", Level.ERROR, said, "start the replicas, or lower wait_replicas in redis.url")
    if replicas and not waited_for:
        said = f"{where}nothing announced waits for its {replicas} replicas: a fail-over can lose what was just saved"
        yield Finding("redis", Level.WARNING, said, "add wait_replicas=1 to redis.url")
    if replicas and str(config.get("min-replicas-to-write", "1")) == "0":
        yield Finding(
            "redis",
            Level.WARNING,
            f"{where}{replicas} replicas, but a master cut off from them goes on accepting messages that a fail-over "
            "loses",
            "redis-cli config set min-replicas-to-write 1; redis-cli config rewrite",
        )


def _speed(node: Node) -> Iterator[Finding]:
    took = []
    for _ in range(_PINGS):
        begun = time.monotonic()
        node.store.link.run(None, lambda client: client.ping())
        took.append((time.monotonic() - begun) * 1000)
    median = sorted(took)[_PINGS // 2]
    slow = median > _SLOW_MS
    yield Finding(
        "redis",
        Level.WARNING if slow else Level.OK,
        f"answers in {median:.1f} ms (median of {_PINGS})",
        "callers hear each of them as silence: have Redis in the same building" if slow else "",
    )
    seconds, microseconds = _of_one(node.store.link.run(None, lambda client: client.time()))
    skew = node.clock.now() - (seconds + microseconds / 1e6)
    if abs(skew) > _SKEW_S:
        yield Finding(
            "redis", Level.WARNING, f"this host's clock is {skew:+.1f} s off Redis' clock", "run an NTP client"
        )


def _masters(node: Node, command: str, *args: str) -> dict[str, dict[str, Any]]:
    """A command's answer from every server that is written to, by the server's name; raises StoreDownError."""
    link = node.store.link
    if not link.cluster:
        return {link.label: link.run(None, operator.methodcaller(command, *args))}

    def work(client: Any) -> dict[str, dict[str, Any]]:
        return {
            server.name: getattr(client, command)(*args, target_nodes=[server]) for server in client.get_primaries()
        }

    return link.run(None, work)


def _of_one(answer: Any) -> Any:
    """One node's answer where a Cluster gives one for each node."""
    if isinstance(answer, dict) and answer and all(isinstance(part, dict | tuple | list) for part in answer.values()):
        return next(iter(answer.values()))
    return answer
