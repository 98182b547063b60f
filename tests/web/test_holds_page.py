"""Legal holds by the API and on the administrator's page."""

import csv
import html
import re
from urllib.parse import urlencode

import pytest

FORM = "application/x-www-form-urlencoded"


def test_the_state_of_the_encryption_is_told(house):
    assert house.token("privacy", everywhere=True).get("/api/v1/privacy/encryption").json == {
        "key": "", "keys": [], "missing": [], "trouble": "",
    }  # fmt: skip
    marie = house.administrator()
    for language, said in (("en", "Encryption off"), ("fr", "Chiffrement désactivé")):
        marie.headers["Accept-Language"] = language
        assert said in text_of(marie.get("/admin"))


def mine(house, reply):
    return [one for one in reply.json["holds"] if one["mailbox"].endswith(f"@{house.domain}")]


def test_a_program_sets_sees_and_ends_one(house):
    box = house.box()
    message = house.message(box)
    portal = house.token("privacy", everywhere=True)
    hold = {"mailbox": str(box), "reason": "case 114", "until": "2100-06-30T00:00:00-04:00"}
    assert portal.post("/api/v1/privacy/holds", hold).status == 204
    house.store.mailboxes.delete(box, message)
    assert house.store.housekeeping.erase(box, [message]) == 1
    [one] = mine(house, portal.get("/api/v1/privacy/holds"))
    assert (one["reason"], one["kept"], one["in_force"]) == ("case 114", 1, True)
    assert one["by"].startswith("web token:program ")
    assert house.node.audio.exists(message)
    kept = house.token("*").delete(f"/api/v1/mailboxes/{box}")
    assert (kept.status, kept.problem) == (409, "held")
    owner = house.owner(box)
    assert owner.get(f"/api/v1/mailboxes/{box}/messages/{message}").status == 404
    assert b"case 114" not in owner.get(f"/api/v1/mailboxes/{box}").body
    assert b"hold" not in owner.get("/api/v1/events/latest").body
    assert portal.post("/api/v1/privacy/holds/end", {"mailbox": str(box)}).status == 204
    [over] = mine(house, portal.get("/api/v1/privacy/holds"))
    assert (over["in_force"], over["kept"]) == (False, 1)


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"mailbox": "7777", "reason": "x"}, 404),
        ({"reason": "x", "until": "2001-01-01T00:00:00Z"}, 422),
        ({"reason": " "}, 422),
        ({}, 422),
    ],
)
def test_a_wrong_hold_is_refused(house, given, status):
    given = {"mailbox": str(house.box())} | given
    portal = house.token("privacy", everywhere=True)
    assert portal.post("/api/v1/privacy/holds", given).status == status
    assert mine(house, portal.get("/api/v1/privacy/holds")) == []


def text_of(reply):
    return html.unescape(re.sub(r"[ \n]+", " ", re.sub(r"<[^>]+>", " ", reply.body.decode().partition("<main")[2])))


def test_an_administrator_sets_and_ends_one(house):
    box = house.box()
    marie = house.administrator()
    marie.headers["Accept-Language"] = "fr"

    def press(**fields):
        return marie.post("/admin/holds", urlencode(fields).encode(), kind=FORM)

    done = press(action="set", mailbox=str(box), reason="dossier 114", until="2100-06-30")
    shown = text_of(marie.get(done.headers["Location"]))
    assert f"La boîte {box} est sous conservation légale" in shown
    assert "dossier 114" in shown
    assert "2100-06-30" in shown
    removed = marie.post(
        f"/admin/mailboxes/{box}", urlencode({"action": "remove", "sure": str(box)}).encode(), kind=FORM
    )
    assert "Une conservation légale le retient" in text_of(removed)
    for wrong in (
        {"reason": "x", "until": "2001-01-01"},
        {"mailbox": "7777", "reason": "x"},
        {"reason": "x", "until": "soon"},
    ):
        refused = press(**{"action": "set", "mailbox": str(box), **wrong})
        assert refused.status in {404, 422}
        assert "x" in refused.body.decode()
    ended = press(action="end", mailbox=str(box))
    assert f"La conservation de la boîte {box} est terminée" in text_of(marie.get(ended.headers["Location"]))
    assert str(box) not in text_of(marie.get("/admin/holds")).partition("Ordonner")[0]


def test_an_administrator_gets_the_record_as_a_table(house):
    box, other = house.box(), house.box("1002")
    house.message(box, name="=2+3")
    house.message(other)
    marie = house.administrator()
    page = marie.get("/admin/events").body.decode()
    assert 'action="/admin/audit.csv"' in page
    told = marie.get(f"/admin/audit.csv?q={box}&from=2001-01-01&until=2100-01-01")
    assert told.headers["Content-Type"] == "text/csv; charset=utf-8"
    heads, *rows = csv.reader(told.body.decode().splitlines())
    assert heads == ["id", "at", "what", "mailbox", "message", "by", "details"]
    assert {row[3] for row in rows} == {str(box)}
    assert "delivered" in [row[2] for row in rows]
    whole = marie.get("/admin/audit.csv").body.decode()
    assert str(other) in whole
    assert (
        house.served.command("privacy", "audit", "-", "--mailbox", str(box)).splitlines()
        == told.body.decode().splitlines()
    )


@pytest.mark.parametrize("wrong", ["from=yesterday", "until=2026-13-01", "q=%22%22"])
def test_a_record_of_what_can_t_be_is_not_there(house, wrong):
    assert house.administrator().get(f"/admin/audit.csv?{wrong}").status == 404


def test_an_owner_gets_no_record(house):
    assert house.owner(house.box()).get("/admin/audit.csv").status == 403
