"""`esl-vm mailbox apply` and `mailbox export`: many mailboxes at once, from a table and into one."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from esl_vm.cli.boxes import opened_node
from esl_vm.cli.config import settings_of
from esl_vm.cli.files import write_text
from esl_vm.cli.output import complain, confirmed, show
from esl_vm.cli.progress import progress_bar
from esl_vm.cli.sounds import Converted, converted
from esl_vm.cli.told_pins import telling, telling_options
from esl_vm.model.errors import (
    AudioMissingError,
    InvalidValueError,
    MailboxExistsError,
    NoSuchMailboxError,
    StoreDownError,
)
from esl_vm.model.mailbox import StoredGreeting
from esl_vm.model.message import new_id
from esl_vm.model.options import FIELDS as OPTIONS
from esl_vm.model.pins import DEFAULT_PIN

if TYPE_CHECKING:
    import argparse

    from esl_vm.cli.parsers import Commands
    from esl_vm.cli.table import Row, Table
    from esl_vm.cli.told_pins import Telling
    from esl_vm.model.mailbox import Greeting, Mailbox
    from esl_vm.model.pins import PinRules
    from esl_vm.ops.node import Node


def add_commands(group: Commands) -> None:
    """`mailbox apply` and `mailbox export`, in the group of `mailbox`."""
    bring = group.add(
        "apply",
        "add and change many mailboxes from a CSV or JSON file",
        _apply,
        description="Add and change mailboxes as a file says; mailboxes that are not in it stay as they are. What would "
        "change is shown first. CSV has a first line of column names: mailbox, name, email, any option, pin (set where "
        "there is none; `none` asks for none, `random` draws one), greeting.unavailable and so on (a sound file, `none` takes it away). "
        "An empty cell takes a field back to its default. Applying the same file twice changes nothing.",
        examples="""
            esl-vm mailbox apply mailboxes.csv --dry-run
            esl-vm mailbox export mailboxes.csv && esl-vm mailbox apply mailboxes.csv
        """,
    )
    bring.add_argument("file", metavar="FILE", help="CSV or JSON, UTF-8; - is the standard input")
    bring.add_argument("--dry-run", action="store_true", help="show what would change, change nothing")
    bring.add_argument("--yes", action="store_true", help="do not ask")
    bring.add_argument("--reset-pins", action="store_true", help="set the file's PINs where owners have one too")
    bring.add_argument(
        "--random-pins", action="store_true", help="draw the PINs of new mailboxes; with --reset-pins of all"
    )
    telling_options(bring, many=True)

    export = group.add(
        "export",
        "write mailboxes to a file that apply reads (no PINs, no sounds)",
        _export,
        examples="esl-vm mailbox export mailboxes.csv --domain default\nesl-vm mailbox export --format json",
    )
    export.add_argument("file", metavar="FILE", nargs="?", default="-", help="where to (default: the standard output)")
    export.add_argument("--domain", metavar="NAME", type=str.lower, help="only this domain")
    export.add_argument("--format", choices=("csv", "json"), help="default: json for FILE.json, else csv")


@dataclass(slots=True)
class Change:
    """What a row changes.

    Args:
        row: the row. new: there is no such mailbox yet.
        fields: those that differ, as they will be; before: as they are.
        pin: the PIN to set, `` for none, None to leave it. drawn: it is a random one, to be told.
        greetings: sounds to put in force, None to take one away.
    """

    row: Row
    new: bool
    before: dict[str, str]
    fields: dict[str, str] = field(default_factory=dict)
    pin: str | None = field(default=None, repr=False)
    drawn: bool = False
    greetings: dict[Greeting, Converted | None] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.new or self.fields or self.greetings) or self.pin is not None

    def __str__(self) -> str:
        parts = []
        for name, after in self.fields.items():
            before = self.before.get(name, "")
            parts.append(
                f"{name}={after}" if self.new else f"{name}: {before or '(default)'} -> {after or '(default)'}"
            )
        parts += [f"greeting {greeting}{'' if sound else ' removed'}" for greeting, sound in self.greetings.items()]
        if self.pin is not None:
            default = self.new and self.row.pin is None
            plain = "a random PIN" if self.drawn else "a PIN" if self.pin else "no PIN"
            parts.append(f"the default PIN {DEFAULT_PIN}" if default and not self.drawn else plain)
        return f"{'new' if self.new else 'change':<7}{self.row.box}: {', '.join(parts)}"


def _apply(args: argparse.Namespace) -> int:
    from esl_vm.cli.table import read_table

    table = read_table(args.file, settings_of(args).service.domain)
    with opened_node(args) as node, ExitStack() as sounds:
        found = [_change(node, row, table, sounds, reset=args.reset_pins) for row in table.rows]
        changes = [change for one in found if one is not None and (change := _drawn(args, one, node.settings.pins))]
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
        with telling(args, node.settings) as teller:
            failed = _apply_all(node, changes, teller)
    _warn_of_weak_pins(args, changes)
    show(f"applied {len(changes) - failed} of {len(changes)}")
    return 1 if table.problems or failed else 0


def _change(node: Node, row: Row, table: Table, sounds: ExitStack, *, reset: bool) -> Change | None:
    """What a row changes; None if nothing. A sound that can't be read is a problem of the row, which is left out."""
    mailbox = node.mailboxes.open(row.box)
    before = node.registry.fields(row.box) if mailbox else {}
    change = Change(row, new=mailbox is None, before=before)
    change.fields = {name: text for name, text in row.fields.items() if before.get(name, "") != text}
    if mailbox is None:
        change.pin = DEFAULT_PIN if row.pin is None else row.pin
    elif row.pin is not None and (reset or (row.pin and not mailbox.has_pin)) and (row.pin or mailbox.has_pin):
        change.pin = row.pin
    try:
        for greeting, file in row.greetings.items():
            sound = sounds.enter_context(converted(file, node.settings.audio.rate)) if file else None
            if _differs(node, mailbox, greeting, sound):
                change.greetings[greeting] = sound
    except InvalidValueError as wrong:
        table.problems.append(f"{row.where}: {row.box}: {wrong}")
        table.rows = [other for other in table.rows if other is not row]
        return None
    return change


def _drawn(args: argparse.Namespace, change: Change, rules: PinRules) -> Change | None:
    """The same with a PIN that is drawn where one is wanted; None if nothing is changed."""
    from esl_vm.cli.table import RANDOM

    wanted = args.random_pins and change.row.pin is None and (change.new or args.reset_pins)
    if wanted or change.pin == RANDOM:
        change.pin, change.drawn = rules.random_pin(change.row.box.number), True
    return change or None


def _differs(node: Node, mailbox: Mailbox | None, greeting: Greeting, sound: Converted | None) -> bool:
    """Whether a greeting in force is another than this."""
    stored = mailbox.greetings.get(greeting) if mailbox else None
    if stored is None or sound is None:
        return bool(stored or sound)
    try:
        return node.audio.playable(stored.audio_id).read_bytes() != sound.path.read_bytes()
    except AudioMissingError:
        return True


def _apply_all(node: Node, changes: list[Change], teller: Telling) -> int:
    """Apply changes row by row; returns how many rows could not be. Raises StoreDownError with where it stopped."""
    failed = 0
    with progress_bar() as show:
        for place, change in enumerate(changes):
            if show:
                show(place, len(changes), str(change.row.box))
            try:
                _apply_one(node, change, teller)
            except (InvalidValueError, MailboxExistsError, NoSuchMailboxError) as wrong:
                complain(f"{change.row.where}: {wrong}")
                failed += 1
            except StoreDownError as away:
                raise StoreDownError(f"broken off at {change.row.where}: {away}; run it again to finish") from away
    return failed


def _apply_one(node: Node, change: Change, teller: Telling) -> None:
    box, drawn = change.row.box, change.pin if change.drawn else None
    facts = {**change.before, **change.fields}
    if drawn:
        teller.check(box, facts)
    if change.new:
        node.add_mailbox(box, change.fields, change.pin or "")
    else:
        if change.fields:
            node.registry.change(box, change.fields)
        if change.pin is not None:
            node.store.pins.change(box, change.pin, initial=True)
    if drawn:
        teller.tell(box, facts, drawn)
    for greeting, sound in change.greetings.items():
        if sound is None:
            node.mailboxes.remove_greeting(box, greeting)
            continue
        audio_id = new_id(node.clock.now())
        node.audio.put(audio_id, sound.path)
        node.mailboxes.set_greeting(box, greeting, StoredGreeting(audio_id, sound.duration_ms))


def _warn_of_weak_pins(args: argparse.Namespace, changes: list[Change]) -> None:
    rules = settings_of(args).pins
    for change in changes:
        weakness = (
            rules.weakness(change.pin, change.row.box.number)
            if change.pin and change.row.pin and not change.drawn
            else ""
        )
        if weakness:
            complain(f"{change.row.box}: the PIN is weak: {weakness}; the owner would not be allowed to choose it")


def _export(args: argparse.Namespace) -> int:
    from esl_vm.cli.table import write_csv, write_json
    from esl_vm.store.fields import PROFILE

    boxes = []
    with opened_node(args) as node:
        for box in node.registry.boxes(args.domain):
            try:
                fields = node.registry.fields(box)
            except NoSuchMailboxError:
                continue  # removed meanwhile
            boxes.append((box, {name: text for name, text in fields.items() if name in PROFILE or name in OPTIONS}))
    as_json = args.format == "json" or (args.format is None and Path(args.file).suffix == ".json")
    text = write_json(boxes) if as_json else write_csv(boxes)
    if args.file == "-":
        sys.stdout.write(text)
        return 0
    write_text(text, args.file)
    show(f"wrote {len(boxes)} mailboxes to {args.file}")
    return 0
