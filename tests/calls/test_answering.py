"""When a caller who leaves a message is answered: at once, where there is a mailbox, or at the tone."""

import pytest
from calls import play_book
from calls.book import LEAVE, OWN, RECORD, Box, PhoneCall
from support.rig import NodeRig, Rig

from esl_vm.model.call import AnswerPolicy
from esl_vm.model.mailbox import Folder, MailboxId

LEAVES = RECORD + "d:1 end:20"


@pytest.fixture(params=[Rig, NodeRig], ids=["line", "node"])
def make(request, tmp_path):
    return lambda **world: request.param(tmp_path, now=play_book.NOON, **world)


def ring(rig, does, number="1001", box=None, **variables):
    own = number == OWN
    given = variables if own else {**LEAVE, **variables}
    caller = "1001" if own else "0612345678"
    call = PhoneCall("answering", "", number, does, "", boxes=(box or Box(),), variables=given, caller=caller)
    play_book.furnish(call, rig, rig.folder / "before")
    rig.ring(play_book.call_of(call), call.does)


def answered(rig):
    return rig.phone.answered if hasattr(rig, "phone") else bool(rig.up.channel.answered)


@pytest.mark.parametrize("when", AnswerPolicy)
def test_a_message_can_be_left_whenever_the_call_is_answered(make, when):
    rig = make(answer=when)
    ring(rig, LEAVES)
    assert rig.problems == [], rig.transcript
    assert answered(rig)
    assert len(rig.messages(MailboxId("1001"), Folder.NEW)) == 1


@pytest.mark.parametrize(("when", "is_answered"), [("always", True), ("known", False), ("tone", False)])
def test_a_number_without_a_mailbox_is_answered_only_where_all_are(make, when, is_answered):
    rig = make()
    ring(rig, "end:20", "7777", vm_answer=when)
    assert answered(rig) is is_answered
    assert ("ss-noservice" in rig.heard) is is_answered
    assert (rig.variables["vm_status"], rig.variables["vm_cause"]) == ("FAILED", "unknown")


@pytest.mark.parametrize(("when", "is_answered"), [("always", True), ("known", True), ("tone", False)])
def test_the_greeting_may_be_early_media(make, when, is_answered):
    rig = make()
    ring(rig, "w:vm-theperson hang", vm_answer=when)
    assert rig.problems == []
    assert answered(rig) is is_answered


def test_an_announcement_is_heard_without_being_answered(make):
    rig = make(answer=AnswerPolicy.TONE)
    ring(rig, "w:vm-isunavail end:20", box=Box(options={"maxmsg": "0"}))
    assert rig.problems == [], rig.transcript
    assert not answered(rig)
    assert rig.variables["vm_status"] == "SUCCESS"


def test_owners_are_answered(make):
    rig = make(answer=AnswerPolicy.TONE)
    ring(rig, "w:vm-password d:4821# w:vm-opts d:# end:20", OWN)
    assert rig.problems == []
    assert answered(rig)


def test_an_owner_who_presses_the_star_in_early_media_is_answered(make):
    rig = make(answer=AnswerPolicy.TONE)
    ring(rig, "w:vm-theperson d:* w:vm-password d:4821# w:vm-opts d:# end:20")
    assert rig.problems == [], rig.transcript
    assert answered(rig)


def test_a_word_that_is_none_changes_nothing(make):
    rig = make()
    ring(rig, "end:20", "7777", vm_answer="perhaps")
    assert answered(rig)
