"""`make bench`: measure, print a table, write it to bench-out/performance.md. Fails on errors, never on numbers.

make bench                                    everything, about six minutes
make bench BENCH="--only latency --quick"     one part of it (--help tells which), short rounds
"""

from __future__ import annotations

import argparse
from pathlib import Path

from bench import calls, web
from bench.processes import ROOT

PARTS = {
    "applications": calls.applications,
    "latency": calls.latency,
    "memory": calls.memory,
    "large-mailbox": calls.large_mailbox,
    "encryption": calls.encryption,
    "workers": calls.workers,
    "start": calls.start,
    "web": web.web,
    "page": web.page,
    "search": web.search,
}
"""Each takes rounds and calls of a round, and yields rows: what, measured, wanted."""

parser = argparse.ArgumentParser("make bench", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
parser.add_argument("--only", choices=PARTS, action="append", help="measure only this (may be repeated)")
parser.add_argument("--quick", action="store_true", help="short rounds")
parser.add_argument("--out", type=Path, default=ROOT / "bench-out", help="folder for the table")
given = parser.parse_args()
lines = ["| what | measured | wanted |", "|---|---|---|"]
for part in given.only or PARTS:
    print(f"{part} …", flush=True)
    for row in PARTS[part](*(3, 100) if given.quick else (5, 400)):
        lines.append(f"| {' | '.join(row)} |")
        print(lines[-1], flush=True)
given.out.mkdir(parents=True, exist_ok=True)
(given.out / "performance.md").write_text("\n".join(lines) + "\n")
print(f"written to {given.out}")
