"""The book of calls on a real FreeSWITCH, with real SIP, RTP and RFC 2833 keys; all that is heard is held to the sound."""

import pytest
from calls import play_book
from calls.book import CALLS, PhoneCall
from live.live_rig import ALIKE, LiveRig
from live.scenes import Scene

pytestmark = [pytest.mark.live, pytest.mark.timeout(400)]


def scene_of(call: PhoneCall) -> Scene:
    def act(node, folder):
        rig = LiveRig(node, folder)
        play_book.furnish(call, rig, folder / "before")
        rig.ring(play_book.call_of(call), call.does)
        return call, rig

    return Scene(call.name, act, seconds=len(call.does) / 5)


# That FreeSWITCH has authenticated a telephone no header can say.
PLAYED = [call for call in CALLS if "sip_auth_username" not in call.variables]


@pytest.mark.parametrize("scene", [scene_of(call) for call in PLAYED], ids=lambda scene: scene.name)
def test_call(played, evidence_of):
    call, rig = played
    play_book.check(call, rig, rig.heard)
    evidence = evidence_of(rig.line)
    not_alike = [f"{one.heard.name} {one.score:.3f}" for one in evidence if one.score < ALIKE]
    assert not not_alike, f"what was heard is something else: {not_alike}\n{rig.transcript}"
    assert rig.line.missing == []
    languages = {sound.language for sound in rig.line.sounds} - {""}
    assert call.language in languages or not languages
    assert call.language == "en" or languages <= {"fr"}
