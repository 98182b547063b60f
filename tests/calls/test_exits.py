"""Exits from the greeting: how they are written, and what becomes of calls when one is shut, leads in a circle, or fails."""

import pytest
from calls import play_book
from calls.book import LEAVE, RECORD
from support.options import options_of
from support.rig import NodeRig, Rig

from esl_vm.model.call import Call
from esl_vm.model.errors import InvalidValueError
from esl_vm.model.exits import LONGEST, Exit, ExitKind, parse_exits
from esl_vm.model.fields import checked_field
from esl_vm.model.mailbox import Folder, MailboxId
from esl_vm.model.message import Caller

A, B, C = MailboxId("1001"), MailboxId("1002"), MailboxId("1003", "other.example")


def test_exits_are_read_and_stored_in_one_way():
    written = "9 = Directory; 0=2000 ;busy=mailbox: 1003@other.example;; 4=number:+1 (514) 555-0102;3=*411"
    stored = "0=2000; 3=*411; 4=number:+15145550102; 9=directory; busy=mailbox:1003@other.example"
    assert checked_field("exits", written) == stored == checked_field("exits", stored)
    assert parse_exits(stored)["4"] == Exit(ExitKind.NUMBER, "+15145550102")
    assert checked_field("exits", "") == checked_field("exits", " ; ") == ""


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("2000", "2000"),
        ("#=2000", "#=2000"),
        ("*=2000", "[*]=2000"),
        ("10=2000", "10=2000"),
        ("noanswer=2000", "noanswer"),
        ("1=", "''"),
        ("1=2000; 1=2001", "twice"),
        ("1=20 00", "20 00"),
        ("1=2000 XML public", "2000 XML public"),
        ("1=number:abc", "number:abc"),
        ("1=number:", "number:"),
        ("1=mailbox:10&02", "10&02"),
        ("1=mailbox:", "mailbox:"),
        ("1=queue:5", "queue:5"),
        ("1=" + "2" * LONGEST, str(LONGEST)),
    ],
)
def test_what_is_no_exit_is_refused_with_what_is_wrong(text, named):
    with pytest.raises(InvalidValueError, match=named):
        checked_field("exits", text)


@pytest.fixture(params=[Rig, NodeRig], ids=["line", "node"])
def rig(request, tmp_path):
    return request.param(tmp_path, now=play_book.NOON, call_context="outside")


def boxes(rig, **options):
    """1001 with these options, 1002 without any."""
    rig.add_mailbox(A, "Alice", options_of(options))
    rig.add_mailbox(B, "Bruno", options_of({}))


def ring(rig, does, number="1001", **variables):
    rig.ring(Call("c1", Caller("5145550100"), number, {"domain_name": "default", **LEAVE, **variables}), does)
    assert rig.problems == [], rig.transcript


def placed(rig, box=A):
    told = rig.real.events.tail(99, box=box)
    return [(one.what.value, one.details["number"], one.details["how"]) for one in told if "number" in one.details]


def test_without_exits_only_the_keys_of_before_do_anything(rig):
    boxes(rig, operator="2000")
    ring(rig, "w:vm-theperson d:123456789 " + RECORD + "d:1 end:20")
    assert (rig.status, len(rig.messages(A, Folder.NEW))) == ("SUCCESS", 1)


def test_a_call_that_names_its_operator_has_him_behind_0(rig):
    boxes(rig, exits="0=mailbox:1002")
    ring(rig, "w:vm-theperson d:0 end:20", vm_operator="2000")
    assert (rig.sent_to, rig.variables["vm_cause"]) == ("2000", "operator")


def test_0_is_the_mailboxs_exit_before_its_operator(rig):
    boxes(rig, exits="0=2000", operator="o")
    ring(rig, "w:vm-theperson d:0 end:20")
    assert (rig.sent_to, rig.variables["vm_cause"]) == ("2000", "exit")
    assert rig.variables["vm_dialed_by"] == "1001@default"
    assert placed(rig) == [("call-placed", "2000", "exit")]


def test_an_outside_number_is_counted_and_one_too_many_is_refused(rig):
    boxes(rig, exits="4=number:5145550102", call_patterns="514XXXXXXX", calls_per_day="1")
    ring(rig, "w:vm-theperson d:4 end:20")
    assert rig.sent_to == "5145550102"
    ring(rig, "w:vm-theperson d:4 w:please-try-call-later w:beep hang")
    assert rig.sent_to == ""
    assert [what for what, *_ in placed(rig)] == ["call-placed", "call-refused"]


def test_a_mailbox_that_is_not_there_is_said_not_to_be_reached_and_the_message_can_be_left(rig):
    boxes(rig, exits="2=mailbox:7777")
    ring(rig, "w:vm-theperson d:2 w:feature-not-avail-line " + RECORD + "d:1 end:20")
    assert len(rig.messages(A, Folder.NEW)) == 1
    assert rig.heard.count("vm-theperson") == 1


def test_a_destination_that_is_not_there_lets_the_greeting_be_heard(rig):
    boxes(rig, exits="unavailable=mailbox:7777; busy=number:9005550102")
    for reason in ("unavailable", "busy"):
        ring(rig, RECORD + "d:1 end:20", vm_reason=reason)
    assert "feature-not-avail-line" not in rig.heard
    assert len(rig.messages(A, Folder.NEW)) == 2


def test_a_list_and_a_mailbox_of_another_domain_are_led_to(rig):
    boxes(rig, exits="5=mailbox:900; 6=mailbox:1003@other.example")
    rig.add_mailbox(C, "Carla", options_of({}))
    rig.add_list(MailboxId("900"), (A, B))
    ring(rig, "w:vm-theperson d:5 w:vm-theperson " + RECORD + "d:1 end:20")
    ring(rig, "w:vm-theperson d:6 w:vm-theperson " + RECORD + "d:1 end:20")
    assert [len(rig.messages(box, Folder.NEW)) for box in (A, B, C)] == [1, 1, 1]


def test_star_in_the_second_greeting_is_the_second_owner(rig):
    boxes(rig, exits="2=mailbox:1002")
    rig.set_pin(B, "7319")
    ring(rig, "w:vm-theperson d:2 w:vm-theperson d:* w:vm-password d:7319# w:vm-opts d:# end:20")
    assert rig.status == "SUCCESS"


def test_a_caller_who_goes_in_a_circle_comes_to_an_end(rig):
    boxes(rig, exits="2=mailbox:1002")
    rig.real.registry.change(B, {"exits": "1=mailbox:1001"})
    ring(
        rig,
        "w:vm-theperson d:2 w:vm-theperson d:1 " * 2
        + "w:vm-theperson d:2 w:vm-theperson d:1 w:feature-not-avail-line hang",
    )
    assert rig.heard.count("vm-theperson") == 6


def test_a_call_that_comes_back_from_an_extension_is_not_led_on_again(rig):
    boxes(rig, exits="unavailable=2000")
    ring(rig, "end:20")
    assert (rig.sent_to, rig.variables["vm_exited"]) == ("2000", "1001@default")
    ring(rig, RECORD + "d:1 end:20", vm_exited=rig.variables["vm_exited"])
    assert len(rig.messages(A, Folder.NEW)) == 1


def test_a_call_for_several_mailboxes_is_not_led_on(rig):
    boxes(rig, exits="unavailable=2000; 3=2000")
    ring(rig, RECORD + "d:1 end:20", vm_mailbox="1001&1002")
    assert [len(rig.messages(box, Folder.NEW)) for box in (A, B)] == [1, 1]


def test_the_announcement_of_a_full_mailbox_and_one_that_takes_none_have_exits(rig):
    boxes(rig, exits="3=2000", maxmsg="0")
    ring(rig, "w:vm-theperson d:3 end:20")
    assert rig.sent_to == "2000"


def test_who_hangs_up_while_being_connected_is_gone_without_a_message(rig):
    boxes(rig, exits="3=2000")
    ring(rig, "w:vm-theperson d:3 w:transfer hang")
    assert rig.messages(A, Folder.NEW) == []
    assert rig.variables["vm_status"] == "USEREXIT"


def test_an_outside_number_with_redis_away_can_not_be_counted_and_is_not_dialled(rig):
    boxes(rig, exits="4=number:5145550102", call_patterns=".")
    call = Call("c1", Caller("5145550100"), "1001", {"domain_name": "default", **LEAVE})
    down = lambda _: setattr(rig.away, "down", True)  # noqa: E731
    rig.ring(call, "w:vm-theperson sh:away d:4 w:please-try-call-later " + RECORD + "d:1 end:20", shell=down)
    assert rig.problems == [], rig.transcript
    assert (rig.sent_to, rig.heard[-1]) == ("", "vm-msgsaved")


def test_an_extension_and_another_mailbox_are_reached_with_redis_away(rig):
    boxes(rig, exits="3=2000; 2=mailbox:1002")
    call = Call("c1", Caller("5145550100"), "1001", {"domain_name": "default", **LEAVE})
    down = lambda _: setattr(rig.away, "down", True)  # noqa: E731
    rig.ring(call, "w:vm-theperson sh:away d:3 end:20", shell=down)
    assert rig.sent_to == "2000"
    rig.away.down = False
    rig.ring(call, "w:vm-theperson sh:away d:2 w:vm-theperson " + RECORD + "d:1 end:20", shell=down)
    rig.away.down = False
    rig.sweep()
    assert [len(rig.messages(box, Folder.NEW)) for box in (A, B)] == [0, 1]


def test_pressing_1_wins_over_an_exit_of_that_key_and_other_exits_stay(rig):
    boxes(rig, exits="1=2000; 3=2000", press_to_leave="yes")
    ring(rig, "w:vm-theperson d:1 " + RECORD + "d:1 end:20")
    assert len(rig.messages(A, Folder.NEW)) == 1
    ring(rig, "w:vm-leave-key d:3 end:20")
    assert rig.sent_to == "2000"
