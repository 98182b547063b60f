"""docs/notify.md says what is so: its commands run, its snippet verifies, its names are the code's."""

from __future__ import annotations

import json
import re
import shlex
import time
from dataclasses import fields
from pathlib import Path

import pytest
from notify_cast import ALICE, TestClock, delivered, event

from esl_vm.model.events import EventType
from esl_vm.model.jobs import Job, JobKind
from esl_vm.notify.mail_templates import News
from esl_vm.notify.maintenance import maintenance_events
from esl_vm.notify.plan import Wishes, jobs_of
from esl_vm.notify.webhook import signature
from esl_vm.store.connect import connect
from esl_vm.store.outbox import RedisOutbox

PAGE = (Path(__file__).parents[2] / "docs" / "notify.md").read_text("utf-8")


def block(language):
    return re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)[1]


def test_every_redis_cli_line_shows_what_it_says(redis_here):
    outbox = RedisOutbox(connect(redis_here.url), TestClock())
    for kind in JobKind:
        for number in range(4):
            outbox.add(Job(f"{kind}:{number}", kind, ALICE, {}))
        outbox.done(outbox.claim(kind, 1.0, 60.0))
        outbox.give_up(outbox.claim(kind, 1.0, 60.0), "550 no")
        outbox.claim(kind, 1.0, 60.0)
    lines = [shlex.split(line)[1:] for line in block("sh").splitlines()]
    assert len(lines) == 7
    with redis_here.client() as client:
        for line in lines:
            assert client.execute_command(*line), line
        for key in client.keys("vm:{outbox}:*"):
            name = key.decode().removeprefix("vm:{outbox}:")
            assert f":{name}`" in PAGE, f"{key} is not on the page"


def test_the_receiver_s_snippet_verifies_a_signature():
    scope = {}
    exec(block("python"), scope)
    now = int(time.time())
    assert scope["genuine"](signature("s", now, b"{}"), b"{}", "s")
    assert not scope["genuine"](signature("s", now, b"{}"), b"{ }", "s")
    assert not scope["genuine"](signature("s", now - 400, b"{}"), b"{}", "s")


def test_the_example_of_a_call_has_the_fields_of_one():
    example = json.loads(block("json"))
    [job] = jobs_of(delivered(), {}, Wishes(mail=False, webhook="http://x/"), 0.0)
    assert {**example, "message": set(example["message"])}.keys() == job.body.keys()
    assert example["message"].keys() == job.body["message"].keys()
    assert example["counts"].keys() == job.body["counts"].keys()


def test_every_event_of_webhooks_is_named():
    paragraph = re.search(r"\nEvents: `(.*?)`", PAGE, re.DOTALL)[1]
    assert paragraph.split() == [what.value for what in EventType]


def test_every_name_a_template_can_say_is_listed():
    listed = re.search(r"They can say:\n\n`(.*?)`", PAGE, re.DOTALL)[1].split()
    assert sorted(listed) == sorted(field.name for field in fields(News))


@pytest.mark.parametrize("what", list(EventType))
def test_every_header_of_mod_voicemail_s_events_is_in_the_table(what):
    for headers in maintenance_events(event(what, greeting="busy", audio_id="a"), "d", lambda _: "/x"):
        assert f"`{headers['VM-Action']}`" in PAGE
        for name in headers:
            assert name in PAGE, name
