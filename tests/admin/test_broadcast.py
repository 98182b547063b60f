"""`esl-vm broadcast` and `message send`: a sound file into many mailboxes, once."""

from datetime import UTC, datetime

import pytest
from support.clocks import WallClock

from esl_vm.model.errors import StoreDownError
from esl_vm.model.mailbox import Folder, MailboxId
from esl_vm.store.base import DAY_S
from esl_vm.store.store import Store


@pytest.fixture
def office(vm):
    for box in ("1001", "1002", "1003", "1001@autre.example"):
        assert vm("mailbox", "add", box, "--no-pin").code == 0


@pytest.fixture
def closed(tone):
    return tone(3.0, "closed.wav")


def new(vm, box):
    return vm("message", "list", box, "--folder", "new", "--json").json


def test_a_broadcast_to_a_domain_is_in_each_of_its_mailboxes(vm, office, closed, node):
    ran = vm(
        "broadcast", closed, "--domain", "default", "--from-number", "1000", "--from-name", "Siège", "--urgent", "--yes"
    )
    assert ran.code == 0, ran.err
    assert ran.out == "sent 0:03 to 3 mailboxes: 3 got it\n"
    (message,) = new(vm, "1002")
    assert (message["caller_number"], message["caller_name"], message["urgent"]) == ("1000", "Siège", True)
    assert message["duration_ms"] == 3000
    assert node.mailboxes.message(MailboxId("1002"), message["id"]).origin == "broadcast"
    assert node.audio.exists(message["id"])
    assert new(vm, "1001@autre.example") == []


def test_it_is_asked_before_anything_is_sent(vm, office, closed):
    ran = vm("broadcast", closed, "--all")
    assert ran.code == 2
    assert "Send 0:03 to 4 mailboxes?" in ran.err
    assert new(vm, "1001") == []


def test_a_dry_run_says_to_whom(vm, office, closed):
    assert "1001@autre.example" in vm("broadcast", closed, "--all", "--dry-run").out
    told = vm("broadcast", closed, "--to", "1003,1001", "--dry-run", "--json").json
    assert told["to"] == ["1003@default", "1001@default"]
    assert new(vm, "1001") == []


def test_several_ways_to_one_mailbox_give_it_one_message(vm, office, closed):
    vm("list", "add", "900", "1001", "1002")
    ran = vm("broadcast", closed, "--to", "1001,1002", "--to", "1001", "--list", "900", "--all", "--yes")
    assert "4 got it" in ran.out
    assert len(new(vm, "1001")) == 1


def test_sent_again_it_comes_once_and_says_so(vm, office, closed):
    vm("broadcast", closed, "--to", "1001", "--yes")
    again = vm("broadcast", closed, "--to", "1001,1002", "--yes")
    assert again.out == "sent 0:03 to 2 mailboxes: 1 got it, 1 had it already\n"
    once_more = vm("broadcast", closed, "--to", "1001,1002", "--yes")
    assert "--id" in once_more.err
    anew = vm("broadcast", closed, "--to", "1001", "--id", "second-time", "--yes")
    assert "1 got it" in anew.out
    assert len(new(vm, "1001")) == 2


def test_what_an_owner_deleted_does_not_come_back(vm, office, closed, node):
    vm("mailbox", "set", "1001", "trash_days=0")
    vm("broadcast", closed, "--to", "1001,1002", "--yes")
    for box in ("1001", "1002"):
        (message,) = new(vm, box)
        vm("message", "delete", box, message["id"])
    node.store.housekeeping.erase_sounds(node.audio.delete)
    assert "2 had it already" in vm("broadcast", closed, "--to", "1001,1002", "--yes").out
    assert new(vm, "1001") == new(vm, "1002") == []
    assert len(list(node.audio.ids())) == 1  # that in the trash of 1002


def test_broken_off_and_run_again_everybody_has_it_once(vm, office, closed, monkeypatch):
    from esl_vm.store.mailboxes import RedisMailboxes

    deliver, calls = RedisMailboxes.deliver, []

    def away_after_one(self, box, message, **how):
        calls.append(box)
        if len(calls) == 2:
            raise StoreDownError("Redis does not answer")
        return deliver(self, box, message, **how)

    monkeypatch.setattr(RedisMailboxes, "deliver", away_after_one)
    ran = vm("broadcast", closed, "--domain", "default", "--yes")
    assert ran.code == 1
    assert "1 of 3 have it; run it again" in ran.err
    ran = vm("broadcast", closed, "--domain", "default", "--yes")
    assert ran.out == "sent 0:03 to 3 mailboxes: 2 got it, 1 had it already\n"
    assert [len(new(vm, box)) for box in ("1001", "1002", "1003")] == [1, 1, 1]


def test_full_and_closed_mailboxes_are_named(vm, office, closed, leave, node):
    vm("mailbox", "set", "1002", "maxmsg=1")
    vm("mailbox", "set", "1003", "announce_only=yes")
    leave("1002")
    ran = vm("broadcast", closed, "--domain", "default", "--yes", "--json")
    assert ran.code == 1
    vm("message", "delete", "1002", new(vm, "1002")[0]["id"])
    ran = vm("broadcast", closed, "--domain", "default", "--yes")
    assert ran.code == 0
    assert "1 got it, 1 had it already" in ran.out
    assert "1003@default: takes no messages" in ran.err
    assert node.mailboxes.counts(MailboxId("1003")).of(Folder.NEW) == 0


def test_a_full_mailbox_leaves_no_sound_behind(vm, office, closed, leave, node):
    vm("mailbox", "set", "1001", "maxmsg=1")
    kept = leave("1001")
    ran = vm("broadcast", closed, "--to", "1001", "--yes")
    assert ran.code == 1
    assert "1001@default: full" in ran.err
    assert list(node.audio.ids()) == [kept]


def test_a_member_without_a_mailbox_is_named(vm, office, closed, node):
    node.registry.remove(MailboxId("1002"))
    node.store.lists.add(MailboxId("900"), [MailboxId("1001"), MailboxId("1002")])  # at the same moment, say
    ran = vm("message", "send", closed, "--list", "900", "--json")
    assert ran.code == 1
    assert '"missing": [\n    "1002@default"' in ran.out
    assert len(new(vm, "1001")) == 1


def test_send_asks_nobody(vm, office, closed):
    assert vm("message", "send", closed, "--to", "1001").out == "sent 0:03 to 1 mailbox: 1 got it\n"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--to", "7777"), 1, "there is no mailbox 7777@default; nothing was sent"),
        (("--to", "1001,7777"), 1, "nothing was sent"),
        (("--to", "900"), 1, "--list 900@default"),
        (("--list", "901"), 1, "there is no distribution list 901@default"),
        (("--domain", "nowhere.example"), 1, "no mailbox in the domain nowhere.example; did you mean autre.example?"),
        (("--to", "1001", "--id", "a b"), 2, "id is letters"),
        ((), 2, "say to whom"),
    ],
)
def test_a_mistake_is_told_before_anybody_gets_it(vm, office, closed, words, code, said):
    vm("list", "add", "900", "1001")
    ran = vm("broadcast", closed, *words, "--yes")
    assert ran.code == code
    assert said in ran.err
    assert new(vm, "1001") == []


def test_one_id_is_one_sound(vm, office, closed, tone):
    vm("broadcast", closed, "--to", "1001", "--id", "noel", "--yes")
    ran = vm("broadcast", tone(1.0, "other.wav"), "--to", "1002", "--id", "noel", "--yes")
    assert ran.code == 2
    assert "broadcast noel was another sound" in ran.err


def test_what_is_no_sound_is_not_sent(vm, office, tmp_path):
    (tmp_path / "text.wav").write_text("this is no sound")
    assert vm("broadcast", tmp_path / "text.wav", "--all", "--yes").code == 2
    assert vm("broadcast", tmp_path / "gone.wav", "--all", "--yes").code == 2


def test_all_have_one_sound_until_the_last_of_them_erases_it(vm, office, closed, node):
    assert vm("broadcast", closed, "--domain", "default", "--yes").code == 0

    def sounds():
        keys = node.store.link.run(None, lambda client: list(client.scan_iter("vm:audio:*")))
        return [key for key in keys if key.endswith(b"}")]

    for box in map(MailboxId, ("1001", "1002", "1003")):
        assert len(sounds()) == 1
        node.registry.change(box, {"trash_days": "0"})
        (message,) = new(vm, box)
        node.cache.forget(message["id"])
        assert node.audio.playable(message["id"]).stat().st_size == closed.stat().st_size
        assert node.mailboxes.delete(box, message["id"])
        node.store.housekeeping.erase_sounds(node.audio.delete)
    assert sounds() == []
    assert list(node.audio.ids()) == []


def test_it_is_one_sound_after_a_restore_too(vm, office, closed, node, tmp_path):
    assert vm("broadcast", closed, "--domain", "default", "--yes").code == 0
    assert vm("backup", tmp_path / "all.backup").code == 0
    node.store.link.run(None, lambda client: client.flushall())
    ran = vm("restore", tmp_path / "all.backup")
    assert ran.code == 0, ran.err
    keys = node.store.link.run(None, lambda client: list(client.scan_iter("vm:audio:?*")))
    assert sorted(key.rpartition(b"}")[2] for key in keys) == [b"", b":for"]
    for box in ("1001", "1002", "1003"):
        assert vm("message", "export", box, new(vm, box)[0]["id"], tmp_path / f"{box}.wav").code == 0
        assert (tmp_path / f"{box}.wav").read_bytes() == closed.read_bytes()


def test_one_that_0_1_0_began_goes_on_and_nobody_gets_it_twice(vm, office, closed, node, monkeypatch):
    """There each copy had a sound, and an id, of its own."""
    from esl_vm.recordings import manifest

    def formerly(common, place):
        return f"{common.partition('-')[0]}-{place:012x}"

    monkeypatch.setattr(manifest, "copy_id", formerly)
    assert vm("broadcast", closed, "--to", "1001", "--id", "fermé", "--yes").code == 2
    assert vm("broadcast", closed, "--to", "1001", "--id", "ferme", "--yes").code == 0
    monkeypatch.undo()
    ran = vm("broadcast", closed, "--domain", "default", "--id", "ferme", "--yes")
    assert "2 got it, 1 had it already" in ran.out
    assert [len(new(vm, box)) for box in ("1001", "1002", "1003")] == [1, 1, 1]


class TestEnd:
    """A broadcast that ends: what nobody heard by then is withdrawn."""

    @pytest.fixture
    def over(self, vm, office, closed, node):
        """A broadcast until tomorrow in 1001 to 1003, and what housekeeping withdraws so many days later."""
        day = datetime.fromtimestamp(node.clock.now() + DAY_S, UTC).isoformat()
        assert vm("broadcast", closed, "--domain", "default", "--until", day, "--yes").code == 0

        def later(days):
            return Store(node.store.link, clock=WallClock(days * DAY_S)).housekeeping.withdraw()

        return later

    def test_what_nobody_heard_goes_to_the_trash(self, vm, over, node):
        ids = {box: new(vm, box)[0]["id"] for box in ("1001", "1002", "1003")}
        node.mailboxes.heard(MailboxId("1002"), ids["1002"])
        node.mailboxes.move(MailboxId("1003"), ids["1003"], Folder.WORK)
        assert over(0.5) == 0
        assert over(1.5) == 1
        assert [node.mailboxes.message(MailboxId(box), one).folder for box, one in ids.items()] == [
            "trash",
            "new",
            "work",
        ]
        [event] = [one for one in node.store.events.tail(9, box=MailboxId("1001")) if one.what == "deleted"]
        assert event.details["why"] == "withdrawn"

    def test_one_that_comes_at_the_last_moment_is_withdrawn_too_and_another_message_stays(self, vm, over, node, leave):
        assert over(1.2) == 3
        other = leave()
        node.mailboxes.restore(MailboxId("1001"), node.mailboxes.message_ids(MailboxId("1001"))[Folder.TRASH][0])
        assert over(1.4) == 1
        assert node.mailboxes.message_ids(MailboxId("1001"))[Folder.NEW] == [other]
        assert over(2.5) == 0
        assert node.store.link.run(None, lambda client: client.zcard("vm:broadcasts:ending")) == 0

    def test_it_can_be_gone_on_with_to_the_same_end_only(self, vm, over, closed, node):
        day = vm("message", "list", "1001", "--json").json[0]["until"]
        assert "had it already" in vm("broadcast", closed, "--to", "1001", "--until", day, "--yes").out
        assert "another end" in vm("broadcast", closed, "--to", "1001", "--until", "2126-01-01", "--yes").err
        assert "another end" in vm("broadcast", closed, "--to", "1001", "--yes").err

    def test_an_end_that_is_past_is_refused(self, vm, office, closed):
        ran = vm("broadcast", closed, "--to", "1001", "--until", "2020-01-01", "--yes")
        assert ran.code == 2
        assert "choose a later end" in ran.err
        assert new(vm, "1001") == []
