"""Who gets in: owners by a PIN they chose, administrators by a link that opens once, programs by a token."""

from support.browser import CHOSEN_PIN

from esl_vm.model.events import SIGN_INS


def test_an_owner_signs_in_sees_his_mailbox_and_signs_out(house):
    box = house.box()
    alice = house.owner(box)
    assert alice.get("/api/v1/session").json["mailbox"] == str(box)
    assert alice.get(f"/api/v1/mailboxes/{box}").status == 200
    before = alice.cookie
    assert alice.delete("/api/v1/session").status == 204
    alice.cookie = before
    assert alice.get(f"/api/v1/mailboxes/{box}").problem == "sign-in"


def test_the_cookie_is_for_this_site_alone(house):
    box = house.box()
    reply = house.served.browser().post("/api/v1/session", {"mailbox": str(box), "pin": CHOSEN_PIN})
    plain = reply.headers["Set-Cookie"]
    assert "HttpOnly" in plain
    assert "SameSite=Lax" in plain
    assert "Secure" not in plain
    reply = house.served.browser().post(
        "/api/v1/session", {"mailbox": str(box), "pin": CHOSEN_PIN}, headers={"X-Forwarded-Proto": "https"}
    )
    assert reply.headers["Set-Cookie"].startswith("__Host-")
    assert "; Secure" in reply.headers["Set-Cookie"]
    assert "Strict-Transport-Security" in reply.headers


def test_a_pin_that_its_owner_did_not_choose_opens_nothing_here(house):
    box = house.box(pin="4821", initial=True)
    wrong = house.served.browser().post("/api/v1/session", {"mailbox": str(box), "pin": "4821"})
    assert (wrong.status, wrong.problem) == (401, "wrong-pin")


def test_what_is_not_there_is_answered_as_what_is(house):
    box = house.box()
    there = house.served.browser().post("/api/v1/session", {"mailbox": str(box), "pin": "9999"})
    nowhere = house.served.browser().post("/api/v1/session", {"mailbox": f"7777@{house.domain}", "pin": "9999"})
    assert there.status == nowhere.status == 401
    assert {**there.json, "request": ""} == {**nowhere.json, "request": ""}


def test_wrong_pins_lock_as_on_the_telephone_and_leave_the_owners_own_telephone_alone(house):
    box = house.box()
    stranger = house.served.browser(headers={"X-Forwarded-For": "198.51.100.7"})
    said = [stranger.post("/api/v1/session", {"mailbox": str(box), "pin": f"90{n}0"}).status for n in range(5)]
    assert said == [401] * 5
    locked = stranger.post("/api/v1/session", {"mailbox": str(box), "pin": CHOSEN_PIN})
    assert (locked.status, locked.problem) == (429, "locked")
    assert int(locked.headers["Retry-After"]) > 0
    assert house.store.registry.locked_for(box, outside=True) > 0
    assert house.store.registry.locked_for(box, outside=False) == 0
    failed = [event for event in house.store.events.tail(50, box=box) if event.what == "login-failed"]
    assert {event.details["from"] for event in failed} == {"198.51.100.7"}


def test_an_address_that_tries_many_mailboxes_is_shut_out(house):
    boxes = [house.box(str(number)) for number in range(1001, 1009)]
    stranger = house.served.browser(headers={"X-Forwarded-For": "203.0.113.9"})
    for tried in range(30):
        box = boxes[tried % len(boxes)]
        assert stranger.post("/api/v1/session", {"mailbox": str(box), "pin": "9030"}).status == 401
    shut = stranger.post("/api/v1/session", {"mailbox": str(house.box("1999")), "pin": CHOSEN_PIN})
    assert (shut.status, shut.problem) == (429, "locked")
    assert house.owner(house.box("1998")).cookie


def test_another_pin_ends_every_session(house):
    box = house.box()
    alice, elsewhere = house.owner(box), house.owner(box)
    changed = alice.put(f"/api/v1/mailboxes/{box}/pin", {"pin": "739152", "current": CHOSEN_PIN})
    assert changed.status == 204
    assert alice.get(f"/api/v1/mailboxes/{box}").status == 200
    assert elsewhere.get(f"/api/v1/mailboxes/{box}").problem == "sign-in"
    house.store.pins.change(box, "739153")  # by telephone
    assert alice.get(f"/api/v1/mailboxes/{box}").problem == "sign-in"


def test_a_mailbox_made_anew_is_not_its_former_owners(house):
    box = house.box()
    alice = house.owner(box)
    house.store.registry.remove(box)
    house.box()
    assert alice.get(f"/api/v1/mailboxes/{box}").problem == "sign-in"


def test_an_owner_sees_where_he_is_signed_in_and_ends_it(house):
    box = house.box()
    alice, elsewhere = house.owner(box), house.owner(box)
    path = f"/api/v1/mailboxes/{box}/sessions"
    (other,) = [one for one in alice.get(path).json["sessions"] if not one["current"]]
    assert alice.delete(f"{path}/{other['id']}").status == 204
    assert elsewhere.get(path).status == 401
    assert alice.delete(f"{path}/{other['id']}").status == 404


def test_an_administrators_link_opens_once_and_looking_at_it_uses_nothing_up(house):
    link = house.served.command("admin", "add", "marie").strip()
    secret = link.rpartition("/")[2]
    scanner = house.served.browser()
    for method in ("GET", "HEAD"):
        assert scanner.ask(method, f"/admin/link/{secret}").status in {200, 404}
        assert not scanner.cookie
    marie = house.served.browser()
    assert marie.post("/api/v1/session/link", {"link": secret}).status == 201
    assert marie.get("/api/v1/session").json["role"] == "administrator"
    again = house.served.browser().post("/api/v1/session/link", {"link": secret})
    assert (again.status, again.problem) == (403, "forbidden")
    assert "marie" in house.served.command("admin", "list")
    house.served.command("admin", "remove", "marie")
    assert marie.get("/api/v1/mailboxes").status == 401


def sign_ins(house, seen):
    """What was written down of those who have no mailbox."""
    told = house.since(seen, SIGN_INS)
    return [(event.what, *(event.details.get(name, "") for name in ("who", "way", "from", "why"))) for event in told]


def test_administrators_sign_ins_are_written_down_and_so_is_who_guesses_at_links(house):
    began = house.seen(SIGN_INS)
    anna = house.served.browser(headers={"X-Forwarded-For": "198.51.100.20"})
    guess = anna.post("/api/v1/session/link", {"link": "guessed"})
    assert guess.problem == "forbidden"
    link = house.store.access.link("anna b", 600)
    assert anna.post("/api/v1/session/link", {"link": link}).status == 201
    assert sign_ins(house, began) == [
        ("login-failed", "", "link", "198.51.100.20", "no such link"),
        ("login", "anna b", "link", "198.51.100.20", ""),
    ]
    by = [event.details["by"].split()[1] for event in house.store.events.tail(2, box=SIGN_INS)]
    assert by == ["nobody", "administrator:anna:b"]
    secrets = house.served.command("events", "--box", str(SIGN_INS), "--json")
    assert link not in secrets
    assert "guessed" not in secrets


def test_links_are_guessed_at_as_seldom_as_pins(house):
    stranger = house.served.browser(headers={"X-Forwarded-For": "203.0.113.77"})
    for _ in range(30):
        assert stranger.post("/api/v1/session/link", {"link": "guessed"}).status == 403
    shut = stranger.post("/api/v1/session/link", {"link": house.store.access.link("otto", 600)})
    assert (shut.status, shut.problem) == (429, "locked")


def test_signing_in_again_ends_the_session_that_the_browser_had(house):
    box = house.box()
    alice = house.owner(box)
    former = house.served.browser(cookie=alice.cookie)
    alice.sign_in(box)
    assert alice.get(f"/api/v1/mailboxes/{box}").status == 200
    assert former.get(f"/api/v1/mailboxes/{box}").problem == "sign-in"


def test_a_token_does_what_it_may_where_it_may_for_as_long_as_it_may(house):
    box, other = house.box(), house.box("1002")
    words = house.served.command(
        "token", "add", "portal", "--mailbox", str(box), "--may", "mailbox.read", "message.*"
    ).strip()
    portal = house.served.browser(token=words)
    assert portal.get(f"/api/v1/mailboxes/{box}").status == 200
    assert portal.get(f"/api/v1/mailboxes/{other}").status == 404
    assert portal.get(f"/api/v1/mailboxes/{box}/greetings").problem == "forbidden"
    listed = [one for one in house.store.access.tokens() if one.reach.boxes == {box}]
    assert listed[0].used > 0
    assert words.split("_", 2)[2] not in house.served.command("token", "list", "--json")
    house.served.command("token", "revoke", listed[0].id)
    assert portal.get(f"/api/v1/mailboxes/{box}").problem == "sign-in"
    assert house.token("mailbox.read", seconds=-1).get(f"/api/v1/mailboxes/{box}").status == 401


def test_no_secret_is_kept_or_logged(house, web_redis):
    pin = "830571946203815"  # no number of a port or a message has it by chance
    box = house.box(pin=pin)
    alice = house.served.browser().sign_in(box, pin)
    words = house.token().token
    secret = alice.cookie.rpartition("~")[2]
    with web_redis.client() as client:
        everything = b"".join(
            repr(client.hgetall(key)).encode() for key in client.scan_iter("vm:*") if client.type(key) == b"hash"
        )
    log = house.served.log.read_text()
    for one in (secret, words.split("_", 2)[2], pin):
        assert one.encode() not in everything
        assert one not in log


def test_another_sites_forms_and_scripts_change_nothing(house):
    box = house.box()
    message_id = house.message(box)
    alice = house.owner(box)
    path = f"/api/v1/mailboxes/{box}/messages/{message_id}"
    for headers in (
        {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ):
        assert alice.delete(path, headers=headers).problem == "cross-site"
    assert alice.ask("DELETE", path, headers={"Origin": house.served.url}).status == 204
    evil = house.served.browser()
    tried = evil.post(
        "/api/v1/session", {"mailbox": str(box), "pin": CHOSEN_PIN}, headers={"Sec-Fetch-Site": "cross-site"}
    )
    assert tried.problem == "cross-site"
    assert not evil.cookie
