"""Keys as they really come: by two ways at once, and where FreeSWITCH was told to keep them to itself."""

import pytest
from esl_peer import Switch, answer, event

from esl_vm.esl.phone import EslPhone
from esl_vm.esl.session import CallSession
from esl_vm.model.call import ALL_KEYS, Ended
from esl_vm.model.findings import Level
from esl_vm.ops.check_keys import check_keys
from esl_vm.speech.packs import NominalPack
from esl_vm.speech.utterance import Prompt, Sound

SAID = (Prompt("vm-password", "en"),)


def phone_on(switch: Switch) -> EslPhone:
    session = CallSession(("127.0.0.1", 40000), switch, clock=switch.clock)
    return EslPhone(session, session.connect(), NominalPack())


def told(key: str, source: str, samples: int = 800) -> bytes:
    return event("DTMF", DTMF__Digit=key, DTMF__Duration=str(samples), DTMF__Source=source)


def press_twice_told(switch: Switch, at: float, key: str, apart: float, second: str) -> None:
    switch.at(at, switch.write, told(key, "RTP"))
    switch.at(at + apart, switch.write, told(key, second))


@pytest.mark.parametrize("second", ["ENDPOINT", "INBAND_AUDIO"])
@pytest.mark.parametrize("apart", [0.001, 0.04, 0.1])
def test_a_key_that_comes_by_two_ways_counts_once(second, apart):
    switch = Switch()
    phone = phone_on(switch)
    for n, key in enumerate("1123"):
        press_twice_told(switch, 1 + 0.25 * n, key, apart, second)
    keys = [phone.wait_key(3000, ALL_KEYS) for _ in range(5)]
    assert keys == ["1", "1", "2", "3", None]


@pytest.mark.parametrize(("first", "second"), [("RTP", "ENDPOINT"), ("INBAND_AUDIO", "RTP")])
def test_a_key_that_is_told_when_it_is_pressed_and_when_it_is_released_counts_once(first, second):
    switch = Switch()
    phone = phone_on(switch)
    switch.at(1.0, switch.write, told("1", first, 400))
    switch.at(4.0, switch.write, told("1", second, 24000))
    switch.at(4.3, switch.write, told("1", first, 400))
    assert [phone.wait_key(9000, ALL_KEYS) for _ in range(3)] == ["1", "1", None]


@pytest.mark.parametrize(
    ("call", "bugs"),
    [
        ({}, "IGNORE_DTMF_DURATION"),
        ({"Answer-State": "answered"}, None),
        ({"variable_rtp_manual_rtp_bugs": "SONUS"}, None),
    ],
)
def test_keys_are_asked_for_as_they_are_pressed_where_the_line_is_not_open_yet(call, bugs):
    switch = Switch(**call)
    phone_on(switch).play(SAID, "")
    assert switch.variables.get("rtp_manual_rtp_bugs") == bugs


class Held(Switch):
    """Keys are down between these seconds: FreeSWITCH counts their packets."""

    def __init__(self, *down):
        super().__init__()
        self._down = down

    def api(self, text):
        if "rtp_audio_in_dtmf_packet_count" in text:
            packets = sum(int(50 * (min(max(self.time, start), end) - start)) for start, end in self._down)
            self.soon(answer(str(packets)))
        else:
            super().api(text)


@pytest.mark.parametrize("told_at", ["pressed", "released"])
def test_while_a_key_is_held_the_time_for_the_next_digit_does_not_run_out(told_at):
    down = ((1.0, 4.0), (5.9, 9.0), (10.8, 10.9))
    switch = Held(*down)
    phone = phone_on(switch)
    for key, (start, end) in zip("482", down, strict=True):
        switch.at(start if told_at == "pressed" else end, switch.write, told(key, "RTP"))
    assert [phone.wait_key(4100 if n == 0 else 2000, ALL_KEYS) for n in range(4)] == ["4", "8", "2", None]
    assert switch.time == pytest.approx(12.8 if told_at == "pressed" else 12.9, abs=0.02)


def test_a_key_that_is_pressed_twice_counts_twice():
    switch = Switch()
    phone = phone_on(switch)
    for at in (1.0, 1.09):
        switch.at(at, switch.write, told("1", "RTP"))
    assert [phone.wait_key(2000, ALL_KEYS) for _ in range(3)] == ["1", "1", None]


def test_when_a_key_came_is_freeswitchs_to_say():
    """The service may not read for a while: a PIN is being checked."""
    switch = Switch()
    phone = phone_on(switch)
    for source, micros in (("RTP", 1_000_000), ("ENDPOINT", 1_060_000), ("RTP", 1_800_000)):
        said = told("#", source).replace(b"DTMF-Digit", b"Event-Date-Timestamp: %d\nDTMF-Digit" % micros)
        head, _, body = said.partition(b"\n\n")
        length = b"Content-Length: %d" % len(body)
        switch.at(micros / 1e6 * 3, switch.write, length + head[head.index(b"\n") :] + b"\n\n" + body)
    assert [phone.wait_key(9000, ALL_KEYS) for _ in range(3)] == ["#", "#", None]


class TwiceTold(Switch):
    """Tells each key of `press` a second time, by SIP INFO; both end what plays."""

    def press(self, keys: str) -> None:
        for key in keys:
            self._told(key, "RTP")
            self.at(self.time + 0.06, self._told, key, "ENDPOINT")

    def _told(self, key: str, source: str) -> None:
        self._write(told(key, source))
        if self._stops(key):
            self._end(terminator=key)


def test_a_prompt_that_the_second_telling_stops_is_played_again():
    switch = TwiceTold(lasts={"vm-password": 2, "vm-opts": 3})
    phone = phone_on(switch)
    switch.at(1.0, switch.press, "1")
    assert phone.play(SAID, ALL_KEYS) == "1"
    began = switch.time
    assert phone.play((Prompt("vm-opts", "en"),), ALL_KEYS) is None
    assert switch.time - began >= 3
    assert [argument.rpartition("/")[2] for _, argument in switch.executed] == [
        "vm-password.wav",
        "vm-opts.wav",
        "vm-opts.wav",
    ]


def test_a_message_that_the_second_telling_stops_goes_on_where_it_was(tmp_path):
    switch = TwiceTold(lasts={"m.wav": 3})
    phone = phone_on(switch)
    switch.results = lambda _running: {"variable_playback_last_offset_pos": "8000"}
    switch.at(1.0, switch.press, "1")
    phone.play(SAID, ALL_KEYS)
    listened = phone.listen(Sound(str(tmp_path / "m.wav"), "message"), 0, ALL_KEYS)
    assert listened.key is None
    assert [argument.rpartition("/")[2] for _, argument in switch.executed[1:]] == ["m.wav", "m.wav@@8000"]


def test_a_recording_that_the_second_telling_ends_says_so(tmp_path):
    switch = TwiceTold(lasts={"a.wav": 9})
    phone = phone_on(switch)
    switch.at(1.0, switch.press, "#")
    phone.play(SAID, ALL_KEYS)
    recorded = phone.record(tmp_path / "a.wav", max_s=9, silence_s=0, threshold=0, keys="#")
    assert (recorded.ended, recorded.key) == (Ended.KEY, "#")


def test_where_keys_are_kept_secret_they_are_told_while_the_call_is_ours():
    switch = Switch(variable_sensitive_dtmf="true")
    session = CallSession(("127.0.0.1", 40000), switch, clock=switch.clock)
    session.connect()
    session.flush()
    assert switch.variables["sensitive_dtmf"] == "false"
    session.hand_back()
    assert switch.variables["sensitive_dtmf"] == "true"


LOG = '<configuration name="logfile.conf"><profiles><profile><mappings><map name="all" value="{}"/></mappings></profile></profiles>'


class Asked:
    """A FreeSWITCH that is asked about keys."""

    def __init__(self, level="debug", logged="console,debug,info,notice", modes=("rfc2833",), module="true"):
        self._answers = {
            "xml_locate configuration configuration name switch.conf": f'<param name="loglevel" value="{level}"></param>',
            "module_exists mod_logfile": module,
            "xml_locate configuration configuration name logfile.conf": LOG.format(logged),
            "sofia xmlstatus": "".join(f"<profile>\n<name>p{n}</name></profile>" for n, _ in enumerate(modes)),
            **{f"sofia xmlstatus profile p{n}": f"<dtmf-mode>{mode}</dtmf-mode>" for n, mode in enumerate(modes)},
        }

    def api(self, line):
        return self._answers[line]


@pytest.mark.parametrize(
    ("asked", "level"),
    [
        (Asked(), Level.WARNING),
        (Asked(logged="all"), Level.WARNING),
        (Asked(level="notice"), Level.OK),
        (Asked(level="info"), Level.WARNING),
        (Asked(logged="notice,warning,err"), Level.OK),
        (Asked(module="false"), Level.OK),
    ],
)
def test_doctor_says_whether_freeswitchs_log_has_the_pins(asked, level):
    assert [one.level for one in check_keys(asked)] == [level]


def test_doctor_names_a_profile_that_takes_no_keys():
    found = list(check_keys(Asked(level="err", modes=("rfc2833", "none", "info"))))
    assert [one.said for one in found if one.level is Level.ERROR] == ["SIP profile p1 takes no keys (dtmf-type none)"]
