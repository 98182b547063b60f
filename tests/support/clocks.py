"""The clocks of tests: one that stands still until it is moved, and the machine's, some time ahead.

For telephones, on which things happen at their time, there is `virtual_clock.py`.
"""

from __future__ import annotations

import time

MONDAY = 1_790_000_000.0


class Clock:
    """Stands still until it is moved. A ports.Clock; where a function is wanted, it is called.

    Args:
        at: where it stands first, seconds.
    """

    def __init__(self, at: float = MONDAY) -> None:
        self.at = at

    def now(self) -> float:
        return self.at

    __call__ = now

    def passes(self, seconds: float = 0, *, days: float = 0) -> float:
        """Move it; what it says then."""
        self.at += seconds + days * 86400
        return self.at


class WallClock:
    """The machine's, for what other processes do or dates files. A ports.Clock; where a function is wanted, it is called.

    Args:
        ahead: seconds by which it is ahead.
    """

    def __init__(self, ahead: float = 0.0) -> None:
        self.ahead = ahead

    def now(self) -> float:
        return time.time() + self.ahead

    __call__ = now
