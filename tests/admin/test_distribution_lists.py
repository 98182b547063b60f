"""`esl-vm list`: one number for many mailboxes."""

import pytest

from esl_vm.model.mailbox import MailboxId

SALES = MailboxId("900")


@pytest.fixture
def office(vm):
    for number in ("1001", "1002", "1003"):
        assert vm("mailbox", "add", number, f"name=Owner {number}", "--no-pin").code == 0


@pytest.fixture
def sales(vm, office):
    assert vm("list", "add", "900@default", "1001", "1002", "--name", "Ventes & Québec").code == 0


def test_a_list_is_made_and_grows(vm, sales):
    ran = vm("list", "add", "900", "1002", "1003")
    assert ran.out == "changed list 900@default: 1 added, 3 on it\n"
    assert vm("list", "show", "900", "--json").json == {
        "list": "900@default",
        "name": "Ventes & Québec",
        "members": ["1001@default", "1002@default", "1003@default"],
        "recorded_name": False,
        "recorded_name_ms": None,
    }


def test_show_names_the_owners_and_list_the_lists(vm, sales):
    vm("list", "add", "901@autre.example", "1001@default")
    shown = vm("list", "show", "900").out
    assert "Ventes & Québec" in shown
    assert "1002@default  Owner 1002" in shown
    lines = vm("list", "list").out.splitlines()
    assert [line.split()[0] for line in lines[1:]] == ["901@autre.example", "900@default"]
    assert [found["list"] for found in vm("list", "list", "--domain", "default", "--json").json] == ["900@default"]


def test_mailboxes_are_taken_off(vm, sales):
    assert vm("list", "remove", "900", "1002").out == "changed list 900@default: 1 taken off, 1 on it\n"
    again = vm("list", "remove", "900", "1002")
    assert again.code == 1
    assert "1002@default is not on the list" in again.err


def test_a_list_gets_another_number_with_its_recording_and_all_on_it(vm, sales, node, tone):
    vm("list", "add", "900", "--recording", tone())
    for taken, why in (("1001", "is a mailbox"), ("900", "there is a distribution list")):
        refused = vm("list", "rename", "900", taken)
        assert refused.code == 2
        assert why in refused.err
    assert vm("list", "rename", "900", "901@autre.example").out == "renamed list 900@default 901@autre.example\n"
    [there] = vm("list", "list", "--json").json
    assert there == {
        "list": "901@autre.example",
        "name": "Ventes & Québec",
        "members": ["1001@default", "1002@default"],
        "recorded_name": True,
        "recorded_name_ms": 2000,
    }
    recorded = node.store.lists.find(MailboxId("901", "autre.example")).recorded_name
    assert node.audio.exists(recorded.audio_id)
    assert vm("list", "rename", "900", "902").code == 1


def test_removing_a_list_asks_and_leaves_its_mailboxes(vm, sales):
    asked = vm("list", "remove", "900")
    assert asked.code == 2
    assert "--yes" in asked.err
    assert vm("list", "remove", "900", "--yes").code == 0
    assert vm("list", "show", "900").code == 1
    assert len(vm("mailbox", "list", "--json").json) == 3


def test_a_mailbox_that_is_not_there_comes_on_no_list(vm, sales):
    ran = vm("list", "add", "900", "1003", "7777")
    assert ran.code == 1
    assert "there is no mailbox 7777@default; nothing was changed" in ran.err
    assert len(vm("list", "show", "900", "--json").json["members"]) == 2


def test_a_list_and_a_mailbox_never_have_the_same_number(vm, sales):
    refused = vm("list", "add", "1001", "1002")
    assert refused.code == 2
    assert "1001@default is a mailbox" in refused.err
    refused = vm("mailbox", "add", "900", "name=Nobody")
    assert refused.code == 1
    assert "900@default is a distribution list" in refused.err


@pytest.mark.parametrize("number", ["sales", "9+0", "90 0"])
def test_a_list_has_a_number_that_can_be_dialled(vm, office, number):
    assert vm("list", "add", number, "1001").code == 2
    assert vm("list", "list", "--json").json == []


def test_a_list_that_is_not_there_is_told(vm, office):
    for words in (("show", "900"), ("remove", "900", "--yes"), ("remove", "900", "1001")):
        ran = vm("list", *words)
        assert ran.code == 1
        assert "there is no distribution list 900@default" in ran.err


def test_a_recorded_name_is_kept_replaced_and_taken_away(vm, sales, node, tone):
    assert vm("list", "add", "900", "--recording", tone(1.5)).code == 0
    first = node.store.lists.find(SALES).recorded_name
    assert first.duration_ms == 1500
    assert node.audio.exists(first.audio_id)
    assert node.store.lists.sounds() == {first.audio_id}
    vm("list", "add", "900", "--recording", tone(2.0))
    second = node.store.lists.find(SALES).recorded_name
    assert second.audio_id != first.audio_id
    assert "recording" in vm("list", "list").out
    assert vm("list", "remove", "900", "--recording").code == 0
    assert node.store.lists.find(SALES).recorded_name is None
    later = [text.decode() for text in _to_erase(node)]
    assert sorted(later) == sorted([first.audio_id, second.audio_id])


def test_a_recording_that_is_no_sound_changes_nothing(vm, sales, tmp_path, node):
    (tmp_path / "no.wav").write_text("no sound")
    assert vm("list", "add", "900", "--recording", tmp_path / "no.wav").code == 2
    assert vm("list", "add", "900", "--recording", tmp_path / "gone.wav").code == 2
    assert node.store.lists.find(SALES).recorded_name is None


def _to_erase(node):
    keys = node.store.keys.of(SALES)
    return node.store.link.run(keys.partition, lambda client: client.zrange(keys.erase, 0, -1))
