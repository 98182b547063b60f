"""What commands print: tables for people, JSON for programs, questions on a terminal."""

from __future__ import annotations

import getpass
import json
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from esl_vm.model.errors import InvalidValueError
from esl_vm.model.pins import LONGEST_PIN

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def print_json(value: Any) -> None:
    """One JSON value, indented, accents as they are."""
    print(json.dumps(value, indent=2, ensure_ascii=False))


def print_table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Columns as wide as needed, the heads in capitals; control characters can't reach the terminal."""
    lines = [tuple(head.upper() for head in heads), *(tuple(map(plain, row)) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
    for line in lines:
        print("  ".join(word.ljust(width) for word, width in zip(line, widths, strict=True)).rstrip())


def plain(text: str) -> str:
    """A text from outside with nothing in it that moves a terminal's cursor."""
    return "".join(letter if letter.isprintable() else "�" for letter in text)


def complain(sentence: str) -> None:
    """One line on the standard error."""
    print(f"esl-vm: {plain(sentence)}", file=sys.stderr)


def iso_time(seconds: float, zone: str = "") -> str:
    """A time as ISO 8601 with its offset, to the second; in that time zone, UTC where there is none such."""
    try:
        where = ZoneInfo(zone) if zone else UTC
    except (ZoneInfoNotFoundError, ValueError):
        where = UTC
    return datetime.fromtimestamp(int(seconds), where).isoformat()


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
    return input(f"{question} [y/N] ").strip().lower() in {"y", "yes", "o", "oui"}


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


def check_pin(pin: str) -> None:
    """Refuse what no telephone can type; the PIN itself is never repeated."""
    if not (pin.isascii() and pin.isdigit() and len(pin) <= LONGEST_PIN):
        raise InvalidValueError(f"a PIN is 1 to {LONGEST_PIN} digits; nothing was changed")
