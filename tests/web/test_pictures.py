"""The pictures of the README and of docs/web.md: ESL_VM_PICTURES=DIR takes them; without it the pages are only looked at."""

import math
import os
import struct
from pathlib import Path

import pytest
from support.person import DESK, PHONE
from support.web_house import House

from esl_vm.model.findings import Finding, Level, NodeReport
from esl_vm.model.mailbox import Folder
from esl_vm.model.transcript import Segment, Transcript
from esl_vm.sound.wav import wave

PICTURES = os.environ.get("ESL_VM_PICTURES", "")
pytestmark = pytest.mark.skipif(not PICTURES, reason="ESL_VM_PICTURES names no folder for them")
SAID = (
    "Bonjour Alice, c’est Émilie.",
    "Le client a confirmé pour jeudi, dix heures,",
    "mais il voudrait voir la soumission avant.",
    "Peux-tu me rappeler avant midi ?",
)
LOOKS = {"desk": (DESK, False), "desk-dark": (DESK, True), "telephone": (PHONE, False), "telephone-dark": (PHONE, True)}


class Talking(House):
    """Whose messages sound like somebody who talks."""

    def sound(self, ms=2000):
        path = self.served.folder / f"talk-{ms}.wav"
        loud = [math.sin(n / 2900) ** 2 * (math.sin(n / 610) ** 2 + 0.2) * (n % 21000 < 17500) for n in range(8 * ms)]
        path.write_bytes(
            wave(b"".join(struct.pack("<h", int(one * 12000 * math.sin(n))) for n, one in enumerate(loud)), 8000)
        )
        return path


@pytest.fixture
def house(marked):
    return Talking(marked)


@pytest.fixture(params=LOOKS)
def sit(request, person):
    """Sit down at a window of that look; `picture(name)` takes one of it, once the page is still."""

    def make(cookie):
        size, dark = LOOKS[request.param]
        one = person(size=size, dark=dark, mouse=True, device_scale_factor=1).brings(cookie)

        def picture(name, *, whole=False):
            one.page.wait_for_load_state("load")
            one.page.evaluate("document.fonts.ready")
            Path(PICTURES).mkdir(parents=True, exist_ok=True)
            one.page.screenshot(path=Path(PICTURES) / f"{name}-{request.param}.png", full_page=whole)

        one.picture = picture
        return one

    return make


def test_the_owners_page(house, sit):
    box, now = house.box(name="Alice Martin", language="fr", transcribe="yes"), house.node.clock.now()
    for age, name, number, ms in (
        (190_000, "Pharmacie Roy", "4505550117", 41_000), (93_000, "Garage Bélanger", "5145550179", 27_000),
        (90_000, "", "", 8_000), (8_000, "Jean-François Desrosiers", "1004", 63_000),
    ):  # fmt: skip
        house.message(box, number=number, name=name, at=now - age, ms=ms, heard=age > 80_000)
    newest = house.message(box, number="5145550142", name="Émilie Tremblay", at=now - 700, ms=14_000, urgent=True)
    parts = tuple(Segment(3500 * n, 3500 * (n + 1), words) for n, words in enumerate(SAID))
    house.store.mailboxes.transcribed(
        box, newest, Transcript(language="fr", engine="faster-whisper base", segments=parts)
    )
    house.message(box, number="4185550170", name="Clinique Saint-Roch", at=now - 200_000, folder=Folder.WORK)
    one = sit(house.owner(box).cookie).goes(f"/mailbox/{box}/folder/new")
    one.picture("folder")
    one.press("folder.new_mark")
    one.page.wait_for_selector(".deck:not([hidden])")
    one.picture("message")
    owner = house.owner(box)
    rules = {"settings": {"greeting_rules": "unavailable-2 sat-sun; unavailable-2 calendar:ca-qc both"}}
    assert owner.patch(f"/api/v1/mailboxes/{box}", rules, headers={"If-Match": "*"}).status == 200
    for greeting in ("unavailable", "unavailable-2", "temporary"):
        path = f"/api/v1/mailboxes/{box}/greetings/{greeting}/sound"
        assert owner.put(path, house.sound().read_bytes(), kind="application/octet-stream").status < 300
    one.goes(f"/mailbox/{box}/greetings").picture("greetings", whole=True)
    one.goes(f"/mailbox/{box}/settings").picture("settings")
    one.context.clear_cookies()
    one.goes("/").picture("sign-in")


def test_the_administrators_page(house, sit):
    for number, name in (
        ("1001", "Alice Martin"),
        ("1002", "Bob Roy"),
        ("1003", "Zoé Côté"),
        ("1004", "Jean-François Desrosiers"),
    ):
        house.box(number, name=name, email=f"{number}@example.com", initial=number == "1003", language="fr")
    node, cluster = "media-1", house.store.cluster
    wrong = Finding("spool", Level.WARNING, "its disk is nearly full (91 %)", "make room on /var")
    report = NodeReport(node, house.node.clock.now(), (wrong,), ())
    house.reports(node, report, calls="12", ready="yes", freeswitch="up")
    one = sit(house.administrator().cookie)
    for name, path in (
        ("admin", ""),
        ("mailboxes", f"/mailboxes?q={house.domain}"),
        ("mailbox", f"/mailboxes/1001@{house.domain}"),
        ("table", "/table"),
        ("lists", "/lists"),
        ("broadcast", "/broadcast"),
        ("queues", "/queues"),
        ("events", "/events"),
    ):
        one.goes(f"/admin{path}").picture(name)
    cluster.leave(node)
