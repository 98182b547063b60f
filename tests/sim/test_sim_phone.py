"""A simulated telephone: dialogues as ordinary functions, callers as scripts."""

import wave

import pytest
from support.call_text import missing
from support.script import Caller, parse_script
from support.sim_phone import SimPhone
from support.sounds import write_wav
from support.virtual_clock import StuckError, VirtualClock

from esl_vm.model.call import ALL_KEYS, Call, Ended
from esl_vm.model.errors import CallerGoneError, InvalidValueError
from esl_vm.sim.line import Line
from esl_vm.speech.utterance import Pause, Prompt, Sound

OPTS = (Prompt("vm-opts", "fr"), Prompt("vm-helpexit", "fr"))
PASSWORD = (Prompt("vm-password", "fr"),)


class Situation:
    def __init__(self):
        self.clock = VirtualClock(1000.0)
        self.line = Line(self.clock)
        self.phone = SimPhone(self.line, self.clock, call=Call(destination="*97"))

    def caller(self, script, **how):
        caller = Caller(self.line, self.clock, script, **how)
        caller.start()
        return caller

    @property
    def elapsed(self):
        return round(self.clock.now() - 1000, 2)


@pytest.fixture
def s():
    return Situation()


def wav(path, seconds):
    return Sound(str(write_wav(path, seconds)), f"message {path.stem}")


def test_a_key_cuts_the_menu_and_is_its_answer(s):
    s.caller("w:vm-opts d:2 s:1")
    assert s.phone.play(OPTS, "123") == "2"
    assert s.line.heard == ["vm-opts"]


def test_the_menu_is_heard_to_its_end_when_nobody_presses_a_key(s):
    s.caller("s:100")
    assert s.phone.play(OPTS, ALL_KEYS) is None
    assert s.line.heard == ["vm-opts", "vm-helpexit"]
    assert s.elapsed == pytest.approx(13.04, abs=0.02)


def test_keys_dialled_ahead_are_taken_one_by_one_and_nothing_is_played(s):
    s.caller("w:vm-password d:1234# s:9")
    got = [s.phone.play(PASSWORD, ALL_KEYS)] + [s.phone.wait_key(2000, ALL_KEYS) for _ in range(4)]
    assert got == list("1234#")
    s.line.press("05")
    s.clock.pass_time(1)
    assert s.phone.play(OPTS, ALL_KEYS) == "0"
    assert s.phone.play(OPTS, ALL_KEYS) == "5"
    assert s.line.heard == ["vm-password"]


def test_keys_that_are_not_asked_for_neither_stop_the_sound_nor_stay(s):
    s.caller("w:vm-opts d:77 s:99")
    assert s.phone.play(OPTS, "1") is None
    assert s.phone.wait_key(1000, ALL_KEYS) is None


def test_a_deaf_prompt_keeps_the_keys_for_the_next(s):
    s.caller("w:vm-opts d:7 s:99")
    assert s.phone.play(OPTS, "") is None
    assert s.phone.wait_key(1000, ALL_KEYS) == "7"


def test_waiting_ends_when_the_time_is_over(s):
    s.caller("s:99")
    assert s.phone.wait_key(6000, ALL_KEYS) is None
    assert s.elapsed == 6


def test_waiting_ends_with_the_key_that_was_wanted(s):
    s.caller("s:1 d:91 s:9")
    assert s.phone.wait_key(6000, "1") == "1"
    assert s.elapsed == pytest.approx(1.32)


def test_pauses_are_waited_for(s):
    s.caller("s:99")
    s.phone.play((Pause(500), *PASSWORD), "")
    assert s.elapsed == pytest.approx(0.5 + 1.11, abs=0.01)


def test_a_message_is_heard_from_a_position_and_tells_where_it_was_stopped(s, tmp_path):
    body = wav(tmp_path / "m.wav", 10)
    s.caller("w:<m> s:1.74 d:# s:99")
    heard = s.phone.listen(body, 3000, ALL_KEYS)
    assert (heard.key, heard.position_ms) == ("#", 5000)
    heard = s.phone.listen(body, 8000, ALL_KEYS)
    assert (heard.key, heard.position_ms) == (None, 10_000)


def test_a_message_that_is_not_there_is_over_where_it_would_have_begun(s):
    s.caller("s:99")
    assert s.phone.listen(Sound("/nowhere/m.wav", "message m"), 3000, ALL_KEYS).position_ms == 3000
    assert missing(s.line) == ["/nowhere/m.wav@@24000"]


def test_a_recording_ends_with_the_key_and_forgets_those_before_it(s, tmp_path):
    s.caller("d:9 w:beep talk s:4 d:5# quiet s:99")
    s.clock.pass_time(0.5)
    s.phone.play((Prompt("beep", "fr"),), "")
    took = s.phone.record(tmp_path / "t.wav", max_s=60, silence_s=10, threshold=200, keys="#")
    assert (took.ended, took.key) == (Ended.KEY, "#")
    assert took.ms == pytest.approx(4050, abs=30)
    with wave.open(str(tmp_path / "t.wav")) as sound:
        assert sound.getnframes() == took.ms * 8


def test_silence_and_the_limit_end_a_recording(s, tmp_path):
    s.caller("talk s:300")
    s.clock.pass_time(0.1)
    took = s.phone.record(tmp_path / "t.wav", max_s=30, silence_s=10, threshold=200, keys="#")
    assert (took.ended, took.ms) == (Ended.LIMIT, 30_000)
    s.line.quiet()
    took = s.phone.record(tmp_path / "t.wav", max_s=30, silence_s=10, threshold=200, keys="#")
    assert (took.ended, took.ms) == (Ended.SILENCE, 10_000)


def test_hanging_up_in_a_recording_leaves_the_file_whole_and_raises(s, tmp_path):
    s.caller("talk s:3 hang")
    with pytest.raises(CallerGoneError):
        s.phone.record(tmp_path / "t.wav", max_s=60, silence_s=10, threshold=200, keys="#")
    with wave.open(str(tmp_path / "t.wav")) as sound:
        assert sound.getnframes() == 24_000


def test_a_recording_into_nowhere_ends_the_call_as_freeswitch_does(s, tmp_path):
    with pytest.raises(CallerGoneError):
        s.phone.record(tmp_path / "no" / "t.wav", max_s=60, silence_s=10, threshold=200, keys="#")


@pytest.mark.parametrize(
    "method",
    [
        lambda phone: phone.play(OPTS, ALL_KEYS),
        lambda phone: phone.play(OPTS, ""),
        lambda phone: phone.wait_key(60_000, ALL_KEYS),
        lambda phone: phone.listen(Sound("prompts/fr/vm-opts.wav", "x"), 0, ALL_KEYS),
    ],
)
def test_hanging_up_is_raised_by_whatever_waits_and_by_all_after_it(s, method):
    s.caller("s:2 hang")
    with pytest.raises(CallerGoneError):
        method(s.phone)
    assert s.elapsed == 2
    for after in (method, lambda phone: phone.answer(), lambda phone: phone.set_variables({})):
        with pytest.raises(CallerGoneError):
            after(s.phone)


def test_variables_and_the_transfer_are_kept_for_the_test_to_see(s):
    s.phone.answer()
    s.phone.set_variables({"vm_status": "USEREXIT"})
    s.phone.transfer("operator", "default")
    assert s.phone.answered
    assert s.phone.variables == {"vm_status": "USEREXIT"}
    assert s.phone.transferred == ("operator", "default")
    with pytest.raises(CallerGoneError):
        s.phone.play(OPTS, "")


def test_a_recording_that_nobody_ends_is_an_error_not_a_hang(s, tmp_path):
    s.line.on_change.clear()
    assert s.phone.wait_key(10, "1") is None
    s.line.talk()
    s.clock.call_later(30, s.line.hang_up)
    with pytest.raises(CallerGoneError):
        s.phone.record(tmp_path / "t.wav", max_s=0, silence_s=10, threshold=200, keys="#")
    with pytest.raises(StuckError):
        s.clock.run_until(lambda: False)


class TestScripts:
    def test_a_name_may_end_in_a_star(self, s):
        caller = s.caller("w:vm-pass* d:1 s:1")
        assert s.phone.play(PASSWORD, "1") == "1"
        assert not caller.problems

    def test_a_prompt_that_starts_while_keys_are_dialled_is_not_missed(self, s):
        caller = s.caller("w:vm-opts d:1234 w:vm-password d:# s:1")
        assert s.phone.play(OPTS, "1") == "1"
        assert s.phone.play(PASSWORD, "#") == "#"
        assert not caller.problems

    def test_the_second_of_two_is_waited_for_when_it_is_asked_for_twice(self, s):
        s.caller("w:vm-opts w:vm-opts d:1 s:1")
        assert s.phone.play(OPTS, "1") is None
        assert s.phone.play(OPTS, "1") == "1"

    def test_q_waits_until_all_prompts_are_over(self, s):
        s.caller("w:vm-opts q:0.1 d:1 s:1")
        assert s.phone.play(OPTS, "1") is None
        over = s.elapsed
        assert s.phone.wait_key(6000, "1") == "1"
        assert s.elapsed == pytest.approx(over + 0.2, abs=0.01)

    def test_q_0_waits_until_the_prompt_that_plays_is_over(self, s):
        s.caller("w:vm-opts q:0 d:1 s:1")
        assert s.phone.play(OPTS, "1") == "1"
        assert s.phone.line.heard == ["vm-opts", "vm-helpexit"]

    def test_q_counts_the_seconds_of_quiet(self, s):
        s.caller("w:vm-opts q:2 d:1 s:1")
        s.phone.play(OPTS, "1")
        over = s.elapsed
        s.phone.wait_key(6000, "1")
        assert s.elapsed == pytest.approx(over + 2.1, abs=0.01)

    def test_what_does_not_come_is_a_problem_and_the_script_goes_on(self, s):
        caller = s.caller("w:vm-goodbye@3 d:1 s:1")
        assert s.phone.wait_key(9000, "1") == "1"
        assert caller.problems == ["vm-goodbye was not heard within 3 s"]

    def test_a_call_that_ends_too_soon_is_a_problem(self, s):
        caller = s.caller("w:vm-password d:1 w:vm-opts d:2 end:10")
        s.phone.play(PASSWORD, "1")
        s.phone.hang_up()
        assert caller.done
        assert caller.problems == ["the call ended before w:vm-opts"]

    def test_a_service_that_does_not_hang_up_is_hung_up_on(self, s):
        caller = s.caller("end:5")
        with pytest.raises(CallerGoneError):
            s.phone.wait_key(9000, "1")
        assert caller.problems == ["the service did not end the call within 5 s"]

    def test_a_service_that_hangs_up_in_time_is_no_problem(self, s):
        caller = s.caller("w:vm-password end:5")
        s.phone.play(PASSWORD, "")
        s.phone.hang_up()
        assert caller.done
        assert not caller.problems

    def test_a_script_without_an_end_hangs_up(self, s):
        s.caller("s:1")
        with pytest.raises(CallerGoneError):
            s.phone.wait_key(9000, "1")
        assert s.elapsed == 1

    def test_something_can_be_done_outside_the_call(self, s):
        did = []
        s.caller("s:1 sh:a_second_message note:it_came hang", shell=did.append)
        with pytest.raises(CallerGoneError):
            s.phone.wait_key(9000, "1")
        assert did == ["a second message"]

    @pytest.mark.parametrize("word", ["x:1", "d:", "d:12x", "w:", "s:soon", "q:", "hang:2", "jump"])
    def test_a_word_that_is_none_is_named(self, word):
        with pytest.raises(InvalidValueError, match=word):
            parse_script(f"w:vm-opts {word} hang")
