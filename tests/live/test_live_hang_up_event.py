"""CHANNEL_HANGUP_COMPLETE of a real FreeSWITCH says how a call stood, at whatever moment its caller hung up."""

import threading
import time

import pytest
from calls import play_book
from calls.standings import STANDINGS
from live.live_rig import LiveRig
from live.scenes import Scene

from esl_vm.model.mailbox import Folder, MailboxId

pytestmark = [pytest.mark.live, pytest.mark.timeout(400)]


def eventually(look, number):
    """What lies there once there are so many; the event of the hang-up comes before the delivery."""
    until = time.monotonic() + 20
    while len(found := look()) != number and time.monotonic() < until:
        threading.Event().wait(0.05)
    return found


def scene_of(standing):
    def act(node, folder):
        rig = LiveRig(node, folder)
        call = standing.call()
        play_book.furnish(call, rig, folder / "before")
        rig.ring(play_book.call_of(call), call.does)
        return standing, rig

    return Scene(f"hang up {standing.name}".replace(" ", "_"), act, 30.0)


@pytest.mark.parametrize("scene", [scene_of(one) for one in STANDINGS], ids=lambda scene: scene.name)
def test_whoever_hangs_up(played):
    standing, rig = played
    assert rig.problems == [], rig.transcript
    told = rig.line.variable
    assert (told("vm_status"), told("vm_cause")) == (standing.status, standing.cause), rig.transcript
    assert bool(told("vm_message_id")) is standing.named
    messages = eventually(lambda: rig.messages(MailboxId("1001"), Folder.NEW), standing.kept)
    assert len(messages) == standing.kept
    if standing.status == "SUCCESS" and standing.named:
        assert [message.id for message in messages] == [told("vm_message_id")]
