"""The table, and the picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_ROW, _LEFT, _WIDTH = 26, 250, 860


def table(rows: Sequence[tuple[str, str, str, bool | None]]) -> str:
    """Markdown: what, measured, wanted, whether it is reached."""
    words = {True: "yes", False: "**no**", None: ""}
    lines = ["| what | measured | wanted | reached |", "|---|---|---|---|"]
    lines += [f"| {what} | {measured} | {wanted} | {words[reached]} |" for what, measured, wanted, reached in rows]
    return "\n".join(lines)


def picture(title: str, groups: Mapping[str, Mapping[str, float]], unit: str) -> str:
    """Bars, as SVG: a group for each way of measuring, a bar for each contender."""
    longest = max(value for bars in groups.values() for value in bars.values())
    parts: list[str] = []
    y = 50
    for group, bars in groups.items():
        parts.append(f'<text x="10" y="{y + 4}" font-weight="bold">{group}</text>')
        y += _ROW
        for name, value in bars.items():
            width = max(1.0, value / longest * (_WIDTH - _LEFT - 110))
            colour = "#2b7a4b" if name.startswith("service") else "#8a8f98"
            parts.append(f'<text x="{_LEFT - 8}" y="{y + 4}" text-anchor="end">{name}</text>')
            parts.append(f'<rect x="{_LEFT}" y="{y - 9}" width="{width:.1f}" height="17" fill="{colour}"/>')
            parts.append(f'<text x="{_LEFT + width + 6:.1f}" y="{y + 4}">{value:.0f} {unit}</text>')
            y += _ROW
        y += 8
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{y}" font-family="sans-serif" font-size="13">'
    ground = f'<rect width="{_WIDTH}" height="{y}" fill="white"/><text x="10" y="24" font-size="16">{title}</text>'
    return head + ground + "".join(parts) + "</svg>\n"
