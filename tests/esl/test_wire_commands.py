"""What is written to FreeSWITCH: one command is one command."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from esl_vm.esl.commands import command, execute, send_event
from esl_vm.model.errors import UnsafeArgumentError


def test_a_command_is_a_line_and_an_empty_one():
    assert command("linger 30") == b"linger 30\n\n"


def test_an_application_is_run_in_order_and_under_a_name_of_ours():
    assert (
        execute("playback", "/sounds/é.wav", "a1-7")
        == (
            "sendmsg\ncall-command: execute\nexecute-app-name: playback\nexecute-app-arg: /sounds/é.wav\n"
            "event-lock: true\nEvent-UUID: a1-7\n\n"
        ).encode()
    )


def test_an_application_without_argument_is_sent_without_one():
    assert b"execute-app-arg" not in execute("answer", "", "a1-7")


@pytest.mark.parametrize("text", ["a\nb", "a\r", "a\r\nb", "\n", "a\x00b"])
def test_a_line_break_is_refused_wherever_it_stands(text):
    for attempt in (
        lambda: command(f"api {text}"),
        lambda: execute(text, "", "1"),
        lambda: execute("playback", text, "1"),
        lambda: execute("playback", "", text),
        lambda: send_event("CUSTOM", {"Name": text}),
        lambda: send_event("CUSTOM", {text: "value"}),
        lambda: send_event(text, {}),
    ):
        with pytest.raises(UnsafeArgumentError):
            attempt()


@pytest.mark.parametrize("text", ["${uuid_kill(1)}", "a${x}", "back\\nslash"])
def test_what_freeswitch_would_expand_is_refused(text):
    with pytest.raises(UnsafeArgumentError):
        execute("playback", text, "1")


def test_the_error_does_not_repeat_the_command():
    with pytest.raises(UnsafeArgumentError) as caught:
        command("api hash insert/pins/1001/4821\n")
    assert "4821" not in str(caught.value)


@given(st.text(max_size=80))
def test_an_argument_never_makes_a_second_header(text):
    try:
        message = execute("playback", text, "a1-1")
    except UnsafeArgumentError:
        return
    assert message.count(b"\n\n") == 1
    assert [line.split(b":")[0] for line in message.split(b"\n") if line][-2:] == [b"event-lock", b"Event-UUID"]
