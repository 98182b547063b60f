"""Entering a mailbox: what `open` and then `page` would say, in one step."""

from __future__ import annotations

import fakeredis
import pytest
from store_case import ALICE, BOB, NOBODY, Case

from esl_vm.dialogue.listing import PAGE, Listing
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


@pytest.mark.parametrize(
    ("ids", "played"),
    [
        ({"old": ["o1", "o2", "o3"]}, {Folder.OLD: ["o3", "o2", "o1"]}),
        (
            {"old": ["o1", "o2"], "new": ["n1", "n2", "n3"], "urgent": ["u1", "u2", "u3"]},
            {"urgent": ["u3", "u2", "u1"], Folder.NEW: ["n3", "n2", "n1"], Folder.OLD: ["o2", "o1"]},
        ),
    ],
    ids=["only old", "all"],
)
def test_the_newest_is_played_first_where_its_owner_wants_so(case, ids, played):
    case.with_mailbox(newest_first="yes")
    case.leave(*ids.get("old", []), folder=Folder.OLD)
    case.leave(*ids.get("new", []))
    case.leave(*ids.get("urgent", []), urgent=True)
    entered = case.mailboxes.enter(ALICE, 2)
    assert entered.mailbox.options.newest_first
    first = Listing.begun(case.mailboxes, entered)
    for name, expected in played.items():
        listing = first if name == first.name else Listing.open(case.mailboxes, ALICE, name, newest=True)
        assert [listing.entry(place).message.id for place in range(len(listing))] == expected
        assert listing.entry(len(listing)) is None


def test_the_service_may_have_it_so_for_all_but_who_does_not_want_it():
    case = Case(fakeredis.FakeRedis(), newest_first=True)
    case.with_mailbox().with_mailbox(BOB, newest_first="no")
    for box in (ALICE, BOB):
        case.leave("m1", "m2", box=box)
    first = [case.mailboxes.enter(box, 5).page.messages[0].id for box in (ALICE, BOB)]
    assert first == ["m2", "m1"]


def test_more_than_a_page_is_played_backwards_without_a_gap(case):
    case.with_mailbox(newest_first="yes")
    ids = [f"m{number:02}" for number in range(25)]
    case.leave(*ids)
    listing = Listing.begun(case.mailboxes, case.mailboxes.enter(ALICE, PAGE))
    case.leave("m25")  # what comes meanwhile is not in it
    assert [listing.entry(place).message.id for place in range(25)] == ids[::-1]
    assert listing.entry(25) is None


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
