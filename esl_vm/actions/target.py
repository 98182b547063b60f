"""Where mailboxes and sounds go that are brought from elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from esl_vm.ports import AudioStore, Mailboxes, Pins, Registry


@dataclass(frozen=True, slots=True)
class Target:
    """The four ports that are written to, and the samples a second that sounds are kept at."""

    registry: Registry
    mailboxes: Mailboxes
    pins: Pins
    audio: AudioStore
    rate: int = 8000


@dataclass(frozen=True, slots=True)
class Converted:
    """A sound as the store keeps it: the file, and how long it plays in milliseconds."""

    path: Path
    duration_ms: int
