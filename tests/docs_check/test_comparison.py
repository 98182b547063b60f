"""docs/comparison.md: each row has a verdict on each system, once, and whatever is ours is shown by tests that are there."""

import ast
import re
from collections import Counter
from functools import cache
from pathlib import Path

from calls.book import CALLS

TESTS = Path(__file__).parents[1]
PAGE = (TESTS.parent / "docs/comparison.md").read_text(encoding="utf-8")
VERDICTS = ("yes", "part", "no", "–", "?")
LINES = [[cell.strip() for cell in line.strip("|").split("|")] for line in PAGE.splitlines() if line.startswith("| ")]
SYSTEMS = next(cells for cells in LINES if cells[1] == "here")[1:-1]
ROWS = [cells for cells in LINES if len(cells) == len(SYSTEMS) + 2 and cells[1] != "here"]
TOTALS = [cells for cells in LINES if len(cells) == len(VERDICTS) + 1 and cells[1].isdigit()]
BOOK = "calls/book.py"
CALL_NAMES = {call.name for call in CALLS}


@cache
def functions(path):
    tree = ast.parse((TESTS / path).read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def is_there(named):
    path, _, name = named.partition("::")
    return name in CALL_NAMES if path == BOOK else name.startswith("test_") and name in functions(path)


def test_there_are_many_rows_and_each_is_there_once():
    assert len(ROWS) >= 160
    assert [name for name, times in Counter(cells[0] for cells in ROWS).items() if times > 1] == []


def wrong_with(cells):
    """What is wrong with a row, `` = nothing."""
    ours, shown = cells[1], cells[-1]
    named = re.findall(r"`([^`]+\.py::\w+)`", shown)
    if not set(cells[1:-1]) <= set(VERDICTS) or ours not in {"yes", "part", "no"}:
        return "has a verdict that is none"
    if missing := [one for one in named if not is_there(one)]:
        return f"names what is not there: {missing}"
    if ours == "no":
        return "names a test of what is not there" if named else "" if shown else "does not say why not"
    if not named:
        return "names no test"
    return "does not say which part" if ours == "part" and shown.startswith("`") else ""


def test_a_row_has_a_verdict_on_each_system_and_what_shows_ours():
    assert [(cells[0], wrong) for cells in ROWS if (wrong := wrong_with(cells))] == []


def test_the_summary_counts_the_rows_of_each_system():
    assert [cells[0] for cells in TOTALS][1:] == SYSTEMS[1:]
    for system, cells in enumerate(TOTALS, 1):
        counted = Counter(row[system] for row in ROWS)
        assert [int(number) for number in cells[1:]] == [counted[verdict] for verdict in VERDICTS], cells[0]
