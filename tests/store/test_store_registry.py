"""Mailboxes as an administrator keeps them."""

from __future__ import annotations

import fakeredis
import pytest
from store_case import ALICE, BOB, MONDAY, NOBODY, Case, message

from esl_vm.model.errors import InvalidValueError, MailboxExistsError, NoSuchMailboxError, SettingsError
from esl_vm.model.mailbox import Folder, Greeting, MailboxId, StoredGreeting
from esl_vm.model.pins import PinCheck
from esl_vm.model.store import Delivery
from esl_vm.store.store import Store


@pytest.fixture
def fake():
    return Case(fakeredis.FakeRedis())


def test_a_mailbox_is_made_once(case):
    case.with_mailbox(name="Alice")
    with pytest.raises(MailboxExistsError, match="1001@default"):
        case.registry.add(ALICE, {"name": "Eve"})
    assert case.registry.fields(ALICE)["name"] == "Alice"


def test_a_mailbox_is_made_with_its_pin_in_one_step(case):
    case.registry.add(ALICE, {"name": "Alice"}, pin_hash=case.store.pins.hashed("4711"), pin_initial=True)
    mailbox = case.mailboxes.open(ALICE)
    assert (mailbox.has_pin, mailbox.pin_is_initial) == (True, True)
    assert case.store.pins.check(ALICE, "4711") is PinCheck.RIGHT
    assert case.happened() == ["box-added", "login"]
    with pytest.raises(MailboxExistsError):
        case.registry.add(ALICE, {}, pin_hash=case.store.pins.hashed("0815"))
    assert case.store.pins.check(ALICE, "4711") is PinCheck.RIGHT


def test_a_pin_that_is_not_hashed_makes_no_mailbox(case):
    for pin in ("4711", "scrypt$4711", "scrypt$16$8$1$AAAAAAAAAAAAAAAA$4711"):
        with pytest.raises(InvalidValueError, match="hashed only") as wrong:
            case.registry.add(ALICE, {}, pin_hash=pin)
        assert "4711" not in str(wrong.value)
    assert case.mailboxes.open(ALICE) is None


def test_fields_are_shown_as_they_are_kept(case):
    case.with_mailbox(name=" Alice  Martin ", Timezone="America/Toronto", **{"Force-Name": "TRUE", "email": ""})
    case.leave("m1")
    case.store.pins.change(ALICE, "4711", initial=True)
    assert case.registry.fields(ALICE) == {
        "created": f"{MONDAY:.0f}",
        "force_name": "yes",
        "name": "Alice Martin",
        "pin_initial": "yes",
        "timezone": "America/Toronto",
    }


def test_fields_are_set_and_unset(case):
    case.with_mailbox(name="Alice", maxmsg="5", email="a@example.com")
    case.registry.change(ALICE, {"maxmsg": "9", "email": ""}, unset=["name"])
    fields = case.registry.fields(ALICE)
    assert (fields["maxmsg"], "email" in fields, "name" in fields) == ("9", False, False)
    assert case.mailboxes.open(ALICE).options.maxmsg == 9


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("nmae", "x", "did you mean name"),
        ("maxmgs", "5", "maxmsg"),
        ("maxmsg", "lots", "number from 0"),
        ("review", "perhaps", "yes or no"),
        ("timezone", "Toronto", "America/Toronto"),
        ("timezone", "../../etc/passwd", "IANA"),
        ("language", "klingon", "fr or en"),
        ("email", "nobody", "e-mail address"),
        ("email", "a@b.c\nBcc: x@y.z", "e-mail address"),
        ("pager", "a b@c", "e-mail address"),
        ("extensions", "20 1", "accounts"),
        ("webhook", "ftp://example.com", "http"),
        ("pin", "1234", "own command"),
        ("greeting.busy", "id", "own command"),
        ("sound_ms", "5", "sound_ms"),
        ("created", "5", "created"),
    ],
)
def test_what_makes_no_sense_is_refused_and_nothing_is_changed(fake, field, value, says):
    fake.with_mailbox(name="Alice")
    with pytest.raises(InvalidValueError, match=says):
        fake.registry.change(ALICE, {"name": "Eve", field: value})
    with pytest.raises(InvalidValueError):
        fake.registry.add(BOB, {field: value})
    assert fake.registry.fields(ALICE)["name"] == "Alice"
    assert list(fake.registry.boxes()) == [ALICE]


def test_a_name_is_one_line_of_text(fake):
    fake.with_mailbox(name="Zoé\r\nX-Header: \x00 evil")
    assert fake.registry.fields(ALICE)["name"] == "Zoé X-Header: evil"


def test_who_is_not_there(case):
    for action in (
        lambda: case.registry.fields(NOBODY),
        lambda: case.registry.change(NOBODY, {"name": "x"}),
        lambda: case.registry.remove(NOBODY),
    ):
        with pytest.raises(NoSuchMailboxError, match="9999@default"):
            action()
    assert case.registry.locked_for(NOBODY) == 0
    case.registry.unlock(NOBODY)


def test_all_mailboxes_in_the_order_of_domain_and_number(case):
    boxes = [
        MailboxId(number, domain) for domain in ("a", "a-b", "a.b", "b") for number in ("1", "10", "1001", "2", "x+1")
    ]
    for box in reversed(boxes):
        case.registry.add(box, {})
    assert list(case.registry.boxes()) == boxes
    assert list(case.registry.boxes("a")) == boxes[:5]
    assert list(case.registry.boxes("a", after=boxes[1])) == boxes[2:5]
    assert list(case.registry.boxes(after=boxes[7])) == boxes[8:]
    assert list(case.registry.boxes("c")) == []


def test_more_mailboxes_than_are_read_at_once(real, monkeypatch):
    monkeypatch.setattr("esl_vm.store.registry.CHUNK", 3)
    boxes = [MailboxId(str(1000 + number)) for number in range(100)]
    for box in boxes:
        real.registry.add(box, {})
    assert list(real.registry.boxes()) == boxes


class TestRemoving:
    def test_everything_goes_and_its_sounds_are_named(self, case):
        case.with_mailbox(name="Alice").with_mailbox(BOB)
        case.leave("a", "b", intro_id="i")
        case.leave("t")
        case.leave("other", box=BOB)
        case.mailboxes.delete(ALICE, "t")
        case.mailboxes.set_greeting(ALICE, Greeting.NAME, StoredGreeting("g", 1))
        case.mailboxes.count_call(ALICE, 5)
        case.store.pins.change(ALICE, "4711")
        for _ in range(3):
            case.store.pins.check(ALICE, "1")
        assert case.registry.remove(ALICE) == ["a", "b", "g", "i", "t"]
        assert list(case.registry.boxes()) == [BOB]
        assert case.mailboxes.open(ALICE) is None
        assert case.mailboxes.deliver(ALICE, message("late")) is Delivery.NO_MAILBOX
        assert case.registry.locked_for(ALICE) == 0
        assert list(case.store.directory.by_keys("default", "254", by_first_name=True)) == []
        left = case.store.link.run(None, lambda c: [key.decode() for key in c.scan_iter("*1001@default*")])
        assert left == []
        assert case.lie(Folder.NEW, BOB) == ["other"]
        assert case.happened()[-1] == "box-removed"

    def test_made_anew_it_is_empty_and_its_new_sounds_are_safe(self, case):
        case.with_mailbox()
        case.leave("a")
        case.registry.remove(ALICE)
        case.with_mailbox()
        assert case.lie(Folder.NEW) == []
        case.leave("a")
        case.clock.passes(days=1)
        assert case.store.housekeeping.sounds_to_erase() == []

    def test_a_message_that_comes_in_that_moment_goes_too(self, case):
        case.with_mailbox()
        case.leave("a")
        case.meanwhile(lambda: case.leave("b"))
        assert case.registry.remove(ALICE) == ["a", "b"]
        left = case.store.link.run(None, lambda c: [key.decode() for key in c.scan_iter("*1001@default*")])
        assert left == []


class TestTheInstallation:
    def test_another_number_of_partitions_is_refused(self, real, real_redis):
        real.store.verify()
        from esl_vm.store.connect import connect

        other = Store(connect(real_redis.url), partitions=64)
        for _ in range(2):
            with pytest.raises(SettingsError, match="16 partitions, the settings say 64"):
                other.verify()
        with pytest.raises(SettingsError):
            other.mailboxes.open(ALICE)
        other.close()

    def test_a_newer_schema_is_refused(self, real, real_redis):
        real.store.link.run(None, lambda c: c.hset("vm:meta", "schema", "99"))
        with pytest.raises(SettingsError, match="schema 99"):
            Case(real_redis.url).store.verify()


def test_all_mailboxes_at_a_glance_are_as_each_is_opened(case):
    for number in ("1001", "1002", "1003"):
        case.store.registry.add(MailboxId(number), {"name": f"Box {number}"}, pin_hash=case.store.pins.hashed("4821"))
    case.store.mailboxes.deliver(MailboxId("1002"), message("m1", urgent=True))
    case.store.mailboxes.deliver(MailboxId("1002"), message("m2"))
    shown = [mailbox for mailbox, _ in case.store.registry.overview()]
    assert shown == [case.mailboxes.open(box) for box in case.store.registry.boxes()]
    assert [mailbox.counts.urgent for mailbox in shown] == [0, 1, 0]
