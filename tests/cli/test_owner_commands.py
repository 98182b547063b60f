"""`esl-vm owner`: several owners of one mailbox."""

import pytest

from esl_vm.model.mailbox import MailboxId
from esl_vm.model.pins import PinCheck

ALICE = MailboxId("1001")
RIGHT = PinCheck.RIGHT


@pytest.fixture
def shared(vm):
    assert vm("mailbox", "add", "1001", "--name", "Alice Martin", "--pin-stdin", typed="4711\n").code == 0
    assert vm("owner", "add", "1001", "Bob Lee", "--pin-stdin", "--owners-choice", typed="8305\n").code == 0


def test_owners_are_added_listed_and_removed(vm, node, shared):
    assert vm("owner", "list", "1001", "--json").json == [
        {"owner": 1, "name": "Alice Martin", "pin": "initial"},
        {"owner": 2, "name": "Bob Lee", "pin": "chosen"},
    ]
    assert vm("mailbox", "show", "1001", "--json").json["owners"] == vm("owner", "list", "1001", "--json").json
    assert "Alice Martin, Bob Lee" in vm("mailbox", "show", "1001").out
    assert node.store.pins.whose(ALICE, "8305", outside=True) == (RIGHT, 2)
    ran = vm("owner", "pin", "1001", "bob lee", "--random-pin")
    pin = ran.out.partition("the PIN is ")[2].partition(" ")[0]
    assert node.store.pins.whose(ALICE, pin) == (RIGHT, 2)
    assert vm("owner", "rename", "1001", "Bob Lee", "Robert Lee").out == "1001@default: Bob Lee is Robert Lee\n"
    session = node.store.access.begin(ALICE, seconds=600, owner=2)
    assert node.store.access.session(ALICE, session)
    assert vm("owner", "remove", "1001", "Robert Lee").code == 0
    assert not node.store.access.session(ALICE, session)
    assert [one["name"] for one in vm("owner", "list", "1001", "--json").json] == ["Alice Martin"]
    assert "owners" not in vm("mailbox", "show", "1001").out


def test_a_restored_backup_has_the_owners(vm, node, shared, tmp_path):
    file = str(tmp_path / "backup.tar")
    assert vm("backup", file).code == 0
    assert vm("mailbox", "remove", "1001", "--yes").code == 0
    assert vm("restore", file).code == 0
    assert node.store.pins.whose(ALICE, "8305", outside=True) == (RIGHT, 2)
    assert [one.name for one in node.mailboxes.open(ALICE).owners] == ["Alice Martin", "Bob Lee"]


def test_neither_a_copy_nor_a_table_has_them(vm, node, shared, tmp_path):
    assert vm("mailbox", "copy", "1001", "1002").code == 0
    assert not node.mailboxes.open(MailboxId("1002")).others
    file = tmp_path / "all.csv"
    assert vm("mailbox", "export", str(file)).code == 0
    assert "Bob Lee" not in file.read_text("utf-8")
    assert vm("mailbox", "apply", str(file), "--yes").code == 0
    assert [one.name for one in node.mailboxes.open(ALICE).owners] == ["Alice Martin", "Bob Lee"]


@pytest.mark.parametrize(
    ("words", "typed", "said"),
    [
        (("add", "1001", "Carl", "--pin-stdin"), "4711\n", "it is not free in this mailbox"),
        (("add", "1001", "bob lee", "--pin-stdin"), "6028\n", "has that name"),
        (("add", "1001", "", "--pin-stdin"), "6028\n", "1 to 60 letters"),
        (("add", "1001", "x" * 61, "--pin-stdin"), "6028\n", "60"),
        (("add", "1001", "Carl", "--pin-stdin"), "\n", "PIN"),
        (("add", "1001", "Carl", "--pin-stdin"), "12a4\n", "1 to 32 digits"),
        (("add", "1001", "Carl", "--pin-stdin", "--random-pin"), "6028\n", "exclude one another"),
        (("add", "1009", "Carl", "--pin-stdin"), "6028\n", "no mailbox 1009@default"),
        (("pin", "1001", "Carl", "--pin-stdin"), "6028\n", "has no owner Carl; besides the first it has Bob Lee"),
        (("pin", "1001", "Alice Martin", "--pin-stdin"), "6028\n", "is the first owner"),
        (("remove", "1001", "Carl"), "", "has no owner Carl"),
    ],
)
def test_what_can_not_be_is_refused(vm, node, shared, words, typed, said):
    ran = vm("owner", *words, typed=typed)
    assert ran.code in {1, 2}
    assert said in ran.err
    assert not typed.strip().isdecimal() or typed.strip() not in ran.err
    assert [one.name for one in node.mailboxes.open(ALICE).owners] == ["Alice Martin", "Bob Lee"]


def test_the_first_ones_pin_can_not_be_taken_away_meanwhile(vm, shared):
    ran = vm("mailbox", "pin", "1001", "--no-pin")
    assert ran.code == 2
    assert "remove the others first" in ran.err
