"""Rules of notices through API and page: set by the owner, and previewed."""

from __future__ import annotations

from urllib.parse import urlencode

FRIDAY = "2126-11-29T18:30:00-05:00"
RULES = "pager urgent 18:00-08:00; mail:bob@example.com from:514*; none calendar:nowhere"


def test_an_owner_sets_rules_and_sees_what_would_be_sent(house):
    box = house.box(timezone="America/Toronto", email="alice@example.com", pager="p@example.com")
    alice = house.owner(box)
    mailbox, preview = f"/api/v1/mailboxes/{box}", f"/api/v1/mailboxes/{box}/notification-preview?at={FRIDAY}"
    assert [one["way"] for one in alice.get(preview).json["notices"]] == ["mail", "pager"]
    changed = alice.patch(mailbox, {"settings": {"notify_rules": RULES}}, headers={"If-Match": "*"})
    assert changed.json["settings"]["notify_rules"] == RULES
    assert alice.get(f"{preview}&caller=5145550100&urgent=true").json == {
        "at": FRIDAY,
        "notices": [{"way": "pager", "to": "p@example.com"}],
        "rule": "pager urgent 18:00-08:00",
        "calendars_missing": ["nowhere"],
    }
    told = alice.get(f"{preview}&caller=5145550100").json
    assert told["notices"] == [{"way": "mail", "to": "bob@example.com"}]
    assert alice.get(f"{preview}&caller=4385550100").json["rule"] is None
    assert alice.get(preview.replace(FRIDAY, "yesterday")).problem == "invalid"
    wrong = alice.patch(mailbox, {"settings": {"notify_rules": "mail funday"}}, headers={"If-Match": "*"})
    assert (wrong.problem, "funday" in wrong.json["detail"]) == ("invalid", True)
    assert house.owner(house.box("1002")).get(preview).status == 404


def test_the_page_has_the_rules_and_a_preview(house):
    box = house.box(timezone="America/Toronto", language="en", email="alice@example.com")
    alice = house.owner(box)
    page = f"/mailbox/{box}/settings"

    def sent(rules):
        form = urlencode({"action": "rules", "rules": rules}).encode()
        return alice.post(page, form, kind="application/x-www-form-urlencoded")

    def shown(query=""):
        return alice.get(page + query).body.decode()

    assert sent("none sat,sun\r\nmail urgent").status == 303
    assert house.store.registry.fields(box)["notify_rules"] == "none sat-sun; mail urgent"
    assert "none sat-sun\nmail urgent</textarea>" in shown()
    urgent = shown("?preview=1&at=2126-11-29T18:30&caller=5145550100&urgent=1")
    assert "mail to alice@example.com" in urgent
    assert "<code>mail urgent</code>" in urgent
    assert "nothing is sent" in shown("?preview=1&at=2126-11-30T18:30&caller=")
    assert alice.get(f"{page}?preview=1&at=yesterday").status == 422
    wrong = sent("mail funday")
    assert wrong.status == 422
    assert "mail funday</textarea>" in wrong.body.decode()
    assert house.store.registry.fields(box)["notify_rules"] == "none sat-sun; mail urgent"


def test_a_message_is_mailed_to_its_owner_by_the_api_and_the_page(house):
    box = house.box(email="alice@example.com", language="en")
    other = house.box("1002")
    message, silent = house.message(box), house.message(other)
    alice, bob = house.owner(box), house.owner(other)

    def asked():
        return [event.message_id for event in house.store.events.tail(99, box=box) if event.what == "mail-asked"]

    assert alice.post(f"/api/v1/mailboxes/{box}/messages/{message}/mail", {}).status == 202
    assert asked() == [message]
    assert "Mail it to me" in alice.get(f"/mailbox/{box}/folder/new/{message}").body.decode()
    form = urlencode({"action": "mail"}).encode()
    sent = alice.post(f"/mailbox/{box}/folder/new/{message}", form, kind="application/x-www-form-urlencoded")
    assert (sent.status, "done=mail" in sent.headers["Location"]) == (303, True)
    assert asked() == [message, message]
    assert bob.post(f"/api/v1/mailboxes/{other}/messages/{silent}/mail", {}).problem == "no-mail"
    assert "Mail it to me" not in bob.get(f"/mailbox/{other}/folder/new/{silent}").body.decode()
    assert alice.post(f"/api/v1/mailboxes/{other}/messages/{silent}/mail", {}).status == 404


def test_notices_are_switched_off_and_on_on_the_page(house):
    box = house.box(email="alice@example.com", language="en")
    alice = house.owner(box)
    page, preview = f"/mailbox/{box}/settings", f"/api/v1/mailboxes/{box}/notification-preview"
    for off, told in (("1", []), ("", ["mail"])):
        sent = urlencode({"action": "rules", "rules": "mail urgent", "off": off}).encode()
        assert alice.post(page, sent, kind="application/x-www-form-urlencoded").status == 303
        assert [one["way"] for one in alice.get(preview).json["notices"]] == told
        assert ("No notices for now" in alice.get(page).body.decode()) is True
