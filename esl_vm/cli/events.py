"""`esl-vm events`: what happened in the mailboxes."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

from esl_vm.cli.boxes import found_mailbox, opened_node
from esl_vm.cli.output import complain, plain, print_json, show
from esl_vm.cli.parsers import json_option, number, renamed
from esl_vm.model.errors import InvalidValueError, NoSuchMailboxError
from esl_vm.model.mailbox import MailboxId
from esl_vm.model.times import iso_time

if TYPE_CHECKING:
    import argparse

    from esl_vm.cli.parsers import Commands
    from esl_vm.model.events import Event

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_LONGEST_S = 3650 * 86400


def add_commands(commands: Commands) -> None:
    """`events`."""
    parser = commands.add(
        "events",
        "show what happened in the mailboxes",
        _run,
        description="Show what happened in the mailboxes, the latest last. With --json one object a line.",
        examples="""
            esl-vm events
            esl-vm events --mailbox 1001@default --since 2d
            esl-vm events --follow --json
        """,
    )
    parser.add_argument("--mailbox", metavar="MAILBOX", help="only of this mailbox")
    renamed(parser, "--box", "--mailbox", flag=False)
    parser.add_argument("--since", metavar="TIME", help="only so far back: 90s, 15m, 2h, 7d")
    parser.add_argument(
        "--last", type=number(0, 1_000_000), default=50, metavar="N", help="at most the last N (default 50)"
    )
    parser.add_argument("--follow", action="store_true", help="then go on as things happen, until Ctrl-C")
    json_option(parser)


def _run(args: argparse.Namespace) -> int:
    span = _seconds(args.since) if args.since else 0
    with opened_node(args) as node:
        box = MailboxId.parse(args.mailbox, node.settings.service.domain) if args.mailbox else None
        mailbox = node.mailboxes.open(box) if box else None
        box = mailbox.id if mailbox else box
        zone = node.settings.service.timezone
        after = dict(node.store.events.end()) if args.follow else {}
        since = node.clock.now() - span if span else 0.0
        past = list(node.store.events.tail(args.last, box=box, since=since)) if args.last else []
        if box and not past:  # one that was removed has events, one that was misspelled has none
            try:
                found_mailbox(node, box)
            except NoSuchMailboxError as none:
                complain(str(none))
        for event in past:
            _show(event, zone, as_json=args.json)
        if args.follow:
            sys.stdout.flush()
            for news in node.store.events.follow(after):
                if news is not None and box in {None, news.box}:
                    _show(news, zone, as_json=args.json)
                    sys.stdout.flush()
    return 0


def _seconds(text: str) -> int:
    count, unit = text[:-1], text[-1:]
    span = int(count) * _UNITS.get(unit, 0) if re.fullmatch("[0-9]{1,9}", count) else 0
    if not 0 < span <= _LONGEST_S:
        raise InvalidValueError(
            f"--since is a number with s, m, h or d after it, such as 2h (3650d at most), not {text!r}"
        )
    return span


def _show(event: Event, zone: str, *, as_json: bool) -> None:
    if as_json:
        from esl_vm.web.views import event_view

        print_json({"id": event.id, **plain(event_view(event, zone))}, indent=None)
        return
    at = iso_time(event.at, zone)
    details = " ".join(f"{name}={value}" for name, value in sorted(event.details.items()) if value)
    line = f"{at.replace('T', ' ')}  {event.what:<16} {event.box!s:<18} {event.counts.new}/{event.counts.old}"
    show(f"{line}  {event.message_id} {details}".rstrip())
