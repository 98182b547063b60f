"""Contenders and the service as processes, and what they use, measured from outside."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

from esl_vm.store.embedded_server import find_server

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ROOT = Path(__file__).absolute().parents[2]
CORES = sorted(os.sched_getaffinity(0))
SERVED, OTHERS = {CORES[0]}, {CORES[-1]}
_START_S = 30.0


def cpu_s(pid: int) -> float:
    """Seconds of CPU that a process has used in all its threads, by the kernel's clock of it (clock_getcpuclockid(3))."""
    try:
        return time.clock_gettime((~pid << 3) | 2)
    except OSError:
        return 0.0


class Meter:
    """CPU of processes between two moments, what a thread or a child does included."""

    def __init__(self, pids: Iterable[int]) -> None:
        self._pids = tuple(pids)
        self._before = sum(map(cpu_s, self._pids))

    def used_s(self) -> float:
        return sum(map(cpu_s, self._pids)) - self._before


def memory_kb(pid: int) -> int:
    """A process' own memory (private pages), kB."""
    found = re.findall(r"^Private_\w+: +(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
    return sum(map(int, found))


def on(cores: set[int]) -> dict[str, object]:
    """Arguments of Popen for a process on those cores."""
    return {
        "preexec_fn": lambda: os.sched_setaffinity(0, cores),
        "env": {**os.environ, "PYTHONPATH": str(ROOT / "scripts")},
    }


class Contender:
    """A server of this folder, on the core of those that are measured.

    Args:
        module: its name. arguments: its own.
    """

    def __init__(self, module: str, *arguments: str) -> None:
        command = [sys.executable, "-m", f"bench.{module}", *arguments]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen(command, **pipes, cwd=ROOT, **on(SERVED))
        self.port = int(self.process.stdout.readline())
        _wait_for(self.port)
        self.measured = [self.process.pid]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.process.kill()
        self.process.wait()


class Redis:
    """A redis-server, on the core of those that are not measured; as an administrator would run it (append-only file)."""

    def __init__(self, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        options = ["--bind", "127.0.0.1", "--dir", folder, "--save", "", "--appendonly", "yes", "--port", str(port)]
        command = [find_server(None).executable, *options]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, **on(OTHERS))
        _wait_for(port)
        self.url = f"redis://127.0.0.1:{port}/0"


class Service:
    """`esl-vm serve`, its workers on the core of those that are measured (or on all), with a Redis beside it.

    Attributes:
        started_s: seconds from its start until it took calls.
        workers, measured: pids; of the processes that take calls, and of all of them.
        web, web_port: the web process' pid and port, where there is one.
    """

    def __init__(self, workers: int = 1, cores: set[int] = SERVED, *, web: bool = False) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="esl-vm-bench-"))
        self.redis = Redis(self.folder)
        self.settings = self.folder / "settings.toml"
        self.settings.write_text(
            f'data_dir = "{self.folder}"\n[redis]\nurl = "{self.redis.url}"\n'
            f"[service]\nworkers = {workers}\nmax_calls = 5000\n"
        )
        log = self.folder / "service.log"
        began = time.perf_counter()
        command = [sys.executable, "-m", "esl_vm", "--config", self.settings, "serve", "--listen", "127.0.0.1:0"]
        command += ["--web", "127.0.0.1:0"] if web else []
        with log.open("w") as file:
            self.process = subprocess.Popen(command, stdout=file, stderr=file, cwd=ROOT, **on(cores))
        while not (found := re.search(r"takes calls on \S+:(\d+)", log.read_text())):
            if self.process.poll() is not None or time.perf_counter() > began + _START_S:
                raise RuntimeError(f"the service does not start:\n{log.read_text()}")
            time.sleep(0.005)
        self.started_s = time.perf_counter() - began
        self.port = int(found[1])
        pid = self.process.pid
        children = [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        self.workers, self.measured = children[:workers], [pid, *children]
        if web:
            self.web = children[-1]
            self.web_port = int(re.search(r"web +http://\S+:(\d+)/", log.read_text())[1])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        for process in (self.process, self.redis.process):
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def _wait_for(port: int) -> None:
    until = time.monotonic() + _START_S
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.02)


def run_load(cores: set[int] = OTHERS, **plan: object) -> dict[str, float]:
    """Have the calls of a plan made (load.Plan), from the other core or those given; returns what the load saw."""
    with hold_load(cores, **plan) as process:
        return json.loads(process.communicate(timeout=600)[0].splitlines()[-1])


@contextlib.contextmanager
def hold_load(cores: set[int] = OTHERS, **plan: object) -> Iterator[subprocess.Popen[str]]:
    """The process that makes the calls of a plan; ended with the block."""
    command = [sys.executable, "-m", "bench.load", json.dumps(plan)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    process = subprocess.Popen(command, **pipes, cwd=ROOT, **on(cores))
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
