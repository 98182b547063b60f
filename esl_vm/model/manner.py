"""How an owner wants to hear messages: slower or faster, at the pitch they have, and louder."""

from __future__ import annotations

from dataclasses import dataclass, replace

SPEEDS = (75, 100, 125, 150, 200)
"""Percent of the speed at which it was spoken."""
MORE_DB = (0, 6, 12)
"""Decibels above the level it has; after the last comes the first."""


@dataclass(frozen=True, slots=True)
class Manner:
    """One of SPEEDS, one of MORE_DB."""

    percent: int = 100
    more_db: int = 0

    @property
    def usual(self) -> bool:
        """Whether sounds are heard as they are."""
        return self == Manner()

    def slower(self) -> Manner:
        """The next slower one; the slowest stays."""
        return replace(self, percent=SPEEDS[max(SPEEDS.index(self.percent) - 1, 0)])

    def faster(self) -> Manner:
        """The next faster one; the fastest stays."""
        return replace(self, percent=SPEEDS[min(SPEEDS.index(self.percent) + 1, len(SPEEDS) - 1)])

    def louder(self) -> Manner:
        """Louder by a step; after the loudest as it was."""
        return replace(self, more_db=MORE_DB[(MORE_DB.index(self.more_db) + 1) % len(MORE_DB)])
