"""The caller of `phone --keys`: words, one after the other, against a service played by the test."""

import pytest
from support.sim_phone import SimPhone
from support.virtual_clock import VirtualClock

from esl_vm.model.call import ALL_KEYS
from esl_vm.model.errors import CallerGoneError, InvalidValueError
from esl_vm.sim.dialler import Dialler, words_of_keys
from esl_vm.sim.line import Line
from esl_vm.sim.voice import CallerVoice, tone
from esl_vm.speech.utterance import Prompt

INTRO, BEEP, THANKS, REVIEW, OPTIONS = (
    (Prompt(name, "fr"),) for name in ("vm-intro", "beep", "auth-thankyou", "vm-review", "vm-opts")
)


class Situation:
    def __init__(self, keys, voice=None):
        self.clock = VirtualClock(1000.0)
        self.line = Line(self.clock, voice=voice)
        self.phone = SimPhone(self.line, self.clock)
        Dialler(self.line, self.clock, words_of_keys(keys)).start()

    def take(self, path):
        return self.phone.record(path, max_s=60, silence_s=10, threshold=200, keys="#")

    def digits(self):
        typed = self.phone.play((Prompt("vm-password", "fr"),), ALL_KEYS) or ""
        while typed and typed[-1] != "#" and (key := self.phone.wait_key(2000, ALL_KEYS)):
            typed += key
        return typed


def test_a_word_is_dialled_at_each_prompt_and_cuts_it():
    s = Situation("1234# 0 5")
    assert s.digits() == "1234#"
    assert s.phone.play(OPTIONS, ALL_KEYS) == "0"
    assert s.phone.play(OPTIONS, ALL_KEYS) == "5"
    assert s.clock.now() - 1000 < 2


def test_a_word_without_the_pound_key_is_whole_before_the_next_begins():
    s = Situation("1234 1")
    assert s.digits() == "1234"
    assert s.phone.play(OPTIONS, ALL_KEYS) == "1"


def test_the_tone_before_a_recording_is_no_prompt_and_in_it_a_word_comes_after_the_voice(tmp_path):
    s = Situation("# # 1")
    assert s.phone.play(INTRO, "#") == "#"
    s.phone.play(BEEP, "")
    took = s.take(tmp_path / "t.wav")
    assert (took.key, took.ms) == ("#", 2100)
    s.phone.play(THANKS, "")
    assert s.phone.play(REVIEW, "1") == "1"


def test_a_voice_is_said_to_its_end(tmp_path):
    s = Situation("# #", CallerVoice(tone(5.0)))
    s.phone.play(INTRO, "#")
    assert s.take(tmp_path / "t.wav").ms == 5100


def test_a_key_that_does_not_end_the_recording_is_followed_by_the_next_word(tmp_path):
    s = Situation("# 5 #")
    s.phone.play(INTRO, "#")
    assert s.take(tmp_path / "t.wav").ms == 4700


def test_with_nothing_left_to_dial_the_caller_speaks_and_hangs_up(tmp_path):
    s = Situation("#")
    s.phone.play(INTRO, "#")
    with pytest.raises(CallerGoneError):
        s.take(tmp_path / "t.wav")
    assert s.clock.now() - 1000 == pytest.approx(2.1, abs=0.1)


def test_with_nothing_left_the_caller_listens_until_nothing_more_comes():
    s = Situation("")
    assert s.phone.play(OPTIONS, ALL_KEYS) is None
    with pytest.raises(CallerGoneError):
        s.phone.wait_key(6000, ALL_KEYS)


def test_a_service_that_waits_without_a_prompt_gets_the_next_word():
    s = Situation("0 2")
    s.phone.play(OPTIONS, "0")
    assert s.phone.wait_key(6000, "2") == "2"
    assert s.clock.now() - 1000 == pytest.approx(2.7, abs=0.1)


def test_nothing_is_dialled_before_the_service_has_said_anything():
    s = Situation("1")
    assert s.phone.wait_key(20_000, ALL_KEYS) is None
    assert s.phone.play(OPTIONS, ALL_KEYS) == "1"


def test_what_no_telephone_can_dial_is_refused():
    with pytest.raises(InvalidValueError, match="12a4"):
        words_of_keys("1 12a4")
