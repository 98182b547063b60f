"""Several owners of one mailbox: each has a name and a PIN; the first is the mailbox's own name and PIN."""

from __future__ import annotations

from dataclasses import dataclass, field

FIRST = 1
MOST_OWNERS = 8
"""Of one mailbox, the first among them."""
LONGEST_OWNER = 60
OTHERS = range(FIRST + 1, MOST_OWNERS + 1)


@dataclass(frozen=True, slots=True)
class Owner:
    """One owner of a mailbox, without the PIN.

    Args:
        number: 1 is the mailbox's own name and PIN, 2 to 8 are the others. name: as people call the owner.
        pin_is_initial: the owner did not choose the PIN. pin_changed: when it was set, epoch seconds; 0 = not known.
        pin_mark: another one whenever the PIN is; it tells nothing of it.
    """

    number: int
    name: str = ""
    pin_is_initial: bool = False
    pin_changed: float = 0.0
    pin_mark: str = field(default="", repr=False)

    @property
    def is_first(self) -> bool:
        """Whether it is the one who says who the others are."""
        return self.number == FIRST
