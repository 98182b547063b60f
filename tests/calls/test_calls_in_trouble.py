"""Calls while something is broken: Redis away, the disk full, a sound missing, the caller gone at every moment."""

import dataclasses
import errno
import wave

import pytest
from calls import play_book
from calls.book import IN, LEAVE, ONE, OWN, RECORD, TWO, Box, Msg, PhoneCall
from support.rig import NodeRig, Rig
from support.sim_phone import SimPhone
from support.sounds import write_wav

from esl_vm.esl.phone import EslPhone
from esl_vm.model.errors import NoSuchMailboxError, SealedError, SpoolError, StoreDownError
from esl_vm.model.mailbox import Folder, Greeting, MailboxId, StoredGreeting
from esl_vm.model.message import Message

ALICE = MailboxId("1001")


@pytest.fixture(params=[Rig, NodeRig], ids=["line", "node"])
def rig(request, tmp_path):
    return request.param(tmp_path, now=play_book.NOON)


def ring(rig, call: PhoneCall) -> None:
    play_book.furnish(call, rig, rig.folder / "before")
    rig.ring(play_book.call_of(call), call.does)


def leave(does: str = RECORD + "d:1 end:20", **more) -> PhoneCall:
    return PhoneCall("leave", "", "1001", does, "", variables=LEAVE, caller="0612345678", **more)


def check(does: str, box: Box | None = None) -> PhoneCall:
    return PhoneCall("check", "", OWN, does, "", boxes=(box or Box(messages=TWO),))


def without_its_key(rig, audio_id: str):
    """`playable` of sounds of which that one can't be decrypted."""
    playable = rig.audio.playable

    def asked(wanted: str):
        if wanted == audio_id:
            raise SealedError("its key is lost")
        return playable(wanted)

    return asked


class TestRedisAway:
    def test_a_message_is_kept_and_delivered_when_redis_is_back(self, rig):
        call = leave()
        play_book.furnish(call, rig, rig.folder / "before")
        rig.away.down = True
        rig.ring(play_book.call_of(call), call.does)
        assert "vm-theperson" in rig.heard
        assert rig.heard[-1] == "vm-msgsaved"
        assert rig.status == "SUCCESS"
        assert rig.messages(ALICE, Folder.NEW) == []
        rig.away.down = False
        rig.sweep()
        assert len(rig.messages(ALICE, Folder.NEW)) == 1
        rig.sweep()
        assert len(rig.messages(ALICE, Folder.NEW)) == 1

    def test_redis_goes_away_while_the_caller_speaks(self, rig):
        call = leave("w:beep talk s:2 sh:away s:1 d:# quiet w:vm-review d:1 end:20")
        play_book.furnish(call, rig, rig.folder / "before")
        rig.ring(play_book.call_of(call), call.does, shell=lambda _: setattr(rig.away, "down", True))
        assert rig.heard[-1] == "vm-msgsaved"
        rig.away.down = False
        rig.sweep()
        assert len(rig.messages(ALICE, Folder.NEW)) == 1

    def test_an_owner_is_told_that_messages_cannot_be_reached_now(self, rig):
        call = check("w:im-sorry end:30")
        play_book.furnish(call, rig, rig.folder / "before")
        rig.away.down = True
        rig.ring(play_book.call_of(call), call.does)
        assert rig.heard == ["im-sorry", "please-try-call-later", "vm-goodbye"]
        assert rig.status == "FAILED"

    @pytest.mark.parametrize(
        "key",
        [
            "sh:away d:1",
            "sh:away d:2 w:vm-changeto d:1",
            "d:1 w:vm-repeat sh:away d:7",
            "d:1 w:vm-repeat sh:away d:9 w:vm-savefolder d:2",
        ],
    )
    def test_redis_goes_away_in_the_middle_of_a_visit(self, rig, key):
        call = check(IN + f"w:vm-opts {key} w:im-sorry end:30")
        play_book.furnish(call, rig, rig.folder / "before")
        rig.ring(play_book.call_of(call), call.does, shell=lambda _: setattr(rig.away, "down", True))
        assert rig.heard[-3:] == ["im-sorry", "please-try-call-later", "vm-goodbye"]
        rig.away.down = False
        assert len(rig.messages(ALICE, Folder.NEW)) == 2
        rig.ring(play_book.call_of(call), IN + "w:vm-opts d:# end:20")
        assert "digits/2" in rig.heard

    def test_messages_are_heard_though_redis_takes_no_changes(self, rig, monkeypatch):
        """Full, or without replicas: heard can't be written, so it stays new; nobody is kept from the next message."""

        def refused(*_args, **_kwargs):
            raise StoreDownError("refuses: NOREPLICAS")

        for writing in ("heard", "retire"):
            monkeypatch.setattr(type(rig.real.mailboxes), writing, refused)
        ring(rig, check(IN + "w:vm-opts d:1 w:<sound> w:vm-repeat d:6 w:<sound> w:vm-repeat d:# end:20"))
        assert rig.problems == [], rig.transcript
        assert "im-sorry" not in rig.heard
        assert rig.status == "SUCCESS"
        assert len(rig.messages(ALICE, Folder.NEW)) == 2

    def test_a_greeting_accepted_while_redis_is_away_comes_into_force_when_it_is_back(self, rig):
        does = (
            IN + "w:vm-opts d:0 w:vm-options d:1 w:beep talk s:3 d:# quiet w:vm-review sh:away d:1 w:vm-msgsaved hang"
        )
        call = check(does, Box())
        play_book.furnish(call, rig, rig.folder / "before")
        rig.ring(play_book.call_of(call), call.does, shell=lambda _: setattr(rig.away, "down", True))
        assert "vm-msgsaved" in rig.heard
        rig.away.down = False
        rig.sweep()
        assert list(rig.mailbox(ALICE).greetings) == ["unavailable"]


class TestTheDisk:
    def test_a_full_disk_is_an_apology_instead_of_a_tone(self, rig, monkeypatch):
        def full(*_args, **_kwargs):
            raise SpoolError("no space left on device")

        monkeypatch.setattr(type(rig.spool), "take_message", full)
        ring(rig, leave("end:30"))
        assert rig.heard == ["im-sorry", "please-try-call-later"]
        assert rig.status == "FAILED"

    def test_a_folder_that_freeswitch_may_not_enter_is_an_apology_and_told_to_the_dialplan(
        self, rig, monkeypatch, caplog
    ):
        monkeypatch.setattr(EslPhone, "can_record", lambda *_: False)
        monkeypatch.setattr(SimPhone, "can_record", lambda *_: False)
        ring(rig, leave("w:im-sorry end:30"))
        assert rig.heard == ["im-sorry", "please-try-call-later"]  # no greeting before it
        assert rig.status == "FAILED"
        assert "its message can't be recorded" in caplog.text
        assert list(rig.spool.takes()) == []

    def test_a_disk_that_takes_nothing_of_a_recording_is_an_apology_and_not_the_callers_fault(self, rig, monkeypatch):
        """FreeSWITCH ends such a recording by itself."""

        takes = wave.Wave_write.writeframes

        def refuses(file, data):
            if data:
                raise OSError(errno.ENOSPC, "no space left on device")
            takes(file, data)  # a header has room

        monkeypatch.setattr(wave.Wave_write, "writeframes", refuses)
        ring(rig, leave("w:beep talk s:3 w:im-sorry end:30"))
        assert rig.heard[-3:] == ["beep", "im-sorry", "please-try-call-later"]
        assert rig.status == "FAILED"
        assert list(rig.spool.takes()) == []
        assert rig.messages(ALICE, Folder.NEW) == []

    def test_a_full_disk_while_recording_a_greeting_keeps_the_old_one(self, rig, monkeypatch):
        def full(*_args, **_kwargs):
            raise SpoolError("no space left on device")

        monkeypatch.setattr(type(rig.spool), "take_greeting", full)
        call = check(IN + "w:vm-opts d:0 w:vm-options d:1 w:im-sorry w:vm-options d:* w:vm-opts d:# end:20")
        ring(rig, dataclasses.replace(call, boxes=(Box(greetings=("unavailable",)),)))
        assert rig.problems == []
        assert list(rig.mailbox(ALICE).greetings) == ["unavailable"]

    def test_a_message_without_its_sound_does_not_trap_its_owner(self, rig):
        call = check(IN + "w:vm-opts d:1 w:im-sorry w:vm-repeat d:6 w:<sound> w:vm-repeat d:# end:20")
        play_book.furnish(call, rig, rig.folder / "before")
        rig.audio.delete("1001-m0")
        rig.ring(play_book.call_of(call), call.does)
        assert rig.problems == []
        assert "vm-nomore" not in rig.heard
        assert rig.heard[-1] == "vm-goodbye"
        assert [m.id for m in rig.messages(ALICE, Folder.NEW)] == ["1001-m0"]  # what did not sound is still new

    def test_a_message_whose_key_is_lost_does_not_trap_its_owner_and_stays_new(self, rig, monkeypatch):
        call = check(IN + "w:vm-opts d:1 w:im-sorry w:vm-repeat d:6 w:<sound> w:vm-repeat d:# end:20")
        play_book.furnish(call, rig, rig.folder / "before")
        monkeypatch.setattr(rig.audio, "playable", without_its_key(rig, "1001-m0"))
        rig.ring(play_book.call_of(call), call.does)
        assert rig.problems == []
        assert rig.heard[-1] == "vm-goodbye"
        assert [m.id for m in rig.messages(ALICE, Folder.NEW)] == ["1001-m0"]

    def test_a_greeting_whose_key_is_lost_keeps_nobody_from_leaving_a_message(self, rig, monkeypatch):
        call = leave(boxes=(Box(greetings=("unavailable",)),))
        play_book.furnish(call, rig, rig.folder / "before")
        sound = rig.mailbox(ALICE).greetings[Greeting.UNAVAILABLE].audio_id
        monkeypatch.setattr(rig.audio, "playable", without_its_key(rig, sound))
        rig.ring(play_book.call_of(call), call.does)
        assert rig.heard[-1] == "vm-msgsaved"
        assert "vm-theperson" in rig.heard  # the standard greeting
        assert len(rig.messages(ALICE, Folder.NEW)) == 1

    @pytest.mark.parametrize("content", [b"", b"RIFF rubbish", None], ids=["no bytes", "no sound", "no samples"])
    def test_what_did_not_sound_stays_new(self, rig, content):
        call = check(IN + "w:vm-opts d:1 w:im-sorry w:vm-repeat d:# end:20")
        play_book.furnish(call, rig, rig.folder / "before")
        path = rig.audio.playable("1001-m0")
        if content is None:
            write_wav(path, 0)
        else:
            path.write_bytes(content)
        rig.ring(play_book.call_of(call), call.does)
        assert rig.problems == [], rig.transcript
        assert [m.heard for m in rig.messages(ALICE, Folder.NEW)] == [False, False]

    def test_what_was_heard_in_part_is_heard_though_the_owner_hangs_up(self, rig):
        ring(rig, check(IN + "w:vm-opts d:1 w:<sound> s:1 hang"))
        assert [m.id for m in rig.messages(ALICE, Folder.OLD)] == ["1001-m0"]


class TestDeletedMeanwhile:
    """Another telephone, a command or a mail with delete=yes erases a message for good while its owner has it open."""

    @pytest.mark.parametrize(
        "keys",
        ["9 w:vm-savefolder d:1", "8", "7", "7 w:vm-deleted d:7", "5", "6 w:<sound> w:vm-repeat d:4", "31", "32", "33"],
    )
    def test_each_key_says_that_it_was_deleted_and_goes_on(self, rig, keys):
        box = Box(messages=TWO, options={"callback": "yes", "call_patterns": "."})
        call = check(IN + f"w:vm-opts d:1 w:vm-repeat sh:erase d:{keys} w:vm-deleted w:vm-repeat d:# end:20", box)
        play_book.furnish(call, rig, rig.folder / "before")

        def erase(_):
            rig.real.registry.change(ALICE, {"trash_days": "0"})
            rig.real.mailboxes.delete(ALICE, "1001-m0")
            rig.audio.delete("1001-m0")

        rig.ring(play_book.call_of(call), call.does, shell=erase)
        assert rig.problems == [], rig.transcript
        assert rig.heard[-1] == "vm-goodbye"
        assert rig.status == "SUCCESS"

    @pytest.mark.parametrize("keys", ["7", "9 w:vm-savefolder d:2", "5", "1"])
    def test_in_the_trash_too(self, rig, keys):
        does = (
            IN
            + f"w:vm-opts d:3 w:vm-starmain d:7 w:vm-onefor-full d:1 w:vm-repeat sh:erase d:{keys} w:vm-deleted d:# end:20"
        )
        call = check(does, Box(messages=(Msg(folder="trash"),)))
        play_book.furnish(call, rig, rig.folder / "before")

        def erase(_):
            rig.real.registry.change(ALICE, {"trash_days": "0"})
            rig.real.mailboxes.restore(ALICE, "1001-m0")
            rig.real.mailboxes.delete(ALICE, "1001-m0")
            rig.audio.delete("1001-m0")

        rig.ring(play_book.call_of(call), call.does, shell=erase)
        assert rig.problems == [], rig.transcript
        assert rig.status == "SUCCESS"

    @pytest.mark.parametrize(
        "keys", ["7", "9 w:vm-savefolder d:1", "8", "5", "6", "21", "01", "05", "31", "35", "*", "#"]
    )
    def test_a_mailbox_that_is_removed_ends_no_call_without_a_word(self, rig, keys):
        call = check(IN + f"w:vm-opts d:1 w:vm-repeat sh:remove d:{keys} s:4 d:# s:8 d:# s:8 d:# hang")
        play_book.furnish(call, rig, rig.folder / "before")
        rig.ring(play_book.call_of(call), call.does, shell=lambda _: rig.real.registry.remove(ALICE))
        assert rig.status in {"SUCCESS", ""}, rig.transcript


def test_an_introduction_that_cannot_be_played_keeps_no_message_from_its_owner(rig):
    call = check(IN + "w:vm-opts d:1 w:<sound> w:vm-repeat d:# end:20", Box())
    play_book.furnish(call, rig, rig.folder / "before")
    rig.put("forwarded", write_wav(rig.folder / "forwarded.wav", 2))
    rig.deliver(ALICE, Message("forwarded", received=rig.clock.now(), intro_id="gone"))
    rig.ring(play_book.call_of(call), call.does)
    assert rig.problems == [], rig.transcript
    assert rig.messages(ALICE, Folder.OLD)[0].heard


@pytest.mark.parametrize(("language", "named", "heard"), [("en", "", "en"), ("", "", "fr"), ("en", "fr", "fr")])
def test_callers_hear_the_mailboxs_language_unless_the_dialplan_names_one(tmp_path, language, named, heard):
    rig = Rig(tmp_path, now=play_book.NOON, language="fr")
    variables = LEAVE | {"default_language": "fr"} | ({"vm_language": named} if named else {})
    call = PhoneCall(
        "leave", "", "1001", "w:vm-theperson hang", "", boxes=(Box(language=language),), variables=variables
    )
    play_book.furnish(call, rig, rig.folder / "before")
    rig.ring(play_book.call_of(call), call.does)
    assert rig.talk.voice.language == heard


def test_what_comes_during_a_visit_can_be_reached(rig):
    does = (
        IN
        + "w:vm-opts d:1 w:vm-repeat sh:arrive d:2 w:vm-changeto d:0 w:vm-opts d:1 w:vm-Urgent w:<sound> w:vm-repeat d:# end:20"
    )
    call = check(does, Box(messages=ONE))
    play_book.furnish(call, rig, rig.folder / "before")

    def arrive(_):
        rig.put("late", write_wav(rig.folder / "late.wav", 2))
        rig.deliver(ALICE, Message("late", received=rig.clock.now(), urgent=True))

    rig.ring(play_book.call_of(call), call.does, shell=arrive)
    assert rig.problems == [], rig.transcript
    assert [m.id for m in rig.messages(ALICE, Folder.OLD)] == ["1001-m0", "late"]


class TestATemporaryGreetingWithDates:
    RECORDS = (
        IN
        + "w:vm-opts d:0 w:vm-options d:4 w:vm-tempgreeting2 d:1 w:beep talk s:3 d:# quiet w:vm-review d:1 w:vm-msgsaved hang"
    )

    @pytest.mark.parametrize(
        ("starts", "ends", "kept", "active"),
        [(-10, 1000, (-10, 1000), True), (1000, 2000, (1000, 2000), False), (-20, -10, (None, None), False)],
        ids=["now", "later", "over"],
    )
    def test_it_is_said_to_be_in_force_when_it_is_and_keeps_its_dates(self, rig, starts, ends, kept, active):
        call = check(self.RECORDS, Box(greetings=("temporary",)))
        play_book.furnish(call, rig, rig.folder / "before")
        now = int(rig.clock.now())
        rig.put("dated", write_wav(rig.folder / "dated.wav", 2))
        rig.set_greeting(ALICE, Greeting.TEMPORARY, StoredGreeting("dated", 2000, now + starts, now + ends))
        rig.ring(play_book.call_of(call), call.does)
        assert rig.problems == [], rig.transcript
        assert ("vm-tmpexists" in rig.heard) is active
        stored = rig.mailbox(ALICE).greetings[Greeting.TEMPORARY]
        assert stored.audio_id != "dated"
        assert (stored.starts, stored.ends) == tuple(0 if one is None else now + one for one in kept)


LEAVING = "w:beep talk s:3 d:# quiet w:vm-review d:2 w:vm-review d:3 w:beep talk s:3 d:# quiet w:vm-review d:4 w:vm-review d:1 end:20"
VISIT = (
    IN + "w:vm-opts d:1 w:vm-repeat d:7 w:vm-undelete d:6 w:vm-repeat d:9 w:vm-savefolder d:2 w:vm-savedto d:8 "
    "w:vm-extension d:1002# w:vm-forwardoptions d:1 w:beep talk s:2 d:# quiet w:vm-msgforwarded d:0 w:vm-options d:3 "
    "w:beep talk s:2 d:# quiet w:vm-review d:1 w:vm-options d:* w:vm-opts d:# end:20"
)


def test_a_caller_who_hangs_up_has_left_a_message_all_the_same(rig):
    ring(rig, leave("w:beep talk s:3 hang"))
    assert rig.talk.status == "SUCCESS"
    assert rig.talk.message_id == rig.messages(ALICE, Folder.NEW)[0].id


def test_a_caller_who_hangs_up_in_the_greeting_has_left_none(rig):
    ring(rig, leave("w:vm-theperson hang"))
    assert (rig.talk.status, rig.talk.cause) == ("USEREXIT", "left")
    assert rig.talk.message_id == ""


class TestHangingUp:
    """The caller hangs up at every half second of a call: nothing is lost, nothing is doubled, nobody is stuck."""

    def test_at_every_moment_of_leaving_a_message(self, tmp_path):
        ends = {}
        for tick in range(2, 110):
            rig = Rig(tmp_path / str(tick), now=play_book.NOON)
            call = leave(LEAVING)
            play_book.furnish(call, rig, rig.folder / "before")
            rig.clock.call_later(tick / 2, lambda rig=rig: rig.line.ended or rig.line.hang_up())
            rig.ring(play_book.call_of(call), call.does)
            kept = len(rig.messages(ALICE, Folder.NEW))
            said = "vm-msgsaved" in rig.heard
            assert kept <= 1
            assert kept == 1 or not said, rig.transcript
            assert list(rig.spool.takes()) == []
            ends[kept] = ends.get(kept, 0) + 1
        assert set(ends) == {0, 1}

    @pytest.mark.parametrize("first", [1, 4, 7, 10])
    def test_at_every_moment_of_an_owners_visit(self, tmp_path, first):
        for tick in range(first, 240, 12):
            rig = Rig(tmp_path / str(tick), now=play_book.NOON)
            bruno = Box("1002", "Bruno Petit", "7319")
            call = PhoneCall("visit", "", OWN, VISIT, "", boxes=(Box(messages=TWO), bruno))
            play_book.furnish(call, rig, rig.folder / "before")
            rig.clock.call_later(tick / 2, lambda rig=rig: rig.line.ended or rig.line.hang_up())
            rig.ring(play_book.call_of(call), call.does)
            lie = [m for folder in Folder for m in rig.messages(ALICE, folder)]
            assert sorted(m.id for m in lie) == ["1001-m0", "1001-m1"]
            forwarded = rig.messages(MailboxId("1002"), Folder.NEW)
            assert len(forwarded) <= 1
            if "vm-msgforwarded" in rig.heard:
                assert len(forwarded) == 1
            if "vm-deleted" in rig.heard:
                assert len(rig.messages(ALICE, Folder.TRASH)) == 1
            assert list(rig.spool.takes()) == []


def test_the_trouble_is_real(rig):
    """The flag does what the tests above take it to do."""
    rig.away.down = True
    with pytest.raises(StoreDownError):
        rig.world.mailboxes.open(ALICE)
    assert Msg().seconds == 3.0
    assert ONE


@pytest.mark.parametrize("choice", ["2", "1 w:beep talk s:3 d:#"])
def test_a_message_erased_while_its_recipients_are_typed_is_said_to_be_deleted(rig, choice):
    does = (
        IN
        + f"w:vm-opts d:1 w:vm-repeat d:8 w:vm-extension sh:erase d:1002# w:vm-forwardoptions d:{choice} w:vm-deleted w:vm-repeat d:# end:20"
    )
    call = PhoneCall("check", "", OWN, does, "", boxes=(Box(messages=TWO), Box("1002", "Bruno Petit", "7319")))
    play_book.furnish(call, rig, rig.folder / "before")

    def erase(_):
        rig.real.registry.change(ALICE, {"trash_days": "0"})
        rig.real.mailboxes.delete(ALICE, "1001-m0")
        rig.audio.delete("1001-m0")

    rig.ring(play_book.call_of(call), call.does, shell=erase)
    assert rig.problems == [], rig.transcript
    assert rig.messages(MailboxId("1002"), Folder.NEW) == []
    assert list(rig.spool.takes()) == []


def test_what_nobody_thought_of_ends_with_an_apology_not_in_silence(rig, monkeypatch, caplog):
    def gone(*_args, **_kwargs):
        raise NoSuchMailboxError("removed this moment")

    call = check(IN + "w:vm-opts d:2 w:vm-changeto d:2 w:im-sorry end:20")
    play_book.furnish(call, rig, rig.folder / "before")
    monkeypatch.setattr(type(rig.real.mailboxes), "page", gone)
    rig.ring(play_book.call_of(call), call.does)
    assert rig.heard[-3:] == ["im-sorry", "please-try-call-later", "vm-goodbye"]
    assert "removed this moment" in caplog.text


class TestAHurriedCaller:
    def test_a_second_hash_is_the_first_ones_and_ends_no_recording(self, rig):
        call = leave("w:vm-theperson d:# w:beep q:0 s:0.3 d:# talk s:3 d:# quiet w:vm-review d:1 end:20")
        ring(rig, call)
        assert rig.problems == []
        assert "vm-tooshort" not in rig.heard
        (message,) = rig.messages(ALICE, Folder.NEW)
        assert 2500 < message.duration_ms < 3600

    def test_a_hash_right_after_a_tone_that_was_waited_for_ends_it(self, rig):
        call = leave("w:beep q:0 s:0.3 d:# w:vm-tooshort hang")
        ring(rig, call)
        assert rig.problems == []
