"""`vm_action=auth`: the dialplan is told whose PIN it was, and of nobody's that it was none."""

import pytest
from calls import play_book
from calls.book import Box, PhoneCall
from support.rig import NodeRig


def asked(tmp_path, does, **variables):
    rig = NodeRig(tmp_path, now=play_book.NOON)
    call = PhoneCall("", "", "door", does, "", boxes=(Box(), Box("1002", pin="7319")), caller="0612345678",
                     variables={"vm_action": "auth"} | variables)  # fmt: skip
    play_book.furnish(call, rig, tmp_path / "before")
    rig.ring(play_book.call_of(call), does)
    assert rig.problems == [], rig.transcript
    return rig.variables


@pytest.mark.parametrize("before", ["", "1002@default"])
def test_whose_it_is(tmp_path, before):
    told = asked(tmp_path, "w:vm-password d:4821# end:10", vm_mailbox="1001", vm_authenticated=before)
    assert (told["vm_authenticated"], told["vm_status"], told.get("vm_cause", "")) == ("1001@default", "SUCCESS", "")


def test_whose_it_was_said_to_be(tmp_path):
    told = asked(tmp_path, "w:vm-login d:1002# w:vm-password d:7319# end:10")
    assert told["vm_authenticated"] == "1002@default"


@pytest.mark.parametrize(
    "does", ["w:vm-password d:1# w:vm-password d:2# w:vm-password d:3# end:15", "w:vm-password hang"]
)
def test_what_an_earlier_call_was_told_does_not_count(tmp_path, does):
    told = asked(tmp_path, does, vm_mailbox="1001", vm_authenticated="1001@default")
    assert told.get("vm_authenticated", "") == ""
    assert told["vm_status"] != "SUCCESS"
