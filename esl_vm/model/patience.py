"""How long the caller of a call has waited, in silence, for stores that failed: a budget for the call as a whole.

Each greenlet and each thread has its own, so no method has to hand it on; a command or a background task has none.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

CALL_S = 2.0
"""Seconds of silence that a call spends on stores that fail, in all."""
LEAST_S = 0.2
"""What a store is given by a call that has spent all: one that works answers within."""


class Patience:
    """What is left of it.

    Args:
        seconds: to begin with.
    """

    __slots__ = ("left_s",)

    def __init__(self, seconds: float = CALL_S) -> None:
        self.left_s = seconds

    def spend(self, seconds: float) -> None:
        """A store failed after so long."""
        self.left_s = max(0.0, self.left_s - seconds)


_patience: ContextVar[Patience | None] = ContextVar("patience", default=None)


@contextmanager
def waiting(seconds: float = CALL_S) -> Iterator[Patience]:
    """What is done inside is waited for by somebody on the telephone."""
    patience = Patience(seconds)
    token = _patience.set(patience)
    try:
        yield patience
    finally:
        _patience.reset(token)


def patience() -> Patience | None:
    """That of the call that is being served; None: nobody waits on the telephone."""
    return _patience.get()


def time_for(most_s: float) -> float:
    """How many seconds a store is given now that would be given `most_s` otherwise."""
    caller = _patience.get()
    return most_s if caller is None else min(most_s, max(LEAST_S, caller.left_s))


def failed_after(seconds: float) -> None:
    """A store failed after so long: whoever waits on the telephone has that much less patience."""
    caller = _patience.get()
    if caller is not None:
        caller.spend(seconds)
