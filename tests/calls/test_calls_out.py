"""Calls placed from a mailbox: each is written down with who, to where and from where; capped by hour and day."""

import pytest
from calls import play_book
from calls.book import IN, Box, Msg
from support.options import options_of
from support.rig import NodeRig, Rig

from esl_vm.model.actor import acting, phone
from esl_vm.model.call import Call
from esl_vm.model.mailbox import MailboxId
from esl_vm.model.message import Caller
from esl_vm.model.options import MailboxOptions

ALICE = MailboxId("1001")
MAY = {"dialout": "yes", "callback": "yes", "call_patterns": "514XXXXXXX", "calls_per_hour": "2", "calls_per_day": "3"}
OUT = IN + "w:vm-opts d:3 w:* d:4 w:vm-enter-num-to-call "


@pytest.fixture(params=[Rig, NodeRig], ids=["line", "node"])
def rig(request, tmp_path):
    rig = request.param(tmp_path, now=play_book.NOON)
    rig.add_mailbox(ALICE, "Alice", options_of({**MAY, "operator": "o"}))
    rig.set_pin(ALICE, Box().pin)
    return rig


def ring(rig, number, does, caller="1001", **variables):
    call = Call("c1", Caller(caller), number, {"domain_name": "default", **variables})
    with acting(phone(caller, "c1")):
        rig.ring(call, does)


def calls(rig):
    wanted = {"call-placed", "call-refused"}
    told = [event for event in rig.real.events.tail(99, box=ALICE) if event.what.value in wanted]
    return [
        (event.what.value, *(event.details.get(name, "") for name in ("number", "how", "from", "why")))
        for event in told
    ]


def dial(rig, number):
    ring(rig, "*97", OUT + f"d:{number}# end:30")


def test_a_call_is_written_down_and_the_new_leg_says_whose_it_is(rig):
    dial(rig, "5145550123")
    assert rig.sent_to == "5145550123"
    assert calls(rig) == [("call-placed", "5145550123", "call", "1001", "")]
    assert rig.real.events.tail(1, box=ALICE)[0].details["by"] == "phone 1001 c1"


def test_the_variables_of_the_new_leg(tmp_path):
    rig = Rig(tmp_path, now=play_book.NOON)
    rig.add_mailbox(ALICE, "Alice", MailboxOptions(dialout=True, call_patterns="."))
    rig.set_pin(ALICE, Box().pin)
    ring(rig, "*97", OUT + "d:5145550123# end:30", export_vars="mine")
    told = rig.phone.variables
    assert (told["vm_dialed_number"], told["vm_dialed_by"]) == ("5145550123", "1001@default")
    assert told["export_vars"] == "mine,vm_dialed_number,vm_dialed_by"


def test_a_number_that_is_not_allowed_is_written_down_too(rig):
    dial(rig, "9005550123")
    assert rig.sent_to == ""
    assert calls(rig) == [("call-refused", "9005550123", "call", "1001", "call_patterns")]


def test_a_call_back_says_so(rig, tmp_path):
    play_book.put_messages(Box(messages=(Msg("5145550177"),)), ALICE, rig, tmp_path)
    ring(rig, "*97", IN + "w:vm-opts d:1 w:vm-repeat d:3 w:* d:2 w:vm-num-i-have d:1 end:60")
    assert calls(rig) == [("call-placed", "5145550177", "call-back", "1001", "")]


def test_so_many_an_hour_and_a_day_and_each_that_is_refused_is_told(rig):
    for _ in range(3):
        dial(rig, "5145550123")
    rig.clock.pass_time(3601)
    for _ in range(2):
        dial(rig, "5145550123")
    assert [(what, why) for what, *_, why in calls(rig)] == [
        ("call-placed", ""),
        ("call-placed", ""),
        ("call-refused", "calls_per_hour"),
        ("call-placed", ""),
        ("call-refused", "calls_per_day"),
    ]


def test_a_caller_who_wants_the_operator_leaves_a_trace(rig):
    ring(rig, "1001", "w:vm-theperson d:0 end:20", caller="5145550100")
    assert rig.sent_to == "o"
    assert calls(rig) == [("call-placed", "o", "operator", "5145550100", "")]
