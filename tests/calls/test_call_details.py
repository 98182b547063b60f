"""Which call a message came by: told by FreeSWITCH's first event, kept with the message, told wherever the message is."""

import dataclasses

import pytest
from calls import play_book
from calls.book import IN, LEAVE, ONE, OWN, RECORD, Box, PhoneCall
from support.rig import NodeRig, Rig

from esl_vm.esl.channel_data import call_of
from esl_vm.esl.wire import Frame
from esl_vm.model.call import Call
from esl_vm.model.mailbox import Folder, MailboxId
from esl_vm.model.message import CallDetails

ALICE, BOB = MailboxId("1001"), MailboxId("1002")

PLAYED = {
    "its number": ({"sip_req_user": "1001"}, "1001", "1001", ""),
    "through extensions": ({"sip_req_user": "+15145550123"}, "vm_leave", "+15145550123", ""),
    "sent on by one": ({"sip_req_user": "15145550123", "rdnis": "1001"}, "vm_leave", "15145550123", "1001"),
    "sent on by no number": ({"sip_req_user": "1001", "rdnis": "reception"}, "vm_leave", "1001", ""),
    "sent on by what was dialled": ({"sip_req_user": "1500", "rdnis": "1500"}, "vm_leave", "1500", ""),
    "a gateway": ({"sip_req_user": "gw+trunk", "sip_to_user": "5145550199"}, "1001", "5145550199", ""),
    "loopback": ({}, "*1001", "*1001", ""),
    "an outgoing leg": ({"sip_req_user": "phone-7", "direction": "outbound"}, "*1001", "*1001", ""),
    "diverted": (
        {"sip_req_user": "5145550199", "sip_h_Diversion": "<sip:1001@pbx.example>;reason=no-answer;counter=1"},
        *("vm_leave", "5145550199", "1001"),
    ),
    "diverted twice": (
        {"sip_h_Diversion": '"Alice" <sip:1001@pbx.example>;reason="user-busy", <sip:1900@pbx.example>'},
        *("5145550199", "5145550199", "1001"),
    ),
    "a name that looks like an address": (
        {"sip_h_Diversion": r'"<sip:1@x> \" sip:2@x" <sip:+1-514-555-0144@x;user=phone>'},
        *("5145550199", "5145550199", "+15145550144"),
    ),
    "an encoded user": ({"sip_h_Diversion": "<sips:%2A7@x>"}, "5145550199", "5145550199", "*7"),
    "tel": ({"sip_h_Diversion": "<tel:+15145550144>;reason=unknown"}, "1", "1", "+15145550144"),
    "no address": ({"sip_h_Diversion": "1001;reason=unknown"}, "1", "1", ""),
    "history": (
        {"sip_history_info": "<sip:1001@pbx.example?Reason=SIP%3Bcause%3D408>;index=1, <sip:1@us.example>;index=1.1"},
        *("5145550199", "5145550199", "1001"),
    ),
    "a history of nothing": ({"sip_history_info": "<sip:5145550199@x>;index=1"}, "5145550199", "5145550199", ""),
}


@pytest.mark.parametrize(("told", "destination", "dialled", "diverted_from"), PLAYED.values(), ids=PLAYED)
def test_what_was_dialled_and_whom_it_was_for(told, destination, dialled, diverted_from):
    variables = dict(told)
    call = Call("u-1", destination=destination, rdnis=variables.pop("rdnis", ""), variables=variables)
    assert call.details == CallDetails("", "u-1", dialled, diverted_from)


def test_it_is_read_from_the_first_event_of_freeswitch():
    head = (
        b"Content-Type: command/reply\nUnique-ID: 1017a36e\nCaller-Destination-Number: vm_leave\nCaller-RDNIS: 1001\n"
        b"variable_sip_call_id: 53603a74@pbx\nvariable_sip_req_user: 1500\nvariable_vm_label: Sales\n"
    )
    call = call_of(Frame("command/reply", head))
    assert call.details == CallDetails("53603a74@pbx", "1017a36e", "1500", "1001", "Sales")


@pytest.mark.parametrize("header", ["Diversion", "diversion", "DIVERSION"])
def test_the_name_of_a_header_may_be_in_capitals_or_not(header):
    head = f"Content-Type: command/reply\nUnique-ID: 17\nvariable_sip_h_{header}: <sip:1001@pbx.example>\n"
    assert call_of(Frame("command/reply", head.encode())).details.diverted_from == "1001"


def left(rig, **variables):
    """A message for Alice, and the call by which it came."""
    call = PhoneCall("", "", "1001", RECORD + "d:1 end:20", "", variables=LEAVE | variables, caller="0612345678")
    play_book.furnish(call, rig, rig.folder / "before")
    rig.ring(play_book.call_of(call), call.does)
    assert rig.problems == [], rig.transcript
    [message] = rig.messages(ALICE, Folder.NEW)
    return message


def test_a_message_knows_its_call(tmp_path):
    rig = NodeRig(tmp_path, now=play_book.NOON)
    message = left(rig, vm_label="Ventes")
    details = CallDetails(rig.variables["sip_call_id"], rig.variables["uuid"], "1001", label="Ventes")
    assert message.call == details
    [told] = [event for event in rig.real.events.tail(9, box=ALICE) if event.what == "delivered"]
    assert CallDetails.of(told.details) == details


def test_a_message_that_waited_in_the_spool_knows_it_too(tmp_path):
    rig = Rig(tmp_path, now=play_book.NOON)
    call = PhoneCall("", "", "1001", RECORD + "d:1 end:20", "", variables=LEAVE | {"sip_call_id": "a7@x"})
    play_book.furnish(call, rig, tmp_path / "before")
    rig.away.down = True
    rig.ring(play_book.call_of(call), call.does)
    rig.away.down = False
    rig.sweep()
    [message] = rig.messages(ALICE, Folder.NEW)
    assert message.call.call_id == "a7@x"


def test_a_forwarded_message_has_its_callers_call(tmp_path):
    rig = Rig(tmp_path, now=play_book.NOON)
    boxes = (Box(messages=ONE), Box("1002", "Bob"))
    does = IN + "w:vm-opts d:1 w:vm-repeat d:81002#2 w:vm-msgforwarded hang"
    call = PhoneCall("", "", OWN, does, "", boxes=boxes, variables={"sip_call_id": "owner@x"})
    play_book.furnish(call, rig, tmp_path / "before")
    [first] = rig.messages(ALICE, Folder.NEW)
    known = dataclasses.replace(first, id="known", call=CallDetails("caller@x", dialled="1001"))
    rig.put("known", next((tmp_path / "before").iterdir()))
    rig.real.mailboxes.delete(ALICE, first.id)
    rig.deliver(ALICE, known)
    rig.ring(play_book.call_of(call), does)
    assert rig.problems == [], rig.transcript
    [copy] = rig.messages(BOB, Folder.NEW)
    assert copy.call == known.call
    assert copy.caller == known.caller


def test_a_message_that_an_owner_sends_has_his_call(tmp_path):
    rig = Rig(tmp_path, now=play_book.NOON)
    does = IN + "w:vm-opts d:351002## w:beep talk s:3 d:# w:vm-review d:1 end:30"
    call = PhoneCall("", "", OWN, does, "", boxes=(Box(), Box("1002", "Bob")), variables={"sip_call_id": "owner@x"})
    play_book.furnish(call, rig, tmp_path / "before")
    rig.ring(play_book.call_of(call), does)
    [sent] = rig.messages(BOB, Folder.NEW)
    assert (sent.call.call_id, sent.call.dialled, sent.origin) == ("owner@x", "*97", "send")


def test_what_a_call_says_is_cut_to_a_line():
    told = CallDetails("a\r\nb" + "c" * 300, "u" * 90, "1\n2" * 40, "+1 (514) 555-0144", "x\x1b[2J" + "y" * 90)
    assert told.call_id == "a b" + "c" * 197
    assert [len(text) for text in (told.call_uuid, told.dialled, told.label)] == [64, 64, 80]
    assert told.diverted_from == "+15145550144"
    assert told.label.startswith("x [2Jy")
    assert CallDetails.of(told.as_fields() | {"more": "x"}) == told
