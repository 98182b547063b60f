"""`esl-vm privacy audit`: who did what to which mailbox, for an auditor."""

from __future__ import annotations

import contextlib
import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from esl_vm.cli.boxes import opened_node
from esl_vm.cli.files import open_new
from esl_vm.cli.moments import date_of
from esl_vm.cli.output import complain, plain, show
from esl_vm.model.errors import InvalidValueError
from esl_vm.model.mailbox import MailboxId
from esl_vm.model.times import iso_time
from esl_vm.model.visible import json_text

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator
    from typing import TextIO

    from esl_vm.cli.parsers import Commands
    from esl_vm.model.events import Event

_TIME = "a date or date and time, 2026-11-01 or 2026-11-01T08:00, in the service's time zone"


def add_commands(group: Commands) -> None:
    """`privacy audit`."""
    parser = group.add(
        "audit",
        "write what happened in the mailboxes, and who did it, as CSV or JSON lines",
        _run,
        description="Write all that happened in a span of time, the earliest first, with who did it: deliveries, sign-ins, messages\n"
        "heard, exported and erased, PINs and settings changed. As far back as events are kept (redis.events_days).",
        examples="esl-vm privacy audit audit.csv --from 2026-11-01 --until 2026-12-01\n"
        "esl-vm privacy audit - --format jsonl --mailbox 1001@default",
    )
    parser.add_argument("file", metavar="FILE", help="a new file, readable for you only; - is the standard output")
    parser.add_argument("--from", dest="since", metavar="TIME", help=f"only from then on: {_TIME}")
    parser.add_argument("--until", metavar="TIME", help="only before then")
    parser.add_argument("--mailbox", metavar="MAILBOX", help="only of this mailbox")
    parser.add_argument("--format", choices=("csv", "jsonl"), help="default: jsonl for FILE.jsonl, else csv")


def _run(args: argparse.Namespace) -> int:
    as_csv = (args.format or ("jsonl" if args.file.endswith(".jsonl") else "csv")) == "csv"
    with opened_node(args) as node:
        zone = node.settings.service.timezone
        since, until = date_of(args.since, zone), date_of(args.until, zone)
        if until and until <= since:
            raise InvalidValueError("--until is not after --from")
        box = MailboxId.parse(args.mailbox, node.settings.service.domain) if args.mailbox else None
        begins = node.store.events.begin()
        with _opened(args.file) as file:
            many = (_write_csv if as_csv else _write_lines)(file, node.store.events.span(since, until, box=box), zone)
    if begins and since < begins:
        complain(
            f"the events of all mailboxes reach back to {iso_time(begins, zone)}: of before then they are not complete"
        )
    if args.file != "-":
        show(f"wrote {args.file}: {many} events")
    return 0


@contextlib.contextmanager
def _opened(name: str) -> Iterator[TextIO]:
    """Where it is written: whole, or not at all."""
    if name == "-":
        yield sys.stdout
        return
    path = Path(name)
    raw = open_new(path)
    try:
        with io.TextIOWrapper(raw, encoding="utf-8", newline="") as file:
            yield file
    except BaseException:  # Ctrl-C leaves no half file either
        path.unlink(missing_ok=True)
        raise


def _write_csv(file: TextIO, events: Iterator[Event], zone: str) -> int:
    from esl_vm.web.audit_table import csv_lines

    many = -1  # the line of heads is no event
    for line in csv_lines(events, zone):
        many += 1
        file.write(line)
    return many


def _write_lines(file: TextIO, events: Iterator[Event], zone: str) -> int:
    from esl_vm.web.views import event_view

    many = 0
    for event in events:
        many += 1
        file.write(json_text({"id": event.key, **plain(event_view(event, zone))}, ascii_only=True) + "\n")
    return many
