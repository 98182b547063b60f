"""`esl-vm top`: the cluster at work, in a terminal: nodes, calls, queues, lamps."""

from __future__ import annotations

import contextlib
import sys
import time
from typing import TYPE_CHECKING

from esl_vm.cli.boxes import opened_node
from esl_vm.cli.output import console, print_json
from esl_vm.cli.parsers import json_option
from esl_vm.model.errors import InvalidValueError, StoreDownError
from esl_vm.model.times import iso_time
from esl_vm.model.visible import one_line

if TYPE_CHECKING:
    import argparse

    from rich.console import RenderableType
    from rich.text import Text

    from esl_vm.cli.parsers import Commands
    from esl_vm.cli.shapes import ClusterShape, NodeShape
    from esl_vm.model.cluster import NodeState
    from esl_vm.ops.node import Node

_LATE_LAMP_S = 5.0
_LATE_JOB_S = 300.0
_TABLE_WIDTH = 160
_NARROW = 140


_HEADS = (
    *("node", "version", "up since", "workers", "calls", "total"),
    *("failed", "spool", "quarantine", "lamp lag", "FreeSWITCH", ""),
)


def add_commands(commands: Commands) -> None:
    """`top`."""
    parser = commands.add(
        "top",
        "watch calls, nodes and queues of the whole cluster",
        _run,
        description="Show every node with its calls, recordings and lamps, and the queues all share, until Ctrl-C.\n"
        "Each node reports every five seconds.",
        codes={1: "a node is missing, or Redis can't be reached"},
        examples="""
            esl-vm top
            esl-vm top --once
            esl-vm top --json
        """,
    )
    parser.add_argument("--once", action="store_true", help="show it once and end")
    parser.add_argument("--every", type=float, default=2.0, metavar="SECONDS", help="between looks (default 2)")
    json_option(parser)


def _run(args: argparse.Namespace) -> int:
    if not 0.2 <= args.every <= 3600:
        raise InvalidValueError(f"--every is a number of seconds from 0.2 to 3600, not {args.every:g}")
    with opened_node(args) as node:
        if args.json:
            found = look(node)
            print_json(found)
        elif args.once or not sys.stdout.isatty():
            found = look(node)
            show_once(found)
        else:
            return watch(node, args.every)
    return 1 if any(not one["alive"] for one in found["nodes"]) else 0


def look(node: Node) -> ClusterShape:
    """The cluster as it is now; raises StoreDownError."""
    state = node.store.cluster.state()
    now = node.clock.now()
    zone = node.settings.service.timezone
    return {
        "at": iso_time(now, zone),
        "redis": node.store.link.label,
        "schema": node.store.schema,
        "nodes": [_node(one, now, zone) for one in node.store.cluster.nodes()],
        "locked_mailboxes": state.locked,
        "mail_waiting": state.jobs.get("mail", 0),
        "texts_waiting": state.jobs.get("sms", 0),
        "webhooks_waiting": state.jobs.get("webhook", 0),
        "given_up": state.jobs.get("dead", 0),
        "overdue_s": round(state.overdue_s, 1),
    }


def _node(one: NodeState, now: float, zone: str) -> NodeShape:
    fields = one.fields
    started = float(fields.get("started") or 0)
    return {
        "name": one.name,
        "alive": one.alive,
        "told_s_ago": round(max(0.0, now - one.at), 1),
        "version": one.version,
        "knows_schema": one.schema,
        "listen": fields.get("listen", ""),
        "started": iso_time(started, zone) if started else "",
        "workers": int(fields.get("workers") or 0),
        "calls": int(fields.get("calls") or 0),
        "calls_total": int(fields.get("calls_total") or 0),
        "calls_failed": int(fields.get("calls_failed") or 0),
        "spool_waiting": int(fields.get("spool_waiting") or 0),
        "spool_aside": int(fields.get("spool_aside") or 0),
        "spool_oldest_s": int(fields.get("spool_oldest_s") or 0),
        "lamp_wait_s": float(fields.get("lamp_wait_s") or 0),
        "freeswitch": fields.get("freeswitch", ""),
        "ready": fields.get("ready", ""),
    }


def watch(node: Node, every: float) -> int:
    """Show it every so many seconds until Ctrl-C; returns the exit code."""
    from rich.live import Live

    shown = console(sys.stdout)
    with contextlib.suppress(KeyboardInterrupt), Live(console=shown, screen=True, auto_refresh=False) as live:
        while True:
            try:
                live.update(view(look(node), shown.width), refresh=True)
            except StoreDownError as away:
                live.update(_marked(f"{away}   This goes on when Redis is there again."), refresh=True)
            time.sleep(every)
    return 0


def show_once(found: ClusterShape) -> None:
    """Print it."""
    shown = console(sys.stdout, None if sys.stdout.isatty() else _TABLE_WIDTH)
    shown.print(view(found, shown.width))


def view(found: ClusterShape, width: int = _TABLE_WIDTH) -> RenderableType:
    """What is shown: a line for the cluster, a row for each node, or a paragraph where that is too wide; red where somebody should look."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    nodes = found["nodes"]
    queues = Text.assemble(
        f"{sum(one['calls'] for one in nodes)} calls on {sum(one['alive'] for one in nodes)} nodes   ",
        _marked(
            f"{found['mail_waiting']} mails, {found['texts_waiting']} texts, {found['webhooks_waiting']} webhooks wait",
            found["overdue_s"] > _LATE_JOB_S,
        ),
        "   ",
        _marked(f"{found['given_up']} given up", found["given_up"] > 0),
        f"   {found['locked_mailboxes']} PINs locked",
    )
    table = Table(box=None, pad_edge=False, header_style="bold")
    for head in _HEADS:
        table.add_column(head, justify="left" if head in {"node", "version", "up since", "FreeSWITCH", ""} else "right")
    paragraphs: list[RenderableType] = []
    for one in nodes:
        trouble = f"gone for {one['told_s_ago']:.0f} s" if not one["alive"] else one["ready"]
        row = (
            _marked(one["name"]),
            _marked(one["version"]),
            _marked(one["started"][:16].replace("T", " ") + one["started"][19:]),
            _marked(str(one["workers"])),
            _marked(str(one["calls"])),
            _marked(str(one["calls_total"])),
            _marked(str(one["calls_failed"]), one["calls_failed"] > 0),
            _marked(f"{one['spool_waiting']} ({one['spool_oldest_s']} s)" if one["spool_waiting"] else "0", one["spool_oldest_s"] > 60),
            _marked(str(one["spool_aside"]), one["spool_aside"] > 0),
            _marked(f"{one['lamp_wait_s']:.1f} s", one["lamp_wait_s"] > _LATE_LAMP_S),
            _marked(one["freeswitch"], one["freeswitch"] == "down"),
            _marked("" if trouble == "yes" else trouble, True),
        )  # fmt: skip
        table.add_row(*row)
        words = [Text(f"{head} ").append_text(value) for head, value in zip(_HEADS, row, strict=True) if value]
        paragraphs.append(Text("  ").join(words))
    nobody = [] if nodes else ["No node reports: is esl-vm serve running?"]
    return Group(
        _marked(f"{found['at'].replace('T', ' ')}   {found['redis']}   schema {found['schema']}"),
        queues,
        "",
        *(paragraphs if width < _NARROW else [table]),
        *nobody,
    )


def _marked(text: str, bad: bool = False) -> Text:
    """A text of which nothing is taken for markup or for the terminal; red where somebody should look."""
    from rich.text import Text

    return Text(one_line(text), style="bold red" if bad else "")
