"""`esl-vm migrate`: which schema Redis has; there has been one only, so nothing is converted yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from esl_vm.cli.boxes import opened_node
from esl_vm.cli.output import show
from esl_vm.cli.parsers import dry_run_option, renamed

if TYPE_CHECKING:
    import argparse

    from esl_vm.cli.parsers import Commands


def add_commands(commands: Commands) -> None:
    """`migrate`."""
    parser = commands.add(
        "migrate",
        "bring what lies in Redis to the schema of this version",
        _run,
        description="Say which schema Redis has. All versions so far have the same one: nothing is converted.",
        examples="esl-vm migrate --dry-run",
    )
    dry_run_option(parser)
    renamed(parser, "--check", "--dry-run")


def _run(args: argparse.Namespace) -> int:
    with opened_node(args) as node:
        node.store.verify()
        show(f"Redis has schema {node.store.schema}; nothing is to be done")
    return 0
