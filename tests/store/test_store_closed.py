"""A Redis that can be read and takes no changes: full, a replica, a master without its replicas."""

from __future__ import annotations

import pytest
from store_case import ALICE, QUICK, message
from support.closed_redis import CLOSED, FULL, SAYS, closed_redis

from esl_vm.audio.cache import Cache
from esl_vm.audio.redis_audio import RedisAudio
from esl_vm.model.errors import StoreDownError
from esl_vm.model.mailbox import Folder, MailboxId
from esl_vm.model.pins import PinCheck, PinRules
from esl_vm.store import keys
from esl_vm.store.connect import connect
from esl_vm.store.outage import remedy
from esl_vm.store.store import Store

BOB = MailboxId("1002")


@pytest.fixture(params=CLOSED)
def closed(request, tmp_path, real_redis):
    """A store with two mailboxes and messages, on a Redis that takes no changes any more; and why not."""
    with real_redis.client() as client:
        client.flushall()
    made = Store(connect(real_redis.url), pin_cost=QUICK)
    for box in (ALICE, BOB):
        made.registry.add(box, {"name": "Alice"}, pin_hash=made.pins.hashed("4821"))
        for place in range(3):
            made.mailboxes.deliver(box, message(f"m{place}"))
    sound = tmp_path / "sound"
    sound.write_bytes(b"RIFF" * 1000)
    RedisAudio(made.link, keys.audio, Cache(tmp_path / "a", limit_bytes=1 << 20)).put("m0", sound)
    made.close()
    with closed_redis(real_redis, request.param) as url:
        # Opened now, as by a command or a service that starts: nothing was agreed on before.
        store = Store(connect(url), pin_rules=PinRules(failures=3, window_s=900, lock_s=600), pin_cost=QUICK)
        yield store, request.param
        store.close()


def test_everything_can_be_read(closed, tmp_path):
    store, _ = closed
    store.verify()
    assert store.mailboxes.open(ALICE).counts.new == 3
    assert store.mailboxes.enter(ALICE, 10).total == 3
    page = store.mailboxes.page(ALICE, Folder.NEW, urgent=None, after=None, most=10)
    assert [one.id for one in page.messages] == ["m0", "m1", "m2"]
    assert store.mailboxes.message(ALICE, "m1").id == "m1"
    assert list(store.registry.boxes()) == [ALICE, BOB]
    assert store.registry.fields(ALICE)["name"] == "Alice"
    audio = RedisAudio(store.link, keys.audio, Cache(tmp_path / "b", limit_bytes=1 << 20))
    assert audio.playable("m0").read_bytes() == b"RIFF" * 1000
    assert len(store.events.tail(10)) > 0
    assert store.cluster.nodes() == []


def test_the_right_pin_opens_and_wrong_ones_lock(closed):
    store, why = closed
    assert store.pins.check(ALICE, "4821") is PinCheck.RIGHT
    assert [store.pins.check(ALICE, "0000") for _ in range(4)] == [PinCheck.WRONG] * 3 + [PinCheck.LOCKED]
    assert store.pins.check(ALICE, "4821") is PinCheck.LOCKED
    assert store.pins.check(BOB, "4821") is PinCheck.RIGHT
    assert (store.registry.locked_for(ALICE) > 0) == (why == FULL)  # there all nodes count them


def test_what_it_refuses_is_said_with_the_cause_and_what_to_do(closed):
    store, why = closed
    for change in (lambda: store.mailboxes.heard(ALICE, "m0"), lambda: store.mailboxes.deliver(ALICE, message("m9"))):
        with pytest.raises(StoreDownError, match=SAYS[why]):
            change()
    assert store.mailboxes.open(ALICE).counts.new == 3  # at once: nobody waits for a Redis that answers
    refusal = store.cluster.state().refuses
    assert SAYS[why] in refusal
    assert remedy(refusal) != remedy("can't be reached")


def test_room_can_be_made_in_a_full_one(closed):
    store, why = closed
    if why != FULL:
        pytest.skip("nothing can be changed there")
    assert store.mailboxes.delete(ALICE, "m0")
    assert store.mailboxes.open(ALICE).counts.new == 2
    assert store.mailboxes.restore(ALICE, "m0")
    assert store.mailboxes.delete(ALICE, "m0")
    store.registry.remove(BOB)
    assert store.mailboxes.open(BOB) is None
    list(store.housekeeping.purge())
    store.pins.check(ALICE, "0000")
    store.registry.unlock(ALICE)


def test_messages_without_a_trash_are_erased_from_a_full_one(closed):
    store, why = closed
    if why != FULL:
        pytest.skip("nothing can be changed there")
    at_once = Store(store.link, defaults=_without_trash(), pin_cost=QUICK)
    assert at_once.mailboxes.delete(ALICE, "m0")
    assert at_once.housekeeping.sounds_to_erase() == ["m0"]


def _without_trash():
    from esl_vm.model.options import MailboxOptions

    return MailboxOptions(trash_days=0)
