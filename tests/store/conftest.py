"""Stores to test on: fakeredis, a real redis-server, a Redis Cluster of one node; emptied before each test."""

from __future__ import annotations

import fakeredis
import pytest
from store_case import Case


@pytest.fixture(params=["fakeredis", "redis", "cluster"])
def case(request):
    """A store on each kind of Redis, with a clock of its own."""
    if request.param == "fakeredis":
        yield Case(fakeredis.FakeRedis())
        return
    if request.param == "redis":
        server = request.getfixturevalue("real_redis")
        url = server.url
    else:
        cluster = request.getfixturevalue("one_node_cluster")
        server, url = cluster.nodes[0], cluster.url
    with server.client() as client:
        client.flushall()
    case = Case(url)
    yield case
    case.store.close()


@pytest.fixture
def real(real_redis):
    """A store on a real redis-server."""
    with real_redis.client() as client:
        client.flushall()
    case = Case(real_redis.url)
    yield case
    case.store.close()
