"""`make bench`: measure, print a table, write bench-out/performance.json, .md and .svg. Fails on errors, never on numbers.

make bench                          everything, about ten minutes
make bench BENCH="--only latency"   one of: applications latency busy-node memory leak large-mailbox workers start redis
make bench BENCH="--quick"          short rounds, for a look
make bench BENCH="--leak-calls 100000"
"""

from __future__ import annotations

import argparse
import json
import os
import platform
from importlib.metadata import version
from pathlib import Path

from bench import measurements, report
from bench.processes import ROOT

NAMES = ("applications", "latency", "busy-node", "memory", "leak", "large-mailbox", "workers", "start", "redis")
Row = tuple[str, str, str, bool | None]


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="make bench", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--only", choices=NAMES, action="append", help="measure only this (may be repeated)")
    parser.add_argument("--quick", action="store_true", help="short rounds")
    parser.add_argument("--rounds", type=int, default=5, help="alternating rounds (default 5)")
    parser.add_argument("--leak-calls", type=int, default=5000, help="calls of the leak test (default 5000)")
    parser.add_argument("--out", type=Path, default=ROOT / "bench-out", help="folder for the results")
    given = parser.parse_args()
    rounds, calls = (3, 100) if given.quick else (given.rounds, 400)
    work = {
        "applications": lambda: measurements.applications(rounds, calls),
        "latency": lambda: measurements.latency(1 if given.quick else 3, 10 if given.quick else 20),
        "busy-node": lambda: measurements.busy_node(10 if given.quick else 30),
        "memory": lambda: measurements.memory(1000),
        "leak": lambda: measurements.leak(given.leak_calls),
        "large-mailbox": lambda: measurements.large_mailbox(rounds, calls),
        "workers": lambda: measurements.workers(rounds, calls),
        "start": measurements.start,
        "redis": lambda: measurements.redis_work(calls),
    }
    given.out.mkdir(parents=True, exist_ok=True)
    kept = given.out / "performance.json"
    found = json.loads(kept.read_text()) if kept.exists() and given.only else {}
    found["machine"] = machine()
    for name in given.only or NAMES:
        print(f"{name} …", flush=True)
        found[name] = work[name]()
        found[name]["load_average"] = os.getloadavg()[0]
        kept.write_text(json.dumps(found, indent=2) + "\n")
    text = report.table([row for name in NAMES if name in found for row in ROWS[name](found[name])])
    (given.out / "performance.md").write_text(text + "\n")
    if "applications" in found:
        groups = {PACES[pace]: bars for pace, bars in found["applications"].items() if pace in PACES}
        title = "CPU for each application run"
        (given.out / "performance.svg").write_text(report.picture(title, groups, "µs"))
    print(f"\n{text}\n\nwritten to {given.out}")


def machine() -> dict[str, object]:
    """What it was measured on."""
    model = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if "model name" in line
    ]
    packages = {name: version(name) for name in ("gevent", "greenswitch", "redis")}
    return {"cpu": model[0] if model else "?", "cores": os.cpu_count(), "python": platform.python_version(), **packages}


PACES = {"busy": "back to back, the core is full", "paced": "at callers' pace, the core is mostly idle"}


def _applications(found: dict) -> list[Row]:
    rows: list[Row] = []
    for pace, words in PACES.items():
        costs = found[pace]
        rows += [(f"CPU an application, {words}: {name}", f"{cost:.0f} µs", "", None) for name, cost in costs.items()]
        floor, green = costs["floor, CHANNEL_EXECUTE too"], costs["greenswitch"]
        least, service = costs["floor, the service's events"], costs["service, menus"]
        target = pace == "busy"
        rows += [
            ("… menus / floor", f"{service / floor:.2f}", "≤ 2", service <= 2 * floor if target else None),
            ("… menus / floor that listens to as little", f"{service / least:.2f}", "", None),
            ("… greenswitch / menus", f"{green / service:.1f}", "≥ 5", green >= 5 * service if target else None),
        ]
    return rows


def _latency(found: dict) -> list[Row]:
    what = f"key to next command, 500 calls, {found['keys_a_second']:.0f} keys a second"
    return [
        (f"{what}: p50", f"{found['p50_ms']:.2f} ms", "< 1 ms", found["p50_ms"] < 1),
        (f"{what}: p99", f"{found['p99_ms']:.2f} ms", "< 5 ms", found["p99_ms"] < 5),
    ]


def _busy_node(found: dict) -> list[Row]:
    what = f"1,000 calls in menus, {found['applications_a_second']:.0f} applications a second"
    return [
        (f"{what}: of a core", f"{found['percent']:.1f} %, Redis {found['redis_percent']:.1f} %", "", None),
        (
            "… CPU an application; key to next command, p99",
            f"{found['application_us']:.0f} µs; {found['p99_ms']:.2f} ms",
            "",
            None,
        ),
    ]


def _memory(found: dict) -> list[Row]:
    each = found["per_call_kb"]
    return [
        ("memory of a held call, 1,000 of them", f"{each:.1f} kB", "≤ 60 kB", each <= 60),
        ("a worker: idle; after the 1,000 calls", f"{found['idle_mb']:.0f} MB; {found['after_mb']:.0f} MB", "", None),
    ]


def _leak(found: dict) -> list[Row]:
    sizes = found["mb"]
    what = f"a worker's memory after the first and the last eleventh of {found['calls']:,} calls"
    return [(what, f"{sizes[1]} MB; {sizes[-1]} MB", "no growth", None)]


def _large_mailbox(found: dict) -> list[Row]:
    what = "CPU up to the first message, 10,000 messages / 10"
    return [(what, f"{found['ratio']:.2f}", "≤ 1.2", found["ratio"] <= 1.2)]


def _workers(found: dict) -> list[Row]:
    rows: list[Row] = []
    for pace, words in (("paced", "at callers' pace"), ("busy", "back to back, beside the load")):
        one = found[pace]
        rows += [
            (f"two workers carry, times one, {words}", f"{one['carries']:.2f}", "≥ 1.8", one["carries"] >= 1.8),
            ("… the larger share of the work", f"{100 * one['larger_share']:.0f} %", "", None),
        ]
    return rows


def _start(found: dict) -> list[Row]:
    return [
        ("start until calls are taken", f"{found['ready_s']:.2f} s", "< 1 s", found["ready_s"] < 1),
        ("imports", f"{found['import_s']:.2f} s", "< 0.5 s", found["import_s"] < 0.5),
        ("CPU of an idle worker", f"{found['idle_worker_percent']:.2f} %", "0 %", found["idle_worker_percent"] < 0.1),
        ("… of all processes of the service", f"{found['idle_all_percent']:.2f} %", "", None),
    ]


def _redis(found: dict) -> list[Row]:
    return [
        (f"Redis, a visit: {name}", f"{cost['round_trips']:.1f} round trips, {cost['redis_us']:.0f} µs", "", None)
        for name, cost in found.items()
        if isinstance(cost, dict)
    ]


ROWS = {
    "applications": _applications,
    "latency": _latency,
    "busy-node": _busy_node,
    "memory": _memory,
    "leak": _leak,
    "large-mailbox": _large_mailbox,
    "workers": _workers,
    "start": _start,
    "redis": _redis,
}

if __name__ == "__main__":
    main()
