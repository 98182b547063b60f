"""Entering a mailbox: what `open` and then `page` would say, in one step."""

from __future__ import annotations

import pytest
from store_case import ALICE, NOBODY

from esl_vm.model.mailbox import Folder


def enter_and_compare(case, most: int = 20):
    entered = case.mailboxes.enter(ALICE, most)
    folder, urgent = entered.mailbox.counts.opens
    assert entered.mailbox == case.mailboxes.open(ALICE)
    assert entered.total == entered.page.total
    assert entered.page == case.mailboxes.page(ALICE, folder, urgent=urgent, after=None, most=most)
    return entered


def test_a_mailbox_that_is_not_there_can_not_be_entered(case):
    assert case.mailboxes.enter(NOBODY, 20) is None


def test_an_empty_mailbox_opens_with_an_empty_new(case):
    case.with_mailbox(name="Alice Martin")
    entered = enter_and_compare(case)
    assert entered.mailbox.counts.opens == (Folder.NEW, False)
    assert (entered.page.messages, entered.page.total) == ((), 0)


@pytest.mark.parametrize(
    ("ids", "first"),
    [
        ({"old": ["o1", "o2"]}, "o1"),
        ({"old": ["o1"], "new": ["n1", "n2"]}, "n1"),
        ({"old": ["o1"], "new": ["n1"], "urgent": ["u1", "u2"]}, "u1"),
        ({"urgent": ["u1"]}, "u1"),
    ],
    ids=["only old", "new before old", "urgent before all", "only urgent"],
)
def test_the_folder_opens_in_which_there_is_something(case, ids, first):
    case.with_mailbox()
    case.leave(*ids.get("old", []), folder=Folder.OLD)
    case.leave(*ids.get("new", []))
    case.leave(*ids.get("urgent", []), urgent=True)
    entered = enter_and_compare(case)
    assert entered.page.messages[0].id == first


def test_no_more_is_read_than_asked_for_and_the_rest_follows_its_last_place(case):
    case.with_mailbox()
    case.leave(*(f"m{number}" for number in range(7)))
    entered = enter_and_compare(case, most=3)
    assert [m.id for m in entered.page.messages] == ["m0", "m1", "m2"]
    assert entered.page.total == 7
    rest = case.mailboxes.page(ALICE, Folder.NEW, urgent=False, after=entered.page.places[-1], most=20)
    assert [m.id for m in rest.messages] == ["m3", "m4", "m5", "m6"]


def test_what_an_administrator_wrote_in_another_encoding_does_not_keep_its_owner_out(real):
    real.with_mailbox()
    key = real.store.keys.of(ALICE).box
    real.store.link.run(None, lambda client: client.hset(key, "name", b"H\xe9l\xe8ne"))
    assert real.mailboxes.enter(ALICE, 20).mailbox.name.startswith("H")
