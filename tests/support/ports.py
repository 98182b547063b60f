"""Ports that nobody else takes: below those that the kernel hands out, and each pytest worker has its own."""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import re
import socket

LOWEST, WORKERS, EACH = 11000, 8, 1250
BUS = 10000  # a Redis Cluster's bus listens so far above its port
_worker = int(re.sub(r"\D", "", os.environ.get("PYTEST_XDIST_WORKER", "")) or os.getpid()) % WORKERS
_numbers = itertools.count(random.randrange(EACH))


def free_port(in_a_row: int = 1) -> int:
    """A port free on all addresses, for TCP and UDP and for a Cluster's bus. It stays free while its server is down.

    Args:
        in_a_row: so many, of which this is the first.
    """
    for _ in range(EACH):
        numbers = [next(_numbers) % EACH for _ in range(in_a_row)]
        ports = [LOWEST + _worker * EACH + number for number in numbers]
        if ports[-1] - ports[0] == in_a_row - 1 and all(map(_free, ports)):
            return ports[0]
    raise OSError(f"none of {EACH} ports is free")


def _free(port: int) -> bool:
    with contextlib.suppress(OSError), contextlib.ExitStack() as probes:
        for kind, probed in ((socket.SOCK_STREAM, port), (socket.SOCK_DGRAM, port), (socket.SOCK_STREAM, port + BUS)):
            probes.enter_context(socket.socket(socket.AF_INET, kind)).bind(("", probed))
        return True
    return False
