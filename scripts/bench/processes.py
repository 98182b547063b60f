"""Contenders and the service as processes, and what they use, measured from outside."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

from esl_vm.store.embedded_server import find_server

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).absolute().parents[2]
CORES = sorted(os.sched_getaffinity(0))
SERVED, OTHERS = {CORES[0]}, {CORES[-1]}
_START_S = 30.0
_LOAD_S = 600.0
# The kernel's name for a process' CPU clock (clock_getcpuclockid(3)).
_CPU_CLOCK = 2


def cpu_s(pid: int) -> float:
    """Seconds of CPU, user's and kernel's, that a process has used in all its threads; 0 if it is gone."""
    try:
        return time.clock_gettime((~pid << 3) | _CPU_CLOCK)
    except OSError:
        return 0.0


def memory_kb(pid: int) -> int:
    """A process' own memory (private pages), kB."""
    found = re.findall(r"^Private_\w+: +(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
    return sum(map(int, found))


def children(pid: int) -> list[int]:
    """Its children, in the order in which they were made."""
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def on(core: set[int]) -> dict[str, object]:
    """Arguments of Popen for a process on that core."""
    path = f"{ROOT / 'scripts'}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    return {"preexec_fn": lambda: os.sched_setaffinity(0, core), "env": {**os.environ, "PYTHONPATH": path}}


class Contender:
    """A server of this folder, on the core of those that are measured.

    Args:
        module: its name. arguments: its own.
    """

    def __init__(self, module: str, *arguments: str) -> None:
        command = [sys.executable, "-m", f"bench.{module}", *arguments]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=ROOT, **on(SERVED)
        )
        self.port = int(self.process.stdout.readline())
        wait_for_port(self.port)
        self.measured = [self.process.pid]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.process.kill()
        self.process.wait()


class Redis:
    """A redis-server, on the core of those that are not measured; as an administrator would run it (append-only file)."""

    def __init__(self, folder: Path) -> None:
        program = find_server(None).executable
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        options = ["--bind", "127.0.0.1", "--dir", str(folder), "--save", "", "--appendonly", "yes"]
        self.process = subprocess.Popen(
            [str(program), "--port", str(self.port), *options], stdout=subprocess.DEVNULL, **on(OTHERS)
        )
        wait_for_port(self.port)

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait()


class Service:
    """`esl-vm serve`, its workers on the core of those that are measured (or on all), with a Redis beside it.

    Args:
        workers: how many. cores: where they run. settings: more of them, as TOML.

    Attributes:
        started_s: seconds from its start until it took calls.
        workers, measured: pids; of the processes that take calls, and of all of them.
    """

    def __init__(self, workers: int = 1, cores: set[int] | None = None, settings: str = "") -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="esl-vm-bench-"))
        self.redis = Redis(self.folder)
        self.settings = self.folder / "settings.toml"
        self.settings.write_text(
            f'data_dir = "{self.folder}"\n[redis]\nurl = "{self.redis.url}"\n[service]\nworkers = {workers}\n'
            f"max_calls = 5000\n{settings}"
        )
        self.log = self.folder / "service.log"
        began = time.perf_counter()
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "esl_vm", "--config", self.settings, "serve", "--listen", "127.0.0.1:0"],
                stdout=log, stderr=log, cwd=ROOT, **on(cores or SERVED),
            )  # fmt: skip
        while not (found := re.search(r"takes calls on \S+:(\d+)", self.log.read_text())):
            if self.process.poll() is not None or time.perf_counter() > began + _START_S:
                said = self.log.read_text()
                self.stop()
                raise RuntimeError(f"the service does not start:\n{said}")
            time.sleep(0.005)
        self.started_s = time.perf_counter() - began
        self.port = int(found[1])
        self.workers = children(self.process.pid)[:workers]
        self.measured = [self.process.pid, *children(self.process.pid)]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Stop the service and its Redis; nothing is left of them."""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            for pid in [*children(self.process.pid), self.process.pid]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.process.wait()
        self.redis.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def wait_for_port(port: int) -> None:
    """Wait until something listens there."""
    until = time.monotonic() + _START_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.02)
        else:
            return


def run_load(cores: set[int] = OTHERS, **plan: object) -> dict[str, float]:
    """Have the calls of a plan made (load.Plan), from the other core or those given; returns what the load saw."""
    with hold_load(cores, **plan) as process:
        return json.loads(process.communicate(timeout=_LOAD_S)[0].splitlines()[-1])


@contextlib.contextmanager
def hold_load(cores: set[int] = OTHERS, **plan: object) -> Iterator[subprocess.Popen[str]]:
    """The process that makes the calls of a plan; ended with the block."""
    command = [sys.executable, "-m", "bench.load", json.dumps({"host": "127.0.0.1", **plan})]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True, cwd=ROOT, **on(cores))
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
