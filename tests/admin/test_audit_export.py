"""What an auditor is given: all that happened, in order, who did it, as CSV and JSON lines."""

import csv
import json

import pytest
from support.hostile_names import some_hostile_callers
from support.in_process_api import Api

from esl_vm.model.actor import acting
from esl_vm.model.events import EventType
from esl_vm.model.mailbox import MailboxId
from esl_vm.model.message import Caller
from esl_vm.model.visible import from_csv_cell

ALICE, BOB = MailboxId("1001"), MailboxId("1002", "clinic.example")


@pytest.fixture
def boxes(vm):
    for box in (ALICE, BOB):
        assert vm("mailbox", "add", str(box), "--no-pin").code == 0


def rows(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_all_of_it_is_there_in_order_with_who_did_it(vm, boxes, node, leave, tmp_path):
    left = leave("1001")
    for turn in range(250):  # more than one read of a stream
        with acting(f"web administrator:marie 198.51.100.7 r{turn}"):
            node.mailboxes.log_event((ALICE, BOB)[turn % 2], EventType.EXPORTED, left, part=str(turn))
    assert vm("mailbox", "pin", "1001", "--pin-stdin", typed="4821\n").code == 0
    file = tmp_path / "audit.csv"
    ran = vm("privacy", "audit", file)
    assert ran.code == 0, ran.err
    assert ran.err == ""
    assert file.stat().st_mode & 0o777 == 0o600
    found = rows(file)
    assert [one["what"] for one in found] == ["box-added", "box-added", "delivered", *["exported"] * 250, "pin-changed"]
    parts = {
        box: [json.loads(one["details"])["part"] for one in found[3:-1] if one["mailbox"] == str(box)]
        for box in (ALICE, BOB)
    }
    assert parts == {ALICE: [str(turn) for turn in range(0, 250, 2)], BOB: [str(turn) for turn in range(1, 250, 2)]}
    times = [int(one["id"].partition(":")[2].partition("-")[0]) for one in found]
    assert times == sorted(times)
    assert {one["by"].rpartition(" ")[0] for one in found[3:-1]} == {"web administrator:marie 198.51.100.7"}
    assert found[-1]["by"].startswith("command ")
    assert {one["mailbox"] for one in found} == {str(ALICE), str(BOB)}
    assert len({one["id"] for one in found}) == len(found)
    assert vm("privacy", "audit", file).code == 2  # nothing is written over
    lines = vm("privacy", "audit", "-", "--format", "jsonl").out.splitlines()
    assert [json.loads(line)["id"] for line in lines] == [one["id"] for one in found]
    of_bob = vm("privacy", "audit", "-", "--mailbox", str(BOB)).out.splitlines()
    assert len(of_bob) == 1 + 1 + 125


def test_a_span_of_time_and_what_reaches_not_so_far_back(vm, boxes, node, leave, tmp_path):
    leave("1001")
    assert rows_in(vm, "--from", "2100-01-01") == []
    assert rows_in(vm, "--until", "2001-01-01") == []
    assert len(rows_in(vm, "--from", "2001-01-01", "--until", "2100-01-01")) == 3
    for wrong in (("--from", "yesterday"), ("--from", "2026-02-01", "--until", "2026-01-01")):
        assert vm("privacy", "audit", tmp_path / "none", *wrong).code == 2
    assert not (tmp_path / "none").exists()
    stream = node.store.keys.of(ALICE).events
    node.store.link.run(
        node.store.keys.partition(ALICE), lambda client: client.xtrim(stream, maxlen=1, approximate=False)
    )
    ran = vm("privacy", "audit", tmp_path / "late.csv")
    assert ran.code == 0
    assert "reach back to" in ran.err
    assert "reach back" not in vm("privacy", "audit", tmp_path / "later.csv", "--from", "2100-01-01").err


def rows_in(vm, *words):
    return vm("privacy", "audit", "-", *words).out.splitlines()[1:]


def test_what_callers_send_stays_in_its_cell_and_its_line(vm, boxes, leave, tmp_path):
    callers = some_hostile_callers()[:60]
    for caller in callers:
        leave("1001", caller=Caller(caller.number, caller.name))
    file = tmp_path / "audit.csv"
    assert vm("privacy", "audit", file).code == 0
    found = [one for one in rows(file) if one["what"] == "delivered"]
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for one in found for cell in one.values())
    told = [json.loads(from_csv_cell(one["details"])).get("caller_name", "") for one in found]
    assert told == [Caller(caller.number, caller.name).name for caller in callers]
    assert vm("privacy", "audit", tmp_path / "audit.jsonl").code == 0
    lines = (tmp_path / "audit.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["details"].get("caller_name", "") for line in lines if '"delivered"' in line] == told


def test_a_program_has_the_same_page_by_page(vm, boxes, node, leave):
    api, paths = Api(node.store), {"limit": "7"}
    left = leave("1001")
    for turn in range(40):
        with acting(f"web administrator:marie 198.51.100.7 r{turn}"):
            node.mailboxes.log_event((ALICE, BOB)[turn % 2], EventType.EXPORTED, left)
    lines = [json.loads(line) for line in vm("privacy", "audit", "-", "--format", "jsonl").out.splitlines()]
    found, cursor = [], ""
    while cursor is not None:
        status, page = api.ask("GET", "/privacy/audit", **paths, **({"cursor": cursor} if cursor else {}))
        assert (status, page["complete_since"]) == (200, None)
        assert len(page["events"]) == 7 or page["next"] is None
        found += page["events"]
        cursor = page["next"]
    assert [one["id"] for one in found] == [one["id"] for one in lines]
    assert [one["details"] for one in found] == [one["details"] for one in lines]
    assert set(found[0]) == set(lines[0])
    _, of_bob = api.ask("GET", "/privacy/audit", mailbox=str(BOB), limit=200)
    assert [one["mailbox"] for one in of_bob["events"]] == [str(BOB)] * 21
    for span, many in (
        ({"since": "2100-01-01T00:00:00Z"}, 0),
        ({"until": "2001-01-01T00:00:00Z"}, 0),
        ({"until": "1950-01-01T00:00:00Z", "since": "1940-01-01T00:00:00Z"}, 0),
    ):
        assert len(api.ask("GET", "/privacy/audit", **span)[1]["events"]) == many
    both = {"since": "2001-01-01T00:00:00Z", "until": "2100-01-01T00:00:00Z", "limit": 200}
    assert len(api.ask("GET", "/privacy/audit", **both)[1]["events"]) == len(lines)
    for wrong, status in (
        ({"since": "2100-01-01T00:00:00Z", "until": "2001-01-01T00:00:00Z"}, 422),
        ({"cursor": "none"}, 400),
        ({"cursor": "MTAwMUBkZWZhdWx0"}, 400),  # a list of mailboxes' own
        ({"mailbox": "no@such@box"}, 404),
        ({"since": "2026-01-01"}, 422),
    ):
        assert api.ask("GET", "/privacy/audit", **wrong)[0] == status


def test_no_event_of_one_millisecond_is_lost_between_pages(node):
    keys, store = node.store.keys, node.store
    node.mailboxes.log_event(ALICE, EventType.EXPORTED, "m")
    streams = [keys.part(partition).events for partition in (0, 1, 2)]
    [(_, fields)] = store.link.run(None, lambda client: client.xrange(keys.of(ALICE).events))
    for stream in streams:
        for number in (1, 2, 3):
            store.link.run(stream, lambda client, s=stream, n=number: client.xadd(s, fields, id=f"9000000000000-{n}"))
    every = [event.key for event in store.events.span()]
    assert len(set(every)) == len(every) == 10
    for at, key in enumerate(every):
        assert [event.key for event in store.events.span(after=key)] == every[at + 1 :]
