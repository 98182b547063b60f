"""How a call that somebody else has taken is let go: the conversation ends at once, the socket when its end harms nothing."""

import pytest
from esl_peer import UUID, Switch, event, headers

from esl_vm.esl.phone import EslPhone
from esl_vm.esl.session import CallSession
from esl_vm.model.errors import CallerGoneError
from esl_vm.speech.packs import NominalPack
from esl_vm.speech.utterance import Prompt

HELD_BY_US = "127.0.0.1:8084 async full"
ROUTING, EXECUTING = "2", "4"


def line_on(switch: Switch) -> CallSession:
    line = CallSession(("127.0.0.1", 40000), switch, clock=switch.clock)
    line.connect()
    line.flush()
    return line


def a_switch() -> Switch:
    switch = Switch(Channel__State__Number=EXECUTING, variable_current_application_data=HELD_BY_US)
    switch.answers = {"uuid_dump": "-ERR No such channel!\n", **switch.answers}
    return switch


def ends(application: str, state: str, **more: str) -> bytes:
    told = {"Channel__State__Number": state, "Application": application, "Application__UUID": "of-the-dialplan"}
    return event("CHANNEL_EXECUTE_COMPLETE", **(told | more))


def is_now(switch: Switch, **more: str) -> None:
    about = {
        "Event-Name": "CHANNEL_DATA",
        "Channel-State-Number": EXECUTING,
        "variable_current_application": "playback",
        **{f"variable_{name}": value for name, value in (switch.variables | more).items() if value},
    }
    switch.answers["uuid_dump"] = headers(about).decode()


def taken(switch: Switch) -> CallSession:
    line = line_on(switch)
    switch.at(1.0, switch.write, ends("socket", ROUTING, Application__Data=HELD_BY_US))
    with pytest.raises(CallerGoneError, match="taken"):
        line.wait_key(5, "1")
    assert switch.time == pytest.approx(1.0)
    return line


def test_the_end_of_our_socket_ends_the_conversation():
    line = taken(a_switch())
    with pytest.raises(CallerGoneError):
        line.begin("playback", "/p/x.wav")


def test_nothing_is_begun_after_a_sound_that_ended_because_the_call_was_moved():
    switch = a_switch()
    line = line_on(switch)
    switch.results = lambda _running: {"Channel__State__Number": ROUTING}
    phone = EslPhone(line, line.ask(["nothing"])[0], NominalPack())
    with pytest.raises(CallerGoneError, match="taken"):
        phone.play((Prompt("vm-intro", "fr"),), "")
    ran = list(switch.executed)
    for more in (phone.answer, lambda: phone.transfer("2000"), lambda: phone.set_variables({"vm_status": "SUCCESS"})):
        with pytest.raises(CallerGoneError):
            more()
    line.hand_back()
    assert switch.executed == ran
    assert not any("uuid_break" in command for command in switch.commands)


def test_another_socket_that_ended_within_ours_is_not_ours():
    """One that was run beside us (`execute_on_answer`): the call is ours still."""
    switch = a_switch()
    line = line_on(switch)
    switch.at(1.0, switch.write, ends("socket", EXECUTING, Application__Data="10.0.0.9:9000 async full"))
    assert line.wait_key(5, "1") is None


def test_the_socket_of_a_call_that_rings_or_plays_elsewhere_is_closed_at_once():
    switch = a_switch()
    line = taken(switch)
    is_now(switch, socket_resume="true")
    line.hand_back()
    assert switch.commands[-1] == "exit"
    assert switch.time < 2
    assert f"api sched_api +2 none uuid_setvar {UUID} socket_resume true" in switch.commands
    assert switch.variables["socket_resume"] == "false", "else the end of our socket would pull the call back"


def test_keys_of_a_conversation_elsewhere_are_not_listened_to():
    switch = a_switch()
    line = taken(switch)
    is_now(switch)
    line.hand_back()
    assert "nixevent DTMF" in switch.commands


@pytest.mark.parametrize(
    "held",
    [{"socket_host": "10.0.0.9"}, {"current_application": "park"}],
    ids=["another socket", "park"],
)
def test_what_would_end_with_our_socket_is_waited_for(held):
    switch = a_switch()
    line = taken(switch)
    is_now(switch, **held)

    def over() -> None:
        assert "exit" not in switch.commands
        switch.answers["uuid_dump"] = "-ERR No such channel!\n"

    switch.at(60.0, over)
    line.hand_back()
    assert switch.commands[-1] == "exit"
    assert 60 < switch.time < 70


def test_a_call_that_ends_meanwhile_is_closed():
    switch = a_switch()
    line = taken(switch)
    switch.hang_up()
    line.hand_back()
    assert switch.commands[-1] == "exit"


def test_a_connection_that_breaks_meanwhile_is_closed():
    switch = a_switch()
    line = taken(switch)
    is_now(switch, socket_host="10.0.0.9")
    switch.at(3.0, switch.cut)
    line.hand_back()
    assert not line.connected
