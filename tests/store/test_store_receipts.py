"""Receipts in the mailbox of who asked for them: each once, whatever is told first; they go where the mailbox goes."""

from __future__ import annotations

import pytest
from store_case import ALICE, BOB, NOBODY

from esl_vm.model.mailbox import MailboxId
from esl_vm.model.receipts import MOST_RECEIPTS, Receipt

WAITS, HEARD = Receipt("m1", BOB, 1000.5), Receipt("m1", BOB, 1000.5, 2000.25)


@pytest.mark.parametrize("told", [[WAITS, HEARD], [HEARD, WAITS], [WAITS, WAITS, HEARD, HEARD, WAITS]])
def test_what_is_told_again_or_late_changes_nothing(case, told):
    case.with_mailbox()
    for one in told:
        case.mailboxes.receipt(ALICE, one)
    assert case.mailboxes.receipts(ALICE) == [HEARD]
    assert case.happened().count("receipt") == 1
    case.mailboxes.receipt(ALICE, Receipt("m1", BOB, 1000.5, 9999.0))
    assert case.mailboxes.receipts(ALICE) == [HEARD]


def test_the_latest_are_kept_and_come_first(case):
    case.with_mailbox()
    for number in range(MOST_RECEIPTS + 2):
        assert case.mailboxes.receipt(ALICE, Receipt(f"m{number}", BOB, 1000.0 + number))
    kept = case.mailboxes.receipts(ALICE)
    assert [one.id for one in kept] == [f"m{number}" for number in range(MOST_RECEIPTS + 1, 1, -1)]


def test_nobody_has_none_and_gets_none(case):
    assert not case.mailboxes.receipt(NOBODY, HEARD)
    assert case.mailboxes.receipts(NOBODY) == []
    assert case.mailboxes.open(NOBODY) is None


def test_they_follow_a_mailbox_that_is_renamed_and_late_ones_too(case):
    new = MailboxId("2001")
    case.with_mailbox()
    case.mailboxes.receipt(ALICE, WAITS)
    case.store.renames.rename(ALICE, new)
    assert case.mailboxes.receipts(new) == [WAITS]
    assert case.mailboxes.receipt(ALICE, HEARD)
    assert case.mailboxes.receipts(new) == [HEARD]


def test_they_are_gone_with_their_mailbox_and_no_setting(case):
    case.with_mailbox()
    case.mailboxes.receipt(ALICE, WAITS)
    assert "receipts_asked" not in case.registry.fields(ALICE)
    case.registry.remove(ALICE)
    case.with_mailbox()
    assert case.mailboxes.receipts(ALICE) == []


def test_what_somebody_wrote_there_by_hand_stops_nothing(case):
    case.with_mailbox()
    keys = case.store.keys.of(ALICE)
    case.store.link.run(keys.partition, lambda client: client.hset(keys.box, "receipts_asked", "rubbish"))
    assert case.mailboxes.receipts(ALICE) == []
    assert case.mailboxes.receipt(ALICE, WAITS)
    assert case.mailboxes.receipts(ALICE) == [WAITS]


def test_the_event_of_a_message_that_is_heard_says_who_wants_to_know_once(case):
    case.with_mailbox()
    case.leave("m1", receipt="1002@autre.example")
    case.leave("m2")
    for _ in range(2):
        case.mailboxes.heard(ALICE, "m1")
        case.mailboxes.heard(ALICE, "m2")
    heard = [one for one in case.store.events.tail(10, box=ALICE) if one.what == "heard"]
    assert {one.message_id: one.details.get("receipt") for one in heard} == {"m1": "1002@autre.example", "m2": None}
    assert case.mailboxes.message(ALICE, "m1").receipt == "1002@autre.example"
    assert len(heard) == 2
