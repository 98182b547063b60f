"""What `esl-vm doctor` looks at in Redis: there, built for this version, durable, quick, its clock ours."""

from __future__ import annotations

import operator
import time
from typing import TYPE_CHECKING, Any

from esl_vm.cli.checks import Finding, Level
from esl_vm.model.errors import StoreDownError, VoicemailError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from esl_vm.app import Node

OLDEST_REDIS = (6, 2)
_SLOW_MS = 5.0
_SKEW_S = 2.0
_PINGS = 10


def check_redis(node: Node) -> Iterator[Finding]:
    """Everything about Redis."""
    link = node.store.link
    try:
        node.store.verify()
        info = _of_one(link.run(None, lambda client: client.info()))
    except VoicemailError as wrong:
        yield Finding("redis", Level.ERROR, str(wrong), "start Redis, or correct redis.url")
        return
    version = str(info.get("redis_version", "?"))
    said = f"{link.label}: version {version}, {info.get('redis_mode', '?')}, role {info.get('role', '?')}"
    old = tuple(int(part) for part in version.split(".")[:2] if part.isdigit()) < OLDEST_REDIS
    yield Finding("redis", Level.ERROR if old else Level.OK, said, "upgrade Redis to 6.2 or later" if old else "")
    yield Finding("redis", Level.OK, f"{node.store.keys.partitions} partitions, as this version expects them")
    yield from _durability(node, info)
    yield from _speed(node)


def _durability(node: Node, info: dict[str, Any]) -> Iterator[Finding]:
    if not int(info.get("aof_enabled", 0)):
        yield Finding(
            "redis",
            Level.ERROR,
            "nothing is written to the disk as it comes (appendonly no): a crash of Redis loses messages that were "
            "announced as saved",
            "redis-cli config set appendonly yes; config rewrite",
        )
    wanted = {"appendfsync": "", "maxmemory": "", "maxmemory-policy": "", "min-replicas-to-write": ""}
    try:
        for name in wanted:
            answer = _of_one(node.store.link.run(None, operator.methodcaller("config_get", name)))
            wanted[name] = str(answer.get(name, ""))
    except StoreDownError:
        yield Finding(
            "redis", Level.WARNING, "its configuration can't be asked (CONFIG GET is refused)", "see docs/redis.md"
        )
        return
    if wanted["appendfsync"] == "no":
        yield Finding(
            "redis", Level.ERROR, "appendfsync no: minutes can be lost", "redis-cli config set appendfsync always"
        )
    elif wanted["appendfsync"] == "everysec":
        yield Finding(
            "redis",
            Level.WARNING,
            "appendfsync everysec: a crash of its host can lose the last second, although it was announced as saved",
            "redis-cli config set appendfsync always; or have replicas, and ?wait_replicas=1 in redis.url",
        )
    if wanted["maxmemory"] not in {"", "0"} and wanted["maxmemory-policy"] not in {"", "noeviction"}:
        yield Finding(
            "redis",
            Level.ERROR,
            f"maxmemory-policy {wanted['maxmemory-policy']}: a full Redis throws messages away",
            "redis-cli config set maxmemory-policy noeviction",
        )
    replicas = int(info.get("connected_slaves", 0))
    if replicas and wanted["min-replicas-to-write"] in {"", "0"}:
        yield Finding(
            "redis",
            Level.WARNING,
            f"{replicas} replicas, but a master cut off from them goes on accepting messages that a fail-over loses",
            "redis-cli config set min-replicas-to-write 1",
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


def _of_one(answer: Any) -> Any:
    """One node's answer where a Cluster gives one for each node."""
    if isinstance(answer, dict) and answer and all(isinstance(part, dict | tuple | list) for part in answer.values()):
        return next(iter(answer.values()))
    return answer
