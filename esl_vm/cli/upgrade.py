"""`esl-vm migrate`: bring what lies in Redis to the schema of this version, while calls go on."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from esl_vm.cli.boxes import opened_node
from esl_vm.cli.output import complain, show

if TYPE_CHECKING:
    import argparse

    from esl_vm.cli.parsers import Commands


def add_commands(commands: Commands) -> None:
    """`migrate`."""
    parser = commands.add(
        "migrate",
        "bring what lies in Redis to the schema of this version, while calls go on",
        _run,
        description="Convert what lies in Redis to the schema of this version. Calls go on meanwhile, on nodes of the\n"
        "version before too; the new schema comes into force when the last of these is upgraded. Broken off, it goes on\n"
        "where it stood. Exit code 1 where nodes must be upgraded first.",
        examples="""
            esl-vm migrate --check
            esl-vm migrate
        """,
    )
    parser.add_argument("--check", action="store_true", help="only tell what is to be done")


def _run(args: argparse.Namespace) -> int:
    from esl_vm.store.migrations import OldNodesError

    with opened_node(args) as node:
        migrator = node.store.migrator
        waiting = migrator.waiting()
        if not waiting:
            show(f"schema {migrator.schema()} is in force; nothing is to be done")
            return 0
        if args.check:
            for step in waiting:
                show(f"schema {step.to}: {step.title}")
                for old in migrator.old_nodes(step.to):
                    show(f"  to be upgraded first: {old}")
            return 0
        try:
            for progress in migrator.run():
                if progress.done:
                    show(f"schema {progress.to} is in force: {progress.title}")
                elif sys.stderr.isatty():
                    complain(f"schema {progress.to}: {progress.looked_at} mailboxes, {progress.changed} converted")
        except OldNodesError as wait:
            complain(str(wait))
            return 1
    show("now have every node take it in: systemctl reload esl-vm")
    return 0
