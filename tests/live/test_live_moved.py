"""A call that somebody else takes in the middle of the voicemail: it is let go at once, and what was said is kept."""

import uuid

import numpy as np
import pytest
from calls.book import BRUNO, Box, Msg
from live.live_rig import LiveRig, furnish
from live.scenes import Scene
from live.telephone_sound import RATE

from esl_vm.model.mailbox import Folder, MailboxId

pytestmark = [pytest.mark.live, pytest.mark.timeout(400)]

ALICE = MailboxId("1001")
OPENS = "w:vm-password d:4821# "
RECORDS = "w:beep talk s:3 d:# quiet w:vm-review "

#: Where in the voicemail the call is taken.
STATES = {
    "greeting": ("1001", "w:vm-theperson"),
    "review": ("1001", RECORDS + "s:0.5"),
    "listening in the review": ("1001", RECORDS + "d:2 s:1.5"),
    "waiting for a key": ("1001", RECORDS + "q:1"),
    "asked for the PIN": ("*97", "w:vm-password q:1"),
    "recording, ended by a break": ("1001", "w:beep talk s:3 sh:break s:0.2"),
    "main menu": ("*97", OPENS + "w:vm-opts s:0.3"),
    "message playing": ("*97", OPENS + "w:vm-opts d:1 w:<lies* s:0.5"),
}
#: How it is taken: api commands; {other} is another call.
TRANSFERS = {
    "transfer": ["uuid_transfer {uuid} 2001 XML {context}"],
    "transfer by the clock": ["sched_transfer +1 {uuid} 2001 XML {context}"],
    "transfer of both legs": ["uuid_transfer {uuid} -both 2001 XML {context}"],
}
COLLEAGUE = "originate {{origination_uuid={other}}}loopback/2002/{context}"
CONNECTIONS = {
    "bridge": [COLLEAGUE + " &park()", "uuid_bridge {uuid} {other}"],
    "bridge the other way": [COLLEAGUE + " &park()", "uuid_bridge {other} {uuid}"],
    "pick-up": [COLLEAGUE + " &intercept({uuid})"],
}
WAYS = {
    "break": ["uuid_break {uuid}"],
    **TRANSFERS,
    **CONNECTIONS,
    "park": ["uuid_park {uuid}"],
    "another socket": ["uuid_transfer {uuid} *1002 XML {context}"],
}


ONLY_RECORDING = {"recording": ("1001", "w:beep talk s:3")}


def taken(state, way, then="end:10", **more):
    """A call that is taken in that state, in that way."""
    dialled, until = (STATES | ONLY_RECORDING)[state]
    number = "1001" if dialled == "*97" else "0612345678"

    def act(node, folder):
        rig = LiveRig(node, folder)
        rig.other = str(uuid.uuid4())
        furnish(rig, Box(messages=(Msg("lies"),)) if dialled == "*97" else Box(), BRUNO)
        rig.dials(dialled, f"{until} sh:{way.replace(' ', '_')} {then}", number, shell=takes(rig), **more)
        return rig

    return act


def takes(rig):
    """What `sh:` does: another way each time."""

    def shell(line, way):
        rig.taken_at, rig.ran_before = rig.node.loop.now(), len(line.ran)
        for order in WAYS[way]:
            rig.node.switch.api(order.format(uuid=line.uuid, other=rig.other, context="live"))

    return shell


def scenes(ways, states=STATES, then="end:10"):
    named = {f"{way}, {state}": taken(state, way, then) for state in states for way in ways}
    acts = [Scene(name.replace(" ", "_").replace(",", ""), act, 30.0) for name, act in named.items()]
    return pytest.mark.parametrize("scene", acts, ids=list(named))


def run_after(played):
    """What was run on the call after it was taken."""
    return [name for _, name, _ in played.line.ran[played.ran_before :]]


@scenes(TRANSFERS)
def test_a_call_that_is_sent_elsewhere_is_theirs_at_once_and_what_was_recorded_is_kept(played):
    assert played.problems == [], played.transcript
    assert played.heard[-1] == "<tone>"
    assert not played.line.sounds[-1].cut
    assert run_after(played) == ["answer", "playback", "hangup"]
    if "auth-thankyou" in played.heard:
        (message,) = played.messages(ALICE, Folder.NEW)
        assert 2500 < message.duration_ms < 4000


@scenes(CONNECTIONS, ["greeting", "waiting for a key", "main menu", "message playing"], then="s:4 hang")
def test_a_call_that_is_connected_to_another_is_theirs_at_once(played):
    assert played.problems == [], played.transcript
    assert set(run_after(played)) <= {"uuid_bridge"}  # FreeSWITCH's own name for it
    talk = played.line.recording()[-2 * RATE :]
    assert np.abs(talk).mean() > 1000, "the other one is not heard"


@scenes(["park"], ["greeting", "waiting for a key", "main menu"], then="s:3 sh:transfer end:10")
def test_a_call_that_is_parked_waits_where_it_is(played):
    assert played.problems == [], played.transcript
    assert played.heard[-1] == "<tone>"
    assert not played.line.sounds[-1].cut
    assert run_after(played) == ["answer", "playback", "hangup"]


@scenes(
    ["another socket"],
    ["greeting", "review", "waiting for a key", "main menu", "message playing"],
    then=RECORDS + "d:1 end:20",
)
def test_a_call_that_is_sent_to_another_service_is_that_services(played):
    assert played.problems == [], played.transcript
    assert played.heard[-1] == "vm-msgsaved"
    assert len(played.messages(MailboxId("1002"), Folder.NEW)) == 1
    assert played.status == "SUCCESS"


@pytest.mark.parametrize("scene", [Scene("recording", taken("recording", "transfer"), 30.0)], ids=["recording"])
def test_whoever_is_moved_while_he_speaks_is_cut_off_but_heard(played):
    """FreeSWITCH's `record` hangs up itself on a call that is moved (mod_dptools.c)."""
    assert "DESTINATION_OUT_OF_ORDER" in played.line.why_ended or "OUT_OF_ORDER" in played.line.variable("hangup_cause")
    (message,) = played.messages(ALICE, Folder.NEW)
    assert 2500 < message.duration_ms < 4000
