"""Which notices a message makes: a mailbox's rules, by time, urgency and who left it; without any it is as it always was."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from house import House
from notify_cast import ALICE, BOB, NOON
from web_peer import receiver

from esl_vm.model.conditions import no_calendar
from esl_vm.model.errors import InvalidValueError
from esl_vm.model.events import EventType
from esl_vm.model.fields import checked_field
from esl_vm.model.jobs import JobState
from esl_vm.model.notify_rules import Arrival, Notice, Way, addressed, fitting_rule, parse_notify_rules
from esl_vm.model.options import MailboxOptions
from esl_vm.model.settings import Settings, WebhookSettings
from esl_vm.notify.job_worker import JobWorker
from esl_vm.notify.plan import Wishes, jobs_of
from esl_vm.notify.rules import Notices
from esl_vm.notify.sources import Sources
from esl_vm.notify.webhook import WebhookCaller

TORONTO = ZoneInfo("America/Toronto")
FRIDAY_EVENING = datetime(2026, 11, 27, 18, 30, tzinfo=TORONTO)


def decides(rules, **message):
    rule = fitting_rule(parse_notify_rules(rules), Arrival(**{"at": FRIDAY_EVENING, **message}), no_calendar)
    return None if rule is None else str(rule)


@pytest.mark.parametrize(
    ("rules", "message", "expected"),
    [
        ("", {}, None),
        ("mail", {}, "mail"),
        ("none; mail", {}, "none"),
        ("pager urgent; mail", {"urgent": True}, "pager urgent"),
        ("pager urgent; mail", {}, "mail"),
        ("none normal; mail", {}, "none normal"),
        ("none normal", {"urgent": True}, None),
        ("none sat,sun; mail 18:00-08:00", {}, "mail 18:00-08:00"),
        ("none 09:00-17:00", {}, None),
        ("mail:bob@example.com from:514*", {"number": "5145550100"}, "mail:bob@example.com from:514*"),
        ("mail:bob@example.com from:514*", {"number": "4385550100"}, None),
        ("none from:anonymous", {"number": ""}, "none from:anonymous"),
        ("none internal", {"internal": True}, "none internal"),
        ("none internal", {}, None),
        ("none external", {}, "none external"),
        ("none calendar:ca-qc", {}, None),
    ],
)
def test_the_first_rule_that_fits_decides(rules, message, expected):
    assert decides(rules, **message) == expected


def test_a_calendar_s_days_are_asked_in_the_mailbox_s_time():
    asked = []
    [rule] = parse_notify_rules("none calendar:ca-qc")
    assert rule.fits(Arrival(FRIDAY_EVENING), lambda *what: not asked.append(what))
    assert asked == [("ca-qc", FRIDAY_EVENING)]


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("MAIL,Pager URGENT Mon-Fri 18-8", "mail,pager urgent mon-fri 18:00-08:00"),
        ("mail:Bob@Example.com,mail;none", "mail:Bob@Example.com,mail; none"),
        ("mail,mail", "mail"),
        ("webhook:crm external", "webhook:crm external"),
        ("", ""),
    ],
)
def test_rules_are_stored_as_one_writes_them(written, stored):
    assert checked_field("notify_rules", written) == stored
    assert checked_field("notify_rules", stored) == stored


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("fax", "begins with mail"),
        ("mail:nobody", "nobody"),
        ("mail:", "no such address"),
        ("webhook", "no such address"),
        ("webhook:http://x/", "no such address"),
        ("none,mail", "begins with"),
        ("mail urgent urgent", "two conditions"),
        ("mail urgent normal", "two conditions"),
        ("mail funday", "urgent, normal"),
        ("mail both", "no condition"),
        ("mail 25:00-26:00", "no condition"),
        ("mail;" * 51, "more than 50"),
    ],
)
def test_what_is_no_rule_is_refused_with_the_reason(text, said):
    with pytest.raises(InvalidValueError, match=said):
        checked_field("notify_rules", text)


def test_the_mailbox_s_own_addresses_stand_for_a_way_without_one_each_once():
    notices = parse_notify_rules("mail,mail:b@example.com,pager,webhook:crm")[0].notices
    assert addressed(notices, "a@example.com,b@example.com", "") == [
        Notice(Way.MAIL, "a@example.com"), Notice(Way.MAIL, "b@example.com"), Notice(Way.WEBHOOK, "crm"),
    ]  # fmt: skip


@pytest.fixture
def house(redis_here, tmp_path):
    house = House(redis_here.url, tmp_path)
    yield house
    house.close()


def notices_of(house, rules=""):
    events = house.store.events
    sources = Sources(
        events, events.shared("plans", "t"), events.shared("history", "t"), house.outbox, house.mailboxes,
        house.registry, house.audio, house.clock,
    )  # fmt: skip
    return Notices(sources, Settings(mailbox=replace(MailboxOptions(), notify_rules=rules)))


def planned(house, rules="", wishes=None):
    """The jobs of every message so far: form or way, and whom each names."""
    notices = notices_of(house, rules)
    for event in house.events():
        if event.what is EventType.DELIVERED:
            fields = house.registry.fields(event.box)
            for job in jobs_of(event, fields, wishes or Wishes(), NOON, notices.of(event, fields)):
                house.outbox.add(job)
    return sorted((job.body.get("form", job.kind), job.body.get("to")) for job in house.outbox.jobs(JobState.WAITING))


def test_without_rules_mail_and_pager_go_where_they_went(house):
    house.add(pager="5145550100@sms.example.com")
    house.leave()
    assert planned(house) == [("letter", None), ("page", None)]


def test_a_rule_sends_to_addresses_of_its_own(house):
    house.add(pager="p@example.com", notify_rules="mail,mail:bob@example.com,pager:q@example.com urgent")
    house.leave(urgent=True)
    assert planned(house) == [("letter", ["helene@example.com", "bob@example.com"]), ("page", ["q@example.com"])]


def test_nothing_is_sent_where_a_rule_says_so_and_the_webhook_is_told_all_the_same(house):
    house.add(webhook="http://127.0.0.1/", notify_rules="none")
    house.leave()
    assert planned(house) == [("webhook", None)]


def test_rules_of_the_service_hold_where_a_mailbox_has_none(house):
    house.add()
    house.add(BOB, notify_rules="mail")
    house.leave()
    house.leave(BOB, "m2")
    assert planned(house, "none") == [("letter", None)]


def test_hours_are_the_mailbox_s_not_the_service_s(house):
    """It is 11:06 in Toronto, 8:06 in Vancouver."""
    house.add(notify_rules="none 11:00-12:00")
    house.add(BOB, notify_rules="none 08:00-09:00", timezone="America/Vancouver")
    house.leave()
    house.leave(BOB, "m2")
    assert planned(house) == []


def test_a_colleague_is_who_has_a_mailbox_in_the_same_domain(house):
    house.add(notify_rules="none internal")
    house.add(BOB)
    house.leave(number="1002")
    assert planned(house) == []
    house.leave(message_id="m2", number="1003")
    assert planned(house) == [("letter", None)]


def test_what_an_owner_sent_comes_from_a_colleague(house):
    house.add(notify_rules="none internal")
    house.leave(number="5145550100", origin="send")
    assert planned(house) == []


def test_rules_that_nobody_can_read_silence_nobody(house):
    house.add()
    key = house.store.keys.of(ALICE).box
    house.store.link.run(None, lambda client: client.hset(key, "notify_rules", "?"))
    house.leave()
    assert planned(house) == [("letter", None)]


def test_a_webhook_of_the_settings_is_called_where_a_rule_names_it(house):
    house.add(notify_rules="webhook:crm,webhook:gone")
    house.leave()
    assert planned(house, wishes=Wishes(mail=False)) == [("webhook", "crm"), ("webhook", "gone")]
    with receiver() as peer:
        settings = WebhookSettings(addresses=(f"crm={peer.url}",), timeout_s=20)
        carry = WebhookCaller(settings, house.registry, house.clock).carry
        worker = JobWorker(next(iter(house.outbox.jobs(JobState.WAITING))).kind, house.outbox, carry, house.clock)
        while worker.step():
            pass
        [(path, _, body)] = peer.calls
    assert path == "/hook"
    told = json.loads(body)
    assert (told["event"], told["message"]["id"], "to" in told) == ("delivered", "m1", False)
    assert list(house.outbox.jobs(JobState.WAITING)) == list(house.outbox.jobs(JobState.DEAD)) == []


@pytest.mark.parametrize("rules", ["", "mail,call:15145550100"])
def test_with_notices_switched_off_nobody_is_told_but_programs(house, rules):
    house.add(notices="no", notify_rules=rules, webhook="https://crm.example.com/hook")
    house.leave()
    assert {way for way, _ in planned(house, wishes=Wishes(sms=True, calls=True, push=True))} == {"webhook"}
    house.registry.change(ALICE, {"notices": "yes"})
    house.leave(message_id="m2")
    assert {way for way, _ in planned(house)} > {"webhook"}
