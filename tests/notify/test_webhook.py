"""A web address told of what happens: signed, repeated until it answers, and harmless whatever it answers."""

from __future__ import annotations

import hashlib
import hmac
import json

import pytest
from house import House, notifier_of
from notify_cast import ALICE, BOB, NOON
from support.clocks import WallClock
from support.neighbour import Manner
from support.ports import free_port
from support.strikes import Strikes
from support.waiting import PATIENCE_S, wait_until
from support.web_neighbour import WebNeighbour
from web_peer import receiver

from esl_vm.model.actor import acting
from esl_vm.model.errors import InvalidValueError
from esl_vm.model.jobs import JobKind, JobState
from esl_vm.model.mailbox import MailboxId
from esl_vm.model.message import CallDetails
from esl_vm.model.settings import WebhookSettings
from esl_vm.model.transcript import Segment, Transcript
from esl_vm.notify import webhook
from esl_vm.notify.job_worker import JobWorker
from esl_vm.notify.plan import Wishes
from esl_vm.notify.webhook import WebhookCaller, checked_url, signature, webhook_of

SECRET = "a secret of both"


@pytest.fixture
def house(redis_here, tmp_path):
    house = House(redis_here.url, tmp_path)
    house.url = redis_here.url
    yield house
    house.close()


@pytest.fixture
def peer():
    with receiver() as peer:
        yield peer


def caller(house, url="", tls=None, **settings):
    settings = WebhookSettings(url=url, secret=SECRET, **{"timeout_s": PATIENCE_S, **settings})
    webhook = WebhookCaller(settings, house.registry, house.clock, tls)
    return JobWorker(JobKind.WEBHOOK, house.outbox, webhook.carry, house.clock, at_once=0)


def plan(house, url=""):
    house.plan(Wishes(mail=False, webhook=url))


def work(worker):
    while worker.step():
        pass


def waiting(house):
    return list(house.outbox.jobs(JobState.WAITING))


def verified(headers, body, secret=SECRET, now=NOON):
    """What a receiver does with what it got, by the documentation."""
    parts = dict(part.split("=", 1) for part in headers["X-Voicemail-Signature"].split(","))
    expected = hmac.new(secret.encode(), parts["t"].encode() + b"." + body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected, parts["v1"]) and abs(now - int(parts["t"])) < 300


def test_the_receiver_is_told_and_can_verify_it(house, peer):
    house.add()
    house.leave(urgent=True, call=CallDetails("5360@x", "1017-a3", "15145550123", label="Ventes"))
    plan(house, peer.url)
    work(caller(house, peer.url))
    (_, _, _), (path, headers, body) = peer.calls
    assert path == "/hook"
    assert verified(headers, body)
    assert not verified(headers, body.replace(b"5145551234", b"5145550000"))
    assert not verified(headers, body, now=NOON + 301)
    assert not verified(headers, body, secret="another")
    told = json.loads(body)
    assert headers["Idempotency-Key"] == told["id"]
    assert headers["X-Voicemail-Event"] == "delivered"
    assert told == {
        "id": told["id"],
        "event": "delivered",
        "mailbox": "1001@default",
        "at": "2026-11-18T16:06:40.000+00:00",
        "counts": {"new": 1, "old": 0, "urgent_new": 1, "urgent_old": 0},
        "message": {
            "id": "m1",
            "caller_number": "5145551234",
            "caller_name": "Zoé Bélanger",
            "received": "2026-11-18T16:06:40.000+00:00",
            "duration_ms": 1500,
            "urgent": True,
            "cut": False,
            "folder": "new",
            "origin": "call",
            "forwarded_by": "",
            "text_length": 0,
            "call_id": "5360@x",
            "call_uuid": "1017-a3",
            "dialled": "15145550123",
            "diverted_from": "",
            "label": "Ventes",
        },
        "details": {},
    }


def test_what_happens_later_is_told_too_and_never_a_pin(house, peer):
    house.add()
    house.leave()
    house.mailboxes.heard(ALICE, "m1")
    with acting("command root@node-1"):  # for the audit trail, not for the receiver
        house.mailboxes.delete(ALICE, "m1")
    house.store.pins.change(ALICE, "482173")
    house.store.pins.check(ALICE, "482173")
    plan(house, peer.url)
    work(caller(house, peer.url))
    told = {call["event"]: call for call in peer.told()}
    assert list(told) == ["box-added", "delivered", "heard", "deleted", "pin-changed", "login"]
    assert told["deleted"]["message"] == {"id": "m1"}
    assert told["deleted"]["details"] == {"from": "new"}
    assert told["deleted"]["counts"]["new"] == 0
    assert "482173" not in str(peer.calls)
    assert "scrypt" not in str(peer.calls)


def test_a_mailbox_s_own_address_comes_before_the_service_s_and_a_dash_is_nobody(house, peer):
    with receiver() as own:
        house.add(ALICE, webhook=own.url)
        house.add(BOB, webhook="-")
        house.add(MailboxId("1003"))
        for number, box in enumerate((ALICE, BOB, MailboxId("1003"))):
            house.leave(box, f"m{number}")
        plan(house, peer.url)
        work(caller(house, peer.url))
        assert {call["mailbox"] for call in own.told()} == {"1001@default"}
        assert {call["mailbox"] for call in peer.told()} == {"1003@default"}
    assert waiting(house) == []


def test_a_tenant_s_secret_signs_its_calls_only(house, peer):
    house.add(MailboxId("1001", "acme.example.com"))
    plan(house, peer.url)
    work(caller(house, peer.url, secrets=("acme.example.com=acme's own",)))
    [(_, headers, body)] = peer.calls
    assert verified(headers, body, "acme's own")
    assert not verified(headers, body)


def test_without_a_secret_it_is_unsigned(house, peer):
    house.add()
    plan(house, peer.url)
    webhook = WebhookCaller(WebhookSettings(url=peer.url), house.registry, house.clock)
    work(JobWorker(JobKind.WEBHOOK, house.outbox, webhook.carry, house.clock, at_once=0))
    assert "X-Voicemail-Signature" not in peer.calls[0][1]


def test_a_failing_receiver_is_told_again_with_the_same_key_and_a_fresh_signature(house, peer):
    house.add()
    plan(house, peer.url)
    peer.status = 500
    worker = caller(house, peer.url)
    work(worker)
    house.clock.later(400)
    peer.status = 204
    work(worker)
    first, second = peer.calls
    assert first[1]["Idempotency-Key"] == second[1]["Idempotency-Key"]
    assert first[2] == second[2]
    assert verified(second[1], second[2], now=NOON + 400)
    assert waiting(house) == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(house, peer, status):
    with receiver() as elsewhere:
        peer.status, peer.headers = status, {"Location": elsewhere.url}
        house.add()
        plan(house, peer.url)
        work(caller(house, peer.url))
        assert elsewhere.calls == []
    [job] = waiting(house)
    assert "redirects are not followed" in job.error


def test_a_receiver_that_hangs_is_left_after_its_time_and_let_alone_for_a_minute(house, monkeypatch):
    strikes = Strikes(monkeypatch, webhook)
    house.add()
    for number in range(5):
        house.leave(message_id=f"m{number}", seconds=0.1)
    with WebNeighbour({"answer": strikes.then(Manner.HANG)}) as peer:
        plan(house, peer.url)
        worker = caller(house, peer.url)
        for _ in range(6):
            worker.step()
        assert len(peer.heads) == 1
        assert len(waiting(house)) == 6
        peer.manners.clear()
        for _ in range(10):
            house.clock.later(60)
            work(worker)
        assert waiting(house) == []
        assert len({json.loads(body)["id"] for body in peer.told}) == 6


def test_a_receiver_that_drips_for_ever_is_left_after_its_time(house, peer):
    peer.drip = True
    house.add()
    plan(house, peer.url)
    caller(house, peer.url, timeout_s=0.5).step()
    assert len(waiting(house)) == 1


def test_a_hanging_receiver_of_one_mailbox_does_not_hold_up_another_s(house, peer, monkeypatch):
    strikes = Strikes(monkeypatch, webhook)
    with WebNeighbour({"answer": strikes.then(Manner.HANG)}) as hung:
        house.add(ALICE, webhook=hung.url)
        house.add(BOB, webhook=peer.url)
        plan(house)
        worker = caller(house)
        for _ in range(2):
            worker.step()
        assert [call["mailbox"] for call in peer.told()] == ["1002@default"]


def test_a_receiver_that_wants_no_more_calls_gets_none(house, peer):
    peer.status = 410
    house.add()
    plan(house, peer.url)
    work(caller(house, peer.url))
    assert waiting(house) == []
    [dead] = house.outbox.jobs(JobState.DEAD)
    assert "410" in dead.error


def test_a_receiver_that_asks_for_time_gets_it(house, peer):
    peer.status, peer.headers = 429, {"Retry-After": "1200"}
    house.add()
    plan(house, peer.url)
    worker = caller(house, peer.url)
    work(worker)
    house.clock.later(1190)
    work(worker)
    assert len(peer.calls) == 1
    house.clock.later(20)
    work(worker)
    assert len(peer.calls) == 2


def test_nobody_there(house):
    house.add()
    url = f"http://127.0.0.1:{free_port()}/"
    plan(house, url)
    work(caller(house, url))
    [job] = waiting(house)
    assert "ConnectionRefusedError" in job.error


def test_an_answer_that_is_no_http(house):
    from smtp_peer import mute_server

    with mute_server(b"220 mail.example.com ESMTP\r\n\r\n") as port:
        house.add()
        url = f"http://127.0.0.1:{port}/"
        plan(house, url)
        work(caller(house, url))
    [job] = waiting(house)
    assert "BadStatusLine" in job.error


@pytest.mark.parametrize(
    "url",
    [
        *("ftp://x/", "file:///etc/passwd", "http://", "x", "http://a b/", "http://a/\r\nHost: b"),
        *("http://user:pw@host/", "http://h:99999/", "http://[::1/", "http://é/"),
    ],
)
def test_addresses_that_can_t_be_called(house, url):
    with pytest.raises(InvalidValueError):
        checked_url(url)
    house.add()
    plan(house, url)
    work(caller(house, url))
    assert waiting(house) == []
    assert len(list(house.outbox.jobs(JobState.DEAD))) == 1


@pytest.mark.parametrize("url", ["ftp://x/", "javascript:alert(1)", "http://", "-x"])
def test_a_mailbox_can_t_be_given_such_an_address(house, url):
    house.add()
    with pytest.raises(InvalidValueError):
        house.registry.change(ALICE, {"webhook": url})


def test_https_with_a_certificate_that_is_trusted_or_not(house, tmp_path):
    pytest.importorskip("cryptography")
    from smtp_certificate import make_certificate

    server, client = make_certificate(tmp_path)
    with receiver() as peer:
        peer.server.socket = server.wrap_socket(peer.server.socket, server_side=True)
        url = peer.url.replace("http:", "https:")
        house.add()
        plan(house, url)
        work(caller(house, url))
        assert peer.calls == []
        [job] = waiting(house)
        assert "CERTIFICATE_VERIFY_FAILED" in job.error
        house.clock.later(120)
        work(caller(house, url, tls=client))
        assert len(peer.calls) == 1


def test_the_signature_is_the_documented_one():
    assert signature("key", 1, b"{}") == ("t=1,v1=" + hmac.new(b"key", b"1.{}", hashlib.sha256).hexdigest())


def test_which_address_is_told():
    assert webhook_of({}, "") == ""
    assert webhook_of({}, "http://a/") == "http://a/"
    assert webhook_of({"webhook": " http://b/ "}, "http://a/") == "http://b/"
    assert webhook_of({"webhook": "-"}, "http://a/") == ""


def test_settings_show_no_secret():
    assert SECRET not in repr(WebhookSettings(secret=SECRET, secrets=(f"a={SECRET}",)))


def test_a_whole_notifier_tells_each_event_once_with_several_couriers_and_two_nodes(house, peer):
    house.clock = WallClock()
    settings = WebhookSettings(url=peer.url, secret=SECRET)
    services = [notifier_of(house.url, 0, house.folder, house.clock, name, webhook=settings) for name in "ab"]
    try:
        for service in services:
            service.start()
        house.add()
        for number in range(20):
            house.leave(message_id=f"m{number}", seconds=0.1)
        wait_until(lambda: len(peer.calls) >= 21)
        wait_until(lambda: not waiting(house))
    finally:
        for service in services:
            service.stop()
    ids = [call["id"] for call in peer.told()]
    assert len(ids) == len(set(ids)) == 21


@pytest.mark.parametrize("told", [True, False])
def test_what_is_said_is_told_where_the_settings_say_so_and_lies_in_no_job(house, peer, told):
    house.add()
    house.leave()
    house.mailboxes.transcribed(ALICE, "m1", Transcript(segments=(Segment(0, 900, "Rappelez-moi."),)))
    plan(house, peer.url)
    assert not any("Rappelez" in repr(job) for job in house.outbox.jobs(JobState.WAITING))
    webhook = WebhookCaller(
        WebhookSettings(url=peer.url), house.registry, house.clock, mailboxes=house.mailboxes if told else None
    )
    work(JobWorker(JobKind.WEBHOOK, house.outbox, webhook.carry, house.clock, at_once=0))
    bodies = {body["event"]: body for body in peer.told()}
    assert bodies["transcribed"]["details"]["text_length"] == str(len("Rappelez-moi."))
    assert bodies["transcribed"]["message"].get("transcript") == ("Rappelez-moi." if told else None)
    assert ("Rappelez" in json.dumps(bodies)) is told
