"""What fills up, what is thrown away in time, and what comes back: quotas, trash, retention, dates of a greeting."""

from datetime import UTC, datetime, timedelta

import pytest
from support.clocks import Clock

from esl_vm.model.mailbox import Greeting, MailboxId
from esl_vm.store.connect import connect
from esl_vm.store.store import Store

ALICE = MailboxId("1001")


@pytest.fixture
def alice(vm):
    assert vm("mailbox", "add", "1001", "name=Alice Martin", "timezone=America/Toronto", "--no-pin").code == 0


@pytest.fixture
def purge_in(redis_url, node):
    """Housekeeping as it is so many days from now."""

    def purge(days):
        store = Store(connect(redis_url), clock=Clock(node.clock.now() + days * 86400), defaults=node.settings.mailbox)
        try:
            list(store.housekeeping.purge())
            store.housekeeping.erase_sounds(node.audio.delete)
        finally:
            store.close()

    return purge


def folders(vm):
    return {name: count for name, count in vm("mailbox", "show", "1001", "--json").json["folders"].items() if count}


def test_a_deleted_message_comes_back_within_its_days_and_not_after(vm, alice, leave, node, purge_in):
    vm("mailbox", "set", "1001", "trash_days=7")
    kept, gone = leave(), leave()
    vm("message", "delete", "1001", kept, gone)
    purge_in(6.9)
    assert vm("message", "restore", "1001", kept).code == 0
    purge_in(7.1)
    assert folders(vm) == {"new": 1}
    late = vm("message", "restore", "1001", gone)
    assert late.code == 1
    assert "not in the trash" in late.err
    assert node.audio.exists(kept)
    assert not node.audio.exists(gone)


def test_messages_past_their_retention_go_to_the_trash_wherever_they_lie(vm, alice, leave, node, purge_in):
    vm("mailbox", "set", "1001", "retention_days=30")
    old, saved, fresh = (
        leave(received=node.clock.now() - 29 * 86400),
        leave(received=node.clock.now() - 29 * 86400),
        leave(),
    )
    vm("message", "move", "1001", saved, "work")
    purge_in(0)
    assert folders(vm) == {"new": 2, "work": 1}
    purge_in(2)
    assert folders(vm) == {"new": 1, "trash": 2}
    assert vm("message", "list", "1001", "--json").json[0]["id"] == fresh
    assert vm("message", "restore", "1001", old).code == 0


def test_each_folder_has_its_own_days_and_what_is_due_is_told_beforehand(vm, alice, leave, node, purge_in):
    assert vm("mailbox", "set", "1001", "retention_days=30", "retention_folders=work=0; new = 7").code == 0
    ids = [leave(received=node.clock.now() - 10 * 86400) for _ in range(4)]
    for message_id, folder in zip(ids[1:], ("old", "work", "family"), strict=True):
        vm("message", "move", "1001", message_id, folder)
    assert vm("privacy", "retention", "--json").json == [
        {"mailbox": "1001@default", "folder": "new", "days": 7, "messages": 1}
    ]
    in_three_weeks = vm("privacy", "retention", "--in", "21", "--json").json
    assert [(one["folder"], one["days"]) for one in in_three_weeks] == [("new", 7), ("old", 30), ("family", 30)]
    assert folders(vm) == {"new": 1, "old": 1, "work": 1, "family": 1}
    purge_in(0)
    assert folders(vm) == {"old": 1, "work": 1, "family": 1, "trash": 1}
    assert "to the trash" not in vm("privacy", "retention").out
    purge_in(21)
    assert folders(vm) == {"work": 1, "trash": 2}
    shown = vm("mailbox", "show", "1001", "--json").json["options"]
    assert shown["retention_folders"] == "new=7; work=0"


@pytest.mark.parametrize("wrong", ["trash=3", "new=x", "inbox=3", "new=1; new=2", "new=99999", "new"])
def test_days_that_make_no_sense_are_refused(vm, alice, wrong):
    assert vm("mailbox", "set", "1001", f"retention_folders={wrong}").code == 2


def test_a_mailbox_without_retention_keeps_everything(vm, alice, leave, node, purge_in):
    leave(received=node.clock.now() - 900 * 86400)
    purge_in(900)
    assert folders(vm) == {"new": 1}


def deliver(node, seconds, tone):
    from esl_vm.model.message import Message, new_id

    message = Message(new_id(node.clock.now()), received=node.clock.now(), duration_ms=int(seconds * 1000))
    node.audio.put(message.id, tone(1.0))
    return node.mailboxes.deliver(ALICE, message).value


def warnings(node):
    events = node.store.events.tail(100, box=ALICE)
    return [event.details | {"message": event.message_id} for event in events if event.what.value == "nearly-full"]


def test_at_four_fifths_of_its_messages_it_is_told_once(vm, alice, node, tone):
    vm("mailbox", "set", "1001", "maxmsg=5")
    for _ in range(3):
        deliver(node, 1, tone)
    assert warnings(node) == []
    assert "nearly full" not in vm("mailbox", "show", "1001").out
    for _ in range(2):
        assert deliver(node, 1, tone) == "done"
    (told,) = warnings(node)
    assert (told["of"], told["held"], told["most"], told["folder"]) == ("messages", "4", "5", "new")
    assert deliver(node, 1, tone) == "full"
    assert "5 of 5 new messages; FULL" in vm("mailbox", "show", "1001").out
    assert "100%!" in vm("mailbox", "list").out


def test_at_four_fifths_of_its_seconds_it_is_told_and_again_after_room_was_made(vm, alice, node, tone):
    vm("mailbox", "set", "1001", "quota_seconds=100")
    deliver(node, 70, tone)
    assert "1:10 of 1:40" in vm("mailbox", "show", "1001").out
    deliver(node, 15, tone)
    assert [(told["of"], told["held"], told["most"]) for told in warnings(node)] == [("seconds", "85", "100")]
    assert "1:25 of 1:40; nearly full" in vm("mailbox", "show", "1001").out
    assert "85%!" in vm("mailbox", "list").out
    for message in vm("message", "list", "1001", "--json").json[1:]:
        vm("message", "delete", "1001", message["id"])
    deliver(node, 20, tone)
    assert [told["held"] for told in warnings(node)] == ["85", "90"]
    assert deliver(node, 20, tone) == "done"
    assert deliver(node, 20, tone) == "full"


def test_what_is_imported_or_settled_late_warns_of_nothing(vm, alice, node, leave):
    vm("mailbox", "set", "1001", "maxmsg=1")
    leave()
    leave()
    assert warnings(node) == []


def test_the_warning_is_among_the_events_shown(vm, alice, node, tone):
    vm("mailbox", "set", "1001", "maxmsg=1")
    deliver(node, 1, tone)
    assert "nearly-full" in vm("events", "--box", "1001").out


@pytest.fixture
def away(vm, alice, tone):
    assert vm("greeting", "import", "1001", "temporary", tone(2.0)).code == 0


def test_a_temporary_greeting_gets_dates_in_the_mailboxes_own_time(vm, away, node):
    ran = vm("greeting", "set-dates", "1001", "--from", "2090-12-24T17:00", "--until", "2091-01-04")
    assert (
        ran.out
        == "1001@default: temporary greeting is active from 2090-12-24 17:00-05:00, until 2091-01-04 00:00-05:00\n"
    )
    (shown,) = vm("greeting", "list", "1001", "--json").json
    assert (shown["in_force"], shown["from"], shown["until"]) == (
        False, "2090-12-24T17:00:00-05:00", "2091-01-04T00:00:00-05:00",
    )  # fmt: skip
    stored = node.mailboxes.open(ALICE).greetings[Greeting.TEMPORARY]
    assert stored.duration_ms == 2000
    assert not stored.is_active(datetime(2090, 12, 24, 21, 59, tzinfo=UTC).timestamp())
    assert stored.is_active(datetime(2090, 12, 24, 22, 0, tzinfo=UTC).timestamp())
    assert not stored.is_active(datetime(2091, 1, 4, 5, 0, tzinfo=UTC).timestamp())
    assert node.audio.exists(stored.audio_id)


def test_without_dates_it_is_in_force_again(vm, away):
    vm("greeting", "set-dates", "1001", "--from", "2090-12-24")
    assert (
        vm("greeting", "set-dates", "1001").out == "1001@default: temporary greeting is active at once, with no end\n"
    )
    (shown,) = vm("greeting", "list", "1001", "--json").json
    assert (shown["in_force"], shown["from"], shown["until"]) == (True, None, None)


def test_dates_that_make_no_sense_are_refused(vm, away):
    yesterday = (datetime.now(UTC) - timedelta(days=2)).date().isoformat()
    for words in (("--from", "next week"), ("--until", yesterday), ("--from", "2090-02-02", "--until", "2090-02-01")):
        assert vm("greeting", "set-dates", "1001", *words).code == 2
    assert vm("greeting", "list", "1001", "--json").json[0]["until"] is None


def test_without_a_temporary_greeting_there_are_no_dates_to_set(vm, alice):
    ran = vm("greeting", "set-dates", "1001", "--until", "2090-01-01")
    assert ran.code == 1
    assert "1001@default has no temporary greeting" in ran.err
