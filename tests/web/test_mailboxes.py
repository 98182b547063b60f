"""Mailboxes as a portal keeps them: made, found, changed by two at once, removed; PINs; who is told how."""

import pytest
from support.browser import CHOSEN_PIN

from esl_vm.model.mailbox import MailboxId


def path(box, *more):
    return "/".join(["/api/v1/mailboxes", str(box), *more])


def test_made_changed_and_removed_with_each_step_in_the_audit(house):
    portal = house.token()
    made = portal.post(
        "/api/v1/mailboxes",
        {"mailbox": f"1001@{house.domain}", "settings": {"name": "Zoé Côté", "language": "fr", "maxmsg": "50"}},
    )
    assert made.status == 201
    assert made.headers["Location"] == f"/api/v1/mailboxes/1001@{house.domain}"
    assert made.json["settings"] == {"name": "Zoé Côté", "language": "fr", "maxmsg": "50"}
    assert made.json["pin_is_initial"] is True
    again = portal.post("/api/v1/mailboxes", {"mailbox": f"1001@{house.domain}"})
    assert (again.status, again.problem) == (409, "exists")
    box = house.store.mailboxes.open(next(house.store.registry.boxes(house.domain))).id
    changed = portal.patch(
        path(box),
        {"settings": {"maxmsg": None, "email": "zoe@example.com"}},
        headers={"If-Match": made.headers["ETag"]},
    )
    assert changed.json["settings"] == {"name": "Zoé Côté", "language": "fr", "email": "zoe@example.com"}
    assert portal.delete(path(box)).status == 204
    assert portal.get(path(box)).status == 404
    assert house.events(box) == ["box-added", "box-changed", "box-removed"]
    assert {e.details["by"].split()[1] for e in house.store.events.tail(9, box=box)} == {"token:program"}


def test_of_two_who_change_it_at_once_the_second_is_told_and_loses_nothing(house):
    box = house.box()
    one, two = house.token(), house.administrator()
    seen_by_one, seen_by_two = one.get(path(box)), two.get(path(box))
    assert seen_by_one.headers["ETag"] == seen_by_two.headers["ETag"]
    first = one.patch(
        path(box), {"settings": {"email": "a@example.com"}}, headers={"If-Match": seen_by_one.headers["ETag"]}
    )
    assert first.status == 200
    second = two.patch(
        path(box), {"settings": {"email": "b@example.com"}}, headers={"If-Match": seen_by_two.headers["ETag"]}
    )
    assert (second.status, second.problem) == (412, "changed")
    assert house.store.mailboxes.open(box).email == "a@example.com"
    assert two.patch(path(box), {"settings": {"pager": "c@example.com"}}).problem == "if-match"
    anew = two.get(path(box)).headers["ETag"]
    assert two.patch(path(box), {"settings": {"email": "b@example.com"}}, headers={"If-Match": anew}).status == 200
    assert two.patch(path(box), {"settings": {"name": "X"}}, headers={"If-Match": "*"}).status == 200


def test_a_mailbox_is_found_under_its_aliases(house):
    box, portal = house.box("1001"), house.token()
    other = house.box("1002")
    alias = f"1009@{house.domain}"
    assert (
        portal.patch(path(box), {"settings": {"aliases": "1009, +15145550109"}}, headers={"If-Match": "*"}).status
        == 200
    )
    shown = portal.get(path(alias)).json
    assert (shown["mailbox"], shown["settings"]["aliases"]) == (str(box), "1009,+15145550109")
    taken = portal.patch(path(other), {"settings": {"aliases": "1009"}}, headers={"If-Match": "*"})
    assert (taken.status, taken.problem) == (409, "exists")
    made = portal.post("/api/v1/mailboxes", {"mailbox": alias})
    assert (made.status, made.problem) == (409, "exists")
    assert portal.put(f"/api/v1/lists/900@{house.domain}", {"members": [alias]}).json["members"] == [str(box)]


def test_an_alias_is_within_the_reach_of_its_mailbox_alone(house):
    box = house.box("1001", aliases="1009")
    house.box("1002")
    owner, other = house.owner(box), house.owner(f"1002@{house.domain}")
    alias = f"1009@{house.domain}"
    assert owner.get(path(alias)).json["mailbox"] == str(box)
    assert other.get(path(alias)).status == 404
    assert house.owner(alias).get(path(box)).json["mailbox"] == str(box)


def test_a_value_that_can_not_be_is_explained_and_changes_nothing(house):
    box = house.box()
    portal = house.token()
    for settings in ({"maxmsg": "many"}, {"langage": "fr"}, {"timezone": "Quebec"}, {"pin": "1"}, {"email": "x"}):
        reply = portal.patch(path(box), {"settings": settings}, headers={"If-Match": "*"})
        assert (reply.status, reply.problem) == (422, "invalid"), settings
    assert (
        "did you mean language"
        in portal.patch(path(box), {"settings": {"langage": "fr"}}, headers={"If-Match": "*"}).json["detail"]
    )
    assert set(house.store.registry.fields(box)) == {"created", "name"}


def test_a_number_with_a_plus_has_addresses_with_it_and_with_its_escape(house):
    box = house.box("+15145550102")
    message = house.message(box)
    alice = house.owner(box)
    for written in (str(box), str(box).replace("+", "%2B"), str(box).replace("+", "%2b").replace("@", "%40")):
        assert alice.get(f"/api/v1/mailboxes/{written}").json["mailbox"] == str(box)
        assert alice.get(f"/api/v1/mailboxes/{written}/messages/{message}/sound").status == 200
        page = alice.get(f"/mailbox/{written}/folder/new").body.decode()
        assert f"/mailbox/{box}/folder/new/{message}" in page
    portal = house.token()
    found = portal.get("/api/v1/mailboxes", query={"search": "+1514"}).json["mailboxes"]
    assert [one["mailbox"] for one in found] == [str(box)]
    made = portal.post("/api/v1/mailboxes", {"mailbox": f"+15145550103@{house.domain}"})
    assert made.headers["Location"] == f"/api/v1/mailboxes/+15145550103@{house.domain}"


def test_exits_to_extensions_and_numbers_are_an_administrators_to_set(house):
    box = house.box()
    address = f"/api/v1/mailboxes/{box}"
    change = {"settings": {"exits": "9=directory;0=2000", "press_to_leave": "yes"}}
    assert house.owner(box).patch(address, change, headers={"If-Match": "*"}).problem == "forbidden"
    marie = house.administrator()
    changed = marie.patch(address, change, headers={"If-Match": "*"})
    assert changed.json["settings"]["exits"] == "0=2000; 9=directory"
    wrong = marie.patch(address, {"settings": {"exits": "0=queue:5"}}, headers={"If-Match": "*"})
    assert (wrong.status, "queue:5" in wrong.json["detail"]) == (422, True)


@pytest.mark.parametrize(
    ("wanted", "problem", "named"),
    [
        ("0=2000; 2=mailbox:1002; 4=number:5145550102; 9=directory", "", ""),
        ("0=2000; 4=number:5145550102", "", ""),
        ("0=2000; 4=number:5145550102; busy=mailbox:1002", "", ""),
        ("0=2000", "forbidden", "exits 4"),
        ("", "forbidden", "exits 0, 4"),
        ("0=mailbox:1002; 4=number:5145550102", "forbidden", "exits 0"),
        ("0=2001; 4=number:5145550102", "forbidden", "exits 0"),
        ("0=2000; 4=number:5145550102; 5=2001", "forbidden", "exits 5"),
        ("0=2000; 4=number:5145550102; 5=number:5145550103", "forbidden", "exits 5"),
        ("0=2000; 4=number:5145550102; 5=mailbox:1003@other.example", "forbidden", "exits 5"),
        ("0=2000; 4=number:5145550102; 5=mailbox:1009", "invalid", "1009"),
        ("0=2000; 4=number:5145550102; 5=mailbox:900", "invalid", "900"),
        ("0=2000; 4=number:5145550102; 5=nowhere:1", "invalid", "nowhere:1"),
    ],
)
def test_an_owner_leads_callers_to_mailboxes_of_the_domain_and_the_directory(house, wanted, problem, named):
    set_by_administrator = "0=2000; 4=number:5145550102"
    box, other = house.box(exits=f"{set_by_administrator}; 9=directory"), house.box("1002")
    house.store.lists.add(MailboxId("900", house.domain), [other])
    address = f"/api/v1/mailboxes/{box}"
    answer = house.owner(box).patch(address, {"settings": {"exits": wanted}}, headers={"If-Match": "*"})
    assert (answer.problem if problem else "", named in answer.json.get("detail", "")) == (problem, True)
    stored = house.store.registry.fields(box)["exits"]
    assert stored == (f"{set_by_administrator}; 9=directory" if problem else wanted)


def test_copies_go_to_the_domain_or_as_far_as_one_reaches(house):
    box, bob = house.box(), house.box("1002")
    path, far = f"/api/v1/mailboxes/{box}", "1001@elsewhere.example"
    alice, portal, marie = house.owner(box), house.token("mailbox.*"), house.administrator()

    def copies(browser, to):
        reply = browser.patch(path, {"settings": {"copies": to}}, headers={"If-Match": "*"})
        return reply.json["settings"].get("copies", "") if reply.status == 200 else reply.problem

    assert copies(alice, "1002") == "1002"
    assert copies(alice, "1002,7777") == "invalid"
    assert [copies(one, far) for one in (alice, portal, marie)] == ["forbidden", "forbidden", far]
    assert copies(alice, f"1002,{far}") == f"1002,{far}"  # it was there
    assert copies(portal, f"{bob}, 7777") == f"{bob},7777"
    assert copies(alice, "1 2") == "invalid"
    assert copies(alice, "") == ""
    made = portal.post("/api/v1/mailboxes", {"mailbox": f"1003@{house.domain}", "settings": {"copies": far}})
    assert made.problem == "forbidden"


def test_found_by_number_name_and_address_whatever_the_accents(house):
    house.box("1001", name="Zoé Côté")
    house.box("1002", name="Bob Lee", email="zoe@example.com")
    house.box("1003", name="Carol")
    portal = house.token()

    def found(**query):
        return [
            one["mailbox"].partition("@")[0] for one in portal.get("/api/v1/mailboxes", query=query).json["mailboxes"]
        ]

    assert found() == ["1001", "1002", "1003"]
    assert found(search="ZOE") == ["1001", "1002"]
    assert found(search="1003") == ["1003"]
    assert found(domain=house.domain, search="nobody") == []


def test_pages_of_mailboxes(house):
    for number in range(1001, 1012):
        house.box(str(number))
    portal = house.token()
    seen, cursor = [], ""
    while True:
        reply = portal.get("/api/v1/mailboxes", query={"limit": 4} | ({"cursor": cursor} if cursor else {}))
        seen += [one["mailbox"].partition("@")[0] for one in reply.json["mailboxes"]]
        cursor = reply.json["next"]
        if not cursor:
            break
    assert seen == [str(number) for number in range(1001, 1012)]
    assert portal.get("/api/v1/mailboxes", query={"cursor": "??"}).problem == "unknown-cursor"


def test_an_owner_sees_and_sets_what_is_his(house):
    box = house.box(maxmsg="7", webhook="https://hooks.example.com/secret")
    alice = house.owner(box)
    shown = alice.get(path(box)).json
    assert "webhook" not in shown["settings"]
    assert "maxmsg" not in shown["settings"]
    assert house.token().get(path(box)).json["settings"]["webhook"] == "****"
    changed = alice.patch(path(box), {"settings": {"language": "en", "autoplay": "yes"}}, headers={"If-Match": "*"})
    assert changed.json["settings"] == {"language": "en", "autoplay": "yes"}


def test_notifications(house):
    box = house.box(email="alice@example.com")
    alice = house.owner(box)
    told = {"email": "alice@example.com", "pager": "", "attach": True, "transcripts": None}
    assert alice.get(path(box, "notifications")).json == told
    changed = alice.patch(path(box, "notifications"), {"email": "", "attach": False})
    assert changed.json == told | {"email": "", "attach": False}
    assert alice.patch(path(box, "notifications"), {"email": "nobody"}).problem == "invalid"


def test_a_pin_is_changed_under_the_telephones_rules_and_told_nowhere(house):
    box = house.box()
    alice = house.owner(box)
    for pin, problem in (("1234", "weak-pin"), ("1111", "weak-pin"), ("2580", "weak-pin"), ("12a4", "invalid")):
        refused = alice.put(path(box, "pin"), {"pin": pin, "current": CHOSEN_PIN})
        assert refused.problem == problem, pin
        assert f'"{pin}"' not in refused.body.decode()
    assert alice.put(path(box, "pin"), {"pin": "007391"}).problem == "invalid"
    assert alice.put(path(box, "pin"), {"pin": "007391", "current": "9999"}).problem == "wrong-pin"
    assert alice.put(path(box, "pin"), {"pin": "007391", "current": CHOSEN_PIN}).status == 204
    assert house.served.browser().sign_in(box, "007391")
    assert "007391" not in house.served.log.read_text()
    house.store.registry.change(box, {"pin_locked": "yes"})
    assert alice.put(path(box, "pin"), {"pin": "739184", "current": "007391"}).problem == "forbidden"


def test_an_administrators_pin_is_an_initial_one(house):
    box = house.box()
    assert house.token().put(path(box, "pin"), {"pin": "739184"}).status == 204
    assert house.store.mailboxes.open(box).pin_is_initial
    assert house.served.browser().post("/api/v1/session", {"mailbox": str(box), "pin": "739184"}).problem == "wrong-pin"


def test_a_lock_is_seen_and_lifted(house):
    box = house.box()
    stranger = house.served.browser(headers={"X-Forwarded-For": "198.51.100.23"})
    for tried in range(5):
        stranger.post("/api/v1/session", {"mailbox": str(box), "pin": f"444{tried}"})
    portal = house.token()
    assert portal.get(path(box)).json["locked_s"] > 0
    assert portal.get("/api/v1/mailboxes").json["mailboxes"][0]["locked_s"] > 0
    assert portal.delete(path(box, "lock")).status == 204
    assert house.owner(box).cookie


def test_distribution_lists(house):
    alice, bob, carol = (house.box(number) for number in ("1001", "1002", "1003"))
    theirs = house.box("1004", domain=f"{house.domain}-other")
    portal = house.token()
    number = f"/api/v1/lists/900@{house.domain}"
    made = portal.put(number, {"name": "Sales", "members": ["1001", str(bob)]})
    assert (made.status, made.json["members"]) == (201, [str(alice), str(bob)])
    assert portal.put(number, {"name": "Sales", "members": ["1002", "1003"]}).json["members"] == [str(bob), str(carol)]
    assert portal.put(f"{number}/members/1001").status == 204
    assert portal.delete(f"{number}/members/1002").status == 204
    assert portal.delete(f"{number}/members/1002").problem == "not-found"
    assert portal.get("/api/v1/lists").json["lists"] == [
        {"list": f"900@{house.domain}", "name": "Sales", "members": [str(alice), str(carol)], "recorded_name": False}
    ]
    for member in ("7777", str(theirs)):
        assert portal.put(f"{number}/members/{member}").problem == "invalid"
        assert portal.put(number, {"members": [member]}).problem == "invalid"
    assert portal.put(f"/api/v1/lists/1001@{house.domain}", {"members": []}).status in {409, 422}
    assert portal.delete(number).status == 204
    assert portal.get(number).status == 404


def test_nodes_and_queues(house):
    house.store.cluster.report("node-7", "1.0", 1, {"calls": "3"})
    marie = house.administrator()
    (node,) = [one for one in marie.get("/api/v1/nodes").json["nodes"] if one["name"] == "node-7"]
    assert (node["alive"], node["state"]["calls"]) == (True, "3")
    assert marie.get("/api/v1/queues").json["refuses"] == ""


def test_a_broadcast_reaches_each_mailbox_once_and_nobody_beyond_the_border(house):
    alice, bob = house.box("1001"), house.box("1002", announce_only="yes")
    carol = house.box("1003")
    theirs = house.box("1001", domain=f"{house.domain}-other")
    portal = house.token()
    sound = house.sound(2100).read_bytes()

    def send(**query):
        return portal.post("/api/v1/broadcasts", sound, kind="audio/wav", query={"from_name": "Head office"} | query)

    for wrong in ({}, {"to": str(theirs)}, {"domain": theirs.domain}, {"to": "7777"}, {"list": f"900@{house.domain}"}):
        assert send(**wrong).problem == "invalid"
    name = f"closed-{house.domain}"
    first = send(to=str(alice), id=name, urgent="true").json
    assert (first["mailboxes"], first["sent"]) == (1, 1)
    second = send(domain=house.domain, id=name, urgent="true").json
    assert (second["sent"], second["already"], second["closed"]) == (1, 1, [str(bob)])
    (message,) = house.owner(carol).get(path(carol, "messages")).json["messages"]
    assert (message["caller_name"], message["urgent"], message["duration_ms"]) == ("Head office", True, 2100)
    assert house.store.mailboxes.counts(theirs).new == 0
    assert message["until"] is None
    assert send(to=str(alice), id=f"past-{house.domain}", until="2020-01-01T00:00:00Z").problem == "invalid"
    assert send(to=str(alice), id=f"storm-{house.domain}", until="2126-12-24T18:00:00Z").json["sent"] == 1
    newest = house.owner(alice).get(path(alice, "messages")).json["messages"][0]
    assert newest["until"].startswith("2126-12-24T")
    assert portal.post("/api/v1/broadcasts", b"text", query={"to": str(alice)}).problem == "no-sound"
