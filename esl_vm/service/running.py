"""Which service runs on a data folder: for the telephone that rings it, and for a second service that wants its port.

A service says where it takes calls in `service.address`, and holds a lock on it for as long as it or a process that it
forked is there: an address that somebody left behind is nobody's.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path

_FILE = "service.address"


def announce(data_dir: str, address: str) -> int:
    """Say that this process takes calls there; holds the lock until the descriptor that it returns is closed.

    Raises:
        OSError: the folder can't be written.
    """
    handle = os.open(Path(data_dir) / _FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    fcntl.flock(handle, fcntl.LOCK_SH)  # who looks has it alone, for a moment
    os.ftruncate(handle, 0)
    os.write(handle, address.encode())
    return handle


def running_at(data_dir: str) -> str:
    """Where the service of that folder takes calls, HOST:PORT as this host reaches it; `` = none runs."""
    with suppress(OSError):
        handle = os.open(Path(data_dir) / _FILE, os.O_RDONLY | os.O_CLOEXEC)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            address = os.read(handle, 256).decode("ascii", "replace")
            return address.replace("0.0.0.0:", "127.0.0.1:").replace("[::]:", "[::1]:")
        finally:
            os.close(handle)
    return ""
