"""What the process may take of the system: open files (each call is a socket, and a shell's usual 1,024 are too few), memory."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import logging
import resource
from pathlib import Path

log = logging.getLogger(__name__)

_M_ARENA_MAX = -8  # of <malloc.h>
_ARENAS = 2
GROWN = 32 << 20
"""Bytes by which a process must have grown for it to be worth while."""


def share_memory_between_threads() -> None:
    """Have glibc keep freed memory in two places, not in one for each thread: what a flood took comes back to the system.

    As `MALLOC_ARENA_MAX=2` in the environment; call it before there are threads. Another C library is left as it is.
    """
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, _ARENAS)


class Memory:
    """Gives back to the system what a flood took: what nothing holds any more, and what glibc keeps between what is held."""

    def __init__(self) -> None:
        self._known = resident()

    def tidy(self) -> bool:
        """Give back what can be, where the process has grown since the last time; it takes some 50 ms. Whether it was done."""
        now = resident()
        if now - self._known < GROWN:
            self._known = min(self._known, now)
            return False
        gc.collect()
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).malloc_trim(0)
        self._known = resident()
        return True


def resident() -> int:
    """Bytes of memory this process has."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def allow_open_files(wanted: int) -> int:
    """Raise the process's own limit to what is wanted, as far as the system lets it; returns how many it is now.

    A limit that is high enough already is left alone. What the system doesn't allow is told in the log.
    """
    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if now == resource.RLIM_INFINITY:
        return wanted
    if now >= wanted:
        return now
    reach = wanted if most == resource.RLIM_INFINITY else min(wanted, most)
    if reach > now:
        resource.setrlimit(resource.RLIMIT_NOFILE, (reach, most))
    if reach < wanted:
        log.warning(
            "only %d files may be open at once, %d are wanted for as many calls as service.max_calls says: raise the limit "
            "(LimitNOFILE of the systemd unit, or ulimit -n)", reach, wanted,
        )  # fmt: skip
    return reach
