"""Who handles a message, and what is noted on it: told by events, and kept with its mailbox."""

import pytest
from store_case import ALICE, NOBODY, message

from esl_vm.model.errors import NoSuchMessageError
from esl_vm.model.mailbox import Folder


@pytest.fixture
def case(case):
    """With one message, m1."""
    case.with_mailbox().leave("m1")
    return case


def last(case, what):
    return next(one for one in reversed(case.store.events.tail(10, box=ALICE)) if one.what == what)


def test_who_handles_it_and_since_when(case):
    case.mailboxes.handle(ALICE, "m1", "1002 Bruno  Petit\n")
    since = case.clock.now()
    case.clock.passes(seconds=60)
    case.mailboxes.handle(ALICE, "m1", "1002 Bruno Petit")
    found = case.mailboxes.message(ALICE, "m1")
    assert (found.handled_by, found.handled_at) == ("1002 Bruno Petit", since)
    assert case.happened().count("handled") == 1
    assert last(case, "handled").details["handled_by"] == "1002 Bruno Petit"
    case.mailboxes.handle(ALICE, "m1", "")
    found = case.mailboxes.message(ALICE, "m1")
    assert (found.handled_by, found.handled_at) == ("", 0.0)
    assert last(case, "handled").details["handled_by"] == ""


def test_a_note_takes_the_place_of_the_one_before_and_no_event_has_a_word_of_it(case):
    case.mailboxes.note(ALICE, "m1", "Rappelé, attend le devis")
    case.mailboxes.note(ALICE, "m1", "Devis envoyé")
    assert case.mailboxes.message(ALICE, "m1").note == "Devis envoyé"
    assert [one.details["text_length"] for one in case.store.events.tail(10, box=ALICE) if one.what == "noted"] == [
        "24",
        "12",
    ]
    assert "devis" not in repr(case.store.events.tail(10, box=ALICE)).lower()
    case.mailboxes.note(ALICE, "m1", "")
    assert case.mailboxes.message(ALICE, "m1").note == ""


def test_both_stay_when_it_is_moved_deleted_and_restored(case):
    case.mailboxes.handle(ALICE, "m1", "Bruno")
    case.mailboxes.note(ALICE, "m1", "Rappelé")
    before = case.mailboxes.message(ALICE, "m1")
    case.mailboxes.move(ALICE, "m1", Folder.WORK)
    case.mailboxes.delete(ALICE, "m1")
    case.mailboxes.restore(ALICE, "m1")
    after = case.mailboxes.message(ALICE, "m1")
    assert (after.handled_by, after.handled_at, after.note) == (before.handled_by, before.handled_at, before.note)


def test_a_message_that_is_sent_on_has_neither():
    sent = message("m1", handled_by="Bruno", handled_at=5.0, note="Rappelé").forwarded("m2", 9.0, "1001@default")
    assert (sent.handled_by, sent.handled_at, sent.note) == ("", 0.0, "")


@pytest.mark.parametrize(("box", "message_id"), [(ALICE, "m9"), (NOBODY, "m1")])
def test_a_message_that_is_not_there(case, box, message_id):
    for change in (case.mailboxes.handle, case.mailboxes.note):
        with pytest.raises(NoSuchMessageError):
            change(box, message_id, "Bruno")
    assert not {"handled", "noted"} & set(case.happened())
