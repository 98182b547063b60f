"""Several owners of one mailbox in the browser: each signs in with a PIN of his own; the first says who the others are."""

from urllib.parse import urlencode

import pytest
from support.browser import CHOSEN_PIN

OTHERS = "739152"


@pytest.fixture
def shared(house):
    """A mailbox, its first owner signed in, and what adds another."""
    box = house.box(name="Alice Martin")
    alice = house.owner(box)
    added = alice.post(f"/api/v1/mailboxes/{box}/owners", {"name": "Bob Lee", "pin": OTHERS, "current": CHOSEN_PIN})
    assert added.status == 201, added.body
    return box, alice


def sign_in(house, box, pin):
    browser = house.served.browser()
    return browser, browser.post("/api/v1/session", {"mailbox": str(box), "pin": pin})


def test_each_signs_in_as_himself(house, shared):
    box, alice = shared
    bob, began = sign_in(house, box, OTHERS)
    assert (began.status, began.json["mailbox"], began.json["owner"]) == (201, str(box), "Bob Lee")
    assert alice.get("/api/v1/session").json["owner"] == "Alice Martin"
    message = house.message(box)
    changed = bob.patch(f"/api/v1/mailboxes/{box}/messages/{message}", {"heard": True})
    assert changed.status == 200
    by = [event.details["by"] for event in house.store.events.tail(20, box=box) if event.what == "heard"]
    assert by[-1].startswith(f"web owner:{box}:Bob:Lee ")
    listed = alice.get(f"/api/v1/mailboxes/{box}/sessions").json["sessions"]
    assert [one["owner"] for one in listed] == ["Alice Martin", "Bob Lee"]
    assert [one["owner"] for one in bob.get(f"/api/v1/mailboxes/{box}/sessions").json["sessions"]] == ["Bob Lee"]
    assert bob.delete(f"/api/v1/mailboxes/{box}/sessions/{listed[0]['id']}").status == 404


def test_each_changes_his_own_pin_with_his_own(house, shared):
    box, alice = shared
    bob, _ = sign_in(house, box, OTHERS)
    path = f"/api/v1/mailboxes/{box}/pin"
    assert bob.put(path, {"pin": "604182", "current": CHOSEN_PIN}).problem == "wrong-pin"
    taken = bob.put(path, {"pin": CHOSEN_PIN, "current": OTHERS})
    assert taken.problem == "weak-pin"
    assert "not free in this mailbox" in taken.json["detail"]
    assert not {"Alice", CHOSEN_PIN} & set(taken.json["detail"].split())
    assert bob.put(path, {"pin": "604182", "current": OTHERS}).status == 204
    assert bob.get("/api/v1/session").json["owner"] == "Bob Lee"
    assert alice.get("/api/v1/session").status == 200
    assert sign_in(house, box, OTHERS)[1].problem == "wrong-pin"
    assert sign_in(house, box, "604182")[1].json["owner"] == "Bob Lee"
    assert sign_in(house, box, CHOSEN_PIN)[1].json["owner"] == "Alice Martin"


def test_one_who_is_removed_is_out_at_once_and_no_other_comes_in_by_his_session(house, shared):
    box, alice = shared
    bob, _ = sign_in(house, box, OTHERS)
    owners = f"/api/v1/mailboxes/{box}/owners"
    assert alice.delete(f"{owners}/2").status == 204
    assert bob.get("/api/v1/session").status == 401
    assert alice.delete(f"{owners}/2").status == 404
    assert alice.post(owners, {"name": "Carl", "pin": OTHERS, "current": CHOSEN_PIN}).status == 201
    assert bob.get(f"/api/v1/mailboxes/{box}").status == 401
    carl, _ = sign_in(house, box, OTHERS)
    house.store.pins.change(box, "604182", owner=2)  # by telephone
    assert carl.get(f"/api/v1/mailboxes/{box}").status == 401
    assert alice.get(f"/api/v1/mailboxes/{box}").status == 200


def test_the_first_owner_and_the_administrator_say_who_the_others_are(house, shared):
    box, alice = shared
    owners = f"/api/v1/mailboxes/{box}/owners"
    bob, _ = sign_in(house, box, OTHERS)
    assert [one["name"] for one in bob.get(owners).json["owners"]] == ["Alice Martin", "Bob Lee"]
    for refused in (
        bob.post(owners, {"name": "Carl", "pin": "604182", "current": OTHERS}),
        bob.patch(f"{owners}/2", {"name": "Boss"}),
        bob.delete(f"{owners}/2"),
        house.token("mailbox.*", boxes=[box]).post(owners, {"name": "Carl", "pin": "604182"}),
        house.token("pin.change", boxes=[box]).delete(f"{owners}/2"),
    ):
        assert refused.problem == "forbidden"
    assert alice.post(owners, {"name": "Carl", "pin": "604182"}).problem == "invalid"
    assert alice.post(owners, {"name": "Carl", "pin": "604182", "current": OTHERS}).problem == "wrong-pin"
    assert alice.post(owners, {"name": "Carl", "pin": "1234", "current": CHOSEN_PIN}).problem == "weak-pin"
    assert alice.post(owners, {"name": "Bob Lee", "pin": "604182", "current": CHOSEN_PIN}).problem == "invalid"
    assert alice.patch(f"{owners}/2", {"name": "Robert Lee"}).json["owners"][1]["name"] == "Robert Lee"
    assert bob.get("/api/v1/session").json["owner"] == "Robert Lee"
    for number in ("1", "3", "x"):
        assert alice.patch(f"{owners}/{number}", {"name": "Nobody"}).status == 404
    marie = house.administrator()
    shown = marie.patch(f"{owners}/2", {"pin": "604182"}).json["owners"]
    assert [one["pin_is_initial"] for one in shown] == [False, True]
    assert bob.get("/api/v1/session").status == 401
    house.store.registry.change(box, {"pin_locked": "yes"})
    assert alice.delete(f"{owners}/2").problem == "forbidden"
    assert marie.delete(f"{owners}/2").status == 204


def test_the_page_adds_renames_and_removes(house, shared):
    box, alice = shared
    page = f"/mailbox/{box}/settings"

    def names():
        return [one.name for one in house.store.mailboxes.open(box).owners]

    def send(**fields):
        return alice.post(page, urlencode(fields).encode(), kind="application/x-www-form-urlencoded")

    send(action="owner-add", owner="Carl", pin="604182", current=CHOSEN_PIN)
    assert names() == ["Alice Martin", "Bob Lee", "Carl"]
    wrong = send(action="owner-add", owner="Dan", pin="604182", current=CHOSEN_PIN)
    assert 'class="wrong"' in wrong.body.decode()
    send(action="owner-change", number="3", owner="Charles", pin="", current="")
    send(action="owner-change", number="2", owner="Bob Lee", pin="815263", current=CHOSEN_PIN)
    assert names() == ["Alice Martin", "Bob Lee", "Charles"]
    assert sign_in(house, box, "815263")[1].json["owner"] == "Bob Lee"
    send(action="owner-remove", number="3", owner="Charles", pin="", current="")
    assert names() == ["Alice Martin", "Bob Lee"]
    bob, _ = sign_in(house, box, "815263")
    for browser, shown in ((alice, True), (bob, False), (house.administrator(), True)):
        assert ("owner-add" in browser.get(page).body.decode()) is shown
