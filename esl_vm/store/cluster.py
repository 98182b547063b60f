"""What the nodes tell of themselves, and what the cluster shares: for doctor, top and /metrics.

A node that is alive writes its hash again every few seconds; it expires when the node is gone, and its name stays in a
sorted set for a day, so that one that is missed is seen to be missing. All keys carry the tag `{nodes}`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from esl_vm.model.cluster import ClusterState, NodeState
from esl_vm.model.errors import StoreDownError
from esl_vm.model.jobs import JobKind
from esl_vm.store import keys as names
from esl_vm.store.base import DAY_S
from esl_vm.store.records import number, text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from esl_vm.store.base import Base

ALIVE_S = 30
"""Seconds after which a node that told nothing counts as gone."""
_JOBS = {kind.value: names.outbox_due(kind) for kind in JobKind}


class Cluster:
    """See the module.

    Args:
        base: what the parts of the store share.
    """

    def __init__(self, base: Base) -> None:
        self._base = base

    def tell(self, node: str, version: str, schema: int, fields: Mapping[str, str]) -> None:
        """This node is alive: to be told at least every ten seconds; see NodeState."""
        now = self._base.now()
        told = {"version": version, "schema": str(schema), "at": f"{now:.3f}", **fields}

        def work(client: Any) -> None:
            pipeline = client.pipeline(transaction=False)
            pipeline.hset(names.node(node), mapping=told)
            pipeline.expire(names.node(node), ALIVE_S)
            pipeline.zadd(names.NODES, {node: f"{now:.3f}"})
            pipeline.zremrangebyscore(names.NODES, "-inf", f"{now - DAY_S:.3f}")
            pipeline.execute()

        self._base.link.run(names.NODES, work)

    def leave(self, node: str, started: str = "") -> None:
        """This node stops, and will not be missed; unless it was started anew since `started`, as it told it."""

        def work(client: Any) -> None:
            if started and text(client.hget(names.node(node), "started")) not in {"", started}:
                return
            pipeline = client.pipeline(transaction=False)
            pipeline.delete(names.node(node))
            pipeline.zrem(names.NODES, node)
            pipeline.execute()

        self._base.link.run(names.NODES, work)

    def nodes(self) -> list[NodeState]:
        """All nodes that were alive within a day, by name."""

        def work(client: Any) -> list[NodeState]:
            seen = client.zrange(names.NODES, 0, -1, withscores=True)
            pipeline = client.pipeline(transaction=False)
            for name, _ in seen:
                pipeline.hgetall(names.node(text(name)))
            found = []
            for (name, at), told in zip(seen, pipeline.execute() if seen else [], strict=True):
                fields = {text(key): text(value) for key, value in told.items()}
                schema = int(number(fields.pop("schema", "0")))
                said_at = float(number(fields.pop("at", "0")) or at)
                found.append(NodeState(text(name), said_at, bool(told), fields.pop("version", ""), schema, fields))
            return sorted(found, key=lambda node: node.name)

        return self._base.link.run(names.NODES, work)

    def state(self) -> ClusterState:
        """What the cluster shares; of a Cluster whose masters are not all there, what the others say."""
        now = self._base.now()

        def count_locked(client: Any, partition: int) -> Any:
            return client.zcount(self._base.keys.part(partition).locked, f"({now:.3f}", "+inf")

        def ask(client: Any) -> list[Any]:
            pipeline = client.pipeline(transaction=False)
            for due in _JOBS.values():
                pipeline.zcard(due)
                pipeline.zrange(due, 0, 0, withscores=True)
            pipeline.zcard(names.OUTBOX_DEAD)
            pipeline.zcount(names.NODES, f"{now - ALIVE_S:.3f}", "+inf")
            return pipeline.execute()  # type: ignore[no-any-return]

        locked = self._base.each_partition(count_locked, None)
        try:
            *queues, dead, nodes = self._base.link.run(names.NODES, ask)
        except StoreDownError:
            if not self._base.link.cluster:
                raise
            *queues, dead, nodes = [*(0, []) * len(_JOBS), 0, 0]  # other mailboxes' masters are there
        # A transcript may be hours late where an engine has much to do: nobody is kept waiting by that.
        firsts = [
            float(first[0][1])
            for kind, first in zip(_JOBS, queues[1::2], strict=True)
            if first and kind != JobKind.TRANSCRIPT
        ]
        return ClusterState(
            locked=sum(many or 0 for many in locked),
            jobs=dict(zip(_JOBS, queues[::2], strict=True)) | {"dead": dead},
            overdue_s=max(0.0, now - min(firsts)) if firsts else 0.0,
            nodes=nodes,
            partitions_away=locked.count(None),
            refuses=self.refusal(),
        )

    def refusal(self) -> str:
        """Why Redis takes no changes (it is full, a replica, without replicas); `` if it does. Tried, with a key that expires."""
        try:
            self._base.link.run(names.TRIED, lambda client: client.set(names.TRIED, "1", px=1000))
        except StoreDownError as refused:
            return str(refused)
        return ""
