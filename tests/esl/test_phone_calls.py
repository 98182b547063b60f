"""The caller's line over an event socket, as calls: what FreeSWITCH is told, and what the conversation learns."""

from contextlib import nullcontext
from pathlib import Path

import pytest
from esl_peer import UUID, Pack, Switch, event, reply

from esl_vm.esl.phone import EslPhone
from esl_vm.esl.session import CallSession
from esl_vm.model.call import ALL_KEYS, Ended, Listened, Recorded
from esl_vm.model.errors import CallerGoneError, SpoolError, UnsafeArgumentError
from esl_vm.speech.utterance import Pause, Prompt, Sound


def call(switch: Switch) -> EslPhone:
    """A call that has just reached the service."""
    session = CallSession(("127.0.0.1", 40000), switch, clock=switch.clock)
    phone = EslPhone(session, session.connect(), Pack())
    phone.session = session
    switch.time += 0.01  # the conversation begins
    return phone


def prompts(*names):
    return tuple(Prompt(name, "fr") for name in names)


GREETING = prompts("vm-youhave", "digits/2", "vm-messages")
GREETING_FILES = "/p/fr/vm-youhave.wav!/p/fr/digits/2.wav!/p/fr/vm-messages.wav"


# -- reaching the service --------------------------------------------------------------------------------------------


def test_a_call_is_what_the_switch_says_it_is():
    phone = call(Switch())
    assert (phone.call.uuid, phone.call.node, phone.call.destination) == (UUID, "media1", "*97")
    assert (phone.call.caller.number, phone.call.caller.name) == ("1001", "Anné Dupont")
    assert phone.call.variable("vm_action") == "check"
    assert phone.call.variable("domain_name") == "example.org"
    assert not phone.call.answered


def test_only_the_variables_that_are_asked_for_are_kept():
    assert set(call(Switch()).call.variables) == {"vm_action", "domain_name"}


@pytest.mark.parametrize(
    "description",
    [
        {"Caller__Caller__ID__Number": "anonymous", "Caller__Privacy__Hide__Number": "true"},
        {"Caller__Caller__ID__Number": "0000000000", "Caller__Caller__ID__Name": ""},
        {"Caller__Caller__ID__Number": "", "Caller__Caller__ID__Name": ""},
    ],
)
def test_a_hidden_caller_has_no_number_and_no_name(description):
    caller = call(Switch(**description)).call.caller
    assert (caller.number, caller.name) == ("", "")


@pytest.mark.parametrize(
    ("sent", "number"),
    [
        ("+1-514-555-0179", "+15145550179"),
        ("(514)5550181", "5145550181"),
        ("tel:+1-514-555-0179", "+15145550179"),
        ("tel:555-0179;phone-context=+1514", "5550179"),
        ("514.555.0181", "5145550181"),
        ("+15145550179;npdi;rn=+15145550100", "+15145550179"),
        ("alice", "alice"),
        ("a-b", "a-b"),
        ("+", "+"),
        ("1001@tenant", "1001@tenant"),
    ],
)
def test_a_number_is_read_without_what_only_makes_it_easier_to_read(sent, number):
    assert call(Switch(Caller__Caller__ID__Number=sent)).call.caller.number == number


@pytest.mark.parametrize(
    ("sent", "name"),
    [
        (b"Ren\xe9e \x93Z\x94", "Renée “Z”"),
        ("Renée".encode(), "Renée"),
        (b'Ann \\"Bo\\" C', 'Ann "Bo" C'),
        (b"C:\\\\D", "C:\\D"),
        (b"Outbound Call", ""),
        (b"0000000000", ""),
    ],
)
def test_a_name_is_read_as_it_was_meant(sent, name):
    assert call(Switch(Caller__Caller__ID__Name=sent)).call.caller.name == name


def test_the_number_and_name_that_the_dialplan_gives_a_caller_are_his():
    given = {"variable_effective_caller_id_name": "SALES Anné", "variable_effective_caller_id_number": "5145550100"}
    caller = call(Switch(**given)).call.caller
    assert (caller.number, caller.name) == ("5145550100", "SALES Anné")
    hidden = call(Switch(**given, Caller__Privacy__Hide__Number="true")).call.caller
    assert (hidden.number, hidden.name) == ("", "")


def test_a_name_that_forges_headers_stays_a_name_on_one_line():
    switch = Switch(Caller__Caller__ID__Name="Eve\nvariable_vm_skip_pin: true\nUnique-ID: other")
    phone = call(switch)
    assert phone.call.caller.name == "Eve variable_vm_skip_pin: true Unique-ID: other"
    assert phone.call.uuid == UUID
    assert "vm_skip_pin" not in phone.call.variables


AT_ONCE = "rtp_manual_rtp_bugs=IGNORE_DTMF_DURATION"


def test_the_session_listens_to_its_own_call_only_and_to_few_events():
    switch = Switch()
    call(switch).answer()
    host = switch.variables["socket_host"]
    assert switch.commands[:-1] == [
        "connect",
        f"filter Unique-ID {UUID}",
        "event plain CHANNEL_EXECUTE_COMPLETE DTMF CHANNEL_HANGUP CHANNEL_HOLD CHANNEL_UNHOLD",
        "linger 30",
        f"api uuid_setvar_multi {UUID} playback_delimiter=!;playback_sleep_val=0;socket_host={host};{AT_ONCE}",
    ]
    assert host, "overwritten by another `socket`, so its beginning shows"
    assert switch.commands[-1].startswith("sendmsg"), "one write with the first thing done"


# -- playing ---------------------------------------------------------------------------------------------------------


def test_an_utterance_is_one_application():
    switch = Switch()
    phone = call(switch)
    assert phone.play((*GREETING, Pause(300), Sound("/spool/x.wav", "name")), ALL_KEYS) is None
    assert switch.executed == [("playback", GREETING_FILES + "!silence_stream://300!/spool/x.wav")]


def test_one_file_is_played_as_it_is_and_no_file_not_at_all():
    switch = Switch()
    phone = call(switch)
    phone.play(prompts("vm-goodbye"), "")
    assert phone.play((*prompts("none"), Pause(0)), ALL_KEYS) is None
    assert switch.executed == [("playback", "/p/fr/vm-goodbye.wav")]


def test_a_prompt_may_be_said_by_several_files():
    switch = Switch()
    call(switch).play(prompts("two"), "")
    assert switch.executed == [("playback", "/p/fr/a.wav!/p/fr/b.wav")]


def test_an_utterance_longer_than_freeswitch_takes_is_played_in_parts():
    switch = Switch(lasts={"silence": 0.1})
    call(switch).play(tuple(Pause(1) for _ in range(300)), "")
    assert [len(argument.split("!")) for _, argument in switch.executed] == [128, 128, 44]


def test_a_key_stops_the_prompt_at_once():
    switch = Switch()
    phone = call(switch)
    switch.at(1.0, switch.press, "5")
    assert phone.play(GREETING, ALL_KEYS) == "5"
    assert switch.time == pytest.approx(1.0, abs=0.01)


def test_only_the_wanted_keys_stop_the_prompt():
    switch = Switch()
    phone = call(switch)
    switch.at(0.5, switch.press, "7")
    switch.at(1.0, switch.press, "2")
    assert phone.play(GREETING, "12") == "2"
    assert switch.variables["playback_terminators"] == "12"
    assert phone.wait_key(100, ALL_KEYS) is None, "the 7 is dropped"


def test_nothing_stops_a_prompt_without_keys_and_they_all_wait():
    switch = Switch()
    phone = call(switch)
    switch.at(0.5, switch.press, "12#")
    assert phone.play(GREETING, "") is None
    assert switch.variables["playback_terminators"] == "none"
    assert [phone.wait_key(0, ALL_KEYS) for _ in range(4)] == ["1", "2", "#", None]


def test_freeswitch_is_told_which_keys_stop_only_when_that_changes():
    switch = Switch(lasts={"": 0.1})
    phone = call(switch)
    for keys in (ALL_KEYS, ALL_KEYS, "123", "123", ALL_KEYS):
        phone.play(GREETING, keys)
    told = [line for line in switch.commands if "playback_terminators" in line]
    assert [line.rpartition("=")[2] for line in told] == ["any", "123", "any"]


def test_telling_it_costs_no_application_and_no_waiting():
    switch = Switch()
    phone = call(switch)
    before = switch.time
    phone.play(GREETING, ALL_KEYS)
    assert switch.time - before == pytest.approx(2.02, abs=0.005)


def test_keys_dialled_ahead_give_each_menu_its_own_and_nothing_is_played():
    switch = Switch()
    phone = call(switch)
    switch.at(0.3, switch.press, "1234#05*2")
    heard = [phone.play(prompts(f"menu-{n}"), ALL_KEYS) for n in range(9)]
    assert "".join(heard) == "1234#05*2"
    assert switch.executed == [("playback", "/p/fr/menu-0.wav")]


def test_keys_that_came_while_the_conversation_was_busy_are_there():
    switch = Switch()
    phone = call(switch)
    switch.at(0.5, switch.press, "42")
    switch.time = 3.0  # a slow database
    assert phone.play(GREETING, ALL_KEYS) == "4"
    assert phone.wait_key(1000, ALL_KEYS) == "2"
    assert switch.executed == []


def test_a_wanted_key_behind_others_counts_and_those_are_dropped():
    switch = Switch()
    phone = call(switch)
    switch.press("7892")
    assert phone.play(GREETING, "12") == "2"
    assert phone.wait_key(0, ALL_KEYS) is None


def test_a_key_that_slips_in_before_the_prompt_begins_is_answered_with_a_break():
    """FreeSWITCH drops keys pressed before the application has begun; it would play to the end."""
    switch = Switch(lasts={"": 30})
    phone = call(switch)
    switch.at(switch.time + 0.01, switch.press, "5")
    assert phone.play(GREETING, ALL_KEYS) == "5"
    assert switch.time < 0.15
    assert [line for line in switch.commands if "uuid_break" in line] == [f"api uuid_break {UUID} all"]


def test_a_break_that_came_too_early_is_repeated():
    switch = Switch(lasts={"": 30})
    breaks = []
    api = switch.api

    def deaf_at_first(text):
        if text.startswith("uuid_break"):
            breaks.append(switch.time)
            if len(breaks) < 3:
                return switch.soon(b"Content-Type: api/response\nContent-Length: 4\n\n+OK\n")
        return api(text)

    switch.api = deaf_at_first
    phone = call(switch)
    switch.at(switch.time + 0.01, switch.press, "5")
    assert phone.play(GREETING, ALL_KEYS) == "5"
    assert len(breaks) == 3


def test_a_key_that_ends_the_prompt_needs_no_break():
    switch = Switch()
    phone = call(switch)
    switch.at(1.0, switch.press, "5")
    phone.play(GREETING, ALL_KEYS)
    assert not [line for line in switch.commands if "uuid_break" in line]


def test_the_end_of_the_prompt_may_be_told_before_the_key():
    switch = Switch()
    switch.late_keys = True
    phone = call(switch)
    switch.at(1.0, switch.press, "5")
    assert phone.play(GREETING, ALL_KEYS) == "5"
    assert phone.wait_key(500, ALL_KEYS) is None, "it is not taken twice"


def test_a_missing_prompt_is_logged_and_the_conversation_goes_on(caplog):
    switch = Switch(lasts={"missing": 0})
    phone = call(switch)
    assert phone.play(prompts("missing"), ALL_KEYS) is None
    assert "FILE NOT FOUND: /p/fr/missing.wav" in caplog.text
    assert phone.play(GREETING, ALL_KEYS) is None


@pytest.mark.parametrize(
    "path", ["/a!b.wav", "/a\nb.wav", "/a@@9.wav", "/a${x}.wav", "/it's.wav", "tone_stream://x", ""]
)
def test_a_path_that_would_mean_something_else_is_refused(path):
    switch = Switch()
    phone = call(switch)
    with pytest.raises(UnsafeArgumentError):
        phone.play((Sound(path, "x"),), ALL_KEYS)
    assert switch.executed == []


# -- keys ------------------------------------------------------------------------------------------------------------


def test_waiting_for_a_key_needs_no_application():
    switch = Switch()
    phone = call(switch)
    switch.at(2.5, switch.press, "9")
    assert phone.wait_key(4000, ALL_KEYS) == "9"
    assert switch.executed == []


def test_the_wait_is_over_when_its_time_is():
    switch = Switch()
    phone = call(switch)
    began = switch.time
    switch.at(began + 1.0, switch.press, "8")
    assert phone.wait_key(3000, "12") is None
    assert switch.time - began == pytest.approx(3.0, abs=0.01)


def test_only_the_twelve_keys_are_keys():
    switch = Switch()
    phone = call(switch)
    for odd in ("A", "F", "", "12", "é"):
        switch.write(event("DTMF", DTMF__Digit=odd))
    switch.write(event("DTMF", DTMF__Digit="*"))
    assert phone.wait_key(1000, ALL_KEYS + "AF") == "*"


def test_a_key_of_another_call_is_not_ours():
    switch = Switch()
    phone = call(switch)
    switch.write(event("DTMF", DTMF__Digit="1").replace(UUID.encode(), UUID[::-1].encode()))
    switch.write(event("CHANNEL_HANGUP", Hangup__Cause="X").replace(UUID.encode(), UUID[::-1].encode()))
    assert phone.wait_key(1000, ALL_KEYS) is None


def test_endless_keys_take_no_endless_memory():
    switch = Switch()
    phone = call(switch)
    switch.press("1" * 500)
    phone.play(GREETING, "")
    assert len(phone.session.keys) == 64


# -- listening -------------------------------------------------------------------------------------------------------


@pytest.fixture
def message(tmp_path):
    """A recording of ten seconds, 8 kHz."""
    return wav(tmp_path / "message.wav", 8000, 10)


def wav(path: Path, rate: int, seconds: float) -> Sound:
    data = b"\0\0" * int(rate * seconds)
    fmt = b"fmt " + (16).to_bytes(4, "little") + b"\1\0\1\0" + rate.to_bytes(4, "little")
    fmt += (rate * 2).to_bytes(4, "little") + b"\2\0\x10\0"
    chunk = b"data" + len(data).to_bytes(4, "little") + data
    path.write_bytes(b"RIFF" + (36 + len(data)).to_bytes(4, "little") + b"WAVE" + fmt + chunk)
    return Sound(str(path), "message")


def offset_at_end(switch: Switch, position: int) -> None:
    switch.results = lambda _: {"variable_playback_last_offset_pos": str(position)}


def test_a_message_played_to_its_end_stops_at_its_length(message):
    switch = Switch()
    offset_at_end(switch, 80500)
    assert call(switch).listen(message, 0, ALL_KEYS) == Listened(None, 10_000)
    assert switch.executed == [("playback", message.path)]


def test_a_key_tells_where_the_message_stopped_to_the_millisecond(message):
    switch = Switch()
    phone = call(switch)
    offset_at_end(switch, 34_568)
    switch.at(1.0, switch.press, "#")
    assert phone.listen(message, 3000, ALL_KEYS) == Listened("#", 4321)
    assert switch.executed == [("playback", message.path + "@@24000")]


def test_the_position_is_right_in_a_file_of_another_rate(tmp_path):
    """The offset counts the file's samples, what was played since is counted in the line's."""
    sound = wav(tmp_path / "wide.wav", 16000, 10)
    switch = Switch()
    phone = call(switch)
    offset_at_end(switch, 16_000 + 7_840)
    switch.at(0.9, switch.press, "5")
    assert phone.listen(sound, 1000, ALL_KEYS) == Listened("5", 1980)
    assert switch.executed == [("playback", sound.path + "@@16000")]


def test_from_behind_the_end_there_is_nothing_to_play(message):
    switch = Switch()
    assert call(switch).listen(message, 12_000, ALL_KEYS) == Listened(None, 10_000)
    assert switch.executed == []


def test_from_before_the_beginning_it_is_played_from_the_beginning(message):
    switch = Switch()
    offset_at_end(switch, 80_000)
    call(switch).listen(message, -3000, ALL_KEYS)
    assert switch.executed == [("playback", message.path)]


def test_a_key_dialled_ahead_plays_nothing_and_stays_where_it_was(message):
    switch = Switch()
    phone = call(switch)
    switch.press("6")
    assert phone.listen(message, 3000, ALL_KEYS) == Listened("6", 3000)
    assert switch.executed == []


def test_a_path_with_an_at_sign_is_played_from_its_beginning_only(tmp_path):
    sound = wav(tmp_path / "1001@default.wav", 8000, 2)
    phone = call(Switch())
    assert phone.listen(sound, 0, ALL_KEYS).key is None
    with pytest.raises(UnsafeArgumentError):
        phone.listen(sound, 1000, ALL_KEYS)


# -- recording -------------------------------------------------------------------------------------------------------


@pytest.fixture
def take(tmp_path):
    """A file FreeSWITCH records into."""
    path = tmp_path / "take.wav"
    path.write_bytes(b"RIFF")
    return path


def record(phone, path, **changes):
    return phone.record(path, **{"max_s": 60, "silence_s": 10, "threshold": 128, "keys": "#"} | changes)


def test_a_key_ends_the_recording(take):
    switch = Switch(lasts={"take": 30})
    phone = call(switch)
    switch.at(1.0, switch.press, "5")
    switch.at(2.0, switch.press, "#")
    assert record(phone, take) == Recorded(1960, Ended.KEY, "#")
    assert switch.executed == [("record", f"{take} 61 128 10")]
    assert phone.wait_key(100, ALL_KEYS) is None, "the 5 did nothing"


def test_silence_ends_the_recording(take):
    switch = Switch()
    switch.results = lambda _: {"variable_silence_hits_exhausted": "true", "variable_record_ms": "12000"}
    assert record(call(switch), take) == Recorded(12_000, Ended.SILENCE)


def test_the_limit_ends_the_recording_exactly(take):
    switch = Switch(lasts={"take": 100})
    phone = call(switch)
    began = switch.time
    assert record(phone, take, max_s=5, silence_s=0) == Recorded(1960, Ended.LIMIT)
    assert switch.time - began == pytest.approx(5.04, abs=0.01)
    assert switch.executed == [("record", f"{take} 6")]


def test_without_limit_and_silence_only_a_key_ends_it(take):
    switch = Switch(lasts={"take": 7200})
    phone = call(switch)
    switch.at(5000.0, switch.press, "#")
    assert record(phone, take, max_s=0, silence_s=0).ended is Ended.KEY
    assert switch.executed == [("record", f"{take} 0")]


def test_keys_dialled_before_the_tone_do_not_end_it(take):
    switch = Switch()
    phone = call(switch)
    switch.press("##1")
    assert record(phone, take).ended is Ended.LIMIT
    assert phone.wait_key(0, ALL_KEYS) is None


def test_the_threshold_follows_the_rate_of_the_line(take):
    switch = Switch(Channel__Read__Codec__Rate="16000")
    record(call(switch), take)
    assert switch.executed == [("record", f"{take} 61 256 10")]


@pytest.mark.parametrize(("rate", "threshold"), [("8000", 128), ("16000", 256), ("48000", 768)])
def test_the_threshold_follows_the_rate_that_the_tones_end_tells(take, rate, threshold):
    switch = Switch()
    switch.results = lambda _: {"Channel-Read-Codec-Rate": rate, "Application-Response": "FILE PLAYED"}
    phone = call(switch)
    phone.play(GREETING, "")
    record(phone, take)
    assert switch.executed[-1] == ("record", f"{take} 61 {threshold} 10")


def codec_told(switch, rate, name="PCMU"):
    """A re-INVITE: FreeSWITCH's read codec stays the recording's, what is written changes."""
    switch.write(event("CODEC", Channel__Write__Codec__Name=name, Channel__Write__Codec__Rate=rate))


@pytest.mark.parametrize("hangs_up", [False, True])
def test_where_the_codecs_rate_changes_the_recording_goes_on_in_another_file(take, hangs_up):
    switch = Switch(lasts={"take": 30})
    phone = call(switch)
    pieces = iter((take.with_name("take.2.wav"), take.with_name("take.3.wav")))
    switch.at(1.0, codec_told, switch, "8000", "PCMA")
    switch.at(2.0, codec_told, switch, "16000", "G722")
    switch.at(3.0, codec_told, switch, "8000")
    switch.at(4.0, *((switch.hang_up,) if hangs_up else (switch.press, "#")))
    with pytest.raises(CallerGoneError) if hangs_up else nullcontext():
        recorded = record(phone, take, following=lambda: next(pieces))
        assert recorded == Recorded(3 * 1960, Ended.KEY, "#")
    assert switch.executed == [
        ("record", f"{take} 61 128 10"),
        ("record", f"{take.with_name('take.2.wav')} 59 256 5"),
        ("record", f"{take.with_name('take.3.wav')} 58 128 10"),
    ]
    if not hangs_up:
        codec_told(switch, "48000")
        phone.play(GREETING, "")


def test_the_limit_and_what_is_told_later_count_from_the_beginning_whatever_changes(take):
    switch = Switch(lasts={"take": 100})
    phone = call(switch)
    switch.at(2.0, codec_told, switch, "16000")
    following = take.with_name("take.2.wav")
    began = switch.time
    ended = record(phone, take, max_s=5, then={"vm_status": "SUCCESS"}, then_ms=3000, following=lambda: following)
    assert ended.ended is Ended.LIMIT
    assert switch.time - began == pytest.approx(5.0, abs=0.1)
    assert switch.variables["vm_status"] == "SUCCESS"
    assert [argument for _, argument in switch.executed] == [f"{take} 6 128 10", f"{following} 4 256 10"]


@pytest.mark.parametrize(("silence_s", "told"), [(10, 5), (5, 3), (1, 1)])
def test_on_a_g722_line_freeswitch_counts_silence_twice(take, silence_s, told):
    switch = Switch(Channel__Read__Codec__Rate="16000", Channel__Read__Codec__Name="G722")
    record(call(switch), take, silence_s=silence_s)
    assert switch.executed == [("record", f"{take} 61 256 {told}")]


def test_the_caller_hanging_up_is_told_once_the_file_is_whole(take):
    switch = Switch(lasts={"take": 30})
    phone = call(switch)
    ended = []
    switch.results = lambda running: ended.append(switch.time) or {}
    switch.at(2.0, switch.hang_up)
    with pytest.raises(CallerGoneError, match="NORMAL_CLEARING"):
        record(phone, take)
    assert ended == [pytest.approx(2.001)]
    assert switch.time >= ended[0]


def test_a_recording_that_never_began_is_not_waited_for(take):
    switch = Switch()
    phone = call(switch)
    switch.at(switch.time + 0.005, switch.hang_up)
    with pytest.raises(CallerGoneError):
        record(phone, take)
    assert switch.time < 0.1


def test_an_end_that_is_never_told_is_waited_for_five_seconds_at_most(take, caplog):
    switch = Switch(lasts={"take": 30})
    switch.after_hang_up = False
    phone = call(switch)
    switch.at(2.0, switch.write, event("CHANNEL_HANGUP", Hangup__Cause="NORMAL_CLEARING"))
    with pytest.raises(CallerGoneError):
        record(phone, take)
    assert switch.time == pytest.approx(7.0, abs=0.1)
    assert "no end of the application" in caplog.text


def test_a_folder_that_is_not_there_is_an_error_and_the_call_goes_on(tmp_path):
    switch = Switch()
    phone = call(switch)
    with pytest.raises(SpoolError):
        record(phone, tmp_path / "nowhere" / "take.wav")
    assert switch.executed == []
    assert phone.play(GREETING, "") is None


def test_a_folder_that_freeswitch_does_not_see_is_an_error_and_the_call_goes_on(take):
    switch = Switch(answers={"file_exists": "false"})
    phone = call(switch)
    assert not phone.can_record(take)
    with pytest.raises(SpoolError, match="media1"):
        record(phone, take)
    assert switch.executed == []


def test_whether_it_sees_the_folder_is_asked_once(take):
    switch = Switch()
    phone = call(switch)
    assert phone.can_record(take)
    record(phone, take)
    record(phone, take)
    assert [line for line in switch.commands if "file_exists" in line] == [f"api file_exists {take.parent}/."]


def test_before_the_first_recording_freeswitch_is_told_to_write_at_once_and_pauses_too(take):
    switch = Switch()
    phone = call(switch)
    record(phone, take)
    record(phone, take)
    told = [line for line in switch.commands if "enable_file_write_buffering" in line]
    assert told == [f"api uuid_setvar_multi {phone.call.uuid} enable_file_write_buffering=false;record_fill_cng=true"]
    first = next(place for place, line in enumerate(switch.commands) if "execute-app-name: record" in line)
    assert switch.commands.index(told[0]) < first


def test_a_recording_that_is_not_here_afterwards_is_told_all_the_same(tmp_path):
    """Two hosts may have the same folder each; which one has the recording is the spool's to find out."""
    assert record(call(Switch()), tmp_path / "take.wav").ms == 1960


def test_a_folder_with_a_blank_is_recorded_into(tmp_path):
    (tmp_path / "a b").mkdir()
    path = tmp_path / "a b" / "take.wav"
    path.write_bytes(b"")
    switch = Switch()
    record(call(switch), path, silence_s=0)
    assert switch.executed == [("record", f"'{path}' 61")]


# -- the rest --------------------------------------------------------------------------------------------------------


def test_answering_is_not_waited_for_and_done_once():
    switch = Switch()
    phone = call(switch)
    phone.answer()
    phone.answer()
    phone.play(GREETING, "")
    phone.play(GREETING, "")
    first = ("playback", "silence_stream://250!" + GREETING_FILES)
    assert switch.executed == [("answer", ""), first, ("playback", GREETING_FILES)]
    answered = Switch(Answer__State="answered")
    call(answered).answer()
    assert answered.executed == []
    assert answered.commands[-1].startswith("api uuid_setvar_multi"), "but it is listened to from now on"


def test_variables_are_set_before_the_dialplan_goes_on():
    switch = Switch()
    phone = call(switch)
    phone.play(GREETING, "")
    executed = switch.executed.copy()
    phone.set_variables({"vm_status": "SUCCESS", "vm_message_id": "0199-ab", "vm_old": ""})
    phone.session.hand_back()
    assert {"vm_status": "SUCCESS", "vm_message_id": "0199-ab", "vm_old": ""}.items() <= switch.variables.items()
    assert switch.commands[-1] == "exit"
    assert switch.executed == executed


def test_variables_are_set_before_what_is_played_next():
    switch = Switch()
    phone = call(switch)
    phone.set_variables({"vm_status": "SUCCESS"})
    phone.play(GREETING, "")
    assert switch.variables["vm_status"] == "SUCCESS"


def test_a_variable_freeswitch_refuses_is_told_in_the_log(caplog):
    phone = call(Switch(answers={"uuid_setvar": "-ERR no such thing\n"}))
    phone.set_variables({"vm_status": "SUCCESS"})
    phone.session.hand_back()
    assert "-ERR no such thing" in caplog.text


def test_quotes_and_backslashes_in_a_value_are_kept_from_freeswitch():
    switch = Switch()
    phone = call(switch)
    phone.set_variables({"vm_x": 'it\'s \\n a "b"'})
    phone.session.hand_back()
    assert switch.variables["vm_x"] == 'it\\\'s \\\\n a "b"'


@pytest.mark.parametrize(("name", "value"), [("a b", "x"), ("a\nb", "x"), ("", "x"), ("vm_x", "a\nexit")])
def test_what_is_no_variable_is_refused(name, value):
    phone = call(Switch())
    with pytest.raises(UnsafeArgumentError):
        phone.set_variables({"vm_ok": "1", name: value})


def test_a_transfer_ends_the_conversation():
    switch = Switch()
    phone = call(switch)
    phone.transfer("0", "default")
    assert switch.commands[-1] == "exit", "our hold on the call ends before it gets anywhere"
    with pytest.raises(CallerGoneError, match="transferred"):
        phone.play(GREETING, "")
    with pytest.raises(CallerGoneError, match="transferred"):
        phone.wait_key(1000, ALL_KEYS)
    phone.session.hand_back()
    switch.passes(0.1)
    assert switch.executed == [("transfer", "0 XML default")]
    assert switch.commands.count("exit") == 1


def test_a_transferred_call_is_not_pulled_back_by_a_dialplan_that_resumes():
    switch = Switch()
    call(switch).transfer("0")
    assert switch.variables["socket_resume"] == "false"


def test_a_transfer_without_context_keeps_the_calls_own():
    switch = Switch()
    phone = call(switch)
    phone.transfer("1234")
    phone.session.hand_back()
    switch.passes(0.1)
    assert switch.executed == [("transfer", "1234")]


@pytest.mark.parametrize(
    ("extension", "context"), [("", ""), ("1 XML other", ""), ("1", "a b"), ("-bleg", ""), ("1\n", "")]
)
def test_what_is_no_extension_is_not_transferred_to(extension, context):
    switch = Switch()
    phone = call(switch)
    with pytest.raises(UnsafeArgumentError):
        phone.transfer(extension, context)
    assert switch.executed == []


# -- hanging up ------------------------------------------------------------------------------------------------------


def waits(phone, message):
    """Everything a conversation can wait in."""
    return {
        "play": lambda: phone.play(GREETING, ALL_KEYS),
        "play without keys": lambda: phone.play(GREETING, ""),
        "wait": lambda: phone.wait_key(60_000, ALL_KEYS),
        "listen": lambda: phone.listen(message, 0, ALL_KEYS),
        "record": lambda: record(phone, Path(message.path)),
        "transfer": lambda: phone.transfer("0"),
        "set": lambda: phone.set_variables({"vm_status": "x"}),
    }


ENDS = {
    "hangs up": lambda switch: switch.hang_up(),
    "hang-up event alone": lambda switch: switch.write(event("CHANNEL_HANGUP", Hangup__Cause="X")),
    "cut": lambda switch: switch.cut(),
    "broken frame": lambda switch: switch.write(b"Content-Length: x\n\n"),
    "rubbish": lambda switch: switch.write(b"\x00\xff" * 200 + b"\n\n"),
    "a reply to nothing": lambda switch: switch.write(reply() * 9),
    "goodbye": lambda switch: switch.write(
        b"Content-Type: text/disconnect-notice\nContent-Disposition: disconnect\nContent-Length: 0\n\n"
    ),
}


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("wait", ["play", "play without keys", "wait", "listen", "record"])
def test_the_end_of_a_call_reaches_whatever_waits(wait, end, message):
    switch = Switch(lasts={"": 50})
    phone = call(switch)
    switch.at(1.0, ENDS[end], switch)
    with pytest.raises(CallerGoneError):
        waits(phone, message)[wait]()
    assert switch.time < 7


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("wait", ["play", "wait", "listen", "record", "transfer", "set"])
def test_after_the_end_everything_says_so_at_once(wait, end, message):
    switch = Switch(lasts={"": 50})
    phone = call(switch)
    switch.at(0.5, ENDS[end], switch)
    with pytest.raises(CallerGoneError):
        phone.wait_key(5000, "")
    time = switch.time
    with pytest.raises(CallerGoneError):
        waits(phone, message)[wait]()
    assert switch.time - time < 0.1


def test_hanging_up_while_the_conversation_was_busy_is_noticed_next():
    switch = Switch()
    phone = call(switch)
    switch.at(0.5, switch.hang_up)
    switch.time = 3.0
    with pytest.raises(CallerGoneError):
        phone.play(GREETING, ALL_KEYS)
    assert switch.executed == []


def looked_after(switch: Switch, phone: EslPhone) -> None:
    """Let something look after the call every twenty seconds, as the listener does."""
    for n in range(1, 20):
        switch.at(n * 20.0, phone.session.nudge)


def asked_after(switch: Switch) -> int:
    return len([line for line in switch.commands if "uuid_exists" in line])


def test_a_long_silence_is_asked_about():
    switch = Switch(lasts={"": 200})
    phone = call(switch)
    looked_after(switch, phone)
    assert phone.play(GREETING, ALL_KEYS) is None
    assert asked_after(switch) == 2


def test_a_call_that_is_heard_of_is_not_asked_about():
    switch = Switch(lasts={"": 200})
    phone = call(switch)
    looked_after(switch, phone)
    for n in range(20):
        switch.at(n * 10.0, switch.press, "1")
    phone.play(GREETING, "")
    assert asked_after(switch) == 0


def test_a_call_that_is_waiting_for_a_key_or_busy_elsewhere_is_left_alone():
    switch = Switch()
    phone = call(switch)
    looked_after(switch, phone)
    assert phone.wait_key(300_000, ALL_KEYS) is None
    phone.session.nudge()
    assert asked_after(switch) == 0


def test_a_call_that_vanished_silently_ends():
    switch = Switch(lasts={"": 1e6}, answers={"uuid_exists": "false"})
    phone = call(switch)
    looked_after(switch, phone)
    with pytest.raises(CallerGoneError, match="the call is gone"):
        phone.play(GREETING, ALL_KEYS)
    assert switch.time < 81


def test_a_freeswitch_that_says_nothing_any_more_ends_the_call(message):
    switch = Switch(lasts={"": 1e6})
    phone = call(switch)
    looked_after(switch, phone)
    switch.at(1.0, setattr, switch, "silent", True)
    with pytest.raises(CallerGoneError, match="does not answer"):
        phone.play(GREETING, ALL_KEYS)
    assert switch.time < 101
