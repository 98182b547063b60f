"""A node's desk for each test, and a disk that forgets at a power cut but is quick."""

import os
import tempfile
from pathlib import Path

import pytest
from redis_service import ALICE, BOB, Service
from spool_cast import Desk
from support.redis_servers import NoRedisError, redis_server


@pytest.fixture
def desk(tmp_path):
    return Desk(tmp_path)


@pytest.fixture
def quick_disk(tmp_path):
    """A folder in memory where the machine has one: a killed process loses nothing there either."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=memory, prefix="spool-") as folder:
        yield Path(folder)


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
