"""`esl-vm mailbox apply` and `export`: many mailboxes at once."""

import json

import pytest

from esl_vm.model.mailbox import Greeting, MailboxId
from esl_vm.model.mailbox_table import parse_table
from esl_vm.model.options import FIELDS, MailboxOptions, option_text
from esl_vm.model.pins import PinCheck
from esl_vm.store.mailboxes import RedisMailboxes

ALICE, BOB = MailboxId("1001"), MailboxId("1002")


@pytest.fixture
def file(tmp_path):
    """Write a table that only its owner can read."""

    def write(text, name="mailboxes.csv", mode=0o600, encoding="utf-8"):
        path = tmp_path / name
        path.write_bytes(text.encode(encoding))
        path.chmod(mode)
        return path

    return write


@pytest.fixture
def alice(vm):
    vm("mailbox", "add", "1001", "name=Alice Martin", "maxmsg=50", "--pin-stdin", typed="4821\n")


def test_new_and_changed_mailboxes_are_shown_before_anything_is_done(vm, alice, file):
    table = file("mailbox,name,maxmsg,email\n1001,Alice Côté,80,alice@example.com\n1002@default,Bob,,\n")
    ran = vm("mailbox", "apply", table)
    assert ran.code == 2
    assert ran.out.splitlines() == [
        "change 1001@default: name: Alice Martin -> Alice Côté, maxmsg: 50 -> 80, email: (default) -> alice@example.com",
        "new    1002@default: name=Bob, the default PIN 1234",
        "1 new, 1 to change, 0 as they are, 0 with errors",
    ]
    assert "Apply this?" in ran.err
    assert vm("mailbox", "apply", table, "--dry-run").out == ran.out
    assert [box["name"] for box in vm("mailbox", "list", "--json").json] == ["Alice Martin"]


def test_applied_it_is_so_and_applied_again_nothing_changes(vm, alice, file, node):
    table = file("mailbox;name;maxmsg\n1001;Alice Côté;\n1002;Bob;30\n")
    assert vm("mailbox", "apply", table, "--yes").out.endswith("applied 2 of 2\n")
    assert node.registry.fields(ALICE)["name"] == "Alice Côté"
    assert "maxmsg" not in node.registry.fields(ALICE)
    assert node.registry.fields(BOB)["maxmsg"] == "30"
    again = vm("mailbox", "apply", table, "--yes")
    assert again.out == "0 new, 0 to change, 2 as they are, 0 with errors\n"


def test_a_column_that_is_not_there_leaves_the_field(vm, alice, file, node):
    vm("mailbox", "apply", file("mailbox,language\n1001,en\n"), "--yes")
    assert node.registry.fields(ALICE)["maxmsg"] == "50"
    assert node.registry.fields(ALICE)["language"] == "en"


def test_pins_are_set_where_there_are_none_and_never_shown(vm, alice, file, node):
    vm("mailbox", "add", "1003", "--no-pin")
    table = file("mailbox,pin\n1001,7305\n1002,2940\n1003,6172\n1004,none\n1005,\n")
    ran = vm("mailbox", "apply", table, "--yes")
    assert ran.code == 0, ran.err
    for pin in ("7305", "2940", "6172"):
        assert pin not in ran.out + ran.err
    assert node.store.pins.check(ALICE, "4821") is PinCheck.RIGHT
    assert node.store.pins.check(BOB, "2940") is PinCheck.RIGHT
    assert node.store.pins.check(MailboxId("1003"), "6172") is PinCheck.RIGHT
    assert not node.mailboxes.open(MailboxId("1004")).has_pin
    assert node.store.pins.check(MailboxId("1005"), "1234") is PinCheck.RIGHT
    assert node.mailboxes.open(BOB).pin_is_initial
    assert vm("mailbox", "apply", table, "--yes").out.startswith("0 new, 0 to change")


def test_reset_pins_sets_them_where_owners_have_one(vm, alice, file, node):
    assert vm("mailbox", "apply", file("mailbox,pin\n1001,7305\n"), "--reset-pins", "--yes").code == 0
    assert node.store.pins.check(ALICE, "7305") is PinCheck.RIGHT
    assert vm("mailbox", "apply", file("mailbox,pin\n1001,none\n"), "--reset-pins", "--yes").code == 0
    assert not node.mailboxes.open(ALICE).has_pin


def test_a_file_with_pins_that_everybody_can_read_is_refused(vm, file):
    ran = vm("mailbox", "apply", file("mailbox,pin\n1001,7305\n", mode=0o644), "--yes")
    assert ran.code == 2
    assert "chmod o-rw" in ran.err
    assert "7305" not in ran.err
    assert vm("mailbox", "list", "--json").json == []
    assert vm("mailbox", "apply", file("mailbox,pin\n1001,\n", mode=0o644), "--yes").code == 0


def test_weak_pins_are_named_by_mailbox(vm, file):
    ran = vm("mailbox", "apply", file("mailbox,pin\n1001,1111\n1002,9482\n"), "--yes")
    assert "1001@default: the PIN is weak" in ran.err
    assert "1002" not in ran.err


def test_rows_with_errors_are_told_by_line_and_the_others_go(vm, file):
    table = file(
        'mailbox,name,maxmsg,timezone,pin\n1001,Alice,50,,\n1 2,Bob,50,,\n1003,"two\nlines",many,,\n'
        "1004,Dan,50,Mars/Olympus,\n\n1005,Eve\n1001,Twice,50,,\n1006,Fay,50,,12a4\n1007,Guy,50,America/Toronto,\n"
    )
    ran = vm("mailbox", "apply", table, "--yes")
    assert ran.code == 1
    said = ran.err.splitlines()
    assert [line.removeprefix("esl-vm: ").partition(":")[0] for line in said] == [
        "line 3", "line 4", "line 6", "line 8", "line 9", "line 10",
    ]  # fmt: skip
    assert "stands in line 2 already" in ran.err
    assert "12a4" not in ran.err
    assert [box["mailbox"] for box in vm("mailbox", "list", "--json").json] == ["1001@default", "1007@default"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("number,name\n1001,Alice\n", "column 'number'"),
        ("name\nAlice\n", "no column 'mailbox'"),
        ("mailbox,maxmgs\n1001,5\n", "did you mean maxmsg?"),
        ("mailbox,name,Name\n1001,a,b\n", "column name stands there twice"),
        ("", "is empty"),
        ('mailbox,name\n1001,"open\n', "line 2"),
        ('[{"mailbox": "1001", "colour": "red"}]', "colour"),
        ("[1001", "no JSON"),
        ('{"boxes": []}', "a list of mailboxes is wanted"),
    ],
)  # fmt: skip
def test_a_file_that_makes_no_sense_does_nothing(vm, file, text, said):
    ran = vm("mailbox", "apply", file(text), "--yes")
    assert ran.code == 2
    assert said in ran.err
    assert vm("mailbox", "list", "--json").json == []


def test_a_file_in_another_encoding_is_told_with_its_line(vm, file, tmp_path):
    ran = vm("mailbox", "apply", file("mailbox,name\n1001,Bob\n1002,Zoé\n", encoding="latin-1"), "--yes")
    assert ran.code == 2
    assert "line 3: this is not UTF-8" in ran.err
    assert vm("mailbox", "apply", tmp_path / "gone.csv").code == 2


def test_json_says_the_same(vm, file, node):
    rows = [
        {"mailbox": "1001", "name": "Zoé", "email": ["a@example.com", "b@example.com"], "maxmsg": 30, "review": False},
        {"mailbox": "1002@autre.example", "name": None},
        "no object",
        {"mailbox": "1003", "maxmsg": {"most": 3}},
    ]
    ran = vm("mailbox", "apply", file(json.dumps({"mailboxes": rows}), "boxes.json"), "--yes")
    assert ran.code == 1
    assert "item 3: it is no object" in ran.err
    assert "item 4: maxmsg is a number" in ran.err
    fields = node.registry.fields(ALICE)
    assert (fields["email"], fields["maxmsg"], fields["review"]) == ("a@example.com,b@example.com", "30", "no")


def test_the_standard_input_is_a_file_too(vm, node):
    assert vm("mailbox", "apply", "-", "--yes", typed="\ufeffmailbox\tname\n1001\tZoé\n").code == 0
    assert node.registry.fields(ALICE)["name"] == "Zoé"


def test_greetings_come_from_files_once(vm, alice, file, tone, node):
    table = file(
        "mailbox,greeting.unavailable,greeting.name,greeting.busy-9\n"
        f"1001,{tone(2.0, 'away.wav')},,{tone(1.0, 'ninth.wav')}\n"
    )
    assert "greeting unavailable, greeting busy-9" in vm("mailbox", "apply", table, "--yes").out
    greetings = node.mailboxes.open(ALICE).greetings
    assert {one.value: stored.duration_ms for one, stored in greetings.items()} == {"unavailable": 2000, "busy-9": 1000}
    assert vm("mailbox", "apply", table, "--yes").out.startswith("0 new, 0 to change")
    gone = vm("mailbox", "apply", file("mailbox,greeting.unavailable\n1001,none\n", "gone.csv"), "--yes")
    assert "greeting unavailable removed" in gone.out
    assert set(node.mailboxes.open(ALICE).greetings) == {Greeting.BUSY_9}
    anew = vm("mailbox", "apply", table, "--yes")
    assert "applied 1 of 1" in anew.out
    assert node.mailboxes.open(ALICE).greetings


def test_a_row_whose_sound_is_none_changes_nothing_of_its_mailbox(vm, alice, file, node, tmp_path):
    (tmp_path / "no.wav").write_text("no sound")
    table = file(
        f"mailbox,name,greeting.name\n1001,Other,{tmp_path / 'no.wav'}\n1002,Bob,{tmp_path / 'gone.wav'}\n1003,C,\n"
    )
    ran = vm("mailbox", "apply", table, "--yes")
    assert ran.code == 1
    assert "line 2: 1001@default" in ran.err
    assert "line 3: 1002@default" in ran.err
    assert node.registry.fields(ALICE)["name"] == "Alice Martin"
    assert len(vm("mailbox", "list", "--json").json) == 2


def test_redis_going_away_stops_it_and_a_second_run_finishes(vm, file, node, monkeypatch):
    from esl_vm.model.errors import StoreDownError
    from esl_vm.store.registry import RedisRegistry

    add, calls = RedisRegistry.add, []

    def away(self, box, fields, **pin):
        calls.append(box)
        if len(calls) == 2:
            raise StoreDownError("Redis does not answer")
        add(self, box, fields, **pin)

    monkeypatch.setattr(RedisRegistry, "add", away)
    table = file("mailbox,name\n1001,Alice\n1002,Bob\n1003,Carol\n")
    ran = vm("mailbox", "apply", table, "--yes")
    assert ran.code == 1
    assert "broken off at line 3: Redis does not answer; run it again" in ran.err
    assert vm("mailbox", "apply", table, "--yes").out.endswith("applied 2 of 2\n")
    assert isinstance(node.mailboxes, RedisMailboxes)
    assert len(list(node.registry.boxes())) == 3


@pytest.mark.parametrize("name", ["boxes.csv", "boxes.json"])
def test_what_is_exported_applies_to_an_empty_system_and_gives_the_same(vm, file, node, tmp_path, name):
    vm(
        "mailbox",
        "add",
        "1001",
        'name=Zoé "Z" Côté, fille',
        "email=z@example.com,y@example.com",
        "maxmsg=30",
        "--no-pin",
    )
    vm(
        "mailbox",
        "add",
        "1002@autre.example",
        "name==1+1",
        "review=no",
        "greeting_rules=unavailable-2 mon-fri 18:00-08:00 from:514*,1002; busy-3",
        "timezone=America/Halifax",
        "extensions=201,202",
        "aliases=1009,+15145550109",
        "copies=1001@default,1003",
    )
    before = [node.registry.fields(box) for box in node.registry.boxes()]
    assert vm("mailbox", "export", tmp_path / name).out == f"wrote 2 mailboxes to {tmp_path / name}\n"
    assert "scrypt" not in (tmp_path / name).read_text()
    for box in list(node.registry.boxes()):
        node.registry.remove(box)
    assert vm("mailbox", "apply", tmp_path / name, "--yes").code == 0
    after = [node.registry.fields(box) for box in node.registry.boxes()]
    for fields in (*before, *after):
        fields.pop("created")
        fields.pop("pin_initial", None)
    assert after == before


def test_export_of_a_domain_to_the_standard_output(vm, alice):
    vm("mailbox", "add", "1001@autre.example", "name=Autre")
    assert vm("mailbox", "export", "--domain", "autre.example").out == "mailbox,name\n1001@autre.example,Autre\n"
    assert vm("mailbox", "export", "--format", "json").json[1]["maxmsg"] == "50"


def test_every_option_can_be_set_shown_exported_and_taken_back(vm, alice, node):
    usual = MailboxOptions()
    special = {"operator": "0", "call_patterns": "2XXX,514NXXXXXX", "greeting_rules": "unavailable-2 sat-sun"}
    special["notify_rules"] = "mail,pager:p@example.com urgent; none"
    special["exits"] = "3=mailbox:1002; busy=2000"
    special["retention_folders"] = "new=90; old=30"
    wanted = {}
    for name in FIELDS:
        value = getattr(usual, name)
        wanted[name] = special.get(name) or option_text(value + 1 if type(value) is int else not value)
    ran = vm("mailbox", "set", "1001", *(f"{name}={text}" for name, text in wanted.items()))
    assert ran.code == 0, ran.err
    options = node.mailboxes.open(ALICE).options
    assert {name: option_text(getattr(options, name)) for name in FIELDS} == wanted
    shown = vm("mailbox", "show", "1001").out
    assert all(f"{name}={text}" in shown for name, text in wanted.items())
    assert all(vm("mailbox", "export", "--format", "json").json[0][name] == text for name, text in wanted.items())
    vm("mailbox", "set", "1001", *(word for name in FIELDS for word in ("--unset", name)))
    assert node.mailboxes.open(ALICE).options == usual


def test_a_table_that_was_sent_in_names_no_file_of_this_host():
    sent = b"mailbox,name,greeting.busy,greeting.name\n1001,Alice,/etc/passwd,\n1002,Bob,none,none\n"
    table = parse_table("the table", sent, "default", files=False)
    assert [row.box for row in table.rows] == [BOB]
    assert table.problems == ["line 2: a greeting's sound can't be named here: send it in with the greeting"]
    assert len(parse_table("the table", sent, "default").rows) == 2
