"""Mailboxes as a table, CSV or JSON: what `mailbox apply` reads and `mailbox export` writes.

A column that is there is meant: an empty cell takes the field back to its default. A column that is not there leaves
the field as it is. `pin` and the greetings are the exception: empty leaves them, `none` takes them away.
"""

from __future__ import annotations

import csv
import io
import json
import stat
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from esl_vm.model.errors import InvalidValueError
from esl_vm.model.fields import PROFILE, checked_field, field_name
from esl_vm.model.mailbox import Greeting, MailboxId
from esl_vm.model.pins import check_pin
from esl_vm.model.visible import csv_cell, from_csv_cell, json_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MAILBOX = "mailbox"
PIN = "pin"
NONE = "none"
RANDOM = "random"
_GREETINGS = {f"greeting.{greeting}": greeting for greeting in Greeting}
_LARGEST = 256 << 20  # a million mailboxes with every field are half of it
_OTHERS = stat.S_IROTH | stat.S_IWOTH


@dataclass(frozen=True, slots=True)
class Row:
    """A mailbox as it is to be.

    Args:
        where: how a report names the row: `line 7`, `item 3`.
        box: the mailbox. fields: checked; an empty one is unset.
        pin: the PIN, `` for none, `random` for a random one, None where the table says nothing.
        greetings: sound files, `` takes the greeting away.
    """

    where: str
    box: MailboxId
    fields: dict[str, str] = field(default_factory=dict)
    pin: str | None = field(default=None, repr=False)
    greetings: dict[Greeting, str] = field(default_factory=dict)


@dataclass(slots=True)
class Table:
    """What a file says: rows, and problems by where they are, one sentence each."""

    rows: list[Row] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def check_private(self, path: Path) -> None:
        """Refuse a file with PINs that everybody on this host can read; raises InvalidValueError."""
        if any(row.pin not in {None, "", RANDOM} for row in self.rows) and path.stat().st_mode & _OTHERS:
            raise InvalidValueError(
                f"{path} has PINs in it and everybody on this host can read it: chmod o-rw {path}; nothing was done"
            )


def read_table(source: str, domain: str) -> Table:
    """Read a file, `-` for the standard input: JSON if it begins with `[` or `{`, else CSV with a line of column names.

    Args:
        source: the file. CSV has commas, semicolons or tabs between its columns, as its first line shows.
        domain: of mailboxes that name none.

    Raises:
        InvalidValueError: nothing of it can be used: no such file, not text, an unknown column.
    """
    if source != "-" and not Path(source).is_file():
        raise InvalidValueError(f"{source}: no such file")
    if source == "-":
        content = sys.stdin.read(_LARGEST + 1).encode("utf-8", "surrogateescape")
    else:
        with Path(source).open("rb") as opened:
            content = opened.read(_LARGEST + 1)
    table = parse_table(source, content, domain)
    if source != "-":
        table.check_private(Path(source))
    return table


def parse_table(source: str, content: bytes, domain: str, *, files: bool = True) -> Table:
    """Read what a table's file holds.

    Args:
        source: how errors name it.
        content: all of it.
        domain: of mailboxes that name none.
        files: whether greetings may name files of this host; not in a table that somebody sent in.

    Raises:
        InvalidValueError: as `read_table`.
    """
    if len(content) > _LARGEST:
        raise InvalidValueError(f"{source} is larger than {_LARGEST >> 20} MB: this is no table of mailboxes")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        line = content[: wrong.start].count(b"\n") + 1
        raise InvalidValueError(f"{source}, line {line}: this is not UTF-8; save the file as UTF-8") from None
    named = _from_json(source, text) if text.lstrip()[:1] in {"[", "{"} else _from_csv(source, text)
    table = Table()
    seen: dict[MailboxId, str] = {}
    for where, cells in named:
        try:
            row = _row(where, cells, domain, files=files)
        except InvalidValueError as wrong:
            table.problems.append(f"{where}: {wrong}")
            continue
        if row.box in seen:
            table.problems.append(f"{where}: {row.box} stands in {seen[row.box]} already")
        else:
            seen[row.box] = where
            table.rows.append(row)
    return table


def write_csv(boxes: Iterable[tuple[MailboxId, Mapping[str, str]]]) -> str:
    """Mailboxes as CSV: only the columns that one of them has. No cell is a formula to a spreadsheet; see `csv_cell`."""
    rows = list(boxes)
    used = {name for _, fields in rows for name in fields}
    columns = [name for name in PROFILE if name in used] + sorted(used - set(PROFILE))
    lines = [[MAILBOX, *columns]]
    lines += [[csv_cell(str(box)), *(csv_cell(fields.get(name, "")) for name in columns)] for box, fields in rows]
    return "".join(map(_csv_line, lines))


def _csv_line(cells: Iterable[str]) -> str:
    """A line of CSV; a line break of either kind in a cell is quoted, which `csv` only does for those it writes itself."""
    line = io.StringIO()
    csv.writer(line, lineterminator="\r\n").writerow(cells)
    return line.getvalue().removesuffix("\r\n") + "\n"


def write_json(boxes: Iterable[tuple[MailboxId, Mapping[str, str]]]) -> str:
    """Mailboxes as JSON: a list of objects, each with the fields it has."""
    return json_text([{MAILBOX: str(box), **fields} for box, fields in boxes], indent=2) + "\n"


def _from_csv(source: str, text: str) -> list[tuple[str, dict[str, str]]]:
    """Each line's cells by column, with where it is."""
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    found: list[tuple[str, dict[str, str]]] = []
    columns: list[str] = []
    begins = 1
    try:
        for cells in reader:
            where, begins = f"line {begins}", reader.line_num + 1
            if not any(cell.strip() for cell in cells):
                continue
            if not columns:
                columns = _columns(source, cells)
            elif len(cells) != len(columns):
                found.append((where, {"": f"it has {len(cells)} cells, the first line names {len(columns)}"}))
            else:
                found.append((where, dict(zip(columns, map(from_csv_cell, cells), strict=True))))
    except csv.Error as wrong:
        raise InvalidValueError(f"{source}, line {begins}: {wrong}") from None
    if not columns:
        raise InvalidValueError(f"{source} is empty")
    return found


def _from_json(source: str, text: str) -> list[tuple[str, dict[str, str]]]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as wrong:
        raise InvalidValueError(f"{source} is no JSON: {wrong}") from None
    items = value.get("mailboxes") if isinstance(value, dict) else value
    if not isinstance(items, list):
        raise InvalidValueError(f"{source}: a list of mailboxes is wanted, or an object with one as `mailboxes`")
    found = []
    for number, item in enumerate(items, 1):
        where = f"item {number}"
        if not isinstance(item, dict):
            found.append((where, {"": "it is no object"}))
            continue
        names = _columns(f"{source}, {where}", list(item))
        found.append((where, dict(zip(names, map(_plain, item.values()), strict=True))))
    return found


def _plain(value: Any) -> str:
    """A JSON value as a cell has it."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case str() | int():
            return str(value)
        case list() if all(isinstance(one, str) for one in value):
            return ",".join(value)
        case _:
            return json.dumps(value)  # which no field can have: the row is refused


def _columns(source: str, heads: list[str]) -> list[str]:
    """The fields that columns are named for; raises InvalidValueError for one that is unknown, or stands there twice."""
    columns: list[str] = []
    for head in heads:
        word = head.strip().lower()
        try:
            name = word if word in {MAILBOX, PIN, *_GREETINGS} else field_name(head)
        except InvalidValueError as wrong:
            raise InvalidValueError(f"{source}: column {head.strip()!r}: {wrong}; nothing was done") from None
        if name in columns:
            raise InvalidValueError(f"{source}: column {name} stands there twice; nothing was done")
        columns.append(name)
    if MAILBOX not in columns:
        raise InvalidValueError(f"{source}: there is no column {MAILBOX!r}; nothing was done")
    return columns


def _row(where: str, cells: Mapping[str, str], domain: str, *, files: bool) -> Row:
    if "" in cells:
        raise InvalidValueError(cells[""])
    box = MailboxId.parse(cells[MAILBOX], domain)
    fields = {
        name: checked_field(name, text) for name, text in cells.items() if name not in {MAILBOX, PIN, *_GREETINGS}
    }
    typed = cells.get(PIN, "").strip()
    pin = None if not typed else "" if typed.lower() == NONE else typed
    if pin and pin.lower() == RANDOM:
        pin = RANDOM
    elif pin:
        check_pin(pin)
    greetings = {}
    for column, greeting in _GREETINGS.items():
        file = cells.get(column, "").strip()
        if file:
            greetings[greeting] = "" if file.lower() == NONE else file
    if not files and any(greetings.values()):
        raise InvalidValueError("a greeting's sound can't be named here: send it in with the greeting")
    return Row(where, box, fields, pin, greetings)
