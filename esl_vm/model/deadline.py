"""A limit for a whole exchange with another machine, however slowly it drips its answers."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def deadline(seconds: float, hang_up: Callable[[], None]) -> Iterator[threading.Event]:
    """Call `hang_up` (it closes the connection, so that reading fails) if the block takes longer than that.

    A socket's own timeout counts anew with every byte; this one does not. The event is set when it struck.
    """
    struck, over = threading.Event(), threading.Event()

    def watch() -> None:
        left = seconds
        while not over.wait(left):
            struck.set()
            hang_up()
            left = 1.0  # there may have been no connection yet to hang up

    threading.Thread(target=watch, name="deadline", daemon=True).start()
    try:
        yield struck
    finally:
        over.set()
