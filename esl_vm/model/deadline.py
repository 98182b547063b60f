"""A limit for a whole exchange with another machine, however slowly it drips its answers."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager, suppress
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


def cut(line: socket.socket | None) -> None:
    """Hang up on one that takes too long, in the middle of whatever it says; None: there is no connection."""
    if line is not None:
        with suppress(OSError):
            line.shutdown(socket.SHUT_RDWR)


def asked_to_wait(retry_after: str) -> float:
    """How long a server asked us to wait by its header Retry-After, up to an hour; 0 if it said nothing in seconds."""
    return min(float(retry_after), 3600.0) if retry_after.isascii() and retry_after.isdigit() else 0.0
