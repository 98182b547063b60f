"""What the tests saw, as a table in the docs."""

from __future__ import annotations

from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def written(table):
    """Rows of cells, the first being the heads, as Markdown."""
    heads, *rows = table
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def stands_in(page, table):
    """Whether the page has this table, word by word."""
    return written(table) in (DOCS / page).read_text("utf-8")
