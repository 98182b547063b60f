"""What is measured. CPU is that of whole processes by the kernel's clock, so what a thread or a child does is in it."""

from __future__ import annotations

import contextlib
import statistics
import subprocess
import sys
import time
from itertools import product
from typing import TYPE_CHECKING

from bench.processes import CORES, ROOT, Contender, Service, cpu_s, hold_load, memory_kb, on, run_load
from esl_vm.cli.settings_file import load_settings
from esl_vm.model.mailbox import Folder, MailboxId
from esl_vm.model.message import Caller, Message, new_id
from esl_vm.service.wiring import open_node

if TYPE_CHECKING:
    from collections.abc import Iterable

SERVICE_EVENTS = "CHANNEL_EXECUTE_COMPLETE DTMF CHANNEL_HANGUP"
ALL_EVENTS = f"CHANNEL_EXECUTE {SERVICE_EVENTS}"
STEPS = 20
# In the mailbox's menu: 0 for its options, * back, and so on; # and the goodbye to its end.
MENU_KEYS = "0*" * (STEPS // 2 - 1) + "#-"
# 1, then for each of nine messages the envelope to its end, 6 in its sound for the next one; the last one to its end; # in
# the menu; the goodbye to its end.
MESSAGE_KEYS = "1" + "-6" * 8 + "--#-"
FIRST_MESSAGE = "1--#-"
CALLER = Caller("5145550100", "Bob Tremblay")
NO_PIN = {"vm_skip_pin": "true", "domain_name": "default"}
MAILBOXES = tuple(str(number) for number in range(2001, 2021))
BUSY = {"fast": True, "think_s": (0, 0), "at_once": 40}
PACED = {"at_once": 40}


def furnish(
    service: Service, boxes: Iterable[str] = MAILBOXES, messages: int = 10, *, folder: Folder = Folder.NEW
) -> None:
    """Mailboxes with messages in New, or heard ones in another folder; the first 20 of each have a sound."""
    with open_node(load_settings(service.settings, {})) as node:
        sound = service.folder / "sound.wav"
        sound.write_bytes(_wav())
        for box in boxes:
            name = MailboxId(box, "default")
            node.registry.add(name, {"name": "Alice Martin", "language": "fr"})
            now = time.time()
            for place in range(messages):
                at = now - 3600 + place / 1000
                message = Message(
                    new_id(at), CALLER, at, duration_ms=2000, folder=folder, heard=folder is not Folder.NEW
                )
                if place < 20:
                    node.audio.put(message.id, sound)
                node.mailboxes.deliver(name, message, even_if_full=True)


def _wav() -> bytes:
    samples = b"\x00\x20\x00\xe0" * 8000
    size = len(samples)
    head = b"RIFF" + (size + 36).to_bytes(4, "little") + b"WAVEfmt \x10\0\0\0\x01\0\x01\0"
    return (
        head
        + (8000).to_bytes(4, "little")
        + (16000).to_bytes(4, "little")
        + b"\x02\0\x10\0data"
        + (size.to_bytes(4, "little") + samples)
    )


class Meter:
    """CPU of processes between two moments."""

    def __init__(self, pids: Iterable[int]) -> None:
        self._pids = tuple(pids)
        self._before = sum(map(cpu_s, self._pids))

    def used_s(self) -> float:
        return sum(map(cpu_s, self._pids)) - self._before


def _application_cost(contender: Contender | Service, pace: dict, calls: int, **plan: object) -> float:
    """Microseconds of CPU for each application run."""
    meter = Meter(contender.measured)
    seen = run_load(port=contender.port, calls=calls, **pace, **plan)
    if seen["calls"] != calls:
        raise RuntimeError(f"{seen['calls']} of {calls} calls came to their end")
    return 1e6 * meter.used_s() / seen["applications"]


def applications(rounds: int, calls: int) -> dict[str, dict[str, float]]:
    """CPU of an application run, contender by contender, round by round, back to back and at a caller's pace."""
    found: dict[str, dict[str, list[float]]] = {}
    menu = {"keys": MENU_KEYS, "variables": NO_PIN, "boxes": MAILBOXES}
    messages = {**menu, "keys": MESSAGE_KEYS}
    with contextlib.ExitStack() as stack:
        floor = stack.enter_context(Contender("floor", SERVICE_EVENTS, str(STEPS)))
        floor_all = stack.enter_context(Contender("floor", ALL_EVENTS, str(STEPS)))
        green = stack.enter_context(Contender("greenswitch_application", str(STEPS)))
        service = stack.enter_context(Service())
        furnish(service)
        flat = {"keys": "5" * STEPS}
        contenders = [
            ("floor, the service's events", floor, flat),
            ("floor, CHANNEL_EXECUTE too", floor_all, flat),
            ("greenswitch", green, flat),
            ("service, menus", service, menu),
            ("service, messages", service, messages),
        ]
        for _, contender, plan in contenders:
            _application_cost(contender, BUSY, 60, **plan)
        for _ in range(rounds):
            for name, contender, plan in contenders:
                for pace_name, pace, share in (("busy", BUSY, 1), ("paced", PACED, 4)):
                    cost = _application_cost(contender, pace, calls // share, **plan)
                    found.setdefault(pace_name, {}).setdefault(name, []).append(cost)
                    print(f"    {pace_name:6} {name:30} {cost:7.1f} µs", flush=True)
    return {pace: {name: statistics.median(costs) for name, costs in rows.items()} for pace, rows in found.items()}


def latency(rounds: int, seconds: float) -> dict[str, float]:
    """Milliseconds from a key's event written to the next execute read: 500 calls, together 100 keys a second."""
    with Service() as service:
        furnish(service)
        plan = {"keys": "0*", "cycle": True, "calls": 500, "at_once": 500, "variables": NO_PIN, "boxes": MAILBOXES}
        plan |= {"port": service.port, "think_s": (0.1, 9.7), "seconds": seconds}
        seen = [run_load(**plan) for _ in range(rounds)]
    names = ("p50_ms", "p99_ms", "longest_ms")
    found = {name: statistics.median(one[name] for one in seen) for name in names}
    return {**found, "keys_a_second": statistics.median(one["keys"] / one["seconds"] for one in seen)}


def busy_node(seconds: float) -> dict[str, float]:
    """A thousand calls in menus on one worker, each a key every two seconds: what capacity is reckoned from, at work.

    Connecting is left out: it is what a long run and a short one have in common.
    """
    seen: list[tuple[float, float, float]] = []
    with Service() as service:
        furnish(service)
        plan = {"keys": "0*", "cycle": True, "calls": 1000, "at_once": 1000, "variables": NO_PIN, "boxes": MAILBOXES}
        plan |= {"port": service.port, "think_s": (0.1, 3.9)}
        for length in (seconds / 3, seconds * 4 / 3):
            meters = Meter(service.measured), Meter([service.redis.process.pid])
            load = run_load(**plan, seconds=length)
            seen.append((load["applications"], *(meter.used_s() for meter in meters)))
            p99_ms = load["p99_ms"]
    applications, cpu, redis = (after - before for before, after in zip(*seen, strict=True))
    return {
        "applications_a_second": applications / seconds,
        "percent": 100 * cpu / seconds,
        "redis_percent": 100 * redis / seconds,
        "application_us": 1e6 * cpu / applications,
        "p99_ms": p99_ms,
    }


def memory(calls: int) -> dict[str, float]:
    """kB of a worker's own memory for each of so many calls that are held in the menu; and what stays after them."""
    with Service() as service:
        furnish(service)
        worker = service.workers[0]
        plan = {"keys": "0*", "variables": NO_PIN, "boxes": MAILBOXES, "port": service.port}
        run_load(calls=50, at_once=10, cycle=True, seconds=2, **plan)
        time.sleep(1)
        idle = memory_kb(worker)
        with hold_load(calls=calls, at_once=calls, hold=True, **plan) as load:
            if load.stdout.readline().strip() != "holding":
                raise RuntimeError("the calls are not held")
            held = memory_kb(worker)
            load.communicate("\n")
        time.sleep(2)
        return {"idle_mb": idle / 1024, "per_call_kb": (held - idle) / calls, "after_mb": memory_kb(worker) / 1024}


def leak(calls: int) -> dict[str, object]:
    """A worker's memory, MB, after each tenth of so many calls."""
    with Service() as service:
        furnish(service)
        worker = service.workers[0]
        plan = {"keys": FIRST_MESSAGE, "variables": NO_PIN, "boxes": MAILBOXES, "port": service.port, **BUSY}
        sizes = []
        for _ in range(11):
            run_load(calls=calls // 10, **plan)
            sizes.append(round(memory_kb(worker) / 1024, 2))
            print(f"    {len(sizes) * (calls // 10):7} calls {sizes[-1]:6} MB", flush=True)
        return {
            "calls": calls // 10 * 11,
            "mb": sizes,
            "grown_kb_per_1000_calls": (sizes[-1] - sizes[1]) * 1024 / calls * 1111,
        }


def large_mailbox(rounds: int, calls: int) -> dict[str, float]:
    """Microseconds of CPU, the service's and Redis' together, of a call up to its first message: 10,000 messages and 10."""
    found: dict[str, list[float]] = {"ten": [], "ten_thousand": []}
    with Service() as service:
        # In Old and heard before: then a visit leaves everything as it was, and all visits are the same.
        furnish(service, ["3010"], 10, folder=Folder.OLD)
        furnish(service, ["3000"], 10_000, folder=Folder.OLD)
        for turn in range(rounds + 1):
            for name, box in (("ten", "3010"), ("ten_thousand", "3000")):
                meter = Meter([*service.measured, service.redis.process.pid])
                run_load(port=service.port, keys=FIRST_MESSAGE, variables=NO_PIN, boxes=[box], calls=calls, **BUSY)
                if turn:  # the first one warms up
                    found[name].append(1e6 * meter.used_s() / calls)
    medians = {name: statistics.median(costs) for name, costs in found.items()}
    return {**medians, "ratio": medians["ten_thousand"] / medians["ten"]}


def workers(rounds: int, calls: int) -> dict[str, dict[str, float]]:
    """CPU of an application with one worker and with two on two cores, and how evenly the two share the calls.

    The load needs a core too, and there may be no third: so it is not the throughput that is compared, but what an
    application costs. That depends on how full a worker is, so two have twice the calls of one. The one that has more to
    do is full first: two carry (cost with one / cost with two) / (larger share) times what one does. At callers' pace
    there is room for the load; back to back it takes from them, wherever it runs.
    """
    plans = {
        "paced": {**PACED, "at_once": calls // 2, "calls": calls},
        "busy": {**BUSY, "at_once": calls, "calls": 2 * calls},
    }
    common = {"keys": MENU_KEYS, "variables": NO_PIN, "boxes": MAILBOXES, "cores": set(CORES)}
    costs: dict[tuple[str, int], list[float]] = {}
    shares: dict[str, list[float]] = {}
    with contextlib.ExitStack() as stack:
        services = {number: stack.enter_context(Service(number, set(CORES))) for number in (1, 2)}
        for service in services.values():
            furnish(service)
            run_load(port=service.port, **common, **BUSY, calls=60)
        for _, (pace, plan), (number, service) in product(range(rounds), plans.items(), services.items()):
            more = {name: number * plan[name] for name in ("at_once", "calls")}
            before = [cpu_s(pid) for pid in service.workers]
            seen = run_load(port=service.port, **common, **{**plan, **more})
            used = [cpu_s(pid) - was for pid, was in zip(service.workers, before, strict=True)]
            costs.setdefault((pace, number), []).append(1e6 * sum(used) / seen["applications"])
            if number == 2:
                shares.setdefault(pace, []).append(max(used) / sum(used))
    found = {}
    for pace in plans:
        one, two, share = map(statistics.median, (costs[pace, 1], costs[pace, 2], shares[pace]))
        found[pace] = {"one_us": one, "two_us": two, "larger_share": share, "carries": one / two / share}
    return found


def start() -> dict[str, float]:
    """Seconds until calls are taken, seconds of imports, CPU of an idle service."""
    starts, imports = [], []
    for _ in range(3):
        with Service() as service:
            starts.append(service.started_s)
    code = "import time; t = time.perf_counter(); from gevent import monkey; monkey.patch_all(); import esl_vm.service.worker, esl_vm.esl.server, esl_vm.store.store, esl_vm.dialogue.front_door; print(time.perf_counter() - t)"
    for _ in range(3):
        run = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT, **on(set(CORES))
        )
        imports.append(float(run.stdout))
    with Service() as service:
        time.sleep(3)
        meters = {"worker": Meter(service.workers), "all": Meter(service.measured)}
        time.sleep(10)
        idle = {f"idle_{name}_percent": 10 * meter.used_s() for name, meter in meters.items()}
    return {"ready_s": statistics.median(starts), "import_s": statistics.median(imports), **idle}


def redis_work(calls: int) -> dict[str, dict[str, float]]:
    """Round trips of a call, and microseconds of Redis' CPU for it, by what the caller does."""
    found: dict[str, dict[str, float]] = {}
    with Service() as service:
        furnish(service)
        with open_node(load_settings(service.settings, {})) as node:
            for name, keys in (("in and out", "#-"), ("ten menus", "0*" * 5 + "#-"), ("two messages", "1-6--#-")):
                node.store.link.run(None, lambda client: client.config_resetstat())
                meter = Meter([service.redis.process.pid])
                run_load(port=service.port, calls=calls, keys=keys, variables=NO_PIN, boxes=MAILBOXES, **BUSY)
                used = meter.used_s()
                stats = node.store.link.run(None, lambda client: client.info("commandstats"))
                trips = sum(stats.get(f"cmdstat_{command}", {"calls": 0})["calls"] for command in ("evalsha", "eval"))
                found[name] = {"round_trips": trips / calls, "redis_us": 1e6 * used / calls}
    return found
