"""Greenlets that serve one connection after the other: to make one for each costs a twentieth of a call of twenty menus."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from gevent import get_hub
from gevent.hub import Waiter
from gevent.pool import Group

if TYPE_CHECKING:
    from collections.abc import Callable

    Work = tuple[Callable[..., object], tuple[object, ...]]

# Greenlets kept for what comes next; each has some 20 kB.
MOST_IDLE = 64


class Crew:
    """As many greenlets as there is work at once, and a few that wait for more of it."""

    def __init__(self) -> None:
        self._members = Group()
        self._first: deque[Work] = deque()  # what those begin with that were made just now
        self._idle: list[Any] = []  # what they wait for; who came last goes first, its memory is warm
        self._busy = 0
        self._dismissed = False

    @property
    def busy(self) -> int:
        """How much work is being done, or about to begin."""
        return self._busy

    def run(self, work: Callable[..., object], *args: object) -> None:
        """Begin some work at the loop's next turn. What it raises ends its greenlet."""
        self._busy += 1
        if self._idle:
            get_hub().loop.run_callback(self._idle.pop().switch, (work, args))
        else:
            self._first.append((work, args))  # not as its arguments: a greenlet keeps those to its end
            self._members.spawn(self._serve)

    def dismiss(self) -> None:
        """From now on nobody waits for more; what is being done goes on."""
        self._dismissed = True
        while self._idle:
            get_hub().loop.run_callback(self._idle.pop().switch, None)

    def join(self, timeout: float) -> None:
        """After `dismiss`: wait until all is done, for so many seconds at most."""
        self._members.join(timeout=timeout)

    def kill(self, timeout: float) -> None:
        """Raise GreenletExit in all that is being done, and wait as `join` does."""
        self._members.kill(timeout=timeout)

    def _serve(self) -> None:
        given: Work | None = self._first.popleft()
        while given is not None:
            try:
                given[0](*given[1])
            finally:
                self._busy -= 1
                given = None  # nothing of it is kept while nothing is done
            given = self._more()

    def _more(self) -> Work | None:
        """Wait for more to do; None: there will be none."""
        if self._dismissed or len(self._idle) == MOST_IDLE:
            return None
        waiter: Any = Waiter()
        self._idle.append(waiter)
        more: Work | None = waiter.get()
        return more
