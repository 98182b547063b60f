"""Several numbers for one mailbox: looked up in the round trip that there is anyway, nobody else's, kept through everything."""

from __future__ import annotations

import pytest
from store_case import ALICE, BOB, NOBODY, message

from esl_vm.model.errors import InvalidValueError, MailboxExistsError, NoSuchMailboxError
from esl_vm.model.mailbox import Folder, MailboxId
from esl_vm.model.store import Delivery

ALIASES = [MailboxId(number) for number in ("1009", "+15145550109", "2009")]
"""Some lie in other partitions than the mailbox."""
ALL = ",".join(alias.number for alias in ALIASES)


@pytest.fixture
def alice(case):
    case.with_mailbox(name="Alice Martin", aliases=ALL)
    return case


def test_each_number_opens_the_mailbox(alice):
    alice.leave("m1")
    for box in (ALICE, *ALIASES):
        assert alice.mailboxes.open(box) == alice.mailboxes.open(ALICE)
        assert alice.mailboxes.enter(box, 5).mailbox.id == ALICE
    assert alice.mailboxes.open(ALICE).aliases == tuple(alias.number for alias in ALIASES)
    assert alice.mailboxes.open(MailboxId("1009", "autre.example")) is None


def test_a_message_for_one_lies_in_the_mailbox(alice):
    assert alice.mailboxes.deliver(ALIASES[0], message("m1")) is Delivery.DONE
    assert alice.mailboxes.deliver(ALIASES[1], message("m1")) is Delivery.ALREADY
    assert alice.lie(Folder.NEW) == ["m1"]


def test_nobody_else_gets_the_number(alice):
    other = MailboxId("1002")
    with pytest.raises(MailboxExistsError, match="1009@default is an alias of 1001@default"):
        alice.registry.add(ALIASES[0], {})
    with pytest.raises(InvalidValueError, match="mailbox's number"):
        alice.store.lists.add(ALIASES[0], [ALICE])
    alice.registry.add(other, {})
    for taken, why in (("1009", "an alias of 1001@default"), ("1001", "a mailbox"), ("900", "a distribution list")):
        alice.store.lists.add(MailboxId("900"), [ALICE])
        with pytest.raises(MailboxExistsError, match=why):
            alice.registry.change(other, {"aliases": f"3009,{taken}"})
    with pytest.raises(MailboxExistsError):
        alice.registry.add(MailboxId("1003"), {"aliases": "3009,1009"})
    assert alice.mailboxes.open(MailboxId("1003")) is None
    with pytest.raises(MailboxExistsError, match="is an alias"):
        alice.store.renames.rename(other, ALIASES[0])
    assert set(alice.store.aliases.all().values()) == {ALICE}
    alice.registry.change(other, {"aliases": "3009"})  # nothing of what was refused holds it
    alice.registry.add(MailboxId("1009", "autre.example"), {})


def test_of_two_who_want_it_at_once_one_gets_it(alice):
    other = MailboxId("1002")
    alice.registry.add(other, {})
    alice.meanwhile(lambda: alice.registry.change(other, {"aliases": "4009"}))
    with pytest.raises(MailboxExistsError, match="4009@default is an alias of 1002@default"):
        alice.registry.change(ALICE, {"aliases": f"{ALL},4009"})
    assert (alice.mailboxes.open(MailboxId("4009")).id, alice.registry.fields(ALICE)["aliases"]) == (other, ALL)


def test_what_is_changed_by_somebody_else_meanwhile_is_not_lost(alice):
    alice.registry.change(ALICE, {"aliases": "5009"})
    alice.meanwhile(lambda: alice.registry.change(ALICE, {"aliases": "6009"}))
    alice.registry.change(ALICE, {"aliases": "5009,7009"})
    assert alice.registry.fields(ALICE)["aliases"] == "5009,7009"
    assert {alias.number for alias in alice.store.aliases.all()} == {"5009", "7009"}


def test_a_number_that_is_taken_away_is_free(alice):
    alice.registry.change(ALICE, {"aliases": "2009"})
    alice.registry.add(ALIASES[0], {})
    alice.registry.change(ALICE, {}, unset=["aliases"])
    assert (alice.mailboxes.open(ALIASES[2]), alice.store.aliases.all()) == (None, {})
    alice.registry.change(ALICE, {"aliases": "2009"})
    alice.registry.remove(ALICE)
    alice.registry.add(ALIASES[2], {})


def test_a_mailbox_that_is_not_there_gets_none(case):
    with pytest.raises(NoSuchMailboxError):
        case.registry.change(NOBODY, {"aliases": "1009"})
    assert case.store.aliases.all() == {}


@pytest.mark.parametrize("wrong", ["1 9", "1009@autre.example", "+"])
def test_only_a_number_of_the_domain_is_one(alice, wrong):
    with pytest.raises(InvalidValueError, match="not a mailbox number"):
        alice.registry.change(ALICE, {"aliases": wrong})


@pytest.mark.parametrize("new", [MailboxId("2001"), MailboxId("2001", "autre.example")])
def test_they_go_along_when_it_is_renamed(alice, new):
    alice.store.renames.rename(ALICE, new)
    moved = {MailboxId(alias.number, new.domain): new for alias in ALIASES}
    assert alice.store.aliases.all() == moved
    assert {alice.mailboxes.open(alias).id for alias in moved} == {new}


def test_the_alias_of_a_mailbox_that_is_gone_is_free(alice):
    """Its removal was broken off after the mailbox, before its aliases."""
    alice.store.aliases.claim(NOBODY, ["8009"])
    assert alice.mailboxes.open(MailboxId("8009")) is None
    alice.registry.change(ALICE, {"aliases": "8009"})
    assert alice.mailboxes.open(MailboxId("8009")).id == ALICE


def test_an_event_names_the_lamps_of_all_its_accounts(alice):
    alice.registry.change(ALICE, {"extensions": "201"})
    alice.leave("m1")
    [event] = alice.store.events.tail(1, box=ALICE)
    assert event.details["extensions"] == f"201,{ALL}"


def test_a_backup_carries_them(alice):
    record = alice.store.backup.mailbox(ALICE)
    alice.store.backup.remove_mailbox(ALICE)
    assert alice.store.aliases.all() == {}
    alice.registry.add(BOB, {"aliases": "1009"})
    alice.store.backup.put_mailbox(record)
    for alias in ALIASES:
        assert alice.mailboxes.open(alias).id == ALICE
