"""`esl-vm privacy find`, `export`, `erase`: all that there is about a caller's number."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from esl_vm.cli.boxes import opened_node
from esl_vm.cli.files import open_new
from esl_vm.cli.output import complain, confirmed, minute, print_json, print_table, show
from esl_vm.cli.parsers import json_option, yes_option
from esl_vm.model.callers import CallerFile, Trace, TraceKind, caller_number, counted, same_number
from esl_vm.model.times import iso_time

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

    from esl_vm.cli.parsers import Commands, Parser


def add_commands(group: Commands) -> None:
    """`privacy find|export|erase`."""
    find = group.add(
        "find",
        "list all that there is about a caller's number",
        _find,
        codes={0: "found", 1: "nothing is found, or a node did not answer"},
        description="List all that there is about a caller's number, in all mailboxes and on all nodes: messages, recordings in\n"
        "spools, mail and calls on their way, events. +1 514 555-0199 and 5145550199 are one number.",
        examples="esl-vm privacy find 5145550199\nesl-vm privacy find +15145550199 --json",
    )
    _number(find)
    json_option(find)
    export = group.add(
        "export",
        "write all that there is about a caller's number into a ZIP archive",
        _export,
        codes={0: "all of it is there", 1: "nothing is found, or a node did not answer"},
        description="Write all that there is about a caller's number into a new ZIP archive: sounds, texts, JSON, and a\n"
        "README that says what each is. That it was done is an event.",
        examples="esl-vm privacy export 5145550199 caller.zip",
    )
    _number(export)
    export.add_argument("file", metavar="FILE.zip", help="a new file, readable for you only")
    erase = group.add(
        "erase",
        "erase all that there is about a caller's number",
        _erase,
        codes={0: "all is erased", 1: "something is left: it is said what, and why"},
        description="Erase all that there is about a caller's number, on all nodes, after asking for the number once more.\n"
        "What others said or noted, and mailboxes' settings, are listed and left. That it was done is an event, without\n"
        "the number. Broken off, it is begun again. Backups, logs of the system and what was sent are out of its reach.",
        examples="esl-vm privacy erase 5145550199 --dry-run\nesl-vm privacy erase 5145550199",
    )
    _number(erase)
    yes_option(erase)


def _number(parser: Parser) -> None:
    parser.add_argument("number", metavar="NUMBER", help="as callers have it; with or without +1")


def as_json(file: CallerFile, zone: str) -> dict[str, Any]:
    """What was found, as `--json` shows it: `shapes.CallerShape`."""
    found = [
        {"kind": one.kind, "place": one.place, "id": one.id, "at": iso_time(one.at, zone) if one.at else None}
        | {"what": one.what, "kept": one.kept}
        for one in file.traces
    ]
    return {"number": file.number, "found": found, "away": list(file.away)}


def _find(args: argparse.Namespace) -> int:
    caller_number(args.number)  # a wrong one is told before anything is opened
    with opened_node(args) as node:
        from esl_vm.ops.callers import Callers

        file = Callers(node).find(args.number)
    zone = node.settings.service.timezone
    if args.json:
        print_json(as_json(file, zone))
    else:
        _table(file.traces, zone)
    return _told(file)


def _export(args: argparse.Namespace) -> int:
    caller_number(args.number)
    path = Path(args.file)
    with opened_node(args) as node:
        from esl_vm.ops.callers import Callers

        with open_new(path) as file:
            try:
                found = Callers(node).export(args.number, file)
            except BaseException:  # Ctrl-C leaves no half file either
                path.unlink(missing_ok=True)
                raise
    if not found.traces:
        path.unlink()
    else:
        show(f"wrote {args.file}: {_counts(found.traces)}")
    return _told(found)


def _erase(args: argparse.Namespace) -> int:
    caller_number(args.number)
    with opened_node(args) as node:
        from esl_vm.ops.callers import Callers

        callers, zone = Callers(node), node.settings.service.timezone
        found = callers.find(args.number)
        if args.dry_run or not args.yes:
            _table(found.traces, zone)
        going = [one for one in found.traces if not one.kept]
        if args.dry_run:
            show(f"would erase {_counts(going) or 'nothing'}")
            return _told(found)
        if not (going or found.away):
            complain(f"nothing is to be erased about {found.number}")
            return 0
        if not args.yes and not _said_again(found.number):
            complain("nothing was erased")
            return 1
        done = callers.erase(args.number)
    show(f"erased {_words(done.erased or {}) or 'nothing'}")
    for one in done.traces:
        complain(f"left: {one.kind} {one.place} {one.id}: {one.kept or 'it came meanwhile: erase again'}")
    _told(done)
    return 0 if done.complete else 1


def _said_again(number: str) -> bool:
    """Whether the person at the terminal types the number once more; without a terminal only --yes does."""
    if not sys.stdin.isatty():
        return confirmed(f"Erase all about {number}?", yes=False)
    return same_number(input(f"Type the number once more to erase all of it ({number}): "), number)


def _table(traces: tuple[Trace, ...], zone: str) -> None:
    if traces:
        rows = [
            (one.kind, one.place, one.id, minute(one.at, zone) if one.at else "", one.what, one.kept) for one in traces
        ]
        print_table(("kind", "where", "id", "at", "what", "stays"), rows)


def _counts(traces: Sequence[Trace]) -> str:
    return _words(counted(traces))


def _words(counts: Mapping[TraceKind, int]) -> str:
    return ", ".join(f"{many} {kind}{'s' if many > 1 else ''}" for kind, many in counts.items() if many)


def _told(file: CallerFile) -> int:
    for name in file.away:
        complain(f"the node {name} did not answer: what lies in its spool is not known; do it again when it is there")
    if not file.traces and file.erased is None:
        complain(f"nothing is there about {file.number}")
    return 0 if file.traces and not file.away else 1
