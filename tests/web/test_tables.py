"""Many mailboxes by a table: told first, made when asked for, within one's reach, and no file of the host named in it."""

import pytest

from esl_vm.model.mailbox import Greeting, MailboxId, StoredGreeting
from esl_vm.model.pins import PinCheck

TABLE = "/api/v1/mailbox-table"


@pytest.fixture
def portal(house):
    return house.token("mailbox.manage")


def sent(portal, house, text, kind="text/csv", **query):
    return portal.post(TABLE, text.encode(), kind=kind, query={"domain": house.domain, **query})


def test_what_would_change_is_told_and_then_made_once(house, portal):
    box = house.box("1001", maxmsg="50", webhook="https://crm.example.com/SECRET")
    house.store.mailboxes.set_greeting(box, Greeting.BUSY, StoredGreeting("g1", 1000))
    text = "mailbox,name,maxmsg,webhook,pin,greeting.busy\n1001,Zoé Côté,,-,,none\n1002,Bob,30,,739184,\n"
    told = sent(portal, house, text).json
    assert told == {
        "changes": [
            {
                "where": "line 2", "mailbox": str(box), "new": False, "pin": None, "greetings": ["busy"],
                "fields": {
                    "name": {"before": "Owner 1001", "after": "Zoé Côté"},
                    "maxmsg": {"before": "50", "after": ""},
                    "webhook": {"before": "****", "after": "-"},
                },
            },
            {
                "where": "line 3", "mailbox": f"1002@{house.domain}", "new": True, "pin": True, "greetings": [],
                "fields": {"name": {"before": "", "after": "Bob"}, "maxmsg": {"before": "", "after": "30"}},
            },
        ],
        "problems": [], "applied": 0,
    }  # fmt: skip
    bob = MailboxId("1002", house.domain)
    assert house.store.mailboxes.open(bob) is None
    assert sent(portal, house, text, apply="true").json == told | {"applied": 2}
    assert house.store.registry.fields(box)["name"] == "Zoé Côté"
    assert house.store.pins.check(bob, "739184") is PinCheck.RIGHT
    assert house.store.mailboxes.open(bob).pin_is_initial
    assert sent(portal, house, text, apply="true").json == {"changes": [], "problems": [], "applied": 0}
    [added] = [event for event in house.store.events.tail(20, box=bob) if event.what == "box-added"]
    assert added.details["by"].startswith("web token:program ")


def test_a_row_with_a_problem_is_left_out_and_named(house, portal):
    rows = [
        "1001@elsewhere.example,Eve,,", "1002,Bob,random,", "1003,Carl,,/etc/passwd", "1004,Dan,12a4,", "not a number,x,,",
        "1005,Eve,,", "1005,Eve,,", "1006,x",
    ]  # fmt: skip
    told = sent(portal, house, "mailbox,name,pin,greeting.busy\n" + "\n".join(rows) + "\n", apply="true").json
    assert [change["mailbox"] for change in told["changes"]] == [f"1005@{house.domain}"]
    assert (told["applied"], len(told["problems"])) == (1, 7)
    assert "12a4" not in str(told)
    for where, why in (
        ("line 2", "reach"),
        ("line 3", "give a PIN"),
        ("line 4", "can't be named here"),
        ("line 5", "PIN"),
    ):
        assert [problem for problem in told["problems"] if problem.startswith(f"{where}:") and why in problem], where
    assert [str(box) for box in house.store.registry.boxes(house.domain)] == [f"1005@{house.domain}"]
    assert MailboxId("1001", "elsewhere.example") not in list(house.store.registry.boxes())


@pytest.mark.parametrize(
    "text",
    ["", "no,columns\n1,2\n", "[1, 2]", "{", "mailbox\n\x00\n\x00", "name\nx\n", "mailbox,maxmsg,maxmsg\n1,2,3\n"],
)
def test_what_is_no_table_is_said_to_be_none(house, portal, text):
    answer = sent(portal, house, text)
    assert answer.status in {200, 422}
    assert answer.status == 422 or (answer.json["problems"] and not answer.json["changes"])


def test_copies_beyond_the_border_are_refused(house, portal):
    told = sent(portal, house, "mailbox,copies\n1001,1001@elsewhere.example\n1002,1001\n").json
    assert ["copies to mailboxes that are not within your reach" in one for one in told["problems"]] == [True]
    assert [change["mailbox"] for change in told["changes"]] == [f"1002@{house.domain}"]


def test_json_is_taken_and_too_many_are_not(house, portal):
    told = sent(portal, house, '[{"mailbox": "1001", "name": "Alice"}]', kind="application/json").json
    assert [change["fields"] for change in told["changes"]] == [{"name": {"before": "", "after": "Alice"}}]
    many = "mailbox\n" + "".join(f"{number}\n" for number in range(1000, 1501))
    refused = sent(portal, house, many)
    assert (refused.status, refused.problem) == (413, "too-large")


def test_it_is_for_who_manages_mailboxes(house):
    assert sent(house.token("mailbox.read"), house, "mailbox\n1001\n").problem == "forbidden"
    assert sent(house.owner(house.box()), house, "mailbox\n1001\n").problem == "forbidden"
