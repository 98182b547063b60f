"""What commands that make or change a mailbox have in common: its fields, and its first PIN."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from esl_vm.cli.output import read_pin
from esl_vm.model.errors import InvalidValueError
from esl_vm.model.pins import DEFAULT_PIN
from esl_vm.store.fields import checked_field, field_name

if TYPE_CHECKING:
    import argparse

_FIELD_HELP = "name, language (fr, en), timezone, email, pager, extensions, or any option of docs/options.md"


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
    parser.add_argument("--option", action="append", default=[], metavar="NAME=VALUE", help="as FIELD=VALUE")


def fields_of(args: argparse.Namespace) -> dict[str, str]:
    """The fields given, checked; raises InvalidValueError."""
    named = [
        f"{name}={getattr(args, name)}"
        for name in ("name", "language", "timezone", "email", "pager", "extensions")
        if getattr(args, name) is not None
    ]
    fields: dict[str, str] = {}
    for word in [*args.fields, *args.option, *named]:
        name, equals, text = word.partition("=")
        if not equals:
            raise InvalidValueError(f"write FIELD=VALUE, not {word!r}")
        name = field_name(name)
        fields[name] = checked_field(name, text)
    return fields


def new_pin(args: argparse.Namespace, question: str) -> tuple[str, bool]:
    """The PIN of a new mailbox, `` for none, and whether it is the default one."""
    if args.no_pin:
        if args.pin_stdin:
            raise InvalidValueError("--pin-stdin and --no-pin exclude one another")
        return "", False
    if not args.pin_stdin and not sys.stdin.isatty():
        return DEFAULT_PIN, True
    pin = read_pin(from_stdin=args.pin_stdin, question=question)
    return (pin, pin == DEFAULT_PIN) if pin else (DEFAULT_PIN, True)


def with_pin(pin: str, *, is_default: bool) -> str:
    """How a new mailbox opens, for people."""
    return "without a PIN" if not pin else f"with the default PIN {DEFAULT_PIN}" if is_default else "with its PIN"
