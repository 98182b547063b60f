"""`esl-vm mailbox`: who has a mailbox, and what it is like."""

import json
import os
import pty
import select
import sys
import time

import pytest

from esl_vm.model.mailbox import Greeting, MailboxId, StoredGreeting
from esl_vm.model.pins import PinCheck

ALICE = MailboxId("1001")


@pytest.fixture
def alice(vm):
    assert vm("mailbox", "add", "1001", "--name", "Alice Martin").code == 0


def test_a_mailbox_added_without_a_terminal_has_the_default_pin_and_says_so(vm, node):
    ran = vm("mailbox", "add", "1001@default", "--name", "Alice Martin", "language=fr")
    assert ran.code == 0
    assert "default PIN 1234" in ran.out
    assert node.store.pins.check(ALICE, "1234") is PinCheck.RIGHT
    assert node.mailboxes.open(ALICE).pin_is_initial


def test_a_pin_comes_from_the_standard_input_and_is_never_shown(vm, node):
    ran = vm("mailbox", "add", "1001", "--pin-stdin", typed="4821\n")
    assert ran.code == 0
    assert "4821" not in ran.out + ran.err
    assert node.store.pins.check(ALICE, "4821") is PinCheck.RIGHT


def test_a_mailbox_may_ask_for_no_pin(vm, node):
    assert vm("mailbox", "add", "1001", "--no-pin").code == 0
    assert not node.mailboxes.open(ALICE).has_pin


def test_fields_are_given_as_options_or_as_words_before_and_after(vm):
    ran = vm(
        "mailbox", "add", "--email", "alice@example.com", "1001", "name=Alice", "--option", "maxmsg=50", "forcename=yes"
    )  # fmt: skip
    assert ran.code == 0, ran.err
    shown = vm("mailbox", "show", "1001").out
    assert "alice@example.com" in shown
    assert "force_name=yes, maxmsg=50" in shown


def test_programs_are_told_exactly_what_was_agreed(vm, alice, leave):
    leave()
    leave(urgent=True)
    [listed] = vm("mailbox", "list", "--json").json
    assert listed.items() <= vm("mailbox", "show", "1001@default", "--json").json.items()
    assert listed == {
        "mailbox": "1001@default",
        "name": "Alice Martin",
        "language": "fr",
        "timezone": "America/Toronto",
        "folders": {
            "new": 2, "old": 0, "work": 0, "family": 0, "friends": 0,
            "cust1": 0, "cust2": 0, "cust3": 0, "cust4": 0, "cust5": 0, "trash": 0,
        },
        "urgent": 1,
        "greetings": {"unavailable": False, "busy": False, "name": False, "temporary": False},
        "locked": False,
    }  # fmt: skip


def test_list_shows_everybody_in_order_and_who_has_no_recorded_name(vm, alice, node):
    vm("mailbox", "add", "1003@example.com", "name=Carol")
    vm("mailbox", "add", "1002", "name=Bob")
    node.mailboxes.set_greeting(ALICE, Greeting.NAME, StoredGreeting("aaa", 900))
    lines = vm("mailbox", "list").out.splitlines()
    assert [line.split()[0] for line in lines[1:]] == ["1001@default", "1002@default", "1003@example.com"]
    assert " yes " in lines[1]
    assert " none " in lines[2]
    assert [box["mailbox"] for box in vm("mailbox", "list", "--domain", "default", "--json").json] == [
        "1001@default",
        "1002@default",
    ]


def test_list_of_nobody_says_how_to_add_somebody(vm):
    ran = vm("mailbox", "list")
    assert ran.code == 0
    assert "esl-vm mailbox add" in ran.err
    assert vm("mailbox", "list", "--json").json == []


def test_set_changes_and_unsets(vm, alice):
    assert vm("mailbox", "set", "1001", "language=en", "maxmsg=20", "--timezone", "America/Halifax").code == 0
    assert vm("mailbox", "set", "1001", "--unset", "maxmsg").code == 0
    shown = vm("mailbox", "show", "1001", "--json").json
    assert (shown["language"], shown["timezone"]) == ("en", "America/Halifax")
    assert "maxmsg" not in vm("mailbox", "show", "1001").out


def test_exits_that_lead_to_no_mailbox_are_set_and_told(vm, alice):
    vm("mailbox", "add", "1002", "--no-pin")
    vm("list", "add", "900", "1002")
    exits = "0=2000; 1=mailbox:1002; 2=mailbox:1009; 3=mailbox:900; 4=mailbox:1002@other.example; 9=directory"
    for ran in (vm("mailbox", "set", "1001", f"exits={exits}"), vm("mailbox", "show", "1001")):
        assert ran.code == 0
        assert [line.split(": ")[-1] for line in ran.err.splitlines()] == [
            "the exit 2 leads to 1009, where there is no mailbox or list",
            "the exit 4 leads to 1002@other.example, where there is no mailbox or list",
        ]
    assert vm("mailbox", "set", "1001", "--unset", "exits").err == ""


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["maxmsgs=4"], "did you mean maxmsg?"),
        (["maxmsg=many"], "maxmsg is a number from 0 to 9999"),
        (["timezone=Toronto"], "timezone is an IANA name"),
        (["language=de"], "language is fr or en"),
        (["email=nobody"], "email is an e-mail address"),
        (["pin=1234"], "has its own command"),
        (["name"], "write FIELD=VALUE"),
        ([], "nothing to change"),
        (["name=x", "--unset", "name"], "set and unset at once"),
    ],
)
def test_a_wrong_field_is_refused_and_nothing_is_changed(vm, alice, words, told):
    before = vm("mailbox", "show", "1001").out
    ran = vm("mailbox", "set", "1001", *words)
    assert ran.code == 2
    assert told in ran.err
    assert vm("mailbox", "show", "1001").out == before


def test_what_is_no_mailbox_name_is_refused(vm):
    for wrong in ("", "a b", "1001@", "../etc", "1001@a b", "-x"):
        assert vm("mailbox", "show", "--", wrong).code == 2


def test_a_mailbox_that_is_not_there_is_exit_1(vm):
    for words in (["show"], ["set", "name=x"], ["remove", "--yes"], ["unlock"], ["pin", "--pin-stdin"]):
        ran = vm("mailbox", words[0], "1009", *words[1:], typed="4821\n")
        assert ran.code == 1, words
        assert "no mailbox 1009@default" in ran.err


def test_adding_a_mailbox_twice_is_refused_and_keeps_the_first(vm, alice, node):
    ran = vm("mailbox", "add", "1001", "name=Mallory", "--pin-stdin", typed="9999\n")
    assert ran.code == 1
    assert "is there already" in ran.err
    assert node.mailboxes.open(ALICE).name == "Alice Martin"
    assert node.store.pins.check(ALICE, "1234") is PinCheck.RIGHT


class TestPin:
    def test_it_is_changed_from_the_standard_input(self, vm, alice, node):
        ran = vm("mailbox", "pin", "1001", "--pin-stdin", typed="482193\n")
        assert ran.code == 0
        assert "482193" not in ran.out + ran.err
        assert node.store.pins.check(ALICE, "482193") is PinCheck.RIGHT

    def test_a_weak_one_is_an_administrators_to_set_but_told(self, vm, alice):
        ran = vm("mailbox", "pin", "1001", "--pin-stdin", typed="1111\n")
        assert ran.code == 0
        assert "weak" in ran.err

    @pytest.mark.parametrize("typed", ["", "12a4\n", "1" * 33 + "\n", "٤٨٢١\n"])
    def test_what_no_telephone_can_type_is_refused_without_showing_it(self, vm, alice, node, typed):
        ran = vm("mailbox", "pin", "1001", "--pin-stdin", typed=typed)
        assert ran.code == 2
        assert not typed or typed.strip() not in ran.err
        assert node.store.pins.check(ALICE, "1234") is PinCheck.RIGHT

    def test_without_a_terminal_it_must_come_from_the_standard_input(self, vm, alice):
        ran = vm("mailbox", "pin", "1001")
        assert ran.code == 2
        assert "--pin-stdin" in ran.err

    def test_it_can_be_taken_away(self, vm, alice, node):
        assert vm("mailbox", "pin", "1001", "--no-pin").code == 0
        assert not node.mailboxes.open(ALICE).has_pin

    def test_on_a_terminal_it_is_asked_twice_and_not_echoed(self, vm, alice, node, places):
        said = on_a_terminal([*places, "mailbox", "pin", "1001"], ["482193\n", "482193\n"])
        assert "PIN changed" in said
        assert "482193" not in said
        assert node.store.pins.check(ALICE, "482193") is PinCheck.RIGHT

    def test_on_a_terminal_two_different_ones_change_nothing(self, vm, alice, node, places):
        said = on_a_terminal([*places, "mailbox", "pin", "1001"], ["482193\n", "482194\n"])
        assert "differ" in said
        assert node.store.pins.check(ALICE, "1234") is PinCheck.RIGHT

    def test_on_a_terminal_enter_gives_a_new_mailbox_the_default_one(self, vm, node, places):
        assert "default PIN 1234" in on_a_terminal([*places, "mailbox", "add", "1007"], ["\n"])
        assert node.store.pins.check(MailboxId("1007"), "1234") is PinCheck.RIGHT


def on_a_terminal(words, answers):
    """Run a command on a terminal of its own, answering each question; returns all that was on the screen."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(sys.executable, [sys.executable, "-m", "esl_vm", *words])
    screen, until = "", time.monotonic() + 100
    questions = 0
    while time.monotonic() < until:
        if not select.select([terminal], [], [], 1)[0]:
            continue
        try:
            screen += os.read(terminal, 4096).decode()
        except OSError:  # the program has ended
            break
        while questions < len(answers) and screen.count(": ") > questions and screen.endswith(": "):
            os.write(terminal, answers[questions].encode())
            questions += 1
    os.close(terminal)
    os.waitpid(pid, 0)
    return screen


def test_a_locked_pin_is_shown_and_unlocked(vm, alice, node):
    for _ in range(10):
        node.store.pins.check(ALICE, "0000")
    assert vm("mailbox", "show", "1001", "--json").json["locked"] is True
    assert "locked" in vm("mailbox", "list").out
    assert "unlocked" in vm("mailbox", "unlock", "1001").out
    assert vm("mailbox", "show", "1001", "--json").json["locked"] is False
    assert "was not locked" in vm("mailbox", "unlock", "1001").out


def test_removing_asks_first_and_takes_the_messages_too(vm, alice, leave):
    leave()
    ran = vm("mailbox", "remove", "1001")
    assert ran.code == 2
    assert "1 messages" in ran.err
    assert vm("mailbox", "show", "1001").code == 0
    assert "with 1 messages" in vm("mailbox", "remove", "1001", "--yes").out
    assert vm("mailbox", "show", "1001").code == 1


def test_a_name_cannot_move_the_terminals_cursor(vm, node):
    node.registry.add(ALICE, {"name": "Al\x1b[2Jice"})
    for words in (["list"], ["show", "1001"]):
        assert "\x1b" not in vm("mailbox", *words).out


def test_json_keeps_accents(vm):
    vm("mailbox", "add", "1001", "name=Zoé Côté")
    ran = vm("mailbox", "list", "--json")
    assert "Zoé Côté" in ran.out
    assert json.loads(ran.out)[0]["name"] == "Zoé Côté"


def test_for_whom_a_pin_is_locked_is_shown(vm, alice, node):
    for _ in range(10):
        node.store.pins.check(ALICE, "0", outside=True)
    shown = vm("mailbox", "show", "1001")
    assert ", locked for other telephones for " in shown.out
    assert ", locked for 9" not in shown.out
    assert vm("mailbox", "show", "1001", "--json").json["locked"] is True
    vm("mailbox", "unlock", "1001")
    assert "locked" not in vm("mailbox", "show", "1001").out
