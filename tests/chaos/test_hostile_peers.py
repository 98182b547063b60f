"""Peers that mean no good, and ten thousand connections at once, while others leave their messages."""

import os
import re
import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest
from chaos import load
from chaos.hostile import KINDS
from support.redis_servers import redis_server
from support.waiting import wait_until

from esl_vm.esl.server import MOST_WAITING

CALLERS = 20
MB = 1 << 20
MOST_GROWTH_MB = 150
"""What a worker may hold more than before: 256 pending connections with a header block of 256 KiB each and 768 with 32 KiB are 88 MB."""


class Attack:
    """Hostile peers in a process of their own."""

    def __init__(self, address, seconds, *, each=0, crowd=0):
        words = [f"{address[0]}:{address[1]}", "--seconds", seconds, "--each", each, "--crowd", crowd]
        tests = Path(__file__).parents[1]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "chaos.hostile", *map(str, words)],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(tests)},
        )

    def made(self):
        """Wait for its end; how many connections it made, by kind."""
        told, _ = self._process.communicate(timeout=100)
        return {kind: int(count) for kind, count in re.findall(r"(\S+)=(\d+)", told)}

    def close(self):
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        self._process.stdout.close()


@pytest.fixture
def attack():
    begun = []

    def begin(*words, **options):
        begun.append(Attack(*words, **options))
        return begun[-1]

    yield begin
    for one in begun:
        one.close()


@pytest.fixture
def store():
    with redis_server("--appendonly", "yes") as server:
        store = load.furnish(server.url)
        store.url = server.url
        yield store
        store.close()


@pytest.fixture
def service(store, tmp_path):
    with load.service(store.url, tmp_path, workers=2) as (address, process):
        process.address = address
        process.log = tmp_path / "serve.log"
        yield process


def processes_of(service):
    return [int(pid) for pid in Path(f"/proc/{service.pid}/task/{service.pid}/children").read_text().split()]


def resident(pid):
    """Bytes of memory a process has."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize()


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


class Watched:
    """What the workers hold, from before to the most they ever did."""

    def __init__(self, service):
        self.before = {pid: resident(pid) for pid in processes_of(service)}
        self.files_before = {pid: descriptors(pid) for pid in self.before}
        self.most = dict(self.before)
        self.files_most = dict(self.files_before)

    def look(self):
        for pid in self.before:
            self.most[pid] = max(self.most[pid], resident(pid))
            self.files_most[pid] = max(self.files_most[pid], descriptors(pid))

    def growth_mb(self):
        return max(self.most[pid] - self.before[pid] for pid in self.before) / MB


class Callers:
    """Twenty callers, who leave messages one after the other. Everybody has a number of their own."""

    def __init__(self, service, store):
        self._service, self._store = service, store
        self.told = load.Told()

    def call(self, seconds, watched=None):
        """Let them call for so long, and hold what they heard against what lies in the mailboxes."""
        looks = [(second / 2, watched.look) for second in range(1, int(seconds * 2))] if watched else []
        calling = load.Load(self._service.address, CALLERS, seconds, talk=2.5)
        calling.told = self.told
        calling.run(looks)
        verdict = load.look(self._store, self.told)
        assert self.told.refused == 0
        assert verdict.lost == verdict.doubled == verdict.from_nowhere == []
        assert len(self.told.saved) == self.told.begun, verdict.text()
        return verdict


@pytest.fixture
def callers(service, store):
    return Callers(service, store)


def connections(service):
    """How many connections with the service's port are up, in the kernel's own list."""
    here = f":{service.address[1]:04X}"
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(local.endswith(here) and state == "01" for _, local, _, state, *_ in lines)


@pytest.mark.parametrize(
    ("each", "crowd", "seconds"), [(2, 1500, 2), pytest.param(12, 10_000, 9, marks=pytest.mark.slow)]
)
def test_thousands_of_connections_and_every_kind_of_hostile_peer_harm_nobody(
    service, callers, attack, each, crowd, seconds
):
    began = time.monotonic()
    callers.call(1)  # what is loaded with the first calls is loaded
    watched = Watched(service)
    hostile, many = attack(service.address, seconds, each=each), attack(service.address, seconds, crowd=crowd)
    verdict = callers.call(seconds, watched)
    made = hostile.made() | many.made()
    print(
        f"{verdict.text()}\n{made}\na worker grew by {watched.growth_mb():.0f} MB at most, had "
        f"{max(watched.files_most.values())} files open at most; the log has {service.log.stat().st_size / 1024:.0f} KiB"
    )
    assert made["crowd"] == crowd
    assert all(made[one.__name__] >= each for one in KINDS)
    assert watched.growth_mb() < MOST_GROWTH_MB
    assert max(watched.files_most.values()) < MOST_WAITING + 256
    assert processes_of(service) == list(watched.before), "none has died"
    wait_until(lambda: connections(service) == 0, what="the connections being closed")
    log = service.log.read_text()
    assert "Traceback" not in log
    minutes = 1 + (time.monotonic() - began) // 60
    assert log.count("no call from") <= 3 * 2 * 10 * minutes, "each of two workers tells of ten a minute"
    callers.call(1)
