"""Messages of hostile callers, mailboxes with hostile names, hostile words typed: a row is a line, JSON is JSON, nothing breaks."""

import csv
import json
import re

import pytest
from support.hostile_names import FORGED, some_hostile_callers

from esl_vm.importers.asterisk_text import read_text
from esl_vm.model.mailbox import MailboxId
from esl_vm.model.message import CallDetails, Message
from esl_vm.model.visible import from_csv_cell

CALLERS = some_hostile_callers()
SHORT = [caller for caller in CALLERS if "\x00" not in caller.name + caller.number]  # no argument of a command has one
ALICE = MailboxId("1001")


@pytest.fixture
def full(vm, node):
    """A mailbox with a message of each; the messages as the store has them, in its order."""
    vm("mailbox", "add", "1001", "--name", "Alice", "--no-pin")
    for number, caller in enumerate(CALLERS):
        message = Message(f"m{number:04}", caller.caller, node.clock.now(), call=caller.call)
        node.mailboxes.deliver(ALICE, message, even_if_full=True)


def lines_of(printed):
    """What was printed, in lines; nothing in it can end one or move a cursor."""
    assert all(letter.isprintable() or letter == "\n" for letter in printed), ascii(printed)[:300]
    printed.encode("utf-8", "strict")
    return printed.removesuffix("\n").split("\n")


def test_every_message_is_a_line(vm, full):
    heads, *rows = lines_of(vm("message", "list", "1001").out)
    assert heads.startswith("ID")
    assert [row[:5] for row in rows] == [f"m{number:04}" for number in range(len(CALLERS))]
    listed = vm("message", "list", "1001", "--json")
    lines_of(listed.out)
    told = [(one["caller_number"], one["caller_name"]) for one in listed.json]
    kept = [caller.caller for caller in CALLERS]
    assert told == [(caller.number, caller.name) for caller in kept]
    assert [CallDetails.of(one) for one in listed.json] == [caller.call for caller in CALLERS]


def test_every_event_is_a_line(vm, full):
    rows = lines_of(vm("events", "--last", len(CALLERS) + 10).out)
    delivered = [row for row in rows if " delivered " in row]
    assert len(delivered) == len(CALLERS)
    assert all(re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[+-]\d\d:\d\d  \S", row) for row in rows)
    for row in lines_of(vm("events", "--last", len(CALLERS), "--json").out):
        json.loads(row)


def test_a_message_is_shown_in_as_many_lines_as_another(vm, full):
    for number in range(0, len(CALLERS), 25):
        shown = lines_of(vm("message", "show", "1001", f"m{number:04}").out)
        assert [line.split()[0] for line in shown] == [
            *["id", "folder", "from", "received", "length", "marks", "came", "sound"],
            *(name.partition("_")[0] for name in CALLERS[number].call.as_fields()),
        ]
        assert vm("message", "show", "1001", f"m{number:04}", "--json").json["id"] == f"m{number:04}"


def test_a_mailbox_s_name_is_refused_or_shown_as_it_is(vm, tmp_path):
    """Typed, listed, shown, written to CSV and to JSON."""
    names = {}
    for number, caller in enumerate(SHORT[::12]):
        ran = vm("mailbox", "add", 2000 + number, "--no-pin", f"--name={caller.name}")
        lines_of(ran.out)
        lines_of(ran.err)
        assert ran.code in {0, 2}
        if ran.code == 0:
            names[f"{2000 + number}@default"] = vm("mailbox", "show", 2000 + number, "--json").json["name"]
    assert len(names) > 25
    rows = lines_of(vm("mailbox", "list").out)
    assert len(rows) == len(names) + 1
    assert all(row.startswith("2") for row in rows[1:])
    assert {one["mailbox"]: one["name"] for one in vm("mailbox", "list", "--json").json} == names
    table, listed = tmp_path / "boxes.csv", tmp_path / "boxes.json"
    assert vm("mailbox", "export", table).code == vm("mailbox", "export", listed).code == 0
    with table.open(encoding="utf-8", newline="") as file:
        assert {row["mailbox"]: from_csv_cell(row["name"]) for row in csv.DictReader(file)} == names
    lines_of(listed.read_text("utf-8"))
    assert {one["mailbox"]: one.get("name", "") for one in json.loads(listed.read_text("utf-8"))} == names
    for row in lines_of(vm("events", "--last", 6000).out):
        assert row.startswith("20")


def test_whatever_is_typed_is_complained_of_in_a_line(vm):
    """Mailboxes, ids, times, settings, commands that are none."""
    commands = (
        ("mailbox", "show"),
        ("message", "list"),
        ("message", "show", "1001"),
        ("message", "search", "--call-id"),
        ("events", "--since"),
        ("mail", "retry"),
        ("spool", "settle"),
        ("mailbox", "set", "1001"),
        ("no-such",),
        (),
    )
    vm("mailbox", "add", "1001", "--no-pin")
    for caller in SHORT[::100]:
        for command in commands:
            for text in (caller.name, caller.number):
                if not text.startswith("-"):
                    ran = vm(*command, text)
                    assert ran.code in {0, 1, 2}
                    said = lines_of(ran.err)
                    assert not any(line.startswith(FORGED) for line in said)
                    assert len(said) <= 3, ran.err


def test_an_export_to_asterisk_has_a_line_for_each_field(vm, node, tmp_path, tone):
    vm("mailbox", "add", "1001", "--name", "Alice", "--no-pin")
    for number, caller in enumerate(CALLERS[::8]):
        node.audio.put(f"m{number:04}", tone(0.1))
        node.mailboxes.deliver(
            ALICE, Message(f"m{number:04}", caller.caller, 1.0, duration_ms=100, call=caller.call), even_if_full=True
        )
    ran = vm("export", "asterisk", "--to", tmp_path / "out")
    assert ran.code == 0, ran.err
    texts = sorted((tmp_path / "out").rglob("msg*.txt"))
    assert len(texts) == len(CALLERS[::8])
    for text in texts:
        said = text.read_text("utf-8")
        assert [line.split("=")[0] for line in said.splitlines()[4:]] == ASTERISK_KEYS, said
        kept = node.mailboxes.message(ALICE, read_text(text.read_bytes()).msg_id).caller
        assert read_text(text.read_bytes()).caller == kept


ASTERISK_KEYS = [
    *("origmailbox", "context", "exten", "rdnis", "priority", "callerchan", "callerid", "origdate", "origtime"),
    *("category", "msg_id", "flag", "duration"),
]
