"""The service itself by the API and the administrator's page: what waits, what was given up, tried again or dropped."""

import html
import re
from urllib.parse import quote, urlencode

import pytest

from esl_vm.model.findings import Finding, HeldTake, Level, NodeReport, Order, OrderKind
from esl_vm.model.jobs import Job, JobKind, JobState

FORM = "application/x-www-form-urlencoded"
WHY = "https://hooks.example.com/secret/abc answered 410"


@pytest.fixture
def given_up(house):
    """A mail that waits and a webhook call that was given up; gone again afterwards."""
    box, now = house.box(), house.node.clock.now()
    outbox = house.node.outbox
    dead = Job(f"webhook:{house.domain}", JobKind.WEBHOOK, box, {}, created=now, due=0.0)
    waits = Job(f"mail:{box}:m1:letter", JobKind.MAIL, box, {}, created=now, due=now + 600)
    for job in (dead, waits):
        outbox.add(job)
    outbox.give_up(outbox.claim(JobKind.WEBHOOK, now, 60.0), WHY)
    yield dead.id, waits.id
    for job in (dead, waits):
        outbox.forget(job.id)


@pytest.fixture
def marie(house):
    browser = house.administrator()
    browser.headers["Accept-Language"] = "en"
    return browser


def state_of(house, job_id):
    return next((str(state) for state in JobState for job in house.node.outbox.jobs(state) if job.id == job_id), None)


def of(house, reply):
    return [one for one in reply.json["jobs"] if one["mailbox"].endswith(f"@{house.domain}")]


def test_what_was_given_up_is_listed_with_why_and_no_secret(house, given_up):
    portal = house.token("service.read", everywhere=True)
    dead, waits = of(house, portal.get("/api/v1/jobs"))
    assert (dead["id"], dead["state"], dead["attempts"]) == (given_up[0], "dead", 1)
    assert (waits["id"], waits["state"], waits["kind"], waits["error"]) == (given_up[1], "waiting", "mail", "")
    assert "410" in dead["error"]
    assert "secret" not in dead["error"]
    assert [one["state"] for one in of(house, portal.get("/api/v1/jobs", query={"state": "dead"}))] == ["dead"]


def test_it_is_tried_again_or_dropped(house, given_up):
    portal = house.token("service.*", everywhere=True)
    dead = f"/api/v1/jobs/{quote(given_up[0], safe='')}"
    assert portal.post(f"{dead}/retry").status == 204
    assert state_of(house, given_up[0]) == "waiting"
    assert portal.delete(dead).status == 204
    assert state_of(house, given_up[0]) is None
    for gone in (portal.post(f"{dead}/retry"), portal.delete(dead)):
        assert (gone.status, gone.problem) == (404, "not-found")


def test_all_of_it_is_tried_again(house, given_up):
    assert house.token("service.manage", everywhere=True).post("/api/v1/jobs/retry").json["jobs"] >= 2
    assert state_of(house, given_up[0]) == "waiting"


@pytest.mark.usefixtures("given_up")
def test_it_is_for_who_sees_the_whole_service(house):
    for path in ("/api/v1/jobs", "/api/v1/nodes", "/api/v1/queues"):
        assert house.token("service.*").get(path).problem == "forbidden"
    assert house.token("service.read", everywhere=True).post("/api/v1/jobs/retry").problem == "forbidden"


def text_of(reply):
    return html.unescape(re.sub(r"[ \n]+", " ", re.sub(r"<[^>]+>", " ", reply.body.decode().partition("<body")[2])))


def test_the_page_shows_it_tries_again_and_drops(house, given_up, marie):
    def press(**fields):
        return text_of(
            marie.get(marie.post("/admin/queues", urlencode(fields).encode(), kind=FORM).headers["Location"])
        )

    assert re.search(r"(was|were) given up", text_of(marie.get("/admin")))
    shown = text_of(marie.get("/admin/queues"))
    assert "given up" in shown
    assert "410" in shown
    assert "secret" not in shown
    assert "It is tried again now" in press(action="job-retry", id=given_up[0])
    assert state_of(house, given_up[0]) == "waiting"
    assert "All of them are tried again now" in press(action="job-retry-all")
    assert "It was dropped, unsent" in press(action="job-drop", id=given_up[0])
    assert state_of(house, given_up[0]) is None
    assert "It is no longer there" in press(action="job-drop", id=given_up[0])
    assert marie.post("/admin/queues", b"action=burn", kind=FORM).status == 422


@pytest.fixture
def node(house):
    """A node with something wrong, and a recording that was set aside; its name."""
    name = f"media-{house.domain}"
    cluster = house.store.cluster
    full = HeldTake("t1", "message", (f"1001@{house.domain}",), "aside", 60, 16044, "the mailbox is full")
    waits = HeldTake("t2", "message", (f"1002@{house.domain}",), "waiting", 60, 16044, "")
    finding = Finding("spool", Level.ERROR, "its disk is full", "make room on /var")
    house.reports(name, NodeReport(name, house.node.clock.now(), (finding,), (full, waits)), spool_aside="1")
    yield name
    cluster.leave(name)


def test_what_needs_attention_on_each_node_is_told_and_looked_for_anew(house, node):
    portal = house.token("service.*", everywhere=True)
    [found] = [one for one in portal.get("/api/v1/findings").json["findings"] if one["node"] == node]
    assert (found["level"], found["said"], found["remedy"]) == ("error", "its disk is full", "make room on /var")
    assert portal.post("/api/v1/findings/look").status == 202
    [order] = house.store.cluster.orders(node)
    assert order.kind is OrderKind.LOOK


def test_a_recording_is_delivered_or_erased_by_its_node(house, node):
    portal = house.token("service.*", everywhere=True)
    mine = [one for one in portal.get("/api/v1/recordings").json["recordings"] if one["node"] == node]
    assert [(one["id"], one["state"], one["reason"]) for one in mine] == [
        ("t1", "aside", "the mailbox is full"), ("t2", "waiting", ""),
    ]  # fmt: skip
    path = f"/api/v1/recordings/{node}"
    assert portal.post(f"{path}/t2/settle").status == 202
    assert portal.delete(f"{path}/t1", headers={"X-Forwarded-For": "198.51.100.7"}).status == 202
    settle, discard = house.store.cluster.orders(node)
    assert (settle.kind, settle.take, discard.kind, discard.take) == (OrderKind.SETTLE, "t2", OrderKind.DISCARD, "t1")
    assert discard.by.startswith("web token:program 198.51.100.7 ")
    for gone in (
        portal.delete(f"{path}/t2"),
        portal.post(f"{path}/t9/settle"),
        portal.post("/api/v1/recordings/x/t1/settle"),
    ):
        assert gone.problem == "not-found"
    assert house.store.cluster.orders(node) == []


def test_the_page_shows_both_and_asks_the_node(house, node, marie):
    def press(address, **fields):
        return text_of(marie.get(marie.post(address, urlencode(fields).encode(), kind=FORM).headers["Location"]))

    first = text_of(marie.get("/admin"))
    assert "its disk is full" in first
    assert "make room on /var" in first
    assert f"1 recording on {node} is in quarantine" in first
    assert "the mailbox is full" in text_of(marie.get("/admin/queues"))
    assert "The nodes are looking" in press("/admin/look")
    assert "Its node delivers it" in press("/admin/queues", action="take-settle", id="t1", node=node)
    assert "Its node erases it" in press("/admin/queues", action="take-discard", id="t1", node=node)
    assert "It is no longer there" in press("/admin/queues", action="take-discard", id="t2", node=node)
    asked = house.store.cluster.orders(node)
    assert [order.kind for order in asked] == [OrderKind.LOOK, OrderKind.SETTLE, OrderKind.DISCARD]
    assert asked[-1] == Order(OrderKind.DISCARD, "t1", asked[-1].by)
    assert asked[-1].by.startswith("web administrator:marie ")
