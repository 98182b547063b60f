"""What an import did, to the last message: numbers that add up, and every item by itself."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from esl_vm.importers.plan import Findings, Item, Plan
from esl_vm.model.visible import json_text, one_line

_MOST_SHOWN = 200


@dataclass(slots=True)
class Tally:
    """What became of things of one sort.

    Args:
        found: how many the source has. imported: came now (of an export: were written). already: were here before.
        deleted_since: came earlier, and their owner has deleted them. reported: told as items, did not come.
    """

    found: int = 0
    imported: int = 0
    already: int = 0
    deleted_since: int = 0
    reported: int = 0

    @property
    def adds_up(self) -> bool:
        """Whether every one found is accounted for."""
        return self.found == self.imported + self.already + self.deleted_since + self.reported

    def to_json(self, verb: str = "imported") -> dict[str, int]:
        """As plain numbers; `verb` is what `imported` is called."""
        names = ("found", "imported", "already", "deleted_since", "reported")
        return {verb if name == "imported" else name: getattr(self, name) for name in names}


@dataclass(slots=True)
class Report:
    """The report of one import, filled while it runs.

    Args:
        source: the system. dry_run: nothing was written, all else was done.
        verb: `imported`, or `exported`.
        messages: found ones include those that can't come and are told as items.
        findings: items (a kind each, counted) and remarks (told, nothing is lost by them).
    """

    source: str
    dry_run: bool = False
    verb: str = "imported"
    mailboxes: Tally = field(default_factory=Tally)
    messages: Tally = field(default_factory=Tally)
    greetings: Tally = field(default_factory=Tally)
    findings: Findings = field(default_factory=Findings)

    @classmethod
    def of(cls, plan: Plan, *, dry_run: bool) -> Report:
        """A report that knows what its source has and what the reader noticed."""
        report = cls(plan.source, dry_run)
        report.findings.items += plan.items
        report.findings.remarks += plan.remarks
        lost = sum(item.lost for item in plan.items)
        report.messages.found = plan.messages + lost
        report.messages.reported = lost
        report.mailboxes.found = len(plan.mailboxes)
        report.greetings.found = sum(len(box.greetings) for box in plan.mailboxes)
        return report

    @property
    def counts(self) -> dict[str, int]:
        """How many items of each kind, by kind."""
        return dict(sorted(Counter(str(item.kind) for item in self.findings.items).items()))

    @property
    def reconciled(self) -> bool:
        """Whether every mailbox, message and greeting of the source is accounted for."""
        return self.mailboxes.adds_up and self.messages.adds_up and self.greetings.adds_up

    @property
    def exit_code(self) -> int:
        """0 all came, 1 came with items reported, 2 nothing was there to bring."""
        if not self.mailboxes.found:
            return 2
        return int(bool(self.findings.items))

    def to_json(self) -> dict[str, Any]:
        """The report as plain values: counts by kind, items and remarks one by one, and the sums."""
        return {
            "source": self.source,
            "dry_run": self.dry_run,
            "mailboxes": self.mailboxes.to_json(self.verb),
            "messages": self.messages.to_json(self.verb),
            "greetings": self.greetings.to_json(self.verb),
            "reconciled": self.reconciled,
            "counts": self.counts,
            "items": [_plain(item) for item in self.findings.items],
            "remarks": [_plain(item) for item in self.findings.remarks],
        }

    def to_text(self) -> str:
        """The report for a terminal: sums, every item, and remarks (of a kind with many, the first ones)."""
        lines = [f"{self.source}: {'would be ' if self.dry_run else ''}{self.verb}"]
        for name in ("mailboxes", "messages", "greetings"):
            tally: Tally = getattr(self, name)
            parts = [
                f"{word.replace('_', ' ')} {number}" for word, number in tally.to_json(self.verb).items() if number
            ]
            lines.append(f"  {name:<10} {', '.join(parts) or 'none'}")
        if not self.reconciled:
            lines.append("  these numbers do not add up: please report this, with the output of --json")
        for title, entries in (("items", self.findings.items), ("remarks", self.findings.remarks)):
            kinds = Counter(str(entry.kind) for entry in entries)
            if kinds:
                lines.append(f"{title}:")
            for kind, number in sorted(kinds.items()):
                lines.append(f"  {kind}: {number}")
                same = [entry for entry in entries if entry.kind == kind]
                lines += [
                    f"    {entry.where}" + (f": {entry.why}" if entry.why else "") for entry in same[:_MOST_SHOWN]
                ]
                if len(same) > _MOST_SHOWN:
                    lines.append(f"    … and {len(same) - _MOST_SHOWN} more (--json shows all)")
        return "\n".join(map(one_line, lines))

    def __str__(self) -> str:
        return json_text(self.to_json())


def _plain(item: Item) -> dict[str, Any]:
    plain: dict[str, Any] = {"kind": str(item.kind), "where": item.where, "why": item.why}
    if item.messages is not None:
        plain["messages"] = item.messages
    return plain
