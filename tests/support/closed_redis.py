"""A Redis with data in it that can be read and takes no changes any more."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from support.redis_servers import RedisServer, redis_server
from support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

FULL, REPLICA, ALONE = "full", "a replica", "without replicas"
CLOSED = (FULL, REPLICA, ALONE)
SAYS = {FULL: "is full", REPLICA: "is a replica", ALONE: "too few replicas"}


@contextlib.contextmanager
def closed_redis(server: RedisServer, why: str) -> Iterator[str]:
    """Its URL from now on (a replica's is another)."""
    with server.client() as client, contextlib.ExitStack() as stack:
        if why == FULL:
            client.config_set("maxmemory-policy", "noeviction")
            client.config_set("maxmemory", "1mb")
            stack.callback(client.config_set, "maxmemory", "0")
        elif why == ALONE:
            client.config_set("min-replicas-to-write", "1")
            stack.callback(client.config_set, "min-replicas-to-write", "0")
        else:
            replica = stack.enter_context(redis_server("--replicaof", "127.0.0.1", str(server.port)))
            second = stack.enter_context(replica.client())
            wait_until(lambda: second.info("replication")["master_link_status"] == "up", what="the replica")
            yield replica.url
            return
        yield server.url
