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


def in_section(page: str, *names: str) -> list[Block]:
    """The blocks of these sections, in the page's order."""
    found = [block for block in blocks(page) if block.section in names]
    missing = set(names) - {block.section for block in found}
    assert not missing, f"{page} has no block in {missing}"
    return found


def without_note(line: str) -> str:
    """A command, without what is said of it beside it."""
    return re.split(r"\s{3,}", line)[0]


_PROGRAM = re.compile(
    r"(?:\S+/)?(?:esl-vm|python3?|pip)\s|(?:make|apt-get|ln|groupadd|useradd|usermod|install|cp|rsync|redis-cli|systemctl"
    r"|fs_cli|curl|sudo|[A-Z]+=\S+)\s"
)


def command_lines(page: str) -> list[tuple[str, str]]:
    """Every line of a page that one types, with its section: of its blocks, and indented ones that begin with a program."""
    found = [
        (block.section, line) for block in blocks(page) if block.kind in {"sh", "console"} for line in block.commands
    ]
    section = ""
    for line in _BLOCK.sub("", (ROOT / page).read_text()).splitlines():
        if line.startswith("#"):
            section = line.lstrip("# ")
        elif re.match(r" {4,}\S", line) and _PROGRAM.match(line.strip() + " "):
            found.append((section, without_note(line.strip())))
    return found
