"""A message to several mailboxes: each mailbox's own limit counts, not the first one's."""

import pytest
from fakeredis import FakeRedis, FakeServer
from store_case import ALICE, MONDAY, Case, message

from esl_vm.model.mailbox import Folder
from esl_vm.model.store import Delivery


def test_a_mailboxs_own_limit_counts_and_the_defaults_where_it_has_none(case):
    case.with_mailbox(maxmsg="1")
    assert case.mailboxes.deliver(ALICE, message("m1", MONDAY)) is Delivery.DONE
    assert case.mailboxes.deliver(ALICE, message("m2", MONDAY)) is Delivery.FULL
    case.registry.change(ALICE, {}, unset=["maxmsg"])
    assert case.mailboxes.deliver(ALICE, message("m2", MONDAY)) is Delivery.DONE


def test_a_limit_that_is_no_number_is_passed_over(real):
    real.with_mailbox()
    real.store.link.run(None, lambda client: client.hset("vm:{p14}:box:1001@default", "maxmsg", "lots"))
    assert real.mailboxes.deliver(ALICE, message("m1", MONDAY)) is Delivery.DONE


@pytest.mark.parametrize("closed", [{"maxmsg": "0"}, {"announce_only": "yes"}])
def test_an_announcement_only_mailbox_takes_nothing_but_what_was_promised(case, closed):
    case.with_mailbox(**closed)
    assert case.mailboxes.deliver(ALICE, message("m1", MONDAY)) is Delivery.CLOSED
    assert not case.mailboxes.open(ALICE).takes_messages
    assert case.mailboxes.deliver(ALICE, message("m1", MONDAY), even_if_full=True) is Delivery.DONE


@pytest.mark.parametrize("default", [{"maxmsg": 0}, {"announce_only": True}])
def test_a_service_that_only_announces_leaves_a_mailbox_its_own_limit(default):
    case = Case(FakeRedis(server=FakeServer()), **default)
    case.with_mailbox(maxmsg="2", announce_only="no")
    delivered = [case.mailboxes.deliver(ALICE, message(f"m{n}", MONDAY)) for n in range(3)]
    assert delivered == [Delivery.DONE, Delivery.DONE, Delivery.FULL]
    case.registry.change(ALICE, {}, unset=["maxmsg", "announce_only"])
    assert case.mailboxes.deliver(ALICE, message("m3", MONDAY)) is Delivery.CLOSED


@pytest.mark.parametrize("own", [{"maxmsg": "3"}, {"quota_seconds": "10"}])
def test_the_model_calls_a_mailbox_full_exactly_when_it_takes_no_more(case, own):
    case.with_mailbox(**own)
    for n in range(4):
        full = case.mailboxes.open(ALICE).is_full
        delivered = case.mailboxes.deliver(ALICE, message(f"m{n}", MONDAY))
        assert delivered is (Delivery.FULL if full else Delivery.DONE)
    assert case.mailboxes.open(ALICE).is_full


def test_what_is_brought_back_needs_no_room_what_is_moved_does(case):
    case.with_mailbox(maxmsg="1")
    case.leave("a")
    assert case.mailboxes.move(ALICE, "a", Folder.WORK) is Delivery.DONE
    case.leave("b")
    assert case.mailboxes.move(ALICE, "b", Folder.WORK) is Delivery.FULL
    assert case.mailboxes.move(ALICE, "a", Folder.NEW, even_if_full=True) is Delivery.DONE
