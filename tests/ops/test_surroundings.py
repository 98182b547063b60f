"""Surroundings that go wrong under a service at work: calls are answered all the same, by the same workers."""

import pytest
from conftest import Service
from support.small_disk import fill, small_disk, take_inodes


@pytest.mark.parametrize("spoil", [fill, take_inodes])
def test_a_full_disk_ends_no_worker(tmp_path, redis_url, spoil):
    with small_disk(tmp_path / "small") as disk:
        running = Service(disk, "--redis", redis_url)
        try:
            before = running.workers()
            spoil(disk)
            assert "SUCCESS" in running.ring("*97", "1234# #")
            assert running.workers() == before
            assert running.get("/metrics")[0] == 200
        finally:
            running.close()
