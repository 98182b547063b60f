"""What the nodes of a cluster know of each other."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_SKEW_S = 60.0
"""A host whose clock is further from Redis' does no housekeeping."""


@dataclass(frozen=True, slots=True)
class NodeState:
    """A node as it last reported itself.

    Args:
        name: the node's. at: when, epoch seconds by its clock. alive: whether it reported a moment ago.
        version: of the service. schema: the newest schema of the store that it knows.
        fields: the rest by name: started, listen, workers, calls, calls_total, spool_waiting, spool_aside,
            spool_oldest_s, lamp_wait_s, clock_skew_s, freeswitch (`up`, `down`, `none`), ready (`yes`, or why not).
    """

    name: str
    at: float
    alive: bool
    version: str
    schema: int
    fields: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ClusterState:
    """What the whole cluster shares.

    Args:
        locked: mailboxes whose PIN is locked.
        jobs: how many wait, by kind (`mail`, `webhook`, `transcript`); `dead` that were given up.
        overdue_s: how late the mail or webhook call is that is due longest, seconds.
        nodes: how many nodes are alive.
        refuses: why Redis, which can be read, takes no changes; `` if it does.
    """

    locked: int = 0
    jobs: dict[str, int] = field(default_factory=dict)
    overdue_s: float = 0.0
    nodes: int = 0
    refuses: str = ""


def redis_clock_is_right(nodes: Sequence[NodeState]) -> bool:
    """Whether at least half of the nodes that are alive have Redis' time, give or take a minute.

    Redis may run on the host whose clock is wrong: then the others are right, and nothing may be erased by it. Nodes that
    don't tell (of a version before) count as content.
    """
    alive = [node for node in nodes if node.alive]
    near = [node for node in alive if abs(_number(node.fields.get("clock_skew_s", "0"))) <= MOST_SKEW_S]
    return 2 * len(near) >= len(alive)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
