"""The tools of the live tests, held to account: a comparison that always agrees would prove nothing."""

import random
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from calls.book import CALLS
from live.event_socket import members_of
from live.freeswitch import PROMPTS
from live.likeness import likeness
from live.live_rig import ALIKE
from live.rtp import Arrived, holes, recording_of
from live.sip_phone import SipMessage
from live.telephone_sound import FRAME, RATE, from_ulaw, read_wav, to_ulaw, without_pauses, write_wav


def test_the_page_names_tests_that_there_are():
    here = Path(__file__).parent
    files = [*here.glob("test_*.py"), here.parent / "notify/test_live_lamps.py"]
    tests = {name for file in files for name in re.findall(r"^def (test_\w+)", file.read_text(), re.MULTILINE)}
    page = (here.parents[1] / "docs/live-tests.md").read_text().partition("| kind of call |")[2].partition("\n\n")[0]
    named = set(re.findall(r"`((?:test_)?[a-z0-9]+_\w+?)(\.py)?`", page))
    assert len(named) > 50
    assert {name for name, _ in named} <= tests | {file.stem for file in files} | {call.name for call in CALLS}


def speech(seed, seconds=1.5):
    """Noise that comes and goes as syllables do."""
    draw = np.random.default_rng(seed)
    count = round(seconds * RATE)
    loudness = np.interp(
        np.arange(count), np.arange(0, count + 800, 800), draw.uniform(0, 8000, count // 800 + 2)[: count // 800 + 1]
    )
    return (np.convolve(draw.normal(size=count), np.ones(8) / 8, "same") * loudness).astype(np.int16)


def around(*sounds):
    return np.concatenate([np.zeros(1000, np.int16), *sounds, np.zeros(4000, np.int16)])


def over_the_telephone(sound):
    return from_ulaw(to_ulaw(sound))


class TestLikeness:
    def test_a_sound_is_found_where_it_is(self):
        like = likeness(speech(1), over_the_telephone(around(speech(1))))
        assert like.score > 0.999
        assert like.at == 1000

    def test_another_sound_is_not_taken_for_it(self):
        assert max(likeness(speech(1), around(speech(seed))).score for seed in range(2, 30)) < 0.5

    def test_silence_is_not_taken_for_it(self):
        assert likeness(speech(1), np.zeros(20000, np.int16)).score == 0

    def test_half_of_it_is_not_all_of_it(self):
        assert likeness(speech(1), around(speech(1)[: len(speech(1)) // 2])).score < ALIKE

    @pytest.mark.parametrize("slip", [FRAME, -FRAME, 2 * FRAME])
    def test_a_frame_more_or_less_in_the_middle_is_forgiven(self, slip):
        sound = speech(1)
        half = 40 * FRAME
        rest = [np.zeros(slip, np.int16), sound[half:]] if slip > 0 else [sound[half - slip :]]
        assert likeness(sound, around(sound[:half], *rest)).score > 0.95

    def test_a_frame_less_in_every_three_is_not(self):
        sound = speech(1)
        torn = np.concatenate([sound[at : at + 2 * FRAME] for at in range(0, len(sound), 3 * FRAME)])
        assert likeness(sound, around(torn)).score < ALIKE

    @pytest.mark.skipif(not (PROMPTS / "fr").is_dir(), reason=f"no prompts in {PROMPTS}/fr")
    def test_no_prompt_is_taken_for_another(self):
        draw = random.Random(7)
        files = [*(PROMPTS / "fr").glob("vm-*.wav"), *(PROMPTS / "fr/digits").glob("*.wav")]
        pairs = [draw.sample(sorted(files), 3) for _ in range(250)]
        scores = [
            likeness(read_wav(a), over_the_telephone(around(read_wav(b), read_wav(c)))).score for a, b, c in pairs
        ]
        assert max(scores) < 0.8, "far below what the same prompt comes to"


class TestSound:
    def test_mu_law_is_that_of_the_sound_library(self, tmp_path):
        everything = bytes(range(256))
        raw = tmp_path / "all.ulaw"
        raw.write_bytes(everything)
        theirs, _ = soundfile.read(raw, format="RAW", subtype="ULAW", samplerate=RATE, channels=1, dtype="int16")
        assert from_ulaw(everything).tolist() == theirs.tolist()

    def test_every_sample_comes_back_as_near_as_mu_law_can(self):
        samples = np.arange(-32000, 32000, 7).astype(np.int16)
        wrong = np.abs(over_the_telephone(samples).astype(int) - samples)
        assert (wrong <= np.abs(samples.astype(int)) / 32 + 4).all()

    def test_pauses_are_left_out(self):
        loud = np.full(RATE, 5000, np.int16)
        assert len(without_pauses(np.concatenate([loud, np.zeros(RATE, np.int16), loud]))) == 2 * RATE

    def test_a_wav_file_comes_back(self, tmp_path):
        assert (read_wav(write_wav(tmp_path / "a.wav", speech(1))) == speech(1)).all()


class TestWhatWasHeard:
    def packets(self, sound, at, number=0, late=lambda place: 0.0):
        frames = range(len(sound) // FRAME)
        return [
            Arrived(
                at + place * 0.02 + late(place),
                number + place,
                place * FRAME,
                not place,
                to_ulaw(sound[place * FRAME : (place + 1) * FRAME]),
            )
            for place in frames
        ]

    def test_late_packets_do_not_tear_a_sound(self):
        sound = over_the_telephone(speech(1)[: 70 * FRAME])
        arrived = self.packets(sound, 10.0, late=lambda place: 0.015 * (place % 3) + 0.3 * (place == 40))
        heard = recording_of(arrived, 9.0, 12.0)
        assert (heard[RATE : RATE + len(sound)] == sound).all()

    def test_a_skipped_time_stamp_is_counted_but_leaves_no_hole(self):
        sound = over_the_telephone(speech(1)[: 70 * FRAME])
        arrived = [replace(one, stamp=one.stamp + FRAME * (one.number > 30)) for one in self.packets(sound, 10.0)]
        heard = recording_of(arrived, 9.0, 12.0)
        assert (heard[RATE : RATE + len(sound)] == sound).all()
        assert holes(arrived) == 1

    def test_after_a_pause_the_sound_lies_where_it_came(self):
        sound = over_the_telephone(speech(1)[: 20 * FRAME])
        later = [replace(one, stamp=one.stamp + round(2.5 * RATE)) for one in self.packets(sound, 12.5, number=20)]
        arrived = self.packets(sound, 10.0) + later
        heard = recording_of(arrived, 9.0, 14.0)
        for second in (1.0, 3.5):
            start = round(second * RATE)
            assert (heard[start : start + len(sound)] == sound).all()
        assert not heard[2 * RATE : 3 * RATE].any()
        assert holes(arrived) == 0


class TestSip:
    INVITE = (
        b"INVITE sip:1001@a SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5;branch=z9\r\nFrom: <sip:b@a>;tag=x\r\n"
        b"To: <sip:1001@a>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\nContact: <sip:b@127.0.0.1:5>\r\n\r\n"
    )

    def test_an_answer_repeats_what_says_which_request_it_answers(self):
        answer = SipMessage(SipMessage(self.INVITE).answer("486 Busy Here", "mine"))
        assert (answer.status, answer.method, answer.get("call-id")) == (486, "INVITE", "c")
        assert answer.get("to") == "<sip:1001@a>;tag=mine"

    def test_a_request_says_where_its_sender_is(self):
        assert SipMessage(self.INVITE).contact == "sip:b@127.0.0.1:5"


def test_the_files_of_a_playback():
    assert members_of("file_string:///a.wav!/b.wav") == ["/a.wav", "/b.wav"]
    assert members_of("{a=b}/c.wav@@800") == ["/c.wav@@800"]
    assert members_of("/a.wav!/b.wav", "!") == ["/a.wav", "/b.wav"]
