"""Headers of a mail whose values are text: nobody parses them on the way out.

email.message reads a header that it is given: an encoded word (RFC 2047) in a caller's name is decoded, and a line break
that was in it ends the header. Newer versions of Python refuse such a mail instead. Here text is encoded and never read.
"""

from __future__ import annotations

import re
from email.header import Header
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Sequence
    from email.policy import Policy


class WrittenHeader(str):
    """A header's value as email.message keeps it, with the lines it has in the mail.

    Args:
        name: the header's. text: what it says. lines: how it is written; those after the first begin with a blank.
    """

    __slots__ = ("_lines", "name")

    def __new__(cls, name: str, text: str, lines: Sequence[str]) -> Self:
        """Make one."""
        made = super().__new__(cls, text)
        made.name = name
        made._lines = tuple(lines)
        return made

    name: str
    _lines: tuple[str, ...]

    def fold(self, *, policy: Policy) -> str:
        """The header as it stands in the mail (a method that email.policy calls)."""
        return f"{self.name}: {policy.linesep.join(self._lines)}{policy.linesep}"


def text_header(name: str, text: str) -> WrittenHeader:
    """A header that is one line of text."""
    return WrittenHeader(name, text, _encoded(name, text).split("\n"))


def sender_header(name: str, shown: str, address: str) -> WrittenHeader:
    """A header with one address, and the name shown with it; `` = none."""
    if not shown:
        return WrittenHeader(name, address, [address])
    if _is_plain(shown):
        quoted = re.sub(r'(["\\])', r"\\\1", shown)
        return WrittenHeader(name, shown, [f'"{quoted}"', f" <{address}>"])
    return WrittenHeader(name, shown, [*_encoded(name, shown).split("\n"), f" <{address}>"])


def recipients_header(name: str, addresses: Sequence[str]) -> WrittenHeader:
    """A header with addresses that were looked at before, one a line."""
    lines = [f"{' ' if place else ''}{address}," for place, address in enumerate(addresses)]
    return WrittenHeader(name, ", ".join(addresses), [*lines[:-1], lines[-1].removesuffix(",")])


def _is_plain(text: str) -> bool:
    """Whether it is the same read and unread: ASCII, and nothing in it looks like an encoded word."""
    return text.isascii() and text.isprintable() and "=?" not in text


def _encoded(name: str, text: str) -> str:
    """Text as that header has it, in lines of at most 76 letters."""
    return Header(text, "us-ascii" if _is_plain(text) else "utf-8", maxlinelen=76, header_name=name).encode(" ")
