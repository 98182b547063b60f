"""What `esl-vm doctor` looks at in the cluster: every node there, of one version, their clocks agreeing, the schema."""

from __future__ import annotations

from typing import TYPE_CHECKING

from esl_vm import __version__
from esl_vm.model.findings import Finding, Level
from esl_vm.ops.agreement import disagreements

if TYPE_CHECKING:
    from collections.abc import Iterator

    from esl_vm.ops.node import Node

_SKEW_S = 10.0


def check_cluster(node: Node) -> Iterator[Finding]:
    """All nodes, and the schema they work on."""
    nodes = node.store.cluster.nodes()
    alive = [one for one in nodes if one.alive]
    here = node.settings.service.node
    now = node.clock.now()
    for one in nodes:
        if not one.alive:
            said = f"{one.name} has not reported for {now - one.at:.0f} s, and did not announce a stop"
            yield Finding(
                "cluster",
                Level.ERROR,
                said,
                f"on {one.name}: `systemctl status esl-vm`, and `systemctl start esl-vm` if it does not run",
            )
        elif one.fields.get("ready", "yes") != "yes":
            said = f"{one.name} is not ready: {one.fields['ready']}"
            yield Finding("cluster", Level.ERROR, said, f"on {one.name}: `esl-vm doctor`")
        elif one.fields.get("freeswitch") == "down":
            said = f"{one.name} does not reach its FreeSWITCH: no lamps there"
            yield Finding("cluster", Level.ERROR, said, f"on {one.name}: `esl-vm doctor`")
        # What was told within seconds, and is dated far from now, was dated by a clock that is wrong.
        elif abs(now - one.at) > _SKEW_S:
            said = f"{one.name}'s clock is {one.at - now:+.0f} s off this host's"
            yield Finding("cluster", Level.WARNING, said, f"run an NTP client on {one.name}")
    for differing in disagreements(node):
        yield Finding(
            "cluster", Level.ERROR, differing, "make the settings of all nodes the same, then restart that service"
        )
    versions = sorted({one.version for one in alive} | {__version__})
    if len(versions) > 1:
        names = ", ".join(f"{one.name} {one.version}" for one in alive)
        said = f"several versions: {names or 'no node'}, this command {__version__}"
        yield Finding("cluster", Level.WARNING, said, "upgrade the others too: docs/operations.md")
    elif alive:
        yield Finding(
            "cluster",
            Level.OK,
            f"{'one node is' if len(alive) == 1 else f'{len(alive)} nodes are'} alive, version {__version__}",
        )
    if here not in {one.name for one in alive}:
        yield Finding(
            "cluster", Level.WARNING, f"no service of this node ({here}) is in the cluster's list", "esl-vm serve"
        )
    yield Finding("cluster", Level.OK, f"Redis has schema {node.store.schema}")
