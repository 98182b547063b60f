"""Calls that somebody else takes in the middle: let go at once, what was said until then is kept."""

import pytest
from calls import play_book
from calls.book import IN, LEAVE, OWN, RECORD, TWO, Box, PhoneCall
from support.rig import HANG_UP, NodeRig

from esl_vm.model.mailbox import Folder, MailboxId

ALICE = MailboxId("1001")
TONE = ("playback", "tone_stream://%(3000,0,440)")
ELSEWHERE = {"elsewhere": [TONE, *HANG_UP], "parked": [("park", "")]}

LEAVING = {
    "greeting": "w:vm-theperson",
    "tone": "w:beep",
    "review": RECORD,
    "listening in the review": RECORD + "d:2 s:1.5 ",
    "waiting for a key": RECORD + "q:1 ",
}
OWNER = {
    "asked for the PIN": "w:vm-password q:1",
    "main menu": IN + "w:vm-opts",
    "message playing": IN + "w:vm-opts d:1 w:<* s:1",
    "recording a greeting": IN + "w:vm-opts d:0 w:vm-options d:1 w:beep talk s:3 d:# quiet w:vm-review",
}
STATES = {name: ("1001", does) for name, does in LEAVING.items()} | {name: (OWN, does) for name, does in OWNER.items()}


@pytest.fixture
def rig(tmp_path):
    rig = NodeRig(tmp_path, now=play_book.NOON)
    rig.dialplan = ELSEWHERE
    return rig


def ring(rig, state, then, **variables):
    number, does = STATES[state]
    boxes = (Box(messages=TWO if number == OWN else ()),)
    given = {**(LEAVE if number != OWN else {}), "socket_resume": "true", **variables}
    call = PhoneCall(state, "", number, f"{does} sh:taken {then}", "", variables=given, boxes=boxes)
    play_book.furnish(call, rig, rig.folder / "before")

    def taken(_words):
        rig.heard_before = list(rig.heard)
        rig.up.transfer("parked" if then.startswith("s:") else "elsewhere", "")

    rig.ring(play_book.call_of(call), call.does, taken)


@pytest.mark.parametrize("state", STATES)
def test_nothing_more_is_done_with_a_call_that_is_somewhere_else(rig, state):
    ring(rig, state, "end:10")
    assert rig.problems == []
    assert rig.heard == [*rig.heard_before, "<tone>"]
    assert not rig.line.sounds[-1].cut
    assert rig.line.sounds[-1].length == pytest.approx(3)


@pytest.mark.parametrize("state", [name for name in LEAVING if "review" in name or "key" in name])
def test_what_was_recorded_until_then_is_a_message(rig, state):
    ring(rig, state, "end:10")
    (message,) = rig.messages(ALICE, Folder.NEW)
    assert message.duration_ms > 1500


def test_a_greeting_that_was_not_accepted_is_not_in_force(rig):
    ring(rig, "recording a greeting", "end:10")
    assert rig.mailbox(ALICE).greetings == {}


@pytest.mark.parametrize("state", ["greeting", "waiting for a key", "main menu"])
def test_a_call_that_was_parked_stays_parked_until_its_caller_hangs_up(rig, state):
    ring(rig, state, "s:40 hang")
    assert rig.problems == []
    assert rig.heard == rig.heard_before


@pytest.mark.parametrize("state", ["greeting", "review", "main menu"])
def test_freeswitchs_own_variables_are_what_they_were(rig, state):
    ring(rig, state, "end:10", playback_terminators="#")
    now = rig.up.channel.variables
    assert now["playback_terminators"] == "#"
    assert now["socket_resume"] == "true"
    assert "playback_delimiter" not in now
    assert "playback_sleep_val" not in now
    assert "enable_file_write_buffering" not in now
    assert "record_fill_cng" not in now


def test_the_calls_story_says_that_it_was_taken(rig):
    ring(rig, "review", "end:10")
    assert rig.talk.status == "SUCCESS"
    assert rig.session.gone == "taken"
