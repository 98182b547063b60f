"""What mailboxes and messages take in Redis: bytes of each kind of key, of as many mailboxes as asked for.

    PYTHONPATH=scripts python -m bench.redis_bytes [--mailboxes 1000000]

Mailboxes with name, language, time zone, address and PIN, in domains of 5,000; every tenth has two messages. The sizes are
Redis' own (MEMORY USAGE, every member counted), of every key where there are few of a kind, else of a sample. A million takes
some five minutes and two gigabytes.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from bench.processes import Redis
from esl_vm.cli.settings_file import load_settings
from esl_vm.model.mailbox import MailboxId
from esl_vm.model.message import CallDetails, Caller, Message, new_id
from esl_vm.service.wiring import open_node

if TYPE_CHECKING:
    from collections.abc import Iterator

    from esl_vm.ops.node import Node

PER_DOMAIN = 5000
EVERY, MESSAGES = 10, 2
SAMPLE = 20_000
FIRST = ("Alice", "Bob", "Carol", "David", "Emma", "François", "Gisèle", "Hugo", "Isabelle", "Jean", "Kim", "Louise")
LAST = (
    "Martin",
    "Tremblay",
    "Smith",
    "Roy",
    "Gagnon",
    "Lee",
    "Bouchard",
    "Côté",
    "Morin",
    "Nguyen",
    "Lavoie",
    "Fortin",
)
OF_A_MAILBOX = ("box", "boxes", "names")
OF_A_MESSAGE = ("msg", "folder", "call-ids")


def furnish(node: Node, count: int) -> Iterator[MailboxId]:
    """Make so many mailboxes; gives each when it is there."""
    dice = random.Random(1)
    pin = node.store.pins.hashed("4711")
    for number in range(count):
        box = MailboxId(str(10_000 + number % PER_DOMAIN), f"d{number // PER_DOMAIN:03}.example")
        settings = {"language": "fr", "timezone": "America/Toronto", "email": f"user{box.number}@{box.domain}"}
        name = f"{dice.choice(FIRST)} {dice.choice(LAST)}"
        node.registry.add(box, {"name": name, **settings}, pin_hash=pin)
        yield box


def leave(node: Node, box: MailboxId, at: float) -> None:
    """A message that was heard."""
    caller = Caller("+15145550100", f"{random.choice(FIRST)} {random.choice(LAST)}")
    call = CallDetails(str(uuid4()), str(uuid4()), box.number)
    left = Message(new_id(at), caller, at, duration_ms=random.randrange(90_000), call=call)
    node.mailboxes.deliver(box, left)
    node.mailboxes.heard(box, left.id)


def kind_of(key: bytes) -> str:
    """`vm:{p07}:msg:BOX:ID` is of the kind `msg`."""
    return key.decode().split("}:")[-1].split(":")[0]


def sizes(client: Any) -> tuple[Counter[str], dict[str, float]]:
    """How many keys there are of each kind, and how many bytes they take together."""
    counts = Counter(map(kind_of, client.scan_iter(count=10_000)))
    every = {kind: max(1, count // SAMPLE) for kind, count in counts.items()}
    seen: Counter[str] = Counter()
    taken: dict[str, list[bytes]] = {kind: [] for kind in counts}
    for key in client.scan_iter(count=10_000):
        kind = kind_of(key)
        if seen[kind] % every[kind] == 0:
            taken[kind].append(key)
        seen[kind] += 1
    found = {}
    for kind, keys in taken.items():
        pipeline = client.pipeline(transaction=False)
        for key in keys:
            pipeline.memory_usage(key, samples=0)
        found[kind] = sum(pipeline.execute()) / len(keys) * counts[kind]
    return counts, found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mailboxes", type=int, default=100_000)
    mailboxes = parser.parse_args().mailboxes
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        redis = Redis(Path(name))
        stack.callback(redis.stop)
        settings = Path(name, "settings.toml")
        settings.write_text(f'data_dir = "{name}"\n[redis]\nurl = "{redis.url}"\n')
        node = stack.enter_context(open_node(load_settings(settings, {})))
        began, messages = time.time(), 0
        for number, box in enumerate(furnish(node, mailboxes)):
            if number % EVERY == 0:
                for _ in range(MESSAGES):
                    leave(node, box, began + messages / 1000)
                    messages += 1
            if number % 100_000 == 99_999:
                print(f"{number + 1} mailboxes, {time.time() - began:.0f} s", flush=True)
        (counts, found), used = node.store.link.run(None, lambda client: (sizes(client), client.info("memory")))
    for kind, size in sorted(found.items(), key=lambda item: -item[1]):
        print(f"{kind:10} {counts[kind]:9} keys {size / 1e6:8.1f} MB {size / counts[kind]:9.0f} bytes each")
    print(f"a mailbox  {sum(found[kind] for kind in OF_A_MAILBOX) / mailboxes:.0f} bytes")
    print(f"a message  {sum(found[kind] for kind in OF_A_MESSAGE) / messages:.0f} bytes")
    print(f"all        {used['used_memory'] / 1e6:.0f} MB by Redis' own account")


if __name__ == "__main__":
    main()
