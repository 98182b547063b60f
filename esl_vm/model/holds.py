"""A legal hold on a mailbox: while it is in force nothing that lay in it is erased, whoever deletes it."""

from __future__ import annotations

from dataclasses import dataclass

LONGEST_REASON = 200
FIELDS = ("hold_until", "hold_since", "hold_by", "hold_reason")
"""The mailbox's fields that say it; its owner is shown none of them."""


@dataclass(frozen=True, slots=True)
class Hold:
    """See the module.

    Args:
        reason: why. by: who set it (model/actor.py).
        since, until: epoch seconds; until 0 = until somebody lifts it.
    """

    reason: str
    by: str = ""
    since: float = 0.0
    until: float = 0.0

    def in_force(self, now: float) -> bool:
        """Whether it is, at that time (epoch seconds)."""
        return not self.until or now < self.until
