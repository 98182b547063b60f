"""The owner's pages without a script: every page is a URL, every change a form, and what was done can be undone."""

import gzip
import html
import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlencode

import pytest
from support.browser import CHOSEN_PIN
from support.hostile_names import Hostile, hostile_callers

from esl_vm.model.mailbox import Folder, Greeting, StoredGreeting
from esl_vm.model.message import CallDetails, Caller, Message
from esl_vm.web.pages import HERE
from esl_vm.web.wording import Wording, words

FORM = "application/x-www-form-urlencoded"


def send(browser, path, **fields):
    return browser.post(path, urlencode(fields).encode(), kind=FORM)


def text_of(reply):
    """What somebody reads: without marks, one blank between words."""
    inside = reply.body.decode().partition("<body")[2]
    return html.unescape(re.sub(r"[ \n]+", " ", re.sub(r"<[^>]+>", " ", inside)))


@pytest.fixture
def alice(house):
    box = house.box(language="fr", timezone="America/Toronto")
    browser = house.served.browser(headers={"Accept-Language": "fr-CA,fr;q=0.9"})
    reply = send(browser, "/", mailbox=str(box), pin=CHOSEN_PIN)
    assert (reply.status, reply.headers["Location"]) == (303, f"/mailbox/{box}/folder/new")
    browser.box = box
    return browser


def page(browser, *parts, **query):
    return browser.get("/".join(("/mailbox", str(browser.box), *parts)), query=query or None)


class Marks(HTMLParser):
    """A page as a browser takes it apart: its elements with the names of their attributes, and what is text."""

    def __init__(self, body):
        super().__init__()
        self.elements, self.texts = [], []
        self.feed(body.decode())

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, tuple(name for name, _ in attrs)))
        self.texts += [value or "" for _, value in attrs]

    def handle_data(self, data):
        self.texts.append(data)


def test_whatever_a_caller_sends_is_text_on_the_page(house, alice):
    """The page has the elements that it has for a caller with a plain name, attribute by attribute, and the name as it came."""
    odd = [caller for caller in hostile_callers() if {"<", '"', "'", "{", "]"} & set(caller.name)]
    now, callers = house.node.clock.now(), [Hostile("Bob", "bob"), *odd[::90]]
    for number, caller in enumerate(callers):
        house.store.mailboxes.deliver(
            alice.box, Message(f"m{number:04}", caller.caller, now, call=caller.call), even_if_full=True
        )
    plain = Marks(page(alice, "folder", "new", "m0000").body)
    for number, caller in enumerate(callers):
        opened = Marks(page(alice, "folder", "new", f"m{number:04}").body)
        if caller.caller.name and not caller.caller.dialable and len(caller.call.as_fields()) == 5:
            assert Counter(opened.elements) == Counter(plain.elements), caller
        for said in (caller.caller.name, caller.call.label):
            assert any(said in text for text in opened.texts), caller


def test_what_was_dialled_is_said_where_it_is_not_the_mailboxs_own_number(house, alice):
    now = house.node.clock.now()
    for number, call in enumerate(
        (CallDetails("a@x", "u", alice.box.number), CallDetails("b@x", "u", "15145550123", "1900", "Ventes"))
    ):
        house.store.mailboxes.deliver(alice.box, Message(f"m{number}", Caller("5145550101"), now, call=call))
    said = "Numéro composé : 514 555‑0123 Renvoyé de 1900 Ventes"
    assert said in text_of(page(alice, "folder", "new", "m1")).replace("\xa0", " ")
    assert "composé" not in text_of(page(alice, "folder", "new", "m0"))


def test_who_is_nobody_signs_in_and_comes_to_the_page_he_asked_for(house):
    box = house.box()
    browser = house.served.browser()
    asked = f"/mailbox/{box}/greetings"
    reply = browser.get(asked)
    assert reply.status == 401
    assert f'name="back" value="{asked}"' in reply.body.decode()
    assert send(browser, "/", mailbox=str(box), pin=CHOSEN_PIN, back=asked).headers["Location"] == asked
    assert browser.get("/").headers["Location"] == f"/mailbox/{box}/folder/new"


@pytest.mark.parametrize(
    "back", ["https://evil.example/", "//evil.example", "/mailbox/../api", "/mailbox/1@other/settings"]
)
def test_signing_in_leads_nowhere_else(house, back):
    box = house.box()
    reply = send(house.served.browser(), "/", mailbox=str(box), pin=CHOSEN_PIN, back=back)
    assert reply.headers["Location"] == f"/mailbox/{box}/folder/new"


def test_a_wrong_pin_is_said_on_the_page_in_the_browsers_language(house):
    box = house.box()
    for language, words_of_it in (("fr", "NIP incorrect"), ("en", "Wrong mailbox number or PIN")):
        browser = house.served.browser(headers={"Accept-Language": language})
        reply = send(browser, "/", mailbox=str(box), pin="9999")
        assert reply.status == 401
        assert words_of_it in text_of(reply)
        assert "9999" not in reply.body.decode()


def test_signing_out_ends_the_session(alice):
    before = alice.cookie
    assert send(alice, "/sign-out").headers["Location"] == "/"
    alice.cookie = before
    assert page(alice, "folder", "new").status == 401


def test_a_folder_shows_who_called_when_and_how_long(house, alice):
    house.message(alice.box, number="5145550142", name="Émilie Tremblay", ms=34000, urgent=True)
    house.message(alice.box, number="", name="", ms=2000)
    house.message(alice.box, number="1004", name="")
    shown = text_of(page(alice, "folder", "new"))
    for words_of_it in (
        "Émilie Tremblay",
        "Urgent",
        "0:34",
        "514\u00a0555\u20110142",
        "Numéro masqué",
        "Poste 1004",
        "Aujourd’hui",
    ):
        assert words_of_it in shown
    assert house.store.mailboxes.open(alice.box).counts.new == 3  # looking at them leaves them new


def test_a_callers_name_is_text(house, alice):
    name = '"><script>alert(1)</script>'
    message = house.message(alice.box, name=name, number="5145550142")
    for reply in (page(alice, "folder", "new"), page(alice, "folder", "new", message)):
        assert "<script>alert" not in reply.body.decode()
        assert name in html.unescape(reply.body.decode())


def test_a_message_is_heard_without_a_script(house, alice):
    message = house.message(alice.box)
    shown = page(alice, "folder", "new", message).body.decode()
    [source] = re.findall(r'<audio controls preload="none" src="([^"]+)"', shown)
    heard = alice.get(source)
    assert (heard.status, heard.headers["Content-Type"]) == (200, "audio/wav")
    assert 'class="wave"' in shown


def test_a_message_whose_sound_is_gone_says_so_and_the_rest_works(house, alice):
    message = house.message(alice.box)
    house.node.audio.delete(message)
    for cached in (house.served.folder / "data").rglob(f"{message}*"):
        cached.unlink()
    shown = page(alice, "folder", "new", message)
    assert shown.status == 200
    assert "n’est plus là" in text_of(shown)
    assert send(alice, f"/mailbox/{alice.box}/folder/new/{message}", action="delete").status == 303


def test_what_was_deleted_is_said_and_brought_back(house, alice):
    message = house.message(alice.box)
    told = send(alice, f"/mailbox/{alice.box}/folder/new/{message}", action="delete").headers["Location"]
    shown = alice.get(told)
    assert "Message supprimé" in text_of(shown)
    [undo] = re.findall(
        r'<form method="post" action="([^"]+)" data-swap><input type="hidden" name="action" value="restore">',
        shown.body.decode(),
    )
    assert house.store.mailboxes.message(alice.box, message).folder is Folder.TRASH
    assert send(alice, undo, action="restore").status == 303
    assert house.store.mailboxes.message(alice.box, message).folder is Folder.NEW


def test_a_message_is_kept_elsewhere_marked_and_forwarded(house, alice):
    bob = house.box("1002")
    message = house.message(alice.box)
    address = f"/mailbox/{alice.box}/folder/new/{message}"
    told = send(alice, address, action="move", to="family").headers["Location"]
    assert "conservé dans Famille" in text_of(alice.get(told))
    assert house.store.mailboxes.message(alice.box, message).folder is Folder.FAMILY
    send(alice, address, action="heard")
    assert house.store.mailboxes.message(alice.box, message).heard
    send(alice, address, action="new")
    assert house.store.mailboxes.message(alice.box, message).folder is Folder.NEW
    told = send(alice, address, action="annotate", handled_by="1002 Bruno", note="<b>Rappelé").headers["Location"]
    seen = text_of(alice.get(told))
    assert "Pris en charge par 1002 Bruno" in seen
    assert "<b>" not in alice.get(told).body.decode().split("<main")[1]
    assert house.store.mailboxes.message(alice.box, message).note == "<b>Rappelé"
    told = send(alice, address, action="forward", to="1002").headers["Location"]
    assert "Message transféré" in text_of(alice.get(told))
    assert house.store.mailboxes.open(bob).counts.new == 1


def test_a_message_that_went_meanwhile_is_said_to_be_gone(house, alice):
    message = house.message(alice.box)
    house.store.mailboxes.delete(alice.box, message)
    assert house.store.housekeeping.erase(alice.box, [message]) == 1
    told = page(alice, "folder", "new", message).headers["Location"]
    assert "n’est plus là" in text_of(alice.get(told))
    told = send(alice, f"/mailbox/{alice.box}/folder/new/{message}", action="delete").headers["Location"]
    assert "n’est plus là" in text_of(alice.get(told))


def test_several_are_ticked_and_deleted(house, alice):
    messages = [house.message(alice.box) for _ in range(3)]
    shown = page(alice, "folder", "new", choose="1").body.decode()
    assert shown.count('type="checkbox"') == 3
    told = alice.post(
        f"/mailbox/{alice.box}/folder/new",
        urlencode({f"id.{message}": "on" for message in messages[:2]}).encode(),
        kind=FORM,
    ).headers["Location"]
    assert "2 messages supprimés" in text_of(alice.get(told))
    assert house.store.mailboxes.open(alice.box).counts.new == 1


def test_a_search_finds_callers_without_accents(house, alice):
    house.message(alice.box, name="Zoé Côté")
    house.message(alice.box, name="Garage Bélanger")
    found = text_of(page(alice, "folder", "new", q="belanger"))
    assert "Garage Bélanger" in found
    assert "Zoé" not in found
    assert "Aucun message de « Durand »" in text_of(page(alice, "folder", "new", q="Durand"))


def test_more_than_a_page_of_messages_lead_on(house, alice):
    for n in range(60):
        house.message(alice.box, name=f"Caller {n:02d}", at=1_790_000_000 + n)
    first = page(alice, "folder", "new").body.decode()
    assert "Caller 59" in first
    assert "Caller 09" not in first
    [following] = re.findall(r'href="([^"]*cursor=[^"]+)" data-swap>Messages plus anciens', first)
    second = alice.get(html.unescape(following)).body.decode()
    assert "Caller 09" in second
    assert "Caller 59" not in second


def test_greetings_are_heard_dated_and_erased(house, alice):
    sound = house.sound()
    house.node.audio.put("holiday", sound)
    house.store.mailboxes.set_greeting(alice.box, Greeting.TEMPORARY, StoredGreeting("holiday", 2000))
    shown = page(alice, "greetings")
    assert "En vigueur" in text_of(shown)
    [source] = re.findall(r'src="([^"]+/greetings/temporary/sound[^"]*)"', shown.body.decode())
    assert alice.get(source.partition("?")[0]).status == 200
    address = f"/mailbox/{alice.box}/greetings/temporary"
    told = send(alice, address, action="dates", starts="2030-12-24T08:00", ends="2031-01-02T08:00").headers["Location"]
    assert "Pas en vigueur maintenant" in text_of(alice.get(told))
    stored = house.store.mailboxes.open(alice.box).greetings[Greeting.TEMPORARY]
    assert (stored.starts, stored.ends) == (1924347600, 1925125200)  # 8 h in Toronto, in winter
    assert send(alice, address, action="erase").status == 303
    assert Greeting.TEMPORARY not in house.store.mailboxes.open(alice.box).greetings


def test_the_pin_is_changed_under_the_telephones_rules(house, alice):
    address = f"/mailbox/{alice.box}/settings"
    weak = send(alice, address, action="pin", current=CHOSEN_PIN, new="1234", again="1234")
    assert weak.status == 422
    assert "trop facile à deviner" in text_of(weak)
    differ = send(alice, address, action="pin", current=CHOSEN_PIN, new="749302", again="749303")
    assert "ne sont pas les mêmes" in text_of(differ)
    done = send(alice, address, action="pin", current=CHOSEN_PIN, new="074931", again="074931")
    assert done.status == 303
    assert "NIP changé" in text_of(alice.get(done.headers["Location"]))  # this browser stays signed in
    assert send(house.served.browser(), "/", mailbox=str(alice.box), pin="074931").status == 303
    assert send(house.served.browser(), "/", mailbox=str(alice.box), pin="74931").status == 401


def test_mail_and_language_are_the_owners_to_change(house, alice):
    address = f"/mailbox/{alice.box}/settings"
    assert send(alice, address, action="notices", email="alice@example.com", pager="", attach="1").status == 303
    assert house.store.mailboxes.open(alice.box).email == "alice@example.com"
    wrong = send(alice, address, action="notices", email="not an address", pager="")
    assert wrong.status == 422
    told = send(alice, address, action="language", language="en").headers["Location"]
    assert "Settings saved" in text_of(alice.get(told))
    assert house.store.mailboxes.open(alice.box).language == "en"


def test_how_messages_are_heard_on_the_telephone_is_the_owners_to_change(house, alice):
    page = f"/mailbox/{alice.box}/settings"
    assert 'name="brief" value="1" checked' in alice.get(page).body.decode()
    given = {"action": "listening", "autoplay": "1", "envelope": "1", "timezone": "America/Vancouver"}
    assert send(alice, page, **given).status == 303
    mailbox = house.store.mailboxes.open(alice.box)
    options = mailbox.options
    assert (options.autoplay, options.envelope, options.brief, options.saycid) == (True, True, False, False)
    assert mailbox.timezone == "America/Vancouver"
    wrong = send(alice, page, **given | {"timezone": "Atlantis/City"})
    assert wrong.status == 422
    assert house.store.mailboxes.open(alice.box).timezone == "America/Vancouver"


def test_another_browser_is_signed_out(house, alice):
    other = house.owner(alice.box)
    [session] = re.findall(r'name="session" value="([^"]+)"', page(alice, "settings").body.decode())
    send(alice, f"/mailbox/{alice.box}/settings", action="session", session=session)
    assert other.get(f"/api/v1/mailboxes/{alice.box}").status == 401
    assert page(alice, "settings").status == 200


def test_the_next_mailbox_is_not_there(house, alice):
    bob = house.box("1002")
    message = house.message(bob)
    for path in ("folder/new", f"folder/new/{message}", "greetings", "settings"):
        assert alice.get(f"/mailbox/{bob}/{path}").status == 404
    assert send(alice, f"/mailbox/{bob}/folder/new/{message}", action="delete").status == 404
    assert send(alice, f"/mailbox/{bob}/settings", action="language", language="en").status == 404
    assert house.store.mailboxes.open(bob).counts.new == 1


def test_forms_of_another_site_change_nothing(house, alice):
    message = house.message(alice.box)
    reply = alice.post(
        f"/mailbox/{alice.box}/folder/new/{message}",
        b"action=delete",
        kind=FORM,
        headers={"Origin": "https://evil.example"},
    )
    assert reply.status == 403
    assert house.store.mailboxes.open(alice.box).counts.new == 1


def test_a_first_page_is_light(house, alice):
    for _ in range(50):
        house.message(alice.box, name="Émilie Tremblay", number="5145550142")
    packed = {"Accept-Encoding": "gzip, br"}
    shown = alice.get(f"/mailbox/{alice.box}/folder/new", headers=packed)
    wanted = set(re.findall(r'(?:href|src)="(/static/[^"]+)"', gzip.decompress(shown.body).decode()))
    assert {address.rpartition("/")[2] for address in wanted} >= {
        one.name for one in (HERE / "static").glob("*.js")
    } - {"listen.js", "admin.js", "push-worker.js"}
    parts = [shown, *(alice.get(address, headers=packed) for address in wanted)]
    assert sum(len(part.body) + len(bytes(part.headers)) for part in parts) <= 60_000


# -- words ------------------------------------------------------------------------------------------


def test_both_languages_have_the_same_words():
    assert set(words("fr")) == set(words("en"))
    for key, french in words("fr").items():
        assert set(re.findall(r"{\w+}", french)) == set(re.findall(r"{\w+}", words("en")[key])), key


def test_every_word_is_used():
    used = "".join(
        path.read_text(encoding="utf-8") for path in [*(HERE / "templates").glob("*.html"), *Path(HERE).glob("*.py")]
    )
    built = (
        "transcript.",
        "folder.",
        "greeting.",
        "done.",
        "call.",
        "option.",
        "problem.",
        "language.",
        "listen.",
        "finding.",
        "admin.",
        "way.",
    )
    plural = {key.rpartition(".")[0] for key in words("fr") if key.endswith((".one", ".many"))}
    unused = [
        key
        for key in words("fr")
        if not key.startswith(built)
        and f'"{key}"' not in used
        and not (key.rpartition(".")[0] in plural and f'"{key.rpartition(".")[0]}"' in used)
    ]
    assert unused == []


def at(zone, *moment):
    from datetime import datetime
    from zoneinfo import ZoneInfo

    return datetime(*moment, tzinfo=ZoneInfo(zone)).timestamp()


@pytest.mark.parametrize(
    ("language", "moment", "said"),
    [
        ("fr", (2026, 11, 28, 9, 52, 30), "à l’instant"),
        ("fr", (2026, 11, 28, 9, 5), "9\u00a0h\u00a005"),
        ("fr", (2026, 11, 28, 8, 0), "8\u00a0h"),
        ("fr", (2026, 11, 27, 16, 40), "hier, 16\u00a0h\u00a040"),
        ("fr", (2026, 11, 23, 14, 30), "lundi, 14\u00a0h\u00a030"),
        ("fr", (2026, 11, 3, 14, 0), "3 novembre 2026, 14\u00a0h"),
        ("fr", (2026, 11, 1, 0, 0), "1er novembre 2026, 0\u00a0h"),
        ("en", (2026, 11, 27, 16, 40), "yesterday, 4:40\u00a0p.m."),
        ("en", (2026, 11, 3, 0, 5), "November 3, 2026, 12:05\u00a0a.m."),
    ],
)
def test_times_are_said_as_people_say_them(language, moment, said):
    zone = "America/Toronto"
    assert Wording(language, zone, at(zone, 2026, 11, 28, 9, 53)).when(at(zone, *moment)) == said


def test_a_time_is_the_mailboxes_own_on_both_sides_of_a_change_of_clocks():
    zone = "America/Toronto"
    said = Wording("fr", zone, at(zone, 2026, 11, 1, 12, 0))
    assert said.clock(at(zone, 2026, 11, 1, 0, 30)) == "0\u00a0h\u00a030"
    assert said.exact(at(zone, 2026, 10, 31, 23, 0)).endswith("(EDT)")
    assert said.exact(at(zone, 2026, 11, 1, 11, 0)).endswith("(EST)")


@pytest.mark.parametrize(
    ("n", "french", "english"),
    [
        (0, "0 message supprimé", "0 messages deleted"),
        (1, "1 message supprimé", "1 message deleted"),
        (2, "2 messages supprimés", "2 messages deleted"),
    ],
)
def test_plurals_are_those_of_the_language(n, french, english):
    assert Wording("fr", "", 0).counted("done.deleted", n) == french
    assert Wording("en", "", 0).counted("done.deleted", n) == english


def test_a_folder_says_how_long_its_messages_are_kept(house, alice):
    house.store.registry.change(alice.box, {"retention_folders": "new=90; old=1", "trash_days": "30"})
    said = {folder: text_of(page(alice, "folder", folder)) for folder in ("new", "old", "work", "trash")}
    assert "Les messages vont à la corbeille 90 jours après leur arrivée." in said["new"]
    assert "Les messages vont à la corbeille 1 jour après leur arrivée." in said["old"]
    assert "Effacés 30 jours après leur suppression." in said["trash"]
    assert "après leur" not in said["work"]
    kept = alice.get(f"/api/v1/mailboxes/{alice.box}").json["kept_days"]
    assert (kept["new"], kept["old"], kept["work"], kept["trash"]) == (90, 1, 0, 30)
