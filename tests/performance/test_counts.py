"""What a step of a call sends to FreeSWITCH and to Redis, counted. How long it takes is `make bench`'s business."""

from __future__ import annotations

import pytest
from calls.book import IN, LEAVE, OWN, RECORD, Box, Msg, PhoneCall

TWELVE = (Box(messages=(Msg(),) * 12),)


def count(what: str, sent: list[str]) -> int:
    """How many of those sent begin so."""
    return sum(word.startswith(what) for word in sent)


def call(does: str, rings: str = OWN, boxes=TWELVE, **more) -> PhoneCall:
    return PhoneCall("counted", "", rings, does, "", boxes=boxes, **more)


def test_after_the_pin_three_round_trips_and_one_application_tell_what_is_in_the_mailbox(rig, tmp_path):
    rig.play(call(IN + "w:vm-helpexit hang"), tmp_path / "before")
    key, sent = rig.steps()[4]
    assert key == "#"
    assert count("redis", sent) == 3  # may it be tried, is it right, and what lies there
    assert count("execute playback", sent) == 1


def test_every_key_of_a_menu_costs_one_application_and_at_most_one_round_trip(rig, tmp_path):
    menus = "d:0 s:4 d:* s:4 d:2 s:4 d:# s:4 d:3 s:4 d:* s:4 d:2 s:4 d:1 s:4 d:* s:4 hang"
    rig.play(call(IN + "w:vm-helpexit " + menus), tmp_path / "before")
    steps = rig.steps()[5:]
    assert [key for key, _ in steps] == list("0*2#3*21*")
    for key, sent in steps:
        assert count("execute", sent) == 1, (key, sent)
        assert count("redis", sent) <= 1, (key, sent)


def test_a_message_is_two_applications_and_one_round_trip_besides_what_the_node_has_not_seen_yet(rig, tmp_path):
    """The envelope, and the sound in which keys skip; marking it heard.

    Besides: one for a sound that is not in the node's cache yet, and once in a visit one for each colleague's mailbox
    whose name is said in an envelope.
    """
    script = IN + "w:vm-helpexit d:1 w:<sound> s:1 d:6 w:<sound> s:1 d:5 w:<sound> s:1 d:7 s:4 d:7 s:4 hang"
    rig.play(call(script, boxes=(Box(messages=(Msg(),) * 4),)), tmp_path / "before")
    (_, first), (_, second), (_, again), (_, deleted) = rig.steps()[5:9]
    assert [count("execute", sent) for sent in (first, second, again, deleted)] == [2, 2, 2, 1]
    marked, sound, colleague = 1, 1, 1
    assert count("redis", first) == sound + colleague
    assert count("redis", second) == marked + sound  # the one before is marked once it has sounded
    assert count("redis", again) == marked + 1  # and whether it is still there
    assert count("redis", deleted) == marked + 1  # that it was heard again is told first


def test_leaving_a_message_takes_four_round_trips_at_most_its_sound_included(rig, tmp_path):
    left = call(RECORD + "d:1 end:15", rings="1001", boxes=(Box(),), caller="0612345678", variables=LEAVE)
    rig.play(left, tmp_path / "before")
    assert count("redis", rig.sent) <= 4


@pytest.mark.parametrize("script", [IN + "w:vm-helpexit d:# end:15", IN + "w:vm-helpexit hang"])
def test_a_call_needs_no_more_commands_than_these(rig, tmp_path, script):
    rig.play(call(script), tmp_path / "before")
    commands = [word.split()[0] for word in rig.sent if not word.startswith(("key", "redis", "execute"))]
    assert commands[:4] == ["connect", "filter", "event", "linger"]
    assert set(commands[4:]) <= {"api", "exit"}
    assert count("api uuid_setvar", rig.sent) <= 8
