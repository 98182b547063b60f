"""ports.Calendars on a folder of this node: one small file a calendar, written by the background process, read by calls."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from esl_vm.model.calendars import Calendar

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

_MOST = 1000


class CalendarFolder:
    """The calendars of a node. A call waits for no network: it reads a file when that has changed.

    Args:
        folder: `calendars` in the data folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[str, tuple[int, Calendar]] = {}

    def covers(self, name: str, at: datetime) -> bool:
        """Whether a calendar has something at that time; one that there is none of never has."""
        calendar = self.get(name)
        return calendar is not None and calendar.covers(at)

    def get(self, name: str) -> Calendar | None:
        """A calendar as it was read last; None if it never was."""
        path = self._folder / f"{name}.json"
        try:
            changed = path.stat().st_mtime_ns
        except OSError:
            return None
        known = self._read.get(name)
        if known and known[0] == changed:
            return known[1]
        try:
            calendar = _calendar(json.loads(path.read_bytes()))
        except (OSError, ValueError, TypeError, KeyError, RecursionError):
            return None
        if len(self._read) >= _MOST:
            self._read.clear()
        self._read[name] = changed, calendar
        return calendar

    def all(self) -> list[Calendar]:
        """All of them, by name."""
        found = (self.get(path.stem) for path in sorted(self._folder.glob("*.json")))
        return [calendar for calendar in found if calendar is not None]

    def put(self, calendar: Calendar) -> None:
        """Keep a calendar; raises OSError."""
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{calendar.name}.json"
        fields = asdict(calendar) | {"days": sorted(calendar.days)}
        new = path.with_suffix(".new")
        new.write_text(json.dumps(fields), encoding="utf-8")
        new.replace(path)

    def forget_others(self, names: set[str]) -> None:
        """Remove those that the settings name no more; raises OSError."""
        for path in self._folder.glob("*.json"):
            if path.stem not in names:
                path.unlink(missing_ok=True)


def _calendar(fields: dict[str, Any]) -> Calendar:
    spans = tuple((int(start), int(end)) for start, end in fields["spans"])
    days = frozenset(map(str, fields["days"]))
    return Calendar(
        str(fields["name"]), str(fields["source"]), days, spans, float(fields["read"]), str(fields["problem"])
    )
