"""What is found wrong with a node, what it could not deliver, and what an administrator elsewhere asks of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found.

    Args:
        area: `settings`, `redis`, `audio`, `spool`, `prompts`, `freeswitch`, `service`, `web`, `mail`, `calendars`, `privacy`.
        level: how bad it is. said: what was found. remedy: what to do about it, `` where nothing need be.
    """

    area: str
    level: Level
    said: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class HeldTake:
    """A recording in a node's spool that has not reached its mailbox; see recordings.listing.TakeInfo."""

    id: str
    kind: str
    boxes: tuple[str, ...]
    state: str
    age_s: int
    size: int
    reason: str


@dataclass(frozen=True, slots=True)
class NodeReport:
    """What a node reported of itself.

    Args:
        node: its name. at: when its checks were made, epoch seconds; 0 = they were not made yet.
        findings: what is wrong. takes: recordings on their way, those first that are in quarantine; at most a hundred.
    """

    node: str
    at: float = 0.0
    findings: tuple[Finding, ...] = ()
    takes: tuple[HeldTake, ...] = ()


class OrderKind(StrEnum):
    """What is asked of a node."""

    LOOK = "look"
    SETTLE = "settle"
    DISCARD = "discard"
    FIND_CALLER = "find-caller"
    ERASE_CALLER = "erase-caller"


@dataclass(frozen=True, slots=True)
class Order:
    """What an administrator asks of a node, wherever he is.

    Args:
        kind: make its checks now; settle or discard a recording in its spool; find or erase a caller's recordings there.
        take: which recording. by: who asks (model/actor.py).
        number: which caller. answer: under which name it is answered (store.cluster); sounds: the sounds are wanted too.
    """

    kind: OrderKind
    take: str = ""
    by: str = ""
    number: str = ""
    answer: str = ""
    sounds: bool = False
