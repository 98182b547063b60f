"""A node's desk for each test, and a disk that forgets at a power cut but is quick."""

import pytest
from redis_service import ALICE, BOB, Service
from spool_cast import Desk
from support.redis_servers import NoRedisError, redis_server


@pytest.fixture
def desk(tmp_path):
    return Desk(tmp_path)


@pytest.fixture
def server():
    try:
        with redis_server("--appendonly", "yes", "--appendfsync", "always") as running:
            yield running
    except NoRedisError as error:
        pytest.skip(str(error))


@pytest.fixture
def service(server, quick_disk):
    service = Service(server.url, quick_disk)
    for box in (ALICE, BOB):
        service.store.registry.add(box, {})
    return service
