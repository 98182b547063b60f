"""The simulated node against conversations captured from a FreeSWITCH 1.11: the same commands, keys and hang-ups at
the same moments must bring the same frames in the same order, header by header as far as the captures show them.

Ids, times and measures of the real line's sound are not compared. CHANNEL_PARK is not either: whether it is told
depends on whether the subscription was quicker.
"""

import json
import re
from pathlib import Path

import pytest
from support.described_node import DescribedNode
from support.virtual_clock import VirtualClock

from esl_vm.sim.node import Incoming
from esl_vm.sim.prompts import Prompts

START = 1_795_380_817.26
DATA = Path(__file__).parent / "data"
LENGTHS = {"en": {"demo-congrats": 30.27675, "hello": 0.786}}
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
MEASURES = re.compile(r"variable_(playback_(last_offset_pos|seconds|ms|samples)|record_(\w+)|transfer_history)")
TOLD = re.compile(r"variable_(playback_(?!delimiter)|record_(?!record)|silence_hits|app_uuid|current_application)")
VARIABLES = {"lab_var": "hello world", "lab_odd": 'a b%20c: é ü "q" 100% x=y,z'}
DIALPLAN = {
    "xfer_target": (
        ("answer", ""),
        ("log", "NOTICE LAB xfer_target reached"),
        ("playback", "tone_stream://%(2000,0,600)"),
        ("hangup", ""),
    )
}
# Applications that are not simulated: a capture is replayed up to the first of them.
UNTIL = ("play_and_get_digits", "api msleep", "bgapi", "loops: 2")
# Commands that are not simulated, or answered by what only the real line knows.
NOT_COMPARED = ("log bogus", "nolog", "divert_events", "getvar record_", "api status", "api create_uuid")
NOT_COMPARED += ("api md5", "api expr", "api eval", "api strftime", "api uuid_dump")
# FreeSWITCH's limits in whole seconds of the clock depend on the fraction of the second in which they began.
# Captures in which the notice of plain `linger` overtook CHANNEL_HANGUP_COMPLETE; in all others it came after it.
OVERTAKEN = {"c25_file_string"}
COARSE = {"c03_linger_seconds": 1.0, "c20_record_limit": 1.0}


class Node:
    """A node whose service is the capture, and a record of the frames it writes."""

    def __init__(self, uuid, start):
        self.clock = VirtualClock(start)
        self.frames = []
        self.ended = None
        self.buffer = b""
        node = DescribedNode(self.clock, Prompts(lengths=LENGTHS), DIALPLAN, service="127.0.0.1:8099")
        self.call, self.socket = node.call(
            Incoming("sock_8099_async_full", name="Lab 1001", variables=VARIABLES, uuid=uuid), self
        )

    def deliver(self, data):
        self.buffer += data
        while (end := self.buffer.find(b"\n\n")) >= 0:
            head = dict(line.partition(": ")[::2] for line in self.buffer[:end].decode().split("\n"))
            length = 0 if "Event-Name" in head else int(head.pop("Content-Length", 0))
            if len(self.buffer) < end + 2 + length:
                return
            body = self.buffer[end + 2 : end + 2 + length].decode()
            self.buffer = self.buffer[end + 2 + length :]
            event = None
            if head.get("Content-Type") == "text/event-plain":
                event = dict(line.split(": ", 1) for line in body.split("\n\n")[0].split("\n"))
            self.frames.append((self.clock.now(), head, event, body))

    def finish(self):
        self.ended = self.clock.now()


def replay(steps, uuid, recordings, start=START):
    """The frames a node writes when a capture's service and caller do what they did, when they did it."""
    node = Node(uuid, start)

    def act(step):
        line = node.call.line
        match step.get("do"):
            case "key":
                line.key_released(step["key"])
            case "hangup":
                line.hang_up()
            case "talk":
                line.talk()
            case "quiet":
                line.quiet()
            case "close":
                node.socket.closed()
            case None if node.socket.open:
                text = step["send"].replace("/var/freeswitch/recordings", str(recordings))
                node.socket.feed((text.rstrip("\n") + "\n\n").encode())

    for step in steps:
        if "do" in step or "send" in step:
            node.clock.call_at(start + step["t"], lambda step=step: act(step))
    node.clock.pass_time(max(step["t"] for step in steps) + 1)
    return node


def shown(headers):
    """A capture's headers of an event that are compared."""
    return {
        name: "*" if MEASURES.fullmatch(name) or UUID.fullmatch(value) else value
        for name, value in headers.items()
        if name not in {"DTMF-Duration", "variable_sip_term_status", "variable_lab_probe"}
        and not (name == "variable_playback_terminators" and value == "none")
    }


def cases():
    for path in sorted(DATA.glob("c*.json")):
        data = json.loads(path.read_text(encoding="utf-8"))
        for number, steps in enumerate(data["calls"]):
            uuid = data["uuids"][number] if data["uuids"] else "0af50ecf-ad76-45a4-94b3-2a9ff61c3f80"
            suffix = f"-{number}" if number else ""
            yield pytest.param(path.stem, steps, uuid, id=path.stem + suffix)


def comparable(steps):
    """What of a capture is replayed and compared."""
    kept, skipping = [], False
    for step in steps:
        if any(mark in step.get("send", "") for mark in UNTIL):
            return kept, False
        if "send" in step:
            skipping = step["send"].startswith(NOT_COMPARED)
        elif skipping and "frame" in step:
            skipping = False
            continue
        if not skipping and step.get("event", {}).get("Event-Name") != "CHANNEL_PARK":
            kept.append(step)
    return kept, True


@pytest.mark.parametrize(("name", "steps", "uuid"), [*cases()])
def test_the_node_says_what_freeswitch_said(name, steps, uuid, tmp_path):
    steps, whole = comparable(steps)
    node = replay(steps, uuid, tmp_path)
    expected = [step for step in steps if "frame" in step]
    if name in OVERTAKEN:
        at = next(i for i, step in enumerate(expected) if step["frame"].get("Content-Disposition") == "linger")
        expected[at : at + 2] = reversed(expected[at : at + 2])
    got = [frame for frame in node.frames if (frame[2] or {}).get("Event-Name") != "CHANNEL_PARK"]
    for step, (at, head, event, body) in zip(expected, got, strict=False):
        compare(step, head, event, body, tmp_path)
        assert at - START == pytest.approx(step["t"], abs=COARSE.get(name, 0.07)), step
    assert len(got) >= len(expected), f"the node stopped before {expected[len(got)]}"
    if whole:
        assert len(got) == len(expected), f"the node also said {got[len(expected)]}"
        if any("end" in step for step in steps):
            assert node.ended is not None


def compare(step, head, event, body, recordings):
    where = f"at {step['t']}: {step}"
    if "event" in step:
        assert event is not None, f"{where}\nnot {head} {body}"
        wanted = shown(step["event"])
        mine = shown(
            {name: value.replace(str(recordings), "/var/freeswitch/recordings") for name, value in event.items()}
        )
        assert {name: mine.get(name) for name in wanted} == wanted, where
        surplus = {n for n in mine if TOLD.match(n)} - {n for n in wanted if TOLD.match(n)}
        assert not {n for n in surplus if "current_application" not in n}, where
    elif step["frame"].get("Event-Name") == "CHANNEL_DATA":
        assert head["Event-Name"] == "CHANNEL_DATA"
        assert head["Reply-Text"] == "%2BOK%0A"
    else:
        assert event is None, f"{where}\nnot {event}"
        told = {name: UUID.sub("*", head.get(name, "")) for name in step["frame"]}
        assert told == {name: UUID.sub("*", value) for name, value in step["frame"].items()}, where
        if "body" in step:
            assert body.strip() == step["body"].strip(), where


def whole_frames():
    """Captured frames with every header: (capture, event and application) and the lines; `*` and `<uuid>` stand for any."""
    text = (DATA / "whole_frames.txt").read_text(encoding="utf-8")
    for block in text.strip().split("\n\n"):
        title, *lines = block.split("\n")
        capture, *what = title.removeprefix("# ").split()
        yield pytest.param(capture, " ".join(what), lines, id=f"{capture.split('_')[0]} {' '.join(what)}")


@pytest.mark.parametrize(("capture", "what", "lines"), [*whole_frames()])
def test_each_kind_of_frame_has_freeswitchs_headers_in_freeswitchs_order(capture, what, lines, tmp_path):
    data = json.loads((DATA / f"{capture}.json").read_text(encoding="utf-8"))
    node = replay(data["calls"][0], data["uuids"][0], tmp_path)
    described = [event if event is not None else head for _, head, event, _ in node.frames]
    name = lambda headers: f"{headers.get('Event-Name')} {headers.get('Application', '')}".strip()  # noqa: E731
    mine = next(headers for headers in described if name(headers) == what)
    assert list(mine) == [line.split(": ")[0] for line in lines if not line.startswith("Hangup-Cause")] or list(
        mine
    ) == list(dict.fromkeys(line.split(": ")[0] for line in lines))
    for line in lines:
        header, value = line.split(": ", 1)
        told = mine[header].replace(str(tmp_path), "/var/freeswitch/recordings")
        if value == "<uuid>":
            assert UUID.fullmatch(told), header
        elif value != "*":
            assert told == value, header
