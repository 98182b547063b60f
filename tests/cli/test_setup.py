"""`esl-vm setup` as an administrator runs it, beside a FreeSWITCH's event socket."""

import csv
import json
import os
import signal
import socket
import stat
import subprocess
import sys

import pytest
from cli.test_json_shapes import check
from docs_check.pages import command_lines
from support.neighbour import Manner
from support.switch_neighbour import reply
from support.vanilla import VanillaSwitch, contents
from support.waiting import wait_until

from esl_vm.model.mailbox import MailboxId


@pytest.fixture
def switch(tmp_path):
    with VanillaSwitch(tmp_path / "conf") as neighbour:
        yield neighbour


@pytest.fixture
def conf(tmp_path, switch):
    return tmp_path / "conf"


@pytest.fixture
def setup(vm, tmp_path, conf):
    """Run it: `setup("--dry-run")`."""
    file = tmp_path / "etc/esl-vm.toml"
    file.parent.mkdir()
    nobody = socket.socket()  # no service is on this host, as far as this one is concerned
    nobody.bind(("127.0.0.1", 0))
    file.write_text(f'# ours\n[service]\nlisten = "127.0.0.1:{nobody.getsockname()[1]}"\n')

    def run(*words, call=False, **how):
        places = ["--config", file, "--conf", conf, "--journal", tmp_path / "journal"]
        return vm("setup", *places, *words, *([] if call else ["--no-call"]), **how)

    run.file, run.journal = file, tmp_path / "journal"
    run.places = (conf, file.parent)
    yield run
    nobody.close()


def test_it_is_shown_and_nothing_changes(setup, switch, vm):
    before = contents(*setup.places)
    ran = setup("--dry-run")
    assert ran.code == 0, ran.err
    assert "1. name FreeSWITCH's event socket" in ran.out
    assert f'    +freeswitch = "127.0.0.1:{switch.port}"' in ran.out
    assert '    -    <load module="mod_voicemail"/>' in ran.out
    assert "1000@default Extension 1000: a random PIN" in ran.out
    assert "1001@default Alice Martin: its vm-password" in ran.out
    assert "Clue&Con2" not in ran.out
    assert "583062" not in ran.out
    assert contents(*setup.places) == before
    assert switch.read.told == []
    assert not setup.journal.exists()
    assert json.loads(vm("mailbox", "list", "--json").out) == []


def test_every_command_of_the_page_does_what_it_says(setup, switch):
    before = contents(*setup.places)
    lines = [line for _, line in command_lines("docs/setup.md")]
    assert lines == ["esl-vm setup --dry-run", "esl-vm setup", "esl-vm setup --undo"]
    shown, done, undone = (setup(*line.split()[2:], *["--yes"] * ("--dry-run" not in line)) for line in lines)
    assert (shown.code, done.code, undone.code) == (0, 0, 0)
    assert done.out.startswith(shown.out)
    assert contents(*setup.places) == before


def test_without_a_terminal_it_wants_to_be_told_yes(setup, switch):
    before = contents(*setup.places)
    ran = setup()
    assert ran.code == 2
    assert "Say --yes" in ran.err
    assert contents(*setup.places) == before
    assert switch.read.told == []


def test_it_is_done_found_done_and_undone(setup, switch, vm, node, tmp_path):
    before = contents(*setup.places)
    ran = setup("--yes", "--pins-to", tmp_path / "pins.csv")
    assert ran.code == 0, ran.err
    assert "done     unload mod_voicemail" in ran.out
    assert switch.read.told == ["reloadxml", "unload mod_voicemail"]
    with (tmp_path / "pins.csv").open() as file:
        [given] = csv.DictReader(file)
    assert given["mailbox"] == "1000@default"
    assert stat.S_IMODE((tmp_path / "pins.csv").stat().st_mode) == 0o600
    assert {str(box) for box in node.registry.boxes()} == {"1000@default", "1001@default"}
    assert node.registry.fields(MailboxId("1001"))["email"] == "alice@example.com"
    for number, pin in (("1000", given["pin"]), ("1001", "583062")):
        assert node.store.pins.check(MailboxId(number), pin).value == "right"

    after = contents(*setup.places)
    again = setup("--yes")
    assert again.code == 0, again.err
    assert "there is nothing to do" in again.out
    assert contents(*setup.places) == after
    assert len(switch.read.told) == 2

    undone = setup("--undo", "--yes")
    assert undone.code == 0, undone.err
    assert contents(*setup.places) == before
    assert switch.read.told[2:] == ["reloadxml", "load mod_voicemail"]
    assert list(node.registry.boxes()) == []
    assert "there is nothing to undo" in setup("--undo").out


def test_a_mailbox_that_is_there_stays_as_it_is(setup, vm, node, leave):
    vm("mailbox", "add", "1000", "name=Somebody", "--pin-stdin", typed="7391\n")
    ran = setup("--yes")
    assert ran.code == 0, ran.err
    assert "1000@default" not in ran.out
    assert node.store.pins.check(MailboxId("1000"), "7391").value == "right"
    leave("1001")
    undone = setup("--undo", "--yes")
    assert undone.code == 3
    assert "left     mailbox 1001@default: it is used, and stays" in undone.out
    assert {box.number for box in node.registry.boxes()} == {"1000", "1001"}


def test_programs_have_it_as_json(setup, tmp_path):
    refused = setup("--json", "--yes")
    assert refused.code == 1
    assert "--pins-to" in refused.err
    said = setup("--json", "--yes", "--pins-to", tmp_path / "pins.csv").json
    check("setup", said)
    assert [step["step"] for step in said["steps"]][:3] == ["settings", "dialplan", "conflicts"]
    assert all(step["done"] and step["why"] and step["changes"] for step in said["steps"])
    assert said["freeswitch"]["version"].startswith("FreeSWITCH Version")
    assert said["call"] == said["to_do"] == []
    undone = setup("--json", "--undo", "--yes").json
    check("setup", undone)
    assert len(undone["done"]) > 10


@pytest.mark.parametrize(
    ("step", "manner", "said"),
    [
        ("auth", reply("-ERR invalid"), "it refuses the password"),
        ("connect", b"Content-Type: text/rude-rejection\n\n", "its access list refuses this host"),
        ("connect", Manner.DROP, "the connection was closed"),
    ],
)
def test_a_freeswitch_that_lets_nobody_in_changes_nothing(setup, switch, step, manner, said):
    switch.manners[step] = manner
    before = contents(*setup.places)
    ran = setup("--yes")
    assert ran.code == 1
    assert said in ran.err
    assert "nothing was changed" in ran.err
    assert contents(*setup.places) == before


def test_freeswitch_down_is_one_sentence_unless_it_is_not_to_be_asked(setup, switch):
    switch.close()
    before = contents(*setup.places)
    ran = setup("--yes")
    assert ran.code == 1
    assert "nothing was changed" in ran.err
    assert contents(*setup.places) == before
    ran = setup("--yes", "--offline")
    assert ran.code == 3, ran.err
    assert "to do    start FreeSWITCH" in ran.out
    undone = setup("--undo", "--yes", "--offline")
    assert undone.code == 0
    assert "tell it yourself: fs_cli -x 'reloadxml'" in undone.out
    assert contents(*setup.places) == before


def test_a_folder_that_is_none_is_told(vm, tmp_path):
    ran = vm("setup", "--conf", tmp_path, "--dry-run")
    assert ran.code == 2
    assert "no configuration folder of FreeSWITCH" in ran.err


def test_killed_while_freeswitch_is_told_it_goes_on(setup, switch, redis_url, tmp_path, conf):
    """A real kill, of a process of its own."""
    before = contents(*setup.places)
    switch.manners["reloadxml"] = [Manner.HANG]
    words = ["--conf", conf, "--journal", setup.journal, "--yes", "--no-call", "--no-mailboxes"]
    places = ["--config", setup.file, "--redis", redis_url, "--data-dir", tmp_path / "data"]
    command = [sys.executable, "-m", "esl_vm", *places, "setup", *words]
    with subprocess.Popen([*map(str, command)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        wait_until(lambda: "reloadxml" in switch.steps)
        os.kill(running.pid, signal.SIGKILL)
    assert "mod_voicemail" in switch.read.modules
    ran = setup("--yes")
    assert ran.code == 0, ran.err
    assert switch.read.told == ["reloadxml", "unload mod_voicemail"]
    assert "there is nothing to do" in setup("--yes").out
    assert setup("--undo", "--yes").code == 0
    assert contents(*setup.places) == before
