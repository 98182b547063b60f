"""Mailboxes whose number begins with `+`: by every command, in tables, on lists, by telephone and at its addresses."""

from __future__ import annotations

import pytest
from calls import play_book
from calls.book import LEAVE, RECORD
from support.options import options_of
from support.rig import NodeRig, Rig

from esl_vm.model.call import Call
from esl_vm.model.errors import InvalidValueError
from esl_vm.model.mailbox import Folder, MailboxId
from esl_vm.model.message import Caller

NUMBER = "+15145550102"
PLUS = MailboxId(NUMBER)


@pytest.mark.parametrize("number", ["+1", "+15145550102", "+a", "+" + "1" * 63, "1" * 64, "1+2"])
def test_a_plus_may_stand_before_a_number(number):
    assert MailboxId.parse(f"{number}@default") == MailboxId(number)


@pytest.mark.parametrize("number", ["+", "++1", "+-1", "+ 1", "+" + "1" * 64, "1" * 65, "+1\n", ""])
def test_a_plus_alone_or_twice_is_no_number(number):
    with pytest.raises(InvalidValueError, match="not a mailbox number"):
        MailboxId(number)


def test_commands_do_with_it_what_they_do_with_any_other(vm, node, leave, tone):
    assert vm("mailbox", "add", NUMBER, "name=Alice", "--pin-stdin", typed="4821\n").code == 0
    assert vm("greeting", "import", NUMBER, "unavailable", tone(2.0)).code == 0
    leave(NUMBER, caller=Caller("1002", "Bob"))
    [message] = vm("message", "list", NUMBER, "--json").json
    assert vm("message", "delete", NUMBER, message["id"]).code == 0
    assert vm("message", "restore", NUMBER, message["id"]).code == 0
    assert vm("list", "add", "900", NUMBER).code == 0
    assert vm("list", "show", "900", "--json").json["members"] == [f"{NUMBER}@default"]
    assert vm("mailbox", "copy", NUMBER, "+15145550103").code == 0
    assert vm("mailbox", "rename", NUMBER, "+15145550104", "--yes").code == 0
    assert len(vm("message", "list", "+15145550104", "--json").json) == 1
    assert vm("mailbox", "rename", "+15145550104", "1001", "--yes").code == 0
    assert [str(box) for box in node.registry.boxes()] == ["+15145550103@default", "1001@default"]


@pytest.mark.parametrize("name", ["boxes.csv", "boxes.json"])
def test_a_table_carries_it_and_no_spreadsheet_reckons_it(vm, node, tmp_path, name):
    vm("mailbox", "add", NUMBER, "name=Alice", "maxmsg=30", "--no-pin")
    assert vm("mailbox", "export", tmp_path / name).code == 0
    if name.endswith("csv"):
        assert f"\n'{NUMBER}@default,Alice,30\n" in (tmp_path / name).read_text()
    vm("mailbox", "remove", NUMBER, "--yes")
    assert vm("mailbox", "apply", tmp_path / name, "--yes").code == 0
    assert (node.registry.fields(PLUS)["name"], node.registry.fields(PLUS)["maxmsg"]) == ("Alice", "30")
    assert vm("mailbox", "apply", tmp_path / name, "--yes").out.startswith("0 new, 0 to change")


@pytest.fixture(params=[Rig, NodeRig], ids=["line", "node"])
def rig(request, tmp_path):
    rig = request.param(tmp_path, now=play_book.NOON)
    rig.add_mailbox(PLUS, "Alice", options_of({}))
    rig.set_pin(PLUS, "4821")
    return rig


def ring(rig, caller, number, does, **variables):
    rig.ring(Call("c1", Caller(caller), number, {"domain_name": "default", **variables}), does)
    assert rig.problems == [], rig.transcript


def test_callers_reach_it_and_its_owner_hears_them(rig):
    ring(rig, "5145550177", NUMBER, RECORD + "d:1 w:vm-msgsaved end:20", **LEAVE)
    assert rig.heard[:2] == ["vm-theperson", "letters/plus"]
    ring(rig, "5145550177", "s", RECORD + "d:1 w:vm-msgsaved end:20", vm_mailbox=NUMBER, **LEAVE)
    assert len(rig.messages(PLUS, Folder.NEW)) == 2
    ring(rig, NUMBER, "*97", "w:vm-password d:4821# w:vm-opts d:1 w:vm-delete d:# end:20")
    assert [len(rig.messages(PLUS, folder)) for folder in (Folder.NEW, Folder.OLD)] == [1, 1]


def test_a_message_of_its_owner_can_be_replied_to(rig, tmp_path):
    alice = MailboxId("1001")
    rig.add_mailbox(alice, "Bob", options_of({}))
    rig.set_pin(alice, "4821")
    ring(rig, NUMBER, "1001", RECORD + "d:1 w:vm-msgsaved end:20", **LEAVE)
    ring(
        rig, "1001", "*97", "w:vm-password d:4821# w:vm-opts d:1 w:vm-delete d:31 " + RECORD + "d:1 w:vm-msgsaved hang"
    )
    [reply] = rig.messages(PLUS, Folder.NEW)
    assert reply.caller.number == "1001"


def test_its_digits_are_typed_without_the_plus_unless_they_are_another_mailboxs(rig):
    digits = NUMBER[1:]
    ring(rig, "5145550177", "*98", f"w:vm-login d:{digits}# w:vm-password d:4821# w:vm-opts d:# end:20")
    alice = MailboxId("1001")
    rig.add_mailbox(alice, "Bob", options_of({}))
    rig.set_pin(alice, "4821")
    send = (
        f"w:vm-password d:4821# w:vm-opts d:35 w:vm-extension d:{digits}# w:vm-intro* "
        + RECORD
        + "d:1 w:vm-msgsaved hang"
    )
    ring(rig, "1001", "*97", send)
    ring(
        rig,
        "5145550177",
        "s",
        f"w:vm-whichbox d:{digits}# " + RECORD + "d:1 w:vm-msgsaved end:20",
        vm_mailbox="ask",
        **LEAVE,
    )
    assert len(rig.messages(PLUS, Folder.NEW)) == 2
    other = MailboxId(digits)
    rig.add_mailbox(other, "Carla", options_of({}))
    ring(
        rig,
        "5145550177",
        "s",
        f"w:vm-whichbox d:{digits}# " + RECORD + "d:1 w:vm-msgsaved end:20",
        vm_mailbox="ask",
        **LEAVE,
    )
    assert [len(rig.messages(box, Folder.NEW)) for box in (PLUS, other)] == [2, 1]
