"""Which Redis servers are there: asked of the Sentinels, of a Cluster, or of the one master."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from redis import exceptions as wrong

from esl_vm.model.errors import SettingsError, StoreDownError
from esl_vm.model.topology import Shard, Topology
from esl_vm.store.records import number, text

if TYPE_CHECKING:
    from esl_vm.store.link import Link

_MIN_REPLICAS = ("min-replicas-to-write", "min-slaves-to-write")


def discover(link: Link) -> Topology:
    """The servers that are there now; raises StoreDownError."""
    if link.cluster:
        there = link.run(None, _of_cluster)
        shards = tuple(replace(shard, redis_cli=redis_cli(link, shard.name)) for shard in there.shards)
        return replace(there, shards=shards)
    shard = replace(link.run(None, lambda client: _shard(client, link.label)), redis_cli=redis_cli(link))
    pool = link.run(None, lambda client: client.connection_pool)
    if not hasattr(pool, "sentinel_manager"):
        return Topology("single", (shard,))
    return _watched(shard, link, pool)


def redis_cli(link: Link, master: str = "") -> str:
    """The command that reaches a master: of a Cluster's `HOST:PORT`, else the one."""
    if link.cluster:
        host, _, port = master.rpartition(":")
        return link.redis_cli((host, int(port)) if master else None)
    with contextlib.suppress(StoreDownError, SettingsError):
        pool = link.run(None, lambda client: client.connection_pool)
        if hasattr(pool, "sentinel_manager"):
            return link.redis_cli(link.run(None, lambda _: pool.get_master_address()))
    return link.redis_cli()


def _watched(shard: Shard, link: Link, pool: Any) -> Topology:
    """What the Sentinels know: replicas that are away too, and each other by the addresses they have in common."""
    service = pool.service_name
    voters: dict[str, tuple[str, int]] = {}
    asked: dict[str, tuple[str, int]] = {}
    quorum = 0
    for sentinel in pool.sentinel_manager.sentinels:
        try:
            master = sentinel.sentinel_master(service)
            others = sentinel.sentinel_sentinels(service)
            voters |= {str(other["runid"]): (str(other["ip"]), int(other["port"])) for other in others}
            replicas = tuple(str(known["ip"]) for known in sentinel.sentinel_slaves(service))
            at = sentinel.connection_pool.connection_kwargs
            asked[text(sentinel.execute_command("SENTINEL", "MYID"))] = (at["host"], at["port"])
        except wrong.RedisError:
            continue
        quorum = int(master["quorum"])
        shard = replace(shard, host=str(master["ip"]), replicas=replicas)
    if not quorum:
        raise StoreDownError(f"{shard.name}: no Sentinel answers")
    known = (asked | voters).values()
    sets = tuple(f"{link.redis_cli(at, sentinel=True)} sentinel set {service}" for at in known)
    return Topology("sentinel", (shard,), tuple(host for host, _ in known), quorum, sentinels=sets)


def _shard(client: Any, name: str, **target: Any) -> Shard:
    info = client.info("replication", **target)
    found = [member for key, member in sorted(info.items()) if key.startswith("slave") and isinstance(member, dict)]
    replicas = tuple(str(member["ip"]) for member in found)
    online = sum(member.get("state") == "online" for member in found)
    connection = client.connection_pool.connection_kwargs if not target else {}
    host = str(connection.get("host", "")) or name
    return Shard(name, host, replicas, online, _min_replicas(client, **target))


def _min_replicas(client: Any, **target: Any) -> int | None:
    try:
        found = client.config_get("min-*-to-write", **target)  # two names at once only since Redis 7
    except wrong.ResponseError:
        return None  # CONFIG is refused to this user
    return next((number(text(found[name])) for name in _MIN_REPLICAS if name in found), 0)


def _of_cluster(client: Any) -> Topology:
    masters = client.get_primaries()
    known: dict[str, list[str]] = {}
    ids: dict[str, str] = {}
    for address, member in client.cluster_nodes().items():
        if "slave" in member["flags"] or "replica" in member["flags"]:
            known.setdefault(member["master_id"], []).append(address.rpartition(":")[0])
        if "master" in member["flags"]:
            ids[address] = member["node_id"]
    shards = []
    settings: dict[str, str] = {}
    for server in masters:
        try:
            shard = _shard(client, server.name, target_nodes=[server])
            settings = client.config_get("cluster-*", target_nodes=[server])
        except (wrong.ConnectionError, wrong.TimeoutError):
            continue  # one that is away says nothing; doctor says elsewhere that it is
        except wrong.ResponseError:
            pass
        replicas = tuple(known.get(ids.get(server.name, ""), shard.replicas))
        shards.append(Shard(server.name, server.host, replicas, shard.online, shard.min_replicas))
    return Topology(
        "cluster",
        tuple(sorted(shards, key=lambda shard: shard.name)),
        voters=tuple(server.host for server in masters),
        quorum=len(masters) // 2 + 1,
        migrates=text(settings.get("cluster-allow-replica-migration", "yes")) == "yes",
        barrier=number(text(settings.get("cluster-migration-barrier", "1"))),
        full_coverage=text(settings.get("cluster-require-full-coverage", "no")) == "yes",
    )
