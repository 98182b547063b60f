import pytest
import redis
from import_rig import Place


@pytest.fixture
def place(real_redis, quick_disk):
    with redis.Redis(port=real_redis.port) as client:
        yield Place(client, quick_disk)
