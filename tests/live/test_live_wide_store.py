"""Messages kept at 16 kHz (`audio.rate`): wide lines keep their treble, narrow ones lose nothing, and any telephone hears both."""

import wave
from contextlib import closing

import numpy as np
import pytest
from calls.book import Box
from live import codecs
from live.codecs import G722, L16, OPUS, PCMU, WIDE
from live.live_node import LiveNode
from live.live_rig import LiveRig, furnish
from live.rtp import Sends
from live.telephone_sound import RATE

from esl_vm.model.mailbox import Folder, MailboxId

pytestmark = [pytest.mark.live, pytest.mark.timeout(400)]

KEPT = 16000
ALICE = MailboxId("1001")
LEVEL = 4000
LINES = {"pcmu": PCMU, "g722": G722, "l16": L16, "wide": WIDE, "opus": OPUS}
LEAVES = "w:vm-intro* d:# w:beep s:0.6 talk s:3 d:# quiet w:vm-review d:1 end:20"


@pytest.fixture(scope="module")
def wide_node(live_node, tmp_path_factory):
    """A node of its own; after the other's, whose reason to skip is this one's too."""
    node = LiveNode(tmp_path_factory.mktemp("wide"), settings=f"[audio]\nrate = {KEPT}\n")
    with closing(node):
        yield node
        assert not node.loop.errors, "\n".join(node.loop.errors)


def amplitude(samples, rate, hertz):
    """Of a tone in the middle of it, as a 16-bit sample."""
    middle = samples[len(samples) // 4 : len(samples) // 4 * 3]
    turned = middle * np.hanning(len(middle)) * np.exp(-2j * np.pi * hertz * np.arange(len(middle)) / rate)
    return 4 * abs(turned.sum()) / len(middle)


def two_tones(codec):
    """Ten seconds of 1 kHz, and of 5 kHz where the line carries it."""
    turns = 2j * np.pi * np.arange(codec.rate * 10) / codec.rate
    pitches = [1000, 5000] if codec.rate > RATE else [1000]
    return np.rint(LEVEL * sum(np.exp(turns * pitch).imag for pitch in pitches)).astype(np.int16)


@pytest.mark.parametrize("line", LINES)
def test_a_message_keeps_what_the_line_carried_and_is_heard(wide_node, tmp_path, line):
    codec = LINES[line]
    if reason := codecs.why_not(codec):
        pytest.skip(reason)
    rig = LiveRig(wide_node, tmp_path)
    furnish(rig, Box(language="en"))
    rig.dials("1001", LEAVES, "0612345678", voice=two_tones(codec), sends=Sends(codec))
    assert rig.problems == [], rig.transcript

    (message,) = rig.messages(ALICE, Folder.NEW)
    with wave.open(str(wide_node.stores.audio.playable(message.id)), "rb") as kept:
        assert kept.getparams()[:3] == (1, 2, KEPT)
        sound = np.frombuffer(kept.readframes(kept.getnframes()), dtype="<i2")
    assert message.duration_ms == pytest.approx(len(sound) * 1000 / KEPT, abs=1)
    spoken = sound[np.flatnonzero(np.abs(sound.astype(int)) > LEVEL / 8)[0] :]
    assert 2.8 <= len(spoken) / KEPT <= 3.6
    assert amplitude(spoken, KEPT, 1000) == pytest.approx(LEVEL, rel=0.12)
    if codec.rate > RATE:
        assert amplitude(spoken, KEPT, 5000) == pytest.approx(LEVEL, rel=0.2)
    else:
        assert amplitude(spoken, KEPT, 5000) < LEVEL * 0.02

    rig.dials("*97", "w:vm-password d:4821# w:vm-opts d:1 w:vm-delete hang", "1001")
    assert rig.problems == [], rig.transcript
    heard = rig.line.recording()
    seconds = [heard[at : at + RATE] for at in range(0, len(heard) - RATE, RATE // 4)]
    assert max(amplitude(one, RATE, 1000) for one in seconds) == pytest.approx(LEVEL, rel=0.15)
