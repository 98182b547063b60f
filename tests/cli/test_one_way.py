"""Every command says things in the same way: names, what is wrong, what is near it, what would be done."""

import os

import pytest
from cli.test_closed_redis import commands

from esl_vm.cli.main import build_parser
from esl_vm.model.mailbox import MailboxId
from esl_vm.model.message import Caller

MAILBOX_HELP = "1001@default; without a domain the settings' one"
CHANGES_MUCH = {
    *(
        "mailbox remove",
        "mailbox rename",
        "mailbox apply",
        "message delete",
        "message send",
        "list remove",
        "broadcast",
    ),
    *(
        "mail retry",
        "mail forget",
        "privacy encrypt",
        "privacy erase",
        "spool discard",
        "import asterisk",
        "import mod-voicemail",
        "import fusionpbx",
    ),
    *("restore", "migrate", "setup"),
}


def parser_of(name):
    found = build_parser()
    for word in name.split():
        found = found.commands[word]
    return found


ALL = sorted(commands(build_parser()))


@pytest.mark.parametrize("name", ALL)
def test_each_command_has_an_example_and_says_what_its_words_are(name):
    parser = parser_of(name)
    assert f"esl-vm {name}" in parser.epilog.replace("esl-vm --config /etc/esl-vm.toml", "esl-vm")
    for action in parser.takes:
        shown = action.metavar or ("|".join(map(str, action.choices)) if action.choices else "")
        assert action.nargs == 0 or shown or action.dest in {"greeting", "folder"} or action.help, action
        assert not {"BOX", "BOX,BOX", "OLD"} & {shown}, action
        if shown == "MAILBOX" and action.dest == "box":
            assert action.help == MAILBOX_HELP
    assert any("--dry-run" in action.option_strings for action in parser.takes) is (name in CHANGES_MUCH)


@pytest.mark.parametrize(
    ("words", "near"),
    [
        (["mailbox", "show", "1101"], "1001@default"),
        (["mailbox", "show", "1001@defualt"], "1001@default"),
        (["mailbox", "set", "1101", "maxmsg=5"], "1001@default"),
        (["mailbox", "remove", "1101", "--yes"], "1001@default"),
        (["mailbox", "rename", "1101", "1102", "--yes"], "1001@default"),
        (["mailbox", "copy", "1101", "1102"], "1001@default"),
        (["message", "list", "1101"], "1001@default"),
        (["message", "search", "1101", "hello"], "1001@default"),
        (["greeting", "list", "1101"], "1001@default"),
        (["list", "add", "900", "1101"], "1001@default"),
        (["export", "asterisk", "1101", "--to", "FOLDER"], "1001@default"),
        (["mailbox", "list", "--domain", "defualt"], "default"),
        (["mailbox", "export", "--domain", "defualt"], "default"),
        (["message", "search", "hello", "--domain", "defualt"], "default"),
        (["list", "list", "--domain", "defualt"], "default"),
    ],
)
def test_a_slip_in_a_name_is_told_with_what_is_near(vm, words, near, tmp_path):
    vm("mailbox", "add", "1001")
    ran = vm(*(tmp_path / "out" if word == "FOLDER" else word for word in words))
    assert ran.code == 1
    assert f"did you mean {near}?" in ran.err
    assert ran.out == ""


@pytest.mark.parametrize("options", [["--domain", "defualt"], ["--mailbox", "1101"]])
def test_a_token_for_nobody_is_made_and_told(vm, options):
    vm("mailbox", "add", "1001")
    ran = vm("token", "add", "portal", *options, "--may", "message.read")
    assert ran.code == 0
    assert "did you mean" in ran.err


def test_events_of_a_mailbox_that_never_was_are_told_those_of_a_removed_one_are_shown(vm):
    vm("mailbox", "add", "1001")
    vm("mailbox", "add", "1002")
    vm("mailbox", "remove", "1002", "--yes")
    assert "did you mean 1001@default?" in vm("events", "--mailbox", "1101").err
    ran = vm("events", "--mailbox", "1002")
    assert "1002@default" in ran.out
    assert ran.err == ""
    assert vm("events", "--box", "1002").out == ran.out  # as it was in 0.1.0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["mailbox", "add", "1002", "--name", "x" * 81], "name has more than 80 letters"),
        (["mailbox", "set", "1001", f"name={'x' * 5000}"], "name has more than 80 letters"),
        (["mailbox", "set", "1001", f"email={'x' * 200}@b"], "email has more than 200 letters"),
        (["mailbox", "set", "1001", f"webhook=https://a/{'x' * 1000}"], "webhook has more than 1000 letters"),
        (["mailbox", "set", "1001", "--name", os.fsdecode(b"Ren\xe9")], "name is no UTF-8"),
        (["mailbox", "set", "1001", "maxmsg=99999"], "a number from 0 to 9999"),
        (["list", "add", "900", "1001", "--name", "x" * 81], "at most 80 letters, not 81"),
        (["list", "add", "900", "1001", "--name", os.fsdecode(b"Ren\xe9")], "in UTF-8"),
        (["token", "add", "x" * 65, "--all", "--may", "message.read"], "at most 64 letters"),
        (["token", "add", "x", "--all", "--may", "message.read", "--days", "9999"], "a number from 0 to 3650"),
        (["admin", "add", "x" * 65], "1 to 64 letters"),
        (["message", "send", "x.wav", "--to", "1001", "--from-name", "x" * 128], "at most 127 letters"),
        (["message", "send", "x.wav", "--to", "1001", "--from-number", "5" * 65], "at most 64 letters"),
        (["message", "search", "hello", "--limit", "-1"], "a number from 1 to 100000"),
        (["events", "--last", "9" * 30], "a number from 0 to 1000000"),
        (["events", "--since", "9999999d"], "3650d at most"),
        (["doctor", "--repair", "--most", "-1"], "a number from 1 to"),
        (["phone", "1001", "--name", "x" * 128], "at most 127 letters"),
        (["mailbox", "show", "1001", "--jsn"], "did you mean --json?"),
        (["mailbox", "show", "1001", "1002"], "unknown: 1002"),
    ],
)
def test_what_would_be_cut_or_can_not_be_is_refused_and_nothing_is_done(vm, words, said):
    vm("mailbox", "add", "1001", "--name", "Alice")
    before = vm("mailbox", "show", "1001", "--json").out + vm("list", "list").out
    ran = vm(*words)
    assert ran.code == 2
    assert said in ran.err
    assert "Traceback" not in ran.err
    assert vm("mailbox", "show", "1001", "--json").out + vm("list", "list").out == before


def test_a_dry_run_says_what_would_be_done_and_does_nothing(vm, node, leave, tone):
    vm("mailbox", "add", "1001", "--name", "Alice")
    message = leave(caller=Caller("1002", "Bob"))
    vm("list", "add", "900", "1001")
    sound = str(tone())
    before = [
        vm(*words, "--json").out for words in (["message", "list", "1001"], ["list", "list"], ["mailbox", "list"])
    ]
    for words, said in (
        (["mailbox", "remove", "1001"], "would remove 1001@default (Alice) with its 1 messages"),
        (["mailbox", "rename", "1001", "2001"], "would rename 1001@default (Alice) to 2001@default"),
        (["message", "delete", "1001", message], f"would delete {message}"),
        (["message", "delete", "1001", message, "--for-good"], f"would erase {message}"),
        (["list", "remove", "900"], "would remove the list 900@default"),
        (["list", "remove", "900", "1001"], "would take 1001@default off the list 900@default"),
        (["list", "remove", "900", "--recording"], "would remove the recording of the list 900@default"),
        (["mail", "retry", "--all"], "would try again 0"),
        (["mail", "forget", "--all"], "would drop 0"),
        (["message", "send", sound, "--to", "1001"], "would send 0:02 to 1 mailbox: 1001@default"),
        (["broadcast", sound, "--all"], "would send 0:02 to 1 mailbox: 1001@default"),
        (["migrate"], "nothing is to be done"),
    ):
        ran = vm(*words, "--dry-run")
        assert ran.code == 0, ran.err
        assert said in ran.out
    after = [vm(*words, "--json").out for words in (["message", "list", "1001"], ["list", "list"], ["mailbox", "list"])]
    assert after == before
    assert node.mailboxes.open(MailboxId("1001")) is not None
