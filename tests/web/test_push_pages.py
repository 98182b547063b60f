"""Notices in browsers through API and page: signing up and off, and one to try."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

pytest.importorskip("cryptography", reason="cryptography is not installed")

from support.push_browser import PushedBrowser

from esl_vm.model.jobs import JobKind, JobState
from esl_vm.model.push import decoded

ENDPOINT = "https://push.example.net/send/abc"


def signed_up(browser, api, endpoint=ENDPOINT, **more):
    return browser.post(api, {**PushedBrowser(endpoint).keys, "name": "Firefox (Linux)", **more})


def test_a_browser_signs_up_is_listed_tried_and_signs_off(house):
    box = house.box()
    alice = house.owner(box)
    api = f"/api/v1/mailboxes/{box}/push"
    before = alice.get(api).json
    assert (len(decoded(before["key"])), before["browsers"]) == (65, [])
    made = signed_up(alice, api, words=True)
    assert (made.status, made.json["name"], made.json["words"]) == (201, "Firefox (Linux)", True)
    assert signed_up(alice, api).json["id"] == made.json["id"]  # the same browser once more
    [listed] = alice.get(api).json["browsers"]
    assert (listed["id"], listed["words"]) == (made.json["id"], False)
    assert "auth" not in listed
    preview = alice.get(f"/api/v1/mailboxes/{box}/notification-preview").json
    assert {"way": "push", "to": "Firefox (Linux)"} in preview["notices"]
    assert alice.post(f"{api}/test").status == 202
    [job] = [one for one in house.node.outbox.jobs(JobState.WAITING) if (one.box, one.kind) == (box, JobKind.PUSH)]
    house.node.outbox.forget(job.id)
    assert alice.delete(f"{api}/{listed['id']}").status == 204
    assert alice.delete(f"{api}/{listed['id']}").status == 404
    assert alice.get(api).json == before


@pytest.mark.parametrize(
    "wrong",
    [
        {"endpoint": "ftp://push.example.net/x"}, {"endpoint": "https:///x"}, {"endpoint": "https://u@push.example.net/"},
        {"endpoint": "x" * 1001}, {"endpoint": "https://push.example.net:0/"}, {"p256dh": "AAAA"}, {"auth": "AAAA"},
        {"p256dh": "é"},
    ],
    ids=str,
)  # fmt: skip
def test_what_no_browser_hands_over_is_refused(house, wrong):
    box = house.box()
    alice = house.owner(box)
    refused = alice.post(f"/api/v1/mailboxes/{box}/push", {**PushedBrowser(ENDPOINT).keys, **wrong})
    assert (refused.status, refused.problem) == (422, "invalid")
    assert alice.get(f"/api/v1/mailboxes/{box}/push").json["browsers"] == []


def test_another_s_mailbox_shows_and_takes_nothing(house):
    box, stranger = house.box(), house.owner(house.box("1002"))
    api = f"/api/v1/mailboxes/{box}/push"
    assert stranger.get(api).status == signed_up(stranger, api).status == stranger.post(f"{api}/test").status == 404


def test_the_page_lists_browsers_tries_them_and_ends_them(house):
    box = house.box(language="en")
    alice = house.owner(box)
    page, api = f"/mailbox/{box}/settings", f"/api/v1/mailboxes/{box}/push"

    def sent(**fields):
        return alice.post(page, urlencode(fields).encode(), kind="application/x-www-form-urlencoded")

    key = alice.get(api).json["key"]
    assert f'data-key="{key}"' in alice.get(page).body.decode()
    browser = signed_up(alice, api).json["id"]
    shown = alice.get(page).body.decode()
    assert "Firefox (Linux)" in shown
    assert sent(action="push-test").status == 303
    assert "The notice is on its way" in alice.get(f"{page}?done=push-test").body.decode()
    for job in [one for one in house.node.outbox.jobs(JobState.WAITING) if one.box == box]:
        house.node.outbox.forget(job.id)
    assert sent(action="push-off", browser=browser).status == 303
    assert sent(action="push-off", browser=browser).status == 404
    assert alice.get(api).json["browsers"] == []


def test_the_worker_stands_at_the_top_of_the_site_and_is_looked_at_anew(house):
    worker = house.served.browser().get("/push-worker.js")
    assert (worker.status, worker.headers["Cache-Control"]) == (200, "no-cache")
    assert worker.headers["Content-Type"].startswith("text/javascript")
    assert b"showNotification" in worker.body
