"""Contenders and the service as processes, and what they use, measured from outside."""

from __future__ import annotations

import atexit
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
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

from esl_vm.cli.settings_file import load_settings
from esl_vm.service.wiring import open_spoken_prompts
from esl_vm.speech.prepared import PreparedPack
from esl_vm.store.embedded_server import find_server

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ROOT = Path(__file__).absolute().parents[2]
CORES = sorted(os.sched_getaffinity(0))
SERVED, OTHERS = {CORES[0]}, {CORES[-1]}
_START_S = 30.0


class Meter:
    """CPU of processes between two moments, what a thread or a child does included; a reaped child's is gone."""

    def __init__(self, pids: Iterable[int]) -> None:
        self._pids = tuple(pids)
        self._before = self._now()

    def used_s(self) -> float:
        return self._now() - self._before

    def _now(self) -> float:
        return sum(time.clock_gettime((~pid << 3) | 2) for pid in self._pids)  # clock_getcpuclockid(3)


def memory_kb(pid: int) -> int:
    """A process' own memory (private pages), kB."""
    found = re.findall(r"^Private_\w+: +(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
    return sum(map(int, found))


@contextlib.contextmanager
def running(*command: object, cores: set[int], **pipes: object) -> Iterator[subprocess.Popen[str]]:
    """A process on those cores, ended with the block."""
    pin = {"preexec_fn": lambda: os.sched_setaffinity(0, cores)}
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "scripts")}
    process = subprocess.Popen(list(map(str, command)), cwd=ROOT, env=environment, text=True, **pin, **pipes)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.contextmanager
def contender(module: str, *arguments: object) -> Iterator[SimpleNamespace]:
    """A server of this folder, on the core of those that are measured: its port, and the pids that are `measured`."""
    command = (sys.executable, "-m", f"bench.{module}", *arguments)
    with running(*command, cores=SERVED, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        port = int(process.stdout.readline())
        _wait_for(port)
        yield SimpleNamespace(port=port, measured=[process.pid])


class Service(contextlib.ExitStack):
    """`esl-vm serve`, its workers on the core of those that are measured (or on all), with a Redis beside it.

    Attributes:
        started_s: seconds from its start until it took calls.
        workers, measured: pids; of the processes that take calls, and of all of them. redis: the Redis' pid.
        web, web_port: the web process' pid and port, where there is one.
    """

    def __init__(self, workers: int = 1, cores: set[int] = SERVED, *, web: bool = False) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="esl-vm-bench-"))
        self.callback(shutil.rmtree, self.folder, ignore_errors=True)
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        # As an administrator would run it: with an append-only file.
        options = ("--bind", "127.0.0.1", "--dir", self.folder, "--save", "", "--appendonly", "yes", "--port", port)
        redis = running(find_server(None).executable, *options, cores=OTHERS, stdout=subprocess.DEVNULL)
        self.redis = self.enter_context(redis).pid
        _wait_for(port)
        (self.folder / "prompts").symlink_to(prompts())
        self.settings = self.folder / "settings.toml"
        self.settings.write_text(
            f'data_dir = "{self.folder}"\n[redis]\nurl = "redis://127.0.0.1:{port}/0"\n'
            f"[service]\nworkers = {workers}\nmax_calls = 5000\n"
        )
        log, began = self.folder / "service.log", time.perf_counter()
        command = [sys.executable, "-m", "esl_vm", "--config", self.settings, "serve", "--listen", "127.0.0.1:0"]
        command += ["--web", "127.0.0.1:0"] if web else []
        with log.open("w") as file:
            process = self.enter_context(running(*command, cores=cores, stdout=file, stderr=file))
        while not (found := re.search(r"takes calls on \S+:(\d+)", log.read_text())):
            if process.poll() is not None or time.perf_counter() > began + _START_S:
                said = log.read_text()
                self.close()
                raise RuntimeError(f"the service does not start:\n{said}")
            time.sleep(0.005)
        self.started_s = time.perf_counter() - began
        self.port = int(found[1])
        pid = process.pid
        children = [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        self.workers, self.measured = children[:workers], [pid, *children]
        if web:
            self.web = children[-1]
            self.web_port = int(re.search(r"web +http://\S+:(\d+)/", log.read_text())[1])


@cache
def prompts() -> Path:
    """The prompts, prepared: what a service does for its first minutes is no call's cost."""
    folder = Path(tempfile.mkdtemp(prefix="esl-vm-bench-prompts-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    pack = open_spoken_prompts(load_settings(None, {"data_dir": str(folder)}))
    if isinstance(pack, PreparedPack):
        for _ in pack.prepare_all():
            pass
    (folder / "prompts").mkdir(exist_ok=True)
    return folder / "prompts"


def _wait_for(port: int) -> None:
    until = time.monotonic() + _START_S
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.02)


def run_load(module: str = "load", cores: set[int] = OTHERS, **plan: object) -> dict[str, float]:
    """Have a plan carried out (load.Plan, web_load.Plan), from the other core or those given; returns what it saw."""
    with hold_load(module, cores, **plan) as process:
        return json.loads(process.communicate(timeout=600)[0].splitlines()[-1])


@contextlib.contextmanager
def hold_load(module: str = "load", cores: set[int] = OTHERS, **plan: object) -> Iterator[subprocess.Popen[str]]:
    """The process that carries out a plan, when all of it is held; it ends with the block."""
    command = (sys.executable, "-m", f"bench.{module}", json.dumps(plan))
    with running(*command, cores=cores, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        if plan.get("hold"):
            process.stdout.readline()
            time.sleep(1)
        yield process
        if plan.get("hold"):
            process.communicate("\n")
