"""What callers send, at every outlet to a log, a terminal, a program, a spreadsheet, a channel: text, and nothing else."""

import csv
import io
import json
import logging
import sys

import pytest
from seeing import a_story
from support.hostile_names import FORGED, hostile_callers

from esl_vm.cli.message import _as_json
from esl_vm.cli.output import complain, print_json, print_table, show
from esl_vm.cli.table import read_table, write_csv, write_json
from esl_vm.cli.top import _show_once
from esl_vm.esl import wire
from esl_vm.model.call import Call
from esl_vm.model.errors import UnsafeArgumentError
from esl_vm.model.mailbox import MailboxId
from esl_vm.model.message import Caller, Message
from esl_vm.model.visible import csv_cell, from_csv_cell, one_line
from esl_vm.ops import logs, stories
from esl_vm.sim.screen import Screen

CALLERS = hostile_callers()


def text_of(printed):
    """What was printed, as the bytes that leave the process, each line by itself."""
    data = printed.encode("utf-8", "strict")  # nothing is left that can't be written
    assert all(letter.isprintable() or letter == "\n" for letter in printed), ascii(printed)
    return data.decode().split("\n")


@pytest.fixture
def said(monkeypatch):
    """What is written to the standard output and error while a function runs, each as lines."""

    def run(work):
        out, err = io.StringIO(), io.StringIO()
        monkeypatch.setattr(sys, "stdout", out)
        monkeypatch.setattr(sys, "stderr", err)
        work()
        monkeypatch.undo()
        return text_of(out.getvalue()), text_of(err.getvalue())

    return run


def record_of(caller, *, failed=False):
    """A call's line in the log, as it comes to the handler; perhaps of an error that quotes the caller."""
    kept = []
    handler = logging.Handler()
    handler.emit = kept.append
    story = a_story(call=Call("u-1", Caller(caller.number, caller.name), caller.number), mailbox=caller.number)
    stories.log.addHandler(handler)
    level = stories.log.level
    stories.log.setLevel(logging.INFO)
    try:
        stories.tell(story.told(seconds=1, applications=1, keys=1, end=caller.name))
        if failed:
            error = ValueError(caller.name)
            stories.log.error("call of %s", caller.name, exc_info=(ValueError, error, None))
    finally:
        stories.log.removeHandler(handler)
        stories.log.setLevel(level)
    return kept[-1]


def test_a_line_of_the_log_is_one_line_for_people():
    for caller in CALLERS:
        [line] = text_of(logs._TextFormatter().format(record_of(caller)))
        assert "INFO" in line
        assert one_line(caller.number) in line


def test_a_line_of_the_log_is_one_object_for_machines_and_every_letter_is_kept():
    for caller in CALLERS:
        [line] = text_of(logs._JsonFormatter().format(record_of(caller)))
        told = json.loads(line)
        assert (told["from"], told["end"], told["to"]) == (Caller(caller.number).number, caller.name, caller.number)


def test_the_lines_of_a_traceback_are_set_in_whatever_the_error_quotes():
    for caller in CALLERS:
        first, *more = text_of(logs._TextFormatter().format(record_of(caller, failed=True)))
        assert " ERROR [" in first
        assert all(line.startswith("    ") for line in more)
        [line] = text_of(logs._JsonFormatter().format(record_of(caller, failed=True)))
        assert "ValueError" in json.loads(line)["traceback"]


def test_a_table_has_a_line_for_each_row(said):
    rows = [(caller.name, caller.number) for caller in CALLERS]
    lines, _ = said(lambda: print_table(("name", "number"), rows))
    assert len(lines) == len(CALLERS) + 2
    assert not any(line.startswith(FORGED) for line in lines[1:] if one_line(FORGED) not in line[: len(FORGED)])


def test_a_sentence_is_a_line(said):
    for caller in CALLERS:
        out, err = said(lambda caller=caller: (show(f"x {caller.name}"), complain(f"{caller.number} y")))
        assert len(out) == len(err) == 2
        assert out[0].startswith("x ")
        assert err[0].startswith("esl-vm: ")


def test_json_is_what_it_was(said):
    messages = [
        _as_json(Message(f"m-{n}", caller=Caller(c.number, c.name), received=1.0), "") for n, c in enumerate(CALLERS)
    ]
    out, _ = said(lambda: print_json(messages))
    assert json.loads("\n".join(out)) == messages
    assert not any(line.strip().startswith(FORGED) for line in out)


def test_no_cell_of_a_csv_is_a_formula_and_a_spreadsheet_gives_back_what_it_got(tmp_path):
    boxes = [(MailboxId(str(1000 + n)), {"name": caller.name}) for n, caller in enumerate(CALLERS)]
    text = write_csv(boxes)
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert len(rows) == len(CALLERS) + 1
    for row, caller in zip(rows[1:], CALLERS, strict=True):
        assert not row[1].startswith(("=", "+", "-", "@", "\t", "\r"))
        assert from_csv_cell(row[1]) == caller.name
    good = [(box, names) for box, names in boxes if names["name"].isprintable() and len(names["name"].strip()) < 60]
    file = tmp_path / "boxes.csv"
    file.write_text(write_csv(good), "utf-8")
    again = read_table(str(file), "default")
    names = {row.box: row.fields["name"] for row in again.rows}
    assert {box: fields["name"].strip() for box, fields in good if box in names} == names
    assert len(names) > len(good) * 0.9
    assert json.loads(write_json(boxes))[-1]["name"] == CALLERS[-1].name


def test_a_cell_typed_by_hand_is_itself():
    for cell in ("Alice", "'Abend", "", "'"):
        assert from_csv_cell(cell) == cell
    for cell in ("=1", "'=1", "''", "'"):
        assert from_csv_cell(csv_cell(cell)) == cell


def test_the_telephone_in_a_terminal_shows_a_line():
    for caller in CALLERS:
        out = io.StringIO()
        Screen(out, lambda names, _: ", ".join(names)).line("x", f"{caller.number} calls {caller.name}")
        assert len(text_of(out.getvalue())) == 2


def test_top_shows_what_nodes_say_of_themselves_and_no_markup(said):
    for caller in CALLERS[::20]:
        node = dict.fromkeys(("workers", "calls", "calls_total", "calls_failed", "spool_waiting", "spool_aside"), 0)
        node |= {"name": caller.name, "alive": True, "version": caller.number, "started": "", "spool_oldest_s": 0}
        node |= {"lamp_wait_s": 0.0, "freeswitch": caller.name, "ready": caller.name, "told_s_ago": 1.0}
        found = {"nodes": [node], "redis": caller.name, "at": "2026-11-27T20:00:00-05:00", "schema": 1, "overdue_s": 0}
        found |= {"mail_waiting": 0, "webhooks_waiting": 0, "given_up": 0, "locked_mailboxes": 0}
        out, _ = said(lambda found=found: _show_once(found))
        assert out[0].startswith("2026-11-27 20:00:00-05:00")
        if caller.name.startswith("[bold]"):
            assert "[bold]" in "".join(out)


def test_a_command_to_a_channel_is_one_command_or_none():
    commands = (
        (6, lambda text: wire.execute("set", f"vm_x={text}", "u-1")),
        (1, lambda text: wire.command(f"api x {text}")),
        (2, lambda text: wire.send_event("MESSAGE_WAITING", {"MWI-Message-Account": text})),
    )
    refused = 0
    for caller in CALLERS:
        for lines, make in commands:
            for text in (caller.name, caller.number):
                try:
                    data = make(text)
                except UnsafeArgumentError:
                    refused += 1
                    continue
                assert data.endswith(b"\n\n")
                assert len(data[:-2].split(b"\n")) == lines
                assert lines == 1 or b"${" not in data or b"sendmsg" not in data
    assert refused > len(CALLERS) / 10
