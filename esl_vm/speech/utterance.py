"""What is said, as values: an utterance is a tuple of prompts, sounds and pauses, played in one go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Prompt(NamedTuple):
    """A recorded phrase of the prompt pack, by its Asterisk name (`vm-youhave`, `digits/21`), in a language."""

    name: str
    language: str


@dataclass(frozen=True, slots=True)
class Sound:
    """Sound of ours: a message, a greeting, a recorded name.

    Args:
        path: the file to play, on this node.
        label: what it is, for people: `message 0199…`, `greeting unavailable 1001@default`.
    """

    path: str
    label: str


@dataclass(frozen=True, slots=True)
class Pause:
    """Silence, in milliseconds."""

    ms: int


Utterance = tuple[Prompt | Sound | Pause, ...]
