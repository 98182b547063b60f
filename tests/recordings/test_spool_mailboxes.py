"""What a spool asks of mailboxes is answered alike by the store and by the mailboxes on disk that the spool's tests have."""

from dataclasses import replace

import fakeredis
import pytest
from spool_cast import ALICE, BOB, BOXES, EVE, NOBODY, NOW, DiskMailboxes
from support.away import Away
from support.clocks import Clock

from esl_vm.model.errors import NoSuchMailboxError, StoreDownError
from esl_vm.model.events import EventType
from esl_vm.model.mailbox import Folder, Greeting, StoredGreeting
from esl_vm.model.message import Caller, Message
from esl_vm.model.options import MailboxOptions
from esl_vm.model.store import Announced, Delivery, Fate
from esl_vm.store.store import Store

BUSY = Greeting.BUSY


class StoredMailboxes:
    """The store's, and what tests do with them by other ways than a spool."""

    def __init__(self) -> None:
        store = Store(fakeredis.FakeRedis(), clock=Clock(NOW), defaults=MailboxOptions(maxmsg=3))
        for box in BOXES:
            store.registry.add(box, {})
        self._store, self._away = store, Away()
        self.port = self._away.behind(store.mailboxes)

    def goes_away(self):
        self._away.down = True

    def messages(self, box):
        page = self._store.mailboxes.page(box, Folder.NEW, urgent=None, after=None, most=100)
        return {message.id: message for message in page.messages}

    def greeting(self, box, greeting):
        return self._store.mailboxes.open(box).greetings.get(greeting)

    def delete(self, box, message_id):
        self._store.mailboxes.delete(box, message_id)

    def remove_greeting(self, box, greeting):
        self._store.mailboxes.remove_greeting(box, greeting)

    def remove_box(self, box):
        self._store.registry.remove(box)

    def told(self):
        events = self._store.events.tail(99)
        return [(one.box, one.what, one.message_id, one.details["why"]) for one in events if "why" in one.details]


class MailboxesOnDisk:
    def __init__(self, folder) -> None:
        self.port = ours = DiskMailboxes(folder)
        ours.maxmsg = 3
        self.messages, self.greeting, self.delete = ours.messages, ours.greeting, ours.delete
        self.remove_greeting, self.remove_box = ours.remove_greeting, ours.remove_box

    def goes_away(self):
        self.port.down = 99

    def told(self):
        return self.port.told


@pytest.fixture(params=["store", "disk"])
def boxes(request, tmp_path):
    return StoredMailboxes() if request.param == "store" else MailboxesOnDisk(tmp_path)


def message(name, **more):
    return Message(name, Caller("5145550100", "Zoé"), NOW, duration_ms=4000, **more)


def fates(boxes, *asked, greeting=None):
    return boxes.port.fates([Announced(box, one, NOW, greeting) for box, one in asked])


def test_a_message_is_delivered_once(boxes):
    assert boxes.port.deliver(ALICE, message("m1", urgent=True)) is Delivery.DONE
    assert boxes.port.deliver(ALICE, message("m1")) is Delivery.ALREADY
    [kept] = boxes.messages(ALICE).values()
    assert replace(kept, arrived=0) == replace(message("m1", urgent=True), arrived=0)
    assert boxes.messages(BOB) == {}
    assert boxes.port.deliver(BOB, message("m1")) is Delivery.DONE, "another mailbox's is another"


def test_a_full_mailbox_takes_what_was_promised_and_no_more(boxes):
    for number in range(3):
        assert boxes.port.deliver(ALICE, message(f"m{number}")) is Delivery.DONE
    assert boxes.port.deliver(ALICE, message("m3")) is Delivery.FULL
    assert boxes.port.deliver(ALICE, message("m0")) is Delivery.ALREADY
    assert boxes.port.deliver(ALICE, message("m3"), even_if_full=True) is Delivery.DONE
    assert len(boxes.messages(ALICE)) == 4


def test_what_its_owner_deleted_does_not_come_back(boxes):
    boxes.port.deliver(ALICE, message("m1"))
    boxes.delete(ALICE, "m1")
    assert boxes.port.deliver(ALICE, message("m1")) is not Delivery.DONE
    assert boxes.messages(ALICE) == {}


def test_a_mailbox_that_is_not_there(boxes):
    assert boxes.port.open(NOBODY) is None
    assert boxes.port.deliver(NOBODY, message("m1"), even_if_full=True) is Delivery.NO_MAILBOX
    with pytest.raises(NoSuchMailboxError):
        boxes.port.set_greeting(NOBODY, BUSY, StoredGreeting("g1", 1000))


def test_a_greeting_replaces_the_former_one_which_does_not_come_back(boxes):
    assert boxes.port.set_greeting(ALICE, BUSY, StoredGreeting("g1", 1000)) == ""
    assert boxes.port.set_greeting(ALICE, BUSY, StoredGreeting("g1", 1000)) == "", "asked again"
    assert boxes.port.set_greeting(ALICE, BUSY, StoredGreeting("g2", 2000)) == "g1"
    assert boxes.port.set_greeting(ALICE, BUSY, StoredGreeting("g1", 1000)) == ""
    assert boxes.greeting(ALICE, BUSY).audio_id == "g2"
    assert boxes.port.open(ALICE).greetings[BUSY].audio_id == "g2"
    boxes.remove_greeting(ALICE, BUSY)
    assert boxes.port.set_greeting(ALICE, BUSY, StoredGreeting("g2", 2000)) == ""
    assert boxes.greeting(ALICE, BUSY) is None


def test_what_became_of_what_was_announced(boxes):
    boxes.port.deliver(ALICE, message("there"))
    boxes.port.deliver(ALICE, message("deleted"))
    boxes.delete(ALICE, "deleted")
    boxes.port.deliver(EVE, message("hers"))
    boxes.remove_box(EVE)
    asked = [(ALICE, "there"), (ALICE, "deleted"), (ALICE, "lost"), (BOB, "there"), (EVE, "hers")]
    assert fates(boxes, *asked) == [Fate.THERE, Fate.DELETED, Fate.LOST, Fate.LOST, Fate.LOST]
    boxes.port.set_greeting(ALICE, BUSY, StoredGreeting("g1", 1000))
    boxes.port.set_greeting(ALICE, BUSY, StoredGreeting("g2", 1000))
    asked = [(ALICE, "g1"), (ALICE, "g2"), (ALICE, "g3")]
    assert fates(boxes, *asked, greeting=BUSY) == [Fate.DELETED, Fate.THERE, Fate.LOST]


def test_what_could_not_be_delivered_is_told(boxes):
    boxes.port.log_event(ALICE, EventType.NOT_DELIVERED, "m1", why="full")
    assert boxes.told() == [(ALICE, EventType.NOT_DELIVERED, "m1", "full")]


def test_where_the_store_is_away_nothing_is_known_and_nothing_done(boxes):
    boxes.goes_away()
    for ask in (
        lambda: boxes.port.open(ALICE),
        lambda: boxes.port.deliver(ALICE, message("m1")),
        lambda: boxes.port.set_greeting(ALICE, BUSY, StoredGreeting("g1", 1000)),
        lambda: boxes.port.log_event(ALICE, EventType.NOT_DELIVERED, "m1", why="full"),
    ):
        with pytest.raises(StoreDownError):
            ask()
    assert boxes.messages(ALICE) == {}
