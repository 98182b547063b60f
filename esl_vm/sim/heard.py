"""What is kept of a call on a simulated line: what was heard, dialled, said and recorded, and when."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


@dataclass(slots=True)
class Heard:
    """A sound that was played.

    Args:
        at: when it started, seconds since 1970. path, name, language: see `Playable`; name `` is silence.
        length: what there was to hear, in seconds. played: what was heard of it so far.
        cut: it was stopped before its end.
    """

    at: float
    path: str
    name: str
    language: str
    length: float
    played: float = 0.0
    cut: bool = False


class Happening(Enum):
    """What else is kept of a call."""

    KEY = "key"
    TALK = "caller talks"
    QUIET = "caller is quiet"
    RECORD = "recording"
    RECORDED = "recorded"
    MISSING = "no such sound"
    HANG_UP = "caller hangs up"
    ENDED = "call ended by the service"


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened on the line, and the key or path or length it is about."""

    at: float
    what: Happening
    detail: str = ""


def words_of(entry: Heard | Mark) -> str:
    """A line of a call's transcript, without its time."""
    if isinstance(entry, Mark):
        return f"{'>' if entry.what is Happening.KEY else '~'} {entry.detail or entry.what.value}" + (
            f" ({entry.what.value})" if entry.detail and entry.what is not Happening.KEY else ""
        )
    name = entry.name or "(silence)"
    cut = f" cut after {entry.played:.2f} s" if entry.cut else ""
    return f"< {name:<26} [{entry.language or '-'} {entry.length:.2f} s]{cut}"
