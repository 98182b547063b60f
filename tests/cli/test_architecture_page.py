"""docs/architecture.md, CONTRIBUTING.md and decision 12 name files that are there, and that are long."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("page", ["docs/architecture.md", "CONTRIBUTING.md", "docs/releasing.md"])
def test_every_file_named_is_there(page):
    named = re.findall(r"`(esl_vm/[\w./]+)`", (ROOT / page).read_text(encoding="utf-8"))
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_every_long_module_has_its_reason_in_decision_12():
    """Make two of a module that is longer, or say there what it is one thing of."""
    said = (ROOT / "docs/decisions/0012-smaller-house.md").read_text(encoding="utf-8")
    listed = said.partition("Modules of more than 300 lines")[2].partition("\n\n")[2].partition("\n\n")[0]
    named = set(re.findall(r"`([\w/]+\.py)`", listed))
    package = ROOT / "esl_vm"
    lines = {str(path.relative_to(package)): path.read_bytes().count(b"\n") for path in package.rglob("*.py")}
    assert {name for name, count in lines.items() if count > 300} - named == set()
    assert named - set(lines) == set()


def test_every_page_is_in_the_index():
    index = (ROOT / "docs/index.md").read_text(encoding="utf-8")
    assert [page.name for page in (ROOT / "docs").glob("*.md") if f"({page.name})" not in index] == ["index.md"]


def test_every_link_between_pages_leads_somewhere():
    link = re.compile(r"\]\((?!https?:)([\w./-]+(?:\.\w+|/))(?:#[^)]*)?\)")
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    links = [(page, target) for page in pages for target in link.findall(page.read_text(encoding="utf-8"))]
    assert len(links) > 50
    assert [f"{page.name}: {target}" for page, target in links if not (page.parent / target).exists()] == []
