"""What commands print: tables for people, JSON for programs, questions on a terminal."""

from __future__ import annotations

import contextlib
import getpass
import io
import os
import sys
from typing import TYPE_CHECKING, Any, TextIO, TypeVar

from esl_vm.model.errors import InvalidValueError
from esl_vm.model.pins import check_pin
from esl_vm.model.times import iso_time
from esl_vm.model.visible import json_text, one_line

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterable, Sequence

    from rich.console import Console

T = TypeVar("T")


def open_standard_files() -> None:
    r"""Have all three standard files: one that was closed (`>&-`) would else be the next file that is opened.

    Whatever the terminal's character set lacks is written as an escape (`\u0142`): no name can end a command.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number, which is this one
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - for good
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - likewise
    sys.stdin = sys.stdin or open(os.devnull, encoding="utf-8")  # noqa: PTH123, SIM115 - likewise
    for file in (sys.stdout, sys.stderr):
        if isinstance(file, io.TextIOWrapper):
            file.reconfigure(errors="backslashreplace")


def print_json(value: Any, *, indent: int | None = 2) -> None:
    """One JSON value, accents as they are where the output can have them."""
    utf8 = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    print(json_text(value, indent=indent, ascii_only=not utf8))


def plain(view: Any) -> dict[str, Any]:
    """What the API tells of a thing (`web.views`), for more to be added."""
    from msgspec import to_builtins

    told: dict[str, Any] = to_builtins(view)
    return told


def print_table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Columns as wide as needed, the heads in capitals; control characters can't reach the terminal."""
    lines = [tuple(head.upper() for head in heads), *(tuple(map(one_line, row)) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
    for line in lines:
        print("  ".join(word.ljust(width) for word, width in zip(line, widths, strict=True)).rstrip())


def print_list(
    as_json: bool,
    things: Sequence[T],
    plain: Callable[[T], Any],
    heads: Sequence[str],
    row: Callable[[T], Sequence[str]],
    nothing: str,
    say: Callable[[str], None] | None = None,
) -> None:
    """For programs each thing in plain values; else a table with a row for each, or a sentence where there is none."""
    if as_json:
        print_json([plain(one) for one in things])
    elif things:
        print_table(heads, map(row, things))
    else:
        (say or show)(nothing)


def has_colours(file: TextIO) -> bool:
    """Whether colours go to that file: https://no-color.org and https://bixense.com/clicolors; else on a terminal."""
    said = {name: os.environ.get(name, "") for name in ("NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE", "CLICOLOR")}
    if said["NO_COLOR"]:
        return False
    if any(said[name] not in {"", "0"} for name in ("FORCE_COLOR", "CLICOLOR_FORCE")):
        return True
    return said["CLICOLOR"] != "0" and file.isatty()


def console(file: TextIO, width: int | None = None) -> Console:
    """What draws bars and tables there."""
    from rich.console import Console

    coloured = has_colours(file)
    return Console(
        file=file, highlight=False, width=width, color_system="standard" if coloured else None, no_color=not coloured
    )


def show(sentence: str) -> None:
    """One line on the standard output; what is not seen in it is written out."""
    print(one_line(sentence))


def complain(sentence: str) -> None:
    """One line on the standard error; where that is gone, nothing."""
    with contextlib.suppress(OSError):
        print(f"esl-vm: {one_line(sentence)}", file=sys.stderr)


def minute(seconds: float, zone: str = "") -> str:
    """As `iso_time`, to the minute and for a table: `2026-11-18 06:06-05:00`. The log beside it may be in another zone."""
    whole = iso_time(seconds, zone)
    return f"{whole[:10]} {whole[11:16]}{whole[19:]}"


def clock_time(milliseconds: int) -> str:
    """A length as `M:SS`, rounded to the second."""
    seconds = (milliseconds + 500) // 1000
    return f"{seconds // 60}:{seconds % 60:02}"


def confirmed(question: str, *, yes: bool) -> bool:
    """Whether the person at the terminal says yes; without a terminal only `--yes` does."""
    if yes:
        return True
    if not sys.stdin.isatty():
        raise InvalidValueError(f"{question} Say --yes, since no terminal is here to ask")
    return input(f"{one_line(question)} [y/N] ").strip().lower() in {"y", "yes", "o", "oui"}


def not_to_be_done(args: argparse.Namespace, deed: str, undone: str) -> int | None:
    """Say what would be done (`--dry-run`), or ask whether it is to be: the exit code where it is not, None where it is."""
    if args.dry_run:
        show(f"would {deed}")
        return 0
    if not confirmed(f"{deed[0].upper()}{deed[1:]}?", yes=args.yes):
        complain(f"nothing was {undone}")
        return 1
    return None


def read_pin(*, from_stdin: bool, question: str) -> str:
    """A PIN from the standard input's first line, or asked twice on the terminal; never from the command line.

    Raises:
        InvalidValueError: it is not 1 to 32 digits, the two differ, or there is no terminal to ask.
    """
    if from_stdin:
        pin = sys.stdin.readline().strip()
    elif sys.stdin.isatty():
        pin = getpass.getpass(f"{question}: ").strip()
        if pin and getpass.getpass("Once more: ").strip() != pin:
            raise InvalidValueError("the two PINs differ; nothing was changed")
        if not pin:
            return ""
    else:
        raise InvalidValueError(
            "no terminal is here to ask for the PIN: give it on the standard input with --pin-stdin"
        )
    check_pin(pin)
    return pin
