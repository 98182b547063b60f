"""What calls cost: an application beside the contenders, a key, a held call, a large mailbox, a second worker, a start."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

from bench.processes import (
    CORES,
    ROOT,
    Meter,
    Row,
    contender,
    furnish,
    hold_load,
    memory_kb,
    middle,
    run_load,
    serving,
)  # fmt: skip
from esl_vm.model.mailbox import Folder
from esl_vm.sealing.keys import add_key

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVICE_EVENTS = "CHANNEL_EXECUTE_COMPLETE DTMF CHANNEL_HANGUP"
STEPS = 20
# In the mailbox's menu: 0 for its options, * back, and so on; # and the goodbye to its end.
MENU_KEYS = "0*" * (STEPS // 2 - 1) + "#-"
# 1, then for each of nine messages the envelope to its end, 6 in its sound for the next one; the last one to its end; # in
# the menu; the goodbye to its end.
MESSAGE_KEYS = "1" + "-6" * 8 + "--#-"
FIRST_MESSAGE = "1--#-"
MAILBOXES = [str(number) for number in range(2001, 2021)]
NO_PIN = {"variables": {"vm_skip_pin": "true", "domain_name": "default"}}
MENUS = {"keys": MENU_KEYS, "boxes": MAILBOXES, **NO_PIN}
FULL = {"fast": True, "think_s": (0, 0), "at_once": 40}
PACES = {"back to back": FULL, "at callers' pace": {"at_once": 40}}


def applications(rounds: int, calls: int) -> Iterator[Row]:
    """CPU of an application run, contender by contender, round by round, back to back and at a caller's pace."""
    found: dict[tuple[str, str], list[float]] = {}
    with contextlib.ExitStack() as stack:
        service = stack.enter_context(serving())
        furnish(service, MAILBOXES)
        flat = {"keys": "5" * STEPS}
        floor = stack.enter_context(contender("floor", STEPS, SERVICE_EVENTS))
        told_more = stack.enter_context(contender("floor", STEPS, f"CHANNEL_EXECUTE {SERVICE_EVENTS}"))
        contenders = {
            "floor, the service's events": (floor, flat),
            "floor": (told_more, flat),
            "greenswitch": (stack.enter_context(contender("greenswitch", STEPS)), flat),
            "menus": (service, MENUS),
            "messages": (service, MENUS | {"keys": MESSAGE_KEYS}),
        }
        for turn, (name, (served, plan)), (pace, at) in product(range(-1, rounds), contenders.items(), PACES.items()):
            wanted = calls // (1 if at is FULL else 4)
            meter = Meter(*served.measured)
            seen = run_load(port=served.port, calls=wanted, **at, **plan)
            if seen["calls"] != wanted:
                raise RuntimeError(f"{seen['calls']} of {wanted} calls came to their end")
            if turn >= 0:  # the first one warms up
                found.setdefault((pace, name), []).append(1e6 * meter.used_s() / seen["applications"])
    for pace in PACES:
        us = {name: middle(found[pace, name]) for name in contenders}
        yield from ((f"CPU an application, {pace}: {name}", f"{cost:.0f} µs", "") for name, cost in us.items())
        yield "… menus / floor", f"{us['menus'] / us['floor']:.2f}", "≤ 2, back to back"
        yield "… greenswitch / menus", f"{us['greenswitch'] / us['menus']:.1f}", "≥ 4, back to back"


def latency(rounds: int, _calls: int) -> Iterator[Row]:
    """From a key's event written to the next execute read: 500 calls, together 100 keys a second."""
    plan = {**MENUS, "keys": "0*", "cycle": True, "calls": 500, "at_once": 500, "think_s": (0.1, 9.7)}
    with serving() as service:
        furnish(service, MAILBOXES)
        seen = [run_load(port=service.port, seconds=5 * rounds, **plan) for _ in range(rounds - 2)]
    for name, wanted in (("p50", "< 1 ms"), ("p99", "< 5 ms")):
        ms = middle(one[f"key_{name}_ms"] for one in seen)
        yield f"key to next command, 500 calls, 100 keys a second: {name}", f"{ms:.2f} ms", wanted


def memory(_rounds: int, _calls: int, calls: int = 1000) -> Iterator[Row]:
    """A worker's own memory for each of so many calls that are held in the menu; and what stays after them, and after more."""
    with serving() as service:
        furnish(service, MAILBOXES)
        plan = {**MENUS, "keys": "0*", "port": service.port}
        run_load(calls=50, at_once=10, cycle=True, seconds=2, **plan)
        time.sleep(1)
        sizes = [memory_kb(service.workers[0])]
        with hold_load(calls=calls, at_once=calls, hold=calls, **plan):
            held = memory_kb(service.workers[0])
        for _ in range(2):
            run_load(port=service.port, calls=2 * calls, **FULL, **MENUS)
            time.sleep(1)
            sizes.append(memory_kb(service.workers[0]))
    yield f"memory of a held call, {calls:,} of them", f"{(held - sizes[0]) / calls:.1f} kB", "≤ 60 kB"
    megabytes = "; ".join(f"{size / 1024:.0f} MB" for size in sizes)
    yield f"a worker: idle; after {3 * calls:,} calls; after {5 * calls:,}", megabytes, "no growth"


def large_mailbox(rounds: int, calls: int) -> Iterator[Row]:
    """CPU, the service's and Redis' together, of a call up to its first message: 10,000 messages and 10.

    In Old and heard before: then a visit leaves everything as it was, and all visits are the same.
    """
    costs: dict[int, list[float]] = {10: [], 10_000: []}
    with serving() as service:
        for messages in costs:
            furnish(service, [str(messages)], messages, lambda _: {"folder": Folder.OLD, "heard": True})
        for turn, messages in product(range(rounds + 1), costs):
            meter = Meter(*service.measured, service.redis)
            run_load(port=service.port, keys=FIRST_MESSAGE, boxes=[str(messages)], calls=calls, **NO_PIN, **FULL)
            costs[messages] += [meter.used_s()] if turn else []
    ratio = middle(costs[10_000]) / middle(costs[10])
    yield "CPU up to the first message, 10,000 messages / 10", f"{ratio:.2f}", "≤ 1.2"


def encryption(rounds: int, calls: int) -> Iterator[Row]:
    """CPU of calls that hear messages, with a key and without by turns: copies are made anew in every round."""
    with contextlib.ExitStack() as stack:
        keys = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "keys"
        add_key(keys)
        peers = {name: stack.enter_context(serving(more=more)) for name, more in (
            ("in the clear", ""), ("encrypted", f'privacy.key_file = "{keys}"\n'),
        )}  # fmt: skip
        used: dict[str, list[float]] = {name: [] for name in peers}
        for service in peers.values():
            furnish(service, MAILBOXES)
        for turn, (name, service) in product(range(-1, 2 * rounds), peers.items()):
            shutil.rmtree(service.folder / "cache", ignore_errors=True)
            meter = Meter(*service.measured)
            run_load(port=service.port, calls=calls // 4, **FULL, **(MENUS | {"keys": MESSAGE_KEYS}))
            if turn >= 0:
                used[name].append(1e3 * meter.used_s() / (calls // 4))
    for name, spent in used.items():
        yield f"CPU of a call that hears ten messages, {name}", f"{middle(spent):.2f} ms", ""
    ratio = middle(one / other for one, other in zip(used["encrypted"], used["in the clear"], strict=True))
    yield "… encrypted / in the clear, by turns", f"{ratio:.3f}", "≤ 1.05"


def workers(rounds: int, calls: int) -> Iterator[Row]:
    """How much more two workers carry on two cores than one does.

    The load needs a core too, and there may be no third: so it is not the throughput that is compared, but what an
    application costs. That depends on how full a worker is, so two have twice the calls of one. The one that has more to
    do is full first: two carry (cost with one / cost with two) / (larger share) times what one does.
    """
    found: dict[tuple[str, int], list[tuple[float, float]]] = {}
    cores = {*CORES}
    with contextlib.ExitStack() as stack:
        services = {number: stack.enter_context(serving(number, cores)) for number in (1, 2)}
        for service in services.values():
            furnish(service, MAILBOXES)
            run_load(cores, port=service.port, calls=60, **MENUS, **FULL)
        for _, (pace, at), (number, service) in product(range(rounds), PACES.items(), services.items()):
            at_once = number * (calls if at is FULL else calls // 2)
            meters = [Meter(pid) for pid in service.workers]
            plan = {**MENUS, **at, "at_once": at_once, "calls": 2 * at_once}
            seen = run_load(cores, port=service.port, **plan)
            used = [meter.used_s() for meter in meters]
            found.setdefault((pace, number), []).append((sum(used) / seen["applications"], max(used) / sum(used)))
    for pace in PACES:
        (one, _), (two, share) = (map(middle, zip(*found[pace, number], strict=True)) for number in services)
        yield f"two workers carry, times one, {pace}", f"{one / two / share:.2f}", "≥ 1.7"
        yield "… the larger share of the work", f"{100 * share:.0f} %", ""


def start(_rounds: int, _calls: int) -> Iterator[Row]:
    """Seconds until calls are taken, CPU of an idle service, and of commands."""
    starts = []
    for _ in range(3):
        with serving() as service:
            starts.append(service.started_s)
    yield "start until calls are taken", f"{middle(starts):.2f} s", "< 1 s"
    with serving() as service:
        time.sleep(3)
        meters = {"an idle worker": Meter(*service.workers), "all processes": Meter(*service.measured)}
        time.sleep(10)
        yield from ((f"CPU of {name}", f"{10 * meter.used_s():.2f} %", "") for name, meter in meters.items())
        for words, wanted in (("--help", "≤ 0.15 s"), ("mailbox list", "≤ 0.35 s")):
            command = [sys.executable, "-m", "esl_vm", "--config", service.config, *words.split()]
            used = []
            for _ in range(5):
                quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
                process = subprocess.Popen(command, cwd=ROOT, **quiet)
                usage = os.wait4(process.pid, 0)[2]
                used.append(usage.ru_utime + usage.ru_stime)
            yield f"CPU of esl-vm {words}", f"{middle(used):.2f} s", wanted
