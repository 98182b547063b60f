"""What a SIGHUP means to a service: its terminal was closed, or it is to read its settings anew."""

from __future__ import annotations

import os
import signal

_needs: list[bool] = []


def hold() -> None:
    """Have SIGHUP wait until the supervisor can act on it: by default it would end a start. Call it as early as can be."""
    needs_terminal()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})


def needs_terminal() -> bool:
    """Whether this process was started on a terminal and is to end with it; with `nohup` none is.

    As it was when this was first asked: a terminal can be closed before the service is up.
    """
    if not _needs:
        _needs.append(signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN and terminal_is_there())
    return _needs[0]


def terminal_is_there() -> bool:
    """Whether this process has a terminal that can send it a SIGHUP by being closed."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True
