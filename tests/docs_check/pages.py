"""What a page has one do: its blocks in their order, with the section they stand in."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_BLOCK = re.compile(r"^(?P<in> *)```(?P<kind>\w+)\n(?P<text>.*?)^(?P=in)```", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A block of a page.

    Args:
        page: its file. section: the heading above. kind: `sh`, `console`, `toml` … text: what stands in it.
    """

    page: str
    section: str
    kind: str
    text: str

    @property
    def commands(self) -> list[str]:
        """The lines one types."""
        lines = self.text.splitlines()
        if self.kind == "console":
            return [line[2:] for line in lines if line.startswith("$ ")]
        return [line for line in lines if line and not line.startswith("#")]


def blocks(page: str) -> list[Block]:
    """All blocks of a page, in their order."""
    text = (ROOT / page).read_text()
    headings = [(found.start(), found[1]) for found in _HEADING.finditer(_BLOCK.sub(lambda m: " " * len(m[0]), text))]
    found = []
    for block in _BLOCK.finditer(text):
        section = [name for at, name in headings if at < block.start()][-1]
        found.append(Block(page, section, block["kind"], textwrap.dedent(block["text"])))
    return found


def indented(page: str, section: str) -> list[str]:
    """The indented commands of a section of a page without fences (README), numbered lists included."""
    text = (ROOT / page).read_text()
    part = re.search(rf"^## {re.escape(section)}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert part, f"{page} has no section {section}"
    return [line.strip() for line in part[1].splitlines() if re.match(r" {4,}\S", line)]
