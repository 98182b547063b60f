"""`make bench`: measure, print a table, write it to bench-out/performance.md. Fails on errors, never on numbers.

make bench                                    everything, about six minutes
make bench BENCH="--only latency --quick"     one of: applications latency memory large-mailbox workers start web page search; short rounds
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
import subprocess
import sys
import time
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

from bench.page import page
from bench.processes import CORES, ROOT, Contender, Meter, Service, hold_load, memory_kb, on, run_load
from bench.search import search
from bench.web import web
from esl_vm.cli.settings_file import load_settings
from esl_vm.model.mailbox import Folder, MailboxId
from esl_vm.model.message import Caller, Message, new_id
from esl_vm.service.wiring import open_node
from esl_vm.sound.wav import wave

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    Row = tuple[str, str, str]

SERVICE_EVENTS = "CHANNEL_EXECUTE_COMPLETE DTMF CHANNEL_HANGUP"
STEPS = 20
# In the mailbox's menu: 0 for its options, * back, and so on; # and the goodbye to its end.
MENU_KEYS = "0*" * (STEPS // 2 - 1) + "#-"
# 1, then for each of nine messages the envelope to its end, 6 in its sound for the next one; the last one to its end; # in
# the menu; the goodbye to its end.
MESSAGE_KEYS = "1" + "-6" * 8 + "--#-"
FIRST_MESSAGE = "1--#-"
NO_PIN = {"vm_skip_pin": "true", "domain_name": "default"}
MAILBOXES = tuple(str(number) for number in range(2001, 2021))
MENUS = {"keys": MENU_KEYS, "variables": NO_PIN, "boxes": MAILBOXES}
PACES = {"back to back": {"fast": True, "think_s": (0, 0), "at_once": 40}, "at callers' pace": {"at_once": 40}}


def furnish(
    service: Service, boxes: Iterable[str] = MAILBOXES, messages: int = 10, folder: Folder = Folder.NEW
) -> None:
    """Mailboxes with messages in New, or heard ones in another folder; the first 20 of each have a sound."""
    sound = service.folder / "sound.wav"
    sound.write_bytes(wave(b"\x00\x20\x00\xe0" * 8000, 8000))
    with open_node(load_settings(service.settings, {})) as node:
        for box in (MailboxId(number, "default") for number in boxes):
            node.registry.add(box, {"name": "Alice Martin", "language": "fr"})
            for place in range(messages):
                at = time.time() - 3600 + place / 1000
                heard = folder is not Folder.NEW
                message = Message(
                    new_id(at), Caller("5145550100", "Bob"), at, duration_ms=2000, folder=folder, heard=heard
                )
                if place < 20:
                    node.audio.put(message.id, sound)
                node.mailboxes.deliver(box, message, even_if_full=True)


def cost_us(contender: Contender | Service, calls: int, **plan: object) -> float:
    """Microseconds of CPU for each application run."""
    meter = Meter(contender.measured)
    seen = run_load(port=contender.port, calls=calls, **plan)
    if seen["calls"] != calls:
        raise RuntimeError(f"{seen['calls']} of {calls} calls came to their end")
    return 1e6 * meter.used_s() / seen["applications"]


def applications(rounds: int, calls: int) -> Iterator[Row]:
    """CPU of an application run, contender by contender, round by round, back to back and at a caller's pace."""
    found: dict[tuple[str, str], list[float]] = {}
    with contextlib.ExitStack() as stack:
        floor = stack.enter_context(Contender("floor", SERVICE_EVENTS, str(STEPS)))
        floor_all = stack.enter_context(Contender("floor", f"CHANNEL_EXECUTE {SERVICE_EVENTS}", str(STEPS)))
        green = stack.enter_context(Contender("greenswitch_application", str(STEPS)))
        service = stack.enter_context(Service())
        furnish(service)
        flat = {"keys": "5" * STEPS}
        contenders = {
            "floor, the service's events": (floor, flat),
            "floor": (floor_all, flat),
            "greenswitch": (green, flat),
            "menus": (service, MENUS),
            "messages": (service, {**MENUS, "keys": MESSAGE_KEYS}),
        }
        for turn, (name, (contender, plan)), pace in product(range(-1, rounds), contenders.items(), PACES):
            share = 1 if pace == "back to back" else 4
            cost = cost_us(contender, calls // share, **PACES[pace], **plan)
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
    with Service() as service:
        furnish(service)
        plan = {**MENUS, "keys": "0*", "cycle": True, "calls": 500, "at_once": 500, "think_s": (0.1, 9.7)}
        seen = [run_load(port=service.port, seconds=seconds, **plan) for _ in range(rounds)]
    for name, wanted in (("p50", "< 1 ms"), ("p99", "< 5 ms")):
        median = statistics.median(one[f"{name}_ms"] for one in seen)
        yield f"key to next command, 500 calls, 100 keys a second: {name}", f"{median:.2f} ms", wanted


def memory(calls: int) -> Iterator[Row]:
    """A worker's own memory for each of so many calls that are held in the menu; and what stays after them, and after more."""
    with Service() as service:
        furnish(service)
        worker = service.workers[0]
        plan = {**MENUS, "keys": "0*", "port": service.port}
        run_load(calls=50, at_once=10, cycle=True, seconds=2, **plan)
        time.sleep(1)
        idle = memory_kb(worker)
        with hold_load(calls=calls, at_once=calls, hold=True, **plan) as load:
            load.stdout.readline()
            time.sleep(1)
            held = memory_kb(worker)
            load.communicate("\n")
        sizes = []
        for _ in range(2):
            run_load(port=service.port, calls=2 * calls, **PACES["back to back"], **MENUS)
            time.sleep(1)
            sizes.append(memory_kb(worker) / 1024)
    yield f"memory of a held call, {calls:,} of them", f"{(held - idle) / calls:.1f} kB", "≤ 60 kB"
    yield f"a worker: idle; after {3 * calls:,} calls; after {5 * calls:,}", "; ".join(
        f"{size:.0f} MB" for size in (idle / 1024, *sizes)
    ), "no growth"  # fmt: skip


def large_mailbox(rounds: int, calls: int) -> Iterator[Row]:
    """CPU, the service's and Redis' together, of a call up to its first message: 10,000 messages and 10.

    In Old and heard before: then a visit leaves everything as it was, and all visits are the same.
    """
    costs: dict[str, list[float]] = {"3010": [], "3000": []}
    with Service() as service:
        furnish(service, ["3010"], 10, Folder.OLD)
        furnish(service, ["3000"], 10_000, Folder.OLD)
        for turn, box in product(range(rounds + 1), costs):
            meter = Meter([*service.measured, service.redis.process.pid])
            plan = {"keys": FIRST_MESSAGE, "variables": NO_PIN, "boxes": [box], "calls": calls}
            run_load(port=service.port, **plan, **PACES["back to back"])
            if turn:
                costs[box].append(meter.used_s())
    ratio = statistics.median(costs["3000"]) / statistics.median(costs["3010"])
    yield "CPU up to the first message, 10,000 messages / 10", f"{ratio:.2f}", "≤ 1.2"


def workers(rounds: int, calls: int) -> Iterator[Row]:
    """How much more two workers carry on two cores than one does.

    The load needs a core too, and there may be no third: so it is not the throughput that is compared, but what an
    application costs. That depends on how full a worker is, so two have twice the calls of one. The one that has more to
    do is full first: two carry (cost with one / cost with two) / (larger share) times what one does.
    """
    plans = {pace: {**plan, "at_once": calls if plan.get("fast") else calls // 2} for pace, plan in PACES.items()}
    costs: dict[tuple[str, int], list[float]] = {}
    shares: dict[str, list[float]] = {pace: [] for pace in PACES}
    with contextlib.ExitStack() as stack:
        services = {number: stack.enter_context(Service(number, set(CORES))) for number in (1, 2)}
        for service in services.values():
            furnish(service)
            run_load({*CORES}, port=service.port, calls=60, **MENUS, **PACES["back to back"])
        for _, (pace, plan), (number, service) in product(range(rounds), plans.items(), services.items()):
            more = {"at_once": number * plan["at_once"], "calls": 2 * number * plan["at_once"]}
            meters = [Meter([pid]) for pid in service.workers]
            seen = run_load({*CORES}, port=service.port, **MENUS, **{**plan, **more})
            used = [meter.used_s() for meter in meters]
            costs.setdefault((pace, number), []).append(sum(used) / seen["applications"])
            if number == 2:
                shares[pace].append(max(used) / sum(used))
    for pace in PACES:
        one, two, share = map(statistics.median, (costs[pace, 1], costs[pace, 2], shares[pace]))
        yield f"two workers carry, times one, {pace}", f"{one / two / share:.2f}", "≥ 1.7"
        yield "… the larger share of the work", f"{100 * share:.0f} %", ""


def start() -> Iterator[Row]:
    """Seconds until calls are taken, seconds of imports, CPU of an idle service."""
    starts, imports = [], []
    code = (
        "import time; t = time.perf_counter(); from gevent import monkey; monkey.patch_all(); "
        "import esl_vm.service.worker, esl_vm.esl.server, esl_vm.store.store, esl_vm.dialogue.front_door; "
        "print(time.perf_counter() - t)"
    )
    for _ in range(3):
        with Service() as service:
            starts.append(service.started_s)
        command = [sys.executable, "-c", code]
        imports.append(float(subprocess.check_output(command, cwd=ROOT, **on(set(CORES)))))
    with Service() as service:
        time.sleep(3)
        meters = {"an idle worker": Meter(service.workers), "all processes": Meter(service.measured)}
        time.sleep(10)
        idle = {name: 10 * meter.used_s() for name, meter in meters.items()}
    yield "start until calls are taken", f"{statistics.median(starts):.2f} s", "< 1 s"
    yield "imports", f"{statistics.median(imports):.2f} s", "< 0.5 s"
    yield from ((f"CPU of {name}", f"{percent:.2f} %", "") for name, percent in idle.items())


def main() -> None:
    """Measure, and say it."""
    parser = argparse.ArgumentParser("make bench", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    names = ("applications", "latency", "memory", "large-mailbox", "workers", "start", "web", "page", "search")
    parser.add_argument("--only", choices=names, action="append", help="measure only this (may be repeated)")
    parser.add_argument("--quick", action="store_true", help="short rounds")
    parser.add_argument("--out", type=Path, default=ROOT / "bench-out", help="folder for the table")
    given = parser.parse_args()
    rounds, calls = (3, 100) if given.quick else (5, 400)
    work = {
        "applications": lambda: applications(rounds, calls),
        "latency": lambda: latency(rounds - 2, 5 * rounds),
        "memory": lambda: memory(1000),
        "large-mailbox": lambda: large_mailbox(rounds, calls),
        "workers": lambda: workers(rounds, calls),
        "start": start,
        "web": lambda: web(furnish, rounds - 2, 2 * rounds),
        "page": lambda: page(furnish, rounds),
        "search": lambda: search(100 if given.quick else 1000, 100 * rounds),
    }
    lines = ["| what | measured | wanted |", "|---|---|---|"]
    for name in given.only or names:
        print(f"{name} …", flush=True)
        lines += [f"| {' | '.join(row)} |" for row in work[name]()]
    given.out.mkdir(parents=True, exist_ok=True)
    (given.out / "performance.md").write_text("\n".join(lines) + "\n")
    print("\n".join(["", *lines, "", f"written to {given.out}"]))


if __name__ == "__main__":
    main()
