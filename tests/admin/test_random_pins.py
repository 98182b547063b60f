"""PINs that are drawn: for one mailbox and for many, told once, and weak for nobody."""

import csv
import re
import stat
import sys

import pytest

sys.path.insert(0, "tests/notify")
from smtp_peer import post_office

from esl_vm.model.mailbox import MailboxId
from esl_vm.model.pins import PinCheck, PinRules

ALICE, BOB, CARLA = MailboxId("1001"), MailboxId("1002"), MailboxId("1003")
TOLD = re.compile(r"^(\d{4}@default): its PIN is (\d{6}) \(shown only now\)$", re.MULTILINE)


@pytest.fixture
def post(tmp_path, monkeypatch):
    """A mail server, named by the settings file."""
    with post_office() as office:
        settings = tmp_path / "esl-vm.toml"
        settings.write_text(f'[mail]\nhost = "127.0.0.1"\nport = {office.port}\nsender = "vm@pbx.example.com"\n')
        monkeypatch.setenv("ESL_VM_CONFIG", str(settings))
        yield office


@pytest.fixture
def table(tmp_path):
    def write(text):
        path = tmp_path / "mailboxes.csv"
        path.write_text(text)
        path.chmod(0o600)
        return path

    return write


def opens(node, box, pin):
    assert node.mailboxes.open(box).pin_is_initial
    assert node.store.pins.check(box, pin, outside=True) is PinCheck.WRONG
    return node.store.pins.check(box, pin) is PinCheck.RIGHT


def test_one_is_told_on_the_terminal_once(vm, node):
    ran = vm("mailbox", "add", "1001", "--random-pin")
    assert ran.out.startswith("added 1001@default with a random PIN\n")
    [(box, pin)] = TOLD.findall(ran.out)
    assert box == "1001@default"
    assert opens(node, ALICE, pin)
    assert pin not in vm("mailbox", "show", "1001").out
    [(_, other)] = TOLD.findall(vm("mailbox", "pin", "1001", "--random-pin").out)
    assert other != pin
    assert opens(node, ALICE, other)
    [(_, third)] = TOLD.findall(vm("mailbox", "copy", "1001", "1002", "--random-pin").out)
    assert opens(node, BOB, third)


def test_it_excludes_other_pins(vm):
    assert vm("mailbox", "add", "1001", "--random-pin", "--no-pin").code == 2
    assert vm("mailbox", "add", "1001", "--mail-pin").code == 2
    assert vm("mailbox", "list").out == ""


def test_one_is_mailed_to_its_owner(vm, node, post):
    ran = vm(
        "mailbox", "add", "1001", "name=Hélène", "email=helene@example.com", "language=fr", "--random-pin", "--mail-pin"
    )
    assert not TOLD.findall(ran.out)
    [mail] = post.letters.mails
    assert mail.envelope_to == ["helene@example.com"]
    assert mail["Subject"] == "Le mot de passe de votre boîte vocale 1001"
    pin = re.search(r"est (\d{6})\.", mail.get_body(("plain",)).get_content())[1]
    assert opens(node, ALICE, pin)


def test_without_an_address_nothing_is_made_and_without_a_server_nothing_either(vm, node, post, monkeypatch):
    assert vm("mailbox", "add", "1001", "--random-pin", "--mail-pin").code == 2
    monkeypatch.delenv("ESL_VM_CONFIG")
    assert vm("mailbox", "add", "1001", "email=a@example.com", "--random-pin", "--mail-pin").code == 2
    assert node.mailboxes.open(ALICE) is None


def test_one_whose_mail_is_refused_is_told_on_the_terminal(vm, node, post):
    post.down()
    ran = vm("mailbox", "add", "1001", "email=a@example.com", "--random-pin", "--mail-pin")
    assert "was not sent" in ran.err
    [(_, pin)] = TOLD.findall(ran.out)
    assert opens(node, ALICE, pin)


def test_many_are_drawn_into_a_private_file(vm, node, table, tmp_path):
    vm("mailbox", "add", "1001", "--pin-stdin", typed="4821\n")
    mailboxes = table("mailbox,name,pin\n1001,Alice,\n1002,=Bob,random\n1003,Carla,\n")
    target = tmp_path / "pins.csv"
    ran = vm("mailbox", "apply", mailboxes, "--random-pins", "--pins-to", target, "--yes")
    assert ran.code == 0, ran.err
    assert "a random PIN" in ran.out
    assert not TOLD.findall(ran.out)
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    rows = list(csv.DictReader(target.open()))
    assert [row["mailbox"] for row in rows] == ["1002@default", "1003@default"]
    assert not rows[0]["name"].startswith("=")
    for box, row in zip((BOB, CARLA), rows, strict=True):
        assert opens(node, box, row["pin"])
    assert node.store.pins.check(ALICE, "4821") is PinCheck.RIGHT
    again = vm("mailbox", "apply", mailboxes, "--random-pins", "--pins-to", tmp_path / "none.csv", "--yes")
    assert "3 as they are" in again.out
    assert not (tmp_path / "none.csv").exists()
    assert vm("mailbox", "apply", mailboxes, "--random-pins", "--reset-pins", "--pins-to", target, "--yes").code == 2
    ran = vm("mailbox", "apply", mailboxes, "--random-pins", "--reset-pins", "--yes")
    assert {box for box, _ in TOLD.findall(ran.out)} == {"1001@default", "1002@default", "1003@default"}


def test_an_owners_choice_opens_from_elsewhere(vm, node):
    vm("mailbox", "add", "1001")
    vm("mailbox", "pin", "1001", "--pin-stdin", "--owners-choice", typed="7391\n")
    assert node.store.pins.check(ALICE, "7391", outside=True) is PinCheck.RIGHT


class TestWeakness:
    RULES = PinRules()

    @pytest.mark.parametrize(
        "pin",
        [
            *("1234", "4321", "9012", "2468", "8642", "1357", "1111", "1212", "123123", "1122", "1000", "7007"),
            *("2580", "0852", "1470", "3690", "1590", "1397", "7931", "2486", "1254", "147258", "159357", "123654"),
            *("1987", "2026", "1900", "5145", "1554", "14551", "51455", "00514551"),
        ],
    )
    def test_is_refused(self, pin):
        assert self.RULES.weakness(pin, "514551")

    @pytest.mark.parametrize("pin", ["4821", "7391", "8362", "9036", "0815", "5739", "48213", "1745", "3028", "609142"])
    def test_is_not_seen_where_there_is_none(self, pin):
        assert self.RULES.weakness(pin, "1001") == ""

    def test_leaves_nine_of_ten(self):
        refused = sum(bool(self.RULES.weakness(f"{pin:04}", "1001")) for pin in range(10_000))
        assert refused < 1_100

    def test_is_none_of_those_that_are_drawn(self):
        rules = PinRules(shortest=8)
        drawn = {rules.random_pin("1001") for _ in range(200)}
        assert len(drawn) > 195
        assert not any(rules.weakness(pin, "1001") for pin in drawn)
