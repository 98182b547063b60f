"""What `esl-vm doctor` looks at in Redis: there, built for this version, durable, quick, its clock ours."""

from __future__ import annotations

import operator
import time
from typing import TYPE_CHECKING, Any

from redis import exceptions

from esl_vm.model.cluster import MOST_SKEW_S
from esl_vm.model.errors import StoreDownError, VoicemailError
from esl_vm.model.findings import Finding, Level
from esl_vm.model.topology import problems
from esl_vm.store.keys import META
from esl_vm.store.outage import remedy, sentence
from esl_vm.store.topology import discover, redis_cli

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from esl_vm.ops.node import Node

OLDEST_REDIS = (6, 2)
SLOW_MS = 5.0
SKEW_S = 2.0
_PINGS = 10
_NEARLY_FULL = 0.8


def remedy_for(node: Node, said: str) -> str:
    """What to do about an outage, with the command that reaches this node's Redis."""
    return remedy(said, redis_cli(node.store.link))


def check_redis(node: Node) -> Iterator[Finding]:
    """Everything about Redis."""
    try:
        node.store.verify()
        servers, away = _masters(node, "info")
    except VoicemailError as wrong:
        yield Finding("redis", Level.ERROR, str(wrong), remedy_for(node, str(wrong)))
        return
    for name, why in away.items():
        said = f"{name}: {why}; the mailboxes that lie there wait, the others don't"
        yield Finding("redis", Level.ERROR, said, "start it, or a replica of it")
    if refuses := node.store.cluster.refusal():
        said = f"{refuses}; owners hear their messages, what callers leave waits in the spools"
        yield Finding("redis", Level.ERROR, said, remedy_for(node, refuses))
    for name, info in servers.items():
        version = str(info.get("redis_version", "?"))
        program = f"Redis {version}"
        if "valkey_version" in info:  # it tells the last version of Redis that it is compatible with, too
            program = f"Valkey {info['valkey_version']}"
        mode = info.get("redis_mode", info.get("server_mode", "?"))
        said = f"{name}: {program}, {mode}, role {info.get('role', '?')}"
        old = tuple(int(part) for part in version.split(".")[:2] if part.isdigit()) < OLDEST_REDIS
        yield Finding("redis", Level.ERROR if old else Level.OK, said, "upgrade Redis to 6.2 or later" if old else "")
    yield Finding("redis", Level.OK, f"{node.store.keys.partitions} partitions, as this version expects them")
    yield from durability(node, servers)
    if node.settings.redis.url != "embedded:":
        yield from check_topology(node)
    yield from _speed(node)


def durability(node: Node, servers: Mapping[str, Mapping[str, Any]] | None = None) -> Iterator[Finding]:
    """Whether each master keeps what it is given; raises StoreDownError.

    Args:
        node: whose Redis.
        servers: what each master says of itself, if it was asked before.
    """
    if servers is None:
        servers, _ = _masters(node, "info")
    try:
        settings, _ = _masters(node, "config_get", "*")
    except StoreDownError:
        remedy = "allow CONFIG GET to this user, or compare with docs/administration.md yourself"
        yield Finding("redis", Level.WARNING, "its configuration can't be asked (CONFIG GET is refused)", remedy)
        settings = {}
    for name, info in servers.items():
        where = f"{name}: " if len(servers) > 1 else ""
        # A second copy on another host outlives the crash of this one.
        copies = node.store.link.replicas
        yield from _durability(info, settings.get(name, {}), where, redis_cli(node.store.link, name), copies)


def _durability(
    info: Mapping[str, Any], config: Mapping[str, Any], where: str, cli: str, copies: int
) -> Iterator[Finding]:
    """Whether what a server was given outlives its crash."""

    def setting(words: str) -> str:
        return f"{cli} config set {words}; {cli} config rewrite"

    if not int(info.get("aof_enabled", 0)):
        yield Finding(
            "redis",
            Level.ERROR,
            f"{where}nothing is written to the disk as it comes (appendonly no): a crash of Redis loses messages that "
            "were announced as saved",
            setting("appendonly yes"),
        )
    if str(info.get("aof_last_write_status", "ok")) != "ok" or str(info.get("rdb_last_bgsave_status", "ok")) != "ok":
        yield Finding("redis", Level.ERROR, f"{where}it could not write to its disk", "see its log; free its disk")
    if config.get("appendfsync") == "no":
        yield Finding(
            "redis",
            Level.ERROR,
            f"{where}appendfsync no: minutes can be lost",
            setting("appendfsync always"),
        )
    elif config.get("appendfsync") == "everysec" and not copies:
        yield Finding(
            "redis",
            Level.WARNING,
            f"{where}appendfsync everysec: a crash of its host can lose the last second, although it was announced as "
            "saved",
            f"`{setting('appendfsync always')}`; or have replicas, and `wait_replicas=1` in redis.url",
        )
    policy = config.get("maxmemory-policy", "noeviction")
    if str(config.get("maxmemory", "0")) != "0" and policy != "noeviction":
        yield Finding(
            "redis",
            Level.ERROR,
            f"{where}maxmemory-policy {policy}: a full Redis throws messages away",
            setting("maxmemory-policy noeviction"),
        )
    limit, used = int(info.get("maxmemory", 0) or 0), int(info.get("used_memory", 0) or 0)
    if limit and used > limit * _NEARLY_FULL:
        said = f"{where}{used >> 20} of {limit >> 20} MB are used; a full Redis takes no messages"
        yield Finding(
            "redis",
            Level.WARNING,
            said,
            f"`{cli} config set maxmemory SIZE`, or keep the sounds elsewhere (audio.store)",
        )


def check_topology(node: Node) -> Iterator[Finding]:
    """Whether what is announced outlives the loss of a host, and whether all goes on with any one Redis gone."""
    waits = node.store.link.replicas
    try:
        there = discover(node.store.link)
    except StoreDownError as wrong:
        yield Finding(
            "redis",
            Level.ERROR,
            f"its replicas can't be looked at: {wrong}",
            remedy_for(node, str(wrong)),
        )
        return
    found = list(problems(there, waits))
    for problem in found:
        yield Finding("redis", Level.ERROR if problem.grave else Level.WARNING, problem.said, problem.remedy)
    if not found and any(shard.replicas for shard in there.shards):
        said = f"{there.kind}: wait_replicas={waits} keeps what was announced on every side of a cut network"
        yield Finding("redis", Level.OK, f"{said}, and everything works with any one Redis gone")


def _speed(node: Node) -> Iterator[Finding]:
    took = []
    try:
        for _ in range(_PINGS):
            begun = time.monotonic()
            node.store.link.run(None, lambda client: client.hget(META, "schema"))
            took.append((time.monotonic() - begun) * 1000)
        # A Cluster has a clock on each master; one of them is as good as another.
        clocks, _ = _masters(node, "time")
    except StoreDownError as wrong:
        yield Finding(
            "redis",
            Level.ERROR,
            f"does not answer every time: {wrong}",
            remedy_for(node, str(wrong)),
        )
        return
    median = sorted(took)[_PINGS // 2]
    slow = median > SLOW_MS
    yield Finding(
        "redis",
        Level.WARNING if slow else Level.OK,
        f"answers in {median:.1f} ms (median of {_PINGS})",
        "callers hear each of them as silence: have Redis in the same building" if slow else "",
    )
    yield from _clocks(node.clock.skew, [seconds + microseconds / 1e6 for seconds, microseconds in clocks.values()])


def _clocks(skew: float, masters: Sequence[float]) -> Iterator[Finding]:
    """What is wrong with this host's clock (seconds ahead of Redis') or those of a Cluster's masters (epoch seconds)."""
    if abs(skew) > SKEW_S:
        far = abs(skew) > MOST_SKEW_S
        what = f"this host's clock is {skew:+.1f} s off Redis' clock" + ("; it does no housekeeping" if far else "")
        yield Finding("redis", Level.ERROR if far else Level.WARNING, what, "run an NTP client")
    apart = max(masters) - min(masters)
    if apart > SKEW_S:
        far = apart > MOST_SKEW_S
        what = f"the clocks of the Cluster's masters are {apart:.1f} s apart; nodes go by their median"
        yield Finding("redis", Level.ERROR if far else Level.WARNING, what, "run an NTP client on each")


def _masters(node: Node, command: str, *args: str) -> tuple[dict[str, Any], dict[str, str]]:
    """A command's answer from every server that is written to, by the server's name, and why the others gave none.

    Raises:
        StoreDownError: none answers.
    """
    link = node.store.link
    if not link.cluster:
        return {link.label: link.run(None, operator.methodcaller(command, *args))}, {}
    away: dict[str, str] = {}

    def work(client: Any) -> dict[str, Any]:
        found = {}
        for server in client.get_primaries():
            try:
                found[server.name] = getattr(client, command)(*args, target_nodes=[server])
            except (exceptions.ConnectionError, exceptions.TimeoutError) as error:
                away[server.name] = sentence(error)
                last = error
        if not found:
            raise last
        return found

    return link.run(None, work), away
