"""`esl-vm events`: what happened in the mailboxes."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from esl_vm.cli.boxes import opened_node
from esl_vm.cli.output import iso_time, print_json, show
from esl_vm.cli.parsers import json_option
from esl_vm.model.errors import InvalidValueError
from esl_vm.model.mailbox import MailboxId

if TYPE_CHECKING:
    import argparse

    from esl_vm.cli.parsers import Commands
    from esl_vm.model.events import Event

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def add_commands(commands: Commands) -> None:
    """`events`."""
    parser = commands.add(
        "events",
        "show what happened in the mailboxes",
        _run,
        description="Show what happened in the mailboxes, the latest last. With --json one object a line.",
        examples="""
            esl-vm events
            esl-vm events --box 1001@default --since 2d
            esl-vm events --follow --json
        """,
    )
    parser.add_argument("--box", metavar="MAILBOX", help="only of this mailbox")
    parser.add_argument("--since", metavar="TIME", help="only so far back: 90s, 15m, 2h, 7d")
    parser.add_argument("--last", type=int, default=50, metavar="N", help="at most the last N (default 50)")
    parser.add_argument("--follow", action="store_true", help="then go on as things happen, until Ctrl-C")
    json_option(parser)


def _run(args: argparse.Namespace) -> int:
    if args.last < 0:
        raise InvalidValueError(f"--last is a number from 0, not {args.last}")
    span = _seconds(args.since) if args.since else 0
    with opened_node(args) as node:
        box = MailboxId.parse(args.box, node.settings.service.domain) if args.box else None
        zone = node.settings.service.timezone
        after = dict(node.store.events.end()) if args.follow else {}
        since = node.clock.now() - span if span else 0.0
        for event in node.store.events.tail(args.last, box=box, since=since) if args.last else []:
            _show(event, zone, as_json=args.json)
        if args.follow:
            sys.stdout.flush()
            for news in node.store.events.follow(after):
                if news is not None and box in {None, news.box}:
                    _show(news, zone, as_json=args.json)
                    sys.stdout.flush()
    return 0


def _seconds(text: str) -> int:
    number, unit = text[:-1], text[-1:]
    if not number.isdecimal() or unit not in _UNITS:
        raise InvalidValueError(f"--since is a number with s, m, h or d after it, such as 2h, not {text!r}")
    return int(number) * _UNITS[unit]


def _show(event: Event, zone: str, *, as_json: bool) -> None:
    at = iso_time(event.at, zone)
    if as_json:
        counts = event.counts
        said: dict[str, Any] = {
            "id": event.id,
            "at": at,
            "what": str(event.what),
            "mailbox": str(event.box),
            "message": event.message_id,
            "new": counts.new,
            "old": counts.old,
            "urgent": counts.urgent,
            "details": event.details,
        }
        print_json(said, indent=None)
        return
    details = " ".join(f"{name}={value}" for name, value in sorted(event.details.items()) if value)
    line = f"{at.replace('T', ' ')}  {event.what:<16} {event.box!s:<18} {event.counts.new}/{event.counts.old}"
    show(f"{line}  {event.message_id} {details}".rstrip())
