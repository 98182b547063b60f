"""What the process may take of the system: open files (each call is a socket, and a shell's usual 1,024 are too few), memory."""

from __future__ import annotations

import contextlib
import ctypes
import logging
import resource

log = logging.getLogger(__name__)

_M_ARENA_MAX = -8  # of <malloc.h>
_ARENAS = 2


def share_memory_between_threads() -> None:
    """Have glibc keep freed memory in two places, not in one for each thread: what a flood took comes back to the system.

    As `MALLOC_ARENA_MAX=2` in the environment; call it before there are threads. Another C library is left as it is.
    """
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, _ARENAS)


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
