"""Messages that arrive later: what becomes of them at their time, whatever happened meanwhile."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from calls import play_book
from calls.book import IN, RECORD
from support.options import options_of
from support.rig import Rig

from esl_vm.model.call import Call
from esl_vm.model.errors import InvalidValueError, StoreDownError
from esl_vm.model.mailbox import Folder, MailboxId
from esl_vm.model.message import Caller
from esl_vm.model.scheduled import checked_due, tomorrow_morning, typed_moment
from esl_vm.recordings.scheduled import deliver_due, scheduled_sounds

ALICE, BRUNO, CARLA = MailboxId("1001"), MailboxId("1002"), MailboxId("1003")
TO_BOTH = (
    IN
    + "w:vm-opts d:3 w:vm-leavemsg d:8 w:vm-extension d:1002*1003# w:vm-star-cancel d:2 "
    + RECORD
    + "d:1 w:vm-msgsaved hang"
)


@pytest.fixture
def rig(tmp_path):
    rig = Rig(tmp_path, now=play_book.NOON)
    for box in (ALICE, BRUNO, CARLA):
        rig.add_mailbox(box, "", options_of({}))
    rig.set_pin(ALICE, "4821")
    return rig


@pytest.fixture
def sent(rig):
    """By telephone, to two mailboxes, for tomorrow at eight; what waits."""
    rig.ring(Call("c1", Caller("1001", "Alice"), "*97", {"domain_name": "default"}), TO_BOTH)
    assert rig.problems == [], rig.transcript
    [waiting] = rig.real.mailboxes.scheduled(ALICE)
    assert waiting.due == datetime(2026, 11, 23, 8, tzinfo=ZoneInfo("UTC")).timestamp()
    return waiting


def at_its_time(rig, waiting, mailboxes=None):
    rig.clock.pass_time(waiting.due - rig.clock.now())
    return deliver_due(mailboxes or rig.real.mailboxes, rig.audio)


def has(rig, box):
    return rig.messages(box, Folder.NEW)


def test_it_comes_at_its_time_once_with_its_sound(rig, sent):
    assert deliver_due(rig.real.mailboxes, rig.audio) == 0
    assert at_its_time(rig, sent) == 1
    assert deliver_due(rig.real.mailboxes, rig.audio) == 0
    for box in (BRUNO, CARLA):
        [message] = has(rig, box)
        assert (message.caller.number, message.received, message.origin) == ("1001", sent.due, "send")
        assert rig.audio.playable(message.id).exists()
    assert rig.real.mailboxes.scheduled() == []


@pytest.mark.parametrize("why", ["gone", "full", "announcement only"])
def test_what_somebody_can_not_get_comes_back_to_its_sender(rig, sent, why):
    if why == "gone":
        rig.real.registry.remove(BRUNO)
    else:
        rig.real.registry.change(BRUNO, {"announce_only": "yes"} if why != "full" else {"quota_seconds": "1"})
        if why == "full":
            rig.real.mailboxes.deliver(BRUNO, message_of_seconds(rig, 5))
    rig.real.registry.change(ALICE, {"maxmsg": "0"})  # whatever the sender's own mailbox is like
    at_its_time(rig, sent)
    assert [message.origin for message in has(rig, CARLA)] == ["send"]
    [back] = has(rig, ALICE)
    assert (back.origin, back.received) == ("returned", sent.due)
    assert rig.audio.playable(back.id).exists()
    assert not rig.audio.exists(sent.message.id)  # what Bruno would have got
    assert "not-delivered" in [event.what.value for event in rig.real.events.tail(50, box=BRUNO)]
    assert rig.real.mailboxes.scheduled() == []


def message_of_seconds(rig, seconds):
    from esl_vm.model.message import Message, new_id

    return Message(new_id(rig.clock.now()), received=rig.clock.now(), duration_ms=seconds * 1000)


class Dying:
    """The store, which goes away at a step; what was done before it stands."""

    def __init__(self, mailboxes, step):
        self._mailboxes, self._left = mailboxes, step

    def __getattr__(self, name):
        real = getattr(self._mailboxes, name)

        def call(*args, **named):
            self._left -= 1
            if not self._left:
                raise StoreDownError("Redis does not answer")
            return real(*args, **named)

        return call


@pytest.mark.parametrize("step", range(1, 7))
@pytest.mark.parametrize("gone", [False, True])
def test_a_delivery_that_is_broken_off_is_finished(rig, sent, step, gone):
    if gone:
        rig.real.registry.remove(BRUNO)
    try:
        at_its_time(rig, sent, Dying(rig.real.mailboxes, step))
    except StoreDownError:
        at_its_time(rig, sent)
    assert [len(has(rig, box)) for box in (ALICE, CARLA)] == [int(gone), 1]
    for box in (ALICE, CARLA):
        assert all(rig.audio.playable(message.id).exists() for message in has(rig, box))
    assert rig.real.mailboxes.scheduled() == []


def test_one_that_can_not_be_delivered_holds_up_no_other(rig, sent, caplog):
    class Refusing:
        def __getattr__(self, name):
            return getattr(rig.real.mailboxes, name)

        def deliver(self, box, message, **more):
            if message.id.startswith(sent.message.id):
                raise ValueError("something nobody thought of")
            return rig.real.mailboxes.deliver(box, message, **more)

    rig.ring(Call("c2", Caller("1001"), "*97", {"domain_name": "default"}), TO_BOTH)
    assert at_its_time(rig, sent, Refusing()) == 1
    assert "something nobody thought of" in caplog.text
    assert [len(has(rig, box)) for box in (BRUNO, CARLA)] == [1, 1]
    assert [one.message.id for one in rig.real.mailboxes.scheduled()] == [sent.message.id]


def test_a_clock_that_is_set_back_delivers_nothing_twice_and_one_set_forward_nothing_late(rig, sent):
    at_its_time(rig, sent)
    rig.clock.pass_time(-86400)
    deliver_due(rig.real.mailboxes, rig.audio)
    rig.clock.pass_time(2 * 86400)
    deliver_due(rig.real.mailboxes, rig.audio)
    assert [len(has(rig, box)) for box in (BRUNO, CARLA)] == [1, 1]


def test_with_redis_away_it_is_in_the_spool_and_waits_for_its_time_all_the_same(rig):
    call = Call("c1", Caller("1001"), "*97", {"domain_name": "default"})
    goes = TO_BOTH.replace("w:vm-review d:1", "w:vm-review sh:away d:1")
    rig.ring(call, goes, shell=lambda _: setattr(rig.away, "down", True))
    assert rig.problems == [], rig.transcript
    rig.away.down = False
    assert rig.real.mailboxes.scheduled() == []
    rig.sweep()
    [waiting] = rig.real.mailboxes.scheduled(ALICE)
    at_its_time(rig, waiting)
    assert [len(has(rig, box)) for box in (BRUNO, CARLA)] == [1, 1]


def test_a_sound_that_waits_is_no_orphan(rig, sent):
    assert all(rig.audio.exists(sound) for sound in scheduled_sounds(sent))
    assert len(scheduled_sounds(sent)) == 2


TORONTO = ZoneInfo("America/Toronto")
SPRING, AUTUMN = datetime(2027, 3, 13, 22, 0, tzinfo=TORONTO), datetime(2027, 11, 6, 22, 0, tzinfo=TORONTO)
"""The evenings before clocks are set forward, and back."""


@pytest.mark.parametrize(
    ("typed", "now", "is_at"),
    [
        ("2230", SPRING, "2027-03-13T22:30-05:00"),
        ("2200", SPRING, "2027-03-14T22:00-04:00"),
        ("0230", SPRING, "2027-03-14T03:30-04:00"),
        ("0130", AUTUMN, "2027-11-07T01:30-04:00"),
        ("0300", AUTUMN, "2027-11-07T03:00-05:00"),
        ("12312205", SPRING, "2027-12-31T22:05-05:00"),
        ("01010800", SPRING, "2028-01-01T08:00-05:00"),
        ("03132200", SPRING, "2028-03-13T22:00-04:00"),
        ("02290800", SPRING, "2028-02-29T08:00-05:00"),
    ],
)
def test_what_is_typed_is_by_the_clock_of_the_mailboxs_zone(typed, now, is_at):
    assert typed_moment(typed, now).isoformat(timespec="minutes") == is_at


@pytest.mark.parametrize(
    "typed", ["", "8", "800", "2400", "0860", "13010800", "02300800", "0229080", "02290800", "12*1"]
)
def test_what_is_no_moment_is_refused(typed):
    with pytest.raises(InvalidValueError):
        typed_moment(typed, datetime(2028, 3, 1, tzinfo=TORONTO))


def test_tomorrow_is_the_next_day_by_that_clock_however_long_the_night_is():
    for evening, offset in ((SPRING, "-04:00"), (AUTUMN, "-05:00")):
        at = tomorrow_morning(evening)
        assert (at.hour, at.isoformat()[-6:], at.date().day) == (8, offset, evening.day + 1)


@pytest.mark.parametrize("due", [100.0, 99.0, 100.0 + 367 * 86400])
def test_a_time_that_is_over_or_too_far_away_is_refused(due):
    with pytest.raises(InvalidValueError, match="within a year"):
        checked_due(due, 100.0)
