"""`esl-vm mailbox apply` and `mailbox export`: many mailboxes at once, from a table and into one."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from esl_vm.cli.boxes import check_domain, opened_node
from esl_vm.cli.config import settings_of
from esl_vm.cli.files import write_text
from esl_vm.cli.output import complain, confirmed, show
from esl_vm.cli.parsers import domain_option, yes_option
from esl_vm.cli.pin_handout import handing_out, handout_options
from esl_vm.cli.progress import progress_bar
from esl_vm.model.errors import (
    InvalidValueError,
    MailboxExistsError,
    NoSuchMailboxError,
    StoreDownError,
)

if TYPE_CHECKING:
    import argparse

    from esl_vm.actions.mailbox_changes import Change
    from esl_vm.cli.parsers import Commands
    from esl_vm.cli.pin_handout import PinHandout
    from esl_vm.ops.node import Node


def add_commands(group: Commands) -> None:
    """`mailbox apply` and `mailbox export`, in the group of `mailbox`."""
    bring = group.add(
        "apply",
        "add and change many mailboxes from a CSV or JSON file",
        _apply,
        codes={1: "rows have errors, or could not be applied"},
        description="Add and change mailboxes as a file says; mailboxes that are not in it stay as they are. What would "
        "change is shown first. CSV has a first line of column names: mailbox, name, email, any option, pin (set where "
        "there is none; `none` asks for none, `random` for a random one), greeting.unavailable and so on (a sound file, `none` takes it away). "
        "An empty cell takes a field back to its default. Applying the same file twice changes nothing.",
        examples="""
            esl-vm mailbox apply mailboxes.csv --dry-run
            esl-vm mailbox export mailboxes.csv && esl-vm mailbox apply mailboxes.csv
        """,
    )
    bring.add_argument("file", metavar="FILE", help="CSV or JSON, UTF-8; - is the standard input")
    yes_option(bring)
    bring.add_argument("--reset-pins", action="store_true", help="set the file's PINs where owners have one too")
    bring.add_argument(
        "--random-pins", action="store_true", help="random PINs for new mailboxes; with --reset-pins of all"
    )
    handout_options(bring, many=True)

    export = group.add(
        "export",
        "write mailboxes to a file that apply reads (no PINs, no sounds)",
        _export,
        examples="esl-vm mailbox export mailboxes.csv --domain default\nesl-vm mailbox export --format json",
    )
    export.add_argument("file", metavar="FILE", nargs="?", default="-", help="where to (default: the standard output)")
    domain_option(export)
    export.add_argument("--format", choices=("csv", "json"), help="default: json for FILE.json, else csv")


def _apply(args: argparse.Namespace) -> int:
    from esl_vm.actions.mailbox_changes import changes_of
    from esl_vm.importers.sound_file import converted
    from esl_vm.model.mailbox_table import read_table

    table = read_table(args.file, settings_of(args).service.domain)
    with opened_node(args) as node, ExitStack() as sounds:
        changes = changes_of(
            table,
            node.target,
            node.settings.pins,
            lambda file: sounds.enter_context(converted(file, node.settings.audio.rate)),
            reset_pins=args.reset_pins,
            random_pins=args.random_pins,
        )
        for change in changes:
            show(str(change))
        for problem in table.problems:
            complain(problem)
        new = sum(change.new for change in changes)
        same = len(table.rows) - len(changes)
        show(f"{new} new, {len(changes) - new} to change, {same} as they are, {len(table.problems)} with errors")
        if args.dry_run or not changes:
            return 1 if table.problems else 0
        left_out = " Rows with errors are left out." if table.problems else ""
        if not confirmed(f"Apply this?{left_out}", yes=args.yes):
            complain("nothing was changed")
            return 1
        with handing_out(args, node.settings) as handout:
            failed = _apply_all(node, changes, handout)
    for change in changes:
        if weakness := change.weakness(settings_of(args).pins):
            complain(f"{change.row.box}: the PIN is weak: {weakness}; the owner would not be allowed to choose it")
    show(f"applied {len(changes) - failed} of {len(changes)}")
    return 1 if table.problems or failed else 0


def _apply_all(node: Node, changes: list[Change], handout: PinHandout) -> int:
    """Apply changes row by row; returns how many rows could not be. Raises StoreDownError with where it stopped."""
    from esl_vm.actions.mailbox_changes import make

    failed = 0
    with progress_bar() as show:
        for place, change in enumerate(changes):
            if show:
                show(place, len(changes), str(change.row.box))
            try:
                make(change, node.target, node.clock.now(), handout)
            except (InvalidValueError, MailboxExistsError, NoSuchMailboxError) as wrong:
                complain(f"{change.row.where}: {wrong}")
                failed += 1
            except StoreDownError as away:
                raise StoreDownError(f"broken off at {change.row.where}: {away}; run it again to finish") from away
    return failed


def _export(args: argparse.Namespace) -> int:
    from esl_vm.model.fields import settable
    from esl_vm.model.mailbox_table import write_csv, write_json

    boxes = []
    with opened_node(args) as node:
        check_domain(node, args.domain)
        for box in node.registry.boxes(args.domain):
            try:
                fields = node.registry.fields(box)
            except NoSuchMailboxError:
                continue  # removed meanwhile
            boxes.append((box, settable(fields)))
    as_json = args.format == "json" or (args.format is None and Path(args.file).suffix == ".json")
    text = write_json(boxes) if as_json else write_csv(boxes)
    if args.file == "-":
        sys.stdout.write(text)
        return 0
    write_text(text, args.file)
    show(f"wrote {len(boxes)} mailboxes to {args.file}")
    return 0
