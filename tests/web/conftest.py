"""`esl-vm web` on a real Redis, for all tests that leave it as it is."""

import pytest
from support.redis_servers import redis_server
from support.web_house import House, Served


@pytest.fixture(scope="session")
def web_redis():
    with redis_server() as server:
        yield server


@pytest.fixture(scope="session")
def served(web_redis, tmp_path_factory):
    """The program, for tests that leave it as it is."""
    running = Served(
        tmp_path_factory.mktemp("web"),
        web_redis.url,
        'pins.slow_most_s = 0\npins.failures = 5\nweb.upload_mb = 1\nweb.address_failures = 30\nweb.trusted_proxies = ["127.0.0.1/32"]\n',
    )
    yield running
    running.close()


@pytest.fixture
def house(served):
    return House(served)
