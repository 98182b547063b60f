"""How long mails take to go out after the mail server was away: messages with their sound, and a server that does no work.

    PYTHONPATH=scripts:tests python -m bench.mails [--mails 3000] [--seconds 10]

A real `esl-vm notify` on a Redis of its own, a hundred mailboxes, each mail with a sound of so many seconds (WAV). The server
(tests/support/mail_neighbour.py) refuses until all mails wait and were tried, then accepts; it shares the machine.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
import time
import wave
from pathlib import Path
from typing import TYPE_CHECKING

from support.mail_neighbour import MailNeighbour
from support.redis_servers import redis_server

from esl_vm.cli.settings_file import load_settings
from esl_vm.model.mailbox import MailboxId
from esl_vm.model.message import Caller, Message, new_id
from esl_vm.service.wiring import open_node

if TYPE_CHECKING:
    from collections.abc import Iterator

    from esl_vm.ops.node import Node

BOXES = 100
AWAY_S = 40
LOOK_S = 0.1


def leave(node: Node, mails: int, sound: Path) -> None:
    """Messages, one after the other in each mailbox."""
    boxes = [MailboxId(f"{2000 + number}") for number in range(BOXES)]
    for box in boxes:
        node.add_mailbox(box, {"email": f"{box.number}@example.com", "name": "Alice Martin"}, "")
    for number in range(mails):
        message = Message(new_id(node.clock.now()), Caller("5145550101", "Bob"), node.clock.now(), duration_ms=1000)
        node.audio.put(message.id, sound)
        node.mailboxes.deliver(boxes[number % BOXES], message, even_if_full=True)


def write_sound(path: Path, seconds: float) -> Path:
    """A WAV file of noughts: 8 kHz, 16 bits."""
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(bytes(int(seconds * 16000)))
    return path


@contextlib.contextmanager
def notifying(folder: Path, redis_url: str, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """`esl-vm notify` at work; ended by its pid."""
    settings = folder / "esl-vm.toml"
    settings.write_text(f'[mail]\nhost = "127.0.0.1"\nport = {port}\nsender = "voicemail@example.com"\n')
    command = [
        sys.executable,
        "-m",
        "esl_vm",
        "--config",
        str(settings),
        "--data-dir",
        str(folder),
        "--redis",
        redis_url,
    ]
    with (folder / "log").open("wb") as log, subprocess.Popen([*command, "notify"], stdout=log, stderr=log) as process:
        try:
            yield process
        finally:
            process.terminate()


def cpu_s(pid: int) -> float:
    """Seconds of CPU a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Measure, and say it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mails", type=int, default=3000)
    parser.add_argument("--seconds", type=float, default=10.0, help="of sound in each")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, redis_server() as redis, MailNeighbour(keeps=2000) as server:
        folder = Path(name)
        server.manners["connect"] = b"421 4.3.2 not now\r\n"
        given = {"redis.url": redis.url, "data_dir": str(folder)}
        with open_node(load_settings(None, given)) as node, notifying(folder, redis.url, server.port) as process:
            leave(node, args.mails, write_sound(folder / "sound.wav", args.seconds))
            until = time.monotonic() + AWAY_S
            while len(list(node.outbox.jobs("waiting"))) < args.mails or server.steps.count("connect") < 1:
                if time.monotonic() > until:
                    raise SystemExit("the mails were not planned: " + (folder / "log").read_text())
                time.sleep(LOOK_S)
            server.manners.clear()
            began = time.monotonic()
            first = 0.0
            while len(server.accepted) < args.mails:
                if server.accepted and not first:
                    first = time.monotonic() - began
                if time.monotonic() > began + 600:
                    raise SystemExit(f"{len(server.accepted)} of {args.mails} came in ten minutes")
                time.sleep(LOOK_S)
            took = time.monotonic() - began
            used = cpu_s(process.pid)
            print(
                f"{args.mails} mails with {args.seconds:g} s of sound: the first after {first:.1f} s, the last after {took:.1f} s, "
                f"{args.mails / (took - first):.0f} a second; {server.busiest} connections at most; "
                f"the notifier used {used / args.mails * 1000:.1f} ms of CPU for each"
            )


if __name__ == "__main__":
    main()
