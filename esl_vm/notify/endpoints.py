"""The endpoints that mail and webhook calls go to: how many may talk to one at once, and how long it is let alone.

One that hangs costs one of its own calls at a time and nobody else's: until it has answered once, and after each
failure, only one call is tried; only what has answered gets more at once.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from esl_vm.ports import Clock

#: After a failure nothing is tried for so many seconds, doubling up to the longest pause.
FIRST_PAUSE_S = 5.0
LONGEST_PAUSE_S = 120.0
#: Seconds to wait for a turn at an endpoint that answers.
_TURN_S = 1.0
#: Seconds until another look whether the only call to one that has not answered yet came to an end, at first.
_LOOK_S = 0.3
_MOST_KNOWN = 10_000


class Endpoint:
    """One endpoint.

    Args:
        clock: what time it is. most: calls at once while it answers. longest_pause_s: see LONGEST_PAUSE_S.
    """

    def __init__(self, clock: Clock, most: int = 8, longest_pause_s: float = LONGEST_PAUSE_S) -> None:
        self._clock = clock
        self._most = most
        self._longest_pause_s = longest_pause_s
        self._pause_s = FIRST_PAUSE_S
        self._until = 0.0
        self._talking = 0
        self._began = 0.0
        self._answers = False
        self._turn = threading.Condition()
        #: Why it is let alone, `` if it is not.
        self.error = ""

    def enter(self) -> float:
        """Take part: 0, and `leave` must follow; or for how many seconds it is to be let alone."""
        with self._turn:
            rest = self._until - self._clock.now()
            if rest > 0:
                return rest
            if not self._answers and self._talking:
                return max(_LOOK_S, self._clock.now() - self._began)
            if not self._turn.wait_for(lambda: self._talking < (self._most if self._answers else 1), _TURN_S):
                self._until, self.error = self._clock.now() + _TURN_S, f"{self._talking} calls are unanswered"
                return _TURN_S
            self._talking += 1
            self._began = self._clock.now()
            return 0.0

    def leave(self, error: str | None = "", asked_s: float = 0.0) -> float:
        """What came of it; returns for how many seconds it is let alone now.

        Args:
            error: `` = it answered, else why it did not; None = it was not asked.
            asked_s: for how many seconds it asked to be let alone.
        """
        with self._turn:
            self._talking -= 1
            now = self._clock.now()
            if error == "":
                self._answers, self._until, self._pause_s, self.error = True, 0.0, FIRST_PAUSE_S, ""
            elif error is not None:
                self._answers, self.error = False, error
                if now >= self._until:
                    self._until = now + max(self._pause_s, asked_s)
                    self._pause_s = min(2 * self._pause_s, self._longest_pause_s)
            self._turn.notify()
            return max(0.0, self._until - now)

    @property
    def idle(self) -> bool:
        """Whether nothing is known of it that matters."""
        return not self._talking and self._until <= self._clock.now()


class Endpoints:
    """All of them, by name; what rests no more is forgotten when they are too many."""

    def __init__(self, clock: Clock, most: int = 8) -> None:
        self._clock = clock
        self._most = most
        self._known: dict[str, Endpoint] = {}
        self._lock = threading.Lock()

    def of(self, name: str) -> Endpoint:
        """The one of that name."""
        with self._lock:
            if len(self._known) >= _MOST_KNOWN and name not in self._known:
                self._known = {name: one for name, one in self._known.items() if not one.idle}
            return self._known.setdefault(name, Endpoint(self._clock, self._most))
