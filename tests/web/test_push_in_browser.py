"""Notices in a real browser: its service worker is registered, handed a push message, and shows what it says.

Chromium's own push service is Google's, and not asked: `PushManager` hands over keys of the test's. All else is real: the
page, its script, the API, the worker at the top of the site, the push event, the notice that is shown.
"""

from __future__ import annotations

import json

import pytest
from support.browser import CHOSEN_PIN

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytest.importorskip("cryptography", reason="cryptography is not installed")

from support.push_browser import PushedBrowser

ENDPOINT = "https://push.example.net/send/chromium"
SHOWN = "navigator.serviceWorker.ready.then((one) => one.getNotifications()).then(([one]) => one && [one.title, one.body, one.tag])"


def test_the_button_signs_the_browser_up_and_a_push_message_is_shown(chromium, house):
    box = house.box(language="en")
    context = chromium.new_context(locale="en-CA", permissions=["notifications"])
    page = context.new_page()
    complaints = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: said.type == "error" and complaints.append(said.text))
    page.add_init_script(PushedBrowser(ENDPOINT).manager)
    try:
        page.goto(house.served.url)
        page.fill("#mailbox", str(box))
        page.fill("#pin", CHOSEN_PIN)
        page.click("main button")
        page.wait_for_url("**/folder/new")
        page.goto(f"{house.served.url}/mailbox/{box}/settings")
        page.check("#push-words")
        page.click("#push button")
        sync_api.expect(page.locator("[data-browser] [data-here]")).to_be_visible()
        [one] = house.store.push.all(house.store.mailboxes.open(box))
        assert (one.endpoint, one.words, one.name.startswith("Chrome")) == (ENDPOINT, True, True)
        talk = context.new_cdp_session(page)
        ids = []
        talk.on("ServiceWorker.workerRegistrationUpdated", lambda told: ids.extend(told["registrations"]))
        talk.send("ServiceWorker.enable")
        page.wait_for_function("navigator.serviceWorker.ready.then((one) => one.active?.state === 'activated')")
        while not ids:
            page.wait_for_timeout(50)
        told = {
            "title": "New voice message",
            "body": "Zoé Côté, 9 seconds",
            "tag": "m1",
            "mailbox": str(box),
            "message": "m1",
        }
        talk.send(
            "ServiceWorker.deliverPushMessage",
            {"origin": house.served.url, "registrationId": ids[0]["registrationId"], "data": json.dumps(told)},
        )
        while not (shown := page.evaluate(SHOWN)):
            page.wait_for_timeout(50)
        assert shown == [told["title"], told["body"], told["tag"]]
        page.click("button[name=browser]")
        sync_api.expect(page.locator("[data-browser]")).to_have_count(0)
    finally:
        context.close()
    assert complaints == []
