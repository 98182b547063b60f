"""Legal holds: nothing in a mailbox is erased, its owner sees nothing of it, and at the end all of it goes."""

import json
import zipfile

import pytest
from admin.test_room_and_time import Clock

from esl_vm.model.events import PRIVACY, EventType
from esl_vm.model.mailbox import Folder, MailboxId
from esl_vm.model.message import Caller
from esl_vm.ops.callers import Callers
from esl_vm.ops.orphans import find_orphans
from esl_vm.store.connect import connect
from esl_vm.store.store import Store

ALICE, BOB = MailboxId("1001"), MailboxId("1002")
NUMBER = "5145550199"


@pytest.fixture
def alice(vm):
    for box in (ALICE, BOB):
        assert vm("mailbox", "add", str(box), "--no-pin", "trash_days=2").code == 0


@pytest.fixture
def housekeeping_in(redis_url, node):
    """Housekeeping as it is so many days from now."""

    def keep(days):
        store = Store(connect(redis_url), clock=Clock(node.clock.now() + days * 86400), defaults=node.settings.mailbox)
        try:
            list(store.housekeeping.purge())
            store.housekeeping.erase_sounds(node.audio.delete)
        finally:
            store.close()

    return keep


def lie(node, box=ALICE):
    return {str(folder): ids for folder, ids in node.mailboxes.message_ids(box).items() if ids}


def kept(node, box=ALICE):
    return [message.id for message in node.store.holds.kept(box)]


def seen_by_owner(vm, node, message_id):
    """All that an owner can know of a message."""
    shown = vm("message", "show", "1001", message_id)
    events = [event.what for event in node.store.events.tail(99, box=ALICE) if event.message_id == message_id]
    return shown.code, sorted(map(str, events)), lie(node), node.mailboxes.counts(ALICE)


def test_an_owner_deletes_as_ever_and_it_is_kept_out_of_his_sight(vm, alice, node, leave, housekeeping_in):
    before, free = leave("1001"), leave("1002")
    assert vm("privacy", "hold", "1001", "--reason", "case 114").code == 0
    assert vm("message", "delete", "1001", before).code == 0
    assert lie(node) == {"trash": [before]}
    assert vm("message", "restore", "1001", before).code == 0
    for number, message in (("1001", before), ("1002", free)):
        assert vm("message", "delete", number, message).code == 0
    housekeeping_in(3)
    assert lie(node) == lie(node, BOB) == {}
    assert (kept(node), kept(node, BOB)) == ([before], [])
    assert (node.audio.exists(before), node.audio.exists(free)) == (True, False)
    code, events, _, _ = seen_by_owner(vm, node, before)
    assert code == 1
    assert "erased" in events
    assert not [event for event in node.store.events.tail(99, box=ALICE) if "hold" in event.what]
    assert find_orphans(node, -1.0).unused == ()


@pytest.mark.parametrize("way", ["at once", "for good"])
def test_what_is_erased_at_once_is_kept_as_well(vm, alice, node, leave, way):
    if way == "at once":
        vm("mailbox", "set", "1001", "trash_days=0")
    left = leave("1001", caller=Caller(NUMBER))
    vm("privacy", "hold", "1001", "--reason", "case 114")
    words = ("--for-good",) if way == "for good" else ()
    assert vm("message", "delete", "1001", left, *words).code == 0
    assert lie(node) == {}
    assert kept(node) == [left]
    assert node.audio.exists(left)
    assert vm("message", "restore", "1001", left).code == 1


def test_a_mailbox_under_a_hold_stays_with_its_name(vm, alice, node, leave):
    leave("1001")
    vm("privacy", "hold", "1001", "--reason", "case 114")
    for command in (("mailbox", "remove", "1001", "--yes"), ("mailbox", "rename", "1001", "1005", "--yes")):
        ran = vm(*command)
        assert ran.code == 1, command
        assert "legal hold" in ran.err
    assert len(lie(node)["new"]) == 1
    assert vm("privacy", "release", "1001").code == 0
    assert vm("mailbox", "remove", "1001", "--yes").code == 0


@pytest.mark.parametrize("end", ["released", "over"])
def test_at_its_end_what_it_kept_is_erased(vm, alice, node, leave, housekeeping_in, end):
    left, stays = leave("1001"), leave("1001")
    until = () if end == "released" else ("--until", "2100-01-01")
    assert vm("privacy", "hold", "1001", "--reason", "case 114", *until).code == 0
    vm("message", "delete", "1001", left, "--for-good")
    housekeeping_in(300)
    assert kept(node) == [left]
    if end == "released":
        assert "1 messages" in vm("privacy", "release", "1001").out
        assert vm("mailbox", "remove", "1001", "--yes").code == 1  # what it kept is still there
        housekeeping_in(0)
    else:
        housekeeping_in(366 * 80)
    assert kept(node) == []
    assert not node.audio.exists(left)
    assert node.audio.exists(stays)
    assert not node.store.link.run(None, lambda client: client.keys("*:held:*"))
    told = node.store.events.tail(9, box=PRIVACY)
    assert told[0].what is EventType.HOLD_SET
    assert told[0].details["reason"] == "case 114"
    assert told[0].details["by"].startswith("command ")
    assert told[-1].what is EventType.HELD_ERASED
    assert (told[-1].details["mailbox"], told[-1].details["messages"]) == ("1001@default", "1")
    assert not [event for event in node.store.events.tail(99, box=ALICE) if "hel" in event.what]


def test_the_holds_are_listed_and_what_they_keep_is_written(vm, alice, node, leave, tmp_path):
    assert vm("privacy", "holds").out == "no mailbox is under a legal hold\n"
    left = leave("1001", caller=Caller(NUMBER, "Zoé"))
    vm("privacy", "hold", "1001", "--reason", "case 114", "--until", "2100-01-01")
    vm("message", "delete", "1001", left, "--for-good")
    [one] = vm("privacy", "holds", "--json").json
    assert (one["mailbox"], one["reason"], one["kept"], one["in_force"]) == ("1001@default", "case 114", 1, True)
    assert one["until"].startswith("2100-01-01T00:00:00")
    assert "case 114" in vm("privacy", "holds").out
    assert vm("privacy", "held", "1001", tmp_path / "held.zip").code == 0
    with zipfile.ZipFile(tmp_path / "held.zip") as archive:
        assert json.loads(archive.read(f"messages/{ALICE}/{left}.json"))["caller_number"] == NUMBER
        assert len(archive.read(f"messages/{ALICE}/{left}.wav")) > 1000
    assert vm("privacy", "held", "1001", tmp_path / "held.zip").code == 2


@pytest.mark.parametrize("wrong", [("--reason", " "), ("--reason", "x", "--until", "2001-01-01"), ()])
def test_a_hold_has_a_reason_and_an_end_that_comes(vm, alice, wrong):
    assert vm("privacy", "hold", "1001", *wrong).code == 2
    assert vm("privacy", "hold", "7777", "--reason", "x").code == 1
    assert vm("privacy", "holds", "--json").json == []


def test_what_a_hold_keeps_is_left_where_a_caller_is_erased_and_named(vm, alice, node, leave):
    for box in ("1001", "1002"):
        leave(box, caller=Caller(NUMBER))
    hidden = leave("1001", caller=Caller(NUMBER))
    vm("privacy", "hold", "1001", "--reason", "case 114")
    vm("message", "delete", "1001", hidden, "--for-good")
    done = Callers(node).erase(NUMBER)
    assert done.complete
    assert done.erased["message"] == 1
    assert lie(node, BOB) == {}
    assert len(lie(node)["new"]) == 1
    assert {one.kept for one in done.traces} == {"legal hold"}
    assert ("message", hidden, "held") in {(one.kind, one.id, one.what) for one in done.traces}
    assert {one.place for one in done.traces} == {str(ALICE)}


def test_a_backup_has_holds_and_what_they_keep(vm, alice, node, leave, tmp_path):
    left = leave("1001", caller=Caller(NUMBER))
    vm("privacy", "hold", "1001", "--reason", "case 114")
    vm("message", "delete", "1001", left, "--for-good")
    assert vm("backup", tmp_path / "backup").code == 0
    node.audio.delete(left)
    assert vm("restore", "--replace", tmp_path / "backup").code == 0
    assert kept(node) == [left]
    assert node.audio.exists(left)
    [one] = vm("privacy", "holds", "--json").json
    assert (one["reason"], one["kept"]) == ("case 114", 1)
    assert node.mailboxes.message_ids(ALICE)[Folder.NEW] == []
