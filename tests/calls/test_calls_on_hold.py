"""Callers who put the call on hold: what plays waits for them, and so does a question."""

import pytest
from calls import play_book
from calls.book import IN, LEAVE, OWN, Box, Msg, PhoneCall
from support.rig import NodeRig

AWAY_S = 30


@pytest.fixture
def rig(tmp_path):
    return NodeRig(tmp_path, now=play_book.NOON)


def ring(rig, does, number=OWN, **more):
    call = PhoneCall("hold", "", number, does, "", boxes=(Box(messages=(Msg(seconds=6.0),)),), **more)
    play_book.furnish(call, rig, rig.folder / "before")
    told = {"hold": "CHANNEL_HOLD", "back": "CHANNEL_UNHOLD"}  # what plays goes on meanwhile, as FreeSWITCH has it
    rig.ring(play_book.call_of(call), call.does, lambda word: rig.up.tell(told[word]))


@pytest.mark.parametrize(
    "before", ["s:2 ", "s:0 ", ""], ids=["in the middle", "at its beginning", "before it has begun"]
)
def test_a_message_goes_on_where_it_was(rig, before):
    ring(rig, IN + f"w:vm-opts d:1 w:<* {before}sh:hold s:{AWAY_S} sh:back w:vm-advopts d:# end:20")
    assert rig.problems == [], rig.transcript
    message = next(sound for sound in rig.line.sounds if sound.name.startswith("<"))
    after = rig.line.sounds[rig.line.sounds.index(message) + 1]
    assert message.played == pytest.approx(6.0, abs=0.3)
    assert after.at - message.at == pytest.approx(6.0 + AWAY_S, abs=0.5)


def test_a_question_waits(rig):
    ring(rig, f"w:vm-password q:1 sh:hold s:{AWAY_S} sh:back s:1 d:4821# w:vm-opts d:# end:20")
    assert rig.problems == [], rig.transcript
    assert rig.heard.count("vm-password") == 1


def test_nothing_is_said_to_one_who_is_away(rig):
    ring(rig, f"w:vm-password sh:hold d:4821# s:{AWAY_S} sh:back w:vm-opts d:# end:20")
    assert rig.problems == [], rig.transcript
    asked = [sound.name for sound in rig.line.sounds].index("vm-password")
    assert rig.line.sounds[asked + 1].at - rig.line.sounds[asked].at > AWAY_S


def test_whoever_hangs_up_on_hold_is_gone(rig):
    ring(rig, f"w:vm-theperson sh:hold s:{AWAY_S} hang", "1001", variables=LEAVE, caller="0612345678")
    assert rig.problems == []
    assert rig.session.gone.startswith("hung up")


def test_back_before_the_pause_was_answered(rig):
    ring(rig, IN + "w:vm-opts d:1 w:<* s:1 sh:hold sh:back w:vm-advopts d:# end:20")
    assert rig.problems == [], rig.transcript
