"""What can be pressed, filled in or played on the pages: each such tag of the templates has a name, and shows it in a test's browser.

A control is called after its template and what it is for: `folder.delete`, `settings.email`. As a program, `python -m
support.page_controls web …` is `esl-vm web …` with `data-control="folder.delete"` in each of those tags.
"""

from __future__ import annotations

import re
import runpy
from collections import Counter
from functools import cache
from pathlib import Path

import jinja2

TEMPLATES = Path(__file__).parents[2] / "esl_vm" / "web" / "templates"
_TAG = re.compile(r"<(a|audio|button|input|select|summary|textarea)\b((?:\{\{.*?\}\}|\{%.*?%\}|[^>])*)>", re.DOTALL)
_LITERAL = r'\b{name}="([\w+.-]+)"'
_WITHIN = {
    "audio": (r'aria-label="\{\{ \bt\("([\w.]+)"', r"/(\w+)\b[^/]*$"),
    "a": (r'class="(said)"', r'\bt\("([\w.]+)"', r'address\("?(\w+)', r'href="(\w+|[^"]+)'),
    "button": (_LITERAL.format(name="data-do"), r"data-(speed)=", _LITERAL.format(name="value")),
}
_ANY = (
    _LITERAL.format(name="id"),
    _LITERAL.format(name="name"),
    r'\bt\("([\w.]+)"',
    r'\bname="(.+?)"',
    r'type="(\w+)"',
    r'class="([^"]+)"',
)


def _named(tag: re.Match[str], source: str) -> str:
    kind, attributes = tag.groups()
    inside = source[tag.end() : source.find(f"</{kind}", tag.end())] if kind in {"a", "button", "summary"} else ""
    for pattern in (*_WITHIN.get(kind, ()), *_ANY):
        if found := re.search(pattern, attributes + inside):
            return re.sub(r"\{\{ *(.*?) *\}\}", r"{\1}", found[1].rstrip("."))
    return kind


@cache
def marked(template: str) -> tuple[str, tuple[str, ...]]:
    """A template whose controls show their names, and those names."""
    source = (TEMPLATES / template).read_text(encoding="utf-8")
    seen: Counter[str] = Counter()
    names = []

    def mark(tag: re.Match[str]) -> str:
        if 'type="hidden"' in tag[2]:
            return tag[0]
        name = f"{template.removesuffix('.html')}.{_named(tag, source)}"
        seen[name] += 1
        names.append(name if seen[name] == 1 else f"{name} {seen[name]}")
        return f"<{tag[1]} data-control='{names[-1]}'{tag[2]}>"

    return _TAG.sub(mark, source), tuple(names)


def controls() -> list[str]:
    """All of them."""
    return [name for path in sorted(TEMPLATES.glob("*.html")) for name in marked(path.name)[1]]


class _Marking(jinja2.FileSystemLoader):
    def get_source(self, environment, template):
        source, path, up_to_date = super().get_source(environment, template)
        return (marked(template)[0] if Path(path).parent == TEMPLATES else source), path, up_to_date


if __name__ == "__main__":
    jinja2.FileSystemLoader = _Marking
    runpy.run_module("esl_vm", run_name="__main__")
