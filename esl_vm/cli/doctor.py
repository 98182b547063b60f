"""`esl-vm doctor`: what is wrong here, and what to do about it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from esl_vm.cli.config import settings_of
from esl_vm.cli.output import complain, print_json, show
from esl_vm.cli.parsers import json_option, number
from esl_vm.cli.support_bundle import write_bundle

if TYPE_CHECKING:
    import argparse

    from esl_vm.cli.parsers import Commands
    from esl_vm.model.settings import Settings

#: The exit code where there is no error, but a warning.
WARNINGS_ONLY = 3
_SIGNS = {"ok": "ok     ", "warning": "WARNING", "error": "ERROR  "}


def add_commands(commands: Commands) -> None:
    """`doctor`."""
    parser = commands.add(
        "doctor",
        "report what is wrong here, and what to do about it",
        _run,
        description="Look at settings, Redis, sounds, spool, calendars, prompts, FreeSWITCH, the service and mail.\n"
        "With --strict warnings are errors.",
        codes={0: "nothing is wrong", 1: "an error", 3: "only warnings"},
        examples="""
            esl-vm doctor
            esl-vm doctor --orphans
            esl-vm doctor --strict --json
            esl-vm doctor --topology
            esl-vm doctor --repair
            esl-vm doctor --undo-repair
            esl-vm doctor --adopt-sounds
            esl-vm doctor --bundle support.tar.gz
        """,
    )
    parser.add_argument("--orphans", action="store_true", help="also compare every message with every sound")
    parser.add_argument("--repair", action="store_true", help="also settle what --orphans finds")
    parser.add_argument("--most", type=number(1, 1_000_000), metavar="N", help="let --repair touch up to N (20)")
    parser.add_argument("--undo-repair", nargs="?", const="", metavar="FOLDER", help="undo a repair (the latest one)")
    parser.add_argument("--adopt-sounds", action="store_true", help="mark the store of sounds as this installation's")
    parser.add_argument("--topology", action="store_true", help="print the whole setting for the Redis servers there")
    parser.add_argument("--strict", action="store_true", help="exit code 1 for warnings too, not 3")
    parser.add_argument("--bundle", metavar="FILE.tar.gz", help="write what a supporter asks for; no secrets in it")
    json_option(parser)


def _undo(settings: Settings, folder: str) -> int:
    """Undo a repair; exit code 1 where there was none."""
    from esl_vm.ops.repair import last_journal, undo
    from esl_vm.service.wiring import open_node

    with open_node(settings) as node:
        journal = Path(folder) if folder else last_journal(node)
        if journal is None:
            complain(f"no repair has been made on this node ({settings.data_dir}/repairs)")
            return 1
        for line in undo(node, journal):
            show(line)
    return 0


def _adopt(settings: Settings) -> int:
    """Mark the store of sounds as this installation's, whosever it was."""
    from esl_vm.service.wiring import open_node

    with open_node(settings) as node:
        node.store.verify()
        before = node.audio.owner()
        node.audio.claim(node.store.installation, over=True)
        show(f"the store of sounds is marked {node.store.installation}; its mark was {before or 'none'}")
    return 0


def _print_topology(settings: Settings) -> int:
    """What is there and the setting for it; exit code 1 where the setting falls short."""
    from esl_vm.model.topology import problems, recommended
    from esl_vm.service.wiring import open_node
    from esl_vm.store.topology import discover

    with open_node(settings) as node:
        there = discover(node.store.link)
        wrong = [problem.said for problem in problems(there, node.store.link.replicas)]
    for shard in there.shards:
        show(f"# {there.kind}: {shard.name}, replicas on {', '.join(shard.replicas) or 'no host'}")
    for line in recommended(there):
        show(line)
    for said in wrong:
        show(f"# falls short: {said}")
    return 1 if wrong else 0


def _run(args: argparse.Namespace) -> int:
    from esl_vm.cli.examine import Repair, examine
    from esl_vm.model.findings import Level

    settings = settings_of(args)
    if args.undo_repair is not None:
        return _undo(settings, args.undo_repair)
    if args.adopt_sounds:
        return _adopt(settings)
    if args.topology:
        return _print_topology(settings)
    findings = examine(args, settings, orphans=args.orphans or args.repair, repair=Repair(args.repair, args.most))
    if args.json:
        print_json(list(map(asdict, findings)))
    else:
        for finding in findings:
            show(f"{_SIGNS[finding.level]}  {finding.area:<10}  {finding.said}")
            if finding.remedy:
                show(f"{'':21}-> {finding.remedy}")
    if args.bundle:
        write_bundle(Path(args.bundle), settings, list(map(asdict, findings)))
        complain(f"wrote {args.bundle}")
    levels = {finding.level for finding in findings}
    if Level.ERROR in levels:
        return 1
    return (1 if args.strict else WARNINGS_ONLY) if Level.WARNING in levels else 0
