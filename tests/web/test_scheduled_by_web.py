"""Messages that arrive later, by the API and on the page: forwarded with a time, listed, cancelled by who sent them alone."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import pytest

FORM = "application/x-www-form-urlencoded"


def send(browser, path, **fields):
    return browser.post(path, urlencode(fields).encode(), kind=FORM)


@pytest.fixture
def boxes(house):
    return house.box("1001", timezone="America/Toronto"), house.box("1002")


def later(house, seconds=3600):
    return house.store.clock.now() + seconds


def iso(at):
    return datetime.fromtimestamp(at, UTC).isoformat()


def test_a_message_is_forwarded_later_listed_and_delivered(house, boxes):
    alice, bruno = boxes
    browser, message = house.owner(alice), house.message(alice)
    at = int(later(house))
    path = f"/api/v1/mailboxes/{alice}"
    sent = browser.post(f"{path}/messages/{message}/forward", {"to": ["1002"], "at": iso(at)}).json
    assert (sent["result"], sent["to"]) == ("scheduled", [str(bruno)])
    [one] = browser.get(f"{path}/scheduled").json["scheduled"]
    assert (one["id"], one["to"]) == (sent["id"], [str(bruno)])
    assert datetime.fromisoformat(one["at"]).timestamp() == at
    assert house.store.mailboxes.open(bruno).counts.new == 0
    [waiting] = house.store.mailboxes.scheduled(alice)
    assert waiting.due == at


def test_one_is_cancelled_once_and_by_its_sender_alone(house, boxes):
    alice, bruno = boxes
    browser, other, message = house.owner(alice), house.owner(bruno), house.message(alice)
    path = f"/api/v1/mailboxes/{alice}"
    sent = browser.post(f"{path}/messages/{message}/forward", {"to": ["1002"], "at": iso(later(house))}).json
    assert other.get(f"/api/v1/mailboxes/{bruno}/scheduled").json["scheduled"] == []
    assert other.delete(f"/api/v1/mailboxes/{bruno}/scheduled/{sent['id']}").status == 404
    assert browser.delete(f"{path}/scheduled/{sent['id']}").status == 204
    assert browser.delete(f"{path}/scheduled/{sent['id']}").status == 404
    assert house.store.mailboxes.scheduled(alice) == []


@pytest.mark.parametrize("at", ["yesterday", "2020-01-01T08:00", "2999-01-01T08:00", "2026-13-01T08:00"])
def test_a_time_that_can_not_be_is_explained_and_nobody_gets_it(house, boxes, at):
    alice, bruno = boxes
    browser, message = house.owner(alice), house.message(alice)
    reply = browser.post(f"/api/v1/mailboxes/{alice}/messages/{message}/forward", {"to": ["1002"], "at": at})
    assert (reply.status, reply.problem) == (422, "invalid")
    assert house.store.mailboxes.scheduled(alice) == []
    assert house.store.mailboxes.open(bruno).counts.new == 0


def test_on_the_page_a_time_is_by_the_mailboxs_clock_and_the_message_can_be_cancelled(house, boxes):
    alice, _ = boxes
    browser, message = house.owner(alice), house.message(alice)
    form = {"action": "forward", "to": "1002", "at": "2030-01-01T08:00"}
    wrong = send(browser, f"/mailbox/{alice}/folder/new/{message}", **form)
    assert wrong.status == 422
    tomorrow = datetime.fromtimestamp(later(house, 86400), ZoneInfo("America/Toronto"))
    at = tomorrow.replace(hour=12, minute=0, second=0, microsecond=0)  # an hour that every day has once
    sent = send(browser, f"/mailbox/{alice}/folder/new/{message}", **form | {"at": f"{at:%Y-%m-%dT%H:%M}"})
    assert sent.status == 303
    [waiting] = house.store.mailboxes.scheduled(alice)
    assert waiting.due == at.timestamp()
    page = browser.get(f"/mailbox/{alice}/scheduled").body.decode()
    assert re.search(r'name="id" value="([^"]+)"', html.unescape(page))[1] == waiting.message.id
    assert send(browser, f"/mailbox/{alice}/scheduled", id=waiting.message.id).status == 303
    assert house.store.mailboxes.scheduled(alice) == []
    late = send(browser, f"/mailbox/{alice}/scheduled", id=waiting.message.id)
    assert "gone" in late.headers["Location"]
