"""Everything on the pages that can be pressed, filled in or played: with the keyboard alone, in both languages, small and large.

What is there is read from the templates (`support.page_controls`), what is used here from this file's own calls: a new
button that nobody presses fails the first test. axe looks at every state. Each visit is made once, every second one in
English on a large screen; with `-m slow` each is made in both languages and sizes.
"""

import ast
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from support.browser import CHOSEN_PIN
from support.page_controls import controls
from support.person import DESK, PHONE
from support.waiting import wait_until
from support.web_house import House

from esl_vm.model.findings import Finding, HeldTake, Level, NodeReport, OrderKind
from esl_vm.model.jobs import Job, JobKind, JobState
from esl_vm.model.mailbox import Folder, MailboxId
from esl_vm.model.pins import PinCheck
from esl_vm.model.transcript import Segment, Transcript

HANDS = {"press", "write", "choose", "send_file", "fill_date", "reach"}
# Whose other side is a provider's page: test_oidc.py goes through them over HTTP.
ELSEWHERE = ("sign_in.sign_in_by", "signed_out.sign_out_there", "signed_out.home")
PAIRS = ("fr-phone", "en-desk")
OTHERS = ("en-phone", "fr-desk")  # axe need not look at what differs in words alone
DAY_S = 86400
SEVERAL = 52  # more than a page has
SAID = Transcript(language="fr", segments=(Segment(0, 900, "Bonjour."), Segment(1000, 2000, "Rappelez-moi.")))
TEXTS = {
    "fr": {"wrong": "Numéro de boîte ou NIP incorrect", "none": "Aucun message de"},
    "en": {"wrong": "Wrong mailbox number or PIN", "none": "No message from"},
}


def test_every_control_of_the_pages_is_used_here():
    calls = [node for node in ast.walk(ast.parse(Path(__file__).read_text())) if isinstance(node, ast.Call)]
    names = [call.args[0] for call in calls if isinstance(call.func, ast.Attribute) and call.func.attr in HANDS]
    used = {one.value for name in names for one in ast.walk(name) if isinstance(one, ast.Constant)} | {*ELSEWHERE}
    assert sorted(set(controls()) - used) == [], "nobody presses them"
    assert sorted(used - set(controls())) == [], "they are no longer there"


@pytest.fixture
def house(marked):
    return House(marked)


def pytest_generate_tests(metafunc):
    """Which language and size a visit has: by turns, and all of them among the slow tests."""
    if "at" not in metafunc.fixturenames:
        return
    visits = [name for name in vars(metafunc.module) if name.startswith("test_")]
    turn = visits.index(metafunc.function.__name__) % len(PAIRS)
    slow = [pytest.param(pair, marks=pytest.mark.slow) for pair in (*PAIRS, *OTHERS) if pair != PAIRS[turn]]
    metafunc.parametrize("at", [PAIRS[turn], *slow], indirect=True)


@pytest.fixture
def at(request):
    """Language and size of the window."""
    language, _, size = request.param.partition("-")
    return {"language": language, "size": PHONE if size == "phone" else DESK, "axe": request.param in PAIRS}


@pytest.fixture
def owner(house, person, at):
    """Alice, signed in, her mailbox's first page open."""
    box = house.box(language=at["language"], email="alice@example.com")
    now = house.node.clock.now()
    for minutes, name in ((600, "Garage Bélanger"), (300, ""), (3, "Émilie Tremblay")):
        house.message(box, name=name, number="5145550142" if name else "", at=now - 60 * minutes, urgent=minutes == 3)
    alice = person(**at, refused=(404, 422)).brings(house.owner(box).cookie)
    alice.box, alice.small = box, at["size"] is PHONE
    alice.folder = f"/mailbox/{box}/folder"
    alice.counts = lambda: house.store.mailboxes.open(box).counts
    return alice


def test_signing_in_and_out(house, person, at):
    box, said = house.box(language=at["language"]), TEXTS[at["language"]]
    one = person(**at, refused=(401, 403)).goes(f"/mailbox/{box}/settings")
    one.press("page.skip")
    one.axe()
    one.write("sign_in.mailbox", str(box))
    one.press("sign_in.mail_link")
    one.axe()
    one.press("link_asked.home")
    one.goes(f"/mailbox/{box}/settings").write("sign_in.mailbox", str(box))
    one.write("sign_in.pin", "9999")
    one.press("sign_in.sign_in")
    one.sees(said["wrong"])
    one.axe()
    one.write("sign_in.pin", CHOSEN_PIN)
    one.press("sign_in.sign_in")
    one.page.wait_for_url(f"**/mailbox/{box}/settings")
    one.press("owner.sign_out")
    one.page.wait_for_selector("#pin")
    mark = house.store.mailboxes.open(box).pin_mark
    one.goes(f"/sign-in/link/{house.store.access.owner_link(box, mark, 600)}").axe()
    one.press("mailed_link.sign_in")
    one.page.wait_for_url("**/folder/new")


def test_a_message_is_heard_marked_and_called_back(house, owner):
    owner.goes(f"{owner.folder}/new").axe()
    newest = owner.page.locator(".messages a").first.get_attribute("href").rpartition("/")[2]
    heard = lambda: house.store.mailboxes.message(owner.box, newest).heard  # noqa: E731
    house.store.registry.change(owner.box, {"transcribe": "yes"})
    house.store.mailboxes.transcribed(owner.box, newest, SAID)
    owner.goes(f"{owner.folder}/new")
    owner.press("folder.new_mark")
    owner.page.wait_for_selector(".deck:not([hidden])")
    owner.axe()
    owner.press("folder.play")
    owner.until(heard)
    owner.press("folder.play")
    owner.press("folder.+3")
    owner.page.wait_for_selector(".position[aria-valuetext='0:02']")
    owner.press("folder.-3")
    owner.page.wait_for_selector(".position[aria-valuetext='0:00']")
    owner.press("folder.position", key="End")
    owner.page.wait_for_selector(".position[aria-valuetext='0:02']")
    owner.press("folder.speed", nth=3)
    owner.page.wait_for_selector("[data-speed='2'][aria-pressed=true]")
    owner.goes(f"{owner.folder}/new/{newest}").press("folder.new")
    owner.until(lambda: not heard())
    owner.press("folder.said", nth=1)
    owner.until(heard)
    owner.goes(f"{owner.folder}/new/{newest}").press("folder.new")
    owner.until(lambda: not heard())
    owner.press("folder.heard")
    owner.until(heard)
    owner.goes(f"{owner.folder}/new/{newest}").press("folder.mail")
    owner.page.wait_for_selector(".undo")
    with owner.page.expect_download() as download:
        owner.press("folder.download")
    assert download.value.suggested_filename.endswith(".wav")
    owner.page.evaluate(
        "addEventListener('click', (event) => { window.called = event.target.href; event.preventDefault(); })"
    )
    owner.press("folder.tel")
    assert owner.page.evaluate("called") == "tel:5145550142"
    owner.press("folder.call_back")
    assert owner.page.evaluate("called") == "tel:5145550142"
    house.store.registry.change(owner.box, {"callback": "yes", "call_patterns": "514XXXXXXX"})
    house.reports("media-1", freeswitch="up")
    owner.goes(f"{owner.folder}/new/{newest}").press("folder.call-back")
    owner.page.wait_for_selector(".undo")
    house.store.cluster.leave("media-1")


def test_a_message_is_forwarded_kept_deleted_and_brought_back(house, owner):
    bob = house.box("1002")
    owner.goes(f"{owner.folder}/new").press("folder.new_mark")
    owner.press("folder.annotate")
    owner.write("folder.handled_by", "1002 Bruno")
    owner.write("folder.note", "Rappelé")
    owner.axe()
    owner.press("folder.annotate_save")
    owner.until(
        lambda: (
            "Rappelé"
            in {
                one.note
                for one in house.store.mailboxes.page(owner.box, Folder.NEW, urgent=None, after=None, most=9).messages
            }
        )
    )
    owner.goes(f"{owner.folder}/new").axe()
    owner.press("folder.new_mark")
    owner.press("folder.forward")
    owner.write("folder.to", "1002")
    owner.send_file("parts.file", house.sound().read_bytes(), "form[data-sends]")
    owner.axe()
    owner.press("folder.drop")
    owner.press("folder.forward_send")
    owner.until(lambda: house.store.mailboxes.open(bob).counts.new == 1)
    owner.press("folder.keep")
    owner.choose("folder.keep 2", "family")
    owner.axe()
    owner.press("folder.keep 3")
    owner.until(lambda: owner.counts().of("family") == 1)
    owner.axe()
    owner.press("owner.undo")
    owner.until(lambda: owner.counts().new == 3)
    owner.press("folder.new_mark")
    owner.press("folder.delete")
    owner.until(lambda: owner.counts().of("trash") == 1)
    owner.goes(f"{owner.folder}/trash").press("folder.new_mark")
    owner.axe()
    owner.press("folder.restore")
    owner.until(lambda: owner.counts().of("trash") == 0)
    owner.goes(f"{owner.folder}/new").press("folder.new_mark")
    owner.press("folder.forward")
    owner.write("folder.to", "9999")
    owner.press("folder.forward_send")
    owner.page.wait_for_selector(".wrong, main.alone, body.alone")
    owner.axe()


def test_a_message_is_forwarded_later_and_cancelled(house, owner):
    house.box("1002")
    owner.goes(f"{owner.folder}/new").press("folder.new_mark")
    owner.press("folder.forward")
    owner.write("folder.to", "1002")
    later = datetime.fromtimestamp(house.store.clock.now() + 3 * DAY_S, UTC)
    owner.fill_date("folder.at", f"{later:%Y-%m-%dT%H:%M}")
    owner.press("folder.receipt", key="Space")
    owner.axe()
    owner.press("folder.forward_send")
    owner.until(lambda: len(house.store.mailboxes.scheduled(owner.box)) == 1)
    assert house.store.mailboxes.scheduled(owner.box)[0].message.receipt == str(owner.box)
    owner.goes(f"{owner.folder}/new").press("folder.new_mark")
    owner.press("folder.forward")
    owner.press("folder.scheduled")
    owner.page.wait_for_selector("main form button")
    owner.axe()
    owner.press("scheduled.scheduled_cancel")
    owner.until(lambda: house.store.mailboxes.scheduled(owner.box) == [])
    owner.axe()


def test_a_folder_is_searched_turned_and_cleared(house, owner, at):
    for number in range(SEVERAL):
        house.message(owner.box, name=f"Caller {number}", number=f"51455502{number:02}", folder=Folder.WORK)
    owner.goes(f"{owner.folder}/work").press("folder.older")
    owner.page.wait_for_selector(".messages a:has-text('Caller 0')")
    owner.axe()
    owner.press("folder.newest")
    owner.page.wait_for_selector(".messages a:has-text('Caller 51')")
    owner.write("folder.q", "nobody")
    owner.press("folder.q")
    owner.sees(TEXTS[at["language"]]["none"])
    owner.axe()
    owner.write("folder.q", "caller 7")
    owner.press("folder.search_button")
    owner.page.wait_for_function("document.querySelectorAll('.messages a').length === 1")
    owner.goes(f"{owner.folder}/work").press("folder.choose_messages")
    owner.press("folder.id.{message.id}", key="Space")
    owner.axe()
    owner.press("folder.delete_all")
    owner.until(lambda: owner.counts().of("trash") == 1)
    owner.press("folder.choose_messages")
    owner.press("folder.choose_end")
    owner.page.wait_for_selector("[data-control='folder.choose_messages']")


def test_the_way_about(house, owner):
    owner.goes(f"{owner.folder}/new")
    if owner.small:
        owner.press("folder.new_mark")
        owner.press("folder.back")
        owner.page.wait_for_selector("main:not(.opened)")
        owner.press("owner.tab_folders")
        owner.page.wait_for_url("**/folder/old")
        owner.press("folder.folder", nth=1)
        owner.page.wait_for_url("**/folder/trash")
        owner.axe()
        owner.press("owner.tab_greetings")
        owner.page.wait_for_url("**/greetings")
        owner.press("owner.tab_settings")
        owner.page.wait_for_url("**/settings")
        owner.press("owner.tab_messages")
    else:
        owner.press("owner.folder", nth=2)
        owner.page.wait_for_url("**/folder/trash")
        owner.press("owner.greetings")
        owner.page.wait_for_url("**/greetings")
        owner.press("owner.settings")
        owner.page.wait_for_url("**/settings")
        owner.press("owner.voicemail")
    owner.page.wait_for_url("**/folder/new")
    owner.goes(f"{owner.folder}/trash")
    house.message(owner.box, name="Jean Roy")
    owner.press("folder.folder 2")
    owner.page.wait_for_url("**/folder/new")
    owner.goes(f"{owner.folder}/new/nothing")
    owner.axe()
    owner.goes("/mailbox/nobody/folder/new")
    owner.axe()
    owner.press("problem.home")
    owner.page.wait_for_url("**/folder/new")


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg, which reads what a browser records, is missing")
def test_a_greeting_is_recorded(house, owner):
    stored = lambda: house.store.mailboxes.open(owner.box).greetings  # noqa: E731
    owner.goes(f"/mailbox/{owner.box}/greetings")
    busy = "[data-greeting=busy]"

    def spoken():
        owner.page.wait_for_selector(f"{busy} [data-do=stop]:focus")
        owner.page.wait_for_selector(f"{busy} [data-at]:text-matches('[1-9]')")
        owner.press("parts.stop", busy)
        owner.page.wait_for_selector(f"{busy} .review:not([hidden])")

    owner.press("parts.record", busy)
    spoken()
    owner.press("parts.again", busy)
    spoken()
    owner.reach("parts.audio", busy)
    owner.axe()
    owner.press("greetings.use", busy)
    owner.until(lambda: "busy" in stored())


def test_a_greeting_is_sent_in_dated_heard_and_erased(house, owner):
    stored = lambda: house.store.mailboxes.open(owner.box).greetings  # noqa: E731
    owner.goes(f"/mailbox/{owner.box}/greetings").axe()
    card = "[data-greeting=temporary]"
    owner.send_file("parts.file", b"no sound", card)
    owner.page.wait_for_selector(f"{card} .wrong:not([hidden])")
    owner.axe()
    owner.send_file("parts.file", house.sound().read_bytes(), card)
    owner.until(lambda: "temporary" in stored())
    owner.page.wait_for_selector(f"{card} #ends")
    owner.axe()
    with owner.page.expect_response("**/sound?v=*"):
        owner.press("greetings.greeting_hear", card, key="Space")
    owner.fill_date("greetings.starts", "2026-12-24T17:00", card)
    owner.fill_date("greetings.ends", "2027-01-03T08:00", card)
    owner.press("greetings.dates_save", card)
    owner.until(lambda: stored()["temporary"].ends - stored()["temporary"].starts == (10 * 24 - 9) * 3600)
    owner.axe()
    owner.press("greetings.erase", card)
    owner.until(lambda: "temporary" not in stored())


def test_a_greeting_by_rules(house, owner):
    mailbox = lambda: house.store.mailboxes.open(owner.box)  # noqa: E731
    owner.goes(f"/mailbox/{owner.box}/greetings")
    owner.choose("greetings.add", "unavailable-3")
    owner.press("greetings.greeting_add_do")
    card = "[data-greeting=unavailable-3]"
    owner.page.wait_for_selector(card)
    owner.send_file("parts.file", house.sound().read_bytes(), card)
    owner.until(lambda: "unavailable-3" in mailbox().greetings)
    owner.page.wait_for_selector(f"{card} audio")
    owner.write("greetings.rules", "unavailable-3 funday")
    owner.press("greetings.rules_save")
    owner.page.wait_for_selector(".wrong:visible")
    owner.axe()
    owner.write("greetings.rules", "unavailable-3 both fri internal from:1002")
    owner.press("greetings.rules_save")
    owner.until(lambda: mailbox().options.greeting_rules == "unavailable-3 both fri from:1002 internal")
    owner.page.wait_for_selector(".wrong", state="hidden")
    owner.fill_date("greetings.at", "2126-11-29T18:30")
    owner.write("greetings.caller", "1002")
    owner.press("greetings.busy", key="Space")
    owner.press("greetings.internal", key="Space")
    owner.press("greetings.preview_do")
    owner.page.wait_for_selector('code:text-is("unavailable-3 both fri from:1002 internal")')
    owner.axe()


def test_notices_in_this_browser(house, owner):
    pushed = pytest.importorskip("support.push_browser", reason="cryptography is not installed")
    owner.context.add_init_script(pushed.PushedBrowser("https://push.example.net/x").manager)
    browsers = lambda: house.store.push.all(house.store.mailboxes.open(owner.box))  # noqa: E731
    owner.goes(f"/mailbox/{owner.box}/settings")
    owner.page.wait_for_selector("#push:not([hidden])")
    owner.press("settings.push-words", key="Space")
    owner.press("settings.push_on")
    owner.until(lambda: [one.words for one in browsers()] == [True])
    owner.page.wait_for_selector("[data-here]:not([hidden])")
    owner.axe()
    jobs = lambda: [one for one in house.node.outbox.jobs(JobState.WAITING) if one.box == owner.box]  # noqa: E731
    owner.press("settings.push_test")
    owner.until(lambda: [one.kind for one in jobs()] == [JobKind.PUSH])
    for job in jobs():
        house.node.outbox.forget(job.id)
    owner.press("settings.browser")
    owner.until(lambda: browsers() == [])


def test_keys_in_the_greeting(house, owner):
    house.box("1002")
    options = lambda: house.store.mailboxes.open(owner.box).options  # noqa: E731
    house.store.registry.change(owner.box, {"exits": "0=2000"})
    owner.goes(f"/mailbox/{owner.box}/greetings")
    owner.write("greetings.exits", "2=mailbox:1009")
    owner.press("greetings.exits_save")
    owner.page.wait_for_selector(".wrong:visible")
    owner.axe()
    owner.write("greetings.exits", "2=mailbox:1002")
    owner.press("greetings.press", key="Space")
    owner.press("greetings.exits_save")
    owner.until(lambda: (options().exits, options().press_to_leave) == ("0=2000; 2=mailbox:1002", True))
    owner.page.wait_for_selector(".wrong", state="hidden")
    owner.axe()


def test_settings(house, owner, at):
    mailbox = lambda: house.store.mailboxes.open(owner.box)  # noqa: E731
    elsewhere = house.owner(owner.box)
    house.store.registry.change(owner.box, {"transcribe": "yes"})
    owner.goes(f"/mailbox/{owner.box}/settings").axe()
    for nth, pin in enumerate((CHOSEN_PIN, "9047", "9048")):
        owner.write("settings.{name}", pin, nth=nth)
    owner.press("settings.change_pin")
    owner.page.wait_for_selector(".wrong")
    owner.axe()
    owner.write("settings.email", "alice@example.org")
    owner.write("settings.pager", "5145550142@sms.example.org")
    owner.press("settings.attach", key="Space")
    owner.press("settings.transcripts", key="Space")
    owner.press("settings.save")
    owner.until(lambda: (mailbox().email, mailbox().pager) == ("alice@example.org", "5145550142@sms.example.org"))
    other = {"fr": "en", "en": "fr"}[at["language"]]
    owner.write("settings.rules", "mail funday")
    owner.press("settings.rules_save")
    owner.page.wait_for_selector(".wrong:visible")
    owner.axe()
    owner.write("settings.rules", "mail urgent from:1002")
    owner.press("settings.off", key="Space")
    owner.press("settings.rules_save")
    owner.until(lambda: not mailbox().options.notices)
    owner.page.wait_for_selector("#content [role=status], #notice [role=status]")
    owner.press("settings.off", key="Space")
    owner.press("settings.rules_save")
    owner.until(lambda: mailbox().options.notices)
    owner.until(lambda: mailbox().options.notify_rules == "mail urgent from:1002")
    owner.page.wait_for_selector(".wrong", state="hidden")
    owner.fill_date("settings.at", "2126-11-29T18:30")
    owner.write("settings.caller", "1002")
    owner.press("settings.urgent", key="Space")
    owner.press("settings.internal", key="Space")
    owner.press("settings.preview_do")
    owner.page.wait_for_selector('code:text-is("mail urgent from:1002")')
    owner.axe()
    house.box("1002")
    owner.write("settings.copies", "1002")
    owner.press("settings.save 2")
    owner.until(lambda: mailbox().copies == ("1002",))
    owner.choose("settings.language", other)
    owner.press("settings.save 3")
    owner.until(lambda: mailbox().language == other)
    owner.press("settings.{name} 2", key="Space", nth=5)
    owner.write("settings.timezone", "America/Vancouver")
    owner.press("settings.save 4")
    owner.until(lambda: (mailbox().options.autoplay, mailbox().timezone) == (True, "America/Vancouver"))
    owner.press("settings.keys-on", key="Space")
    assert not owner.page.is_checked("#keys-on")
    assert owner.page.evaluate("localStorage.getItem('keys')") == "off"
    owner.press("settings.session")
    wait_until(lambda: elsewhere.get(f"/api/v1/mailboxes/{owner.box}").status == 401)
    before = mailbox().pin_mark
    for nth, pin in enumerate((CHOSEN_PIN, "9047", "9047")):
        owner.write("settings.{name}", pin, nth=nth)
    owner.press("settings.change_pin")
    owner.until(lambda: mailbox().pin_mark != before)
    assert house.store.pins.check(owner.box, "9047") is PinCheck.RIGHT


def test_several_owners(house, owner, at):
    names = lambda: [one.name for one in house.store.mailboxes.open(owner.box).others]  # noqa: E731
    owner.goes(f"/mailbox/{owner.box}/settings")
    owner.press("settings.owner_add")
    owner.write("settings.owner-new", "Bob Lee")
    owner.write("settings.pin", "739152")
    owner.write("settings.current", CHOSEN_PIN)
    owner.press("settings.owner_add 2")
    owner.until(lambda: names() == ["Bob Lee"])
    owner.goes(f"/mailbox/{owner.box}/settings")
    owner.press("settings.summary")
    owner.axe()
    owner.write("settings.owner", "Robert Lee")
    owner.press("settings.owner-change")
    owner.until(lambda: names() == ["Robert Lee"])
    owner.goes(f"/mailbox/{owner.box}/settings")
    owner.press("settings.summary")
    owner.press("settings.owner-remove")
    owner.until(lambda: names() == [])


def test_reading_and_hearing_without_scripts(house, person, at):
    box = house.box(language=at["language"])
    house.message(box, forwarded_by="Bob", intro_ms=1000)
    one = person(**at, scripts=False, refused=(404,)).brings(house.owner(box).cookie).goes(f"/mailbox/{box}/folder/new")
    one.press("folder.new_mark")
    assert one.control("folder.sound").get_attribute("controls") is not None
    with one.page.expect_response("**/introduction"):
        one.press("folder.introduction", key="Space")
    with one.page.expect_response("**/sound"):
        one.press("folder.sound", key="Space")
    one.press("folder.delete")
    one.page.wait_for_selector(".undo")
    assert house.store.mailboxes.open(box).counts.of("trash") == 1


@pytest.fixture
def marie(house, person, at):
    """An administrator, signed in by her link."""
    one = person(**at, refused=(401, 404, 422)).goes(f"/admin/link/{house.store.access.link('marie', 600)}")
    one.axe()
    one.press("link.admin_sign_in")
    one.page.wait_for_url("**/admin")
    one.small = at["size"] is PHONE
    return one


def test_the_administrators_mailboxes(house, marie):
    box = f"2001@{house.domain}"
    opened = lambda: house.store.mailboxes.open(MailboxId("2001", house.domain))  # noqa: E731
    marie.goes("/admin/mailboxes").press("admin_mailboxes.admin.add")
    marie.write("admin_mailboxes.mailbox", box)
    for nth, text in enumerate(("Zoé Côté", "no address", "fr", "America/Montreal")):
        marie.write("admin_mailboxes.{name}", text, nth=nth)
    marie.write("admin_mailboxes.pin", "9047")
    marie.axe()
    marie.press("admin_mailboxes.admin.add 2")
    marie.page.wait_for_selector(".wrong")
    marie.axe()
    marie.write("admin_mailboxes.{name}", "zoe@example.com", nth=1)
    marie.write("admin_mailboxes.pin", "9047")
    marie.press("admin_mailboxes.admin.add 2")
    marie.page.wait_for_url(f"**/admin/mailboxes/{box}?*")
    marie.axe()
    marie.write("admin_mailbox.{name}", "Zoé Roy")
    marie.press("admin_mailbox.admin.save")
    marie.until(lambda: opened().name == "Zoé Roy")
    marie.press("admin_mailbox.admin.options")
    marie.write("admin_mailbox.{name} 3", "7")
    marie.choose("admin_mailbox.{name} 2", "no")
    marie.axe()
    marie.press("admin_mailbox.admin.save 2")
    marie.page.wait_for_url("**done=*")
    here = marie.page.url
    marie.press("admin_mailbox.owners")
    marie.page.wait_for_selector("#owner-new", state="attached")
    marie.page.goto(here)
    marie.write("admin_mailbox.pin", "8523")
    marie.press("admin_mailbox.admin.new_pin")
    marie.page.wait_for_url("**done=pin*")
    assert house.store.pins.check(opened().id, "8523") is PinCheck.RIGHT
    for _ in range(5):
        house.store.pins.check(opened().id, "1")
    marie.goes("/admin").axe()
    marie.press("admin.admin.look")
    marie.page.wait_for_url("**/admin/mailboxes")
    marie.write("admin_mailboxes.q", f"2001@{house.domain}")
    marie.press("admin_mailboxes.search_button")
    marie.axe()
    marie.press("admin_mailboxes.mailboxes")
    marie.axe()
    marie.press("admin_mailbox.unlock")
    marie.until(lambda: not house.store.registry.locked_for(opened().id))
    marie.write("admin_mailbox.sure", "2002")
    marie.press("admin_mailbox.admin.remove")
    marie.page.wait_for_selector(".wrong")
    marie.axe()
    marie.write("admin_mailbox.sure", box)
    marie.press("admin_mailbox.admin.remove")
    marie.page.wait_for_url("**/admin/mailboxes?*")
    assert opened() is None
    for number in range(3000, 3000 + SEVERAL):
        house.store.registry.add(MailboxId(str(number), house.domain), {"name": "Someone"})
    marie.goes("/admin/mailboxes").press("admin_mailboxes.admin.more")
    marie.page.wait_for_url("**cursor=*")
    marie.press("admin_mailboxes.newest")
    marie.page.wait_for_selector("[data-control='admin_mailboxes.admin.more']")
    marie.press("admin_mailboxes.mailboxes")
    marie.press("admin_mailbox.admin.mailboxes")
    marie.page.wait_for_url("**/admin/mailboxes")


def test_an_administrator_finds_what_was_said(house, marie, at):
    boxes = [house.box(str(number), language=at["language"]) for number in range(1001, 1046)]
    place = boxes[-1]
    message = house.message(place, name="Zoé Côté")
    house.store.mailboxes.transcribed(place, message, SAID)
    marie.goes("/admin/mailboxes").press("admin_mailboxes.admin.find")
    marie.page.wait_for_url("**/admin/messages")
    marie.axe()
    marie.write("admin_messages.{name}", "BONJOUR")
    marie.write("admin_messages.{name}", house.domain, nth=1)
    marie.press("admin_messages.search_button")
    marie.page.wait_for_url("**q=BONJOUR*")
    marie.axe()
    marie.press("admin_messages.admin.more")  # forty mailboxes were looked through, and it is in none of them
    marie.page.wait_for_selector("mark")
    assert marie.page.inner_text("mark") == "Bonjour"
    marie.axe()
    marie.press("admin_messages.newest")
    marie.page.wait_for_selector(".empty")
    marie.write("admin_messages.{name}", "trois")
    marie.write("admin_messages.{name}", str(place), nth=1)
    marie.press("admin_messages.search_button")
    marie.sees({"fr": "dits nulle part : « trois »", "en": "Nowhere is said: “trois”"}[at["language"]])
    marie.write("admin_messages.{name}", "rappelez")
    marie.press("admin_messages.search_button")
    marie.press("admin_messages.folder")
    marie.page.wait_for_url(f"**/folder/new/{message}")
    marie.sees("Rappelez-moi.")
    marie.goes("/admin/messages").press("admin_messages.admin.mailboxes")
    marie.page.wait_for_url("**/admin/mailboxes")


def test_the_administrators_table_and_events(house, marie):
    marie.press("admin_page.admin 2" if marie.small else "admin_page.admin", nth=1)
    marie.press("admin_mailboxes.admin.table")
    marie.page.wait_for_url("**/admin/table")
    marie.write(
        "admin_table.table", f"mailbox,name,email\n2001@{house.domain},Zoé Côté,\n2002@{house.domain},,no address\n"
    )
    marie.press("admin_table.look")
    marie.page.wait_for_selector(".wrong")
    marie.axe()
    marie.write("admin_table.table", f"mailbox,name\n2001@{house.domain},Zoé Côté\n")
    marie.press("admin_table.look")
    marie.page.wait_for_selector("[data-control='admin_table.apply']")
    marie.axe()
    marie.send_file("admin_table.file", f"mailbox,name\n2001@{house.domain},Zoé Côté\n".encode(), file="boxes.csv")
    marie.press("admin_table.apply")
    marie.until(lambda: house.store.mailboxes.open(MailboxId("2001", house.domain)))
    marie.page.wait_for_selector(".note")
    marie.axe()
    marie.press("admin_page.admin 2" if marie.small else "admin_page.admin", nth=4)
    marie.page.wait_for_url("**/admin/events")
    marie.axe()
    marie.write("admin_events.{name}", f"2001@{house.domain}")
    marie.choose("admin_events.what", "box-added")
    marie.press("admin_events.search_button")
    marie.page.wait_for_selector("tbody tr:only-child, tbody")
    marie.press("admin_page.admin.title")
    marie.page.wait_for_url("**/admin")
    marie.press("admin_page.sign_out")
    marie.page.wait_for_selector("#pin")


def test_an_administrator_finds_and_erases_a_caller(house, marie):
    box, number = house.box(), "8735550177"
    message = house.message(box, number=number)
    marie.goes("/admin/events").press("admin_events.admin.caller")
    marie.page.wait_for_url("**/admin/privacy")
    marie.axe()
    marie.write("admin_privacy.number", number)
    marie.press("admin_privacy.find")
    marie.page.wait_for_selector("tbody tr")
    marie.axe()
    with marie.page.expect_download():
        marie.press("admin_privacy.export")
    marie.write("admin_privacy.again", "8735550178")
    marie.press("admin_privacy.erase")
    marie.page.wait_for_selector(".wrong")
    marie.axe()
    marie.write("admin_privacy.again", number)
    marie.press("admin_privacy.erase")
    marie.page.wait_for_selector(".note")
    marie.axe()
    assert message not in [one for ids in house.store.mailboxes.message_ids(box).values() for one in ids]
    marie.press("admin_privacy.admin.events")
    marie.page.wait_for_url("**/admin/events")


def test_an_administrator_sets_and_ends_a_hold(house, marie):
    box = house.box()
    marie.goes("/admin/events").press("admin_events.admin.holds")
    marie.page.wait_for_url("**/admin/holds")
    marie.write("admin_holds.mailbox", str(box))
    marie.write("admin_holds.reason", "case 114")
    marie.fill_date("admin_holds.until", "2100-06-30")
    marie.press("admin_holds.set")
    marie.page.wait_for_selector("[data-control='admin_holds.end']")
    marie.axe()
    marie.press("admin_holds.end")
    marie.until(lambda: not list(house.store.holds.of([box])))
    marie.press("admin_holds.admin.events")
    marie.page.wait_for_url("**/admin/events")
    marie.press("admin_events.admin.audit")
    marie.write("admin_events.audit-box", str(box))
    marie.fill_date("admin_events.audit-from", "2001-01-01")
    marie.fill_date("admin_events.audit-until", "2100-01-01")
    marie.axe()
    with marie.page.expect_download() as record:
        marie.press("admin_events.admin.audit_get")
    assert "hold-set" not in record.value.path().read_text()  # which is told of no mailbox, but of the service
    assert "box-added" in record.value.path().read_text()


def test_the_administrators_lists_and_broadcast(house, marie):
    box, sales = house.box(), f"6000@{house.domain}"
    marie.press("admin_page.admin 2" if marie.small else "admin_page.admin", nth=2)
    marie.page.wait_for_url("**/admin/lists")
    marie.press("admin_lists.admin.list_add")
    marie.write("admin_lists.list", sales)
    marie.write("admin_lists.name", "Sales")
    marie.write("admin_lists.members", str(box))
    marie.axe()
    marie.press("admin_lists.admin.save")
    marie.page.wait_for_url("**done=*")
    marie.press("admin_lists.admin.broadcast")
    marie.choose("admin_broadcast.to-list", sales)
    marie.write("admin_broadcast.to-boxes", str(box))
    marie.write("admin_broadcast.to-domain", house.domain)
    marie.write("admin_broadcast.from-name", "Marie")
    marie.write("admin_broadcast.until", "2126-12-24T18:00")
    marie.press("admin_broadcast.urgent", key="Space")
    marie.send_file("parts.file", house.sound().read_bytes())
    marie.page.wait_for_selector(".review:not([hidden])")
    marie.axe()
    marie.press("admin_broadcast.drop")
    marie.send_file("parts.file", house.sound().read_bytes())
    marie.press("admin_broadcast.admin.broadcast_send")
    marie.until(lambda: house.store.mailboxes.open(box).counts.new == 1)
    marie.page.wait_for_selector(".note")
    marie.press("admin_broadcast.admin.lists")
    marie.press("admin_lists.num", f"details:has-text('{house.domain}')")
    marie.axe()
    marie.press("admin_lists.remove", f"details:has-text('{house.domain}')")
    marie.page.wait_for_url("**done=*")


def test_what_was_given_up_is_tried_again_or_dropped(house, marie):
    box, now, outbox = house.box(), house.node.clock.now(), house.node.outbox
    dead = [Job(f"webhook:{box}{n}", JobKind.WEBHOOK, box, {}, created=now, due=0.0) for n in range(2)]
    waiting = lambda: {job.id for job in outbox.jobs(JobState.WAITING)}  # noqa: E731
    for job in dead:
        outbox.add(job)
        outbox.give_up(outbox.claim(JobKind.WEBHOOK, now, 60.0), "answered 410")
    marie.press("admin_page.admin 2" if marie.small else "admin_page.admin", nth=3)
    marie.page.wait_for_selector("tbody")
    marie.axe()
    marie.press("admin_queues.job-drop", f"tr:has-text('{dead[0].id}')")
    marie.page.wait_for_url("**done=*")
    marie.press("admin_queues.job-retry", f"tr:has-text('{dead[1].id}')")
    marie.until(lambda: dead[1].id in waiting())
    marie.press("admin_queues.job-retry-all")
    marie.page.wait_for_selector(".undo")
    marie.axe()
    for job in dead:
        outbox.forget(job.id)


def test_what_is_wrong_on_a_node_is_looked_for_and_settled(house, marie):
    node, cluster = f"media-{house.domain}", house.store.cluster
    held = (HeldTake("t1", "message", (f"1001@{house.domain}",), "aside", 60, 16044, "the mailbox is full"),)
    wrong = Finding("spool", Level.ERROR, "its disk is full", "make room on /var")
    house.reports(node, NodeReport(node, house.node.clock.now(), (wrong,), held), spool_aside="1")
    marie.goes("/admin").axe()
    marie.press("admin.admin.look_again")
    marie.page.wait_for_url("**done=*")
    marie.goes("/admin/queues").axe()
    row = f"tr:has-text('{node}')"
    marie.press("admin_queues.take-settle", row)
    marie.page.wait_for_url("**done=*")
    marie.goes("/admin/queues").press("admin_queues.take-discard", row)
    marie.page.wait_for_url("**done=*")
    assert [one.kind for one in cluster.orders(node)] == [OrderKind.LOOK, OrderKind.SETTLE, OrderKind.DISCARD]
    cluster.leave(node)


def test_a_mails_link(house, person, at):
    box, now = house.box(language=at["language"]), house.node.clock.now()
    message = house.message(box, forwarded_by="Bob", intro_ms=1000)
    link = "/listen/" + house.store.links.make(box, message, now + DAY_S, 30 * DAY_S)
    one = person(**at, refused=(401, 404, 410)).goes(link)
    one.page.evaluate(
        "addEventListener('click', (event) => { window.called = event.target.href; event.preventDefault(); }, {once: true})"
    )
    one.press("listen.tel")
    assert one.page.evaluate("called") == "tel:5145550101"
    one.axe()
    one.press("listen.heard")
    one.until(lambda: house.store.mailboxes.message(box, message).heard)
    with one.page.expect_response("**/introduction"):
        one.press("listen.introduction", key="Space")
    with one.page.expect_response("**/sound"):
        one.press("listen.listen", key="Space")
    one.press("listen.sign_in")
    one.page.wait_for_selector("#pin")
    one.goes(link).press("listen.delete")
    one.until(lambda: house.store.mailboxes.message(box, message).folder == "trash")
    one.goes(link).axe()
    one.press("listen_gone.sign_in")
    one.page.wait_for_selector("#pin")


def test_the_pages_about_the_api(person):
    one = person(refused=(404,)).goes("/api/")
    one.press("api.summary")
    one.axe()
    one.press("api./api/problems")
    one.page.wait_for_url("**/api/problems")
    one.axe()
    one.goes("/api/").press("api./api/openapi.json")
    one.page.wait_for_url("**/api/openapi.json")
