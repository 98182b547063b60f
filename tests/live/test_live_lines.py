"""Recording is right on any line: narrow or wide band, stereo, late negotiation, pauses without sound, a codec that changes."""

import math
import threading
import time

import numpy as np
import pytest
from calls.book import Box, Msg
from live import codecs
from live.codecs import G722, G729, L16, OPUS, PCMU, WIDE
from live.freeswitch import find_freeswitch
from live.live_rig import LiveRig, furnish
from live.rtp import Quiet, Sends
from live.scenes import Scene
from live.telephone_sound import RATE, read_wav, write_wav

from esl_vm.model.mailbox import Folder, MailboxId
from esl_vm.ops.check_codecs import check_codecs
from esl_vm.sim.line import Happening
from esl_vm.sound.wav import wave

pytestmark = [pytest.mark.live, pytest.mark.timeout(400)]

ALICE = MailboxId("1001")
LINES = {"pcmu": PCMU, "g722": G722, "l16": L16, "wide": WIDE, "opus": OPUS}
LEVEL = 8000
TALK = {Happening.TALK, Happening.QUIET}
LEAVES = "w:vm-intro* d:# w:beep s:0.6 talk s:{seconds} d:# quiet w:vm-review d:1 end:20"


def tone(hertz, seconds, rate, level=LEVEL):
    return np.rint(level * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)).astype(np.int16)


def noise(seconds, rate, mean):
    """A room's noise, whose samples' absolute values have that mean; the same every time."""
    drawn = np.random.default_rng(7).normal(0, mean * math.sqrt(math.pi / 2), round(seconds * rate))
    return np.rint(drawn).astype(np.int16)


def amplitude(samples, hertz):
    """Of a tone in the middle of it, as a 16-bit sample."""
    middle = samples[len(samples) // 4 : len(samples) // 4 * 3]
    moments = np.arange(len(middle)) / RATE
    turned = middle * np.hanning(len(middle)) * np.exp(-2j * np.pi * hertz * moments)
    return 4 * abs(turned.sum()) / len(middle)


def pitch(samples):
    """The strongest tone in the middle of it, Hz."""
    middle = samples[len(samples) // 4 : len(samples) // 4 * 3]
    return float(np.argmax(np.abs(np.fft.rfft(middle * np.hanning(len(middle))))) * RATE / len(middle))


def leaves(name, codec, voice, script, *, late=False, quiet=Quiet.SILENCE, shell=None, seconds=60, **options):
    """A scene: a caller leaves a message; what is played are the rig, the message and its sound."""

    def act(node, folder):
        if reason := codecs.why_not(codec):
            return reason
        rig = LiveRig(node, folder)
        furnish(rig, Box(language="en", options=options))
        rig.dials("1001", script, "0612345678", voice=voice, sends=Sends(codec, quiet), late=late, shell=shell)
        messages = rig.messages(ALICE, Folder.NEW)
        sounds = [read_wav(node.stores.audio.playable(message.id)) for message in messages]
        for number, sound in enumerate(sounds):
            write_wav(folder / f"stored-{number}.wav", sound)
        return rig, messages, sounds

    return Scene(name, act, seconds)


def message_of(played):
    """A scene's rig, and the sound of the only message left in it."""
    if isinstance(played, str):
        pytest.skip(played)
    rig, messages, sounds = played
    assert rig.problems == [], rig.transcript
    assert len(messages) == 1, rig.transcript
    assert messages[0].duration_ms == pytest.approx(len(sounds[0]) * 1000 / RATE, abs=1)
    return rig, sounds[0]


def tones(name, codec, late):
    """A tone of 1 kHz; on the widest lines one of 6 kHz besides, which no telephone could carry."""
    voice = tone(1000, 5, codec.rate)
    if codec.rate == 48000:
        voice = voice // 2 + tone(6000, 5, codec.rate) // 2
    return leaves(name, codec, voice, LEAVES.format(seconds=4), late=late)


TONES = [tones(f"tones_{name}{'_late' * late}", codec, late) for name, codec in LINES.items() for late in (0, 1)]


@pytest.mark.parametrize("scene", TONES, ids=lambda scene: scene.name)
def test_a_tone_keeps_its_length_pitch_and_level(played, scene):
    _, sound = message_of(played)
    spoken = sound[np.flatnonzero(np.abs(sound.astype(int)) > 1000)[0] :]
    level = LEVEL / 2 if ("wide" in scene.name or "opus" in scene.name) else LEVEL
    assert 3.8 <= len(spoken) / RATE <= 4.6
    assert pitch(spoken) == pytest.approx(1000, abs=2)
    assert amplitude(spoken, 1000) == pytest.approx(level, rel=0.12)
    assert amplitude(spoken, 2000) < level * 0.01


def noisy_room(name, codec, late):
    """Three seconds of a tone, then what a room sounds like: below the threshold, but no digital silence."""
    voice = np.concatenate((tone(440, 3, codec.rate), noise(30, codec.rate, 70)))
    return leaves(
        name,
        codec,
        voice,
        "w:vm-intro* d:# w:beep s:0.6 talk w:vm-review@20 d:1 end:20",
        late=late,
        maxsilence="4",
    )


def no_packets(name, codec, quiet):
    """Three seconds of a tone, then a telephone that sends no more sound."""
    return leaves(
        name, codec, tone(440, 5, codec.rate), "w:vm-intro* d:# w:beep s:0.6 talk s:3 quiet w:vm-review@20 d:1 end:20",
        quiet=quiet, maxsilence="4",
    )  # fmt: skip


def changed_before(name, first, second):
    """The codec changes while the greeting is played; then as in the noisy room."""
    voice = np.concatenate((tone(440, 3, second.rate), noise(30, second.rate, 70)))
    return leaves(
        name, first, tone(440, 1, first.rate),
        "w:vm-theperson sh:change s:0.5 d:# w:beep s:0.6 talk w:vm-review@20 d:1 end:20",
        shell=lambda line, _: line.phone.change(second, voice), maxsilence="4",
    )  # fmt: skip


SILENT = [
    *(
        noisy_room(f"noisy_room_{name}{'_late' * late}", codec, late)
        for name, codec in LINES.items()
        for late in (0, 1)
    ),
    *(no_packets(f"no_packets_{name}", codec, Quiet.NOTHING) for name, codec in LINES.items()),
    no_packets("comfort_noise", PCMU, Quiet.COMFORT_NOISE),
    # Not L16: FreeSWITCH goes on swapping its bytes, or not, as at the call's beginning (SWITCH_RTP_FLAG_BYTESWAP).
    changed_before("changed_before_g722", PCMU, G722),
    changed_before("changed_before_pcmu", G722, PCMU),
    changed_before("changed_before_opus", PCMU, OPUS),
]


@pytest.mark.parametrize("scene", SILENT, ids=lambda scene: scene.name)
def test_silence_ends_a_recording_after_as_long_whatever_the_line(played):
    rig, _ = message_of(played)
    began = next(at for at, application, _ in rig.line.ran if application == "record")
    reviewed = next(one.at for one in rig.line.sounds if one.name == "auth-thankyou")
    assert rig.line.variable("silence_hits_exhausted") == "true"
    assert 6.5 <= reviewed - began <= 9


def pause(name, codec, quiet):
    voice = tone(1000, 12, codec.rate)
    return leaves(
        name, codec, voice, "w:vm-intro* d:# w:beep s:0.6 talk s:3 quiet s:6 talk s:2 d:# w:vm-review d:1 end:20",
        quiet=quiet,
    )  # fmt: skip


PAUSES = [
    pause(f"pause_{name}_{quiet.name}", codec, quiet)
    for name, codec in LINES.items()
    for quiet in (Quiet.SILENCE, Quiet.NOTHING)
] + [pause("pause_pcmu_comfort_noise", PCMU, Quiet.COMFORT_NOISE)]


@pytest.mark.parametrize("scene", PAUSES, ids=lambda scene: scene.name)
def test_a_pause_keeps_its_length_whatever_the_telephone_sends_meanwhile(played):
    rig, sound = message_of(played)
    talked, stopped, again = (mark.at for mark in rig.line.timeline if getattr(mark, "what", None) in TALK)
    loud = np.flatnonzero(np.abs(sound.astype(int)) > 2000)
    gaps = np.diff(loud)
    between = sound[loud[gaps.argmax()] + 800 : loud[gaps.argmax() + 1] - 800]
    assert gaps.max() / RATE == pytest.approx(again - stopped, abs=0.4)
    assert loud[gaps.argmax()] - loud[0] == pytest.approx((stopped - talked) * RATE, abs=0.4 * RATE)
    assert np.abs(between.astype(int)).mean() < 30


def calls_by_fax(node, folder):
    """A fax machine that dialled the mailbox: its calling tones from the beginning on; it gives up after half a minute."""
    rig = LiveRig(node, folder)
    furnish(rig, Box(language="en"))
    calling = np.concatenate((tone(1100, 0.5, RATE), np.zeros(3 * RATE, dtype=np.int16)))
    rig.dials("1001", "talk w:vm-theperson w:beep s:31 hang", "0612345678", voice=calling)
    until = time.monotonic() + 10
    while not (told := _told_of(node.service, rig)) and time.monotonic() < until:
        threading.Event().wait(0.1)  # the caller is gone, the call is not over yet
    return rig, told


def _told_of(service, rig):
    """The lines of its log on takes for this rig's mailbox."""
    return [line for line in service.log.read_text().splitlines() if f"1001@{rig.domain} " in line]


@pytest.mark.parametrize("scene", [Scene("calls_by_fax", calls_by_fax, 50)], ids=lambda scene: scene.name)
def test_a_fax_machine_leaves_no_message_and_is_told_in_the_log(played):
    rig, told = played
    assert rig.problems == [], rig.transcript
    assert len(told) == 1
    assert "quarantined: fax tones" in told[0]
    assert rig.messages(ALICE, Folder.NEW) == []


def changes(name, first, second):
    """The telephone changes its codec in the middle of a tone."""
    return leaves(
        name, first, tone(1000, 12, first.rate),
        "w:vm-intro* d:# w:beep s:0.6 talk s:3 sh:change s:3 d:# quiet w:vm-review d:1 end:20",
        shell=lambda line, _: line.phone.change(second, tone(1000, 12, second.rate)),
    )  # fmt: skip


CHANGES = [
    changes(f"changes_{first}_to_{second}", LINES[first], LINES[second])
    for first, second in (("pcmu", "g722"), ("g722", "pcmu"), ("pcmu", "opus"), ("opus", "pcmu"), ("g722", "opus"))
]


@pytest.mark.parametrize("scene", CHANGES, ids=lambda scene: scene.name)
def test_both_parts_have_the_right_speed_where_the_codec_changes(played, scene):
    _, sound = message_of(played)
    spoken = sound[np.flatnonzero(np.abs(sound.astype(int)) > 1000)[0] :]
    assert 5.5 <= len(spoken) / RATE <= 8
    frames = spoken[: len(spoken) // 160 * 160].reshape(-1, 160).astype(float)
    loud = frames[np.sqrt((frames**2).mean(axis=1)) > LEVEL / 4]
    for part in (loud[10:60], loud[-80:-30]):
        assert np.median([np.abs(np.diff(np.sign(frame))).sum() / 2 for frame in part]) == pytest.approx(40, abs=1)
        assert np.median(np.sqrt((part**2).mean(axis=1))) == pytest.approx(LEVEL / math.sqrt(2), rel=0.06)
    assert 5.5 <= len(loud) / 50 <= 6.8


def passes_through(name, late):
    def act(node, folder):
        if "g729" not in find_freeswitch().names:
            return "mod_g729 is not installed"
        rig = LiveRig(node, folder)
        furnish(rig, Box())
        rig.dials("*1001", "end:20", "0612345678", voice=tone(440, 1, RATE), sends=Sends(G729), late=late)
        rig.log = [line for line in node.service.log.read_text().splitlines() if rig.line.uuid in line]
        return rig

    return Scene(name, act, 20)


PASSED_THROUGH = [passes_through(f"passed_through{'_late' * late}", late) for late in (False, True)]


@pytest.mark.parametrize("scene", PASSED_THROUGH, ids=lambda scene: scene.name)
def test_a_line_whose_codec_is_only_passed_through_gets_its_call_back_at_once(played):
    if isinstance(played, str):
        pytest.skip(played)
    assert played.problems == [], played.transcript
    assert (played.status, played.line.variable("vm_cause")) == ("FAILED", "codec")
    assert played.line.variable("vm_handed_back") == "true"
    socket = next(at for at, application, _ in played.line.ran if application == "socket")
    after = next(at for at, application, _ in played.line.ran if application == "execute_extension")
    assert after - socket < 2
    assert "whose codec is G729" in "".join(played.log)


def test_doctor_names_the_codec_that_is_only_passed_through(live_node):
    if "g729" not in find_freeswitch().names:
        pytest.skip("mod_g729 is not installed")
    assert ["G729" in found.said for found in check_codecs(live_node.switch)] == [True, True]


def hears_nothing(name, content):
    """An owner's message whose sound is no sound any more."""

    def act(node, folder):
        rig = LiveRig(node, folder)
        furnish(rig, Box(language="en", messages=(Msg(), Msg("1003"))))
        for message in rig.messages(ALICE, Folder.NEW):
            node.stores.audio.playable(message.id).write_bytes(content)
        rig.dials("*97", "w:vm-password d:4821# w:vm-opts d:1 w:im-sorry w:vm-repeat d:# end:20", "1001")
        return rig

    return Scene(name, act, 40)


NO_SOUND = [
    hears_nothing("message_of_0_bytes", b""),
    hears_nothing("message_of_rubbish", b"RIFF rubbish"),
    hears_nothing("message_without_samples", wave(b"", RATE)),
]


@pytest.mark.parametrize("scene", NO_SOUND, ids=lambda scene: scene.name)
def test_a_message_that_does_not_sound_is_said_so_and_stays_new(played):
    assert played.problems == [], played.transcript
    assert [message.heard for message in played.messages(ALICE, Folder.NEW)] == [False, False]
