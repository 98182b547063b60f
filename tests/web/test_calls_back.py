"""Calling back from the browser: under the telephone's rules, written down as its calls are; the answer is that it was asked for."""

import html
import re
from urllib.parse import urlencode

import pytest

NUMBER = "5145550142"
MAY = {"callback": "yes", "call_patterns": "514XXXXXXX", "calls_per_hour": "2"}


@pytest.fixture
def switch(house):
    """A node whose FreeSWITCH is connected; nobody there carries anything out."""
    house.reports("media-1", freeswitch="up")
    yield
    house.store.cluster.leave("media-1")


def path(box, message_id):
    return f"/api/v1/mailboxes/{box}/messages/{message_id}/call-back"


def calls(house, box):
    return [
        (event.what.value, event.details.get("why", ""), event.details.get("how"))
        for event in house.store.events.tail(50, box=box)
        if event.what.value.startswith("call-")
    ]


@pytest.mark.usefixtures("switch")
def test_it_is_asked_for_and_written_down(house):
    box = house.box(**MAY)
    message_id = house.message(box, number=NUMBER)
    asked = house.owner(box).post(path(box, message_id), headers={"X-Forwarded-For": "198.51.100.7"})
    assert (asked.status, asked.json["number"]) == (202, NUMBER)
    placed = house.store.events.tail(50, box=box)[-1]
    assert (placed.what, placed.message_id) == ("call-placed", message_id)
    told = placed.details
    assert (told["call"], told["number"], told["how"], told["from"]) == (
        asked.json["call"], NUMBER, "web-call-back", "198.51.100.7",
    )  # fmt: skip
    assert told["by"].startswith(f"web owner:{box} 198.51.100.7 ")


@pytest.mark.usefixtures("switch")
def test_only_where_the_telephone_might_and_so_often(house):
    box, closed = house.box(**MAY), house.box("1002", **(MAY | {"callback": "no"}))
    alice, bob = house.owner(box), house.owner(closed)
    assert bob.post(path(closed, house.message(closed, number=NUMBER))).problem == "forbidden"
    for number, problem in (("9005550142", "forbidden"), ("anonymous", "invalid")):
        assert alice.post(path(box, house.message(box, number=number))).problem == problem
    message_id = house.message(box, number=NUMBER)
    # By telephone, which counts too.
    house.store.mailboxes.count_call(box, 20, hourly=2, number=NUMBER, how="call-back")
    assert alice.post(path(box, message_id)).status == 202
    refused = alice.post(path(box, message_id))
    assert (refused.status, refused.problem) == (429, "too-many-calls")
    assert calls(house, box) == [
        ("call-refused", "call_patterns", "web-call-back"),
        ("call-placed", "", "call-back"),
        ("call-placed", "", "web-call-back"),
        ("call-refused", "calls_per_hour", "web-call-back"),
    ]
    assert calls(house, closed) == []


def test_without_a_freeswitch_nothing_is_counted(house):
    box = house.box(**MAY)
    reply = house.owner(box).post(path(box, house.message(box, number=NUMBER)))
    assert (reply.status, reply.problem, reply.headers["Retry-After"]) == (503, "no-telephone", "60")
    assert calls(house, box) == []


@pytest.mark.usefixtures("switch")
def test_a_token_needs_the_right(house):
    box = house.box(**MAY)
    message_id = house.message(box, number=NUMBER)
    assert house.token("message.*").post(path(box, message_id)).problem == "forbidden"
    assert house.token("call.place").post(path(box, message_id)).status == 202


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_page_rings_and_says_what_was_refused(house, language):
    box = house.box(language=language, **MAY)
    alice = house.owner(box)
    page = f"/mailbox/{box}/folder/new/{house.message(box, number=NUMBER)}"
    assert 'value="call-back"' in alice.get(page).body.decode()

    def press():
        sent = alice.post(page, urlencode({"action": "call-back"}).encode(), kind="application/x-www-form-urlencoded")
        shown = html.unescape(alice.get(sent.headers["Location"]).body.decode())
        return re.search(r'<div class="undo" role="status"><span>([^<]+)', shown)[1]

    away, rings = {
        "fr": ("Aucun téléphone ne peut sonner", "Votre téléphone va sonner"),
        "en": ("No telephone can be rung", "Your telephone is about to ring"),
    }[language]
    assert press().startswith(away)
    house.reports("media-1", freeswitch="up")
    try:
        assert press().startswith(rings)
    finally:
        house.store.cluster.leave("media-1")


def test_where_it_is_not_allowed_the_page_has_the_number_as_a_link(house):
    box = house.box()
    shown = house.owner(box).get(f"/mailbox/{box}/folder/new/{house.message(box, number=NUMBER)}").body.decode()
    assert 'value="call-back"' not in shown
    assert f'href="tel:{NUMBER}" data-key="r"' in shown
