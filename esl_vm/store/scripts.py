"""The Lua scripts: one file each, read once; one whose header names a shared one begins with it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

_SHARED = ("owners", "common", "reading", "queue")


@dataclass(frozen=True, slots=True)
class Script:
    """A script as Redis gets it: its text, and the SHA-1 by which Redis knows it once it has seen it."""

    name: str
    text: str
    sha: str


@cache
def script(name: str) -> Script:
    """The script `lua/NAME.lua`."""
    folder = files("esl_vm.store") / "lua"
    text = (folder / f"{name}.lua").read_text("utf-8")
    for shared in _SHARED:
        if f"{shared}.lua" in text:
            text = (folder / f"{shared}.lua").read_text("utf-8") + text
    return Script(name, text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())
