"""Greetings that another system has by number, besides the one that it plays."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING

from esl_vm.importers.plan import ImportedGreeting, SoundFiles
from esl_vm.model.mailbox import Greeting

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from esl_vm.importers.storage import Storage

_NUMBERED = re.compile(r"greeting_([1-9])")


def place_of(number: int, chosen: int) -> Greeting | None:
    """Where a greeting goes: the chosen one is the unavailable greeting, another keeps its number; None: it has no place.

    Number 1, where it is not the chosen one, takes that one's number.
    """
    if number == chosen:
        return Greeting.UNAVAILABLE
    place = chosen if number == 1 else number
    return Greeting.UNAVAILABLE.numbered(place) if 2 <= place <= 9 else None


class GreetingSlots:
    """mod_voicemail's files `greeting_1.wav` to `greeting_9.wav`, by their folder.

    Args:
        storage: where they are. named: files that are accounted for; those that are given out are added.
    """

    def __init__(self, storage: Storage, named: set[Path]) -> None:
        self._root, self._named = storage.root, named
        self._of: dict[Path, dict[int, Path]] = defaultdict(dict)
        for file in storage.sounds("greeting_"):
            if numbered := _NUMBERED.fullmatch(file.stem.lower()):
                self._of[file.resolve().parent].setdefault(int(numbered[1]), file.resolve())

    def beside(self, chosen: Path, shown: str) -> Iterator[ImportedGreeting]:
        """The other greetings of the mailbox (as a report names it) that plays this file."""
        slots = self._of.get(chosen.parent, {})
        number = next((number for number, file in slots.items() if file == chosen), 0)
        for other, file in sorted(slots.items()):
            if other != number and (place := place_of(other, number)):
                self._named.add(file)
                yield ImportedGreeting(place, SoundFiles((file,), self._root), f"{shown} {file.name}")
