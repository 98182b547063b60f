"""`esl-vm mailbox rename` and `copy`, and a removal with all that belongs to it."""

import re

import pytest

from esl_vm.model.errors import StoreDownError
from esl_vm.model.mailbox import Greeting, MailboxId
from esl_vm.model.message import Caller
from esl_vm.model.pins import PinCheck
from esl_vm.store.base import Base

ALICE, NEW = MailboxId("1001"), MailboxId("2001")
RULES = "unavailable-3 sat-sun; unavailable-3"


@pytest.fixture
def alice(vm, tone, leave):
    vm(
        "mailbox",
        "add",
        "1001",
        "name=Alice Martin",
        "language=en",
        "maxmsg=50",
        "extensions=201",
        "aliases=1009",
        "--pin-stdin",
        typed="4821\n",
    )
    vm("greeting", "import", "1001", "unavailable", tone(2.0))
    vm("greeting", "import", "1001", "temporary", tone(1.0), "--from", "2026-12-24", "--until", "2099-01-04")
    vm("greeting", "import", "1001", "unavailable-3", tone(3.0))
    vm("mailbox", "set", "1001", f"greeting_rules={RULES}")
    leave("1001", caller=Caller("1002", "Bob"))
    leave("1001", urgent=True)


def test_a_mailbox_gets_another_number_with_all_that_is_in_it(vm, alice, node, tmp_path):
    vm("list", "add", "900", "1001")
    before = [m["id"] for m in vm("message", "list", "1001", "--json").json]
    ran = vm("mailbox", "rename", "1001", "2001", "--yes")
    assert (ran.code, ran.out) == (0, "renamed 1001@default to 2001@default with 2 messages\n")
    assert [m["id"] for m in vm("message", "list", "2001", "--json").json] == before
    assert vm("message", "export", "2001", before[0], tmp_path / "out.wav").code == 0
    assert node.mailboxes.open(MailboxId("1009")).id == NEW
    shown = vm("mailbox", "show", "2001").out
    assert "Alice Martin" in shown
    assert re.search(r"unavailable \(0:02\), temporary \(0:01\), unavailable-3 \(0:03\)", shown)
    assert RULES in shown
    assert node.store.pins.check(NEW, "4821") is PinCheck.RIGHT
    assert vm("mailbox", "show", "1001").code == 1
    assert vm("list", "show", "900", "--json").json["members"] == ["2001@default"]


def test_a_mailbox_moves_to_another_domain_and_back(vm, alice):
    before = vm("message", "list", "1001", "--json").json
    assert vm("mailbox", "rename", "1001", "1001@autre.example", "--yes").code == 0
    assert vm("mailbox", "rename", "1001@autre.example", "1001@default", "--yes").code == 0
    assert vm("message", "list", "1001", "--json").json == before


def test_a_domain_means_the_same_in_capitals(vm, alice):
    assert vm("mailbox", "add", "1001@PBX.Example", "--pin-stdin", typed="4821\n").code == 0
    again = vm("mailbox", "add", "1001@pbx.example", "--pin-stdin", typed="4821\n")
    assert (again.code, again.err) == (1, "esl-vm: mailbox 1001@pbx.example is there already\n")
    assert [box["mailbox"] for box in vm("mailbox", "list", "--domain", "PBX.example", "--json").json] == [
        "1001@pbx.example"
    ]


def test_a_mailbox_made_with_capitals_in_its_domain_by_a_version_before_is_listed_and_renamed(vm, node):
    node.add_mailbox(MailboxId.stored("1001", "PBX.Example"), {}, "4821")
    assert [box["mailbox"] for box in vm("mailbox", "list", "--json").json] == ["1001@PBX.Example"]
    ran = vm("mailbox", "rename", "1001@PBX.Example", "1001@pbx.example", "--yes")
    assert (ran.code, ran.out) == (0, "renamed 1001@PBX.Example to 1001@pbx.example with 0 messages\n")
    assert [box["mailbox"] for box in vm("mailbox", "list", "--json").json] == ["1001@pbx.example"]


def test_renaming_asks_first(vm, alice):
    ran = vm("mailbox", "rename", "1001", "2001")
    assert ran.code == 2
    assert "Rename 1001@default (Alice Martin) to 2001@default?" in ran.err
    assert vm("mailbox", "show", "1001").code == 0


@pytest.mark.parametrize(
    ("old", "new", "code", "said"),
    [
        ("7777", "2001", 1, "there is no mailbox 7777@default"),
        ("1001", "1002", 1, "mailbox 1002@default is there already"),
        ("1001", "900", 1, "900@default is a distribution list"),
        ("1001", "1001", 2, "1001@default has that name"),
        ("1001", "10 01", 2, "not a mailbox number"),
    ],
)
def test_what_can_not_be_is_refused_and_changes_nothing(vm, alice, old, new, code, said):
    vm("mailbox", "add", "1002", "--no-pin")
    vm("list", "add", "900", "1002")
    ran = vm("mailbox", "rename", old, new, "--yes")
    assert ran.code == code
    assert said in ran.err
    assert vm("mailbox", "show", "1001", "--json").json["folders"]["new"] == 2


def test_broken_off_it_says_how_to_finish_and_doctor_erases_no_sound(vm, alice, node, monkeypatch):
    from esl_vm.ops.orphans import find_orphans

    change = Base.change

    def away(self, keys, name, touched, args):
        if name == "rename_put":
            raise StoreDownError("Redis does not answer")
        return change(self, keys, name, touched, args)

    with monkeypatch.context() as patched:
        patched.setattr(Base, "change", away)
        ran = vm("mailbox", "rename", "1001", "2001", "--yes")
    assert ran.code == 1
    assert "Run it again to finish" in ran.err
    assert find_orphans(node, older_than_s=-60).unused == ()
    assert "finish it: esl-vm mailbox rename 1001@default 2001@default" in vm("mailbox", "list").err
    assert vm("mailbox", "rename", "1001", "2002", "--yes").code == 2
    ran = vm("mailbox", "rename", "1001", "2001", "--yes")
    assert ran.out == "renamed 1001@default to 2001@default with 2 messages\n"


def test_a_copy_has_profile_options_and_greetings_but_no_messages_or_pin(vm, alice, node):
    ran = vm("mailbox", "copy", "1001", "1005", "--name", "Eve Roy", "email=eve@example.com")
    assert (ran.code, ran.out) == (0, "added 1005@default like 1001@default with the default PIN 1234\n")
    eve = MailboxId("1005")
    fields = node.registry.fields(eve)
    assert (fields["name"], fields["language"], fields["maxmsg"], fields["email"]) == (
        "Eve Roy", "en", "50", "eve@example.com",
    )  # fmt: skip
    assert {"extensions", "aliases"}.isdisjoint(fields)
    mailbox, other = node.mailboxes.open(eve), node.mailboxes.open(ALICE)
    assert sum(mailbox.counts.folders.values()) == 0
    assert node.store.pins.check(eve, "4821") is PinCheck.WRONG
    temporary = mailbox.greetings[Greeting.TEMPORARY]
    assert temporary.ends == other.greetings[Greeting.TEMPORARY].ends
    assert set(mailbox.greetings) == set(other.greetings)
    for greeting, stored in mailbox.greetings.items():
        sound = other.greetings[greeting].audio_id
        assert stored.audio_id != sound
        assert node.audio.playable(stored.audio_id).read_bytes() == node.audio.playable(sound).read_bytes()
    assert mailbox.options.greeting_rules == RULES


def test_a_copy_takes_its_pin_from_the_standard_input(vm, alice, node):
    assert vm("mailbox", "copy", "1001", "1005", "--pin-stdin", typed="7306\n").code == 0
    assert node.store.pins.check(MailboxId("1005"), "7306") is PinCheck.RIGHT


def test_a_copy_of_a_greeting_whose_sound_is_gone_leaves_it_out(vm, alice, node):
    node.audio.delete(node.mailboxes.open(ALICE).greetings[Greeting.UNAVAILABLE].audio_id)
    ran = vm("mailbox", "copy", "1001", "1005")
    assert ran.code == 0
    assert "unavailable greeting was left out" in ran.err
    assert set(node.mailboxes.open(MailboxId("1005")).greetings) == {Greeting.TEMPORARY, Greeting.UNAVAILABLE_3}


def test_a_copy_that_fails_leaves_no_half_mailbox(vm, alice, node, monkeypatch):
    from esl_vm.audio.redis_audio import RedisAudio

    def away(_self, _audio_id, _source):
        raise StoreDownError("Redis does not answer")

    monkeypatch.setattr(RedisAudio, "put", away)
    assert vm("mailbox", "copy", "1001", "1005").code == 1
    assert vm("mailbox", "show", "1005").code == 1
    assert vm("mailbox", "copy", "7777", "1006").code == 1
    assert vm("mailbox", "copy", "1001", "1001").code == 1


def test_removing_a_mailbox_takes_it_off_the_lists_and_erases_its_sounds(vm, alice, node):
    vm("mailbox", "add", "1002", "--no-pin")
    vm("list", "add", "900", "1001", "1002")
    assert vm("mailbox", "remove", "1001").code == 2
    assert vm("mailbox", "remove", "1001", "--yes").out == "removed 1001@default with 2 messages\n"
    assert vm("list", "show", "900", "--json").json["members"] == ["1002@default"]
    keys = node.store.keys.of(ALICE)
    to_erase = node.store.link.run(keys.partition, lambda client: client.zcard(keys.erase))
    assert to_erase == 5
