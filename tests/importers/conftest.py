import pytest
import redis
from import_rig import Place
from support.redis_servers import NoRedisError, redis_server


@pytest.fixture(scope="session")
def import_redis():
    try:
        with redis_server() as server:
            yield server
    except NoRedisError as error:
        pytest.skip(str(error))


@pytest.fixture
def place(import_redis, tmp_path):
    with redis.Redis(port=import_redis.port) as client:
        yield Place(client, tmp_path)
