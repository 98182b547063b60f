"""A line: what is played, recorded and dialled on it."""

import wave
from array import array

import pytest
from support.call_text import call_text, missing
from support.sounds import write_wav
from support.virtual_clock import VirtualClock

from esl_vm.sim.line import Happening, Line
from esl_vm.sim.playback import Stopped
from esl_vm.sim.prompts import Prompts, measure
from esl_vm.sim.voice import CallerVoice, load_voice, tone

YOU_HAVE = "prompts/fr/vm-youhave.wav"
TWO = "prompts/fr/digits/2.wav"
OPTIONS = "prompts/fr/vm-opts.wav"


@pytest.fixture
def clock():
    return VirtualClock(1000.0)


@pytest.fixture
def line(clock):
    return Line(clock)


def play(line, *members, keys=""):
    ends = []
    line.start_play(members, keys, ends.append)
    line.schedule.run_until(lambda: bool(ends))
    return ends[0]


def record(line, path, **how):
    ends = []
    how = {"limit_s": 60, "threshold": 200, "silence_s": 0, "terminators": "#", **how}
    line.start_record(path, **how, on_done=ends.append)
    line.schedule.run_until(lambda: bool(ends))
    return ends[0]


def samples_of(path):
    with wave.open(str(path)) as sound:
        assert sound.getparams()[:3] == (1, 2, 8000)
        return array("h", sound.readframes(sound.getnframes()))


class TestPlaying:
    def test_sounds_follow_one_another_for_as_long_as_junes_recordings_last(self, line):
        end = play(line, YOU_HAVE, TWO)
        assert end.reason is Stopped.DONE
        first, second = line.sounds
        assert (first.name, first.at, first.cut) == ("vm-youhave", 1000.0, False)
        assert second.name == "digits/2"
        assert second.at - first.at == pytest.approx(0.84, abs=0.01)
        assert end.seconds == pytest.approx(0.84 + 0.59, abs=0.02)

    def test_a_key_stops_the_sound_when_it_is_released(self, line, clock):
        clock.call_later(2, lambda: line.press("1"))
        end = play(line, OPTIONS, TWO, keys="123")
        assert (end.reason, end.key) == (Stopped.KEY, "1")
        [heard] = line.sounds
        assert heard.cut
        assert heard.played == pytest.approx(2.1)
        assert end.position == 16_800

    def test_a_key_that_is_no_terminator_stops_nothing_but_is_told(self, line):
        keys = []
        line.on_key.append(keys.append)
        line.press("7")
        assert play(line, OPTIONS, keys="123").reason is Stopped.DONE
        assert keys == ["7"]

    def test_several_keys_are_dialled_one_every_220_ms(self, line, clock):
        line.press("12")
        line.press("3")
        clock.pass_time(2)
        keys = [(round(mark.at - 1000, 2), mark.detail) for mark in line.timeline]
        assert keys == [(0.1, "1"), (0.32, "2"), (0.54, "3")]

    def test_missing_sounds_are_skipped_and_told(self, line):
        end = play(line, "prompts/fr/vm-no-such.wav", TWO)
        assert end.reason is Stopped.DONE
        assert line.heard == ["digits/2"]
        assert missing(line) == ["prompts/fr/vm-no-such.wav"]

    def test_when_all_are_missing_it_says_so(self, line):
        assert play(line, "/nowhere/a.wav", "/nowhere/b.wav").reason is Stopped.MISSING

    def test_a_file_plays_for_its_own_length_from_where_it_was_asked_to(self, line, clock, tmp_path):
        body = write_wav(tmp_path / "0199ab.wav", 10)
        end = play(line, f"{body}@@24000")
        assert clock.now() == pytest.approx(1007)
        assert end.position == 80_000
        assert line.heard == ["<0199ab>"]

    def test_a_start_behind_the_end_is_over_at_once(self, line, clock, tmp_path):
        body = write_wav(tmp_path / "short.wav", 1)
        assert play(line, f"{body}@@999999").reason is Stopped.DONE
        assert clock.now() == 1000

    def test_a_pause_is_silence_of_that_length(self, line, clock):
        play(line, "silence_stream://500", TWO)
        assert line.heard == ["digits/2"]
        assert line.sounds[1].at == pytest.approx(1000.5)

    def test_an_inner_playback_interrupts_the_outer_one_which_then_goes_on(self, line, clock):
        ends = []
        line.start_play([OPTIONS], "", lambda _: ends.append("outer"))
        clock.pass_time(1)
        line.start_play([TWO], "", lambda _: ends.append("inner"))
        clock.run_until(lambda: len(ends) == 2)
        assert ends == ["inner", "outer"]
        assert clock.now() == pytest.approx(1000 + 8.11 + 0.59, abs=0.02)
        assert line.sounds[0].played == pytest.approx(8.11, abs=0.01)

    def test_hanging_up_ends_all_that_runs_innermost_first(self, line, clock):
        ends = []
        line.start_play([OPTIONS], "", lambda end: ends.append(("outer", end.reason)))
        line.start_play([TWO], "", lambda end: ends.append(("inner", end.reason)))
        line.on_ended.append(lambda: ends.append("ended"))
        clock.pass_time(0.2)
        line.hang_up()
        line.end()
        assert ends == [("inner", Stopped.HANG_UP), ("outer", Stopped.HANG_UP), "ended"]
        assert line.ended is Happening.HANG_UP

    def test_keys_pressed_after_the_end_are_not_there(self, line, clock):
        line.press("1")
        line.hang_up()
        clock.pass_time(1)
        assert [mark.what for mark in line.timeline] == [Happening.HANG_UP]


class TestMovingInAFile:
    def test_pause_and_go_on_at_the_same_sample(self, line, clock, tmp_path):
        ends = []
        playback = line.start_play([str(write_wav(tmp_path / "m.wav", 10))], "", ends.append)
        clock.pass_time(3)
        playback.suspend()
        assert line.quiet_since == clock.now()
        clock.pass_time(60)
        assert playback.position == 24_000
        playback.resume()
        clock.run_until(lambda: bool(ends))
        assert clock.now() == pytest.approx(1070)

    def test_positions_are_in_the_files_own_rate(self, line, clock, tmp_path):
        playback = line.start_play([str(write_wav(tmp_path / "m.wav", 4, rate=16_000))], "", lambda _: None)
        clock.pass_time(1)
        assert playback.position == 16_000


class TestRecording:
    def test_the_file_holds_what_was_said_and_silence_where_nothing_was(self, line, clock, tmp_path):
        path = tmp_path / "take.wav"
        clock.call_later(1, line.talk)
        clock.call_later(3, line.quiet)
        clock.call_later(4, lambda: line.press("#"))
        end = record(line, path)
        assert (end.reason, end.key, end.milliseconds) == (Stopped.KEY, "#", 4100)
        samples = samples_of(path)
        assert len(samples) == end.samples == 32_800
        assert not any(samples[:8000])
        assert max(samples[8000:24_000]) > 5000
        assert not any(samples[24_000:])
        assert end.size == path.stat().st_size == 44 + 2 * 32_800

    def test_silence_ends_it_so_many_seconds_after_the_last_word(self, line, clock, tmp_path):
        line.talk()
        clock.call_later(5, line.quiet)
        end = record(line, tmp_path / "take.wav", silence_s=3)
        assert (end.reason, end.milliseconds) == (Stopped.SILENCE, 8000)

    def test_a_caller_who_says_nothing_is_cut_off_too(self, line, tmp_path):
        end = record(line, tmp_path / "take.wav", silence_s=10)
        assert (end.reason, end.milliseconds) == (Stopped.SILENCE, 10_000)

    def test_the_limit_ends_it(self, line, tmp_path):
        line.talk()
        end = record(line, tmp_path / "take.wav", limit_s=2, silence_s=10)
        assert (end.reason, end.milliseconds) == (Stopped.LIMIT, 2000)

    def test_hanging_up_leaves_a_whole_file(self, line, clock, tmp_path):
        line.talk()
        clock.call_later(2.5, line.hang_up)
        end = record(line, tmp_path / "take.wav")
        assert end.reason is Stopped.HANG_UP
        assert len(samples_of(tmp_path / "take.wav")) == 20_000

    def test_what_was_said_is_in_the_file_before_the_recording_is_over(self, line, clock, tmp_path):
        line.talk()
        line.start_record(
            tmp_path / "t.wav", limit_s=0, threshold=200, silence_s=0, terminators="#", on_done=lambda _: None
        )
        clock.pass_time(3.5)
        assert measure(tmp_path / "t.wav") == (3.0, 8000)
        line.hang_up()
        assert measure(tmp_path / "t.wav") == (3.5, 8000)

    def test_a_folder_that_is_not_there_is_an_error_at_once(self, line, tmp_path):
        with pytest.raises(OSError, match="nowhere"):
            record(line, tmp_path / "nowhere" / "take.wav")


class TestTheCallersOwnVoice:
    def test_what_is_spoken_is_what_is_recorded(self, clock, tmp_path):
        speech = array("h", (n % 3000 - 1500 for n in range(12_000)))
        line = Line(clock, voice=CallerVoice(speech))
        line.talk()
        record(line, tmp_path / "take.wav", limit_s=2)
        assert samples_of(tmp_path / "take.wav")[:12_000] == speech
        assert not any(samples_of(tmp_path / "take.wav")[12_000:])

    def test_silence_within_it_counts(self, clock, tmp_path):
        speech = tone(1.0) + array("h", bytes(2 * 8000 * 4)) + tone(1.0)
        line = Line(clock, voice=CallerVoice(speech))
        line.talk()
        end = record(line, tmp_path / "take.wav", silence_s=3)
        assert end.milliseconds == 4000

    def test_a_voice_below_the_threshold_is_silence(self, clock, tmp_path):
        whisper = array("h", (sample // 100 for sample in tone(5.0)))
        line = Line(clock, voice=CallerVoice(whisper))
        line.talk()
        assert record(line, tmp_path / "take.wav", silence_s=3, threshold=200).milliseconds == 3000

    def test_a_stereo_file_of_another_rate_is_brought_to_the_telephones(self, tmp_path):
        import numpy as np
        import soundfile

        t = np.arange(44_100) / 44_100
        wave_440 = 0.4 * np.sin(2 * np.pi * 440 * t)
        soundfile.write(tmp_path / "v.wav", np.stack([wave_440, wave_440], axis=1), 44_100)
        speech = load_voice(tmp_path / "v.wav")
        assert len(speech) == 8000
        spectrum = np.abs(np.fft.rfft(np.array(speech, dtype=float)))
        assert int(spectrum.argmax()) == 440

    def test_what_is_no_sound_is_said_so(self, tmp_path):
        (tmp_path / "v.wav").write_text("not a sound")
        with pytest.raises(ValueError, match="not a sound file"):
            load_voice(tmp_path / "v.wav")
        with pytest.raises(FileNotFoundError):
            load_voice(tmp_path / "none.wav")


class TestNames:
    @pytest.mark.parametrize(
        ("path", "name", "language"),
        [
            ("/usr/share/nowhere/sounds/fr/vm-youhave.wav", "vm-youhave", "fr"),
            ("/x/fr_CA_f_June/digits/20.gsm", "digits/20", "fr"),
            ("prompts/en/letters/a.wav", "letters/a", "en"),
            ("prompts/fr_CA/beep.wav", "beep", "fr"),
        ],
    )
    def test_a_prompt_is_known_by_the_end_of_its_path(self, path, name, language):
        found = Prompts().find(path)
        assert (found.name, found.language) == (name, language)

    def test_each_language_has_its_own_lengths(self):
        assert Prompts().find("fr/vm-opts.wav").seconds != Prompts().find("en/vm-opts.wav").seconds

    def test_only_english_says_oh(self):
        assert Prompts().find("fr/digits/oh.wav") is None
        assert Prompts().find("en/digits/oh.wav") is not None

    def test_a_mailboxs_sound_is_called_as_its_file(self, tmp_path):
        assert Prompts().find(str(write_wav(tmp_path / "m1.wav", 1))).name == "<m1>"

    def test_lengths_can_be_added(self):
        assert Prompts(lengths={"fr": {"vm-extra": 1.5}}).find("prompts/fr/vm-extra.wav").seconds == 1.5

    def test_the_transcript_reads_as_a_call(self, line, clock):
        clock.call_later(1, lambda: line.press("1"))
        play(line, OPTIONS, keys="1")
        line.hang_up()
        assert call_text(line).splitlines() == [
            "    0.000 < vm-opts                    [fr 8.11 s] cut after 1.10 s",
            "    1.100 > 1",
            "    1.100 ~ caller hangs up",
        ]
