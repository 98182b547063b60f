"""Text messages through a gateway over HTTP: what it is asked, whom it is asked for, and what its answers do."""

from __future__ import annotations

import base64
import json
import re
import tomllib
from dataclasses import replace
from pathlib import Path
from textwrap import dedent
from urllib.parse import parse_qsl, urlsplit

import pytest
from house import House
from notify_cast import ALICE, BOB, NOON
from support.hostile_names import some_hostile_callers
from support.ports import free_port
from support.waiting import PATIENCE_S
from web_peer import receiver

from esl_vm.model.errors import SettingsError
from esl_vm.model.events import EventType
from esl_vm.model.jobs import Job, JobKind, JobState
from esl_vm.model.notify_rules import parse_notify_rules
from esl_vm.model.settings import SmsSettings
from esl_vm.model.settings_check import settings_from
from esl_vm.model.transcript import Segment, Transcript
from esl_vm.notify.job_worker import JobWorker
from esl_vm.notify.mail_templates import MailTemplates
from esl_vm.notify.plan import Wishes, jobs_of
from esl_vm.notify.sms import SmsSender, request_of

MOBILE = "15145550100"
VALUES = {
    "to": f"+{MOBILE}",
    "text": 'Zoé & "Élise" {secret} 100 %',
    "id": "sms:1001@default:m1:1",
    "mailbox": "1001@default",
}


@pytest.fixture
def house(redis_here, tmp_path):
    house = House(redis_here.url, tmp_path)
    yield house
    house.close()


@pytest.fixture
def gateway():
    with receiver() as peer:
        yield peer


def worker(house, url, **settings):
    settings = SmsSettings(url, **{"private": True, "timeout_s": PATIENCE_S, "secret": "s3cret", **settings})
    sender = SmsSender(settings, MailTemplates(), house.mailboxes, outbox=house.outbox)
    return JobWorker(JobKind.SMS, house.outbox, sender.carry, house.clock, patience_s=4 * 3600)


def plan(house, rule=f"sms:{MOBILE}", wishes=None):
    [found] = parse_notify_rules(rule)
    for event in house.events():
        if event.what is EventType.DELIVERED:
            fields = house.registry.fields(event.box)
            for job in jobs_of(event, fields, wishes or Wishes(mail=False, sms=True), NOON, found.notices):
                house.outbox.add(job)


def work(worker):
    while worker.step():
        pass


def left(house, state=JobState.WAITING):
    return [job.body["to"] for job in house.outbox.jobs(state)]


def test_a_form_has_each_value_in_its_place_and_nothing_else():
    asked = request_of(SmsSettings("https://x/send?k={secret}", secret="a&b", user="sid", headers=("X-Key={secret}",)), VALUES)  # fmt: skip
    assert parse_qsl(asked.body.decode()) == [("To", VALUES["to"]), ("Body", VALUES["text"])]
    assert urlsplit(asked.url).query == "k=a%26b"
    assert base64.b64decode(asked.headers["Authorization"].removeprefix("Basic ")) == b"sid:a&b"
    assert (asked.headers["X-Key"], asked.headers["Idempotency-Key"]) == ("a&b", VALUES["id"])
    assert asked.headers["Content-Type"].startswith("application/x-www-form-urlencoded")


def test_json_has_each_value_as_a_text_at_any_depth():
    body = '{"messages": [{"to": ["{to}"], "text": "{text}", "n": 1}], "from": "+15145550199"}'
    asked = request_of(SmsSettings("https://x/", format="json", body=body), VALUES)
    message = {"to": [VALUES["to"]], "text": VALUES["text"], "n": 1}
    assert json.loads(asked.body) == {"messages": [message], "from": "+15145550199"}
    assert asked.headers["Content-Type"].startswith("application/json")


def test_a_gateway_that_is_got_has_parameters():
    asked = request_of(SmsSettings("https://x/send?a=1", method="GET", body="dst={to}&message={text}"), VALUES)
    assert asked.body is None
    assert parse_qsl(urlsplit(asked.url).query) == [("a", "1"), ("dst", VALUES["to"]), ("message", VALUES["text"])]


@pytest.mark.parametrize(
    ("sms", "problem"),
    [
        ({"body": "To={to}"}, "{text}"),
        ({"body": '{"a": {to}, "b": "{text}"}', "format": "json"}, "is no JSON"),
        ({"method": "GET", "format": "json", "body": '{"a": "{to}{text}"}'}, "form where sms.method is GET"),
        ({"headers": ["Authorization"]}, "NAME=VALUE"),
        ({"headers": ["A=b\r\nC: d"]}, "control character"),
        ({"url": "ftp://x/"}, "http://"),
        ({"secret": "a", "secret_file": "/b"}, "given twice"),
    ],
)
def test_settings_that_can_not_work_are_told(sms, problem):
    with pytest.raises(SettingsError, match=problem.replace("{", r"\{")):
        settings_from({"sms": sms})


def test_the_gateways_of_the_page_are_asked_as_they_want():
    page = (Path(__file__).parents[2] / "docs/notify.md").read_text("utf-8")
    blocks = re.findall(r"^    \[sms\]\n(?:    .*\n)+", page, re.MULTILINE)
    twilio, telnyx, voipms = (
        request_of(replace(settings_from(tomllib.loads(dedent(block))).sms, secret="k"), VALUES) for block in blocks
    )
    sent = {"From": "+15145550199", "To": VALUES["to"], "Body": VALUES["text"]}
    assert dict(parse_qsl(twilio.body.decode())) == sent
    assert base64.b64decode(twilio.headers["Authorization"].split()[1]) == b"AC0123:k"
    assert json.loads(telnyx.body) == {"from": "+15145550199", "to": VALUES["to"], "text": VALUES["text"]}
    assert telnyx.headers["Authorization"] == "Bearer k"
    asked = dict(parse_qsl(urlsplit(voipms.url).query))
    assert (asked["method"], asked["api_password"], asked["message"]) == ("sendSMS", "k", VALUES["text"])


def test_an_answer_that_does_not_say_that_it_took_the_text_is_no_success(house, gateway):
    house.add()
    house.leave()
    plan(house)
    work(worker(house, gateway.url, taken="success"))
    assert left(house) == [[MOBILE]]
    house.clock.later(60)
    work(worker(house, gateway.url, taken="ok"))
    assert left(house) == []


def test_the_owner_is_texted_who_called_and_the_first_words(house, gateway):
    house.add()
    house.leave(urgent=True)
    said = Transcript(segments=(Segment(0, 1000, "Bonjour, c'est Zoé. " * 40),))
    house.mailboxes.transcribed(ALICE, "m1", said)
    plan(house)
    work(worker(house, gateway.url))
    [(_, headers, body)] = gateway.calls
    told = dict(parse_qsl(body.decode()))
    assert told["To"] == MOBILE
    assert told["Body"].startswith("Message vocal URGENT : Zoé Bélanger (5145551234), 2 secondes")
    assert "Bonjour, c'est Zoé." in told["Body"]
    assert len(told["Body"]) <= 300
    assert headers["Idempotency-Key"] == f"sms:1001@default:m1:{MOBILE}"
    assert left(house) == left(house, JobState.DEAD) == []


def test_what_is_said_stays_out_where_the_settings_say_so(house, gateway):
    house.add()
    house.leave()
    house.mailboxes.transcribed(ALICE, "m1", Transcript(segments=(Segment(0, 1000, "Secret"),)))
    plan(house)
    work(worker(house, gateway.url, transcript=False))
    assert b"Secret" not in gateway.calls[0][2]


def test_without_a_gateway_no_text_is_planned(house):
    house.add()
    house.leave()
    plan(house, wishes=Wishes(mail=False))
    assert left(house) == []


def test_it_is_tried_again_until_the_gateway_takes_it_and_then_no_more(house, gateway):
    house.add()
    house.leave()
    plan(house)
    gateway.status = 503
    work(worker(house, gateway.url))
    assert (len(gateway.calls), left(house)) == (1, [[MOBILE]])
    gateway.status = 200
    house.clock.later(60)
    work(worker(house, gateway.url))
    house.clock.later(3600)
    work(worker(house, gateway.url))
    keys = [headers["Idempotency-Key"] for _, headers, _ in gateway.calls]
    assert (len(keys), len(set(keys)), left(house)) == (2, 1, [])


def test_a_gateway_that_is_away_is_waited_for(house):
    house.add()
    house.leave()
    plan(house)
    work(worker(house, f"http://127.0.0.1:{free_port()}/"))
    assert (left(house), left(house, JobState.DEAD)) == ([[MOBILE]], [])


@pytest.mark.parametrize("status", [400, 422, 302])
def test_what_it_will_never_take_lies_among_the_dead(house, gateway, status):
    house.add()
    house.leave()
    plan(house)
    gateway.status = status
    work(worker(house, gateway.url))
    [dead] = house.outbox.jobs(JobState.DEAD)
    assert (dead.body["to"], str(status) in dead.error, "s3cret" in dead.error) == ([MOBILE], True, False)


def test_of_several_numbers_only_those_that_failed_are_tried_again(house, gateway):
    house.add()
    house.leave()
    plan(house, f"sms:{MOBILE},sms:+15145550101,sms:4471234567890")
    gateway.status = 500
    work(worker(house, gateway.url))
    assert left(house) == [[MOBILE, "+15145550101"]]
    gateway.status = 200
    house.clock.later(60)
    work(worker(house, gateway.url))
    assert len(gateway.calls) == 4
    [dead] = house.outbox.jobs(JobState.DEAD)
    assert (dead.body["to"], "sms.numbers" in dead.error) == (["4471234567890"], True)


def test_an_address_of_a_network_at_home_is_not_asked(house, gateway):
    house.add()
    house.leave()
    plan(house)
    work(worker(house, gateway.url, private=False))
    [dead] = house.outbox.jobs(JobState.DEAD)
    assert "127.0.0.1, a private address (sms.private)" in dead.error
    assert gateway.calls == []


def test_one_that_drips_its_answer_is_left(house, gateway):
    house.add()
    house.leave()
    plan(house)
    gateway.drip = True
    work(worker(house, gateway.url, timeout_s=1))
    assert left(house) == [[MOBILE]]


def test_a_text_about_each_hostile_caller_is_one_value_of_the_form(house, gateway):
    house.add()
    sender = SmsSender(
        SmsSettings(gateway.url, private=True, timeout_s=PATIENCE_S, per_hour=1000),
        MailTemplates(),
        house.mailboxes,
        outbox=house.outbox,
    )
    callers = some_hostile_callers()[::7]
    for number, caller in enumerate(callers):
        about = {"id": f"m{number}", "received": NOON, "caller_name": caller.name, "caller_number": caller.number}
        sender.carry(Job(f"sms:{number}", JobKind.SMS, ALICE, {"at": NOON, "message": about, "to": [MOBILE]}))
    assert len(gateway.calls) == len(callers)
    for path, _, body in gateway.calls:
        [(to, number), (name, text)] = parse_qsl(body.decode(), strict_parsing=True)
        assert (path, to, number, name) == ("/hook", "To", MOBILE, "Body")
        assert text.isprintable(), ascii(text)


def test_a_mailbox_has_so_many_texts_in_an_hour_of_the_clock(house, gateway):
    house.add()
    house.add(BOB)
    for number in range(4):
        house.leave(message_id=f"m{number}")
    house.leave(BOB, message_id="b0")
    plan(house, f"sms:{MOBILE},sms:15145550101")
    work(worker(house, gateway.url, per_hour=3))
    texts = [dict(parse_qsl(body.decode()))["To"] for _, _, body in gateway.calls]
    assert len(texts) == 3 + 2
    dead = list(house.outbox.jobs(JobState.DEAD))
    assert {job.box for job in dead} == {ALICE}
    assert all("sms.per_hour" in job.error for job in dead)
    assert sum(len(job.body["to"]) for job in dead) == 5
    house.clock.later(3600)
    house.leave(message_id="later")
    plan(house)
    work(worker(house, gateway.url, per_hour=3))
    assert len(gateway.calls) == 6
