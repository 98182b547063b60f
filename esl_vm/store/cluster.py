"""What the nodes tell of themselves, and what the cluster shares: for doctor, top and /metrics.

A node that is alive writes its hash again every few seconds; it expires when the node is gone, and its name stays in a
sorted set for a day, so that one that is missed is seen to be missing. All keys carry the tag `{nodes}`.
"""

from __future__ import annotations

import dataclasses
import json
from itertools import chain
from time import monotonic
from typing import TYPE_CHECKING, Any

from esl_vm.model.cluster import ClusterState, NodeState
from esl_vm.model.errors import StoreDownError
from esl_vm.model.findings import Finding, HeldTake, Level, NodeReport, Order, OrderKind
from esl_vm.model.jobs import JobKind
from esl_vm.store import keys as names
from esl_vm.store.base import DAY_S, Part
from esl_vm.store.records import number, text, texts

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

ALIVE_S = 30
"""Seconds after which a node that reported nothing counts as gone."""
TRANSCRIBES_S = 60
"""Seconds after which a process that transcribes counts as gone, where it was not heard of; long enough for a restart."""
REPORT_S = 120
"""Seconds for which a node's report, and what is asked of it, is kept."""
FORGET_S = 7 * DAY_S
"""Seconds for which it is known which sounds were erased: a node that was away for longer forgets all of its copies."""
_JOBS = {kind.value: names.outbox_due(kind) for kind in JobKind}


class Cluster(Part):
    """See the module."""

    def report(self, node: str, version: str, schema: int, fields: Mapping[str, str]) -> None:
        """This node is alive: to be reported at least every ten seconds; see NodeState.

        One who was `started` before the process of this node that reported last says nothing: after a reload both report
        while the former ends, which would then take the node's entry with it.
        """
        if number(self._started(node)) > number(fields.get("started", "")) > 0:
            return
        now = self._base.now()
        stated = {"version": version, "schema": str(schema), "at": f"{now:.3f}", **fields}
        commands = [
            ("HSET", names.node(node), *chain.from_iterable(stated.items())),
            ("EXPIRE", names.node(node), ALIVE_S),
            ("ZADD", names.NODES, f"{now:.3f}", node),
            ("ZREMRANGEBYSCORE", names.NODES, "-inf", f"{now - DAY_S:.3f}"),
        ]
        self._base.link.pipe(names.NODES, commands)

    def leave(self, node: str, started: str = "") -> None:
        """This node stops, and will not be missed; unless it was started anew since `started`, as it reported."""
        if not started or self._started(node) in {"", started}:
            self._base.link.pipe(names.NODES, [("DEL", names.node(node)), ("ZREM", names.NODES, node)])

    def _started(self, node: str) -> str:
        return text(self._base.link.run(names.NODES, lambda client: client.hget(names.node(node), "started")))

    def nodes(self) -> list[NodeState]:
        """All nodes that were alive within a day, by name."""
        seen = self._base.link.run(names.NODES, lambda client: client.zrange(names.NODES, 0, -1, withscores=True))
        hashes = self._base.link.pipe(names.NODES, (("HGETALL", names.node(text(name))) for name, _ in seen))
        found = []
        for (name, at), fields in zip(seen, map(texts, hashes), strict=True):
            alive, schema = bool(fields), int(number(fields.pop("schema", "0")))
            said_at = float(number(fields.pop("at", "0")) or at)
            found.append(NodeState(text(name), said_at, alive, fields.pop("version", ""), schema, fields))
        return sorted(found, key=lambda node: node.name)

    def transcribes(self, who: str) -> None:
        """A process of that name transcribes messages: to be reported at least every twenty seconds."""
        now = self._base.now()
        commands = [
            ("ZADD", names.TRANSCRIBERS, f"{now:.3f}", who),
            ("ZREMRANGEBYSCORE", names.TRANSCRIBERS, "-inf", f"{now - TRANSCRIBES_S:.3f}"),
        ]
        self._base.link.pipe(names.NODES, commands)

    def transcribers(self) -> list[str]:
        """The processes that transcribe, by the name they reported."""
        since = f"({self._base.now() - TRANSCRIBES_S:.3f}"
        found = self._base.link.run(names.NODES, lambda client: client.zrangebyscore(names.TRANSCRIBERS, since, "+inf"))
        return sorted(map(text, found))

    def publish_report(self, report: NodeReport) -> None:
        """What a node reports of itself; to be reported again within two minutes."""
        name, packed = names.report(report.node), json.dumps(dataclasses.asdict(report))
        self._base.link.run(names.NODES, lambda client: client.set(name, packed, ex=REPORT_S))

    def reports(self) -> list[NodeReport]:
        """What the nodes that are alive reported of themselves, by name."""

        def work(client: Any) -> list[Any]:
            found = sorted(text(name) for name in client.zrange(names.NODES, 0, -1))
            return client.mget([names.report(name) for name in found]) if found else []

        return [_report(packed) for packed in self._base.link.run(names.NODES, work) if packed]

    def order(self, node: str, order: Order) -> None:
        """Ask something of a node; it sees to it within seconds, or not at all."""
        name, packed = names.orders(node), json.dumps(dataclasses.asdict(order))
        self._base.link.pipe(names.NODES, [("RPUSH", name, packed), ("EXPIRE", name, REPORT_S)])

    def orders(self, node: str) -> list[Order]:
        """What was asked of this node since it looked last; each is given once."""
        name = names.orders(node)
        asked, _ = self._base.link.pipe(names.NODES, [("LRANGE", name, 0, -1), ("DEL", name)], atomic=True)
        parsed = [json.loads(packed) for packed in asked]
        return [Order(**one | {"kind": OrderKind(one["kind"])}) for one in parsed]

    def answer(self, order: Order, answer: Mapping[str, Any]) -> None:
        """Answer an order that asks for it."""
        name, packed = names.answers(order.answer), json.dumps(answer)
        self._base.link.pipe(names.NODES, [("RPUSH", name, packed), ("EXPIRE", name, REPORT_S)])

    def answers(self, order: Order, nodes: Collection[str], wait_s: float) -> list[dict[str, Any]]:
        """Ask that of nodes, and wait for so many answers as they are, up to so many seconds."""
        for node in nodes:
            self.order(node, order)
        name, until = names.answers(order.answer), monotonic() + wait_s
        found: list[dict[str, Any]] = []
        patient = self._base.link.patient(1.0)
        while len(found) < len(nodes) and monotonic() < until:
            if one := patient.run(names.NODES, lambda client: client.blpop([name], 1)):
                found.append(json.loads(one[1]))
        patient.close()
        return found

    def note_erased(self, sounds: Sequence[str]) -> None:
        """These sounds were erased: every node is to forget its copies."""
        now = int(self._base.now_ms())
        scored = [word for sound in sounds for word in (now, sound)]
        commands = [
            ("ZADD", names.ERASED_SOUNDS, *scored),
            ("ZREMRANGEBYSCORE", names.ERASED_SOUNDS, "-inf", now - FORGET_S * 1000),
        ]
        self._base.link.pipe(names.NODES, commands)

    def erased_since(self, since: float) -> tuple[set[str], float]:
        """Sounds that were erased since then (epoch seconds), and until when that is known; within `FORGET_S`."""
        now = self._base.now()
        found = self._base.link.run(
            names.NODES, lambda client: client.zrangebyscore(names.ERASED_SOUNDS, since * 1000, "+inf")
        )
        return set(map(text, found)), now

    def state(self) -> ClusterState:
        """What the cluster shares; of a Cluster whose masters are not all there, what the others say."""
        now = self._base.now()

        def count_locked(client: Any, partition: int) -> Any:
            return client.zcount(self._base.keys.part(partition).locked, f"({now:.3f}", "+inf")

        commands: list[tuple[Any, ...]] = [("ZCARD", due) for due in _JOBS.values()]
        commands += [("ZRANGE", due, 0, 0, "WITHSCORES") for due in _JOBS.values()]
        commands += [("ZCARD", names.OUTBOX_DEAD), ("ZCOUNT", names.NODES, f"{now - ALIVE_S:.3f}", "+inf")]
        locked = self._base.each_partition(count_locked, None)
        queues: list[Any]
        try:
            *queues, dead, nodes = self._base.link.pipe(names.NODES, commands)
        except StoreDownError:
            if not self._base.link.cluster:
                raise
            queues = [*(0 for _ in _JOBS), *([] for _ in _JOBS)]
            dead = nodes = 0  # other mailboxes' masters are there
        jobs, firsts = queues[: len(_JOBS)], queues[len(_JOBS) :]
        # A transcript may be hours late where an engine has much to do: nobody is kept waiting by that.
        due = [first[0][1] for kind, first in zip(_JOBS, firsts, strict=True) if first and kind != JobKind.TRANSCRIPT]
        return ClusterState(
            locked=sum(many or 0 for many in locked),
            jobs=dict(zip(_JOBS, jobs, strict=True)) | {"dead": dead},
            overdue_s=max(0.0, now - min(due)) if due else 0.0,
            nodes=nodes,
            refuses=self.refusal(),
        )

    def refusal(self) -> str:
        """Why Redis takes no changes (it is full, a replica, without replicas); `` if it does. Tried, with a key that expires."""
        try:
            self._base.link.run(names.TRIED, lambda client: client.set(names.TRIED, "1", px=1000))
        except StoreDownError as refused:
            return str(refused)
        return ""


def _report(packed: bytes) -> NodeReport:
    parsed = json.loads(packed)
    findings = tuple(Finding(**(one | {"level": Level(one["level"])})) for one in parsed["findings"])
    takes = tuple(HeldTake(**(one | {"boxes": tuple(one["boxes"])})) for one in parsed["takes"])
    return NodeReport(parsed["node"], parsed["at"], findings, takes)
