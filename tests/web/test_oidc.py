"""Signing in to the pages through the organisation's provider: owners, administrators, and who has nothing here."""

import re
import threading
from urllib.parse import urlencode, urlsplit

import pytest
from support.browser import CHOSEN_PIN
from support.redis_servers import free_port
from support.web_house import House, Served

neighbours = pytest.importorskip(
    "support.oidc_neighbour", reason="what esl-vm[oidc] and its test need is not installed"
)

from support.waiting import wait_until

from esl_vm.model.events import SIGN_INS
from esl_vm.model.mailbox import MailboxId
from esl_vm.model.settings import OidcSettings
from esl_vm.web.oidc import claimed_boxes

FORM = "application/x-www-form-urlencoded"
NOT_HERE = ("provider-away", "sign-in-failed", "no-mailbox", "pin-off", "locked")

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:authlib")


@pytest.fixture(scope="module")
def running():
    neighbour = neighbours.OidcNeighbour()
    yield neighbour
    neighbour.close()


@pytest.fixture
def neighbour(running):
    running.behave()
    return running


@pytest.fixture(scope="module")
def signing(web_redis, tmp_path_factory, running):
    """The program with a provider; a mailbox's domain is what its claim names."""
    served = Served(
        tmp_path_factory.mktemp("oidc"),
        web_redis.url,
        f'[oidc]\nissuer = "{running.issuer}"\nclient_id = "voicemail"\nclient_secret = "hush"\nname = "Acme"\n'
        'mailbox_claim = "voicemail"\ndomains = ["acme.example=oidc-acme"]\nadmin_groups = ["helpdesk"]\n'
        "sign_out = true\ntimeout_s = 60\n[web]\naddress_failures = 20\n",
    )
    yield served
    served.close()


@pytest.fixture
def house(signing):
    made = House(signing)
    made.domain = "oidc-acme"
    return made


def there_and_back(browser, neighbour, sub="alice", back="", **form):
    """As a browser: to the provider, and back with what it says; the page that follows is not asked for."""
    begun = browser.get("/sign-in/oidc", query={"back": back} if back else None)
    assert begun.status == 303, begun.body
    returned = urlsplit(neighbour.authorize(begun.headers["Location"], sub, **form))
    assert returned.path == "/sign-in/oidc/return"
    return browser.get(f"{returned.path}?{returned.query}")


def sign_ins(house, box, seen):
    told = house.since(seen, box)
    return [(event.what, event.details.get("way"), event.details.get("who", "")) for event in told]


def said(reply):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", reply.body.decode()))


@pytest.fixture
def alice(house, neighbour):
    neighbour.user("alice", voicemail="1001@acme.example", preferred_username="alice")
    box = MailboxId("1001", house.domain)
    if house.store.mailboxes.open(box) is None:
        house.box()
    return box


def test_an_owner_signs_in_by_his_claim_and_never_meets_a_pin(house, neighbour, alice):
    began = house.seen(alice)
    browser = house.served.browser(headers={"Accept-Language": "en"})
    first = browser.get("/")
    assert "Sign in with Acme" in said(first)
    reply = there_and_back(browser, neighbour)
    assert (reply.status, reply.headers["Location"]) == (303, f"/mailbox/{alice}/folder/new")
    assert browser.get(f"/mailbox/{alice}/folder/new").status == 200
    assert browser.get("/api/v1/session").json == {
        **browser.get("/api/v1/session").json, "name": str(alice), "role": "owner", "mailbox": str(alice),
    }  # fmt: skip
    assert sign_ins(house, alice, began) == [("login", "oidc", "")]


def test_he_comes_back_to_the_page_that_he_asked_for_and_to_no_other_site(house, neighbour, alice):
    wanted = f"/mailbox/{alice}/settings"
    browser = house.served.browser()
    assert f"/sign-in/oidc?back={wanted}" in browser.get(wanted).body.decode().replace("%40", "@").replace("%2F", "/")
    assert there_and_back(browser, neighbour, back=wanted).headers["Location"] == wanted
    for elsewhere in ("https://evil.example/", "//evil.example", f"/mailbox/1002@{house.domain}/settings", "/admin"):
        reply = there_and_back(house.served.browser(), neighbour, back=elsewhere)
        assert reply.headers["Location"] == f"/mailbox/{alice}/folder/new", elsewhere


def test_signing_in_makes_a_new_session_and_ends_the_former(house, neighbour, alice):
    browser = house.owner(alice)
    former = house.served.browser(cookie=browser.cookie)
    begun = browser.get("/sign-in/oidc")
    kept = f"{former.cookie}; {browser.cookie}"
    returned = urlsplit(neighbour.authorize(begun.headers["Location"], "alice"))
    browser.cookie = kept
    assert browser.get(f"{returned.path}?{returned.query}").status == 303
    assert browser.get(f"/api/v1/mailboxes/{alice}").status == 200
    assert former.get(f"/api/v1/mailboxes/{alice}").status == 401


def test_a_return_opens_nothing_twice_and_nothing_in_another_browser(house, neighbour, alice):
    browser = house.served.browser(headers={"Accept-Language": "en"})
    begun = browser.get("/sign-in/oidc")
    flow = browser.cookie
    returned = urlsplit(neighbour.authorize(begun.headers["Location"], "alice"))
    path = f"{returned.path}?{returned.query}"
    thief = house.served.browser(headers={"Accept-Language": "en"})
    stolen = thief.get(path)
    assert (stolen.status, thief.cookie) == (403, "")
    assert "You could not be signed in" in said(stolen)
    assert browser.get(path).status == 303
    again = house.served.browser(cookie=flow)
    assert again.get(path).status == 403


def test_administrators_are_members_of_a_group(house, neighbour):
    neighbour.user("marie", groups=["staff", "helpdesk"], preferred_username="marie.roy")
    began = house.seen(SIGN_INS)
    browser = house.served.browser()
    assert there_and_back(browser, neighbour, "marie").headers["Location"] == "/admin"
    assert browser.get("/admin").status == 200
    assert sign_ins(house, SIGN_INS, began) == [("login", "oidc", "marie.roy")]
    assert "marie.roy" in house.served.command("admin", "list")
    neighbour.user("eve", groups=["staff"], voicemail="1001@acme.example")
    assert there_and_back(house.served.browser(), neighbour, "eve", back="/admin").headers["Location"] != "/admin"


def test_who_is_both_is_an_administrator_where_he_asks_for_their_pages(house, neighbour, alice):
    neighbour.user("both", groups=["helpdesk"], voicemail="1001@acme.example")
    assert there_and_back(house.served.browser(), neighbour, "both").headers["Location"].startswith("/mailbox/")
    asked = there_and_back(house.served.browser(), neighbour, "both", back="/admin/events")
    assert asked.headers["Location"] == "/admin/events"


@pytest.mark.parametrize(
    "claims",
    [{}, {"voicemail": "7777@acme.example"}, {"voicemail": "1001@elsewhere.example"}, {"voicemail": {"x": 1}},
     {"voicemail": "../../1001"}],
    ids=["no claim", "no such mailbox", "another domain", "no text", "no number"],
)  # fmt: skip
def test_who_has_no_mailbox_is_told_so(house, neighbour, alice, claims):
    neighbour.user("nobody", preferred_username="n.body", **claims)
    began = house.seen(SIGN_INS)
    browser = house.served.browser(headers={"Accept-Language": "en"})
    reply = there_and_back(browser, neighbour, "nobody")
    assert reply.status == 403
    assert "You have no mailbox here" in said(reply)
    assert browser.get("/api/v1/session").status == 401
    [failed] = house.since(began, SIGN_INS)
    assert (failed.what, failed.details["way"], failed.details["why"][:7]) == ("login-failed", "oidc", "n.body:")


def test_who_refuses_there_or_comes_with_a_bad_token_is_not_signed_in(house, neighbour, alice):
    browser = house.served.browser(headers={"Accept-Language": "en", "X-Forwarded-For": "198.51.100.31"})
    neighbour.alter = lambda claims: claims | {"nonce": "another"}
    began = house.seen(SIGN_INS)
    assert there_and_back(browser, neighbour).status == 403
    [failed] = house.since(began, SIGN_INS)
    assert "nonce" in failed.details["why"]
    assert failed.details["from"] == "198.51.100.31"


def test_bad_returns_count_as_guesses_do_and_another_sites_count_for_nothing(house, neighbour, alice):
    headers = {"Accept-Language": "en", "X-Forwarded-For": "203.0.113.61"}
    for _ in range(25):  # a picture on another site could do so
        assert house.served.browser(headers=headers).get("/sign-in/oidc/return?state=x&code=y").status == 403
    assert there_and_back(house.served.browser(headers=headers), neighbour).status == 303
    neighbour.alter = lambda claims: claims | {"aud": "another"}
    for _ in range(20):
        assert there_and_back(house.served.browser(headers=headers), neighbour).status == 403
    shut = house.served.browser(headers=headers).get("/sign-in/oidc")
    assert shut.status == 429
    assert "Too many" in said(shut)


def test_a_provider_that_hangs_holds_up_nobody_else(house, neighbour, alice):
    browser, replies = house.served.browser(), []
    other = house.owner(alice)
    neighbour.held = {"/oauth2/token"}
    thread = threading.Thread(target=lambda: replies.append(there_and_back(browser, neighbour)))
    thread.start()
    assert neighbour.arrived.wait(100)
    assert other.get(f"/api/v1/mailboxes/{alice}").status == 200
    assert house.served.browser().get("/").status == 200
    assert replies == []
    neighbour.go_on.set()
    thread.join(100)
    assert replies[0].status == 303


def test_who_signs_out_is_offered_to_do_so_there_too(house, neighbour, alice):
    browser = house.served.browser(headers={"Accept-Language": "en"})
    there_and_back(browser, neighbour)
    reply = browser.post("/sign-out", b"", kind=FORM)
    assert f'href="{neighbour.issuer}/oauth2/end_session?client_id=voicemail' in reply.body.decode()
    assert browser.get(f"/api/v1/mailboxes/{alice}").status == 401
    by_pin = house.owner(alice)
    assert by_pin.post("/sign-out", b"", kind=FORM).headers["Location"] == "/"


def test_a_session_ends_with_its_mailbox_also_where_that_has_no_pin(house, neighbour):
    box = MailboxId("1009", house.domain)
    house.store.registry.add(box, {})
    key = house.store.keys.of(box).box
    house.store.link.run(key, lambda client: client.hset(key, "created", "1790000000"))  # not in this very second
    neighbour.user("nine", voicemail="1009@acme.example")
    browser = house.served.browser()
    there_and_back(browser, neighbour, "nine")
    assert browser.get(f"/api/v1/mailboxes/{box}").status == 200
    house.store.registry.remove(box)
    house.store.registry.add(box, {})
    assert browser.get(f"/api/v1/mailboxes/{box}").status == 401


def test_nothing_secret_of_it_is_logged(house, neighbour, alice):
    browser = house.served.browser()
    begun = browser.get("/sign-in/oidc")
    returned = urlsplit(neighbour.authorize(begun.headers["Location"], "alice"))
    browser.get(f"{returned.path}?{returned.query}")
    log = wait_until(lambda: (log := house.served.log.read_text()).count("GET /sign-in/oidc/return") and log)
    for word in (dict(part.split("=", 1) for part in returned.query.split("&"))["code"], "hush"):
        assert word not in log


def test_in_a_browser_one_button_leads_there_and_back_to_the_page_that_was_asked_for(house, neighbour, alice, chromium):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
    with chromium.new_context(locale="fr-CA") as context:
        page = context.new_page()
        page.goto(f"{house.served.url}/mailbox/{alice}/settings")
        assert axe.Axe().run(page).response["violations"] == []
        page.get_by_role("link", name="S’identifier auprès de Acme").click()
        page.fill("input[name=sub]", "alice")
        page.get_by_role("button", name="Authorize").click()
        page.wait_for_url(f"**/mailbox/{alice}/settings")
        page.get_by_role("button", name="Se déconnecter").first.click()
        page.get_by_role("link", name="S’y déconnecter aussi").click()
        page.wait_for_url(f"{neighbour.issuer}/oauth2/end_session**")


def test_claims_name_mailboxes_of_the_domains_that_the_settings_name():
    wanted = OidcSettings(mailbox_claim="ext", domains=("Acme.example=acme", "b.example=b"))

    def boxes(value, **claims):
        return [str(box) for box in claimed_boxes({"ext": value, **claims}, wanted, "default")]

    assert boxes("1001") == boxes(1001) == ["1001@default"]
    assert boxes(["1001@ACME.example", "1002@b.example", "1003@c.example", None, True]) == ["1001@acme", "1002@b"]
    assert boxes("1001@") == boxes("") == boxes(None) == boxes({"a": 1}) == []
    by_mail = OidcSettings(mailbox_claim="email", domains=("acme.example=acme",))
    mail = {"email": "alice@acme.example"}
    assert [str(box) for box in claimed_boxes(mail | {"email_verified": True}, by_mail, "default")] == ["alice@acme"]
    assert list(claimed_boxes(mail | {"email_verified": False}, by_mail, "default")) == []
    assert list(claimed_boxes(mail, OidcSettings(), "default")) == []


@pytest.fixture(scope="module")
def alone(web_redis, tmp_path_factory):
    """The program that takes no PIN, with a provider that is away."""
    served = Served(
        tmp_path_factory.mktemp("alone"),
        web_redis.url,
        f'[web]\npins = false\n[oidc]\nissuer = "http://127.0.0.1:{free_port()}"\nclient_id = "voicemail"\n'
        'mailbox_claim = "voicemail"\n',
    )
    yield House(served)
    served.close()


def test_where_only_the_organisation_opens_a_right_pin_is_refused_by_page_and_api(alone):
    box = alone.box()
    refused = alone.served.browser().post("/api/v1/session", {"mailbox": str(box), "pin": CHOSEN_PIN})
    assert (refused.status, refused.problem) == (403, "pin-off")
    browser = alone.served.browser(headers={"Accept-Language": "fr"})
    page = browser.get("/")
    assert "S’identifier auprès de votre organisation" in said(page)
    assert b'name="pin"' not in page.body
    by_form = browser.post("/", urlencode({"mailbox": str(box), "pin": CHOSEN_PIN}).encode(), kind=FORM)
    assert by_form.status == 403
    assert "Un NIP n’ouvre rien ici" in said(by_form)
    assert not browser.cookie
    assert alone.events(box) == ["box-added"]


def test_a_provider_that_is_away_is_said_in_words(alone):
    reply = alone.served.browser(headers={"Accept-Language": "en"}).get("/sign-in/oidc")
    assert reply.status == 503
    assert "Your organisation’s sign-in can’t be reached" in said(reply)
    wait_until(lambda: "the provider of oidc.issuer: 127.0.0.1" in alone.served.log.read_text())
