"""A service that runs for real, looked at from outside; and stores on a real Redis."""

import time

import pytest
from support.clocks import Clock
from support.redis_servers import PATIENT
from support.served import Service


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    running = Service(tmp_path_factory.mktemp("service"), "--workers", "2")
    yield running
    running.close()


@pytest.fixture
def redis_url(empty_redis):
    """For each test with nothing in it: messages that another left without their sounds keep a service from starting."""
    return empty_redis.url


@pytest.fixture
def however_slow(monkeypatch):
    """Doctor finds nothing about a Redis that answers late: this machine may be busy."""
    monkeypatch.setattr("esl_vm.ops.check_redis.SLOW_MS", 1e6)
    monkeypatch.setattr("esl_vm.ops.check_redis.SKEW_S", 1e6)


@pytest.fixture
def clock():
    return Clock(time.time())


@pytest.fixture
def make_store(redis_url, clock):
    """Stores on one empty Redis: `make_store()`."""
    from esl_vm.store.connect import connect
    from esl_vm.store.store import Store

    made = []

    def make(**more):
        made.append(Store(connect(redis_url, PATIENT), clock=clock, **more))
        return made[-1]

    yield make
    for store in made:
        store.close()
