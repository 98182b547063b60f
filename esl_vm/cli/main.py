"""`esl-vm`: the commands by name, and what an error becomes."""

from __future__ import annotations

import contextlib
import os
import pwd
import socket
import sys
from importlib import import_module
from typing import TYPE_CHECKING

from esl_vm import __version__
from esl_vm.cli.output import complain, open_standard_files
from esl_vm.cli.parsers import EXIT_CODES, GLOBAL_OPTIONS, Commands, Parser, global_options, told_codes
from esl_vm.model.actor import acting
from esl_vm.model.errors import InvalidValueError, SettingsError, VoicemailError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

# The module of each command, in the order in which help lists them.
COMMANDS = {
    "serve": "serve",
    "phone": "phone",
    "notify": "notify",
    "transcribe": "transcribe",
    "web": "web",
    "admin": "access",
    "token": "access",
    "mailbox": "mailbox",
    "owner": "owner",
    "message": "message",
    "greeting": "greeting",
    "list": "lists",
    "broadcast": "broadcast",
    "privacy": "privacy",
    "prompts": "prompts",
    "spool": "spool",
    "events": "events",
    "mail": "mail",
    "import": "import_export",
    "export": "import_export",
    "backup": "backup",
    "restore": "backup",
    "setup": "setup",
    "doctor": "doctor",
    "support-bundle": "support_bundle",
    "top": "top",
    "migrate": "migrate",
    "config": "config",
    "schema": "schema",
}

_EPILOG = f"""\
first steps:
  esl-vm serve --demo              run the service, with a few mailboxes to try
  esl-vm phone '*97'               ring it from this terminal as 1001 (PIN 1234)
  esl-vm mailbox list              who has a mailbox
  esl-vm doctor                    what is wrong here, and what to do about it
  esl-vm top                       calls, nodes and queues at work

{told_codes(EXIT_CODES)}"""


def build_parser(command: str = "") -> argparse.ArgumentParser:
    """The command line: of one command, or whole where there is none of that name; what a command runs is imported later."""
    common = global_options()
    parser = Parser(
        prog="esl-vm",
        description="Voicemail for clusters of FreeSWITCH nodes.",
        epilog=_EPILOG,
        parents=[common],
    )
    parser.add_argument("--version", action="version", version=f"esl-vm {__version__}")
    commands = Commands(parser, common)
    for module in dict.fromkeys([COMMANDS[command]] if command in COMMANDS else COMMANDS.values()):
        import_module(f"esl_vm.cli.{module}").add_commands(commands)
    return parser


def _command(words: Sequence[str]) -> str:
    """The command among these words, behind global options with their values; `` where something else comes first."""
    rest = iter(words)
    for word in rest:
        name, equals, _ = word.partition("=")
        if name not in GLOBAL_OPTIONS:
            return word
        if not equals:
            next(rest, "")
    return ""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code (`parsers.EXIT_CODES`, and the command's own)."""
    open_standard_files()
    try:
        try:
            words = sys.argv[1:] if argv is None else argv
            args = build_parser(_command(words)).parse_args(words)
        finally:
            sys.stdout.flush()  # of `--help`, whose reader may have read enough too
        with acting(f"command {_user()}@{socket.gethostname()}"):
            try:
                code: int = args.run(args)
            finally:
                if os.geteuid() == 0:
                    _hand_over(args)
        sys.stdout.flush()
    except SettingsError as wrong:
        complain("the settings are wrong:")
        for problem in wrong.problems:
            complain(f"  {problem}")
        return 2
    except InvalidValueError as wrong:
        complain(str(wrong))
        return 2
    except VoicemailError as wrong:
        complain(str(wrong) or type(wrong).__name__)
        return 1
    except UnicodeEncodeError as wrong:  # of what was typed or read: nothing of ours is no text
        complain(f"{wrong.object[wrong.start : wrong.end]!r} is no UTF-8, and no letter of anything here")
        return 2
    except BrokenPipeError:  # `| head` has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as wrong:
        complain(f"{wrong.filename}: {wrong.strerror}" if wrong.filename else wrong.strerror or str(wrong))
        return 1
    except (KeyboardInterrupt, EOFError):  # Ctrl-C, or Ctrl-D where something is asked
        return 130
    return code


def _hand_over(args: argparse.Namespace) -> None:
    from esl_vm.cli.config import settings_of
    from esl_vm.ops.ownership import hand_over

    with contextlib.suppress(VoicemailError, OSError):
        hand_over(settings_of(args))


def _user() -> str:
    """Who runs this: behind sudo the one who called it."""
    try:
        return os.environ.get("SUDO_USER") or pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a user without a name, as in containers
        return str(os.getuid())
