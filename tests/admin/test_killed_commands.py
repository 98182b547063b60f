"""Commands killed in the middle (SIGKILL, a process of their own) and run again end as if nothing had been."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest
from support.proxy import Proxy
from support.waiting import wait_until

from esl_vm.model.mailbox import Folder, MailboxId
from esl_vm.model.message import Message

ROOT = Path(__file__).parents[2]
MANY = [MailboxId(str(number)) for number in range(1000, 1400)]


@pytest.fixture
def killed_when(redis_of_commands, tmp_path):
    """Run a command in a process of its own, and kill it as soon as something is so; from then on Redis tells it nothing."""

    def run(reached, *words):
        so = threading.Event()

        def look(answer):
            if not so.is_set() and reached():
                way.hangs = True
                so.set()
            return answer

        with Proxy(redis_of_commands.port) as way:
            way.alters = look
            places = ["--redis", f"redis://127.0.0.1:{way.port}/0", "--data-dir", str(tmp_path / "data")]
            process = subprocess.Popen(
                [sys.executable, "-m", "esl_vm", *places, *map(str, words)],
                cwd=ROOT,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            try:
                wait_until(lambda: so.is_set() or process.poll() is not None)
            finally:
                process.kill()
            assert process.wait() != 0, "it had finished before"
            assert so.is_set()

    return run


def test_a_broadcast(vm, node, tone, killed_when):
    for box in MANY:
        node.registry.add(box, {})
    sound = tone(2.0)
    killed_when(lambda: node.mailboxes.counts(MANY[7]).new, "broadcast", sound, "--domain", "default", "--yes")
    assert not node.mailboxes.counts(MANY[-1]).new
    assert vm("broadcast", sound, "--domain", "default", "--yes").code == 0
    assert {node.mailboxes.counts(box).new for box in MANY} == {1}
    assert len(set(node.audio.ids())) == len(MANY)


def test_a_table_of_mailboxes(vm, node, tmp_path, killed_when):
    table = tmp_path / "boxes.csv"
    table.write_text("mailbox,name,pin\n" + "".join(f"{box},Owner {box.number},none\n" for box in MANY))
    killed_when(lambda: node.mailboxes.open(MANY[7]), "mailbox", "apply", table, "--yes")
    assert vm("mailbox", "apply", table, "--yes").code == 0
    assert list(node.registry.boxes()) == MANY
    assert {node.registry.fields(box)["name"] for box in MANY} == {f"Owner {box.number}" for box in MANY}


def test_a_renaming(vm, node, killed_when):
    old, new = MailboxId("1001"), MailboxId("2001", "autre.example")
    node.registry.add(old, {"name": "Alice"})
    ids = [f"{number:011x}-{number:012x}" for number in range(3000)]
    for number, message_id in enumerate(ids):
        node.mailboxes.deliver(old, Message(message_id, received=1e9 + number, duration_ms=1000), even_if_full=True)
    killed_when(lambda: node.store.renames.under_way(old), "mailbox", "rename", old, new, "--yes")
    assert node.mailboxes.open(old) is None
    ran = vm("mailbox", "rename", old, new, "--yes")
    assert ran.code == 0, ran.err
    assert node.mailboxes.message_ids(new)[Folder.NEW] == ids
    assert node.mailboxes.open(new).sound_ms == 3_000_000
    assert node.store.renames.unfinished() == {}
