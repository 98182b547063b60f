"""A message to several mailboxes: each mailbox's own limit counts, not the first one's."""

from store_case import ALICE, MONDAY, message

from esl_vm.model.store import Delivery


def test_a_mailboxs_own_limit_counts_and_the_defaults_where_it_has_none(case):
    case.with_mailbox(maxmsg="1")
    assert case.mailboxes.deliver(ALICE, message("m1", MONDAY), 100) is Delivery.DONE
    assert case.mailboxes.deliver(ALICE, message("m2", MONDAY), 100) is Delivery.FULL
    case.registry.change(ALICE, {}, unset=["maxmsg"])
    assert case.mailboxes.deliver(ALICE, message("m2", MONDAY), 2) is Delivery.DONE
    assert case.mailboxes.deliver(ALICE, message("m3", MONDAY), 2) is Delivery.FULL


def test_a_limit_that_is_no_number_is_passed_over(real):
    real.with_mailbox()
    real.store.link.run(None, lambda client: client.hset("vm:{p14}:box:1001@default", "maxmsg", "lots"))
    assert real.mailboxes.deliver(ALICE, message("m1", MONDAY), 5) is Delivery.DONE


def test_an_announcement_only_mailbox_takes_nothing(case):
    case.with_mailbox(maxmsg="0")
    assert case.mailboxes.deliver(ALICE, message("m1", MONDAY), 100) is Delivery.FULL
