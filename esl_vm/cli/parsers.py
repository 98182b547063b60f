"""The command line's grammar: global options stand before or after the command, and each command shows examples."""

from __future__ import annotations

import argparse
import re
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, NoReturn

from esl_vm.cli.output import complain
from esl_vm.model.message import is_text
from esl_vm.model.visible import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Run = Callable[[argparse.Namespace], int]

EXIT_CODES = {0: "done", 1: "failed or not found", 2: "wrong usage or settings: nothing was done", 130: "Ctrl-C"}

GLOBAL_OPTIONS = ("--config", "--redis", "--data-dir")
"""Those of `global_options`; each has a value."""


def told_codes(codes: Mapping[int, str]) -> str:
    """Exit codes as help tells them."""
    return "exit codes: " + ", ".join(f"{code} {meaning}" for code, meaning in sorted(codes.items()))


class Parser(argparse.ArgumentParser):
    """Says what was probably meant, and where help is.

    Attributes:
        commands: those under it, by name.
        codes: its exit codes, with what each means. summary: what it does, in a line.
    """

    def __init__(self, **options: Any) -> None:
        options.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        super().__init__(allow_abbrev=False, **options)
        self.commands: dict[str, Parser] = {}
        self.codes = EXIT_CODES
        self.summary = ""
        self._in_any_order = False

    @property
    def takes(self) -> list[argparse.Action]:
        """Its options and arguments, but for those that no help shows."""
        return [one for one in self._actions if one.help != argparse.SUPPRESS]

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As argparse does, but options may stand between a command's words (`add 1001 --name Alice language=fr`)."""
        if self._in_any_order or self._subparsers is not None:
            return super().parse_known_args(args, namespace)
        self._in_any_order = True  # the method below calls this one again
        try:
            known, unknown = self.parse_known_intermixed_args(args, namespace)
        finally:
            self._in_any_order = False
        if unknown:
            near = get_close_matches(unknown[0], self._option_string_actions, n=1)
            self.error(f"unknown: {' '.join(unknown)}{f'; did you mean {near[0]}?' if near else ''}")
        return known, unknown

    def error(self, message: str) -> NoReturn:
        """Exit 2 with one sentence and the way to help."""
        choice = re.search(r"invalid choice: '([^']*)' \(choose from (.*)\)", message)
        near = get_close_matches(choice[1], re.findall(r"[\w-]+", choice[2]), n=1) if choice else []
        hint = f"; did you mean {near[0]}?" if near else ""
        self.exit(2, f"{self.prog}: {one_line(message)}{hint}\nTry `{self.prog} --help`.\n")


def global_options(*, config: bool = True) -> Parser:
    """The options every command takes; `--config` only where the command has none of its own."""
    options = Parser(add_help=False, argument_default=argparse.SUPPRESS)
    group = options.add_argument_group("everywhere")
    if config:
        group.add_argument("--config", metavar="FILE", help="settings file (default: /etc/esl-vm.toml if there is one)")
    group.add_argument("--redis", metavar="URL", help="where the mailboxes are (default: the settings', embedded:)")
    group.add_argument("--data-dir", metavar="DIR", help="what this node keeps (default: /var/lib/esl-vm, else ./var)")
    return options


class Commands:
    """A group of commands under a parser."""

    def __init__(self, parser: Parser, common: Parser) -> None:
        self._common = common
        self._commands = parser.commands
        self._subparsers = parser.add_subparsers(metavar="COMMAND", required=True, parser_class=Parser)

    def add(
        self,
        name: str,
        summary: str,
        run: Run,
        *,
        examples: str = "",
        description: str = "",
        own_config: bool = False,
        codes: Mapping[int, str] | None = None,
    ) -> Parser:
        """A command.

        Args:
            name: what is typed.
            summary: what it does, in a line.
            run: runs it.
            examples: lines that are shown with its help.
            description: more of what it does.
            own_config: after this command `--config` means something of its own (the settings file's stands before).
            codes: exit codes that mean something else than elsewhere.
        """
        common = global_options(config=False) if own_config else self._common
        parser = self._parser(name, summary, description, examples, common, EXIT_CODES | dict(codes or {}))
        parser.set_defaults(run=run)
        return parser

    def group(self, name: str, summary: str, *, examples: str = "") -> Commands:
        """A command that only has commands."""
        return Commands(self._parser(name, summary, "", examples, self._common, EXIT_CODES), self._common)

    def _parser(
        self, name: str, summary: str, description: str, examples: str, common: Parser, codes: dict[int, str]
    ) -> Parser:
        example_lines = "".join(f"\n  {line.strip()}" for line in examples.strip().splitlines())
        parser: Parser = self._subparsers.add_parser(
            name,
            help=summary,
            description=description or f"{summary[0].upper()}{summary[1:]}.",
            epilog=(f"examples:{example_lines}\n\n" if example_lines else "") + told_codes(codes),
            parents=[common],
        )
        parser.codes, parser.summary = codes, summary
        self._commands[name] = parser
        return parser


def number(low: int, high: int) -> Callable[[str], int]:
    """What an option takes that is a number in a range."""

    def read(word: str) -> int:
        if not re.fullmatch(r"-?[0-9]{1,12}", word) or not low <= int(word) <= high:
            raise argparse.ArgumentTypeError(f"a number from {low} to {high}, not {word!r}")
        return int(word)

    return read


def text(longest: int) -> Callable[[str], str]:
    """What an option takes that is a text in one line; nothing of it is cut."""

    def read(word: str) -> str:
        if len(word) > longest:
            raise argparse.ArgumentTypeError(f"at most {longest} letters, not {len(word)}")
        if not is_text(word) or not word.isprintable():
            raise argparse.ArgumentTypeError(f"letters in a line, in UTF-8, not {word!r}")
        return word

    return read


def dry_run_option(parser: argparse.ArgumentParser) -> None:
    """`--dry-run`, on every command that changes much."""
    parser.add_argument("--dry-run", action="store_true", help="say what would be done, do nothing")


def yes_option(parser: argparse.ArgumentParser) -> None:
    """`--yes` and `--dry-run`, on every command that asks before it does something."""
    dry_run_option(parser)
    parser.add_argument("--yes", action="store_true", help="do not ask")


def domain_option(parser: argparse.ArgumentParser, what: str = "only this domain") -> None:
    """`--domain`, one or none."""
    parser.add_argument("--domain", metavar="NAME", type=str.lower, help=what)


class _Renamed(argparse.Action):
    """An option that is called something else now: it works, and says so."""

    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: str | None = None) -> None:
        del parser
        complain(f"{option_string} is called {self.metavar} now, and goes with the next version")
        setattr(namespace, self.dest, True if self.nargs == 0 else values)


def renamed(parser: argparse.ArgumentParser, old: str, new: str, *, flag: bool = True) -> None:
    """An option's former name, for one version more."""
    dest = new.strip("-").replace("-", "_")
    nargs = 0 if flag else None
    parser.add_argument(old, action=_Renamed, dest=dest, nargs=nargs, metavar=new, help=argparse.SUPPRESS)


def json_option(parser: argparse.ArgumentParser) -> None:
    """`--json`, on every command that shows or lists."""
    parser.add_argument("--json", action="store_true", help="for programs, in the shape of `esl-vm schema`")
