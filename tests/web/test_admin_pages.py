"""The administrator's pages: what needs attention, mailboxes, a table of them, events."""

import html
import re
from urllib.parse import urlencode

import pytest
from support.browser import CHOSEN_PIN

from esl_vm.model.mailbox import MailboxId
from esl_vm.model.pins import PinCheck

FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def marie(house):
    browser = house.administrator()
    browser.headers["Accept-Language"] = "en"
    return browser


def send(browser, path, **fields):
    return browser.post(path, urlencode(fields).encode(), kind=FORM)


def text_of(reply):
    inside = reply.body.decode().partition("<body")[2]
    return html.unescape(re.sub(r"[ \n]+", " ", re.sub(r"<[^>]+>", " ", inside)))


def test_a_link_leads_to_what_needs_attention(house):
    browser = house.served.browser(headers={"Accept-Language": "fr"})
    link = house.store.access.link("marie", 600)
    assert "n’ouvre qu’une fois" in text_of(browser.get(f"/admin/link/{link}"))
    assert browser.post(f"/admin/link/{link}", b"", kind=FORM).headers["Location"] == "/admin"
    assert "Aperçu" in text_of(browser.get("/admin"))
    assert browser.get("/").headers["Location"] == "/admin"


def test_owners_and_nobody_are_kept_out(house):
    owner = house.owner(house.box())
    for path in (
        "/admin",
        "/admin/mailboxes",
        "/admin/messages",
        "/admin/table",
        "/admin/events",
        f"/admin/mailboxes/{house.box('1002')}",
    ):
        assert house.served.browser().get(path).status == 401
        assert owner.get(path).status in {403, 404}


def test_a_mailbox_is_found_changed_unlocked_and_given_a_pin(house, marie):
    box = house.box("1001", name="Zoé Côté")
    house.box("1002")
    found = text_of(marie.get("/admin/mailboxes", query={"q": "zoe cote"}))
    assert str(box) in found
    assert f"1002@{house.domain}" not in found
    address = f"/admin/mailboxes/{box}"
    etag = etag_of(marie, address)
    fields = {"action": "save", "etag": etag, "name": "Zoé Roy", "email": "zoe@example.com"}
    told = send(marie, address, **fields).headers["Location"]
    assert "saved" in text_of(marie.get(told))
    assert house.store.mailboxes.open(box).name == "Zoé Roy"
    late = send(marie, address, **fields)  # from the page as it was before
    assert late.status == 412
    assert "Somebody else changed it meanwhile" in text_of(late)
    wrong = send(marie, address, action="save", etag=etag_of(marie, address), name="Zoé Roy", email="nobody at all")
    assert wrong.status == 422
    assert "nobody at all" in html.unescape(wrong.body.decode())  # what was typed stays
    save = {"action": "save", "name": "Zoé Roy"}
    assert send(marie, address, **save, etag=etag_of(marie, address), aliases="1009").status == 303
    assert house.store.mailboxes.open(box).aliases == ("1009",)
    taken = send(marie, address, **save, etag=etag_of(marie, address), aliases="1009, 1002")
    assert taken.status == 409
    assert "1009, 1002" in taken.body.decode()
    assert send(marie, address, action="pin", pin="0482").status == 303
    assert house.store.pins.check(box, "0482") is PinCheck.RIGHT
    assert "0482" not in marie.get(address).body.decode()
    assert send(marie, address, action="unlock").status == 303


def etag_of(browser, address):
    return html.unescape(re.findall(r'name="etag" value="([^"]+)"', browser.get(address).body.decode())[0])


def test_a_mailbox_is_added_once_and_removed_when_its_name_is_typed(house, marie):
    name = f"1001@{house.domain}"
    told = send(marie, "/admin/mailboxes", mailbox=name, name="Alice", pin="").headers["Location"]
    assert f"Mailbox {name} added" in text_of(marie.get(told))
    again = send(marie, "/admin/mailboxes", mailbox=name, name="Other")
    assert again.status == 409
    address = f"/admin/mailboxes/{name}"
    assert send(marie, address, action="remove", sure="1001").status == 422
    assert marie.get(address).status == 200
    assert send(marie, address, action="remove", sure=name).status == 303
    assert marie.get(address).status == 404


def test_a_table_is_looked_at_before_it_is_applied(house, marie):
    box = house.box("1001", name="Alice")
    table = f"mailbox,name\n1001@{house.domain},Alice Martin\n1002@{house.domain},Bob\n=1+1,Eve\n"
    looked = send(marie, "/admin/table", table=table, action="look")
    shown = text_of(looked)
    assert "Alice Martin" in shown
    assert "new" in shown
    assert "Refused" in shown
    assert house.store.mailboxes.open(box).name == "Alice"
    applied = send(marie, "/admin/table", table=table, action="apply")
    assert "Rows applied: 2" in text_of(applied)
    assert house.store.mailboxes.open(box).name == "Alice Martin"


def test_events_say_who_did_what(house, marie):
    box = house.box()
    send(marie, f"/admin/mailboxes/{box}", action="pin", pin="0482")
    shown = text_of(marie.get("/admin/events", query={"q": str(box)}))
    assert "pin-changed" in shown
    assert "administrator:marie" in shown
    assert "No events." in text_of(marie.get("/admin/events", query={"q": "no such mailbox"}))


def test_names_of_mailboxes_are_text(house, marie):
    house.box(name='<script>alert("x")</script>')
    assert b"<script>alert" not in marie.get("/admin/mailboxes", query={"q": house.domain}).body


def test_a_lock_is_told(house, marie):
    box = house.box()
    for n in range(5):
        house.store.pins.check(box, f"90{n}1", outside=True)
    assert re.search(r"mailbox(es are| is) locked after", text_of(marie.get("/admin")))
    assert send(marie, f"/admin/mailboxes/{box}", action="unlock").status == 303
    assert house.store.registry.locked_for(box, outside=True) == 0
    assert CHOSEN_PIN not in text_of(marie.get(f"/admin/mailboxes/{box}"))


def test_options_are_set_and_given_back_to_the_service(house, marie):
    box = house.box(maxmsg="50", callback="yes")
    address = f"/admin/mailboxes/{box}"
    given = {
        "action": "options",
        "etag": etag_of(marie, address),
        "maxmsg": "",
        "callback": "no",
        "call_patterns": "514X.",
        "exits": "2 = mailbox:1002",
        "press_to_leave": "yes",
    }
    assert send(marie, address, **given).status == 303
    options = house.store.mailboxes.open(box).options
    assert (options.maxmsg, options.callback, options.call_patterns) == (100, False, "514X.")
    assert (options.exits, options.press_to_leave) == ("2=mailbox:1002", True)
    wrong = send(marie, address, **given | {"etag": etag_of(marie, address), "maxmsg": "plenty"})
    assert wrong.status == 422
    assert "plenty" in wrong.body.decode()  # what was typed stays
    assert house.store.mailboxes.open(box).options.maxmsg == 100
    assert send(marie, address, **given).status == 412  # from the page as it was before


def test_events_are_looked_up_by_kind_and_by_who(house, marie):
    box = house.box()
    message_id = house.message(box)
    house.owner(box).delete(f"/api/v1/mailboxes/{box}/messages/{message_id}")
    send(marie, f"/admin/mailboxes/{box}", action="pin", pin="0482")
    for query, seen, unseen in (
        ({"what": "deleted"}, "deleted", "pin-changed"),
        ({"by": "administrator:marie"}, "pin-changed", "deleted"),
    ):
        rows = marie.get("/admin/events", query={"q": str(box), **query}).body.decode().partition("<tbody>")[2]
        assert f"<td>{seen}</td>" in rows
        assert f"<td>{unseen}</td>" not in rows
    told = house.token("events.read").get("/api/v1/events/latest", query={"mailbox": str(box), "what": "deleted"}).json
    [event] = told["events"]
    assert (event["what"], event["message"], event["mailbox"]) == ("deleted", message_id, str(box))
    assert event["details"]["by"].startswith(f"web owner:{box}")


def test_events_of_others_are_not_told(house):
    own, theirs = house.box(), house.box(domain=f"{house.domain}-other")
    for box in (own, theirs):
        house.message(box)
    portal = house.token("events.read")
    told = portal.get("/api/v1/events/latest").json["events"]
    assert {event["mailbox"] for event in told} == {str(own)}
    assert portal.get("/api/v1/events/latest", query={"mailbox": str(theirs)}).problem == "not-found"


def test_a_list_is_made_changed_and_removed(house, marie):
    house.box("1001")
    house.box("1002")
    number = f"900@{house.domain}"
    given = {"action": "save", "list": number, "name": "Ventes", "members": f"1001@{house.domain},\n1002"}
    made = marie.get(send(marie, "/admin/lists", **given).headers["Location"])
    assert f"List {number} saved" in text_of(made)
    assert "2 mailboxes" in text_of(made)
    wrong = send(marie, "/admin/lists", **given | {"members": "1001 7777"})
    assert wrong.status == 422
    assert "7777" in wrong.body.decode()
    send(marie, "/admin/lists", **given | {"members": "1002"})
    found = house.store.lists.find(MailboxId("900", house.domain))
    assert [str(member) for member in found.members] == [f"1002@{house.domain}"]
    gone = send(marie, "/admin/lists", action="remove", list=number)
    assert f"List {number} removed" in text_of(marie.get(gone.headers["Location"]))
    assert house.store.lists.find(MailboxId("900", house.domain)) is None
