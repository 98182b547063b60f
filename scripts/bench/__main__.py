"""`make bench`: measure, print a table, write it to bench-out/performance.md. Fails on errors, never on numbers.

make bench                                    everything, about six minutes
make bench BENCH="--only latency --quick"     one part of it (--help tells which), short rounds
"""

from __future__ import annotations

import argparse
import contextlib
import os
import statistics
import subprocess
import sys
import time
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

from bench.page import page
from bench.processes import CORES, ROOT, Meter, Service, contender, hold_load, memory_kb, run_load
from bench.search import search
from bench.web import web
from esl_vm.cli.settings_file import load_settings
from esl_vm.model.mailbox import Folder, MailboxId
from esl_vm.model.message import Caller, Message, new_id
from esl_vm.service.wiring import open_node
from esl_vm.sound.wav import wave

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import SimpleNamespace

    Row = tuple[str, str, str]

SERVICE_EVENTS = "CHANNEL_EXECUTE_COMPLETE DTMF CHANNEL_HANGUP"
STEPS = 20
# In the mailbox's menu: 0 for its options, * back, and so on; # and the goodbye to its end.
MENU_KEYS = "0*" * (STEPS // 2 - 1) + "#-"
# 1, then for each of nine messages the envelope to its end, 6 in its sound for the next one; the last one to its end; # in
# the menu; the goodbye to its end.
MESSAGE_KEYS = "1" + "-6" * 8 + "--#-"
FIRST_MESSAGE = "1--#-"
MAILBOXES = tuple(str(number) for number in range(2001, 2021))
NO_PIN = {"variables": {"vm_skip_pin": "true", "domain_name": "default"}}
MENUS = {"keys": MENU_KEYS, **NO_PIN, "boxes": MAILBOXES}
FULL = {"fast": True, "think_s": (0, 0), "at_once": 40}
PACES = {"back to back": FULL, "at callers' pace": {"at_once": 40}}


def furnish(
    service: Service, boxes: Iterable[str] = MAILBOXES, messages: int = 10, folder: Folder = Folder.NEW
) -> None:
    """Mailboxes with messages in New, or heard ones in another folder; the first 20 of each have a sound."""
    sound = service.folder / "sound.wav"
    sound.write_bytes(wave(b"\x00\x20\x00\xe0" * 8000, 8000))
    heard = folder is not Folder.NEW
    with open_node(load_settings(service.settings, {})) as node:
        for box, place in product((MailboxId(number, "default") for number in boxes), range(messages)):
            if not place:
                node.registry.add(box, {"name": "Alice Martin", "language": "fr"})
            at = time.time() - 3600 + place / 1000
            message = Message(new_id(at), Caller("5145550100", "Bob"), at, duration_ms=2000, folder=folder, heard=heard)
            if place < 20:
                node.audio.put(message.id, sound)
            node.mailboxes.deliver(box, message, even_if_full=True)


def cost_us(served: SimpleNamespace | Service, calls: int, **plan: object) -> float:
    """Microseconds of CPU for each application run."""
    meter = Meter(served.measured)
    seen = run_load(port=served.port, calls=calls, **plan)
    if seen["calls"] != calls:
        raise RuntimeError(f"{seen['calls']} of {calls} calls came to their end")
    return 1e6 * meter.used_s() / seen["applications"]


def applications(rounds: int, calls: int) -> Iterator[Row]:
    """CPU of an application run, contender by contender, round by round, back to back and at a caller's pace."""
    found: dict[tuple[str, str], list[float]] = {}
    with contextlib.ExitStack() as stack:
        service = stack.enter_context(Service())
        furnish(service)
        flat = {"keys": "5" * STEPS}
        green = stack.enter_context(contender("greenswitch_application", STEPS))
        floors = [
            stack.enter_context(contender("floor", f"{more}{SERVICE_EVENTS}", STEPS))
            for more in ("", "CHANNEL_EXECUTE ")
        ]
        contenders = {
            "floor, the service's events": (floors[0], flat),
            "floor": (floors[1], flat),
            "greenswitch": (green, flat),
            "menus": (service, MENUS),
            "messages": (service, MENUS | {"keys": MESSAGE_KEYS}),
        }
        for turn, (name, (served, plan)), pace in product(range(-1, rounds), contenders.items(), PACES):
            cost = cost_us(served, calls // (1 if PACES[pace] is FULL else 4), **PACES[pace], **plan)
            if turn >= 0:  # the first one warms up
                found.setdefault((pace, name), []).append(cost)
                print(f"    {pace:17} {name:28} {cost:7.1f} µs", flush=True)
    for pace in PACES:
        medians = {name: statistics.median(found[pace, name]) for name in contenders}
        yield from ((f"CPU an application, {pace}: {name}", f"{cost:.0f} µs", "") for name, cost in medians.items())
        yield "… menus / floor", f"{medians['menus'] / medians['floor']:.2f}", "≤ 2, back to back"
        yield "… greenswitch / menus", f"{medians['greenswitch'] / medians['menus']:.1f}", "≥ 4, back to back"


def latency(rounds: int, seconds: float) -> Iterator[Row]:
    """From a key's event written to the next execute read: 500 calls, together 100 keys a second."""
    plan = {**MENUS, "keys": "0*", "cycle": True, "calls": 500, "at_once": 500, "think_s": (0.1, 9.7)}
    with Service() as service:
        furnish(service)
        seen = [run_load(port=service.port, seconds=seconds, **plan) for _ in range(rounds)]
    for name, wanted in (("p50", "< 1 ms"), ("p99", "< 5 ms")):
        median = statistics.median(one[f"{name}_ms"] for one in seen)
        yield f"key to next command, 500 calls, 100 keys a second: {name}", f"{median:.2f} ms", wanted


def memory(calls: int) -> Iterator[Row]:
    """A worker's own memory for each of so many calls that are held in the menu; and what stays after them, and after more."""
    with Service() as service:
        furnish(service)
        plan = {**MENUS, "keys": "0*", "port": service.port}
        run_load(calls=50, at_once=10, cycle=True, seconds=2, **plan)
        time.sleep(1)
        sizes = [memory_kb(service.workers[0])]
        with hold_load(calls=calls, at_once=calls, hold=True, **plan):
            held = memory_kb(service.workers[0])
        for _ in range(2):
            run_load(port=service.port, calls=2 * calls, **FULL, **MENUS)
            time.sleep(1)
            sizes.append(memory_kb(service.workers[0]))
    yield f"memory of a held call, {calls:,} of them", f"{(held - sizes[0]) / calls:.1f} kB", "≤ 60 kB"
    told = "; ".join(f"{size / 1024:.0f} MB" for size in sizes)
    yield f"a worker: idle; after {3 * calls:,} calls; after {5 * calls:,}", told, "no growth"


def large_mailbox(rounds: int, calls: int) -> Iterator[Row]:
    """CPU, the service's and Redis' together, of a call up to its first message: 10,000 messages and 10.

    In Old and heard before: then a visit leaves everything as it was, and all visits are the same.
    """
    costs: dict[int, list[float]] = {10: [], 10_000: []}
    with Service() as service:
        for messages in costs:
            furnish(service, [str(messages)], messages, Folder.OLD)
        for turn, messages in product(range(rounds + 1), costs):
            meter = Meter([*service.measured, service.redis])
            run_load(port=service.port, keys=FIRST_MESSAGE, boxes=[str(messages)], calls=calls, **NO_PIN, **FULL)
            costs[messages] += [meter.used_s()] if turn else []
    ratio = statistics.median(costs[10_000]) / statistics.median(costs[10])
    yield "CPU up to the first message, 10,000 messages / 10", f"{ratio:.2f}", "≤ 1.2"


def workers(rounds: int, calls: int) -> Iterator[Row]:
    """How much more two workers carry on two cores than one does.

    The load needs a core too, and there may be no third: so it is not the throughput that is compared, but what an
    application costs. That depends on how full a worker is, so two have twice the calls of one. The one that has more to
    do is full first: two carry (cost with one / cost with two) / (larger share) times what one does.
    """
    found: dict[tuple[str, int], list[tuple[float, float]]] = {}
    cores = {*CORES}
    with contextlib.ExitStack() as stack:
        services = {number: stack.enter_context(Service(number, cores)) for number in (1, 2)}
        for service in services.values():
            furnish(service)
            run_load(cores=cores, port=service.port, calls=60, **MENUS, **FULL)
        for _, pace, (number, service) in product(range(rounds), PACES, services.items()):
            at_once = number * (calls if PACES[pace] is FULL else calls // 2)
            meters = [Meter([pid]) for pid in service.workers]
            plan = {**MENUS, **PACES[pace], "at_once": at_once, "calls": 2 * at_once}
            seen = run_load(cores=cores, port=service.port, **plan)
            used = [meter.used_s() for meter in meters]
            found.setdefault((pace, number), []).append((sum(used) / seen["applications"], max(used) / sum(used)))
    for pace in PACES:
        (one, _), (two, share) = (map(statistics.median, zip(*found[pace, number], strict=True)) for number in services)
        yield f"two workers carry, times one, {pace}", f"{one / two / share:.2f}", "≥ 1.7"
        yield "… the larger share of the work", f"{100 * share:.0f} %", ""


def start() -> Iterator[Row]:
    """Seconds until calls are taken, CPU of an idle service, and of commands."""
    starts = []
    for _ in range(3):
        with Service() as service:
            starts.append(service.started_s)
    yield "start until calls are taken", f"{statistics.median(starts):.2f} s", "< 1 s"
    with Service() as service:
        time.sleep(3)
        meters = {"an idle worker": Meter(service.workers), "all processes": Meter(service.measured)}
        time.sleep(10)
        yield from ((f"CPU of {name}", f"{10 * meter.used_s():.2f} %", "") for name, meter in meters.items())
        for words, wanted in (("--help", "≤ 0.15 s"), ("mailbox list", "≤ 0.35 s")):
            command = [sys.executable, "-m", "esl_vm", "--config", service.settings, *words.split()]
            used = []
            for _ in range(5):
                process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
                usage = os.wait4(process.pid, 0)[2]
                used.append(usage.ru_utime + usage.ru_stime)
            yield f"CPU of esl-vm {words}", f"{statistics.median(used):.2f} s", wanted


def main() -> None:
    """Measure, and say it."""
    quick = "--quick" in sys.argv
    rounds, calls = (3, 100) if quick else (5, 400)
    work = {
        "applications": lambda: applications(rounds, calls),
        "latency": lambda: latency(rounds - 2, 5 * rounds),
        "memory": lambda: memory(1000),
        "large-mailbox": lambda: large_mailbox(rounds, calls),
        "workers": lambda: workers(rounds, calls),
        "start": start,
        "web": lambda: web(furnish, rounds - 2, 2 * rounds),
        "page": lambda: page(furnish, rounds),
        "search": lambda: search(100 if quick else 1000, 100 * rounds),
    }
    parser = argparse.ArgumentParser("make bench", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--only", choices=work, action="append", help="measure only this (may be repeated)")
    parser.add_argument("--quick", action="store_true", help="short rounds")
    parser.add_argument("--out", type=Path, default=ROOT / "bench-out", help="folder for the table")
    given = parser.parse_args()
    lines = ["| what | measured | wanted |", "|---|---|---|"]
    for name in given.only or work:
        print(f"{name} …", flush=True)
        lines += [f"| {' | '.join(row)} |" for row in work[name]()]
    given.out.mkdir(parents=True, exist_ok=True)
    (given.out / "performance.md").write_text("\n".join(lines) + "\n")
    print("\n".join(["", *lines, "", f"written to {given.out}"]))


if __name__ == "__main__":
    main()
