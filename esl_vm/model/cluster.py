"""What the nodes of a cluster know of each other."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class NodeState:
    """A node as it last told of itself.

    Args:
        name: the node's. at: when, epoch seconds by its clock. alive: whether it told so a moment ago.
        version: of the service. schema: the newest schema of the store that it knows.
        fields: the rest by name: started, listen, workers, calls, calls_total, spool_waiting, spool_aside,
            spool_oldest_s, lamp_wait_s, freeswitch (`up`, `down`, `none`), ready (`yes`, or why not).
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
        jobs: mail and webhook calls: `mail` and `webhook` that wait, `dead` that were given up.
        overdue_s: how late the job is that is due longest, seconds.
        nodes: how many nodes are alive.
        partitions_away: partitions of mailboxes whose part of a Redis Cluster is away.
    """

    locked: int = 0
    jobs: dict[str, int] = field(default_factory=dict)
    overdue_s: float = 0.0
    nodes: int = 0
    partitions_away: int = 0
