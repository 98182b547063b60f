"""All that there is about a caller's number, by the API and on the administrator's page."""

import html
import io
import re
import zipfile
from urllib.parse import urlencode

import pytest

FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def number(house):
    """A number that nobody else's tests have: the service is shared, and this looks in all of it."""
    return "819" + str(abs(hash(house.domain)) % 10_000_000).rjust(7, "2")


@pytest.fixture
def left(house, number):
    """Two messages of that number in one mailbox, another's beside them; the mailbox and the ids."""
    box = house.box()
    mine = [house.message(box, number=f"+1{number}"), house.message(box, number=number)]
    return box, mine, house.message(box, number="4185550001")


def test_a_program_finds_exports_and_erases_it(house, number, left):
    box, mine, other = left
    portal = house.token("privacy", everywhere=True)
    found = portal.post("/api/v1/privacy/find", {"number": number})
    assert found.status == 200
    assert {one["id"] for one in found.json["found"] if one["kind"] == "message"} == set(mine)
    assert {one["place"] for one in found.json["found"]} == {str(box)}
    archive = portal.post("/api/v1/privacy/export", {"number": number})
    assert archive.headers["Content-Type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(archive.body)) as files:
        assert {f"messages/{box}/{one}.wav" for one in mine} < set(files.namelist())
        assert not [name for name in files.namelist() if other in name]
    slip = portal.post("/api/v1/privacy/erase", {"number": number, "again": "4185550001"})
    assert (slip.status, slip.problem) == (422, "invalid")
    erased = portal.post("/api/v1/privacy/erase", {"number": number, "again": f"+1 {number}"}).json
    assert erased["erased"]["message"] == 2
    assert (erased["left"], erased["complete"]) == ([], not erased["away"])
    assert portal.post("/api/v1/privacy/find", {"number": number}).json["found"] == []
    assert house.store.mailboxes.message(box, other).caller.number == "4185550001"
    told = [event for event in house.store.events.tail(50) if event.what == "caller-erased"][-1]
    assert told.details["by"].startswith("web token:program ")
    assert number not in str(told)


@pytest.mark.parametrize("wrong", ["", "5", "anonymous", "5" * 65])
def test_a_wrong_number_is_refused(house, wrong):
    portal = house.token("privacy", everywhere=True)
    assert portal.post("/api/v1/privacy/find", {"number": wrong}).status == 422


def test_it_is_for_who_sees_the_whole_service(house, number):
    for portal in (house.token("privacy"), house.token("service.*", everywhere=True), house.owner(house.box())):
        assert portal.post("/api/v1/privacy/find", {"number": number}).problem == "forbidden"


def text_of(reply):
    return html.unescape(re.sub(r"[ \n]+", " ", re.sub(r"<[^>]+>", " ", reply.body.decode().partition("<main")[2])))


@pytest.mark.parametrize(
    ("language", "gone", "again", "none"),
    [
        ("en", "All of it was erased.", "Type the number once more", "Nothing is there about this number."),
        ("fr", "Tout a été effacé.", "Écrivez le numéro encore une fois", "Rien ne concerne ce numéro."),
    ],
)
def test_an_administrator_sees_it_and_erases_it(house, number, left, language, gone, again, none):
    box, mine, _ = left
    marie = house.administrator()
    marie.headers["Accept-Language"] = language

    def press(**fields):
        return marie.post("/admin/privacy", urlencode({"number": number, **fields}).encode(), kind=FORM)

    assert again not in text_of(marie.get("/admin/privacy"))
    shown = text_of(press(action="find"))
    assert all(one in shown for one in (*mine, str(box)))
    assert zipfile.ZipFile(io.BytesIO(press(action="export").body)).namelist()
    assert again in text_of(press(action="erase", again="4185550001"))
    assert mine[0] in text_of(press(action="find"))
    done = text_of(press(action="erase", again=number))
    assert gone in done or "media-" in done  # a neighbour's test may have a node that never answers
    assert none in text_of(press(action="find"))
    assert marie.post("/admin/privacy", b"number=anonymous&action=find", kind=FORM).status == 422
