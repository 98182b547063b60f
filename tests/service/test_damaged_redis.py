"""A power cut has damaged what the embedded Redis keeps: calls are taken all the same."""

import json
import shutil

import pytest
from support.redis_servers import NoRedisError, redis_executable
from support.served import Service
from support.waiting import wait_until


@pytest.fixture
def start(tmp_path):
    try:
        redis_executable()
    except NoRedisError as missing:
        pytest.skip(str(missing))
    services = []

    def begin():
        services.append(Service(tmp_path, settings="spool.sweep_s = 2\n"))
        return services[-1]

    yield begin
    for service in services:
        service.close()


def messages(service):
    return len(json.loads(service.run("message", "list", "1001@default", "--json")))


@pytest.mark.slow
def test_what_can_not_be_mended_waits_for_its_administrator_while_calls_are_taken(start, tmp_path):
    service = start()
    before = messages(service)
    service.close()
    files = tmp_path / "data/redis/appendonlydir"
    shutil.copytree(files, tmp_path / "backup")
    for base in files.glob("*.base.*"):
        base.write_bytes(b"\xff" * 200)
    service = start()
    wait_until(lambda: "messages wait in the spool until Redis is there" in service.log.read_text())
    service.ring("1001", "# #", sender="1002", code=None)
    wait_until(lambda: list((tmp_path / "data/spool/takes").glob("*.take")) != [], what="the message in the spool")
    shutil.rmtree(files)
    shutil.copytree(tmp_path / "backup", files)
    wait_until(lambda: not list((tmp_path / "data/spool/takes").glob("*.take")), what="the message being delivered")
    assert messages(service) == before + 1
