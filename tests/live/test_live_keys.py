"""Keys and holds on a real FreeSWITCH: told twice, kept secret, in a hurry, and what becomes of a PIN in its records and its log."""

import numpy as np
import pytest
from calls.book import Box, Msg
from live.live_rig import LiveRig, furnish
from live.rtp import TONES
from live.scenes import Scene
from live.telephone_sound import RATE, read_wav

from esl_vm.model.findings import Level
from esl_vm.model.mailbox import Folder, MailboxId
from esl_vm.ops.check_keys import check_keys
from esl_vm.sim.line import Happening

pytestmark = [pytest.mark.live, pytest.mark.timeout(400)]


def rings(script, dialled="*97", **variables):
    def act(node, folder):
        rig = LiveRig(node, folder)
        furnish(rig, Box())

        def shell(line, key):
            node.switch.api(f"uuid_recv_dtmf {line.uuid} {key}")

        rig.dials(dialled, script, "1001" if dialled == "*97" else "0612345678", shell=shell, **variables)
        return rig

    return act


def once(name, act):
    return pytest.mark.parametrize("scene", [Scene(name, act)], ids=[name])


TWICE = "".join(f"d:{key} sh:{key} " for key in "4821#")


@once("told_twice", rings(f"w:vm-password {TWICE}w:vm-opts d:# sh:# end:20"))
def test_a_pin_whose_keys_come_by_two_ways_is_right(played):
    assert played.problems == [], played.transcript
    assert "vm-incorrect" not in played.heard
    assert played.status == "SUCCESS"


@once("sensitive", rings("w:vm-password d:4821# w:vm-opts d:# end:20", sensitive_dtmf="true"))
def test_keys_that_freeswitch_keeps_to_itself_are_heard(played):
    assert played.problems == [], played.transcript
    assert played.status == "SUCCESS"
    assert played.line.variable("sensitive_dtmf") == "true"


@once("pin_in_records", rings("w:vm-password d:4821# w:vm-opts d:# end:20"))
def test_call_records_have_no_pin(played):
    assert played.problems == [], played.transcript
    assert set(played.line.variable("digits_dialed")) == {"X"}


@once("hurried", rings("w:vm-theperson d:# w:beep q:0 s:0.3 d:# talk s:3 d:# quiet w:vm-review d:1 end:20", "1001"))
def test_a_second_hash_ends_no_recording(played):
    assert played.problems == [], played.transcript
    (message,) = played.messages(MailboxId("1001"), Folder.NEW)
    assert 2400 < message.duration_ms < 4000


def test_doctor_finds_the_pins_in_freeswitchs_log(live_node):
    assert [one.level for one in check_keys(live_node.switch)] == [Level.WARNING]


def holds(node, folder):
    rig = LiveRig(node, folder)
    furnish(rig, Box(messages=(Msg(seconds=6.0),)))
    script = "w:vm-password d:4821# w:vm-opts d:1 w:<* s:2 sh:hold s:8 sh:back w:vm-advopts d:# end:20"
    rig.dials("*97", script, "1001", shell=lambda line, word: line.phone.hold(on=word == "hold"))
    return rig


@pytest.mark.parametrize("scene", [Scene("hold", holds, 50.0)], ids=["hold"])
def test_a_message_waits_for_one_who_has_put_it_on_hold(played):
    assert played.problems == [], played.transcript
    at = next(n for n, (_, name, data) in enumerate(played.line.ran) if "cache" in data)
    began, after = played.line.ran[at][0], played.line.ran[at + 1][0]
    assert 13 < after - began < 16.5, "6 s of message, 8 s of hold"


def held(node, folder):
    """Each key of a PIN is held for 3 s; the next is pressed a second after it is released."""
    rig = LiveRig(node, folder)
    furnish(rig, Box())

    def shell(line, _words):
        line.phone.sound.key_frames = 150

    script = "w:vm-password sh:hold d:4 s:1 d:8 s:1 d:2 s:1 d:1 s:1 d:# w:vm-opts hang"
    rig.dials("*97", script, "1001", shell=shell)
    return rig


@pytest.mark.parametrize("scene", [Scene("held", held, 60.0)], ids=["held"])
def test_a_key_that_is_held_counts_when_it_is_pressed(played):
    assert played.problems == [], played.transcript
    assert played.heard[:2] == ["vm-password", "vm-no"]
    released = [mark.at for mark in played.line.timeline if getattr(mark, "what", None) is Happening.KEY]
    assert next(one.at for one in played.line.sounds if one.name == "vm-no") < released[-1] - 1


def leaks(node, folder):
    rig = LiveRig(node, folder)
    furnish(rig, Box())

    def shell(line, _words):
        line.phone.sound.leaks_ms = 60

    rig.dials("1001", "w:beep talk s:3 sh:leak d:# quiet w:vm-review d:1 end:20", "0612345678", shell=shell)
    (message,) = rig.messages(MailboxId("1001"), Folder.NEW)
    rig.stored = read_wav(node.stores.audio.playable(message.id))
    return rig


@pytest.mark.parametrize("scene", [Scene("leak", leaks, 40.0)], ids=["leak"])
def test_the_tone_of_a_key_that_a_gateway_lets_through_is_not_in_the_message(played):
    assert played.problems == [], played.transcript
    end = played.stored[-RATE // 10 :].astype(float)
    spectrum = np.abs(np.fft.rfft(end * np.hanning(len(end)))) ** 2
    hertz = np.fft.rfftfreq(len(end), 1 / RATE)
    tone = sum(spectrum[np.abs(hertz - wanted) < 25].sum() for wanted in TONES["#"])
    assert tone / spectrum.sum() < 0.3
    assert 2.5 < len(played.stored) / RATE < 3.4
