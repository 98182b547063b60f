"""Waiting for what another process or thread makes true."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, TypeVar

import gevent

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
PATIENCE_S = 100.0
"""So slow no machine is on which these tests are run; where all goes well nothing waits for it."""


def wait_until(condition: Callable[[], T], what: str = "") -> T:
    """Ask a condition again and again until it is true; returns its value, and fails where it never is.

    Args:
        condition: asked every 20 ms.
        what: it, in words.
    """
    deadline = time.monotonic() + PATIENCE_S
    pause = threading.Event()
    while not (value := condition()):
        assert time.monotonic() < deadline, f"waited {PATIENCE_S:.0f} s in vain for {what or condition}"
        pause.wait(0.02)
    return value


def eventually(condition: Callable[[], object], what: str = "") -> None:
    """The same among greenlets, which go on meanwhile; asked every 2 ms."""
    with gevent.Timeout(PATIENCE_S, AssertionError(f"waited {PATIENCE_S:.0f} s in vain for {what or condition}")):
        while not condition():
            gevent.sleep(0.002)
