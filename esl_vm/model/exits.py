"""Ways out of a mailbox's greeting: one option, a line of text such as `0=2000; 1=mailbox:1002; 9=directory; busy=2001`.

A key (0 to 9) leads its caller on at any moment of the greeting; `busy` and `unavailable` lead on whoever calls for that
reason, and their greeting is not heard. Where to:

    2000               an extension of the dialplan, as `operator` is one
    number:5145550102  an outside number, by the rules of calling back: `call_patterns`, `calls_per_hour`, `calls_per_day`
    mailbox:1002       another mailbox, or distribution list; without a domain in the mailbox's own
    directory          dial by name
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING

from esl_vm.model.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST = 1000
"""Characters of all exits of a mailbox."""
REASONS = ("busy", "unavailable")
EXTENSION = re.compile(r"[0-9A-Za-z*#+][0-9A-Za-z*#+_.-]{0,63}")
_NUMBER = re.compile(r"\+?[0-9*#]{1,31}")
_MAILBOX = re.compile(r"\+?[A-Za-z0-9][A-Za-z0-9_.+-]{0,63}(@[A-Za-z0-9][A-Za-z0-9_.-]{0,127})?")


class ExitKind(StrEnum):
    """What an exit leads to."""

    EXTENSION = "extension"
    NUMBER = "number"
    MAILBOX = "mailbox"
    DIRECTORY = "directory"


@dataclass(frozen=True, slots=True)
class Exit:
    """Where a caller is led: an extension, a number, a mailbox (`1002`, `1002@other.example`); `` for the directory."""

    kind: ExitKind
    to: str = ""

    def __str__(self) -> str:
        """As it is written."""
        if self.kind is ExitKind.EXTENSION:
            return self.to
        return f"{self.kind}:{self.to}" if self.to else str(self.kind)


@lru_cache(maxsize=4096)  # a mailbox's exits are read at every call
def parse_exits(text: str) -> Mapping[str, Exit]:
    """A mailbox's exits by key or reason; raises InvalidValueError, with the one that is wrong and why."""
    if len(text) > LONGEST:
        raise InvalidValueError(f"the exits have more than {LONGEST} characters")
    exits: dict[str, Exit] = {}
    for part in filter(None, map(str.strip, text.split(";"))):
        written, equals, where = part.partition("=")
        key = written.strip().lower()
        if not equals or not (key in REASONS or re.fullmatch("[0-9]", key)):
            raise InvalidValueError(
                f"an exit is a key from 0 to 9, busy or unavailable, then = and where to, not {part!r}"
            )
        if key in exits:
            raise InvalidValueError(f"the exit {key} stands there twice")
        exits[key] = _parse(where.strip())
    return exits


def is_owners(one: Exit) -> bool:
    """Whether an owner sets it: it stays among the mailboxes of the domain, and can't be made to dial."""
    return one.kind is ExitKind.DIRECTORY or (one.kind is ExitKind.MAILBOX and "@" not in one.to)


def exits_text(exits: Mapping[str, Exit]) -> str:
    """Exits as they are stored."""
    return "; ".join(f"{key}={exits[key]}" for key in sorted(exits))


def _parse(where: str) -> Exit:
    kind, colon, to = where.partition(":")
    kind = kind.strip().lower()
    if not colon:
        if kind == ExitKind.DIRECTORY:
            return Exit(ExitKind.DIRECTORY)
        if EXTENSION.fullmatch(where):
            return Exit(ExitKind.EXTENSION, where)
    elif kind == ExitKind.NUMBER and _NUMBER.fullmatch(number := re.sub(r"[ ().-]", "", to)):
        return Exit(ExitKind.NUMBER, number)
    elif kind == ExitKind.MAILBOX and _MAILBOX.fullmatch(to.strip()):
        return Exit(ExitKind.MAILBOX, to.strip())
    raise InvalidValueError(
        f"an exit leads to an extension, number:5145550102, mailbox:1002 or directory, not to {where!r}"
    )
