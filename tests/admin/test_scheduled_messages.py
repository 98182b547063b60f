"""`esl-vm message forward` and `scheduled`; a backup carries what waits."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from esl_vm.model.mailbox import Folder, MailboxId
from esl_vm.model.message import Caller
from esl_vm.model.receipts import Receipt
from esl_vm.recordings.scheduled import deliver_due, scheduled_sounds

ALICE, BRUNO, CARLA = MailboxId("1001"), MailboxId("1002"), MailboxId("1003")


@pytest.fixture
def message(vm, leave):
    for box in ("1001", "1002", "1003"):
        vm("mailbox", "add", box, "--no-pin", "timezone=America/Toronto")
    leave("1001")
    return vm("message", "list", "1001", "--json").json[0]["id"]


def new(node, box):
    return len(node.mailboxes.message_ids(box)[Folder.NEW])


def test_a_message_is_forwarded_at_once(vm, node, message):
    ran = vm("message", "forward", "1001", message, "1002", "1003")
    assert ran.out.endswith("goes now to 1002@default, 1003@default\n")
    deliver_due(node.mailboxes, node.audio)
    assert (new(node, BRUNO), new(node, CARLA), new(node, ALICE)) == (1, 1, 1)


def test_one_that_waits_is_listed_and_cancelled(vm, node, message):
    assert vm("message", "scheduled", "1001").err == "esl-vm: no message waits for its time\n"
    day = datetime.fromtimestamp(node.clock.now() + 100 * 86400, ZoneInfo("America/Toronto"))
    assert vm("message", "forward", "1001", message, "1002", "--at", f"{day:%Y-%m-%d}T08:00").code == 0
    waiting = vm("message", "scheduled", "1001", "--json").json
    assert waiting[0]["at"].startswith(f"{day:%Y-%m-%d}T08:00:00-0")
    assert waiting[0]["to"] == ["1002@default"]
    assert vm("message", "scheduled", "1001", "--cancel", waiting[0]["id"]).err.startswith("esl-vm: cancelled")
    again = vm("message", "scheduled", "1001", "--cancel", waiting[0]["id"])
    assert (again.code, "waits for its time" in again.err) == (1, True)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("1009",), "there is no mailbox 1009@default; nothing was sent"),
        (("1002", "--at", "2020-01-01"), "within a year"),
        (("1002", "--at", "soon"), "not a date"),
    ],
)
def test_what_can_not_be_is_said_and_nothing_waits(vm, node, message, words, said):
    ran = vm("message", "forward", "1001", message, *words)
    assert ran.code in {1, 2}
    assert said in ran.err
    assert node.mailboxes.scheduled() == []


def test_what_an_outside_caller_left_and_waits_to_be_forwarded_is_found_and_erased(vm, node, message, leave):
    leave("1001", caller=Caller("5145550177", "Zoé"))
    [left] = [one["id"] for one in vm("message", "list", "1001", "--json").json if one["id"] != message]
    day = datetime.fromtimestamp(node.clock.now() + 9 * 86400, ZoneInfo("America/Toronto"))
    assert vm("message", "forward", "1001", left, "1002", "--at", f"{day:%Y-%m-%d}").code == 0
    found = vm("privacy", "find", "5145550177", "--json").json["found"]
    assert [one["what"] for one in found if one["kind"] == "message"] == ["new", "scheduled"]
    [waiting] = node.mailboxes.scheduled()
    assert vm("privacy", "erase", "5145550177", "--yes").code == 0
    assert node.mailboxes.scheduled() == []
    assert not any(node.audio.exists(sound) for sound in scheduled_sounds(waiting))


def test_receipts_are_asked_for_and_listed(vm, node, message):
    assert vm("message", "receipts", "1001").err == "esl-vm: no receipt was asked for\n"
    assert vm("message", "forward", "1001", message, "1002", "--receipt").code == 0
    deliver_due(node.mailboxes, node.audio)
    [copy] = node.mailboxes.page(BRUNO, Folder.NEW, urgent=None, after=None, most=5).messages
    assert copy.receipt == str(ALICE)
    node.mailboxes.receipt(ALICE, Receipt(copy.id, BRUNO, node.clock.now()))
    assert "not yet" in vm("message", "receipts", "1001").out
    node.mailboxes.receipt(ALICE, Receipt(copy.id, BRUNO, 0, node.clock.now()))
    [one] = vm("message", "receipts", "1001", "--json").json
    assert (one["id"], one["to"], bool(one["heard"])) == (copy.id, str(BRUNO), True)
