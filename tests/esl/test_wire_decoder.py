"""The decoder against conversations captured from FreeSWITCH 1.11, and against everything else.

tests/data/wire holds what FreeSWITCH sent, byte for byte (NAME.esl), and what is in it as another reader saw it
(NAME.json).
"""

import json
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from esl_vm.esl.wire import DONE, OK, Decoder, Frame, FrameLimits, headers_named
from esl_vm.model.errors import WireError

DATA = Path(__file__).parent.parent / "data" / "wire"
CONVERSATIONS = sorted(path.stem for path in DATA.glob("*.esl"))
ABOUT = ("Unique-ID", "Application-UUID", "Application", "Application-Response", "DTMF-Digit", "variable_record_ms")
ABOUT += ("Caller-Caller-ID-Name", "Caller-Caller-ID-Number", "variable_lab_odd", "Hangup-Cause")


def conversation(name: str) -> bytes:
    return (DATA / f"{name}.esl").read_bytes()


def frames_of(*pieces: bytes, limits: FrameLimits | None = None) -> list[Frame]:
    decoder = Decoder(limits)
    found = []
    for piece in pieces:
        decoder.feed(piece)
        found.extend(decoder)
    return found


def same(frame: Frame) -> tuple[str, bytes, bytes]:
    return frame.type, frame.head, frame.body


def test_there_are_conversations():
    assert len(CONVERSATIONS) >= 10


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_a_captured_conversation_is_read_as_another_reader_read_it(name):
    expected = json.loads((DATA / f"{name}.json").read_text())
    frames = frames_of(conversation(name))
    assert len(frames) == len(expected)
    for frame, told in zip(frames, expected, strict=True):
        assert frame.type == told["type"]
        assert frame.event == told.get("event", "")
        if frame.event:
            assert len(frame.headers) == told["headers"]
            for header in ABOUT:
                assert frame.get(header) == told.get(header)
                assert frame.last(header) == told.get(header)
                assert frame.headers.get(header) == told.get(header)
            some = [name for name in list(frame.headers)[1:] if not name.startswith("variable_sip_")]
            several = {
                name: frame.headers[name] for name in frame.headers if name in some or name.startswith("variable_sip_")
            }
            assert frame.several(headers_named([*some, "Not-There"], "variable_sip_")) == several
        elif "data" in told:
            assert frame.data == told["data"]


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_bytes_may_be_cut_anywhere(name):
    """A decoder keeps nothing from one frame to the next, so each frame is cut at each of its bytes."""
    data = conversation(name)
    start = 0
    for whole in frames_of(data):
        end = data.index(whole.head, start) + len(whole.head) + 2 + len(whole.body)
        piece = data[start:end]
        for cut in range(1, len(piece)):
            decoder = Decoder()
            decoder.feed(piece[:cut])
            assert decoder.next() is None
            decoder.feed(piece[cut:])
            frame = decoder.next()
            assert frame is not None
            assert same(frame) == same(whole)
            assert decoder.pending == 0
        start = end
    assert start == len(data)


@pytest.mark.parametrize("name", ["gone-before-connect", "caller-ids-2", "hang-up-in-playback"])
def test_bytes_may_come_one_by_one(name):
    data = conversation(name)
    assert [same(frame) for frame in frames_of(*(bytes([byte]) for byte in data))] == [
        same(frame) for frame in frames_of(data)
    ]


@given(st.lists(st.integers(min_value=1, max_value=20_000), max_size=60))
def test_pieces_of_any_size_give_the_same_frames(sizes):
    data = conversation("record-ended-by-key")
    pieces, at = [], 0
    for size in sizes:
        pieces.append(data[at : at + size])
        at += size
    pieces.append(data[at:])
    assert [same(frame) for frame in frames_of(*pieces)] == [same(frame) for frame in frames_of(data)]


@given(st.lists(st.binary(max_size=300), max_size=8))
def test_rubbish_is_refused_or_waited_for_but_never_breaks_the_decoder(pieces):
    decoder = Decoder(FrameLimits(head=400, body=400))
    try:
        for piece in pieces:
            decoder.feed(piece)
            for frame in decoder:
                frame.headers  # noqa: B018 - reading must not fail
                frame.get("Unique-ID")
                frame.last("Unique-ID")
                repr(frame)
                assert len(frame.head) <= 400
                assert len(frame.body) <= 400
    except WireError:
        return
    assert decoder.pending <= 400 + 400 + 300


HEAD = st.dictionaries(
    st.from_regex(r"[A-Za-z][A-Za-z0-9_-]{0,20}", fullmatch=True).filter(lambda name: name.lower() != "content-length"),
    st.text(max_size=40),
    max_size=12,
)


@given(HEAD)
def test_every_value_comes_back_as_it_was(values):
    told = {"Event-Name": "CUSTOM", "Core-UUID": "1", **values, "Z-Last": "1"} | {"Event-Name": "CUSTOM"}
    [frame] = frames_of(event("".join(f"{name}: {quote(value)}\n" for name, value in told.items()) + "\n"))
    assert frame.headers == told
    assert {name: frame.get(name) for name in told} == told
    assert {name: frame.last(name) for name in told if name != "Event-Name"} == {
        name: value for name, value in told.items() if name != "Event-Name"
    }


def event(text: str) -> bytes:
    return f"Content-Length: {len(text.encode())}\nContent-Type: text/event-plain\n\n{text}".encode()


def test_a_line_break_in_a_callers_name_is_not_a_new_header():
    name = "Bob\nvm_pin_ok: true\nUnique-ID: someone-else"
    [frame] = frames_of(
        event(f"Event-Name: DTMF\nCaller-Caller-ID-Name: {quote(name)}\nUnique-ID: 17\nDTMF-Digit: 5\n\n")
    )
    assert frame.get("Caller-Caller-ID-Name") == name
    assert frame.get("vm_pin_ok") is None
    assert frame.last("vm_pin_ok") is None
    assert frame.get("Unique-ID") == "17"
    assert frame.last("Unique-ID") == "17"
    assert set(frame.headers) == {"Event-Name", "Caller-Caller-ID-Name", "Unique-ID", "DTMF-Digit"}
    assert frame.several(headers_named(["Unique-ID"], "vm_")) == {"Unique-ID": "17"}


def test_a_forged_header_in_the_reply_to_connect_stays_a_name():
    forged = "Eve%0AContent-Length%3A%209%0A%0AReply-Text%3A%20-ERR"
    head = f"Event-Name: CHANNEL_DATA\nCaller-Caller-ID-Name: {forged}\nContent-Type: command/reply\nReply-Text: %2BOK%0A\n\n"
    [frame, after] = frames_of(head.encode() + b"Content-Type: command/reply\nReply-Text: +OK will linger\n\n")
    assert frame.get("Caller-Caller-ID-Name") == "Eve\nContent-Length: 9\n\nReply-Text: -ERR"
    assert frame.data == "+OK\n"
    assert after.data == "+OK will linger"


def test_text_that_an_event_carries_is_no_header():
    [frame] = frames_of(event("Event-Name: MESSAGE\nContent-Length: 30\n\nDTMF-Digit: 5\nEvent-Name: DTMF\n"))
    assert frame.event == "MESSAGE"
    assert frame.get("DTMF-Digit") is None
    assert "DTMF-Digit" not in frame.headers
    assert frame.event_body == "DTMF-Digit: 5\nEvent-Name: DTMF\n"


def test_an_event_that_a_client_fired_has_its_name_further_down():
    [frame] = frames_of(
        event("Event-Subclass: vm%3A%3Amaintenance\nCommand: sendevent%20CUSTOM\nEvent-Name: CUSTOM\n\n")
    )
    assert frame.event == "CUSTOM"
    assert frame.get("Event-Subclass") == "vm::maintenance"


def test_the_output_of_an_api_command_is_no_event():
    text = "Event-Name: DTMF\nDTMF-Digit: 5\n"
    [frame] = frames_of(f"Content-Type: api/response\nContent-Length: {len(text)}\n\n{text}".encode())
    assert frame.event == ""
    assert frame.get("DTMF-Digit") is None
    assert frame.data == text


def test_replies_are_not_decoded():
    [frame] = frames_of(b"Content-Type: command/reply\nReply-Text: 100%25 sure\n\n")
    assert frame.data == "100%25 sure"


def test_an_empty_line_between_frames_is_passed_over():
    text = b"Content-Type: command/reply\nReply-Text: +OK\n\n"
    assert len(frames_of(text + b"\n" + text + b"\n\n\n" + text)) == 3


def test_what_every_command_is_answered_is_no_new_frame_each_time():
    reply, done = (
        b"Content-Type: command/reply\nReply-Text: +OK\n\n",
        b"Content-Type: api/response\nContent-Length: 4\n\n+OK\n",
    )
    frames = frames_of(reply + done, reply[:20], reply[20:] + done[:50], done[50:] + done)
    assert [frame.type for frame in frames] == ["command/reply", "api/response"] * 2 + ["api/response"]
    assert [frame.data for frame in frames] == ["+OK", "+OK\n", "+OK", "+OK\n", "+OK\n"]
    assert (frames[0], frames[1]) == (OK, DONE)
    assert frames_of(done.replace(b"+OK", b"-ER"))[0].data == "-ER\n"


def test_an_answer_of_no_length_has_no_body():
    frames = frames_of(
        b"Content-Type: api/response\nContent-Length: 0\n\nContent-Type: command/reply\nReply-Text: x\n\n"
    )
    assert [frame.data for frame in frames] == ["", "x"]


@pytest.mark.parametrize(
    "head",
    [
        "Content-Length: 12x\nContent-Type: text/event-plain",
        "Content-Length: -1\nContent-Type: text/event-plain",
        "Content-Length: \nContent-Type: text/event-plain",
        "Content-Length:\nContent-Type: api/response",
        "Content-Length: 0x10\nContent-Type: api/response",
        "Content-Length: ٣\nContent-Type: api/response",
        "Content-Length: 99999999999\nContent-Type: api/response",
        "Content-Length: 1048577\nContent-Type: api/response",
        "Content-Length: 3\nContent-Type: api/response\nContent-Length: 5",
        "Content-Length: 3",
        "Reply-Text: +OK",
        "GET / HTTP/1.1\r\nHost: example.org\r",
        "\x16\x03\x01 hello",
    ],
)
def test_what_is_no_frame_is_refused(head):
    with pytest.raises(WireError):
        frames_of(head.encode() + b"\n\nabc")


def test_a_header_block_without_end_is_refused_at_its_limit():
    decoder = Decoder(FrameLimits(head=1000))
    decoder.feed(b"Content-Type: command/reply\nReply-Text: ")
    assert decoder.next() is None
    for _ in range(9):
        decoder.feed(b"x" * 100)
        assert decoder.next() is None
    decoder.feed(b"x" * 100)
    with pytest.raises(WireError):
        decoder.next()


def test_a_header_block_that_drips_in_is_not_searched_anew_each_time():
    """In pieces of one byte it takes linear time: the quadratic way would need minutes."""
    text = b"Content-Type: command/reply\nReply-Text: " + b"a" * 200_000
    decoder = Decoder()
    for at in range(len(text)):
        decoder.feed(text[at : at + 1])
        assert decoder.next() is None
    decoder.feed(b"\n\n")
    assert len(decoder.next().data) == 200_000
