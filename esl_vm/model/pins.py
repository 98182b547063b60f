"""Which PINs may be chosen, and what checking one can answer."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from itertools import pairwise

DEFAULT_PIN = "1234"
LONGEST_PIN = 32


class PinCheck(Enum):
    """What checking a typed PIN against a mailbox's says."""

    RIGHT = "right"
    WRONG = "wrong"
    LOCKED = "locked"


@dataclass(frozen=True, slots=True)
class PinRules:
    """What a new PIN must satisfy, from where it opens, and when wrong ones lock it.

    Wrong ones from the mailbox's own telephone and from all others are counted apart, and lock apart.

    Args:
        shortest: fewest digits, at least 1.
        refuse_weak: refuse the mailbox's number, the default, runs (2345, 9876) and repetitions (1111, 1212).
        initial_from_outside: a PIN that its owner did not choose, or none at all, opens from other telephones too.
        failures: wrong PINs, on all nodes together, within `window_s` seconds that lock it for `lock_s` seconds.
        slow_after: after so many of them each further attempt waits: one second, then two, four …
        slow_most_s: … and so many seconds at most; 0 = never.
    """

    shortest: int = 4
    refuse_weak: bool = True
    initial_from_outside: bool = False
    failures: int = 10
    window_s: int = 900
    lock_s: int = 900
    slow_after: int = 5
    slow_most_s: int = 4

    def pause_ms(self, failures: int) -> int:
        """How long an attempt waits after so many wrong ones, milliseconds."""
        if failures < self.slow_after:
            return 0
        return 1000 * min(self.slow_most_s, 1 << min(failures - self.slow_after, 30))

    def weakness(self, pin: str, number: str) -> str:
        """Why this PIN may not be chosen for the mailbox of that number, as an English clause; `` if it may."""
        if not pin.isascii() or not pin.isdigit():
            return "it is not all digits"
        if len(pin) < self.shortest:
            return f"it has fewer than {self.shortest} digits"
        if len(pin) > LONGEST_PIN:
            return f"it has more than {LONGEST_PIN} digits"
        if not self.refuse_weak:
            return ""
        if pin == number:
            return "it is the mailbox's number"
        if pin == DEFAULT_PIN:
            return "it is the default PIN"
        steps = {(int(b) - int(a)) % 10 for a, b in pairwise(pin)}
        if len(steps) == 1 and steps <= {0, 1, 9}:
            return "it is a run or a repetition"
        if any(len(pin) % n == 0 and pin == pin[:n] * (len(pin) // n) for n in range(1, len(pin) // 2 + 1)):
            return "it is a run or a repetition"
        return ""
