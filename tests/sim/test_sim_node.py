"""A simulated node and a small service of the test's own, over a pipe and in virtual time."""

import gevent
import pytest
from support.described_node import DescribedNode
from support.pipe import TimeKeeper, call_over_pipe
from support.script import Caller
from support.virtual_clock import StuckError, VirtualClock

from esl_vm.sim.node import Incoming
from esl_vm.sim.orders import Holder
from esl_vm.sound.wav import wave

OPTIONS = "prompts/fr/vm-opts.wav"
PASSWORD = "prompts/fr/vm-password.wav"
APOLOGY = (("playback", "prompts/fr/vm-goodbye.wav"), ("hangup", "NORMAL_UNSPECIFIED"))


class Service:
    """A service's end of a call: sends commands, reads frames."""

    def __init__(self, socket):
        self.socket = socket
        self.buffer = b""

    def send(self, text):
        self.socket.sendall(text.encode() + b"\n\n")

    def execute(self, application, argument="", *, lock=True, uuid=""):
        lines = ["sendmsg", "call-command: execute", f"execute-app-name: {application}"]
        lines += [f"execute-app-arg: {argument}"] if argument else []
        lines += ["event-lock: true"] if lock else []
        lines += [f"Event-UUID: {uuid}"] if uuid else []
        self.send("\n".join(lines))

    def frame(self, timeout=None):
        """The next frame as a dict, an event's headers among them; None at the end of the connection."""
        while True:
            end = self.buffer.find(b"\n\n")
            if end >= 0:
                frame = dict(line.split(": ", 1) for line in self.buffer[:end].decode().split("\n"))
                length = 0 if "Event-Name" in frame else int(frame.get("Content-Length", 0))
                if len(self.buffer) >= end + 2 + length:
                    body = self.buffer[end + 2 : end + 2 + length].decode()
                    self.buffer = self.buffer[end + 2 + length :]
                    if frame.get("Content-Type") == "text/event-plain":
                        frame |= dict(line.split(": ", 1) for line in body.strip().split("\n"))
                    return frame | {"body": body}
            self.socket.settimeout(timeout)
            data = self.socket.recv(65536)
            if not data:
                return None
            self.buffer += data

    def event(self, name, **headers):
        """The next event of that name with those headers."""
        while (frame := self.frame()) is not None:
            if frame.get("Event-Name") == name and headers.items() <= frame.items():
                return frame
        return None

    def api(self, text):
        """The output of an api command; events that come before it are passed over."""
        self.send(f"api {text}")
        while (frame := self.frame())["Content-Type"] != "api/response":
            pass
        return frame["body"]

    def rest(self):
        """The names of all events to come."""
        names = []
        while (frame := self.frame()) is not None:
            names.append(frame.get("Event-Name") or frame["Content-Type"])
        return names

    def start(self, *commands):
        """Take the call over, listening to all its events."""
        self.send("connect")
        assert self.frame()["Event-Name"] == "CHANNEL_DATA"
        for command in ("myevents", *commands):
            self.send(command)
            assert self.frame()["Reply-Text"].startswith("+OK")
        return self


class Situation:
    def __init__(self, **node):
        self.clock = VirtualClock(1000.0)
        self.keeper = TimeKeeper(self.clock)
        self.node = DescribedNode(self.clock, **node)

    def call(self, script="", destination="*97", **incoming):
        call, socket = call_over_pipe(self.node, self.keeper, Incoming(destination, **incoming))
        if script:
            Caller(call.line, self.clock, script).start()
        return call, Service(socket)

    def run(self):
        while self.clock.advance():
            pass

    @property
    def elapsed(self):
        return round(self.clock.now() - 1000, 2)


@pytest.fixture
def s():
    return Situation(after_socket=APOLOGY, dialplan={"operator": (("playback", PASSWORD), ("hangup", ""))})


class TestACall:
    def test_the_service_speaks_and_the_caller_answers_with_a_key(self, s):
        call, service = s.call("w:vm-opts s:1 d:2 s:60")
        service.start()
        service.execute("set", "playback_terminators=any")
        service.execute("playback", OPTIONS, uuid="menu")
        key = service.event("DTMF")
        end = service.event("CHANNEL_EXECUTE_COMPLETE", **{"Application-UUID": "menu"})
        assert key["DTMF-Digit"] == "2"
        assert end["Application-Response"] == "FILE%20PLAYED"
        assert end["variable_playback_terminator_used"] == "2"
        assert call.line.heard == ["vm-opts"]
        assert s.elapsed < 2

    def test_what_the_dialplan_set_is_there_and_what_the_service_sets_too(self, s):
        call, service = s.call("s:60", variables={"vm_action": "leave", "vm_mailbox": "1001"})
        service.send("connect")
        reply = service.frame()
        assert (reply["variable_vm_action"], reply["variable_vm_mailbox"]) == ("leave", "1001")
        service.send(f"api uuid_setvar {call.uuid} vm_status it\\'s done")
        service.frame()
        assert call.channel.variables["vm_status"] == "it's done"

    def test_a_hostile_name_stays_a_name(self, s):
        _, service = s.call("s:60", name="Bob\nvariable_vm_skip_pin: true")
        service.send("connect")
        reply = service.frame()
        assert reply["Caller-Caller-ID-Name"] == "Bob%0Avariable_vm_skip_pin%3A%20true"
        assert "variable_vm_skip_pin" not in reply

    def test_a_caller_without_a_number_has_ten_noughts(self, s):
        _, service = s.call("s:60", number="")
        service.send("connect")
        assert service.frame()["Caller-Caller-ID-Number"] == "0000000000"

    def test_an_execute_begins_twenty_milliseconds_after_it_was_sent(self, s):
        _, service = s.call("s:60")
        service.start()
        before = s.clock.now()
        service.execute("set", "a=b")
        service.event("CHANNEL_EXECUTE_COMPLETE")
        assert s.clock.now() - before == pytest.approx(0.02)

    def test_a_getvar_straight_after_a_set_reads_the_old_value(self, s):
        _, service = s.call("s:60")
        service.start()
        service.execute("set", "a=new")
        assert service.frame()["Reply-Text"] == "+OK"
        service.send("getvar a")
        assert service.frame()["Reply-Text"] == "-ERR command not found"

    def test_recorded_sound_is_on_disk_when_the_hang_up_is_told(self, s, tmp_path):
        _, service = s.call("s:1 talk s:2 hang")
        service.start("linger")
        service.execute("record", f"{tmp_path}/take.wav 60 200 10", uuid="rec")
        end = service.event("CHANNEL_EXECUTE_COMPLETE", **{"Application-UUID": "rec"})
        assert (tmp_path / "take.wav").stat().st_size == int(end["variable_record_file_size"])
        assert int(end["variable_record_ms"]) == pytest.approx(2980, abs=30)

    def test_the_limit_of_a_recording_is_overshot_by_up_to_a_second(self, s, tmp_path):
        s.clock.pass_time(0.4)
        _, service = s.call("talk s:60")
        service.start()
        service.execute("record", f"{tmp_path}/take.wav 5")
        end = service.event("CHANNEL_EXECUTE_COMPLETE")
        assert int(end["variable_record_ms"]) == 5580

    def test_a_file_string_begins_with_a_quarter_second_of_silence(self, s):
        call, service = s.call("s:60")
        service.start()
        service.execute("playback", f"file_string://{PASSWORD}!{OPTIONS}")
        service.event("CHANNEL_EXECUTE_COMPLETE")
        assert call.line.sounds[1].at - 1000 == pytest.approx(0.27)
        assert call.line.heard == ["vm-password", "vm-opts"]

    def test_files_divided_by_a_delimiter_follow_each_other_as_closely_as_one_asks_for(self, s):
        call, service = s.call("s:60")
        service.start()
        service.execute("multiset", "^^;playback_delimiter=!;playback_sleep_val=0")
        service.execute("playback", f"{PASSWORD}!{OPTIONS}", uuid="both")
        service.event("CHANNEL_EXECUTE_COMPLETE", **{"Application-UUID": "both"})
        first, second = call.line.sounds
        assert second.at - first.at == pytest.approx(first.length)

    @pytest.mark.parametrize(("command", "heard"), [("uuid_break", 2), ("uuid_break all", 1)])
    def test_a_break_ends_one_file_of_a_list_and_with_all_the_list(self, s, command, heard):
        call, service = s.call("s:60")
        service.start()
        service.execute("multiset", "^^;playback_delimiter=!;playback_sleep_val=0")
        service.execute("playback", f"{PASSWORD}!{OPTIONS}", uuid="both")
        s.clock.pass_time(0.5)
        name, _, rest = command.partition(" ")
        service.api(f"{name} {call.uuid} {rest}".strip())
        service.event("CHANNEL_EXECUTE_COMPLETE", **{"Application-UUID": "both"})
        assert len(call.line.sounds) == heard
        assert call.line.sounds[0].cut


class TestKeys:
    def test_keys_pressed_while_nothing_runs_are_told_and_lost_to_the_next_application(self, s):
        _, service = s.call("d:5 s:60")
        service.start()
        service.execute("set", "playback_terminators=any")
        assert service.event("DTMF")["DTMF-Digit"] == "5"
        service.execute("playback", PASSWORD, uuid="after")
        end = service.event("CHANNEL_EXECUTE_COMPLETE", **{"Application-UUID": "after"})
        assert "variable_playback_terminator_used" not in end

    def test_only_the_star_ends_a_playback_unless_it_is_set_otherwise(self, s):
        _, service = s.call("w:vm-opts d:12* s:60")
        service.start()
        service.execute("playback", OPTIONS)
        assert service.event("CHANNEL_EXECUTE_COMPLETE")["variable_playback_terminator_used"] == "*"

    def test_a_sleep_is_cut_by_a_key_and_its_end_precedes_the_keys_event(self, s):
        _, service = s.call("s:1 d:1 s:60")
        service.start()
        service.execute("sleep", "9000", uuid="nap")
        names = []
        while len(names) < 2:
            frame = service.frame()
            if frame.get("Event-Name") in {"DTMF", "CHANNEL_EXECUTE_COMPLETE"}:
                names.append(frame["Event-Name"])
        assert names == ["CHANNEL_EXECUTE_COMPLETE", "DTMF"]


class TestPausingAMessage:
    def test_fileman_pauses_and_always_says_ok(self, s, tmp_path):
        (tmp_path / "m.wav").write_bytes(wave(bytes(160_000), 8000))
        call, service = s.call("s:120")
        service.start()
        service.execute("playback", str(tmp_path / "m.wav"))
        service.event("CHANNEL_EXECUTE")
        s.clock.pass_time(2)
        for command in ("pause", "bogus:1"):
            assert service.api(f"uuid_fileman {call.uuid} {command}") == "+OK\n"
            assert call.line.playing.position == 16_000
        s.clock.pass_time(60)
        assert call.line.playing.position == 16_000
        service.api(f"uuid_fileman {call.uuid} pause")
        end = service.event("CHANNEL_EXECUTE_COMPLETE")
        assert end["variable_playback_last_offset_pos"] == "80000"


class TestListening:
    def test_what_is_nixed_comes_no_more(self, s):
        _, service = s.call("d:1 s:60")
        service.start("nixevent DTMF CHANNEL_EXECUTE")
        service.execute("sleep", "500", uuid="nap")
        names = []
        while "CHANNEL_EXECUTE_COMPLETE" not in names:
            names.append(service.frame().get("Event-Name"))
        assert names == [None, "CHANNEL_EXECUTE_COMPLETE"]

    @pytest.mark.parametrize(
        ("command", "answer"),
        [
            ("myevents", "-ERR aready enabled."),
            ("linger 7", "+OK will linger 7 seconds"),
            ("nolinger", "+OK will not linger"),
            ("filter Event-Name DTMF", "+OK filter added. [Event-Name]=[DTMF]"),
            ("getvar direction", "inbound"),
            ("getvar nothing", "-ERR command not found"),
            ("resume", "+OK"),
            ("bogus", "-ERR command not found"),
        ],
    )
    def test_each_command_has_freeswitchs_answer(self, s, command, answer):
        _, service = s.call("s:60")
        service.start()
        service.send(command)
        assert service.frame()["Reply-Text"] == answer

    def test_a_first_command_that_is_no_connect_is_done_and_not_answered(self, s):
        _, service = s.call("s:60")
        service.send("myevents")
        service.send("linger")
        assert service.frame()["Reply-Text"] == "+OK will linger"
        service.send("connect")
        assert service.frame()["Event-Name"] == "CHANNEL_DATA"
        service.execute("answer")
        assert service.event("CHANNEL_ANSWER")


class TestWhoHasTheCall:
    def test_closed_before_connect_the_call_is_parked_unanswered_for_ever(self, s):
        call, service = s.call("s:300 hang")
        service.socket.close()
        s.clock.pass_time(200)
        assert call.holder is Holder.NOBODY
        assert call.channel.answer_state == "ringing"
        assert not call.line.heard
        assert call.uuid in s.node.calls

    def test_without_a_word_the_socket_is_dropped_and_the_call_stays_parked(self, s):
        call, service = s.call("s:300 hang")
        assert service.frame() is None
        assert s.elapsed == 25
        assert call.holder is Holder.NOBODY

    def test_a_caller_who_leaves_before_connect_is_told_unasked(self, s):
        _, service = s.call("s:1 hang")
        assert service.frame()["Content-Type"] == "text/disconnect-notice"
        assert service.frame() is None
        with pytest.raises(BrokenPipeError):
            service.send("connect")

    def test_closed_later_the_dialplan_goes_on_once_what_is_queued_has_run(self, s):
        call, service = s.call("s:300")
        service.start()
        service.execute("playback", PASSWORD)
        service.execute("playback", OPTIONS)
        service.socket.close()
        s.run()
        assert call.line.heard == ["vm-password", "vm-opts", "vm-goodbye"]
        assert call.channel.cause == "NORMAL_UNSPECIFIED"

    def test_with_socket_resume_the_dialplan_goes_on_at_once(self, s):
        call, service = s.call("s:300", variables={"socket_resume": "true"})
        service.start()
        service.execute("playback", OPTIONS)
        service.event("CHANNEL_EXECUTE")
        service.socket.close()
        s.run()
        assert call.line.heard == ["vm-opts", "vm-goodbye"]
        assert call.line.sounds[0].cut

    def test_exit_gives_the_call_back_to_the_dialplan(self, s):
        call, service = s.call("s:300")
        service.start()
        service.send("exit")
        assert service.rest()[-1] == "text/disconnect-notice"
        s.run()
        assert call.line.heard == ["vm-goodbye"]

    def test_after_a_transfer_the_socket_stays_open_and_tells_what_the_dialplan_does(self, s):
        call, service = s.call("s:300")
        service.start()
        service.execute("transfer", "operator XML default", uuid="xfer")
        service.event("CHANNEL_EXECUTE_COMPLETE", Application="transfer")
        there = service.event("CHANNEL_EXECUTE")
        assert (there["Application"], there["Caller-Destination-Number"]) == ("playback", "operator")
        assert "CHANNEL_HANGUP_COMPLETE" in service.rest()
        assert call.transferred == ("operator", "default")
        assert call.line.heard == ["vm-password"]

    def test_a_transfer_to_nowhere_hangs_up(self, s):
        call, service = s.call("s:300")
        service.start()
        service.execute("transfer", "nowhere")
        service.rest()
        assert call.channel.cause == "NO_ROUTE_DESTINATION"

    def test_after_the_hang_up_everything_is_ok_and_nothing_happens(self, s):
        call, service = s.call("s:1 hang")
        service.start("linger")
        service.event("CHANNEL_HANGUP_COMPLETE")
        service.execute("playback", OPTIONS)
        assert service.frame()["Content-Disposition"] == "linger"
        assert service.frame()["Reply-Text"] == "+OK"
        with pytest.raises(TimeoutError):
            service.frame(timeout=600)
        assert not call.line.heard
        service.send("exit")
        assert service.frame()["Reply-Text"] == "+OK bye"


class TestSeveralCalls:
    def test_a_subscription_without_myevents_or_a_filter_hears_other_calls(self, s):
        _, mine = s.call("s:60")
        other, theirs = s.call("s:60")
        mine.send("connect")
        mine.frame()
        mine.send("event plain CHANNEL_EXECUTE_COMPLETE")
        mine.frame()
        theirs.send("connect")
        theirs.execute("answer")
        s.clock.pass_time(1)
        assert mine.frame()["Unique-ID"] == other.uuid

    def test_with_a_filter_on_its_own_call_it_does_not(self, s):
        call, mine = s.call("s:60")
        _, theirs = s.call("s:60")
        mine.send("connect")
        mine.frame()
        for command in (f"filter Unique-ID {call.uuid}", "event plain CHANNEL_EXECUTE_COMPLETE"):
            mine.send(command)
            mine.frame()
        theirs.send("connect")
        theirs.execute("answer")
        s.clock.pass_time(1)
        mine.execute("answer")
        assert mine.frame()["Reply-Text"] == "+OK"
        s.clock.pass_time(1)
        assert mine.frame()["Unique-ID"] == call.uuid

    def test_services_in_greenlets_share_one_time(self, s):
        """Each waits for its own caller; time goes on only while all of them wait."""
        order = []

        def serve(name, service, pause):
            service.start()
            for turn in range(3):
                service.execute("sleep", str(pause), uuid=f"{name}{turn}")
                service.event("CHANNEL_EXECUTE_COMPLETE", **{"Application-UUID": f"{name}{turn}"})
                order.append((round(s.clock.now() - 1000, 2), name))
                gevent.sleep(0.001)  # works on something: time stands still for the other, too
            service.socket.close()

        services = [(name, s.call("s:60")[1], pause) for name, pause in (("slow", 1000), ("fast", 400))]
        gevent.joinall([gevent.spawn(serve, *one) for one in services], raise_error=True)
        assert order == [
            (0.42, "fast"),
            (0.84, "fast"),
            (1.02, "slow"),
            (1.26, "fast"),
            (2.04, "slow"),
            (3.06, "slow"),
        ]

    def test_no_time_passes_while_it_is_held(self, s):
        _, service = s.call("s:60")
        seen = []

        def waits():
            service.start()
            service.execute("sleep", "5000", uuid="nap")
            service.event("CHANNEL_EXECUTE_COMPLETE", **{"Application-UUID": "nap"})
            seen.append("the sleep is over")
            service.socket.close()

        def works():
            with s.keeper.hold():
                gevent.sleep(0.02)
                seen.append(("worked", s.elapsed))

        gevent.joinall([gevent.spawn(works), gevent.spawn(waits)], raise_error=True)
        assert seen == [("worked", 0), "the sleep is over"]

    def test_a_service_that_ends_lets_the_others_go_on(self, s):
        _, first = s.call("s:60")
        _, second = s.call("s:60")
        ended = []

        def waits():
            second.start()
            second.execute("sleep", "500", uuid="nap")
            second.event("CHANNEL_EXECUTE_COMPLETE", **{"Application-UUID": "nap"})
            ended.append(s.elapsed)
            second.socket.close()

        def leaves():
            gevent.sleep(0.01)
            first.socket.close()

        gevent.joinall([gevent.spawn(waits), gevent.spawn(leaves)], raise_error=True)
        assert ended == [0.52]

    def test_a_wait_that_nothing_will_end_is_an_error(self, s):
        _, service = s.call()
        service.start()
        with pytest.raises(StuckError):
            service.rest()


class TestThePipe:
    def test_timeouts_are_on_the_virtual_clock(self, s):
        _, service = s.call("s:60")
        service.start()
        with pytest.raises(TimeoutError):
            service.frame(timeout=6)
        assert s.elapsed == 6
        with pytest.raises(BlockingIOError):
            service.frame(timeout=0)

    def test_commands_may_come_in_any_pieces(self, s):
        _, service = s.call("s:60")
        text = b"connect\r\n\r\n\n\nsendmsg\ncall-command: execute\nexecute-app-name: set\ncontent-length: 3\n\na=b"
        for at in range(len(text)):
            service.socket.sendall(text[at : at + 1])
        assert service.frame()["Event-Name"] == "CHANNEL_DATA"
        assert service.frame()["Reply-Text"] == "+OK"

    def test_it_reads_and_writes_as_a_file_does(self, s):
        _, service = s.call("s:60")
        out = service.socket.makefile("wb")
        out.write(b"connect\n\n")
        out.flush()
        assert service.socket.makefile("rb").readline() == b"Event-Name: CHANNEL_DATA\n"

    def test_a_closed_socket_is_closed(self, s):
        _, service = s.call("s:60")
        service.socket.close()
        service.socket.close()
        with pytest.raises(OSError, match="closed"):
            service.send("connect")
