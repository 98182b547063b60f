"""What the API takes: a list of a large mailbox, a sound's beginning, streams that are held."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING

from bench.processes import Meter, Service, hold_load, memory_kb, run_load
from esl_vm.cli.settings_file import load_settings
from esl_vm.model.mailbox import Folder, MailboxId
from esl_vm.model.rights import GRANTABLE, Reach
from esl_vm.service.wiring import open_node

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BOX = MailboxId("3000", "default")
_STREAMS = 1000


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
        run_load("web_load", **pages, rate=50, seconds=2)
        seen, costs = [], []
        for _ in range(rounds):
            meter = Meter([service.web])
            seen.append(run_load("web_load", **pages, rate=200, seconds=seconds))
            costs.append(1000 * meter.used_s() / seen[-1]["answers"])
        for name, wanted in (("p50", ""), ("p99", "< 15 ms")):
            median = statistics.median(one[f"whole_{name}_ms"] for one in seen)
            yield f"list of 50 of 10,000 messages, 200 requests a second: {name}", f"{median:.1f} ms", wanted
        yield "… CPU of the web process, each", f"{statistics.median(costs):.2f} ms", ""
        paths = [f"{messages}/{message_id}/sound" for message_id in sounds]
        first = run_load("web_load", **common, paths=paths, rate=20, seconds=2)["first_p99_ms"]
        yield "a sound's first byte: p99", f"{first:.1f} ms", "< 50 ms"
        time.sleep(1)
        idle = memory_kb(service.web)
        with hold_load("web_load", **common, paths=[f"/api/v1/mailboxes/{BOX}/events"], hold=_STREAMS):
            held = memory_kb(service.web)
        yield f"memory of an event stream, {_STREAMS:,} of them", f"{(held - idle) / _STREAMS:.1f} kB", "≤ 40 kB"
