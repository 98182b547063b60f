"""What happened is told: who changed what, from what to what, and never a secret."""

import json
from dataclasses import replace

import pytest
from store_case import ALICE

from esl_vm.model.actor import acting
from esl_vm.model.events import EventType
from esl_vm.model.mailbox import MailboxId

LIST = MailboxId("900")


def last(case, what, box=ALICE):
    return next(event for event in reversed(case.store.events.tail(99, box=box)) if event.what.value == what)


def changes(case, what="box-changed"):
    return json.loads(last(case, what).details["changes"])


def test_each_field_of_a_change_is_told_with_what_it_was(case):
    case.with_mailbox(name="Alice", maxmsg="50")
    assert changes(case, "box-added") == [["maxmsg", "", "50"], ["name", "", "Alice"]]
    with acting("command eve@host"):
        case.registry.change(ALICE, {"callback": "yes", "call_patterns": "011.", "maxmsg": "50"}, ["name"])
    assert changes(case) == [["call_patterns", "", "011."], ["callback", "", "yes"], ["name", "Alice", ""]]
    assert last(case, "box-changed").details["by"] == "command eve@host"


def test_a_change_that_changes_nothing_says_so(case):
    case.with_mailbox(maxmsg="50")
    case.registry.change(ALICE, {"maxmsg": "50"})
    assert "changes" not in last(case, "box-changed").details


def test_secrets_are_told_as_changed(case):
    case.with_mailbox(webhook="https://example.com/hook/s3cret")
    case.registry.change(ALICE, {"webhook": "https://example.com/hook/0ther"})
    assert changes(case) == [["webhook", "set", "changed"]]
    case.store.pins.change(ALICE, "4711", initial=True)
    assert last(case, "pin-changed").details["pin"] == "set"
    case.store.pins.change(ALICE, "0815")
    assert last(case, "pin-changed").details["pin"] == "changed"
    case.store.pins.change(ALICE, "")
    assert last(case, "pin-changed").details["pin"] == "removed"
    told = str([replace(event, id="") for event in case.store.events.tail(99)])  # an id may hold any digits
    assert not any(word in told for word in ("s3cret", "0ther", "4711", "0815"))


@pytest.mark.parametrize("trash_days", ["0", "14"])
def test_a_message_that_is_erased_for_good_is_told(case, trash_days):
    case.with_mailbox(trash_days=trash_days)
    case.leave("m1")
    case.mailboxes.delete(ALICE, "m1")
    case.clock.passes(days=15)
    with acting("housekeeping node-1"):
        list(case.store.housekeeping.purge())
    if trash_days == "0":
        assert last(case, "deleted").details["erased"] == "yes"
        return
    erased = last(case, "erased")
    assert (erased.message_id, erased.details["by"]) == ("m1", "housekeeping node-1")
    assert "erased" not in last(case, "deleted").details


def test_what_is_done_without_a_change_can_be_told(case):
    case.with_mailbox()
    case.mailboxes.log_event(ALICE, EventType.EXPORTED, "m1", part="introduction")
    assert (last(case, "exported").message_id, last(case, "exported").details["part"]) == ("m1", "introduction")


def test_changes_of_lists(case):
    case.with_mailbox()
    case.store.lists.add(LIST, [ALICE, MailboxId("1002")], "Sales")
    told = last(case, "list-changed", LIST).details
    assert (told["add"], told["name"]) == ("1001@default 1002@default", "Sales")
    case.store.lists.take_off(LIST, [ALICE])
    assert last(case, "list-changed", LIST).details["remove"] == "1001@default"
    case.store.lists.remove(LIST)
    assert last(case, "list-removed", LIST).box == LIST
