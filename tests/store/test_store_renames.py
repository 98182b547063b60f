"""A mailbox gets another name, whatever happens in between: on fakeredis, a real Redis and a Cluster."""

import pytest
from store_case import ALICE, NOBODY, message

from esl_vm.model.errors import InvalidValueError, MailboxExistsError, NoSuchMailboxError, StoreDownError
from esl_vm.model.mailbox import Folder, Greeting, MailboxId, StoredGreeting
from esl_vm.model.pins import PinCheck
from esl_vm.model.store import Delivery
from esl_vm.store.base import Base
from esl_vm.store.keys import BoxKeys, lock_member
from esl_vm.store.link import Link

FAR = MailboxId("2001", "autre.example")
NEAR = MailboxId("2005")  # in the partition of 1001@default


@pytest.fixture(params=[FAR, NEAR], ids=["another-partition", "the-same-partition"])
def new(request):
    return request.param


@pytest.fixture
def full(case):
    """A mailbox with everything a mailbox can have."""
    case.with_mailbox(name="Alice Martin", email="alice@example.com", maxmsg="50", extensions="201")
    case.store.pins.change(ALICE, "4821", initial=True)
    case.mailboxes.set_greeting(ALICE, Greeting.BUSY, StoredGreeting("g1", 900, 5, 10**10))
    case.leave("m1", "m2", "m3", "m4")
    case.leave("u1", urgent=True)
    case.mailboxes.heard(ALICE, "m1")
    case.mailboxes.retire(ALICE, ["m1"])
    case.mailboxes.move(ALICE, "m2", Folder.WORK)
    case.mailboxes.delete(ALICE, "m3")
    return case


def state(case, box):
    """All of a mailbox that anybody can see."""
    fields = case.registry.fields(box)
    lie = {folder: case.lie(folder, box) for folder in Folder}
    messages = [case.mailboxes.message(box, one) for ids in lie.values() for one in ids]
    mailbox = case.mailboxes.open(box)
    return fields, lie, messages, mailbox.counts, mailbox.sound_ms, mailbox.greetings


def test_the_test_knows_where_the_mailboxes_lie(case):
    partition = case.store.keys.partition
    assert partition(NEAR) == partition(ALICE) != partition(FAR)


def test_everything_is_there_under_the_new_name_and_nothing_under_the_old(full, new):
    before = state(full, ALICE)
    assert full.store.renames.rename(ALICE, new) == 5
    assert state(full, new) == before
    assert full.store.pins.check(new, "4821") is PinCheck.RIGHT
    assert full.mailboxes.open(ALICE) is None
    assert list(full.registry.boxes()) == [new]
    assert full.store.renames.unfinished() == {}
    assert [found.id for found in full.store.directory.by_keys(new.domain, "627", by_first_name=False)] == [new]
    left = [key for key in full.store.link.run(None, _all_keys) if b"1001@default" in key]
    assert left in ([], [full.store.keys.of(ALICE).moved.encode()])


def _all_keys(client):
    return client.keys("vm:*")


def test_a_message_in_the_trash_goes_back_where_it_lay(full, new):
    full.store.renames.rename(ALICE, new)
    assert full.mailboxes.restore(new, "m3")
    assert full.lie(Folder.NEW, new) == ["u1", "m3", "m4"]


BELONGS = {"box", "folders", "deleted", "calls", "failures", "failures_outside"}
"""What belongs to a mailbox and goes with it, besides its messages and its members in the keys of its partition."""
PARTITIONS = {
    "call_ids",
    "locked",
    "events",
    "erase",
    "boxes",
    "names",
    "moving_boxes",
    "lists",
    "meta",
    "restored",
    "aliases",
}
ANOTHERS = {"moving", "moving_folders", "moved", "messages", "dist_list", "members", "sessions", "push"}
"""Of a renaming itself, of messages (each has its own), of a list that has the number instead of a mailbox, of browsers: who is
signed in under the old name signs in under the new one."""

#: `held`: a mailbox that has it is not renamed (tests/admin/test_holds.py).
OTHERWISE = {"held", "tag", "partition", "domain", "name", "folder", "message", "names_of", "counted"}
"""No keys, or several of those above."""


def test_whatever_belongs_to_a_mailbox_goes_with_it(full, new):
    known = {name for name in dir(BoxKeys) if not name.startswith("_")} - OTHERWISE
    assert known == BELONGS | PARTITIONS | ANOTHERS, "a key of a mailbox is new: does it go along when it is renamed?"
    full.registry.change(ALICE, {"trash_days": "0"})
    full.mailboxes.delete(ALICE, "m4")
    full.registry.change(ALICE, {"trash_days": "14"})
    full.mailboxes.set_greeting(ALICE, Greeting.BUSY, StoredGreeting("g2", 900, 5, 10**10))
    for _ in range(2):
        assert full.mailboxes.count_call(ALICE, 5)
    full.store.pins.check(ALICE, "0")
    for _ in range(3):
        full.store.pins.check(ALICE, "0", outside=True)
    full.store.pins.check(ALICE, "0", outside=True)
    full.clock.passes(seconds=7)
    full.store.pins.check(NOBODY, "0", outside=True)
    before = _all_of(full, ALICE)
    assert all(before[name] for name in BELONGS - {"failures_outside"})
    full.store.renames.rename(ALICE, new)
    after = _all_of(full, new)
    for facts in (before, after):
        facts["box"].pop(b"sound_ms", None)
    assert after == before
    assert full.registry.locked_for(new, outside=True) == 593
    assert full.registry.locked_for(new, outside=False) == full.registry.locked_for(ALICE) == 0
    full.mailboxes.deliver(new, message("m4"))
    assert "m4" not in full.lie(Folder.NEW, new)


def _all_of(case, box):
    keys = case.store.keys.of(box)

    def read(client):
        found = {"box": client.hgetall(keys.box)}
        found["folders"] = [client.zrange(key, 0, -1, withscores=True) for key in keys.folders]
        found |= {name: client.zrange(getattr(keys, name), 0, -1, withscores=True) for name in ("deleted", "calls")}
        found |= {name: client.lrange(getattr(keys, name), 0, -1) for name in ("failures", "failures_outside")}
        return found | {"locked": [client.zscore(keys.locked, lock_member(box, outside=one)) for one in (False, True)]}

    return case.store.link.run(keys.partition, read)


def test_lamps_are_told_of_both(full, new):
    full.store.renames.rename(ALICE, new)
    gone = full.store.events.tail(1, box=ALICE)[0]
    assert (gone.what.value, gone.counts.new, gone.counts.old) == ("box-removed", 0, 0)
    there = full.store.events.tail(1, box=new)[0]
    assert (there.what.value, there.counts.new, there.counts.old) == ("box-changed", 2, 1)


def test_lists_follow(full, new):
    full.store.lists.add(MailboxId("900"), [ALICE, MailboxId("1005")])
    full.store.renames.rename(ALICE, new)
    assert set(full.store.lists.find(MailboxId("900")).members) == {new, MailboxId("1005")}


def test_no_sound_is_erased(full, new):
    full.store.renames.rename(ALICE, new)
    full.clock.passes(days=1)
    assert full.store.housekeeping.sounds_to_erase() == []


def test_names_that_are_taken_or_missing_are_refused(full):
    full.with_mailbox(FAR)
    full.store.lists.add(MailboxId("900"))
    before = state(full, ALICE)
    with pytest.raises(MailboxExistsError, match="there already"):
        full.store.renames.rename(ALICE, FAR)
    with pytest.raises(MailboxExistsError, match="distribution list"):
        full.store.renames.rename(ALICE, MailboxId("900"))
    with pytest.raises(InvalidValueError):
        full.store.renames.rename(ALICE, ALICE)
    with pytest.raises(NoSuchMailboxError):
        full.store.renames.rename(MailboxId("7777"), NEAR)
    assert state(full, ALICE) == before


def test_a_thousand_messages_go_in_portions(real):
    real.with_mailbox()
    for number in range(450):
        real.mailboxes.deliver(ALICE, message(f"m{number:03}", real.clock.at + number), even_if_full=True)
    told = []
    assert real.store.renames.rename(ALICE, FAR, lambda done, total, _what: told.append((done, total))) == 450
    assert told == [(100, 450), (200, 450), (300, 450), (400, 450), (450, 450)]
    assert real.lie(Folder.NEW, FAR) == [f"m{number:03}" for number in range(450)]


class _PowerCutError(Exception):
    pass


def _cut_after(monkeypatch, steps, *, answered):
    """Redis is asked so many more times; with `answered` the last one still happens, and nobody hears of it."""
    script, done = Link.script, []

    def cut(self, *args, **more):
        done.append(1)
        if len(done) < steps:
            return script(self, *args, **more)
        if len(done) == steps and answered:
            script(self, *args, **more)
        raise _PowerCutError

    monkeypatch.setattr(Link, "script", cut)
    return done


@pytest.mark.parametrize("answered", [True, False], ids=["done", "not-done"])
@pytest.mark.parametrize("steps", range(1, 14))
def test_broken_off_at_any_step_and_run_again_it_ends_the_same(full, steps, answered, monkeypatch):
    full.store.lists.add(MailboxId("900"), [ALICE])
    before = state(full, ALICE)
    with monkeypatch.context() as patched:
        asked = _cut_after(patched, steps, answered=answered)
        try:
            full.store.renames.rename(ALICE, FAR)
            assert len(asked) < steps
        except _PowerCutError:
            pass
    assert full.mailboxes.open(ALICE) or full.mailboxes.open(FAR)
    known = {"g1", "m1", "m2", "m3", "m4", "u1"}
    found = full.store.renames.sounds()
    for box in full.registry.boxes():
        found |= full.mailboxes.sounds(box)
    assert known <= found
    try:
        full.store.renames.rename(ALICE, FAR)
    except NoSuchMailboxError:  # it was finished
        assert full.store.renames.unfinished() == {}
    assert state(full, FAR) == before
    assert list(full.registry.boxes()) == [FAR]
    assert full.store.lists.find(MailboxId("900")).members == (FAR,)


def test_what_happens_to_a_message_that_went_over_already_stays(full, monkeypatch):
    with monkeypatch.context() as patched:
        _cut_after(
            patched, 3, answered=True
        )  # the messages of New went over, and were not forgotten under the old name
        with pytest.raises(_PowerCutError):
            full.store.renames.rename(ALICE, FAR)
    assert full.store.renames.unfinished() == {ALICE: str(FAR)}
    full.mailboxes.delete(FAR, "m4")
    full.registry.change(FAR, {"trash_days": "0"})
    full.mailboxes.delete(FAR, "u1")
    full.store.renames.rename(ALICE, FAR)
    assert full.lie(Folder.NEW, FAR) == []
    assert sorted(full.lie(Folder.TRASH, FAR)) == ["m3", "m4"]


def test_one_that_is_under_way_is_finished_before_another(full, monkeypatch):
    with monkeypatch.context() as patched:
        _cut_after(patched, 3, answered=False)
        with pytest.raises(_PowerCutError):
            full.store.renames.rename(ALICE, FAR)
    with pytest.raises(InvalidValueError, match=r"is being renamed to 2001@autre\.example"):
        full.store.renames.rename(ALICE, NEAR)
    full.registry.remove(FAR)
    with pytest.raises(NoSuchMailboxError, match="add it and rename again"):
        full.store.renames.rename(ALICE, FAR)
    full.with_mailbox(FAR)
    assert full.store.renames.rename(ALICE, FAR) == 5


def test_a_mailbox_made_under_the_old_name_meanwhile_is_left_alone(full, monkeypatch):
    with monkeypatch.context() as patched:
        _cut_after(patched, 3, answered=False)
        with pytest.raises(_PowerCutError):
            full.store.renames.rename(ALICE, FAR)
    full.with_mailbox(ALICE, name="Another Alice")
    full.leave("n1")
    full.store.renames.rename(ALICE, FAR)
    assert full.lie(Folder.NEW) == ["n1"]
    assert len(full.lie(Folder.NEW, FAR)) == 2


def test_a_mailbox_changed_at_that_moment_is_copied_again(full, monkeypatch):
    change, meanwhile = Base.change, ["maxmsg"]

    def changed(self, keys, name, touched, args):
        if name == "rename_away" and meanwhile:
            meanwhile.pop()
            full.registry.change(ALICE, {"maxmsg": "77"})
        return change(self, keys, name, touched, args)

    monkeypatch.setattr(Base, "change", changed)
    full.store.renames.rename(ALICE, FAR)
    assert full.registry.fields(FAR)["maxmsg"] == "77"


def test_a_field_in_another_encoding_stops_nothing(full):
    keys = full.store.keys.of(ALICE)
    full.store.link.run(keys.partition, lambda client: client.hset(keys.box, "note", b"Zo\xe9"))
    assert full.store.renames.rename(ALICE, FAR) == 5


def test_a_mailbox_that_never_stands_still_is_told(full, monkeypatch):
    change = Base.change
    count = iter(range(100, 200))

    def changed(self, keys, name, touched, args):
        if name == "rename_away":
            full.registry.change(ALICE, {"maxmsg": str(next(count))})
        return change(self, keys, name, touched, args)

    monkeypatch.setattr(Base, "change", changed)
    with pytest.raises(StoreDownError, match="being changed all the time"):
        full.store.renames.rename(ALICE, FAR)
    assert len(full.lie(Folder.NEW)) == 2


def test_a_message_that_was_on_its_way_to_the_old_name_follows(full, new):
    full.store.renames.rename(ALICE, new)
    late = message("late", full.clock.now())
    assert full.mailboxes.deliver(ALICE, late) is Delivery.DONE
    assert full.mailboxes.deliver(ALICE, late) is Delivery.ALREADY
    assert full.lie(Folder.NEW, new) == ["u1", "m4", "late"]
    assert full.mailboxes.deliver(ALICE, message("m4")) is Delivery.ALREADY
    full.store.renames.rename(new, MailboxId("3001"))
    assert full.mailboxes.deliver(ALICE, message("later")) is Delivery.DONE
    assert "later" in full.lie(Folder.NEW, MailboxId("3001"))


def test_it_follows_no_longer_when_the_mailbox_is_back_or_gone(full, new):
    full.store.renames.rename(ALICE, new)
    full.store.renames.rename(new, ALICE)
    full.registry.remove(ALICE)
    assert full.mailboxes.deliver(ALICE, message("late")) is Delivery.NO_MAILBOX
    assert full.mailboxes.deliver(new, message("late")) is Delivery.NO_MAILBOX


def test_a_message_that_comes_while_it_goes_over_is_there_once(full, monkeypatch):
    with monkeypatch.context() as patched:
        _cut_after(patched, 3, answered=False)
        with pytest.raises(_PowerCutError):
            full.store.renames.rename(ALICE, FAR)
    assert full.mailboxes.deliver(ALICE, message("m4")) is Delivery.DONE  # it was said to be saved, and is tried again
    full.store.renames.rename(ALICE, FAR)
    assert full.lie(Folder.NEW, FAR).count("m4") == 1
