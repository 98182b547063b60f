"""What was spoken is what is heard back, and what is stored: on a real line, with real sound."""

import numpy as np
import pytest
from calls.book import BRUNO, Box
from live.likeness import likeness
from live.live_node import voices
from live.live_rig import ALIKE, LiveRig, furnish
from live.scenes import Scene
from live.telephone_sound import RATE, read_wav
from support.sounds import write_wav

from esl_vm.model.mailbox import Folder, Greeting, MailboxId

pytestmark = [pytest.mark.live, pytest.mark.timeout(400)]

ALICE = MailboxId("1001")
RECORD = "w:beep talk s:5 d:# quiet w:vm-review "
IN = "w:vm-password d:4821# "


def part_of(voice: np.ndarray, heard: np.ndarray) -> float:
    """How alike what is in `heard` is to the voice from its beginning on; the tone may cost the first words."""
    return max(likeness(voice[start : start + 3 * RATE], heard).score for start in (0, RATE))


def leaves_and_listens(language):
    """A caller leaves a message; its owner hears it, in the same words."""

    def act(node, folder):
        box = Box(language=language)
        rig = LiveRig(node, folder)
        furnish(rig, box)
        voice = voices()[0]
        rig.dials(
            "1001", "w:vm-intro* d:# " + RECORD + "d:2 w:<sound> w:vm-review d:1 end:20", "0612345678", voice=voice
        )
        left = rig.line
        [message] = rig.messages(ALICE, Folder.NEW)
        stored = read_wav(node.stores.audio.playable(message.id))
        rig.dials("*97", IN + "w:vm-opts d:1 w:vm-repeat d:# end:20", "1001")
        return rig, left, message, voice, stored, language

    return act


@pytest.mark.parametrize(
    "scene",
    [Scene(f"leave_and_listen_in_{one}", leaves_and_listens(one), 80) for one in ("fr", "en")],
    ids=lambda scene: scene.name,
)
def test_what_a_caller_says_is_stored_and_heard_by_the_owner(played, evidence_of):
    rig, left, message, voice, stored, language = played
    assert left.variable("vm_status") == "SUCCESS"
    assert left.variable("vm_message_id") == message.id
    assert 4000 < message.duration_ms < 6500
    assert part_of(voice, stored) > ALIKE, "what is stored is something else"
    assert part_of(voice, left.recording()) > ALIKE, "the caller heard something else in the review"
    assert part_of(voice, rig.line.recording()) > ALIKE, "the owner heard something else"
    assert part_of(voices()[3], rig.line.recording()) < ALIKE, "another voice would have been taken for it"
    for line in (left, rig.line):
        evidence = evidence_of(line)
        assert [one.heard.name for one in evidence if one.score < ALIKE] == []
    assert {sound.language for sound in rig.line.sounds[2:] if sound.language} == {language}


def records_a_greeting(node, folder):
    """An owner records the busy greeting; the next caller who finds the line busy hears it."""
    rig = LiveRig(node, folder)
    furnish(rig, Box())
    voice = voices()[1]
    rig.dials("*97", IN + "w:vm-opts d:0 w:vm-options d:2 " + RECORD + "d:1 w:vm-msgsaved hang", "1001", voice=voice)
    rig.dials("1001", "w:<sound> w:vm-intro* hang", "0612345678", telephone=node.busy)
    return rig, voice


@pytest.mark.parametrize("scene", [Scene("record_a_greeting", records_a_greeting)], ids=lambda scene: scene.name)
def test_a_greeting_an_owner_recorded_is_what_callers_hear(played):
    rig, voice = played
    assert rig.problems == [], rig.transcript
    assert set(rig.mailbox(ALICE).greetings) == {Greeting.BUSY}
    assert part_of(voice, rig.line.recording()) > ALIKE
    assert "vm-theperson" not in rig.heard


def forwards_with_an_introduction(node, folder):
    """Alice forwards a message with an introduction; Bruno hears the introduction, then the message."""
    rig = LiveRig(node, folder)
    furnish(rig, Box(), BRUNO)
    first, second = voices()[2], voices()[4]
    rig.dials("1001", "w:vm-intro* d:# " + RECORD + "d:1 end:20", "0612345678", voice=first)
    forward = "w:vm-opts d:1 w:vm-repeat d:8 w:vm-extension d:1002# w:vm-forwardoptions d:1 w:beep talk s:5 d:# quiet "
    rig.dials("*97", IN + forward + "w:vm-msgforwarded hang", "1001", voice=second)
    rig.dials("*97", "w:vm-password d:7319# w:vm-opts d:1 w:vm-repeat d:# end:20", "1002")
    return rig, first, second


@pytest.mark.parametrize("scene", [Scene("forward", forwards_with_an_introduction, 100)], ids=lambda scene: scene.name)
def test_an_introduction_is_heard_before_the_message_it_introduces(played):
    rig, message, introduction = played
    assert rig.problems == [], rig.transcript
    sounds = [one for one in rig.line.evidence() if one.heard.name.startswith("<")]
    assert len(sounds) == 2, rig.transcript
    assert all(one.score > ALIKE for one in sounds)
    heard = rig.line.recording()
    starts = [likeness(voice[RATE : 4 * RATE], heard) for voice in (introduction, message)]
    assert all(one.score > ALIKE for one in starts), starts
    assert starts[0].at < starts[1].at


def jumps_in_a_message(node, folder):
    """A message of known words is jumped about in: 3 s ahead, then back, then from its beginning."""
    rig = LiveRig(node, folder)
    furnish(rig, Box())
    spoken = rig.leave_lying("1001", write_wav(folder / "long.wav", 14.0))
    rig.dials("*97", IN + "w:vm-opts d:1 w:<sound> s:2 d:# s:2 d:* s:2 d:2 s:3 hang", "1001")
    return rig, spoken


@pytest.mark.parametrize("scene", [Scene("jump", jumps_in_a_message)], ids=lambda scene: scene.name)
def test_jumping_ahead_and_back_plays_those_very_words(played):
    rig, spoken = played
    parts = [one for one in rig.line.evidence() if one.heard.name.startswith("<")]
    assert len(parts) == 4, rig.transcript
    assert all(one.score > ALIKE for one in parts)
    starts = [(len(spoken) / RATE) - one.heard.length for one in parts]  # where in the message each part began
    # 2.3 s were heard, then 3 s ahead; 2.3 s from there on, then 3 s back; then the beginning.
    assert starts == pytest.approx([0, 5.3, 4.6, 0], abs=0.4)
