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
