"""How a call goes back to the dialplan: never so that it stays parked."""

import pytest
from esl_peer import UUID, Switch, event, reply

from esl_vm.esl.session import CallSession
from esl_vm.model.errors import CallerGoneError, WireError


def session(switch: Switch) -> CallSession:
    return CallSession(("127.0.0.1", 40000), switch, clock=switch.clock)


def test_a_call_whose_conversation_is_over_is_handed_back_and_closed():
    switch = Switch()
    line = session(switch)
    line.connect()
    line.begin("playback", "/p/x.wav")
    line.finish()
    line.hand_back()
    assert switch.commands[-1] == "exit"
    assert switch.hung_up_on
    assert [name for name, _ in switch.executed] == ["playback"]


def test_a_call_nothing_was_run_for_runs_the_shortest_first():
    """Given up before FreeSWITCH has parked it, it would stay parked for ever."""
    switch = Switch()
    line = session(switch)
    line.connect()
    line.hand_back()
    assert switch.executed == [("sleep", "1")]
    assert switch.commands[-1] == "exit"


def test_a_sound_that_still_plays_is_stopped():
    switch = Switch(lasts={"x.wav": 60})
    line = session(switch)
    line.connect()
    line.begin("answer")
    line.begin("playback", "/p/x.wav")
    line.read_until(lambda: len(switch.executed) == 2, 1)
    line.hand_back()
    assert switch.commands[-3] == f"api uuid_break {UUID} all"
    assert switch.commands[-1] == "exit"
    assert switch.time < 0.2


def test_the_dialplan_gets_its_own_way_of_playing_back():
    switch = Switch()
    line = session(switch)
    line.connect()
    line.flush()
    assert (switch.variables["playback_delimiter"], switch.variables["playback_sleep_val"]) == ("!", "0")
    line.hand_back()
    assert (switch.variables["playback_delimiter"], switch.variables["playback_sleep_val"]) == ("", "")


def test_a_caller_who_is_gone_is_let_go():
    switch = Switch()
    line = session(switch)
    line.connect()
    switch.hang_up()
    with pytest.raises(CallerGoneError):
        line.wait_key(5, "1")
    line.hand_back()
    assert switch.commands[-1] == "exit"
    assert switch.executed == []


def test_a_connection_that_broke_is_closed_without_a_word():
    switch = Switch()
    line = session(switch)
    line.connect()
    switch.cut()
    with pytest.raises(CallerGoneError):
        line.wait_key(5, "1")
    before = len(switch.commands)
    line.hand_back()
    line.hand_back()
    assert len(switch.commands) == before


def test_a_freeswitch_that_says_nothing_holds_nobody_up_for_long():
    switch = Switch()
    line = session(switch)
    line.connect()
    switch.falls_silent()
    line.hand_back(timeout=2.0)
    assert switch.time < 3


def test_a_caller_who_was_gone_before_connect():
    switch = Switch()
    switch.silent = True
    switch.at(
        0.1,
        switch.write,
        b"Content-Type: text/disconnect-notice\nContent-Disposition: disconnect\nContent-Length: 0\n\n",
    )
    line = session(switch)
    with pytest.raises(CallerGoneError):
        line.connect()
    line.hand_back()


def test_no_answer_to_connect_in_time():
    switch = Switch()
    switch.silent = True
    line = session(switch)
    with pytest.raises(CallerGoneError, match="does not answer"):
        line.connect(timeout=5)
    assert switch.time == pytest.approx(5, abs=0.01)


def test_an_answer_that_drips_in_gains_no_time():
    switch = Switch()
    switch.silent = True
    for n in range(100):
        switch.at(n * 0.9, switch.write, b"X: y\n")
    line = session(switch)
    with pytest.raises(CallerGoneError, match="does not answer"):
        line.connect(timeout=5)
    assert switch.time == pytest.approx(5, abs=1)


@pytest.mark.parametrize("answer", [reply(), b"Content-Type: command/reply\nUnique-ID: a b\nReply-Text: +OK\n\n"])
def test_an_answer_that_describes_no_call_is_refused(answer):
    switch = Switch()
    switch.silent = True
    switch.at(0.1, switch.write, answer)
    line = session(switch)
    with pytest.raises(WireError):
        line.connect()
    assert not line.connected


def test_greenswitchs_own_ways_still_work():
    """`send` answers with headers and data, as greenswitch's does."""
    switch = Switch()
    line = session(switch)
    line.connect()
    answer = line.send("nixevent DTMF")
    assert answer.headers["Reply-Text"] == answer.data == "+OK"
    assert line.uuid == UUID
    assert line.connected


def test_an_end_under_another_name_is_not_ours():
    """Completions are told apart by Application-UUID: another playback's end does not end ours."""
    switch = Switch(lasts={"x.wav": 5})
    line = session(switch)
    line.connect()
    switch.at(
        1.0, switch.write, event("CHANNEL_EXECUTE_COMPLETE", Application="playback", Application__UUID="somebody-1")
    )
    line.begin("playback", "/p/x.wav")
    line.finish()
    assert switch.time == pytest.approx(5.02, abs=0.01)


def test_the_end_of_an_application_not_waited_for_is_not_taken_for_the_next():
    switch = Switch(lasts={"a.wav": 1, "b.wav": 3})
    line = session(switch)
    line.connect()
    line.begin("playback", "/p/a.wav")
    line.begin("playback", "/p/b.wav")
    line.finish()
    assert switch.time == pytest.approx(4.0, abs=0.1)
