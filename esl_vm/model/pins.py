"""Which PINs may be chosen, and what checking one can answer."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise

from esl_vm.model.errors import InvalidValueError

DEFAULT_PIN = "1234"
LONGEST_PIN = 32
RANDOM_DIGITS = 6
"""Digits of a random PIN, unless the rules want more."""
_SHORTEST_PART = 3
"""A number so short may stand in a PIN by chance."""
_YEAR = re.compile(r"19[0-9]{2}|20[0-9]{2}")
_RINGS = ("1397", "2684", "12369874", "1254", "2365", "4587", "5698")
"""Corners, cross, edge and squares of the keypad, each from any key on and either way round."""
_LINES = frozenset(
    way for line in ["123", "456", "789", "147", "258", "369", "159", "357"] for way in (line, line[::-1])
)


def check_pin(pin: str) -> None:
    """Refuse what no telephone can type: raises InvalidValueError, in which the PIN is not repeated."""
    if not (pin.isascii() and pin.isdigit() and len(pin) <= LONGEST_PIN):
        raise InvalidValueError(f"a PIN is 1 to {LONGEST_PIN} digits; nothing was changed")


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
        refuse_weak: refuse the mailbox's number (also backwards, or a part of it), the default, even steps (2345, 9876,
            2468), repetitions (1111, 1212), one or two different digits (1122), years (1987) and what is a figure on the
            keypad (2580, 1397, 147258).
        max_age_days: days after which the owner must choose another; 0 = never. One of before this was set counts as old.
        remember: so many former PINs, besides the current one, may not be chosen again; 0 = any may.
        initial_from_outside: a PIN that its owner did not choose, or none at all, opens from other telephones too.
        failures, window_s, lock_s: so many wrong PINs, on all nodes together, within so many seconds lock it for so many seconds.
        slow_after: after so many of them each further attempt waits one second, then two, then four.
        slow_most_s: and so many seconds at most; 0 = never.
    """

    shortest: int = 4
    refuse_weak: bool = True
    max_age_days: int = 0
    remember: int = 0
    initial_from_outside: bool = False
    failures: int = 10
    window_s: int = 900
    lock_s: int = 900
    slow_after: int = 5
    slow_most_s: int = 4

    def is_nobodys_choice(self, pin: str, number: str) -> bool:
        """Whether no owner can have chosen that PIN here: the default, or the mailbox's number, as imports bring them."""
        return self.refuse_weak and pin in {DEFAULT_PIN, number}

    def is_old(self, changed: float, now: float) -> bool:
        """Whether a PIN that was chosen at that time (epoch seconds, 0 = not known) must be changed now."""
        return bool(self.max_age_days) and now - changed >= self.max_age_days * 86400

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
        if pin in number or pin[::-1] in number or (len(number) > _SHORTEST_PART and number in pin):
            return "it is the mailbox's number, or a part of it"
        if pin == DEFAULT_PIN:
            return "it is the default PIN"
        steps = {(int(b) - int(a)) % 10 for a, b in pairwise(pin)}
        if len(steps) == 1:
            return "it is a run or a repetition"
        if any(len(pin) % n == 0 and pin == pin[:n] * (len(pin) // n) for n in range(1, len(pin) // 2 + 1)):
            return "it is a run or a repetition"
        if len(set(pin)) < 3:
            return "it has too few different digits"
        if _YEAR.fullmatch(pin):
            return "it is a year"
        return "it is a figure on the keypad" if _is_figure(pin) else ""

    def random_pin(self, number: str) -> str:
        """A PIN for the mailbox of that number that nobody can guess, and that its owner may keep."""
        digits = max(RANDOM_DIGITS, self.shortest)
        while True:
            pin = "".join(secrets.choice("0123456789") for _ in range(digits))
            if not self.weakness(pin, number):
                return pin


def _is_figure(pin: str) -> bool:
    """Whether the keys draw a figure: along a ring, or lines one after another, with the 0 below them."""
    for ring in _RINGS:
        rounds = ring * (len(pin) // len(ring) + 2)
        if pin in rounds or pin[::-1] in rounds:
            return True
    keys = pin.strip("0")
    return bool(keys) and len(keys) % 3 == 0 and all(keys[at : at + 3] in _LINES for at in range(0, len(keys), 3))
