"""What callers send, at every outlet to a log, a terminal, a program, a spreadsheet, a channel: text, and nothing else."""

import ast
import csv
import dataclasses
import io
import json
import logging
import re
import sys
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from seeing import a_record, a_snapshot
from support.hostile_names import FORGED, some_hostile_callers

from esl_vm.actions.calling import is_allowed
from esl_vm.cli.message import as_json
from esl_vm.cli.output import complain, print_json, print_table, show
from esl_vm.cli.pin_handout import PinHandout
from esl_vm.cli.top import show_once
from esl_vm.esl import commands
from esl_vm.esl.sounds import safe_path
from esl_vm.model.call import Call
from esl_vm.model.errors import UnsafeArgumentError
from esl_vm.model.mailbox import MailboxId
from esl_vm.model.mailbox_table import read_table, write_csv, write_json
from esl_vm.model.message import Caller, Message
from esl_vm.model.settings_check import settings_from
from esl_vm.model.visible import csv_cell, from_csv_cell, one_line
from esl_vm.ops import call_records, logs
from esl_vm.ops.metrics import Metrics
from esl_vm.ops.web import StatusPages
from esl_vm.sim.screen import Screen
from esl_vm.speech.utterance import Prompt
from esl_vm.speech.voice import voice_for

CALLERS = some_hostile_callers()


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
    record = a_record(call=Call("u-1", Caller(caller.number, caller.name), caller.number), mailbox=caller.number)
    call_records.log.addHandler(handler)
    level = call_records.log.level
    call_records.log.setLevel(logging.INFO)
    try:
        call_records.log_call(record.as_logged(seconds=1, applications=1, keys=1, end=caller.name))
        if failed:
            error = ValueError(caller.name)
            call_records.log.error("call of %s", caller.name, exc_info=(ValueError, error, None))
    finally:
        call_records.log.removeHandler(handler)
        call_records.log.setLevel(level)
    return kept[-1]


def test_a_line_of_the_log_is_one_line_for_people():
    for caller in CALLERS:
        [line] = text_of(logs.formatter("text").format(record_of(caller)))
        assert "INFO" in line
        assert one_line(caller.number) in line


def test_a_line_of_the_log_is_one_object_for_machines_and_every_letter_is_kept():
    for caller in CALLERS:
        [line] = text_of(logs.formatter("json").format(record_of(caller)))
        told = json.loads(line)
        assert (told["from"], told["end"], told["to"]) == (Caller(caller.number).number, caller.name, caller.number)


def test_the_lines_of_a_traceback_are_set_in_whatever_the_error_quotes():
    for caller in CALLERS:
        first, *more = text_of(logs.formatter("text").format(record_of(caller, failed=True)))
        assert " ERROR [" in first
        assert all(line.startswith("    ") for line in more)
        [line] = text_of(logs.formatter("json").format(record_of(caller, failed=True)))
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
        as_json(Message(f"m-{n}", caller.caller, received=1.0, call=caller.call), "")
        for n, caller in enumerate(CALLERS)
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


def test_no_cell_of_the_file_with_pins_is_a_formula(tmp_path):
    file = tmp_path / "pins.csv"
    handout = PinHandout(settings_from({}), file, mail=False)
    for caller in CALLERS[::2]:
        handout.give(MailboxId("1001"), {"name": Caller(name=caller.name).name}, "4821")
    with file.open(encoding="utf-8", newline="") as opened:
        rows = list(csv.reader(opened))[1:]
    assert [from_csv_cell(row[1]) for row in rows] == [Caller(name=caller.name).name for caller in CALLERS[::2]]
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row)


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
    for caller in CALLERS[::5]:
        node = dict.fromkeys(("workers", "calls", "calls_total", "calls_failed", "spool_waiting", "spool_aside"), 0)
        node |= {"name": caller.name, "alive": True, "version": caller.number, "started": "", "spool_oldest_s": 0}
        node |= {"lamp_wait_s": 0.0, "freeswitch": caller.name, "ready": caller.name, "told_s_ago": 1.0}
        found = {"nodes": [node], "redis": caller.name, "at": "2026-11-27T20:00:00-05:00", "schema": 1, "overdue_s": 0}
        found |= {"mail_waiting": 0, "texts_waiting": 0, "webhooks_waiting": 0, "given_up": 0, "locked_mailboxes": 0}
        out, _ = said(lambda found=found: show_once(found))
        assert out[0].startswith("2026-11-27 20:00:00-05:00")
        if caller.name.startswith("[bold]"):
            assert "[bold]" in "".join(out)


def test_a_command_to_a_channel_is_one_command_or_none():
    made = (
        (6, lambda text: commands.execute("set", f"vm_x={text}", "u-1")),
        (1, lambda text: commands.command(f"api x {text}")),
        (2, lambda text: commands.send_event("MESSAGE_WAITING", {"MWI-Message-Account": text})),
    )
    refused = 0
    for caller in CALLERS:
        for lines, make in made:
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


def test_a_variable_set_on_a_channel_is_one_command_and_nothing_the_dialplan_would_expand():
    for caller in CALLERS:
        for text in (caller.name, caller.number):
            try:
                data = commands.command(f"api uuid_setvar u-1 {commands.assignment('vm_x', text)}")
            except UnsafeArgumentError:
                continue
            assert data.count(b"\n") == 2
            assert b"${" not in data
            with pytest.raises(UnsafeArgumentError):
                commands.assignment(f"vm_x {text}", "1")


def test_a_number_that_is_called_or_spoken_is_a_number():
    """3 2 calls who left a message; the envelope says who it was."""
    voice = voice_for("en", default="en")
    for caller in CALLERS:
        number = Caller(caller.number).dialable
        assert all(letter in "+0123456789*#" for letter in number)
        assert not is_allowed("X.", caller.number) or caller.number.isascii()
        said = voice.phone_number(caller.number) + voice.digits(caller.name)
        for prompt in (one for one in said if isinstance(one, Prompt)):
            assert safe_path(f"/p/en/{prompt.name}.wav")
            assert prompt.name.replace("/", "").replace("-", "").isalnum()


def test_the_status_pages_have_a_line_for_each_thing_that_is_wrong():
    for caller in CALLERS:
        differing = [f"node {caller.name}: settings {caller.number} and {caller.name}"]
        state = a_snapshot(differing=differing, cluster=None, redis_wrong=caller.name, spool_wrong=caller.number)
        pages = StatusPages(("127.0.0.1", 0), lambda state=state: state, lambda: b"")
        status, _, content = pages.page("/readyz")
        assert status == 503
        assert len(text_of(content.decode())) == len(state.not_ready) + 1


def test_the_figures_have_no_sample_but_those_that_were_counted():
    """A node's name is an administrator's; the words of a call's figures are ours, whatever its caller sent."""
    for caller in CALLERS[::5]:
        name = caller.name.encode("utf-8", "replace").decode()  # settings are UTF-8
        metrics = Metrics()
        metrics.call_counted("leave", "SUCCESS", caller.name)
        text = metrics.exposition(lambda name=name: dataclasses.replace(a_snapshot(), node=name)).decode()
        families = {family.name: family.samples for family in text_string_to_metric_families(text)}
        assert [sample.labels["node"] for sample in families["esl_vm_info"]] == [name]
        assert {sample.labels["end"] for sample in families["esl_vm_calls"]} <= {"hung up", "transferred", "completed"}
        assert not any(FORGED in family for family in families)


# -- which outlets there are ----------------------------------------------------------------------

ROOT = Path(__file__).parents[2]
OUTWARD = re.compile(
    r"(^|\.)(print|write|writelines|write_text|write_bytes|dumps?|send|sendall|sendto|request|writer|print_exc|fire|execute"
    r"|set_variables|transfer|start_response|send_message|putheader|set_content|add_header)$"
)
OURS = "nothing from outside is in it"
SOUND = "sound, or a copy of what was written"
STORE = "to the store or another process of ours, by length or as JSON"
#: Where something leaves the service (file: what is called there), by the test that puts hostile names through it, or by why
#: none need be.
OUTLETS = {
    "ops/test_outlets.py::test_a_line_of_the_log_is_one_line_for_people": {
        "ops/logs.py: os.write", "service/supervisor.py: traceback.print_exc",
    },
    "ops/test_outlets.py::test_json_is_what_it_was": {
        "model/visible.py: json.dumps", "cli/config.py: json.dumps", "cli/output.py: print",
    },
    "ops/test_outlets.py::test_a_table_has_a_line_for_each_row": {"cli/output.py: print"},
    "ops/test_outlets.py::test_no_cell_of_a_csv_is_a_formula_and_a_spreadsheet_gives_back_what_it_got": {
        "model/mailbox_table.py: csv.writer", "cli/apply.py: sys.stdout.write", "cli/apply.py: write_text",
        "cli/files.py: source.write_text", "cli/files.py: file.write", "model/mailbox_table.py: json.dumps",
    },
    "ops/test_outlets.py::test_no_cell_of_the_file_with_pins_is_a_formula": {
        "cli/pin_handout.py: csv.writer", "cli/pin_handout.py: file.write",
    },
    "admin/test_audit_export.py::test_what_callers_send_stays_in_its_cell_and_its_line": {
        "web/audit_table.py: csv.writer", "cli/audit.py: file.write",
    },
    "ops/test_outlets.py::test_top_shows_what_nodes_say_of_themselves_and_no_markup": {
        "cli/top.py: shown.print",
    },
    "ops/test_outlets.py::test_the_telephone_in_a_terminal_shows_a_line": {"sim/screen.py: self._out.write"},
    "ops/test_outlets.py::test_the_status_pages_have_a_line_for_each_thing_that_is_wrong": {
        "ops/web.py: start_response", "ops/web.py: json.dumps",
    },
    "ops/test_outlets.py::test_a_command_to_a_channel_is_one_command_or_none": {
        "esl/session.py: execute", "esl/exchange.py: self._stream.send", "esl/exchange.py: self._stream.sendall",
        "esl/exchange.py: self.send", "esl/inbound.py: self._socket.sendall", "esl/inbound.py: stream.sendall",
    },
    "ops/test_outlets.py::test_a_variable_set_on_a_channel_is_one_command_and_nothing_the_dialplan_would_expand": {"set_variables"},
    "ops/test_outlets.py::test_a_number_that_is_called_or_spoken_is_a_number": {"transfer"},
    "notify/test_hostile_mail.py::test_a_mail_about_each_hostile_caller_has_the_headers_that_were_written": {
        "notify/mail_templates.py: message.set_content", "notify/smtp.py: line.send",
    },
    "notify/test_hostile_events.py::test_a_webhook_is_told_json_with_the_name_in_it_and_nothing_unseen": {
        "notify/webhook.py: line.request",
    },
    "notify/test_sms.py::test_a_text_about_each_hostile_caller_is_one_value_of_the_form": {"notify/asking.py: line.request"},
    "transcription/test_transcribers.py::test_a_hostile_name_is_part_of_one_field_and_touches_no_other": {
        "transcription/http_engine.py: line.request",
    },
    "notify/test_hostile_events.py::test_mod_voicemails_event_has_its_headers_and_no_other": {
        "notify/lamp_watch.py: self._switch.fire",
    },
    "notify/test_hostile_events.py::test_a_lamp_s_answer_to_a_hostile_telephone_is_one_event_or_none": {
        "notify/lamps.py: self._switch.fire",
    },
    "notify/test_presence.py::test_what_a_hostile_telephone_subscribes_to_is_not_told_to_freeswitch": {
        "notify/presence.py: self._switch.fire",
    },
    "cli/test_hostile_names_shown.py::test_an_export_to_asterisk_has_a_line_for_each_field": {
        "importers/export_asterisk.py: base.with_suffix('.txt').write_text",
        "importers/export_asterisk.py: path.write_text",
    },
    OURS: {
        "cli/phone.py: traceback.print_exc", "esl/socket_mode.py: execute", "dialogue/advanced.py: send", "service/systemd.py: line.sendto",
        "speech/build.py: listed.write_text", "store/embedded.py: (self._folder / 'redis.version').write_text",
        "store/embedded.py: file.write", "store/embedded.py: line.sendall", "store/embedded_keeper.py: file.writelines",
        "store/embedded_keeper.py: print", "store/embedded_mend.py: print", "service/worker.py: metrics.write", "service/web.py: metrics.write", "ops/metrics.py: self.write",
        "service/heartbeat_pipe.py: os.write", "service/running.py: os.write", "web/factory.py: json.dumps", "web/pages.py: json.dumps", "oidc/provider.py: json.dumps", "oidc/bounded_http.py: line.request", "store/embedded.py: version.write_text",
        "calendars/reading.py: line.request", "setup/settings_text.py: json.dumps",
    },
    SOUND: {
        "ops/caller_archive.py: archive.write", "cli/backup.py: sound.write", "cli/backup_file.py: self._file.write", "ops/checks.py: sound.write",
        "importers/export_asterisk.py: path.write_bytes", "sound/encode.py: soundfile.write",
        "ops/repair.py: (folder / f'{sound}.wav').write_bytes", "importers/scratch.py: (self._path / name).write_bytes",
        "importers/scratch.py: written.write", "store/embedded_mend.py: written.write", "sound/disk.py: os.write",
        "web/greetings.py: out.write", "service/web.py: sound.write_bytes",
    },
    STORE: {
        "ops/copies.py: (cache.folder / _LOOKED).write_text", "ops/repair.py: journal.write", "ops/repair.py: json.dumps", "model/agreement.py: json.dumps", "model/transcript.py: json.dumps", "model/sealing.py: json.dumps",
        "ops/metrics_memory.py: marshal.dumps", "ops/metrics.py: self._slot.write",
        "importers/mod_voicemail.py: connection.execute",
        "importers/postgres.py: connection.execute", "importers/postgres.py: cursor.execute",
        "importers/upload.py: sys.stdout.write", "web/mailboxes.py: json.dumps",
        "calendars/dates.py: json.dump", "calendars/folder.py: json.dumps", "calendars/folder.py: new.write_text",
        "setup/actions.py: world.journal.write", "setup/journal.py: json.dumps", "setup/mailboxes.py: world.journal.write",
    },
}  # fmt: skip


def calls_outward():
    """Every call in esl_vm that may give something away, as `file: function`; arguments to Redis and the simulated switch left out."""
    for path in sorted((ROOT / "esl_vm").rglob("*.py")):
        where = str(path.relative_to(ROOT / "esl_vm"))
        if where.startswith("sim/") and where != "sim/screen.py":
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            name = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            to_redis = name.endswith("pipeline.execute") or (where.startswith("store/") and name == "json.dumps")
            if name.endswith((".set_variables", ".transfer")):  # whoever asks for it, EslPhone does it
                yield name.rpartition(".")[2]
            elif OUTWARD.search(name) and not to_redis:
                yield f"{where}: {name}"


def test_every_outlet_is_known_and_has_a_test():
    found, known = set(calls_outward()), set().union(*OUTLETS.values())
    assert found - known == set(), "outlets that no test puts hostile names through"
    for test in set(OUTLETS) - {OURS, SOUND, STORE}:
        file, _, name = test.partition("::")
        assert f"def {name}" in (ROOT / "tests" / file).read_text("utf-8")
