"""`esl-vm schema`: what the commands' `--json` prints, as JSON Schema."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from esl_vm.cli.output import print_json, show
from esl_vm.model.errors import InvalidValueError

if TYPE_CHECKING:
    import argparse

    from esl_vm.cli.parsers import Commands


def add_commands(commands: Commands) -> None:
    """`schema`."""
    parser = commands.add(
        "schema",
        "describe what a command's --json prints",
        _run,
        description="Print the JSON Schema of what a command prints with --json; without a command the commands that have one.\n"
        "Later versions add keys; none goes without notice (docs/releasing.md).",
        examples="esl-vm schema\nesl-vm schema message list > message-list.schema.json",
    )
    parser.add_argument("command", nargs="*", metavar="COMMAND", help="its words: message list")


def schema_of(command: str) -> dict[str, Any]:
    """The schema of a command's `--json`; raises KeyError."""
    import msgspec

    from esl_vm.cli.shapes import SHAPES

    made = msgspec.json.schema(SHAPES[command])
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": f"esl-vm {command} --json", **made}


def _run(args: argparse.Namespace) -> int:
    from esl_vm.cli.shapes import SHAPES

    command = " ".join(args.command)
    if not command:
        for name in sorted(SHAPES):
            show(name)
    elif command in SHAPES:
        print_json(schema_of(command))
    else:
        raise InvalidValueError(f"no command {command!r} has --json; `esl-vm schema` lists those that do")
    return 0
