"""A dialplan that says `socket` without `async` or `full`: the call goes back at once, and why is told."""

import logging
from pathlib import Path

import pytest
from esl_peer import Switch
from support.pipe import TimeKeeper, call_over_pipe
from support.virtual_clock import VirtualClock
from support.whole_node import WholeNode

from esl_vm.esl.session import CallSession
from esl_vm.esl.socket_mode import problem
from esl_vm.model.findings import Level
from esl_vm.model.settings import Settings
from esl_vm.ops.check_dialplan import check_dialplan
from esl_vm.sim.node import Incoming

PLAN = """<include>
<context name="default"><extension name="own"><condition field="destination_number" expression="^.97$">
<action application="socket" data="127.0.0.1:8084|10.0.0.2:8084 async FULL"/></condition></extension>
<extension name="leave"><condition><action application="socket" data="127.0.0.1:8084 async"/></condition></extension>
<extension name="ivr"><condition><anti-action application="socket" data="127.0.0.1:9000 full"/></condition></extension>
<extension name="old"><condition><anti-action application="socket" data="127.0.0.1:8084"/></condition></extension>
</context></include>"""
SHIPPED = Path(__file__).parents[2] / "dialplan/41_voicemail_numbers.xml"
APOLOGY = [("playback", "tone_stream://%(500,0,480)")]


@pytest.mark.parametrize("resume", ["", "true"])
@pytest.mark.parametrize("words", ["async", "full", ""])
def test_a_call_that_can_only_be_given_back_goes_on_in_its_dialplan(words, resume):
    clock = VirtualClock()
    node = WholeNode(clock, after_socket=APOLOGY, words=words)
    incoming = Incoming("1001", variables={"vm_status": "NONE", **({"socket_resume": resume} if resume else {})})
    call, socket = call_over_pipe(node, TimeKeeper(clock), incoming)
    session = CallSession(socket.getpeername(), socket, clock=clock.now)
    session.connect()
    assert session.missing == tuple(word for word in ("async", "full") if word not in words)
    began = clock.now()
    session.hand_back()
    while not call.line.ended and clock.advance():
        pass
    assert call.line.heard == ["<tone>"]
    assert call.line.sounds[0].at - began < 0.5, "no silence"
    told = call.channel.variables
    assert (told["vm_status"], told["vm_cause"], told["vm_handed_back"]) == ("FAILED", "socket", "false")


def test_what_is_missing_is_said_in_words():
    assert problem(("full",)) == "the dialplan's `socket` lacks 'full'; write: socket HOST:PORT async full"


def test_a_caller_who_hangs_up_meanwhile_is_let_go():
    switch = Switch(Control="single-channel")
    line = CallSession(("127.0.0.1", 40000), switch, clock=switch.clock)
    line.connect()
    switch.cut()
    line.hand_back()
    assert not line.connected


def test_a_right_one_is_held(caplog):
    caplog.set_level(logging.WARNING)
    clock = VirtualClock()
    _, socket = call_over_pipe(WholeNode(clock), TimeKeeper(clock), Incoming("1001"))
    session = CallSession(socket.getpeername(), socket, clock=clock.now)
    session.connect()
    assert session.missing == ()


class Asked:
    """A FreeSWITCH that is asked for its dialplan."""

    def __init__(self, **contexts):
        self._contexts = contexts

    def api(self, line):
        return self._contexts.get(line.rpartition(" ")[2], "can't find anything\n")


def test_doctor_names_each_socket_that_lacks_a_word():
    found = list(check_dialplan(Settings(), Asked(default=PLAN)))
    assert [(one.level, one.said) for one in found] == [
        (Level.ERROR, "context default, extension leave: socket without full"),
        (Level.ERROR, "context default, extension old: socket without async and without full"),
        (Level.OK, "3 times `socket` to port 8084"),
    ]
    assert found[0].remedy == "write: socket 127.0.0.1:8084 async full"


@pytest.mark.parametrize("plan", ["", "-ERR no reply", "<broken", "<context name='default'/>"])
def test_doctor_says_that_nothing_hands_calls_over(plan):
    (found,) = check_dialplan(Settings(), Asked(default=plan))
    assert found.level is Level.WARNING


def test_doctor_names_each_extension_that_trusts_the_from_header():
    socket = '<action application="socket" data="127.0.0.1:8084 async full"/>'
    own = '<action application="set" data="vm_mailbox=${caller_id_number}"/>'
    plan = f"""<context name="default">
    <extension name="old"><condition>{own}{socket}</condition></extension>
    <extension name="open"><condition>{own}<action application="set" data="vm_skip_pin=true"/>{socket}</condition></extension>
    {SHIPPED.read_text().partition("<include>")[2].partition("</include>")[0]}</context>"""
    old, lets_in, _ = check_dialplan(Settings(), Asked(default=plan))
    assert (old.level, lets_in.level) == (Level.WARNING, Level.ERROR)
    assert "extension old: the mailbox is the caller's number" in old.said
    assert lets_in.said.endswith("and no PIN is asked")
    assert "sip_auth_username" in old.remedy
