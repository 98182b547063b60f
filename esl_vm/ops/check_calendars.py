"""Whether the calendars that greeting rules name are as they are where they come from."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from esl_vm.model.findings import Finding, Level

if TYPE_CHECKING:
    from collections.abc import Iterator

    from esl_vm.ops.node import Node


def check_calendars(node: Node) -> Iterator[Finding]:
    """Those that could not be read; they are as they were read last, if they ever were."""
    found = node.calendars.all()
    for calendar in found:
        if calendar.problem:
            read = f"{datetime.fromtimestamp(calendar.read, UTC):%Y-%m-%d %H:%MZ}" if calendar.read else ""
            meanwhile = f"rules go by the copy of {read}" if read else "rules that name it never fit"
            said = f"{calendar.name} from {calendar.source} can't be read: {calendar.problem}; {meanwhile}"
            yield Finding(
                "calendars", Level.WARNING, said, "mend what it says, or correct `calendars.sources` in the settings"
            )
    if good := [calendar.name for calendar in found if not calendar.problem]:
        yield Finding("calendars", Level.OK, f"read: {', '.join(good)}")
