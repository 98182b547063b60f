"""A link in a mail opens its message, and nothing else; what only looks at it changes nothing."""

import re
from dataclasses import replace
from urllib.parse import urlencode

import pytest
from support.waiting import wait_until

from esl_vm.model.mailbox import Folder
from esl_vm.service.notifier import link_maker

FORM = "application/x-www-form-urlencoded"
DAY_S = 86400


@pytest.fixture
def linked(house):
    """A mailbox with two messages, and the link to the first."""
    box = house.box(language="fr")
    first, second = house.message(box), house.message(box, name="Bob Roy", number="5145550199")
    return box, first, second, link_to(house, box, first)


def link_to(house, box, message_id, *, days=30):
    now = house.node.clock.now()
    return "/listen/" + house.store.links.make(box, message_id, now + days * DAY_S, 30 * DAY_S)


def send(browser, path, action, **more):
    return browser.post(path, urlencode({"action": action}).encode(), kind=FORM, **more)


def said(reply):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", reply.body.decode()))


def folder(house, box, message_id):
    return house.store.mailboxes.message(box, message_id).folder


def test_it_shows_and_plays_that_message_to_who_is_not_signed_in(house, linked):
    _, _, second, link = linked
    page = house.served.browser().get(link)
    assert page.status == 200
    assert "Zoé Côté" in said(page)
    assert second not in page.body.decode()
    assert "Bob Roy" not in said(page)
    sound = house.served.browser().get(f"{link}/sound")
    assert (sound.status, sound.headers["Content-Type"]) == (200, "audio/wav")
    part = house.served.browser().get(f"{link}/sound", headers={"Range": "bytes=0-1"})
    assert (part.status, part.headers["Content-Range"]) == (206, f"bytes 0-1/{len(sound.body)}")
    assert house.served.browser().get(f"{link}/introduction").status == 404


def test_mails_have_that_link_where_browsers_find_the_pages_and_none_elsewhere(house, linked):
    box, first, _, _ = linked
    settings, now = house.node.settings, house.node.clock.now()

    def link(**web):
        wanted = replace(settings, web=replace(settings.web, **web))
        return link_maker(replace(house.node, settings=wanted))(box, first, now)

    made = link(url="https://voicemail.example.com/")
    assert made.startswith("https://voicemail.example.com/listen/")
    assert house.served.browser().get(made.removeprefix("https://voicemail.example.com")).status == 200
    assert link(url="") == link(url="https://voicemail.example.com", link_days=0) == ""


def test_it_opens_nothing_else(house, linked):
    box, _, second, link = linked
    browser = house.served.browser()
    browser.get(link)
    assert not browser.cookie
    for path in (
        f"/mailbox/{box}/folder/new",
        f"/api/v1/mailboxes/{box}/messages/{second}",
        f"/api/v1/mailboxes/{box}",
    ):
        assert browser.get(path).status == 401, path
    token = link.rpartition("/")[2]
    assert browser.get(f"/api/v1/mailboxes/{box}", headers={"Authorization": f"Bearer {token}"}).status == 401


def test_what_only_looks_at_it_leaves_the_message_new(house, linked):
    box, first, _, link = linked
    for method, path in (("GET", link), ("HEAD", link), ("GET", f"{link}/sound"), ("HEAD", f"{link}/sound")):
        for purpose in ({}, {"Sec-Purpose": "prefetch"}):
            assert house.served.browser().ask(method, path, headers=purpose).status == 200
    message = house.store.mailboxes.message(box, first)
    assert (message.folder, message.heard) == ("new", False)


def test_its_button_marks_the_message_heard_as_the_page_does(house, linked):
    box, first, _, link = linked
    reply = send(house.served.browser(), link, "heard")
    assert (reply.status, reply.headers["Location"]) == (303, link)
    message = house.store.mailboxes.message(box, first)
    assert (message.folder, message.heard) == ("old", True)
    page = house.served.browser().get(link)
    assert page.status == 200
    assert b'value="heard"' not in page.body


def test_a_deleted_message_takes_its_link_along_and_gives_it_back(house, linked):
    box, first, _, link = linked
    browser = house.served.browser()
    assert send(browser, link, "delete").status == 303
    assert folder(house, box, first) == "trash"
    gone = browser.get(link)
    assert gone.status == 410
    assert "Ce message n’est plus là" in said(gone)
    for path in (f"{link}/sound", f"{link}/introduction"):
        assert browser.get(path).status == 410
    assert send(browser, link, "heard").status == 410
    house.store.mailboxes.restore(box, first)
    assert browser.get(link).status == 200
    house.store.mailboxes.move(box, first, Folder.WORK)
    assert browser.get(link).status == 200
    house.store.registry.remove(box)
    assert browser.get(link).status == 410


def test_an_old_link_says_that_it_is_old_and_a_made_up_one_that_there_is_nothing(house, linked):
    box, first, _, link = linked
    old = house.served.browser(headers={"Accept-Language": "en"}).get(link_to(house, box, first, days=-1))
    assert old.status == 410
    assert "Ce lien est trop ancien" in said(old)
    assert "Zoé" not in said(old)
    for made_up in (link[:-3] + "AAA", "/listen/x", "/listen/" + "A" * 3000):
        assert house.served.browser().get(made_up).status == 404, made_up


def test_another_site_can_press_no_button(house, linked):
    box, first, _, link = linked
    assert send(house.served.browser(), link, "delete", headers={"Sec-Fetch-Site": "cross-site"}).status == 403
    assert send(house.served.browser(), link, "wipe").status == 422
    assert folder(house, box, first) == "new"


def test_who_heard_by_it_is_in_the_events_whoever_else_he_is(house, linked):
    box, first, _, link = linked
    other = house.owner(house.box("1002"))
    other.headers["X-Forwarded-For"] = "198.51.100.44"
    other.get(f"{link}/sound")
    send(other, link, "heard")
    told = [event for event in house.store.events.tail(20, box=box) if event.message_id == first]
    by = {event.what: event.details.get("by", "").split()[:3] for event in told}
    assert by["exported"] == by["heard"] == ["web", f"link:{box}", "198.51.100.44"]


def test_it_is_told_to_nobody(house, linked):
    *_, link = linked
    reply = house.served.browser().get(link)
    house.served.browser().get(f"{link}/sound")
    assert reply.headers["Referrer-Policy"] == "no-referrer"
    assert reply.headers["Cache-Control"] == "no-store"
    assert 'name="robots" content="noindex"' in reply.body.decode()
    log = wait_until(lambda: "/listen/{token}" in (log := house.served.log.read_text()) and log)
    assert link.rpartition("/")[2] not in log


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_in_a_browser_it_plays_and_is_heard(house, linked, scripts, chromium):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
    box, first, _, link = linked
    size = {"width": 360, "height": 780}
    with chromium.new_context(locale="fr-CA", java_script_enabled=scripts, viewport=size) as context:
        page = context.new_page()
        complaints = []
        page.on("console", lambda told: told.type == "error" and complaints.append(told.text))
        page.goto(house.served.url + link)
        if scripts:
            assert axe.Axe().run(page).response["violations"] == []
            page.evaluate("document.getElementById('sound').muted = true; document.getElementById('sound').play()")
            page.wait_for_selector("button[value=heard]", state="detached")
        else:
            assert page.locator("audio[controls]").is_visible()
            page.click("button[value=heard]")
            page.wait_for_selector("button[value=heard]", state="detached")
        assert folder(house, box, first) == "old"
        page.click("button[value=delete]")
        page.wait_for_selector("h1:has-text('n’est plus là')")
        assert folder(house, box, first) == "trash"
        assert [one for one in complaints if "410" not in one] == []
