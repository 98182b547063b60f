"""A distribution list as a recipient on the telephone: said back, everybody once, a full mailbox keeps nobody waiting."""

import fakeredis
import pytest
from calls import play_book
from calls.book import BRUNO, CARLA, IN, ONE, OWN, RECORD, Box, Msg, PhoneCall
from support.real_rig import RealRig
from support.sounds import write_wav

from esl_vm.model.mailbox import Folder, MailboxId, StoredGreeting

SALES = MailboxId("900")
FULL = Box("1002", "Bruno Petit", "7319", messages=(Msg(),), options={"maxmsg": "1"})
SEND = IN + "w:vm-opts d:3 w:vm-leavemsg d:5 w:vm-extension d:{} "


@pytest.fixture
def ring(tmp_path):
    rigs = []

    def play(does, *, boxes, members, before=None):
        rig = RealRig(tmp_path, fakeredis.FakeRedis(), now=play_book.NOON)
        rigs.append(rig)
        call = PhoneCall(
            "a_list", "", OWN, does, "", boxes=boxes, lists={"900": members} if members is not None else {}
        )
        play_book.furnish(call, rig, tmp_path / "before")
        if before:
            before(rig)
        rig.ring(play_book.call_of(call), call.does)
        assert rig.problems == [], rig.transcript
        return rig

    yield play
    for rig in rigs:
        rig.close()


def new(rig, number):
    return [message.origin for message in rig.messages(MailboxId(number), Folder.NEW)]


def test_a_recorded_name_is_said_instead_of_the_number(ring, tmp_path):
    def record(rig):
        rig.put("sales", write_wav(tmp_path / "sales.wav", 1.0))
        rig.real.lists.set_recorded_name(SALES, StoredGreeting("sales", 1000))

    does = SEND.format("900#") + RECORD + "d:1 w:vm-msgsaved hang"
    rig = ring(does, boxes=(Box(), BRUNO), members=("1002",), before=record)
    at = rig.heard.index("vm-extension")
    assert rig.heard[at + 1 : at + 3] == ["<sales>", "vm-intro-short"]
    assert new(rig, "1002") == ["send"]


def test_a_recorded_name_that_is_gone_is_said_by_its_number(ring):
    def lose(rig):
        rig.real.lists.set_recorded_name(SALES, StoredGreeting("nowhere", 1000))

    does = SEND.format("900#") + "w:beep hang"
    assert "digits/9" in ring(does, boxes=(Box(), BRUNO), members=("1002",), before=lose).heard


def test_who_is_reached_in_several_ways_gets_it_once(ring):
    does = SEND.format("1002*900*1002*1001#") + RECORD + "d:1 w:vm-msgsaved hang"
    rig = ring(does, boxes=(Box(), BRUNO, CARLA), members=("1001", "1002", "1003"))
    assert [new(rig, number) for number in ("1001", "1002", "1003")] == [["send"]] * 3


def test_a_full_or_missing_mailbox_keeps_it_from_nobody_else(ring):
    does = SEND.format("900#") + RECORD + "d:1 w:vm-msgsaved hang"
    rig = ring(does, boxes=(Box(), FULL, CARLA), members=("1002", "1003", "1099"))
    assert new(rig, "1002") == ["call"]
    assert new(rig, "1003") == ["send"]


def test_when_all_on_it_are_full_nothing_is_said_to_be_saved(ring):
    does = SEND.format("900#") + RECORD + "d:1 w:vm-mailboxfull hang"
    rig = ring(does, boxes=(Box(), FULL), members=("1002",))
    assert "vm-msgsaved" not in rig.heard


def test_a_list_of_nobody_or_only_of_oneself_is_no_one_to_forward_to(ring):
    does = IN + "w:vm-opts d:1 w:vm-repeat d:8 w:vm-extension d:900# w:pbx-invalid w:vm-extension d:# w:vm-repeat hang"
    mine = Box(messages=ONE)
    rig = ring(does, boxes=(mine,), members=("1001",))
    assert [message.origin for message in rig.messages(MailboxId("1001"), Folder.OLD)] == ["call"]
    ring(does, boxes=(mine,), members=())
    ring(does, boxes=(mine,), members=None)


def test_the_limits_of_a_message_to_a_list_are_the_senders(ring):
    short = Box(options={"review": "no"})
    does = SEND.format("900#") + "w:beep talk s:3 d:# quiet w:vm-opts hang"
    rig = ring(does, boxes=(short, BRUNO), members=("1002",))
    assert "vm-review" not in rig.heard
    assert new(rig, "1002") == ["send"]


def test_a_temporary_greeting_of_the_sender_is_not_played_to_the_sender(ring):
    does = SEND.format("900#") + "w:beep hang"
    rig = ring(does, boxes=(Box(greetings=("temporary",), options={"tempgreetwarn": "no"}), BRUNO), members=("1002",))
    assert not [name for name in rig.heard if "temporary" in name]


def test_who_may_not_send_to_lists_or_to_so_many_is_told_before_anything_is_recorded(ring):
    people = (BRUNO, CARLA)
    for options, dialled in (
        ({"send_lists": "no"}, "900#"),
        ({"send_most": "1"}, "900#"),
        ({"send_most": "1"}, "1002*1003#"),
    ):
        does = SEND.format(dialled) + "w:feature-not-avail-line w:vm-extension d:1002# w:beep hang"
        rig = ring(does, boxes=(Box(options=options), *people), members=("1002", "1003"))
        assert new(rig, "1003") == []


def test_a_message_to_forty_is_one_sound_in_redis_until_the_last_of_them_erases_it(tmp_path, empty_redis):
    """Recorded by telephone, for a list; each of the forty hears it, and its deletion takes it from nobody else."""
    numbers = [str(3000 + place) for place in range(40)]
    boxes = (Box(), *(Box(number, f"Box {number}", "7319", options={"trash_days": "0"}) for number in numbers))
    does = SEND.format("900#") + "w:beep talk s:30 d:# quiet w:vm-review d:1 w:vm-msgsaved hang"
    call = PhoneCall("a_list", "", OWN, does, "", boxes=boxes, lists={"900": tuple(numbers)})
    rig = RealRig(tmp_path, empty_redis.url, now=play_book.NOON)
    try:
        play_book.furnish(call, rig, tmp_path / "before")
        before = sounds_in(empty_redis)
        rig.ring(play_book.call_of(call), call.does)
        assert rig.problems == [], rig.transcript
        assert before == {}
        sounds = sounds_in(empty_redis)
        assert len(sounds) == 1
        assert 450_000 < sum(sounds.values()) < 520_000  # 30 s, once
        mailboxes, keeps = rig.real.mailboxes, rig.real.housekeeping
        for number in numbers:
            [message] = rig.messages(MailboxId(number), Folder.NEW)
            assert rig.audio.playable(message.id).stat().st_size > 450_000
            assert mailboxes.delete(MailboxId(number), message.id)
            keeps.erase_sounds(rig.audio.delete)
            assert len(sounds_in(empty_redis)) == (number != numbers[-1])
    finally:
        rig.close()


def sounds_in(server):
    """Every sound in Redis and its bytes."""
    with server.client() as client:
        found = [key for key in client.scan_iter("vm:audio:*") if client.type(key) == b"string" and key != b"vm:audio:"]
        return {key: client.strlen(key) for key in found}
