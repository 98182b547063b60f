"""Messages are found by the ids of their call, in all mailboxes, for as long as they are there."""

import pytest
from store_case import ALICE, BOB, MONDAY, message

from esl_vm.model.mailbox import Folder, MailboxId
from esl_vm.model.message import CallDetails
from esl_vm.model.options import MailboxOptions
from esl_vm.store.store import Store

CALL = CallDetails("5360@pbx.example", "1017-a3")
FAR = MailboxId("2001", "autre.example")


@pytest.fixture
def left(case):
    """The same call's message in two mailboxes, and others."""
    case.with_mailbox(ALICE).with_mailbox(BOB)
    case.mailboxes.deliver(ALICE, message("m1", call=CALL))
    case.mailboxes.deliver(BOB, message("m1.1", MONDAY - 60, call=CALL))
    case.mailboxes.deliver(ALICE, message("m2", call=CallDetails("other@x", "2044-b7")))
    case.leave("m3")
    return case


def found(case, call_id):
    return [(box, one.id) for box, one in case.store.calls.messages(call_id)]


def entries(case):
    """All that the index holds."""
    return sorted(
        member.decode()
        for partition in range(case.store.keys.partitions)
        for member in case.store.link.run(
            partition, lambda c, p=partition: c.zrange(case.store.keys.part(p).call_ids, 0, -1)
        )
    )


@pytest.mark.parametrize("call_id", ["5360@pbx.example", "1017-a3", " 1017-a3\n"])
def test_by_the_call_id_of_sip_or_by_the_uuid(left, call_id):
    assert found(left, call_id) == [(BOB, "m1.1"), (ALICE, "m1")]
    assert [one.call for _, one in left.store.calls.messages(call_id)] == [CALL, CALL]


@pytest.mark.parametrize("call_id", ["", "m1", "1017", "1001@default", "é\udcff"])
def test_what_is_no_call_finds_nothing(left, call_id):
    assert found(left, call_id) == []


def test_a_call_whose_two_ids_are_one_is_found_once(case):
    case.with_mailbox(ALICE)
    case.mailboxes.deliver(ALICE, message("m1", call=CallDetails("same", "same")))
    assert found(case, "same") == [(ALICE, "m1")]


def test_an_id_longer_than_is_kept_is_found_as_it_was_sent(case):
    case.with_mailbox(ALICE)
    case.mailboxes.deliver(ALICE, message("m1", call=CallDetails("x" * 500 + "@pbx")))
    assert found(case, "x" * 500 + "@pbx") == [(ALICE, "m1")]


def test_it_is_found_wherever_it_lies_and_not_when_it_is_erased(left):
    left.mailboxes.delete(ALICE, "m1")
    assert found(left, "1017-a3") == [(BOB, "m1.1"), (ALICE, "m1")]
    left.clock.passes(days=60)
    list(left.store.housekeeping.purge())
    assert found(left, "1017-a3") == [(BOB, "m1.1")]
    at_once = Store(left.store.link, clock=left.clock, defaults=MailboxOptions(trash_days=0))
    at_once.mailboxes.delete(BOB, "m1.1")
    assert found(left, "1017-a3") == []
    left.registry.remove(ALICE)
    left.registry.remove(BOB)
    assert entries(left) == []


@pytest.mark.parametrize("new", [FAR, MailboxId("2005")])
def test_it_follows_a_mailbox_to_its_new_name(left, new):
    left.store.renames.rename(ALICE, new)
    assert found(left, "1017-a3") == [(BOB, "m1.1"), (new, "m1")]
    assert len(entries(left)) == 6
    assert not any(entry.startswith(f"{ALICE} ") for entry in entries(left))


def test_it_is_in_a_backup(left):
    record = left.store.backup.mailbox(ALICE)
    before = entries(left)
    left.store.backup.remove_mailbox(ALICE)
    assert found(left, "1017-a3") == [(BOB, "m1.1")]
    left.store.backup.put_mailbox(record)
    left.store.backup.put_mailbox(record)
    assert found(left, "1017-a3") == [(BOB, "m1.1"), (ALICE, "m1")]
    assert entries(left) == before


def test_a_message_of_a_later_version_is_read(left):
    """What is not known is read past, as the version before this one reads past a message's call."""
    keys = left.store.keys.of(ALICE)
    left.store.link.run(keys.partition, lambda client: client.hset(keys.message("m3"), "to_be_invented", "1"))
    assert left.mailboxes.message(ALICE, "m3") == message("m3", left.mailboxes.message(ALICE, "m3").received)
    assert "m3" in left.lie(Folder.NEW)


def test_what_an_older_version_erased_is_not_found(left):
    keys = left.store.keys.of(ALICE)
    left.store.link.run(keys.partition, lambda client: client.delete(keys.message("m1")))
    assert found(left, "1017-a3") == [(BOB, "m1.1")]
