"""Real Redis servers for the notifier's tests, one of each kind for a whole run."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parent)]

from support.redis_servers import NoRedisError, redis_cluster


@pytest.fixture(scope="session")
def one_cluster():
    try:
        with redis_cluster(masters=2) as cluster:
            yield cluster
    except NoRedisError as error:
        pytest.skip(str(error))


@pytest.fixture
def redis_here(empty_redis):
    """A Redis with nothing in it."""
    return empty_redis
