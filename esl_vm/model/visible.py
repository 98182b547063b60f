"""Text from outside (names, numbers, what an error quotes) on its way to a log, a terminal, a program or a spreadsheet.

A caller chooses what his telephone sends. In none of these places may it end a line, move a cursor, turn the direction of
what follows, or be reckoned: it is shown as what it is.
"""

from __future__ import annotations

import json
from typing import Any

_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_AS_TEXT = "'"


def one_line(text: str) -> str:
    r"""A text as one line, with what is not seen written out: `\n`, `\x1b`, `\u202e`, `\xe9` (a byte that is no UTF-8)."""
    return text if text.isprintable() else "".join(map(_shown, text))


def many_lines(text: str) -> str:
    """As `one_line`, but its own line breaks stay; the lines after the first are set in, so that none looks like another's."""
    return "\n    ".join(map(one_line, text.split("\n")))


def json_text(value: Any, *, indent: int | None = None, ascii_only: bool = False, sort_keys: bool = False) -> str:
    r"""A value as JSON, accents as they are, with what is not seen as JSON's own escapes (`\u202e`)."""
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only, sort_keys=sort_keys, default=str)
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() or letter == "\n" else json.dumps(letter)[1:-1] for letter in text)


def csv_cell(text: str) -> str:
    """A cell that no spreadsheet reckons: one that begins like a formula (`=`, `+`, `-`, `@`) gets an apostrophe before it."""
    return _AS_TEXT + text if text.startswith((*_FORMULA, _AS_TEXT)) else text


def from_csv_cell(cell: str) -> str:
    """What `csv_cell` was given; a cell that somebody wrote without an apostrophe is itself."""
    rest = cell.removeprefix(_AS_TEXT)
    return rest if rest.startswith((*_FORMULA, _AS_TEXT)) else cell


def _shown(letter: str) -> str:
    if letter.isprintable():
        return letter
    if letter.isspace() and letter not in _SHORT and letter > "\x7f" and letter not in "\x85\u2028\u2029":
        return " "  # a no-break space and its like, as French has them
    code = ord(letter)
    if 0xDC80 <= code <= 0xDCFF:  # a byte, as Python keeps it
        return f"\\x{code - 0xDC00:02x}"
    if letter in _SHORT:
        return _SHORT[letter]
    return f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
