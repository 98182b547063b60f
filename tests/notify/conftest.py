"""Real Redis servers for the notifier's tests, one of each kind for a whole run."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parent)]

from support.redis_servers import NoRedisError, redis_cluster, redis_server


@pytest.fixture(scope="session")
def one_redis():
    try:
        with redis_server() as server:
            yield server
    except NoRedisError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def one_cluster():
    try:
        with redis_cluster(masters=2) as cluster:
            yield cluster
    except NoRedisError as error:
        pytest.skip(str(error))


@pytest.fixture
def redis_here(one_redis):
    """A Redis with nothing in it."""
    with one_redis.client() as client:
        client.flushall()
    return one_redis
