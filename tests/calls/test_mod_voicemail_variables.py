"""A dialplan made for mod_voicemail: its channel variables are read as ours of the same meaning."""

import pytest
from calls import play_book
from calls.book import LEAVE, Box, PhoneCall
from support.rig import NodeRig

from esl_vm.esl.channel_data import MOD_VOICEMAIL, call_of
from esl_vm.esl.wire import Frame
from esl_vm.model.mailbox import Folder, MailboxId


def told(**variables):
    lines = "".join(f"variable_{name}: {value}\n" for name, value in variables.items())
    return call_of(Frame("command/reply", f"Content-Type: command/reply\nUnique-ID: 17\n{lines}".encode()))


@pytest.mark.parametrize(("theirs", "ours"), MOD_VOICEMAIL.items())
def test_theirs_counts_where_ours_is_not_set(theirs, ours):
    assert told(**{theirs: "1"}).variable(ours) == "1"
    assert told(**{theirs: "1", ours: "2"}).variable(ours) == "2"
    assert told().variable(ours) == ""


def test_an_operator_s_dialplan_and_context_are_left_out():
    assert told(vm_operator_extension="2000 XML default").variable("vm_operator") == "2000"


@pytest.mark.parametrize("language", ["fr", "en"])
def test_a_message_without_greeting_or_request_then_the_operator(tmp_path, language):
    rig = NodeRig(tmp_path, now=play_book.NOON)
    theirs = {"skip_greeting": "true", "skip_instructions": "true", "vm_operator_extension": "2000 XML default"}
    box = Box(language=language, greetings=("unavailable",), options={"review": "yes"})
    does = "w:beep talk s:3 d:# w:vm-review d:0 w:vm-saveoper d:1 end:20"
    call = PhoneCall("", "", "1001", does, "", boxes=(box,), variables=LEAVE | theirs, language=language)
    play_book.furnish(call, rig, tmp_path / "before")
    rig.ring(play_book.call_of(call), does)
    assert rig.problems == [], rig.transcript
    assert rig.heard[0] == "beep"
    assert rig.sent_to == "2000"
    assert len(rig.messages(MailboxId("1001"), Folder.NEW)) == 1


@pytest.mark.parametrize("number", ["1", "2"])
def test_a_greeting_by_its_number(tmp_path, number):
    rig = NodeRig(tmp_path, now=play_book.NOON)
    call = PhoneCall(
        "", "", "1001", "s:1 hang", "", boxes=(Box(greetings=("unavailable-2",)),),
        variables=LEAVE | {"voicemail_greeting_number": number},
    )  # fmt: skip
    play_book.furnish(call, rig, tmp_path / "before")
    rig.ring(play_book.call_of(call), call.does)
    assert (rig.heard[0] == "vm-theperson") is (number == "1"), rig.transcript
