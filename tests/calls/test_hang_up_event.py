"""What a hang-up's event says of a call is right at whatever moment its caller hangs up."""

import pytest
from calls import play_book
from calls.standings import STANDINGS, Standing
from support.rig import NodeRig, Rig

from esl_vm.model.mailbox import Folder, MailboxId


@pytest.fixture(params=[Rig, NodeRig], ids=["line", "node"])
def rig(request, tmp_path):
    return request.param(tmp_path, now=play_book.NOON)


@pytest.mark.parametrize("standing", STANDINGS, ids=lambda one: one.name)
def test_whoever_hangs_up(rig, standing: Standing):
    call = standing.call()
    play_book.furnish(call, rig, rig.folder / "before")
    rig.ring(play_book.call_of(call), call.does)
    assert rig.problems == [], rig.transcript
    told = rig.variables
    assert (told["vm_status"], told.get("vm_cause", "")) == (standing.status, standing.cause)
    assert bool(told.get("vm_message_id")) is standing.named
    assert told["vm_handed_back"] == "false"
    messages = rig.messages(MailboxId("1001"), Folder.NEW)
    assert len(messages) == standing.kept
    if standing.status == "SUCCESS" and standing.named:
        assert [message.id for message in messages] == [told["vm_message_id"]]


def test_a_call_that_ends_as_it_should_says_that_it_was_handed_back(rig):
    call = Standing("", "w:beep talk s:3 d:# quiet w:vm-review d:1 end:20", "SUCCESS").call()
    play_book.furnish(call, rig, rig.folder / "before")
    rig.ring(play_book.call_of(call), call.does)
    assert rig.variables["vm_handed_back"] == "true"
    assert rig.variables["vm_status"] == "SUCCESS"
    assert not rig.variables.get("vm_cause")
