"""How calls arrive: each recipe of docs/arrivals.md, loaded from the page into a real FreeSWITCH, and rung."""

import ast
import threading
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl

import numpy as np
import pytest
from calls.book import Box
from live import recipes
from live.called_phone import CalledPhone
from live.freeswitch import find_freeswitch
from live.live_node import LiveNode
from live.live_rig import LiveRig, furnish
from live.scenes import Scene
from live.telephone_sound import RATE
from support.redis_servers import wait_until

from esl_vm.model.events import EventType
from esl_vm.model.mailbox import Folder, MailboxId
from esl_vm.model.message import CallDetails
from esl_vm.sim.line import Happening

live = pytest.mark.live
ALICE, GROUP = MailboxId("1001"), MailboxId("1500")
LEAVES = "w:beep talk s:3 d:# quiet w:vm-review d:1 end:20"
CALLER = "0612345678"
ALICES = (Box(),)


def arrives(dials, script=LEAVES, *, context="default", boxes=ALICES, telephone=None, mobile=None, sip=None):
    """A call; telephone, mobile: what they answer, and then do (None: it rings until the caller gives up)."""

    def act(node, folder):
        rig = LiveRig(node, folder)
        furnish(rig, *boxes)
        desk = CalledPhone(node.loop, *telephone) if telephone else None
        pocket = CalledPhone(node.loop, *mobile) if mobile else None
        more = {"Mobile": pocket.dial_string} if pocket else {}
        rig.dials(dials, script, CALLER, telephone=desk, context=context, sip=sip, **more)
        rig.mobile_rung = pocket.rung if pocket else 0
        for phone in filter(None, (desk, pocket)):
            phone.close()
        return rig

    return act


def once(name, *args, **more):
    return pytest.mark.parametrize("scene", [Scene(name, arrives(*args, **more), 40.0)], ids=[name])


def is_left(rig, box=ALICE, diverted_from=""):
    """The message is in that mailbox, once, as the caller's, and names the call as CHANNEL_HANGUP_COMPLETE does."""
    assert rig.problems == [], rig.transcript
    [message] = rig.messages(box, Folder.NEW)
    assert message.caller.number == CALLER
    ids = (rig.line.variable("sip_call_id"), rig.line.variable("uuid"))
    assert ids == (rig.line.phone.call_id, rig.line.uuid)
    assert message.call == CallDetails(*ids, rig.line.dialled, diverted_from)
    [event] = [one for one in rig.happened(box) if one.what is EventType.DELIVERED]
    assert CallDetails.of(event.details) == message.call
    assert rig.left_by(ids[0]) == rig.left_by(ids[1]) == [message.id]
    return message


def test_the_page_names_the_tests_of_this_file_and_no_others():
    tree = ast.parse(Path(__file__).read_text())
    here = {one.name for one in tree.body if isinstance(one, ast.FunctionDef) and one.name.startswith("test_")}
    assert recipes.tests_named() == here - {"test_the_page_names_the_tests_of_this_file_and_no_others"}
    assert len(recipes.recipes()) == 19


@live
@once("ring_group", "1500", boxes=(Box(), Box("1500", "Ventes")))
def test_a_group_that_nobody_answers_has_a_mailbox_of_its_own(played):
    is_left(played, GROUP)
    assert "vm-isunavail" in played.heard
    assert played.messages(ALICE, Folder.NEW) == []


@live
@once("follow_me", "1501", mobile=("200 OK", "keys 2"))
def test_a_mobile_whose_own_voicemail_answers_does_not_get_the_message(played):
    assert played.mobile_rung == 1
    is_left(played)


@live
@once("refer", "1002", telephone=("200 OK", "refer *1001"))
def test_a_receptionist_transfers_a_caller_to_a_voicemail(played):
    is_left(played)


@live
@once("reception_key", "1502", telephone=("200 OK", "keys *8"))
def test_a_receptionist_sends_a_caller_to_a_voicemail_with_a_key(played):
    is_left(played)


@live
@once("reception_attended", "1508", "talk s:25 hang", telephone=("200 OK", "keys *7 1001 bye"))
def test_a_receptionist_announces_a_caller_to_a_voicemail(played):
    wait_until(lambda: played.messages(ALICE, Folder.NEW))  # the loopback leg ends after the caller's
    [message] = played.messages(ALICE, Folder.NEW)
    assert message.caller.number == CALLER
    assert message.duration_ms > 3000


def picks_up(node, folder):
    rig = LiveRig(node, folder)
    furnish(rig, Box())

    def shell(_line, _words):
        who = f"{{origination_caller_id_number=1002,domain_name={rig.domain}}}"
        node.switch.api(f"originate {who}loopback/*551001/default &playback(tone_stream://%(1000,0,350);loops=-1)")

    rig.dials("1001", "w:beep talk s:3 sh:picks s:4 hang", CALLER, context="default", shell=shell)
    return rig


@live
@pytest.mark.parametrize("scene", [Scene("picks_up", picks_up, 40.0)], ids=["picks_up"])
def test_who_comes_too_late_takes_the_caller_out_of_the_voicemail(played):
    message = is_left(played)
    assert 2500 < message.duration_ms < 4500
    talk = played.line.recording()[-RATE:]
    assert abs(talk.astype(int)).mean() > 1000, "the other one is not heard"


QUEUES = {"fifo": "1503", "callcenter": "1504", "valet": "1505"}


@live
@pytest.mark.parametrize(
    "scene", [Scene(f"queue_{one}", arrives(number)) for one, number in QUEUES.items()], ids=QUEUES
)
def test_a_queue_that_takes_too_long_leads_to_a_voicemail(played):
    is_left(played)
    assert "vm-isunavail" in played.heard


@live
@once("did", "15145550123", context="public")
def test_a_number_of_ones_own_rings_and_has_its_voicemail(played):
    is_left(played)
    assert "vm-isunavail" in played.heard


FORWARDED = {
    "diversion": ({"Diversion": "<sip:1001@pbx.example>;reason=no-answer;counter=1"}, "vm-isunavail"),
    "diversion_busy": (
        {"Diversion": '"Alice" <sip:1001@pbx.example>;reason="user-busy", <sip:1900@pbx.example>;reason=unconditional'},
        "vm-isonphone",
    ),
    "diversion_in_small_letters": ({"diversion": "<sip:1001@pbx.example>;reason=no-answer"}, "vm-isunavail"),
    "history_info": (
        {
            "History-Info": "<sip:1001@pbx.example?Reason=SIP%3Bcause%3D408>;index=1, "
            "<sip:5145550199@us.example>;index=1.1"
        },
        "vm-isunavail",
    ),
    "history_info_busy": ({"History-Info": "<sip:1001@pbx.example?Reason=SIP%3Bcause%3D486>;index=1"}, "vm-isonphone"),
}


@live
@pytest.mark.parametrize(
    ("scene", "greeting"),
    [
        (Scene(f"forwarded_{name}", arrives("5145550199", context="public", sip=headers)), greeting)
        for name, (headers, greeting) in FORWARDED.items()
    ],
    ids=FORWARDED,
)
def test_a_call_that_another_system_forwarded_reaches_the_mailbox_it_was_for(played, greeting):
    is_left(played, diverted_from="1001")
    assert greeting in played.heard


@live
@once("lua", "1507")
def test_a_lua_script_hands_a_call_over(played):
    is_left(played)
    assert played.status == "SUCCESS"


@live
@once("loopback", "1506", "s:5 talk s:4 d:# quiet s:3 d:1 s:3 hang")
def test_a_loopback_leg_takes_the_variables_given_with_it(played):
    [message] = played.messages(ALICE, Folder.NEW)
    assert message.urgent
    assert message.caller.number == CALLER
    # A channel without SIP, which 1506 sent on.
    assert message.call == CallDetails("", message.call.call_uuid, "*1001", "1506")
    assert message.call.call_uuid not in {"", played.line.uuid}


@contextmanager
def web_server():
    """The one of the page: gives its address."""
    files = recipes.recipes()

    class Asked(BaseHTTPRequestHandler):
        def do_POST(self):
            form = dict(parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
            match form:
                case {"section": "dialplan", "Hunt-Context": "default", "Hunt-Destination-Number": "1509"}:
                    answer = files["answers/dialplan.xml"]
                case {"section": "directory", "user": "1509", "domain": domain}:
                    answer = files["answers/directory.xml"].replace("pbx.example", domain)
                case _:
                    answer = files["answers/not_found.xml"]
            body = answer.encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Asked)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


def by_the_web(_, folder):
    """On a node of its own, begun when the other scenes are nearly over: their telephones would wait for it."""
    if "xml_curl" not in find_freeswitch().names:
        pytest.skip("mod_xml_curl is not installed")
    with web_server() as web, closing(LiveNode(folder / "node", web)) as node:
        rig = arrives("1509")(node, folder)
        rig.left = rig.messages(ALICE, Folder.NEW)
    return rig


@live
@pytest.mark.parametrize("scene", [Scene("by_the_web", by_the_web, 0.0)], ids=["by_the_web"])
def test_a_dialplan_and_a_user_from_a_web_server_lead_to_a_voicemail(played):
    assert played.problems == [], played.transcript
    assert [message.caller.number for message in played.left] == [CALLER]
    assert "vm-isunavail" in played.heard


def tone(hertz, seconds):
    return np.rint(8000 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE)).astype(np.int16)


def fax_machine(node, folder):
    rig = LiveRig(node, folder)
    furnish(rig, Box())
    calling = np.concatenate((tone(1100, 0.5), np.zeros(3 * RATE, dtype=np.int16)))
    rig.dials("5145550177", "w:vm-theperson talk s:6 hang", CALLER, context="public", voice=calling)
    return rig


@live
@pytest.mark.parametrize("scene", [Scene("fax", fax_machine, 40.0)], ids=["fax"])
def test_a_fax_machine_is_sent_to_where_faxes_are_received(played):
    assert played.problems == [], played.transcript
    assert played.line.ran[-1][1] == "rxfax"
    calling = next(mark.at for mark in played.line.timeline if getattr(mark, "what", None) is Happening.TALK)
    assert played.line.ran[-1][0] - calling < 3
    assert played.messages(ALICE, Folder.NEW) == []
