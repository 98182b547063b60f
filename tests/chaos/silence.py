"""What a caller hears of stores that hang: silences, over the whole call, from a service of its own in real time.

    python -m chaos.silence

The ways to Redis and to S3 lead through a proxy that says nothing any more from before the call; the caller leaves a
message all the same. A silence is what lies between two sounds, or between a key and the next sound; not the recording.
"""

from __future__ import annotations

import contextlib
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from chaos import load
from support.proxy import Proxy
from support.redis_servers import redis_server
from support.script import Caller

from esl_vm.sim.heard import Happening
from esl_vm.sim.node import Incoming, SimNode
from esl_vm.sim.realtime import RealTime
from esl_vm.sim.tcp import call_over_tcp

if TYPE_CHECKING:
    from collections.abc import Iterator

    from esl_vm.sim.line import Line

HANGING = ("nothing", "Redis", "S3", "Redis and S3")
LEAVE = "w:vm-theperson d:# w:beep talk s:3 d:# quiet w:vm-review d:1 end:20"
WORTH_A_LINE_S = 0.5
MOST_S = 2.0
HEAD = "| what hangs | heard at the end | silences over 0.5 s | in all | kept |\n|---|---|---|---|---|"  # seconds


@dataclass(frozen=True)
class Row:
    """One call."""

    hanging: str
    heard: str
    silences: tuple[float, ...]
    kept: bool

    @property
    def in_all(self) -> float:
        return sum(self.silences)

    def text(self) -> str:
        each = ", ".join(f"{one:.1f} s" for one in self.silences) or "none"
        return f"| {self.hanging} | {self.heard} | {each} | {self.in_all:.1f} s | {'yes' if self.kept else 'NO'} |"


def play(s3_port: int, folder: Path, hangs: tuple[str, ...] = HANGING) -> Iterator[Row]:
    """A call for each of them. s3_port: where a server with a bucket `voicemail` listens."""
    with redis_server() as server, Proxy(server.port) as redis, Proxy(s3_port) as s3:
        settings = f'[audio]\nstore = "s3"\nbucket = "voicemail"\nendpoint = "http://127.0.0.1:{s3.port}"\n'
        settings += 'access_key = "a"\nsecret_key = "b"\n'
        store = load.furnish(server.url)
        with load.service(f"redis://127.0.0.1:{redis.port}", folder, 1, settings) as (address, _):
            for place, hanging in enumerate(hangs):
                caller = f"51455501{place:02}"
                redis.hangs, s3.hangs = "Redis" in hanging, "S3" in hanging
                line = _ring(address, caller)
                redis.hangs = s3.hangs = False
                kept = "vm-msgsaved" in line.heard
                if kept:
                    told = load.Told(saved={caller})
                    kept = not load.look(store, told).lost
                yield Row(hanging, line.heard[-1] if line.heard else "nothing", tuple(silences(line)), kept)
        store.close()


def _ring(address: tuple[str, int], number: str) -> Line:
    with RealTime() as loop:
        incoming = Incoming("2001", number, "Silent", variables={"vm_action": "leave", "domain_name": "default"})
        call, _, _ = call_over_tcp(loop, SimNode(loop), [address], incoming)
        Caller(call.line, loop, LEAVE).start()
        loop.run_until(lambda: call.line.ended is not None, timeout=60)
        return call.line


def silences(line: Line) -> Iterator[float]:
    """Seconds of each silence over half a second, of those in which the caller waits for the service."""
    busy = [(sound.at, sound.at + sound.played) for sound in line.sounds if sound.name]
    busy += [(entry.at, entry.at) for entry in line.timeline if getattr(entry, "what", None) is Happening.KEY]
    begun = [entry.at for entry in line.timeline if getattr(entry, "what", None) is Happening.RECORD]
    ended = [entry.at for entry in line.timeline if getattr(entry, "what", None) is Happening.RECORDED]
    busy += list(zip(begun, ended, strict=False))
    last = line.started_at
    for start, end in sorted(busy):
        if start - last > WORTH_A_LINE_S:
            yield start - last
        last = max(last, end)


@contextlib.contextmanager
def s3_server() -> Iterator[int]:
    """A server with an empty bucket `voicemail`; its port."""
    from moto.server import ThreadedMotoServer

    from esl_vm.audio.s3_client import S3Address, connect

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        _, port = server.get_host_and_port()
        address = S3Address("voicemail", "", f"http://127.0.0.1:{port}", access_key="a", secret_key="b", answer_s=30.0)
        connect(address).create_bucket(Bucket="voicemail")
        yield port
    finally:
        server.stop()


def main() -> int:
    with s3_server() as port, tempfile.TemporaryDirectory() as folder:
        rows = list(play(port, Path(folder)))
    print("\n".join([HEAD, *(row.text() for row in rows)]))
    return any(not row.kept or row.in_all > MOST_S + 1 for row in rows)


if __name__ == "__main__":
    raise SystemExit(main())
