"""What the API takes: a list of a large mailbox, a sound's beginning, streams that are held."""

from __future__ import annotations

import contextlib
import json
import statistics
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from bench.processes import OTHERS, ROOT, Meter, Service, memory_kb, on
from esl_vm.cli.settings_file import load_settings
from esl_vm.model.mailbox import Folder, MailboxId
from esl_vm.model.rights import GRANTABLE, Reach
from esl_vm.service.wiring import open_node

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BOX = MailboxId("3000", "default")
_STREAMS = 1000


@contextlib.contextmanager
def _load(**plan: object) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "bench.web_load", json.dumps(plan)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    process = subprocess.Popen(command, **pipes, cwd=ROOT, **on(OTHERS))
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def web(furnish: Callable[..., None], rounds: int, seconds: float) -> Iterator[tuple[str, str, str]]:
    """A list of 50 of 10,000 messages at 200 requests a second, the web process on one core; sounds; 1,000 streams."""
    with Service(web=True) as service:
        furnish(service, [BOX.number], 10_000)
        with open_node(load_settings(service.settings, {})) as node:
            _, token = node.store.access.add_token("bench", GRANTABLE, Reach(everywhere=True))
            first = node.mailboxes.listed(BOX, Folder.NEW, newest=False, after=None, most=20)
            sounds = [message.id for message in first.messages]  # those that `furnish` gave one
        messages = f"/api/v1/mailboxes/{BOX}/messages"
        common = {"port": service.web_port, "token": token}
        pages = {"paths": [messages], **common}
        with _load(**pages, rate=50, seconds=2) as warm:
            warm.communicate()
        seen, costs = [], []
        for _ in range(rounds):
            meter = Meter([service.web])
            with _load(**pages, rate=200, seconds=seconds) as load:
                seen.append(json.loads(load.communicate()[0]))
            costs.append(1000 * meter.used_s() / seen[-1]["answers"])
        for name, wanted in (("p50", ""), ("p99", "< 15 ms")):
            median = statistics.median(one[f"whole_{name}_ms"] for one in seen)
            yield f"list of 50 of 10,000 messages, 200 requests a second: {name}", f"{median:.1f} ms", wanted
        yield "… CPU of the web process, each", f"{statistics.median(costs):.2f} ms", ""
        paths = [f"{messages}/{message_id}/sound" for message_id in sounds]
        with _load(**common, paths=paths, rate=20, seconds=2) as load:
            first = json.loads(load.communicate()[0])["first_p99_ms"]
        yield "a sound's first byte: p99", f"{first:.1f} ms", "< 50 ms"
        time.sleep(1)
        idle = memory_kb(service.web)
        with _load(**common, paths=[f"/api/v1/mailboxes/{BOX}/events"], hold=_STREAMS) as load:
            load.stdout.readline()
            time.sleep(1)
            held = memory_kb(service.web)
            load.communicate("\n")
        yield f"memory of an event stream, {_STREAMS:,} of them", f"{(held - idle) / _STREAMS:.1f} kB", "≤ 40 kB"
