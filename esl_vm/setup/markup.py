"""FreeSWITCH's XML as text in which places are known: what is changed is a piece, all else stays byte for byte."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from xml.sax.saxutils import unescape

from esl_vm.model.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Iterator

_PIECE = re.compile(
    r"<!--.*?-->|<!\[CDATA\[.*?\]\]>|<\?.*?\?>"
    r"|<(?P<end>/?)(?P<name>[A-Za-z_:][\w:.-]*)(?P<rest>(?:[^<>\"']|\"[^\"]*\"|'[^']*')*?)(?P<empty>/?)>|<",
    re.DOTALL,
)
_ATTRIBUTE = re.compile(r"([A-Za-z_:][\w:.-]*)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")
_QUOTES = {"&quot;": '"', "&apos;": "'"}


class BrokenFileError(InvalidValueError):
    """A file of FreeSWITCH's that can't be understood, or must not be touched; nothing was changed."""


@dataclass(slots=True)
class Element:
    """An element and its place in the text, from its `<` to behind its `>`."""

    name: str
    attributes: dict[str, str]
    start: int
    end: int = 0
    children: list[Element] = field(default_factory=list)

    def iter(self, name: str) -> Iterator[Element]:
        """Those of that name, in the order of the text, itself included."""
        if self.name == name:
            yield self
        for child in self.children:
            yield from child.iter(name)

    def tree(self) -> ET.Element:
        """It and what is in it, without texts."""
        tree = ET.Element(self.name, self.attributes)
        tree.extend(child.tree() for child in self.children)
        return tree


def parse(text: str, shown: str) -> Element:
    """The elements of a text, below one without a name.

    Args:
        text: of a file.
        shown: the file's name, for errors.

    Raises:
        BrokenFileError: an element is not closed, or something is no XML.
    """
    root = Element("", {}, 0, len(text))
    above = [root]
    for piece in _PIECE.finditer(text):
        if piece[0] == "<":
            raise BrokenFileError(f"{shown}, line {_line(text, piece.start())}: this < begins nothing that ends")
        if piece["name"] is None:
            continue
        if piece["end"]:
            if len(above) == 1 or above[-1].name != piece["name"]:
                raise BrokenFileError(f"{shown}, line {_line(text, piece.start())}: </{piece['name']}> ends nothing")
            above.pop().end = piece.end()
            continue
        attributes = {name: unescape(one or other, _QUOTES) for name, one, other in _ATTRIBUTE.findall(piece["rest"])}
        element = Element(piece["name"], attributes, piece.start(), piece.end())
        above[-1].children.append(element)
        if not piece["empty"]:
            above.append(element)
    if len(above) > 1:
        raise BrokenFileError(f"{shown}, line {_line(text, above[-1].start)}: <{above[-1].name}> is not closed")
    return root


def replaced(text: str, pieces: list[tuple[int, int, str]]) -> str:
    """The text with pieces (start, end, what stands there now) replaced; they don't overlap."""
    for start, end, new in sorted(pieces, reverse=True):
        text = text[:start] + new + text[end:]
    return text


def whole_lines(text: str, start: int, end: int) -> tuple[int, int]:
    """The lines that a piece fills; the piece itself where something else stands in them."""
    begin = text.rfind("\n", 0, start) + 1
    after = text.find("\n", end)
    after = len(text) if after < 0 else after + 1
    alone = not text[begin:start].strip() and not text[end:after].strip()
    return (begin, after) if alone else (start, end)


def _line(text: str, place: int) -> int:
    return text.count("\n", 0, place) + 1
