"""What happened and who did it as a table, for an auditor: `esl-vm privacy audit` and the administrator's page."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from esl_vm.model.times import iso_time
from esl_vm.model.visible import csv_cell, json_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from esl_vm.model.events import Event

_HEADS = ("id", "at", "what", "mailbox", "message", "by", "details")


def csv_lines(events: Iterable[Event], zone: str) -> Iterator[str]:
    """A line of heads, then one for each event, its time in that zone; no cell is a spreadsheet's formula."""
    yield _line(_HEADS)
    for event in events:
        details = {name: value for name, value in event.details.items() if name != "by" and value != ""}
        cells = (
            *(event.key, iso_time(event.at, zone), str(event.what), str(event.box), event.message_id),
            *(str(event.details.get("by", "")), json_text(details, ascii_only=True, sort_keys=True)),
        )
        yield _line([csv_cell(cell) for cell in cells])


def _line(cells: Iterable[str]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue()
