"""A message for several mailboxes, or for a list: who can take it gets it, and who can't is told of."""

from __future__ import annotations

import dataclasses

import pytest
from calls import play_book
from calls.book import LEAVE, RECORD, Box, Msg, PhoneCall
from support.rig import Rig

from esl_vm.model.events import EventType
from esl_vm.model.mailbox import Folder, MailboxId

ALICE, BRUNO, EVE = (MailboxId(number) for number in ("1001", "1002", "1003"))
FULL = {"maxmsg": "1"}


@pytest.fixture
def rig(tmp_path):
    rig = Rig(tmp_path)
    yield rig
    rig.close()


def box(number: str, *, full: bool = False, **options: str) -> Box:
    messages = (Msg(),) if full else ()
    return Box(number, f"Box {number}", messages=messages, options={**options, **(FULL if full else {})})


def ring(rig, named: str, *boxes: Box, **more) -> None:
    call = PhoneCall(
        "several", "", "1001", RECORD + "d:1 end:20", "", variables=LEAVE | {"vm_mailbox": named}, caller="0612345678"
    )
    call = dataclasses.replace(call, boxes=boxes, **more)
    play_book.furnish(call, rig, rig.folder / "before")
    rig.ring(play_book.call_of(call), call.does)


def got(rig, *boxes: MailboxId) -> list[int]:
    return [len(rig.messages(one, Folder.NEW)) for one in boxes]


def told(rig) -> str:
    return rig.phone.variables.get("vm_undelivered", "")


@pytest.mark.parametrize("first", ["1001", "1002", "1777"])
def test_whoever_can_take_it_gets_it_whichever_is_named_first(rig, first):
    named = [first, *(number for number in ("1001", "1002", "1777") if number != first)]

    ring(rig, "&".join(named), box("1001"), box("1002", full=True))

    assert rig.heard[-1] == "vm-msgsaved"
    assert rig.status == "SUCCESS"
    assert got(rig, ALICE, BRUNO) == [1, 1]
    assert set(told(rig).split()) == {"1002@default=full", "1777=unknown"}


def test_one_that_only_announces_does_not_keep_it_from_the_others(rig):
    ring(rig, "1001&1002", box("1001", announce_only="yes"), box("1002"))

    assert got(rig, ALICE, BRUNO) == [0, 1]
    assert told(rig) == "1001@default=closed"


def test_where_all_get_it_nothing_is_told(rig):
    ring(rig, "1001&1002", box("1001"), box("1002"))

    assert got(rig, ALICE, BRUNO) == [1, 1]
    assert told(rig) == ""


def not_delivered(rig, *boxes: MailboxId) -> list[tuple[str, str, str]]:
    events = [event for one in boxes for event in rig.real.events.tail(99, box=one)]
    return [
        (str(event.box), event.details["why"], event.details["caller_number"])
        for event in events
        if event.what is EventType.NOT_DELIVERED and event.message_id == rig.phone.variables["vm_message_id"]
    ]


def test_each_that_did_not_get_it_is_an_event_with_message_caller_and_why(rig):
    boxes = box("1001"), box("1002", full=True), box("1003", announce_only="yes")
    nobody = MailboxId("1777")

    ring(rig, "1001&1002&1777&1003", *boxes)

    assert not_delivered(rig, ALICE, BRUNO, EVE, nobody) == [
        ("1002@default", "full", "0612345678"),
        ("1003@default", "closed", "0612345678"),
        ("1777@default", "unknown", "0612345678"),
    ]


def test_a_name_that_can_be_no_number_is_told_by_the_first_mailbox(rig):
    ring(rig, "1001&1 002!", box("1001"))

    [event] = [one for one in rig.real.events.tail(99, box=ALICE) if one.what is EventType.NOT_DELIVERED]
    assert (event.details["why"], event.details["named"]) == ("unknown", "1 002!")
    assert event.message_id == rig.phone.variables["vm_message_id"]
    assert got(rig, ALICE) == [1]


def test_where_nobody_can_the_caller_hears_why(rig):
    ring(rig, "1777&1001", box("1001", full=True))

    assert "vm-mailboxfull" in rig.heard
    assert rig.status == "FAILED"
    assert set(told(rig).split()) == {"1777=unknown", "1001@default=full"}


def test_a_list_is_a_destination(rig):
    ring(rig, "400", box("1001"), box("1002", full=True), box("1003"), lists={"400": ("1001", "1002", "1003")})

    assert got(rig, ALICE, EVE) == [1, 1]
    assert told(rig) == "1002@default=full"


def test_a_list_among_others_is_everybody_on_it(rig):
    ring(rig, "1001&400", box("1001"), box("1002"), box("1003"), lists={"400": ("1002", "1003")})

    assert got(rig, ALICE, BRUNO, EVE) == [1, 1, 1]


def test_a_list_on_which_nobody_has_a_mailbox_any_more_is_not_in_service(rig):
    ring(rig, "1900", box("1001"), lists={"1900": ("1777", "1778")}, does="end:10")

    assert rig.heard == ["ss-noservice"]
    assert rig.status == "FAILED"
    assert rig.phone.variables["vm_cause"] == "unknown"
