"""How many replicas must have a message, and how many a master needs: one rule, for one Redis, Sentinel and Cluster.

A partition of the network cuts the hosts into sides. The side on which a majority of voters is (the Sentinels, or the
masters of a Cluster) makes one of its replicas the master, if the old master is not on it. What was announced must be
on that side, whichever it is: so a write waits for one replica more than can be on the other side. And a replica that
is waited for must still be there when one Redis is gone.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_MOST_HOSTS = 14  # sides are tried one by one: 16,384 of them


@dataclass(frozen=True, slots=True)
class Shard:
    """A master and what follows it.

    Args:
        name: of the master, for people. host: where it is.
        replicas: the host of each replica that is known. online: how many of them are in step now.
        min_replicas: its `min-replicas-to-write`; None where it can't be asked.
        redis_cli: the command that reaches it.
    """

    name: str
    host: str
    replicas: tuple[str, ...]
    online: int
    min_replicas: int | None = 0
    redis_cli: str = "redis-cli"


@dataclass(frozen=True, slots=True)
class Topology:
    """The Redis servers that are there.

    Args:
        kind: `single`, `sentinel` or `cluster`.
        shards: one, or one for each master of a Cluster that has slots.
        voters: the host of each that has a vote: the Sentinels, or the Cluster's masters. quorum: votes that a fail-over
            takes at least; never less than a majority.
        migrates: whether a Cluster gives a master that lost its last replica one of another's
            (`cluster-allow-replica-migration`). barrier: how many a master keeps of its own
            (`cluster-migration-barrier`). full_coverage: `cluster-require-full-coverage`.
        sentinels: the commands that set something at each Sentinel, but for what is set.
    """

    kind: str
    shards: tuple[Shard, ...]
    voters: tuple[str, ...] = ()
    quorum: int = 0
    migrates: bool = True
    barrier: int = 1
    full_coverage: bool = False
    sentinels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Problem:
    """Where a topology falls short.

    Args:
        grave: whether something announced can be lost, or all stands still. said: what is so. remedy: what to do.
    """

    grave: bool
    said: str
    remedy: str


def replicas_needed(topology: Topology) -> int:
    """How many replicas must have a write (`wait_replicas`) so that every side which can elect a master has a copy."""
    return max((_needed(topology, shard) for shard in topology.shards), default=0)


def problems(topology: Topology, waits: int) -> Iterator[Problem]:
    """What is wrong with a topology.

    Args:
        topology: what is there.
        waits: how many replicas are waited for (`wait_replicas` in `redis.url`).
    """
    needed = replicas_needed(topology)
    if waits < needed:
        yield Problem(
            True,
            f"wait_replicas={waits}, but {_replicas(needed)} must have a message before it is announced: with fewer, "
            "hosts that are cut off together with the master take what was announced along",
            f"set `wait_replicas={needed}` in redis.url (after ? or &), on every node",
        )
    for shard in topology.shards:
        where = f"{shard.name}: " if len(topology.shards) > 1 else ""
        if waits > shard.online:
            yield Problem(
                True,
                f"{where}{_replicas(shard.online)}, but redis.url waits for {waits}: no message goes from the spool "
                "into a mailbox",
                f"start the replicas that are missing, or set `wait_replicas={shard.online}` in redis.url",
            )
        if shard.replicas and shard.min_replicas == 0:
            yield Problem(
                False,
                f"{where}{_replicas(len(shard.replicas))}, but a master cut off from its replicas goes on accepting messages that "
                "a fail-over loses",
                f"{shard.redis_cli} config set min-replicas-to-write 1; {shard.redis_cli} config rewrite",
            )
        # Without replicas nothing is promised of a lost server, and more than there are was said above.
        wanted = max(waits, shard.min_replicas or 0)
        if shard.replicas and len(shard.replicas) == wanted and not _lent(topology, shard, wanted):
            yield Problem(
                False,
                f"{where}with one Redis gone it has {_replicas(len(shard.replicas) - 1)} left, but each change needs {wanted} "
                "(min-replicas-to-write, wait_replicas): its mailboxes can't be changed until that Redis is back",
                f"one replica more: {wanted + 1} for each master (`esl-vm doctor --topology`)",
            )
    if topology.kind == "sentinel":
        yield from _sentinel_problems(topology)
    if topology.kind == "cluster":
        yield from _cluster_problems(topology)


def recommended(topology: Topology) -> list[str]:
    """The whole setting for the servers that are there, as lines for people; `#` begins what is not a setting."""
    needed = replicas_needed(topology)
    if topology.kind == "single" and not topology.shards[0].replicas:
        return [
            "# one Redis: nothing can take over; what is announced is on its disk",
            "redis.conf:      appendonly yes",
            "redis.conf:      appendfsync always",
            "redis.conf:      maxmemory-policy noeviction",
        ]
    lines = [
        f"redis.url:       wait_replicas={needed}",
        "redis.conf:      appendonly yes",
        "redis.conf:      appendfsync always",
        "redis.conf:      maxmemory-policy noeviction",
        "redis.conf:      min-replicas-to-write 1",
        "redis.conf:      min-replicas-max-lag 10",
    ]
    fewest = min(len(shard.replicas) for shard in topology.shards)
    if topology.kind == "cluster":
        lines += [
            "redis.conf:      cluster-require-full-coverage no",
            "redis.conf:      cluster-allow-replica-migration yes",
            f"redis.conf:      cluster-migration-barrier {max(1, needed)}",
        ]
    if topology.kind == "sentinel":
        lines.append(f"sentinel.conf:   quorum {len(topology.voters) // 2 + 1} of {len(topology.voters)}")
    lines.append(
        f"# replicas:      {needed + 1} for each master, so that everything works with any one Redis gone; "
        f"there are {fewest}"
    )
    if needed > 1 and needed >= fewest:
        where = (
            "beside each Redis, no other" if topology.kind == "sentinel" else "of a master on the other masters' hosts"
        )
        what = "a Sentinel" if topology.kind == "sentinel" else "the replicas"
        lines.append(f"# hosts:         {what} {where}: then fewer replicas need have a message, and one may be gone")
    return lines


def _replicas(count: int) -> str:
    return "1 replica" if count == 1 else f"{count} replicas"


def _needed(topology: Topology, shard: Shard) -> int:
    """How many of a shard's replicas must have a write."""
    if not shard.replicas:
        return 0
    hosts = sorted({*shard.replicas, *topology.voters} - {shard.host})
    votes = max(topology.quorum, len(topology.voters) // 2 + 1)
    if len(hosts) > _MOST_HOSTS:
        return len(shard.replicas)
    most_outside = 0
    for count in range(1, len(hosts) + 1):
        for side in combinations(hosts, count):
            inside = sum(host in side for host in shard.replicas)
            if inside and sum(host in side for host in topology.voters) >= votes:
                most_outside = max(most_outside, len(shard.replicas) - inside)
    return most_outside + 1


def _lent(topology: Topology, shard: Shard, wanted: int) -> bool:
    """Whether another master of the Cluster has a replica to spare for one that lost its last."""
    if topology.kind != "cluster" or not topology.migrates or wanted > 1:
        return False
    return any(len(other.replicas) > max(topology.barrier, wanted) for other in topology.shards if other is not shard)


def _sentinel_problems(topology: Topology) -> Iterator[Problem]:
    many = len(topology.voters)
    majority = many // 2 + 1
    if topology.quorum < majority:
        yield Problem(
            False,
            f"the Sentinels' quorum is {topology.quorum} of {many}: fewer than half begin a fail-over that they can't "
            "finish",
            "; ".join(f"{sentinel} quorum {majority}" for sentinel in topology.sentinels),
        )
    worst = max(_counts(topology.voters), default=0)
    alone = len(set(topology.voters)) == 1  # all on one host, as where it is tried: there is none to lose
    if many < 3 or (many - worst < max(majority, topology.quorum) and not alone):
        yield Problem(
            False,
            f"{many} Sentinels, {worst} of them on one host: with that host gone nobody takes over",
            "three Sentinels or more, each on a host of its own",
        )


def _cluster_problems(topology: Topology) -> Iterator[Problem]:
    if topology.full_coverage:
        call = f"{topology.shards[0].redis_cli} --cluster call {topology.shards[0].name} config"
        yield Problem(
            True,
            "cluster-require-full-coverage yes: when one master and its replicas are gone all mailboxes are, not only "
            "theirs",
            f"{call} set cluster-require-full-coverage no; {call} rewrite",
        )
    if len(topology.shards) < 3:
        yield Problem(
            False,
            f"{len(topology.shards)} masters: a fail-over takes the votes of more than half of all masters",
            "three masters or more",
        )


def _counts(hosts: Sequence[str]) -> list[int]:
    return [hosts.count(host) for host in set(hosts)]
