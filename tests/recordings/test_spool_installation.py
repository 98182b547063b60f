"""A Redis that is empty, or another installation's, is away for a spool that knows its own: nothing is refused there."""

from __future__ import annotations

import pytest
from redis_service import ALICE, SAID, Service
from spool_cast import freeswitch_records, recorded
from support.redis_servers import redis_server

from esl_vm.model.errors import StoreDownError
from esl_vm.model.mailbox import MailboxId
from esl_vm.recordings import Settled


@pytest.fixture
def known(service):
    """The service, whose spool knows the installation."""
    service.store.verify()
    service.spool.folder.belong_to(service.store.installation)
    return service


def leave(service, number) -> Settled:
    with service.take(number) as take:
        freeswitch_records(take.path, SAID)
        take.recorded(recorded(1500))
        return take.settle()


def at_another(known, url) -> Service:
    """The same node, whose Redis has its place taken by another one."""
    return Service(url, known.spool.folder.takes.parent.parent)


def test_what_waits_is_not_set_aside_when_redis_comes_back_empty_and_is_delivered_when_the_data_are_back(known):
    with redis_server() as empty:
        meanwhile = at_another(known, empty.url)

        assert leave(meanwhile, 1) is Settled.WAITING
        [outcome] = meanwhile.sweeper.sweep_once()

        assert outcome.settled is Settled.WAITING
        assert "is empty" in outcome.reason
        with empty.client() as client:
            assert client.keys("*") == []  # nothing is begun there
    known.sweeper.sweep_once()
    assert len(known.lie()) == 1


def test_a_redis_emptied_under_a_running_service_is_away_for_callers_owners_and_the_sweeper(known, server):
    assert leave(known, 1) is Settled.DELIVERED
    with server.client() as client:
        client.flushall()

    with pytest.raises(StoreDownError, match=r"mailboxes of installation .* are missing"):
        known.store.mailboxes.open(ALICE)
    assert leave(known, 2) is Settled.WAITING
    assert [one.settled for one in known.sweeper.sweep_once()] == [Settled.WAITING]


def test_another_installations_redis_gets_nothing_of_ours(known):
    with redis_server() as theirs:
        other = Service(theirs.url, known.spool.folder.takes.parent.parent / "theirs")
        other.store.registry.add(ALICE, {})
        ours = at_another(known, theirs.url)

        assert leave(ours, 1) is Settled.WAITING
        with pytest.raises(StoreDownError, match="this node served"):
            ours.store.verify()
        assert other.lie() == []


def test_a_number_without_a_mailbox_is_nobodys_as_before(known):
    assert known.store.mailboxes.open(MailboxId("1999")) is None


def test_a_node_whose_administrator_removed_the_mark_begins_anew(known, server):
    with server.client() as client:
        client.flushall()
    (known.spool.folder.takes.parent / "installation").unlink()
    anew = at_another(known, server.url)

    anew.store.registry.add(ALICE, {})

    assert leave(anew, 1) is Settled.DELIVERED
