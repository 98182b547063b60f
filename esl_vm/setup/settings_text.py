"""Settings put into a settings file that a person keeps: its other lines stay as they are."""

from __future__ import annotations

import json
import re
import tomllib
from typing import TYPE_CHECKING

from esl_vm.model.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Mapping


def with_settings(text: str, table: str, values: Mapping[str, str]) -> str:
    """The text of a settings file in which a table has these values.

    Raises:
        InvalidValueError: it is not TOML, or written in a way that this can't be put in.
    """
    before = _parsed(text)
    lines = text.splitlines(keepends=True)
    for name, value in list(values.items())[::-1]:  # each comes first in its table
        lines = _with(lines, table, f"{name} = {json.dumps(value, ensure_ascii=False)}\n", name)
    changed = "".join(lines)
    try:
        after = tomllib.loads(changed)
    except tomllib.TOMLDecodeError:
        after = {}
    wanted = before | {table: {**before.get(table, {}), **values}}
    if after != wanted:
        said = ", ".join(f"{table}.{name} = {json.dumps(value)}" for name, value in values.items())
        raise InvalidValueError(
            f"the settings file is written in a way that is not changed here; put in yourself: {said}"
        )
    return changed


def _parsed(text: str) -> dict[str, dict[str, object]]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as wrong:
        raise InvalidValueError(f"the settings file is not TOML: {wrong}") from None


def _with(lines: list[str], table: str, line: str, name: str) -> list[str]:
    """The lines with that one where the setting stands, or is explained, or at the end of its table, or of the file."""
    head = re.compile(rf"\s*\[\s*{table}\s*\]")
    begin = next((at for at, one in enumerate(lines) if head.match(one)), None)
    if begin is None:
        ended = [*lines[:-1], f"{lines[-1].rstrip(chr(10))}\n"] if lines else []
        return [*ended, *(["\n"] if ended else []), f"[{table}]\n", line]
    end = next((at for at in range(begin + 1, len(lines)) if re.match(r"\s*\[", lines[at])), len(lines))
    if not lines[end - 1].endswith("\n"):
        lines = [*lines[: end - 1], f"{lines[end - 1]}\n", *lines[end:]]
    for pattern, keep in ((rf"\s*{name}\s*=", 0), (rf"#\s*{name}\s*=", 1)):
        at = next((at for at in range(begin + 1, end) if re.match(pattern, lines[at])), None)
        if at is not None:
            return [*lines[: at + keep], line, *lines[at + 1 :]]
    return [*lines[: begin + 1], line, *lines[begin + 1 :]]
