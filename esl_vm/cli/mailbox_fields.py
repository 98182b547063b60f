"""What commands that make or change a mailbox have in common: its fields, and its first PIN."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from esl_vm.cli.config import settings_of
from esl_vm.cli.output import complain, read_pin
from esl_vm.cli.pin_handout import handout_options
from esl_vm.model.errors import InvalidValueError
from esl_vm.model.exits import ExitKind, parse_exits
from esl_vm.model.fields import checked_field, field_name
from esl_vm.model.mailbox import MailboxId
from esl_vm.model.pins import DEFAULT_PIN

if TYPE_CHECKING:
    import argparse

    from esl_vm.ops.node import Node

_FIELD_HELP = (
    "name, language (fr, en), timezone, email, pager, extensions, aliases, copies, or any option of docs/options.md"
)


def field_options(parser: argparse.ArgumentParser) -> None:
    """`FIELD=VALUE …`, and options for those that are set most."""
    parser.add_argument("fields", nargs="*", default=[], metavar="FIELD=VALUE", help=_FIELD_HELP)
    for name, what in (
        ("name", "the owner's name"),
        ("language", "fr or en"),
        ("timezone", "an IANA name"),
        ("email", "where mail goes"),
        ("pager", "where a short notice goes"),
        ("extensions", "accounts whose lamp shows it"),
    ):
        parser.add_argument(f"--{name}", help=what)
    parser.add_argument("--alias", action="append", metavar="NUMBER", help="a further number; may be repeated")
    parser.add_argument("--option", action="append", default=[], metavar="NAME=VALUE", help="as FIELD=VALUE")


def fields_of(args: argparse.Namespace) -> dict[str, str]:
    """The fields given, checked; raises InvalidValueError."""
    named = [
        f"{name}={getattr(args, name)}"
        for name in ("name", "language", "timezone", "email", "pager", "extensions")
        if getattr(args, name) is not None
    ]
    if args.alias is not None:
        named.append(f"aliases={','.join(args.alias)}")
    fields: dict[str, str] = {}
    for word in [*args.fields, *args.option, *named]:
        name, equals, text = word.partition("=")
        if not equals:
            raise InvalidValueError(f"write FIELD=VALUE, not {word!r}")
        name = field_name(name)
        fields[name] = checked_field(name, text)
    return fields


def complain_of_exits(node: Node, box: MailboxId, exits: str) -> None:
    """Say which exits of a mailbox lead to a mailbox or list that is not there (yet, or any more)."""
    for key, way in parse_exits(exits).items():
        if way.kind is ExitKind.MAILBOX:
            there = MailboxId.of(*way.to.split("@", 1)) if "@" in way.to else MailboxId.of(way.to, box.domain)
            if there is None or not (node.mailboxes.open(there) or node.store.lists.find(there)):
                complain(f"{box}: the exit {key} leads to {way.to}, where there is no mailbox or list")


def pin_options(parser: argparse.ArgumentParser) -> None:
    """Where a PIN comes from, other than from the terminal."""
    parser.add_argument("--pin-stdin", action="store_true", help="read the PIN from the standard input's first line")
    parser.add_argument("--no-pin", action="store_true", help="ask for no PIN on *97")
    parser.add_argument("--random-pin", action="store_true", help="generate a random PIN, and show it once")
    handout_options(parser, many=False)


def check_pin_options(args: argparse.Namespace) -> None:
    """Raises InvalidValueError where they contradict each other."""
    given = [name for name in ("pin_stdin", "no_pin", "random_pin") if getattr(args, name)]
    if len(given) > 1:
        raise InvalidValueError(f"{' and '.join(f'--{name}'.replace('_', '-') for name in given)} exclude one another")
    if args.mail_pins and not args.random_pin:
        raise InvalidValueError("--mail-pin goes with --random-pin")


def new_pin(args: argparse.Namespace, question: str, box: MailboxId) -> tuple[str, bool]:
    """The PIN of a new mailbox, `` for none, and whether it is the default one."""
    check_pin_options(args)
    if args.no_pin:
        return "", False
    if args.random_pin:
        return settings_of(args).pins.random_pin(box.number), False
    if not args.pin_stdin and not sys.stdin.isatty():
        return DEFAULT_PIN, True
    pin = read_pin(from_stdin=args.pin_stdin, question=question)
    return (pin, pin == DEFAULT_PIN) if pin else (DEFAULT_PIN, True)


def with_pin(pin: str, *, is_default: bool, is_random: bool) -> str:
    """How a new mailbox opens, for people."""
    if is_random:
        return "with a random PIN"
    return "without a PIN" if not pin else f"with the default PIN {DEFAULT_PIN}" if is_default else "with its PIN"
