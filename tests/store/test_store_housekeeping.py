"""Now and then: the trash is emptied, what is too old goes there, sounds nothing points to are erased."""

from __future__ import annotations

import pytest
from store_case import ALICE, BOB, message

from esl_vm.model.errors import StoreDownError
from esl_vm.model.mailbox import Folder, MailboxId
from esl_vm.model.store import Delivery


def purge(case):
    done = list(case.store.housekeeping.purge())
    return sum(p.to_trash for p in done), sum(p.erased for p in done)


def test_the_trash_is_emptied_after_its_days(case):
    case.with_mailbox().with_mailbox(BOB, trash_days="1")
    case.leave("a", "u", urgent=True, intro_id="i")
    case.leave("b", box=BOB)
    case.leave("kept")
    for message_id in ("a", "u"):
        case.mailboxes.delete(ALICE, message_id)
    case.mailboxes.delete(BOB, "b")
    case.clock.passes(days=1.5)
    assert purge(case) == (0, 1)
    assert case.lie(Folder.TRASH, BOB) == []
    case.clock.passes(days=13)
    assert purge(case) == (0, 2)
    assert case.lie(Folder.TRASH) == []
    assert case.lie(Folder.NEW) == ["kept"]
    assert sorted(case.store.housekeeping.sounds_to_erase()) == ["a", "b", "i", "u"]
    assert case.mailboxes.deliver(ALICE, message("a")) is Delivery.DELETED


def test_the_days_count_from_deleting_not_from_recording(case):
    case.with_mailbox(trash_days="7")
    case.leave("a")
    case.clock.passes(days=100)
    case.mailboxes.delete(ALICE, "a")
    assert purge(case) == (0, 0)
    assert case.mailboxes.restore(ALICE, "a")


def test_one_restored_in_that_moment_stays(case):
    case.with_mailbox()
    case.leave("a", "b")
    for message_id in ("a", "b"):
        case.mailboxes.delete(ALICE, message_id)
    case.clock.passes(days=15)
    case.meanwhile(lambda: case.mailboxes.restore(ALICE, "a"))
    assert purge(case) == (0, 1)
    assert case.lie(Folder.NEW) == ["a"]
    assert case.store.housekeeping.sounds_to_erase() == ["b"]


def test_what_is_older_than_a_mailbox_keeps_goes_to_the_trash_wherever_it_was_moved(case):
    case.with_mailbox(retention_days="30").with_mailbox(BOB)
    case.leave("old", "moved")
    case.leave("theirs", box=BOB)
    case.clock.passes(days=29)
    case.mailboxes.move(ALICE, "moved", Folder.WORK)
    case.leave("young")
    case.clock.passes(days=1)
    assert purge(case) == (2, 0)
    assert sorted(case.lie(Folder.TRASH)) == ["moved", "old"]
    assert case.lie(Folder.NEW) == ["young"]
    assert case.lie(Folder.NEW, BOB) == ["theirs"]
    assert case.store.events.tail(1, box=ALICE)[0].details["why"] == "retention"


def test_more_than_one_portion(real, monkeypatch):
    monkeypatch.setattr("esl_vm.store.housekeeping.BOXES", 2)
    monkeypatch.setattr("esl_vm.store.housekeeping.MESSAGES", 2)
    boxes = [MailboxId(str(number)) for number in range(5)]
    for box in boxes:
        real.with_mailbox(box, retention_days="1", trash_days="1")
        real.leave("a", "b", "c", "d", "e", box=box)
    real.clock.passes(days=2)
    assert purge(real) == (25, 0)
    real.clock.passes(days=2)
    assert [(p.last.number, p.erased) for p in real.store.housekeeping.purge()] == [("1", 10), ("3", 10), ("4", 5)]
    assert [p.last.number for p in real.store.housekeeping.purge(after=boxes[1])] == ["3", "4"]


def test_sounds_are_erased_and_forgotten(case):
    case.with_mailbox(trash_days="0").with_mailbox(BOB, trash_days="0")
    case.leave("a", "b")
    case.leave("c", box=BOB)
    case.mailboxes.delete(ALICE, "a")
    case.mailboxes.delete(BOB, "c")
    erased = []
    assert case.store.housekeeping.erase_sounds(erased.append) == 2
    assert sorted(erased) == ["a", "c"]
    assert case.store.housekeeping.erase_sounds(erased.append) == 0


def test_a_sound_that_can_not_be_erased_now_is_named_again(case):
    case.with_mailbox(trash_days="0")
    case.leave("a")
    case.mailboxes.delete(ALICE, "a")

    def away(_):
        raise StoreDownError("the bucket is away")

    with pytest.raises(StoreDownError):
        case.store.housekeeping.erase_sounds(away)
    assert case.store.housekeeping.sounds_to_erase() == ["a"]


def test_one_process_of_the_cluster_has_its_turn(case):
    turns = [case.store.housekeeping.my_turn(who, 60) for who in ("node-1", "node-2", "node-1")]
    assert turns == [True, False, False]
