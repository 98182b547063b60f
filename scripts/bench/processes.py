"""What is measured, as processes, and what they use, looked at from outside."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from functools import cache
from itertools import product
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

from support.redis_servers import redis_server
from support.waiting import wait_until

from esl_vm.cli.settings_file import load_settings
from esl_vm.model.mailbox import MailboxId
from esl_vm.model.message import Caller, Message, new_id
from esl_vm.service.wiring import open_node, open_spoken_prompts
from esl_vm.sound.wav import wave
from esl_vm.speech.prepared import PreparedPack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

ROOT = Path(__file__).absolute().parents[2]
CORES = sorted(os.sched_getaffinity(0))
SERVED, OTHERS = {CORES[0]}, {CORES[-1]}
middle = statistics.median
Row = tuple[str, str, str]


class Meter:
    """CPU of processes between two moments, what a thread or a child does included; a reaped child's is gone."""

    def __init__(self, *pids: int) -> None:
        self._pids = pids
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
def running(*command: object, cores: set[int] = SERVED, **pipes: object) -> Iterator[subprocess.Popen[str]]:
    """A process on those cores, ended with the block."""
    pin = {"preexec_fn": lambda: os.sched_setaffinity(0, cores)}
    process = subprocess.Popen(list(map(str, command)), cwd=ROOT, text=True, stdout=subprocess.PIPE, **pin, **pipes)
    try:
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=30)


@contextlib.contextmanager
def contender(*words: object) -> Iterator[SimpleNamespace]:
    """A server of contenders.py: its port, and the pids that are `measured`."""
    with running(sys.executable, "-m", "bench.contenders", *words, stderr=subprocess.DEVNULL) as process:
        port = int(process.stdout.readline())
        wait_until(lambda: _answers(port), what="a contender that listens")
        yield SimpleNamespace(port=port, measured=[process.pid])


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


@contextlib.contextmanager
def serving(
    workers: int = 1, cores: set[int] = SERVED, *, web: bool = False, more: str = ""
) -> Iterator[SimpleNamespace]:
    """`esl-vm serve`, its workers on the core of those that are measured, with a Redis beside it, and its stores opened.

    more: further settings, TOML.
    What it yields: port, web_port; started_s: seconds until calls were taken; pids: redis, workers, web (its last
    process), measured (all of its own); node; folder.
    """
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="esl-vm-bench-")))
        redis = stack.enter_context(redis_server("--appendonly", "yes"))  # as an administrator would run it
        os.sched_setaffinity(redis.pid, OTHERS)
        (folder / "prompts").symlink_to(prompts())
        config, log = folder / "settings.toml", stack.enter_context((folder / "log").open("w"))
        config.write_text(
            f'data_dir = "{folder}"\nredis.url = "{redis.url}"\nservice = {{workers = {workers}, max_calls = 5000}}\n{more}'
        )
        began = time.perf_counter()
        command = [sys.executable, "-m", "esl_vm", "--config", config, "serve", "--listen", "127.0.0.1:0"]
        command += ["--web", "127.0.0.1:0"] if web else []
        process = stack.enter_context(running(*command, cores=cores, stderr=log))

        def says(pattern: str) -> int:
            for line in process.stdout:
                if found := re.search(pattern, line):
                    return int(found[1])
            raise RuntimeError(f"the service does not start:\n{Path(log.name).read_text()}")

        port, started_s = says(r"takes calls on \S+:(\d+)"), time.perf_counter() - began
        web_port = says(r"web +http://\S+:(\d+)") if web else 0
        children = list(map(int, Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()))
        yield SimpleNamespace(
            port=port, web_port=web_port, started_s=started_s, config=config, folder=folder, redis=redis.pid,
            workers=children[:workers], web=children[-1], measured=[process.pid, *children],
            node=stack.enter_context(open_node(load_settings(config, {}))),
        )  # fmt: skip


@cache
def prompts() -> Path:
    """The prompts, prepared: what a service does for its first minutes is no call's cost."""
    folder = Path(tempfile.mkdtemp(prefix="esl-vm-bench-prompts-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    pack = open_spoken_prompts(load_settings(None, {"data_dir": str(folder)}))
    for _ in pack.prepare_all() if isinstance(pack, PreparedPack) else ():
        pass
    (folder / "prompts").mkdir(exist_ok=True)
    return folder / "prompts"


def furnish(
    service: SimpleNamespace,
    boxes: Iterable[str],
    messages: int = 10,
    of: Callable[[int], dict[str, object]] = lambda _: {},
    sounds: int = 20,
) -> None:
    """Mailboxes with messages in New, or as `of` a message's number says; the first `sounds` of each have one."""
    node, sound = service.node, service.folder / "sound.wav"
    sound.write_bytes(wave(b"\x00\x20\x00\xe0" * 8000, 8000))
    for box, place in product((MailboxId(number, "default") for number in boxes), range(messages)):
        if not place:
            node.registry.add(box, {"name": "Alice Martin", "language": "fr"})
        at = time.time() - 3600 + place / 1000
        message = Message(new_id(at), Caller("5145550100", "Bob"), at, **{"duration_ms": 2000} | of(place))
        if place < sounds:
            node.audio.put(message.id, sound)
        node.mailboxes.deliver(box, message, even_if_full=True)


def run_load(cores: set[int] = OTHERS, **plan: object) -> dict[str, float]:
    """Have a plan of load.py carried out, from the other core or those given; returns what it saw."""
    with running(sys.executable, "-m", "bench.load", json.dumps(plan), cores=cores) as process:
        return json.loads(process.communicate(timeout=600)[0])


@contextlib.contextmanager
def hold_load(**plan: object) -> Iterator[None]:
    """Calls or streams, all of them held until the block ends."""
    with running(sys.executable, "-m", "bench.load", json.dumps(plan), cores=OTHERS, stdin=subprocess.PIPE) as process:
        if not process.stdout.readline():
            raise RuntimeError("not all of them are held")
        time.sleep(1)
        yield
