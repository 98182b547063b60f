"""Every route asks whose it is: made from the API's own description, so that a new route can't be forgotten."""

import re

import pytest

from esl_vm.model.mailbox import MailboxId
from esl_vm.model.rights import GRANTABLE, Right
from esl_vm.web.factory import api_routes, document
from esl_vm.web.routes import ROUTES

ALL = api_routes()
NAMES = [f"{route.method} {route.path}" for route in ALL]
WITH_MAILBOX = [route for route in ALL if "{mailbox}" in route.path]
WITH_LIST = [route for route in ALL if "{list}" in route.path]
PUBLIC = {"POST /api/v1/session", "POST /api/v1/session/link", "GET /api/v1/session", "DELETE /api/v1/session"}


def address(route, box, message="19fb0a5c100-000000000003", number="900"):
    filled = {
        "mailbox": str(box), "message": message, "greeting": "busy", "session": "0" * 16, "job": "mail:x", "node": "media-1", "take": "t1",
        "list": f"{number}@{box.domain}", "member": "1001", "owner": "2",
    }  # fmt: skip
    return re.sub(r"{(\w+)}", lambda found: filled.get(found[1], "0" * 16), route.path)


def ask(browser, route, box, **more):
    """The request as it would be right, but for who sends it."""
    body = None if route.body is None else b"RIFF" if isinstance(route.body, str) else {}
    kind = "audio/wav" if isinstance(route.body, str) else "application/json"
    return browser.ask(route.method, address(route, box, **more), body, kind=kind)


def test_every_route_names_a_right_and_is_in_the_description():
    assert [name for name, route in zip(NAMES, ALL, strict=True) if not isinstance(route.right, Right)] == []
    assert {name for name, route in zip(NAMES, ALL, strict=True) if route.right is Right.ANYBODY} == PUBLIC
    described = {
        f"{method.upper()} {path}": operation["x-right"]
        for path, operations in document()["paths"].items()
        for method, operation in operations.items()
    }
    assert described == {name: str(route.right) for name, route in zip(NAMES, ALL, strict=True)}
    assert len({(route.method, route.path) for route in ROUTES}) == len(ROUTES)


def test_every_right_is_needed_somewhere():
    assert {route.right for route in ALL} - {Right.ANYBODY} == GRANTABLE


def test_nobody_gets_anything(house):
    box = house.box()
    house.message(box)
    for route in ALL:
        if f"{route.method} {route.path}" not in PUBLIC:
            reply = ask(house.served.browser(), route, box)
            assert (reply.status, reply.problem) == (401, "sign-in"), route.path
            assert reply.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.fixture
def tenants(house):
    """One's own mailbox, and the same number in another domain, each with a message and a list."""
    own, theirs = house.box(), house.box(domain=f"{house.domain}-other")
    for box in (own, theirs):
        house.store.lists.add(MailboxId("900", box.domain), [box])
    return house, own, theirs, house.message(theirs)


@pytest.mark.parametrize("who", ["owner", "mailbox token", "domain token"])
def test_what_is_anothers_is_not_there(tenants, who):
    house, own, theirs, message_id = tenants
    browser = {
        "owner": lambda: house.owner(own),
        "mailbox token": lambda: house.token("*", boxes=[own]),
        "domain token": lambda: house.token("*"),
    }[who]()
    for route in [*WITH_MAILBOX, *WITH_LIST]:
        reply = ask(browser, route, theirs, message=message_id)
        assert (reply.status, reply.problem) == (404, "not-found"), f"{route.method} {route.path}"
        nowhere = ask(browser, route, MailboxId("7777", theirs.domain), message=message_id)
        assert {**reply.json, "request": ""} == {**nowhere.json, "request": ""}, route.path
    assert house.store.mailboxes.message(theirs, message_id).folder == "new"


def test_a_right_that_is_lacking_is_said_and_nothing_is_done(house):
    box = house.box()
    message_id = house.message(box)
    house.store.lists.add(MailboxId("900", house.domain), [box])
    for route in ALL:
        if route.right is Right.ANYBODY:
            continue
        others = sorted(map(str, GRANTABLE - {route.right}))
        reply = ask(house.token(*others), route, box, message=message_id)
        assert (reply.status, reply.problem) == (403, "forbidden"), f"{route.method} {route.path}"
    assert house.store.mailboxes.message(box, message_id).folder == "new"


def test_an_owner_has_an_owners_rights(house):
    box = house.box()
    alice = house.owner(box)
    for method, path in (
        ("GET", "/api/v1/mailboxes"), ("GET", "/api/v1/nodes"), ("GET", "/api/v1/queues"), ("GET", "/api/v1/lists"),
        ("DELETE", f"/api/v1/mailboxes/{box}"), ("DELETE", f"/api/v1/mailboxes/{box}/lock"),
    ):  # fmt: skip
        assert alice.ask(method, path).problem == "forbidden", path
    refused = alice.patch(f"/api/v1/mailboxes/{box}", {"settings": {"maxmsg": "9999"}}, headers={"If-Match": "*"})
    assert refused.problem == "forbidden"
    assert house.store.mailboxes.open(box).options.maxmsg == 100


def test_lists_and_searches_end_at_the_border(tenants):
    house, own, theirs, _ = tenants
    for portal in (house.token("*"), house.token("*", boxes=[own])):
        for query in ({}, {"search": "Owner"}, {"search": theirs.domain}, {"domain": theirs.domain}):
            found = portal.get("/api/v1/mailboxes", query=query).json["mailboxes"]
            assert str(theirs) not in {one["mailbox"] for one in found}
        lists = {one["list"] for one in portal.get("/api/v1/lists").json["lists"]}
        assert f"900@{theirs.domain}" not in lists
    assert house.token("*").get("/api/v1/nodes").problem == "forbidden"


def test_paths_that_climb_reach_nothing(house):
    box = house.box()
    alice = house.owner(box)
    for path in (
        f"/api/v1/mailboxes/{box}/messages/..%2f..%2f..%2fetc%2fpasswd/sound",
        f"/api/v1/mailboxes/{box}/messages/../../1002@{house.domain}",
        f"/api/v1/mailboxes/{box}/messages/%00/sound",
        f"/api/v1/mailboxes/{box}/greetings/..%2fbusy/sound",
        "/static/x/..%2fapplication.py",
        "/static/000000000000/plain.css",
        "/api/v1/mailboxes/1001@default:box/messages",
    ):
        reply = alice.get(path)
        assert reply.status == 404, path
        assert b"root:" not in reply.body
