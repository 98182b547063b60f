"""What calls leave in the stream of events besides what they change: second hearings, and who left what came later."""

from calls import play_book
from calls.book import IN, LEAVE, ONE, OWN, RECORD, Box, PhoneCall
from support.rig import Rig

from esl_vm.model.actor import acting, phone
from esl_vm.model.mailbox import MailboxId

ALICE = MailboxId("1001")


def happened(rig, what):
    return [event for event in rig.real.events.tail(99, box=ALICE) if event.what.value == what]


def test_a_message_that_is_heard_again_is_told_again(tmp_path):
    rig = Rig(tmp_path, now=play_book.NOON)
    call = PhoneCall(
        "", "", OWN, IN + "w:vm-opts d:1 w:vm-repeat d:5 w:<* w:vm-repeat d:# end:30", "", boxes=(Box(messages=ONE),)
    )
    play_book.furnish(call, rig, tmp_path / "before")
    with acting(phone("1001", "c1")):
        rig.ring(play_book.call_of(call), call.does)
    assert len(happened(rig, "heard")) == 1
    [again] = happened(rig, "heard-again")
    assert again.message_id == happened(rig, "heard")[0].message_id
    assert again.details["by"] == "phone 1001 c1"


def test_a_message_that_is_to_be_mailed_is_told(tmp_path):
    rig = Rig(tmp_path, now=play_book.NOON)
    does = IN + "w:vm-opts d:1 w:vm-delete d:3 w:vm-starmain d:6 w:auth-thankyou w:vm-delete d:# end:20"
    box = Box(messages=ONE, email="alice@example.com")
    call = PhoneCall("", "", OWN, does, "", boxes=(box,))
    play_book.furnish(call, rig, tmp_path / "before")
    rig.ring(play_book.call_of(call), call.does)
    [asked] = happened(rig, "mail-asked")
    assert asked.message_id == happened(rig, "heard")[0].message_id


def test_a_message_that_is_delivered_later_says_who_left_it(tmp_path):
    rig = Rig(tmp_path, now=play_book.NOON)
    call = PhoneCall("", "", "1001", RECORD + "d:1 end:20", "", variables=LEAVE, caller="0612345678")
    play_book.furnish(call, rig, tmp_path / "before")
    rig.away.down = True
    with acting(phone("0612345678", "c7")):
        rig.ring(play_book.call_of(call), call.does)
    rig.away.down = False
    with acting("housekeeping node-1"):
        rig.sweep()
    [delivered] = happened(rig, "delivered")
    assert delivered.details["by"] == "phone 0612345678 c7"
