"""The telephone in a terminal, rung at a small service on loopback."""

import io
import os
import pty
import re
import signal
import socket
import struct
import subprocess
import sys
import termios
import wave
from array import array

import gevent
import pytest
from gevent.server import StreamServer
from support.ports import free_port
from support.waiting import wait_until

from esl_vm.model.errors import InvalidValueError
from esl_vm.sim.realtime import RealTime
from esl_vm.sim.sounddevice import Loudspeaker, Microphone
from esl_vm.sim.tcp import TcpTransport
from esl_vm.sim.terminal import run_phone
from esl_vm.sound.wav import wave as wav

QUICK = "silence_stream://50"


def shown(names, language):
    return f"{language}: {', '.join(names)}."


class Service:
    """A service's end of one call, over TCP: takes it, runs applications, gives it back."""

    def __init__(self, socket):
        self.file = socket.makefile("rwb")

    def send(self, *lines):
        self.file.write("\n".join(lines).encode() + b"\n\n")
        self.file.flush()

    def frame(self):
        head = {}
        while (line := self.file.readline().decode().rstrip("\n")) or not head:
            name, _, value = line.partition(": ")
            head[name] = value
            if not line and not head:
                return {}
        if "Event-Name" not in head and (length := int(head.get("Content-Length", 0))):
            body = self.file.read(length).decode()
            head |= dict(line.split(": ", 1) for line in body.strip().split("\n") if ": " in line)
        return head

    def take(self, *commands):
        self.send("connect")
        reply = self.frame()
        self.uuid = reply["Unique-ID"]
        for command in ("event plain ALL", "linger", *commands):
            self.send(command)
            self.frame()
        self.run("answer")
        self.set("playback_terminators", "any")
        return reply

    def set(self, name, value):
        self.send(f"api uuid_setvar {self.uuid} {name} {value}")
        self.frame()

    def run(self, application, argument=""):
        """Run an application to its end; returns that event, {} if the caller is gone."""
        data = [f"execute-app-arg: {argument}"] if argument else []
        self.send("sendmsg", "call-command: execute", f"execute-app-name: {application}", *data, "event-lock: true")
        while frame := self.frame():
            if frame.get("Event-Name") == "CHANNEL_EXECUTE_COMPLETE" and frame["Application"] == application:
                return frame
            if frame.get("Event-Name") == "CHANNEL_HANGUP_COMPLETE":
                return {}
        return {}

    def give_back(self):
        self.send("exit")
        while frame := self.frame():
            if frame.get("Content-Disposition") == "disconnect":
                return


@pytest.fixture
def serve():
    """Runs a function as a service; returns the port on which it takes calls."""
    servers = []

    def start(handle):
        def accept(socket, _address):
            handle(Service(socket))
            socket.close()

        server = StreamServer(("127.0.0.1", 0), accept)
        server.start()
        servers.append(server)
        return server.server_port

    yield start
    for server in servers:
        server.stop()


def ring(port, number="*97", **how):
    """Ring it; returns the exit status and what was shown."""
    screen = io.StringIO()
    with open(os.devnull) as nothing:
        status = run_phone(number, words=shown, service=("127.0.0.1", port), stdin=nothing, stdout=screen, **how)
    return status, screen.getvalue().splitlines()


def test_what_is_said_dialled_and_recorded_is_shown_in_lines(serve, tmp_path):
    reply = {}

    def service(call):
        reply.update(call.take())
        call.run("playback", "prompts/fr/vm-intro.wav")
        call.run("record", f"{tmp_path}/take.wav 60 200 10")
        call.set("vm_status", "SUCCESS")
        call.run("playback", "prompts/fr/vm-goodbye.wav")
        call.give_back()

    status, lines = ring(
        serve(service), "1001", caller="1002", name="Bruno", keys="# #", variables={"vm_action": "leave"}
    )
    assert status == 0
    assert reply["Caller-Caller-ID-Number"] == "1002"
    assert reply["Caller-Caller-ID-Name"] == "Bruno"
    assert reply["Caller-Destination-Number"] == "1001"
    assert reply["variable_vm_action"] == "leave"
    assert lines[0].startswith("☎ 1002 calls 1001 at 127.0.0.1:")
    assert lines[1:4] == ["♪ fr: vm-intro. …", "› #", "› #"]
    assert re.fullmatch(r"● recorded [2-9]\.\d s", lines[4])  # two seconds of tone, and what a busy machine adds
    assert lines[5] == "♪ fr: vm-goodbye."
    assert lines[6].startswith("☎ the call is over, SUCCESS after 0:0")
    with wave.open(str(tmp_path / "take.wav")) as sound:
        assert sound.getnframes() >= 16_000


def test_a_voice_file_is_what_is_recorded(serve, tmp_path):
    speech = array("h", (n % 2000 for n in range(4000)))
    (tmp_path / "v.wav").write_bytes(wav(speech.tobytes(), 8000))

    def service(call):
        call.take()
        call.run("playback", "prompts/fr/vm-intro.wav")
        call.run("record", f"{tmp_path}/take.wav 60 200 10")
        call.give_back()

    status, _ = ring(serve(service), keys="# #", voice=tmp_path / "v.wav")
    assert status == 0
    with wave.open(str(tmp_path / "take.wav")) as sound:  # the real clock decides how much silence comes before it
        assert speech.tobytes() in sound.readframes(sound.getnframes())


def test_a_pin_is_not_shown(serve):
    def service(call):
        call.take()
        call.run("playback", "prompts/fr/vm-password.wav")
        for _ in range(4):
            call.run("sleep", "2000")
        call.give_back()

    _, lines = ring(serve(service), keys="4821#")
    assert "› ••••#" in lines
    assert not any("4821" in line for line in lines)


@pytest.mark.parametrize(
    "sounds",
    [
        ["vm-incorrect!vm-password", "vm-incorrect!vm-password"],  # the second and third try
        ["vm-newpassword", "vm-reenterpassword"],
        ["vm-invalid-password!vm-newpassword", "vm-mismatch!vm-newpassword"],
        ["vm-incorrect", "vm-goodbye"],  # somebody who goes on dialling after the last try
    ],
)
def test_no_pin_is_shown_however_it_is_asked_for(serve, sounds):
    def service(call):
        call.take()
        for sound in sounds:
            call.run("playback", "file_string://" + "!".join(f"prompts/fr/{name}.wav" for name in sound.split("!")))
            for _ in range(4):
                call.run("sleep", "2000")
        call.give_back()

    _, lines = ring(serve(service), keys="4821# 5932#")
    assert not re.search("[4-9]", "".join(line for line in lines if line.startswith("›")))
    assert any("••••#" in line for line in lines)


@pytest.mark.parametrize(
    ("number", "said", "cause", "remedy"),
    [
        ("1999", "vm-goodbye", "unknown", "esl-vm mailbox list"),
        ("*97", "vm-goodbye", "pin", "esl-vm mailbox unlock"),
        ("*97", "vm-login", "pin", "there is no such mailbox"),  # which asks a caller without one for a number
        ("*98", "vm-login", "silent", "nothing was dialled"),
        ("1001", "vm-goodbye", "away", "esl-vm doctor"),
    ],
)
def test_a_call_that_failed_says_what_to_do_and_is_a_failure(serve, number, said, cause, remedy):
    def service(call):
        call.take()
        call.run("playback", f"prompts/fr/{said}.wav")
        call.set("vm_status", "FAILED")
        call.set("vm_cause", cause)
        call.give_back()

    status, lines = ring(serve(service), number, keys="")
    assert status == 1
    assert f"FAILED, {cause}" in lines[-2]
    assert remedy in lines[-1]


def test_where_nothing_can_be_dialled_from_it_says_so(serve):
    def service(call):
        call.take()
        call.give_back()

    status, lines = ring(serve(service))
    assert status == 0
    assert "--keys" in lines[1]


def test_other_sounds_are_shown_by_their_length(serve, tmp_path):
    (tmp_path / "0199ab.wav").write_bytes(wav(bytes(4800), 8000))

    def service(call):
        call.take()
        call.run("playback", f"file_string://prompts/en/digits/1.wav!{tmp_path}/0199ab.wav!prompts/en/digits/2.wav")
        call.run("playback", "/nowhere/gone.wav")
        call.give_back()

    _, lines = ring(serve(service), keys="")
    assert lines[1:5] == ["♪ en: digits/1.", "▶ a recording of 0.3 s", "♪ en: digits/2.", "♪ [gone.wav: no such sound]"]


def test_a_terminal_that_knows_no_signs_gets_plain_ones(serve):
    def service(call):
        call.take()
        call.run("playback", "prompts/fr/vm-opts.wav")
        call.give_back()

    raw = io.BytesIO()
    port = serve(service)
    with open(os.devnull) as nothing:
        screen = io.TextIOWrapper(raw, encoding="ascii", errors="strict")
        run_phone("*97", words=shown, service=("127.0.0.1", port), keys="1", stdin=nothing, stdout=screen)
        screen.flush()
    assert b"< fr: vm-opts. ...\n> 1\n" in raw.getvalue()


def test_where_no_service_answers_it_says_so_and_fails():
    closed = free_port()
    status, lines = ring(closed, keys="1")
    assert status == 1
    assert lines == [f"☎ no service answers on 127.0.0.1:{closed}: [Errno 111] Connection refused"]


def test_a_service_that_does_not_take_the_call_is_a_failure(serve):
    status, lines = ring(serve(lambda _call: None), keys="1")
    assert status == 1
    assert lines[-1] == "☎ the service closed without taking the call"


def test_a_service_that_dies_in_the_call_is_a_failure(serve):
    status, lines = ring(serve(lambda call: call.take()), keys="1")
    assert status == 1
    assert lines[-1] == "☎ the service closed the connection in the middle of the call"


def test_a_call_that_can_not_be_recorded_is_a_failure(serve, tmp_path):
    def service(call):
        call.take()
        call.run("record", f"{tmp_path}/no/take.wav")

    status, lines = ring(serve(service), keys="1")
    assert status == 1
    assert "(DESTINATION_OUT_OF_ORDER)" in lines[-1]


def test_being_sent_on_is_a_normal_end(serve):
    def service(call):
        call.take()
        call.run("transfer", "2000 XML default")

    status, lines = ring(serve(service), keys="")
    assert status == 0
    assert lines[-1].startswith("☎ sent on to 2000")


@pytest.mark.parametrize(
    "how", [{"number": "*97 x"}, {"keys": "12a"}, {"voice": "/nowhere/v.wav"}, {"number": "1\nsendmsg"}]
)
def test_what_can_not_be_is_refused_before_anything_is_rung(how):
    from pathlib import Path

    how = {"number": "*97", "keys": "1", **how}
    how["voice"] = Path(how["voice"]) if "voice" in how else None
    with pytest.raises(InvalidValueError):
        ring(1, **how)


class Terminal:
    """A terminal of its own, on whose keyboard a test types."""

    def __init__(self):
        self.main, self.side = pty.openpty()
        self.settings = termios.tcgetattr(self.side)
        self.stdin = os.fdopen(os.dup(self.side), "r", encoding="utf-8")
        self.stdout = os.fdopen(os.dup(self.side), "w", encoding="utf-8")
        self.shown = ""

    def type(self, text):
        os.write(self.main, text.encode())

    def see(self, text):
        """Wait until something is shown."""
        with gevent.Timeout(100, AssertionError(f"{text!r} was not shown, but:\n{self.shown}")):
            while text not in self.shown:
                self.shown += gevent.os.tp_read(self.main, 4096).decode("utf-8", "replace")

    def close(self):
        self.stdin.close()
        self.stdout.close()
        os.close(self.side)
        os.close(self.main)


@pytest.fixture
def terminal():
    made = Terminal()
    yield made
    made.close()


def test_on_a_terminal_the_keyboard_dials_and_the_words_appear_as_they_are_spoken(serve, terminal):
    def service(call):
        call.take()
        call.run("playback", "file_string://prompts/fr/vm-youhave.wav!prompts/fr/digits/2.wav!prompts/fr/vm-opts.wav")
        call.run("playback", "prompts/fr/vm-goodbye.wav")
        call.give_back()

    phone = gevent.spawn(
        run_phone,
        "*97",
        words=shown,
        service=("127.0.0.1", serve(service)),
        mute=True,
        stdin=terminal.stdin,
        stdout=terminal.stdout,
    )
    terminal.see("Ctrl-C hangs up")
    terminal.see("♪ fr: vm-youhave\x1b[0m\r\x1b[2K\x1b[1m♪ fr: vm-youhave, digits/2\x1b[0m")
    assert not termios.tcgetattr(terminal.side)[3] & termios.ECHO
    terminal.type("x1")
    terminal.see("digits/2. …\r\n")
    terminal.see("› 1")
    terminal.see("the call is over")
    assert phone.get(timeout=100) == 0
    assert termios.tcgetattr(terminal.side) == terminal.settings


def test_what_is_dialled_before_anything_is_asked_may_be_a_pin_and_what_a_menu_asks_for_is_none(serve, terminal):
    asks, over = gevent.event.Event(), gevent.event.Event()

    def service(call):
        call.take()
        asks.wait(100)
        call.run("playback", "prompts/fr/vm-opts.wav")
        over.wait(100)
        call.give_back()

    phone = gevent.spawn(
        run_phone, "*97", words=shown, service=("127.0.0.1", serve(service)), mute=True,
        stdin=terminal.stdin, stdout=terminal.stdout,
    )  # fmt: skip
    terminal.see("Ctrl-C hangs up")
    terminal.type("48#")
    terminal.see("› ••#")
    asks.set()
    terminal.see("♪ fr: vm-opts")
    terminal.type("10")
    terminal.see("› 10")
    over.set()
    assert phone.get(timeout=100) == 0


def test_ctrl_d_hangs_up_and_the_recording_is_kept(serve, terminal, tmp_path):
    def service(call):
        call.take()
        call.run("record", f"{tmp_path}/take.wav 60 200 10")

    phone = gevent.spawn(
        run_phone,
        "1001",
        words=shown,
        service=("127.0.0.1", serve(service)),
        voice=None,
        mute=True,
        stdin=terminal.stdin,
        stdout=terminal.stdout,
    )
    terminal.see("recording 0:01")
    terminal.type("\x04")
    terminal.see("you hung up")
    assert phone.get(timeout=100) == 0
    with wave.open(str(tmp_path / "take.wav")) as sound:
        assert sound.getnframes() >= 8000


def test_ctrl_c_hangs_up_without_a_traceback(serve):
    taken, gone = gevent.event.Event(), gevent.event.Event()

    def service(call):
        call.take()
        taken.set()
        if call.run("playback", "prompts/fr/vm-opts.wav") == {} or not call.frame():
            gone.set()
        gone.set()

    program = (
        "import sys; from esl_vm.sim.terminal import run_phone\n"
        f"sys.exit(run_phone('*97', words=lambda names, _: ' '.join(names), service=('127.0.0.1', {serve(service)})))"
    )
    phone = subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8"},
    )
    try:
        shown_first = gevent.get_hub().threadpool.apply(phone.stdout.readline)
        assert shown_first.startswith("☎ 1001 calls *97")
        assert taken.wait(100)
        phone.send_signal(signal.SIGINT)
        rest = gevent.get_hub().threadpool.apply(phone.stdout.read)
        assert gevent.get_hub().threadpool.apply(phone.wait, (100,)) == 0
        assert "Traceback" not in rest
        assert rest.splitlines()[-1].startswith("☎ you hung up")
        assert gone.wait(100)
    finally:
        if phone.poll() is None:
            phone.kill()
        phone.stdout.close()


def test_a_signal_is_taken_between_two_happenings_and_only_once():
    told = []
    former = signal.signal(signal.SIGUSR1, lambda *_: told.append("as before"))
    try:
        with RealTime() as loop, loop.on_signal(signal.SIGUSR1, lambda: told.append("in the loop")):

            def busy():
                os.kill(os.getpid(), signal.SIGUSR1)
                told.append("done")

            loop.call_later(0, busy)
            assert loop.run_until(lambda: len(told) == 2, 100)
            assert told == ["done", "in the loop"]
            os.kill(os.getpid(), signal.SIGUSR1)
            assert loop.run_until(lambda: len(told) == 3, 100)
            assert told[2] == "as before"
        os.kill(os.getpid(), signal.SIGUSR1)
        assert told[3:] == ["as before"]
    finally:
        signal.signal(signal.SIGUSR1, former)


def test_what_a_service_said_before_it_went_away_is_read_though_it_takes_nothing_more():
    class Node:
        heard, gone = b"", False

        def feed(self, data):
            assert not self.gone
            self.heard += data

        def closed(self):
            self.gone = True

    with socket.create_server(("127.0.0.1", 0)) as listener, RealTime() as loop:
        stream = gevent.socket.create_connection(listener.getsockname())
        service, _ = listener.accept()
        transport = TcpTransport(loop, stream)
        transport.peer = Node()
        service.sendall(b"exit\n\n")
        service.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        service.close()  # a reset, as where it had not read everything
        transport.deliver(b"an event")
        transport.deliver(b"another")
        assert transport.broken
        assert loop.run_until(lambda: transport.closed, 100)
        assert transport.peer.heard == b"exit\n\n"
        assert transport.peer.gone


class TestSoundDevices:
    def test_the_microphone_is_what_its_program_gives(self):
        loud = "import sys, time; sys.stdout.buffer.write(b'\\x00\\x20' * 8000); sys.stdout.flush(); time.sleep(60)"
        with RealTime() as loop:
            microphone = Microphone(loop, [sys.executable, "-c", loud])
            microphone.talk(loop.now())
            assert loop.run_until(lambda: len(microphone.samples(0, 0, 9000)) == 8000, 100)
            assert microphone.level == 0x2000
            assert microphone.last_loud(loop.now(), 200) == pytest.approx(loop.now(), abs=1)
            assert microphone.last_loud(loop.now(), 20_000) is None
            microphone.quiet(loop.now())
            assert not microphone.talking

    def test_a_microphone_that_gives_nothing_is_silence(self):
        with RealTime() as loop:
            microphone = Microphone(loop, [sys.executable, "-c", "pass"])
            microphone.talk(loop.now())
            assert loop.run_until(lambda: microphone.failed, 100)
            assert not microphone.samples(0, 0, 8000)
            microphone.quiet(loop.now())

    @pytest.mark.parametrize(("sample", "dead"), [(0, True), (1, False)])
    def test_a_microphone_that_gives_digital_silence_is_dead(self, sample, dead):
        gives = f"import sys, time; sys.stdout.buffer.write(bytes([{sample}, 0]) * 8000); sys.stdout.flush(); time.sleep(60)"
        with RealTime() as loop:
            microphone = Microphone(loop, [sys.executable, "-c", gives])
            microphone.talk(loop.now())
            assert not microphone.is_dead
            assert loop.run_until(lambda: len(microphone.samples(0, 0, 9000)) == 8000, 100)
            assert microphone.is_dead is dead
            microphone.quiet(loop.now())

    def test_a_microphone_that_gives_nothing_is_said_in_the_recording(self, serve, terminal, tmp_path, monkeypatch):
        program = tmp_path / "arecord"
        program.write_text("#!/bin/sh\nexit 1\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

        def service(call):
            call.take()
            call.run("record", f"{tmp_path}/take.wav 60 200 10")

        phone = gevent.spawn(
            run_phone, "1001", words=shown, service=("127.0.0.1", serve(service)), mute=True,
            stdin=terminal.stdin, stdout=terminal.stdout,
        )  # fmt: skip
        terminal.see("the microphone gives nothing (arecord)")
        terminal.type("\x04")
        phone.get(timeout=100)

    def test_where_no_program_is_there_for_the_microphone_it_says_what_is_recorded(self, serve, terminal, monkeypatch):
        monkeypatch.setenv("PATH", "/nowhere")

        def service(call):
            call.take()
            call.give_back()

        phone = gevent.spawn(
            run_phone, "1001", words=shown, service=("127.0.0.1", serve(service)), mute=True,
            stdin=terminal.stdin, stdout=terminal.stdout,
        )  # fmt: skip
        terminal.see("2 s of tone are recorded")
        phone.get(timeout=100)

    def test_a_player_without_a_device_is_not_tried_again(self, tmp_path, monkeypatch):
        calls = tmp_path / "calls"
        player = tmp_path / "aplay"
        player.write_text(f"#!/bin/sh\necho called >> {calls}\nexit 1\n")
        player.chmod(0o755)
        (tmp_path / "a.wav").write_bytes(b"RIFF")
        monkeypatch.setenv("PATH", str(tmp_path))
        loudspeaker = Loudspeaker()
        loudspeaker.play(tmp_path / "a.wav", 0, 0)
        wait_until(lambda: not loudspeaker.playing)
        loudspeaker.play(tmp_path / "a.wav", 0, 0.1)
        assert not loudspeaker.playing
        assert calls.read_text() == "called\n"
