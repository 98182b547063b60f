"""Texts of unknown encoding, numbers and dates as other systems wrote them."""

from __future__ import annotations

import re

from esl_vm.importers.plan import LATEST
from esl_vm.model.message import one_line

_ADDRESS = re.compile(r"[^\s@,;:<>\"'()\\|]{1,64}@[^\s@,;:<>\"'()\\|]{1,255}")
_LONGEST_NAME = 127


def person(text: str) -> str:
    """An owner's name: one line, at most 127 letters, without quotes around it."""
    name = one_line(text, _LONGEST_NAME)
    if len(name) >= 2 and name[0] == name[-1] == '"':
        name = name[1:-1].strip()
    return name


def addresses(text: str) -> tuple[tuple[str, ...], bool]:
    """The mail addresses in a text, and whether there was anything in it that is none."""
    words = [word for word in re.split(r"[|,;\s]+", text) if word]
    good = tuple(dict.fromkeys(word for word in words if _ADDRESS.fullmatch(word) and word.isprintable()))
    return good, len(good) < len(set(words))


def language_of(tag: str) -> str:
    """`fr` or `en` for a tag like `fr`, `fr_CA`, `en-us`; `` for any other."""
    short = re.split(r"[-_]", tag.strip().lower(), maxsplit=1)[0]
    return short if short in {"fr", "en"} else ""


def epoch(text: str | float | None) -> float | None:
    """Epoch seconds as a system wrote them; None where there is no sensible date (before 1980, after 2242)."""
    if text is None:
        return None
    word = str(text).strip()
    if not re.fullmatch(r"[0-9]{1,18}(\.[0-9]{1,9})?", word):
        return None
    seconds = float(word)
    return seconds if 315532800 <= seconds < LATEST else None


def truth(text: str) -> bool:
    """Asterisk's and FreeSWITCH's idea of yes."""
    return text.strip().lower() in {"yes", "true", "y", "t", "1", "on", "enabled", "active"}
