"""How many files the process may have open: each call is a socket, and a shell's usual 1,024 are too few for many calls."""

from __future__ import annotations

import logging
import resource

log = logging.getLogger(__name__)


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
