"""The pages in a real browser: what a thumb, a mouse or a keyboard does; axe looks at what comes up."""

import re
import shutil
import time

import pytest
from support.browser import CHOSEN_PIN

from esl_vm.model.events import EventType
from esl_vm.model.mailbox import Folder
from esl_vm.model.transcript import Segment, Transcript

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
axe_module = pytest.importorskip(
    "axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed"
)

PHONE = {"width": 360, "height": 780}
DESK = {"width": 1280, "height": 800}


class Owner:
    """Somebody in front of a page, and whatever the browser complained of."""

    def __init__(self, chromium, house, box, *, size=DESK, language="fr", dark=False, scripts=True):
        self.house, self.box = house, box
        self.context = chromium.new_context(
            viewport=size,
            locale=f"{language}-CA",
            color_scheme="dark" if dark else "light",
            java_script_enabled=scripts,
            permissions=["microphone"],
            reduced_motion="reduce",
        )
        self.page = self.context.new_page()
        self.complaints = []
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", lambda said: said.type == "error" and self.complaints.append(said.text))

    def sign_in(self):
        self.page.goto(self.house.served.url)
        self.page.fill("#mailbox", str(self.box))
        self.page.fill("#pin", CHOSEN_PIN)
        self.page.click("main button")
        self.page.wait_for_url("**/folder/new")
        return self

    def go(self, path):
        self.page.goto(f"{self.house.served.url}/mailbox/{self.box}/{path}")

    def mailbox(self):
        return self.house.store.mailboxes.open(self.box)

    def sees(self, text):
        sync_api.expect(self.page.get_by_text(text).first).to_be_visible()

    def until(self, holds):
        """Wait until something holds in the mailbox, while the page goes on."""
        end = time.monotonic() + 100
        while not holds():
            assert time.monotonic() < end
            self.page.wait_for_timeout(50)

    def axe(self):
        """What axe finds wrong for people who see, hear or move otherwise; nothing."""
        found = axe_module.Axe().run(self.page)
        assert [f"{one['id']}: {[node['html'] for node in one['nodes']]}" for one in found.response["violations"]] == []


@pytest.fixture
def sits_down(chromium, house):
    there = []

    def make(box=None, **more):
        there.append(Owner(chromium, house, box or house.box(language=more.get("language", "fr")), **more))
        return there[-1]

    yield make
    for owner in there:
        assert owner.complaints == []
        owner.context.close()


def three_messages(house, box):
    now = house.node.clock.now()
    house.message(box, number="5145550179", name="Garage Bélanger", at=now - 90000, ms=3000)
    house.message(box, number="", name="", at=now - 7200, ms=2000)
    return house.message(box, number="5145550142", name="Émilie Tremblay", at=now - 600, ms=4000, urgent=True)


@pytest.mark.parametrize(
    ("size", "language"),
    [pytest.param(PHONE, "fr", id="phone"), pytest.param(DESK, "en", id="desk", marks=pytest.mark.slow)],
)
def test_a_message_is_heard_deleted_and_brought_back(house, sits_down, size, language):
    owner = sits_down(size=size, language=language, dark=size is PHONE)
    newest = three_messages(house, owner.box)
    page = owner.sign_in().page
    owner.axe()
    page.click(".messages a >> nth=0")
    page.wait_for_selector(".deck:not([hidden])")
    owner.axe()
    assert not owner.mailbox().counts.of("old")  # opened is not heard
    page.click("[data-do=play]")
    owner.until(lambda: house.store.mailboxes.message(owner.box, newest).heard)
    owner.sees("Supprimer" if language == "fr" else "Delete")
    page.click("button[value=delete]")
    owner.sees("Message supprimé" if language == "fr" else "Message deleted")
    owner.until(lambda: house.store.mailboxes.message(owner.box, newest).folder == "trash")
    page.click(".undo button")
    owner.sees("Message rétabli" if language == "fr" else "Message restored")
    assert house.store.mailboxes.message(owner.box, newest).folder != "trash"


def test_the_keyboard_alone_is_enough(house, sits_down):
    owner = sits_down()
    three_messages(house, owner.box)
    keyboard = owner.sign_in().page.keyboard
    keyboard.press("j")
    keyboard.press("j")
    keyboard.press("Enter")
    owner.page.wait_for_selector("#detail h1:has-text('Numéro masqué')")
    keyboard.press("9")
    owner.page.wait_for_selector("#keep:focus")
    keyboard.press("Tab")
    keyboard.press("Enter")
    owner.sees("Message conservé dans")
    keyboard.press("z")
    owner.until(lambda: owner.mailbox().counts.of("new") == 3)
    keyboard.press("/")
    owner.page.wait_for_selector("#q:focus")
    keyboard.type("belanger7")  # typing is no command
    keyboard.press("Enter")
    owner.sees("Aucun message de « belanger7 »")
    assert owner.mailbox().counts.of("new") == 3


def test_what_is_left_on_the_telephone_shows_within_a_moment(house, sits_down):
    owner = sits_down()
    owner.sign_in()
    owner.sees("Aucun nouveau message")
    leaves = ("--from", "1004", "--name", "Jean Roy", "--variable", f"vm_domain={owner.box.domain}")
    house.served.command("phone", owner.box.number, "--keys", "# # 1", "--mute", *leaves)
    owner.page.wait_for_selector("[data-count=new]:has-text('1')")
    owner.page.wait_for_selector("#news a:visible, .messages a:has-text('Jean Roy')")


def test_a_page_takes_up_its_events_again_where_the_service_could_not_give_them(house, sits_down):
    owner = sits_down()
    refused = []
    owner.page.route(
        "**/events*",
        lambda route: (refused.append(1), route.fulfill(status=503)) if not refused else route.continue_(),
    )
    with owner.page.expect_response(lambda reply: "/events" in reply.url and reply.status == 200):
        owner.sign_in()
        owner.until(lambda: refused)
        house.message(owner.box, name="Jean Roy", number="1004")  # while nothing tells of it
    owner.page.wait_for_selector(".messages a:has-text('Jean Roy')")
    house.message(owner.box, name="Eve Roy", number="1005")
    owner.page.wait_for_selector("#news a:visible, .messages a:has-text('Eve Roy')")
    owner.complaints.clear()  # the browser's own line about the 503


def test_while_a_message_is_open_the_list_stays_where_it_is(house, sits_down):
    owner = sits_down()
    three_messages(house, owner.box)
    owner.sign_in().page.click(".messages a >> nth=1")
    owner.page.wait_for_selector(".deck:not([hidden])")
    house.message(owner.box, name="Jean Roy", number="1004")
    owner.page.wait_for_selector("#news a:has-text('1 nouveau message')")
    assert owner.page.locator(".messages a").count() == 3
    owner.page.click("#news a")
    owner.page.wait_for_selector(".messages a:has-text('Jean Roy')")


@pytest.mark.parametrize(
    "size", [pytest.param(PHONE, id="phone", marks=pytest.mark.slow), pytest.param(DESK, id="desk")]
)
@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg, which reads what a browser records, is missing")
def test_a_message_is_forwarded_with_a_comment_recorded_in_the_browser(house, sits_down, size):
    owner, colleague = sits_down(size=size), house.box("1002")
    three_messages(house, owner.box)
    page = owner.sign_in().page
    page.click(".messages a >> nth=0")
    page.wait_for_selector(".deck:not([hidden])")
    page.keyboard.press("8")
    page.wait_for_selector("#to:focus")
    page.keyboard.type("1002")
    form = page.locator("form[data-sends]")
    form.locator("[data-do=record]").click()
    form.locator("[data-do=stop]").wait_for(state="visible")
    page.wait_for_timeout(600)
    form.locator("[data-do=stop]").click()
    form.locator(".review").wait_for(state="visible")
    owner.axe()
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    form.locator(".main:not([data-do])").click()
    owner.sees("Message transféré")
    [got] = house.store.mailboxes.page(colleague, Folder.NEW, urgent=None, after=None, most=5).messages
    assert got.forwarded_by == str(owner.box)
    assert 0 < got.intro_ms < 100_000


def test_a_comment_is_a_file_too_or_dropped_and_who_can_not_get_it_is_named(house, sits_down):
    owner, colleague = sits_down(language="en"), house.box("1002")
    three_messages(house, owner.box)
    page = owner.sign_in().page
    page.click(".messages a >> nth=0")
    page.wait_for_selector(".deck:not([hidden])")
    page.keyboard.press("8")
    form = page.locator("form[data-sends]")
    spoken = {"name": "comment.wav", "mimeType": "audio/wav", "buffer": house.sound(1000).read_bytes()}

    def forwards(to, done):
        page.fill("#to", to)
        form.locator(".main:not([data-do])").click()
        owner.sees(done)
        return house.store.mailboxes.page(colleague, Folder.NEW, urgent=None, after=None, most=5).messages

    form.locator("input[type=file]").set_input_files(spoken)
    form.locator(".review").wait_for(state="visible")
    assert forwards("7777", "correct the numbers and try again. To correct: 7777.") == ()
    owner.complaints.clear()  # the browser's own line about the 422
    [first] = forwards("1002", "Message forwarded")
    assert first.intro_ms == 1000
    page.locator("summary[data-key='8']").click()
    form.locator("input[type=file]").set_input_files(spoken)
    form.locator("[data-do=drop]").click()
    form.locator(".review").wait_for(state="hidden")
    page.evaluate("document.getElementById('notice').replaceChildren()")
    assert [one.intro_ms for one in forwards("1002", "Message forwarded")] == [1000, 0]


def test_a_caller_is_called_back_and_the_page_says_how_it_goes(house, sits_down):
    owner = sits_down(house.box(language="fr", callback="yes", call_patterns="514XXXXXXX"))
    newest = three_messages(house, owner.box)
    house.reports("media-1", freeswitch="up")
    try:
        owner.sign_in().page.click(".messages a >> nth=0")
        owner.page.wait_for_selector("button[value=call-back]")
        owner.axe()
        owner.page.keyboard.press("r")
        owner.sees("Votre téléphone va sonner")
    finally:
        house.store.cluster.leave("media-1")
    for state, why, said in (
        ("ringing", "", "Votre téléphone sonne"),
        ("failed", "busy", "Votre téléphone est occupé"),
        ("answered", "", "Vous êtes mis en communication"),
    ):
        house.store.mailboxes.log_event(
            owner.box, EventType.CALL_BACK, newest, call="c1", number="5145550142", state=state, why=why
        )
        owner.sees(said)


SAID = Transcript(
    language="fr",
    engine="faster-whisper base",
    segments=(
        Segment(0, 1000, "Bonjour Alice, c'est Zoé."),
        Segment(1000, 2500, "Le client a confirmé pour jeudi."),
        Segment(2500, 5000, "Rappelez-moi avant midi."),
    ),
)


def test_a_sentence_that_is_touched_is_heard_from_its_beginning(house, sits_down):
    box = house.box(transcribe="yes", language="fr")
    message_id = house.message(box, ms=5000)
    house.store.mailboxes.transcribed(box, message_id, SAID)
    owner = sits_down(box).sign_in()
    owner.sees("Bonjour Alice, c'est Zoé. Le client")
    owner.go(f"folder/new/{message_id}")
    owner.axe()
    owner.page.get_by_text("Rappelez-moi avant midi.").last.click()
    at = owner.page.locator(".player [data-at]").first
    sync_api.expect(at).to_have_text(re.compile("0:0[2-5]"))
    owner.until(lambda: house.store.mailboxes.message(box, message_id).heard)


def test_the_text_comes_into_the_message_that_is_open(house, sits_down):
    box = house.box(language="fr")
    message_id = house.message(box, ms=5000)
    owner = sits_down(box).sign_in()
    owner.page.goto("about:blank")  # the stream of the page before has ended, it is not what is waited for
    with owner.page.expect_response(lambda answer: answer.url.endswith("/events")):
        owner.go(f"folder/new/{message_id}")
    owner.page.locator("summary").first.click()
    owner.page.fill("#to", "1002")
    house.store.mailboxes.transcribed(box, message_id, SAID)
    owner.sees("Rappelez-moi avant midi.")
    assert owner.page.input_value("#to") == "1002", "what was typed stays"


def test_an_administrator_broadcasts_and_sends_a_table_in(chromium, house):
    box, other = house.box(), house.box("1002")
    context = chromium.new_context(viewport=DESK, locale="fr-CA", reduced_motion="reduce")
    page = context.new_page()
    page.goto(f"{house.served.url}/admin/link/{house.store.access.link('marie', 600)}")
    page.click("main button")
    page.wait_for_url("**/admin")
    page.goto(f"{house.served.url}/admin/broadcast")
    page.fill("#to-boxes", f"{box},{other}")
    page.click("form[data-sends] > .row .main")
    page.wait_for_selector(".wrong:has-text('Enregistrez')")
    spoken = {"name": "news.wav", "mimeType": "audio/wav", "buffer": house.sound(1000).read_bytes()}
    page.set_input_files("form[data-sends] input[type=file]", spoken)
    page.wait_for_selector("form[data-sends] .review:not([hidden])")
    page.click("form[data-sends] > .row .main")
    page.wait_for_selector("main .note:has-text('Boîtes qui l’ont : 2')")
    assert [house.store.mailboxes.counts(one).new for one in (box, other)] == [1, 1]
    page.goto(f"{house.served.url}/admin/table")
    table = f"mailbox,name\n{box},Zoé Roy\n".encode()
    page.set_input_files("[data-into=table]", {"name": "boxes.csv", "mimeType": "text/csv", "buffer": table})
    page.wait_for_function("document.getElementById('table').value.includes('Zoé Roy')")
    page.click("button[value=look]")
    page.click("button[value=apply]")
    page.wait_for_selector("[role=status]")
    assert house.store.mailboxes.open(box).name == "Zoé Roy"
    context.close()
