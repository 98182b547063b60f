"""Several owners of one mailbox: each with a PIN of his own, told apart by it."""

from __future__ import annotations

import pytest
from store_case import ALICE, NOBODY, QUICK

from esl_vm.model.errors import InvalidValueError, NoSuchMailboxError, NoSuchOwnerError
from esl_vm.model.owners import Owner
from esl_vm.model.pins import PinCheck, PinRules
from esl_vm.store.store import Store

RIGHT, WRONG, LOCKED = PinCheck.RIGHT, PinCheck.WRONG, PinCheck.LOCKED


@pytest.fixture
def shared(case):
    case.with_mailbox(name="Alice Martin")
    case.store.pins.change(ALICE, "4711")
    case.store.pins.add_owner(ALICE, "Zoé Roy", "8305", initial=True)
    case.store.pins.add_owner(ALICE, "Bob Lee", "7392")
    return case


def names(case) -> list[str]:
    return [owner.name for owner in case.mailboxes.open(ALICE).owners]


def test_the_pin_tells_which_owner_it_is(shared):
    pins = shared.store.pins
    assert [pins.whose(ALICE, pin) for pin in ("4711", "8305", "7392", "7393")] == [
        (RIGHT, 1),
        (RIGHT, 2),
        (RIGHT, 3),
        (WRONG, 0),
    ]
    assert pins.whose(ALICE, "8305", outside=True) == (WRONG, 0)  # its owner did not choose it
    assert pins.whose(ALICE, "7392", outside=True) == (RIGHT, 3)
    assert names(shared)[1:] == ["Zoé Roy", "Bob Lee"]
    assert [owner.pin_is_initial for owner in shared.mailboxes.open(ALICE).others] == [True, False]
    assert [event.details.get("owner") for event in shared.store.events.tail(9, box=ALICE) if event.what == "login"][
        1:
    ] == ["Zoé Roy", "Bob Lee", "Bob Lee"]


def test_a_log_in_hashes_once_however_many_owners_there_are(shared):
    hashed = []

    def run(function):
        hashed.append(1)
        return function()

    pins = Store(shared.store.link, clock=shared.clock, pin_cost=QUICK, offload=run).pins
    assert pins.whose(ALICE, "7392") == (RIGHT, 3)
    assert pins.whose(ALICE, "0000") == (WRONG, 0)
    assert len(hashed) == 2


def test_wrong_ones_lock_the_mailbox_for_all_its_owners(shared):
    pins = Store(shared.store.link, clock=shared.clock, pin_cost=QUICK, pin_rules=PinRules(failures=3)).pins
    assert [pins.check(ALICE, "0000") for _ in range(3)] == [WRONG] * 3
    assert [pins.check(ALICE, pin) for pin in ("4711", "8305", "7392")] == [LOCKED] * 3


def test_each_changes_only_his_own(shared):
    pins = shared.store.pins
    before = [owner.pin_mark for owner in shared.mailboxes.open(ALICE).owners]
    pins.change(ALICE, "6028", owner=2)
    pins.change(ALICE, "5180")
    assert [pins.whose(ALICE, pin) for pin in ("5180", "6028", "7392")] == [(RIGHT, 1), (RIGHT, 2), (RIGHT, 3)]
    assert [pins.check(ALICE, pin) for pin in ("4711", "8305")] == [WRONG, WRONG]
    after = [owner.pin_mark for owner in shared.mailboxes.open(ALICE).owners]
    assert [was == now for was, now in zip(before, after, strict=True)] == [False, False, True]
    told = [event.details for event in shared.store.events.tail(20, box=ALICE) if event.what == "pin-changed"]
    assert [(one["pin"], one.get("owner")) for one in told[-2:]] == [
        ("changed", "Zoé Roy"),
        ("changed", "Alice Martin"),
    ]


@pytest.mark.parametrize("owner", [0, 1, 2])
def test_no_two_have_the_same_and_the_refusal_does_not_say_whose_it_is(shared, owner):
    pins = shared.store.pins
    refusal = pins.refusal(ALICE, "7392", owner=owner)
    assert refusal.startswith("it is not free in this mailbox")
    with pytest.raises(InvalidValueError, match="not free in this mailbox") as refused:
        pins.change(ALICE, "7392", owner=owner) if owner else pins.add_owner(ALICE, "Carl", "7392")
    assert not {"Bob", "7392"} & set(str(refused.value).split())
    assert pins.whose(ALICE, "7392") == (RIGHT, 3)
    assert pins.refusal(ALICE, "5180", owner=owner) == ""


def test_one_may_set_the_pin_that_one_has_where_none_is_remembered(shared):
    shared.store.pins.change(ALICE, "7392", owner=3)
    assert shared.store.pins.whose(ALICE, "7392") == (RIGHT, 3)


def test_former_ones_and_their_age_are_each_owners_own(shared):
    rules = PinRules(remember=2, max_age_days=90)
    pins = Store(shared.store.link, clock=shared.clock, pin_cost=QUICK, pin_rules=rules).pins
    for pin in ("6028", "9036"):
        pins.change(ALICE, pin, owner=2)
    assert [pins.used_before(ALICE, pin, owner=2) for pin in ("9036", "6028", "8305", "5180")] == [
        True,
        True,
        True,
        False,
    ]
    assert not pins.used_before(ALICE, "6028", owner=3)
    assert [owner.pin_changed > 0 for owner in shared.mailboxes.open(ALICE).owners] == [False, True, False]


def test_names(shared):
    pins = shared.store.pins
    pins.rename_owner(ALICE, 2, "Zoé  Martin ")
    assert names(shared)[1:] == ["Zoé Martin", "Bob Lee"]
    assert pins.whose(ALICE, "8305") == (RIGHT, 2)
    for wrong in ("", " ", "x" * 61, "\n"):
        with pytest.raises(InvalidValueError, match="1 to 60 letters"):
            pins.rename_owner(ALICE, 2, wrong)
    with pytest.raises(InvalidValueError, match="has that name"):
        pins.rename_owner(ALICE, 2, "Bob Lee")
    with pytest.raises(InvalidValueError, match="has that name"):
        pins.add_owner(ALICE, "bob lee", "5180")
    with pytest.raises(InvalidValueError, match="has that name"):
        pins.add_owner(ALICE, shared.mailboxes.open(ALICE).name, "5180")


def test_one_who_was_removed_opens_nothing_and_nobody_after_him_has_his_mark(shared):
    pins = shared.store.pins
    mark = shared.mailboxes.open(ALICE).owner(3).pin_mark
    pins.remove_owner(ALICE, 3)
    assert pins.whose(ALICE, "7392") == (WRONG, 0)
    assert shared.mailboxes.open(ALICE).owner(3) is None
    assert pins.add_owner(ALICE, "Carl", "7392") == 3
    assert shared.mailboxes.open(ALICE).owner(3).pin_mark != mark
    for owner in (2, 3):
        pins.remove_owner(ALICE, owner)
    for change in (
        lambda: pins.remove_owner(ALICE, 3),
        lambda: pins.rename_owner(ALICE, 3, "Dan"),
        lambda: pins.change(ALICE, "5180", owner=3),
    ):
        with pytest.raises(NoSuchOwnerError):
            change()
    pins.change(ALICE, "")  # alone again, one may do without
    assert not shared.mailboxes.open(ALICE).has_pin
    told = [
        event.details["changes"] for event in shared.store.events.tail(30, box=ALICE) if event.what == "box-changed"
    ]
    assert '[["owner","Bob Lee",""]]' in told


def test_a_mailbox_whose_pin_anybody_may_leave_out_has_one_owner(case):
    case.with_mailbox()
    with pytest.raises(InvalidValueError, match="give the mailbox a PIN first"):
        case.store.pins.add_owner(ALICE, "Bob", "7392")
    with pytest.raises(NoSuchMailboxError):
        case.store.pins.add_owner(NOBODY, "Bob", "7392")


def test_the_first_ones_pin_stays_while_there_are_others(shared):
    with pytest.raises(InvalidValueError, match="told apart by their PINs"):
        shared.store.pins.change(ALICE, "")
    with pytest.raises(InvalidValueError, match="has a PIN"):
        shared.store.pins.change(ALICE, "", owner=2)
    assert shared.store.pins.whose(ALICE, "4711") == (RIGHT, 1)


def test_there_are_eight_at_most(shared):
    for number, pin in enumerate(("5180", "5281", "5382", "5483", "5584"), 4):
        assert shared.store.pins.add_owner(ALICE, f"Owner {number}", pin) == number
    with pytest.raises(InvalidValueError, match="8 owners at most"):
        shared.store.pins.add_owner(ALICE, "One more", "6099")


def test_no_hash_of_an_owner_is_in_what_shows_a_mailbox(shared):
    assert not [name for name in shared.registry.fields(ALICE) if name.startswith(("owner", "pin_mark"))]
    assert "scrypt" not in repr(shared.mailboxes.open(ALICE))
    assert "scrypt" not in repr(shared.store.events.tail(30, box=ALICE))
    shown, _ = next(iter(shared.registry.overview()))
    assert [owner.name for owner in shown.owners] == names(shared)


def test_what_was_written_by_hand_is_nobody(shared):
    for number, kept in ((4, b"x"), (5, b"[]"), (6, b"{}"), (7, b'{"name": "Eve", "pin": 7}')):
        shared.store.link.run(
            None, lambda client, n=number, k=kept: client.hset("vm:{p14}:box:1001@default", f"owner.{n}", k)
        )
    assert names(shared)[1:] == ["Zoé Roy", "Bob Lee"]
    assert shared.store.pins.whose(ALICE, "7392") == (RIGHT, 3)


def test_a_renamed_mailbox_keeps_its_owners(shared):
    shared.store.renames.rename(ALICE, NOBODY)
    assert shared.store.pins.whose(NOBODY, "7392") == (RIGHT, 3)
    assert [type(owner) for owner in shared.mailboxes.open(NOBODY).owners] == [Owner] * 3
