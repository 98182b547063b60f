import pytest
import redis
from import_rig import Place


@pytest.fixture
def place(real_redis, tmp_path):
    with redis.Redis(port=real_redis.port) as client:
        yield Place(client, tmp_path)
