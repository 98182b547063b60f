"""Notices in browsers: a push service over HTTP is asked, what it is given only the browser can read; what its answers do."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from house import House
from notify_cast import ALICE, NOON
from support.hostile_names import some_hostile_callers
from support.ports import free_port
from support.waiting import PATIENCE_S
from web_peer import receiver

pytest.importorskip("cryptography", reason="cryptography is not installed")

from support.push_browser import PushedBrowser

from esl_vm.model.events import EventType
from esl_vm.model.jobs import Job, JobKind, JobState
from esl_vm.model.message import Message
from esl_vm.model.notify_rules import parse_notify_rules
from esl_vm.model.push import TEST, decoded, subscription
from esl_vm.model.sealing import MAGIC
from esl_vm.model.settings import PushSettings
from esl_vm.model.transcript import Segment, Transcript
from esl_vm.notify.job_worker import JobWorker
from esl_vm.notify.plan import Wishes, jobs_of
from esl_vm.notify.push import PushSender
from esl_vm.sealing.keys import KeyRing
from esl_vm.sealing.web_push import new_key, public_key
from esl_vm.store.keys import PUSH_KEY
from esl_vm.store.push import MOST
from esl_vm.store.store import Store

SETTINGS = PushSettings("mailto:admin@example.com", private=True, timeout_s=PATIENCE_S)


@pytest.fixture
def house(redis_here, tmp_path):
    house = House(redis_here.url, tmp_path)
    house.add()
    yield house
    house.close()


@pytest.fixture
def service():
    with receiver() as peer:
        peer.status = 201
        yield peer


def worker(house, settings=SETTINGS):
    sender = PushSender(settings, house.store.push, house.mailboxes, house.clock)
    return JobWorker(JobKind.PUSH, house.outbox, sender.carry, house.clock, patience_s=4 * 3600, at_once=0)


def signs_up(house, url, name="one", *, words=False):
    browser = PushedBrowser(f"{url}/{name}")
    one = subscription(**browser.keys, name=name, words=words, plain=True)
    mailbox = house.mailboxes.open(ALICE)
    house.store.push.add(mailbox, replace(one, since=house.clock.now(), pin_mark=mailbox.pin_mark))
    return browser


def plan(house, rule="push"):
    [found] = parse_notify_rules(rule)
    for event in house.events():
        if event.what is EventType.DELIVERED:
            fields = house.registry.fields(event.box)
            for job in jobs_of(event, fields, Wishes(mail=False, push=True), NOON, found.notices):
                house.outbox.add(job)


def work(worker):
    while worker.step():
        pass


def names(house):
    return [one.name for one in house.store.push.all(house.mailboxes.open(ALICE))]


def left(house, state=JobState.WAITING):
    return [job.error for job in house.outbox.jobs(state)]


def test_each_browser_is_told_who_and_how_long_and_nobody_else_can_read_it(house, service):
    first, second = (signs_up(house, service.url, name) for name in ("one", "two"))
    house.leave(urgent=True)
    plan(house)
    work(worker(house))
    assert sorted(path for path, _, _ in service.calls) == ["/hook/one", "/hook/two"]
    for browser, (_, headers, body) in zip(
        (first, second), sorted(service.calls, key=lambda call: call[0]), strict=True
    ):
        assert browser.read(body) == {
            "title": "Message vocal urgent", "body": "Zoé Bélanger (5145551234), 2 secondes", "tag": "m1",
            "mailbox": "1001@default", "message": "m1",
        }  # fmt: skip
        assert (headers["Content-Encoding"], headers["TTL"], headers["Urgency"]) == ("aes128gcm", "14400", "high")
        token, key = headers["Authorization"].removeprefix("vapid t=").split(", k=")
        assert key == public_key(house.store.push.key(new_key))
        claims = json.loads(decoded(token.split(".")[1]))
        assert claims == {"aud": service.url.removesuffix("/hook"), "exp": int(NOON) + 43200, "sub": SETTINGS.contact}
    assert left(house) == left(house, JobState.DEAD) == []


@pytest.mark.parametrize("words", [True, False])
def test_what_is_said_is_told_only_where_the_owner_chose_so(house, service, words):
    browser = signs_up(house, service.url, words=words)
    house.leave()
    said = Transcript(segments=(Segment(0, 1000, "Rappelez-moi demain."),))
    house.mailboxes.transcribed(ALICE, "m1", said)
    plan(house)
    work(worker(house))
    [(_, _, body)] = service.calls
    assert browser.read(body)["body"].endswith("\nRappelez-moi demain.") is words


def test_a_notice_to_try_tells_of_no_message(house, service):
    browser = signs_up(house, service.url)
    house.outbox.add(Job("push:try", JobKind.PUSH, ALICE, {TEST: True}, NOON, NOON))
    work(worker(house))
    [(_, _, body)] = service.calls
    assert (browser.read(body)["title"], browser.read(body)["message"]) == ("Les avis arrivent ici", "")


@pytest.mark.parametrize("status", [404, 410])
def test_a_browser_that_is_gone_is_told_nothing_any_more(house, service, status):
    signs_up(house, service.url)
    service.status = status
    house.leave()
    plan(house)
    work(worker(house))
    assert (names(house), left(house), left(house, JobState.DEAD)) == ([], [], [])


@pytest.mark.parametrize("status", [301, 400, 401, 403, 413])
def test_what_is_refused_for_good_is_among_the_dead(house, service, status):
    signs_up(house, service.url)
    service.status = status
    house.leave()
    plan(house)
    work(worker(house))
    assert names(house) == ["one"]
    assert left(house, JobState.DEAD) == [f"{service.url.removesuffix('/hook')}: {status}"]


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_what_is_put_off_is_tried_again_for_those_who_were_not_told_and_given_up_in_time(house, service, status):
    signs_up(house, service.url, "one")
    with receiver() as other:
        other.status = 201
        signs_up(house, other.url, "two")
        service.status = status
        house.leave()
        plan(house)
        carrier = worker(house)
        for _ in range(12):
            work(carrier)
            house.clock.later(3601)
        assert len(other.calls) == 1
    assert len(service.calls) >= 3
    assert len(left(house, JobState.DEAD)) == 1


def test_a_push_service_that_is_away_is_asked_again(house, service):
    url = f"http://127.0.0.1:{free_port()}"
    signs_up(house, url)
    house.leave()
    plan(house)
    work(worker(house))
    [why] = left(house)
    assert "refused" in why.lower()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "10.0.0.1", "169.254.169.254"])
def test_no_address_that_is_not_of_the_open_internet_is_asked(house, service, host):
    signs_up(house, f"http://{host}:9/x")
    house.leave()
    plan(house)
    work(worker(house, replace(SETTINGS, private=False)))
    assert service.calls == []
    [why] = left(house, JobState.DEAD)
    assert "push.private" in why or "Name or service" in why


def test_a_message_that_was_heard_or_deleted_and_a_mailbox_without_browsers_make_none(house, service):
    signs_up(house, service.url)
    for message_id, gone in (("m1", house.mailboxes.heard), ("m2", house.mailboxes.delete)):
        house.leave(message_id=message_id)
        plan(house)
        gone(ALICE, message_id)
    house.leave(message_id="m3")
    plan(house)
    house.store.push.remove(ALICE, house.store.push.all(house.mailboxes.open(ALICE))[0].id)
    work(worker(house))
    assert (service.calls, left(house), left(house, JobState.DEAD)) == ([], [], [])


def test_another_pin_ends_all_subscriptions(house, service):
    house.store.pins.change(ALICE, "4821")
    signs_up(house, service.url)
    assert names(house) == ["one"]
    house.store.pins.change(ALICE, "7319")
    assert names(house) == []
    signs_up(house, service.url, "two")
    assert len(house.link.run(None, lambda client: client.hgetall(house.store.keys.of(ALICE).push))) == 1


def test_a_mailbox_that_is_removed_takes_its_subscriptions_along(house, service):
    signs_up(house, service.url)
    kept = house.store.keys.of(ALICE).push
    assert house.link.run(None, lambda client: client.exists(kept))
    house.registry.remove(ALICE)
    assert not house.link.run(None, lambda client: client.exists(kept))


def test_a_browser_is_one_entry_and_the_oldest_of_too_many_goes(house, service):
    for number in range(MOST + 2):
        signs_up(house, service.url, f"n{number}")
        house.clock.later(1)
    assert names(house) == [f"n{number}" for number in range(2, MOST + 2)]
    [one, *_] = house.store.push.all(house.mailboxes.open(ALICE))
    house.store.push.add(house.mailboxes.open(ALICE), replace(one, words=True))
    assert len(names(house)) == MOST


def test_key_and_subscriptions_lie_sealed_where_there_is_a_key_for_that(house, service):
    plain = house.store.push.key(new_key)
    assert house.store.push.key(new_key) == plain  # made once
    old, new = bytes(32), bytes([1]) * 32
    sealed = Store(house.link, house.store.keys.partitions, clock=house.clock, seal=KeyRing([old])).push

    def stored():
        return house.link.run(PUSH_KEY, lambda client: client.get(PUSH_KEY))

    assert sealed.key(new_key) == plain
    assert stored().startswith(MAGIC)
    assert plain not in stored()
    rotated = Store(house.link, house.store.keys.partitions, clock=house.clock, seal=KeyRing([new, old])).push
    assert rotated.key(new_key) == plain
    assert (
        Store(house.link, house.store.keys.partitions, clock=house.clock, seal=KeyRing([new])).push.key(new_key)
        == plain
    )
    one = subscription(**PushedBrowser("https://push.example.net/x").keys, name="x", words=False, plain=False)
    mailbox = house.mailboxes.open(ALICE)
    one = replace(one, pin_mark=mailbox.pin_mark)
    rotated.add(mailbox, one)
    [value] = house.link.run(None, lambda client: client.hvals(house.store.keys.of(ALICE).push))
    assert value.startswith(MAGIC)
    assert rotated.all(mailbox) == [one]
    assert sealed.all(mailbox) == []  # without that key it is as if there were none


def test_each_hostile_caller_is_text_of_one_field(house, service):
    browser = signs_up(house, service.url)
    sender = PushSender(SETTINGS, house.store.push, house.mailboxes, house.clock)
    callers = [one for one in some_hostile_callers() if not re.search("[\ud800-\udfff]", one.name + one.number)]
    for number, caller in enumerate(callers):
        message = Message(f"h{number}", caller, NOON, duration_ms=1000)
        house.mailboxes.deliver(ALICE, message, even_if_full=True)
        sender.carry(Job(f"push:{number}", JobKind.PUSH, ALICE, {"message": {"id": message.id}}))
        told = browser.read(service.calls[-1][2])
        assert set(told) == {"title", "body", "tag", "mailbox", "message"}
        assert (told["title"], told["message"]) == ("Nouveau message vocal", message.id)
        assert told["body"].isprintable()
