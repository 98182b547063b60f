"""Exit codes, colours, widths, pipes and Ctrl-C: what every command does alike."""

import io
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from cli.test_closed_redis import commands
from cli.test_one_way import parser_of

from esl_vm.cli.main import build_parser, main
from esl_vm.cli.output import console, has_colours
from esl_vm.cli.parsers import EXIT_CODES
from esl_vm.cli.top import view
from esl_vm.sim.screen import Screen

ALL = sorted(commands(build_parser()))
PAGE = (Path(__file__).parents[2] / "docs/administration.md").read_text(encoding="utf-8")


def left_with(words):
    """The exit code of a command line that argparse leaves by."""
    with pytest.raises(SystemExit) as left:
        main(words)
    return left.value.code


@pytest.mark.parametrize("name", ALL)
def test_help_is_exit_0_and_what_is_unknown_exit_2_with_one_sentence(name, capsys):
    assert left_with([*name.split(), "--help"]) == 0
    shown = capsys.readouterr().out
    for code, meaning in parser_of(name).codes.items():
        assert f"{code} {meaning}" in shown
    assert left_with([*name.split(), "--nonesuch"]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"esl-vm {name}: ")
    assert said.endswith(f"Try `esl-vm {name} --help`.\n")
    assert "Traceback" not in said


@pytest.mark.parametrize("stop", [KeyboardInterrupt, EOFError])
def test_ctrl_c_and_the_end_of_what_is_typed_are_exit_130_without_a_traceback(monkeypatch, capsys, stop):
    def stopped(_args):
        raise stop

    monkeypatch.setattr("esl_vm.cli.config._run", stopped)
    assert main(["config"]) == 130
    assert capsys.readouterr().err == ""


def test_every_command_with_what_it_takes_and_its_exit_codes_is_on_the_page():
    ran = subprocess.run(
        [sys.executable, Path(__file__).parents[2] / "scripts/command-table", "--check"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    for code in {code for name in ALL for code in parser_of(name).codes}:
        assert f"\n| {code} |" in PAGE
    assert set(EXIT_CODES) == {0, 1, 2, 130}


@pytest.mark.parametrize("words", [["--help"], ["mailbox", "add", "--help"], ["config"], ["schema", "mailbox", "show"]])
def test_a_reader_that_has_read_enough_is_no_error(words, tmp_path):
    """As behind `| head`: the pipe's reading end is closed before anything is written."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as out:
        ran = subprocess.run(
            [sys.executable, "-m", "esl_vm", "--data-dir", tmp_path, *words],
            stdout=out, stderr=subprocess.PIPE, check=False,
        )  # fmt: skip
    assert ran.stderr == b""
    assert ran.returncode == 0


def test_ctrl_c_ends_what_waits_with_130(tmp_path):
    """`events --follow` waits for ever; its first line shows that it has begun."""
    program = [sys.executable, "-m", "esl_vm", "--data-dir", tmp_path]
    subprocess.run([*program, "mailbox", "add", "1001"], check=True, capture_output=True, stdin=subprocess.DEVNULL)
    with subprocess.Popen([*program, "events", "--follow"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as waits:
        assert b"1001@default" in waits.stdout.readline()
        waits.send_signal(signal.SIGINT)
        _, said = waits.communicate(timeout=100)
    assert said == b""
    assert waits.returncode == 130


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("said", "on_a_terminal", "elsewhere"),
    [
        ({}, True, False),
        ({"NO_COLOR": "1"}, False, False),
        ({"NO_COLOR": ""}, True, False),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, False, False),
        ({"CLICOLOR": "0"}, False, False),
        ({"CLICOLOR": "1"}, True, False),
        ({"FORCE_COLOR": "1"}, True, True),
        ({"CLICOLOR_FORCE": "1", "CLICOLOR": "0"}, True, True),
        ({"FORCE_COLOR": "0"}, True, False),
    ],
)
def test_colours_are_where_they_are_wanted(monkeypatch, said, on_a_terminal, elsewhere):
    for name in ("NO_COLOR", "FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in said.items():
        monkeypatch.setenv(name, value)
    for file, wanted in ((Terminal(), on_a_terminal), (io.StringIO(), elsewhere)):
        assert has_colours(file) is wanted
        console(file, 200).print(view(CLUSTER))
        assert ("\x1b[" in file.getvalue()) is wanted
    screen = Terminal()
    Screen(screen, lambda names, _: " ".join(names), colours=has_colours(Terminal())).line("!", "on fire", alarm=True)
    assert ("\x1b[31m" in screen.getvalue()) is on_a_terminal


NODE = {
    "name": "media-1", "alive": True, "told_s_ago": 1.0, "version": "0.1.0", "knows_schema": 1, "listen": "127.0.0.1:8084",
    "started": "2026-11-18T06:06:40-05:00", "workers": 2, "calls": 3, "calls_total": 4321, "calls_failed": 7,
    "spool_waiting": 0, "spool_aside": 5, "spool_oldest_s": 0, "lamp_wait_s": 0.2, "freeswitch": "up", "ready": "yes",
}  # fmt: skip
CLUSTER = {
    "at": "2026-11-18T06:06:45-05:00", "redis": "Redis at 10.0.0.1:6379", "schema": 1, "nodes": [NODE, {**NODE, "name": "media-2"}],
    "locked_mailboxes": 0, "mail_waiting": 0, "texts_waiting": 0, "webhooks_waiting": 0, "given_up": 0, "overdue_s": 0.0,
}  # fmt: skip


@pytest.mark.parametrize("columns", [40, 60, 80, 139, 140, 160, 200])
def test_top_shows_all_of_every_node_at_any_width(columns):
    file = io.StringIO()
    console(file, columns).print(view(CLUSTER, columns))
    shown = " ".join(file.getvalue().split())
    for word in ("media-1", "media-2", "4321", "2026-11-18 06:06-05:00", "quarantine", "0.2 s", "up"):
        assert word in shown
    assert all(len(line) <= columns for line in file.getvalue().splitlines())
    assert "…" not in shown


@pytest.mark.parametrize("columns", ["40", "200"])
def test_what_goes_into_a_pipe_is_as_wide_as_it_is(vm, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", columns)
    vm("mailbox", "add", "1001", "--name", "A name that is as long as a name of somebody who has a long name is")
    head, row = vm("mailbox", "list").out.splitlines()
    assert "A name that is as long as a name of somebody who has a long name is" in row
    assert not set("─│┃━╭|") & {*head, *row}
