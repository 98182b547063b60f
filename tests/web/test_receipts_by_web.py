"""Receipts by the API and on the page: asked for when a message is forwarded, seen by who asked alone."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlencode

import pytest

from esl_vm.model.mailbox import Folder
from esl_vm.model.receipts import Receipt

FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def boxes(house):
    return house.box("1001", timezone="America/Toronto"), house.box("1002")


def got(house, box):
    return house.store.mailboxes.page(box, Folder.NEW, urgent=None, after=None, most=5).messages


@pytest.mark.parametrize("receipt", [True, False])
def test_what_is_forwarded_says_who_wants_to_know(house, boxes, receipt):
    alice, bruno = boxes
    message = house.message(alice)
    path = f"/api/v1/mailboxes/{alice}/messages/{message}/forward"
    assert house.owner(alice).post(path, {"to": ["1002"], "receipt": receipt}).status == 200
    assert [one.receipt for one in got(house, bruno)] == [str(alice) if receipt else ""]


def test_the_pages_form_asks_by_its_tick(house, boxes):
    alice, bruno = boxes
    message = house.message(alice)
    form = urlencode({"action": "forward", "to": "1002", "receipt": "true"}).encode()
    assert house.owner(alice).post(f"/mailbox/{alice}/folder/new/{message}", form, kind=FORM).status == 303
    assert [one.receipt for one in got(house, bruno)] == [str(alice)]


def test_who_asked_sees_what_waits_and_what_was_heard_and_nobody_else_does(house, boxes):
    alice, bruno = boxes
    house.store.mailboxes.receipt(alice, Receipt("m1", bruno, 1_790_000_000.0, 1_790_003_600.0))
    house.store.mailboxes.receipt(alice, Receipt("m2", bruno, 1_790_000_060.0))
    browser, other = house.owner(alice), house.owner(bruno)
    two, one = browser.get(f"/api/v1/mailboxes/{alice}/receipts").json["receipts"]
    assert (two["id"], two["to"], two["heard"]) == ("m2", str(bruno), None)
    assert (one["id"], datetime.fromisoformat(one["heard"]).timestamp()) == ("m1", 1_790_003_600.0)
    page = browser.get(f"/mailbox/{alice}/scheduled").body.decode()
    assert page.count("1002") >= 2
    assert 'id="receipts"' in page
    assert other.get(f"/api/v1/mailboxes/{alice}/receipts").status in {403, 404}
    assert 'id="receipts"' not in other.get(f"/mailbox/{bruno}/scheduled").body.decode()


def test_an_owner_sends_none_if_he_likes(house, boxes):
    _, bruno = boxes
    browser = house.owner(bruno)
    path = f"/api/v1/mailboxes/{bruno}"
    tag = {"If-Match": browser.get(path).headers["ETag"]}
    assert browser.patch(path, {"settings": {"receipts": "no"}}, headers=tag).status == 200
    assert house.store.mailboxes.open(bruno).options.receipts is False
