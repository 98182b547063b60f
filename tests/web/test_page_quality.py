"""What every page owes its reader in any browser: no wider than the window, nothing from elsewhere, targets that a thumb hits."""

import pytest
from support.person import PHONE
from support.web_house import House

from esl_vm.model.transcript import Segment, Transcript

NAMES = (
    "Jean-Baptiste-Maximilien de la Rochefoucauld-Liancourt-Desrosiers, poste de nuit",
    "W" * 80,
    "عبد الرحمن بن محمد الأنصاري",
    "👩‍👩‍👧‍👦🏳️‍🌈👍🏽" * 4,
)
SAID = Transcript(segments=(Segment(0, 900, f"Bonjour {'W' * 200} bonjour."),))
SIZES = {"360": (360, 780), "320": (320, 640), "1280": (1280, 800), "200%": (640, 400)}
# Wider than the window; controls smaller than a fingertip (WCAG 2.5.8: 24 px, but for links in a sentence); text below 12 px;
# fields without a name.
_WRONG = """() => {
    const shown = (e) => e.checkVisibility({visibilityProperty: true}) && !e.closest('.hidden, .skip');
    const told = (e) => e.outerHTML.slice(0, 120);
    const all = [...document.body.querySelectorAll('*')].filter(shown);
    const small = (e) => { const box = e.getBoundingClientRect(); return Math.min(box.width, box.height) < 24; };
    const wrong = all.filter((e) => e.matches('button, summary, select, input, textarea, a') && !e.closest('p, label.tick') && small(e)).map(told);
    for (const e of all) if ([...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()) && parseFloat(getComputedStyle(e).fontSize) < 12) wrong.push(told(e));
    for (const e of all) if (e.matches('input, select, textarea') && !e.labels.length && !e.ariaLabel) wrong.push(told(e));
    const wide = document.documentElement.scrollWidth - innerWidth;
    return wide > 0 ? [...wrong, `${wide} px too wide`] : wrong;
}"""


@pytest.fixture
def house(marked):
    return House(marked)


def test_odd_names_small_windows_and_zoom_break_no_page(house, person):
    box = house.box(name=NAMES[0], language="fr")
    messages = [house.message(box, name=name, number="5145550142") for name in NAMES]
    for message in messages:
        house.store.mailboxes.transcribed(box, message, SAID)
    owner, admin = (
        person().brings(house.owner(box).cookie),
        person().brings(house.administrator().cookie),
    )
    paths = ["folder/new", *(f"folder/new/{message}" for message in messages), "greetings", "settings"]
    wrong = {}
    for one, path in (
        *((owner, f"/mailbox/{box}/{path}") for path in paths),
        *(
            (admin, f"/admin{path}")
            for path in (
                "",
                "/mailboxes",
                f"/mailboxes/{box}",
                f"/messages?q=bonjour&in={box}",
                "/table",
                "/lists",
                "/broadcast",
                "/queues",
                "/events",
                "/privacy",
                "/holds",
            )
        ),
    ):
        one.goes(path)
        for name, (width, height) in SIZES.items():
            one.page.set_viewport_size({"width": width, "height": height})
            if found := one.page.evaluate(_WRONG):
                wrong[path, name] = found
    assert wrong == {}


def test_a_page_asks_nobody_else_moves_nothing_and_can_be_installed(house, person):
    box = house.box(language="en")
    house.message(box)
    one, asked = person(size=PHONE).brings(house.owner(box).cookie), []
    one.page.on("request", lambda request: asked.append(request.url))
    one.page.add_init_script(
        "window.shift = 0; new PerformanceObserver((seen) => seen.getEntries().forEach((one) => shift += one.value))"
        ".observe({type: 'layout-shift', buffered: true})"
    )
    one.goes(f"/mailbox/{box}/folder/new")
    assert [url for url in asked if not url.startswith(one.url)] == []
    assert one.page.evaluate("shift") < 0.1
    assert one.page.get_attribute("html", "lang") == "en-CA"
    assert "width=device-width" in one.page.get_attribute("meta[name=viewport]", "content")
    assert one.page.evaluate("matchMedia('(prefers-reduced-motion: reduce)').matches")
    assert one.page.evaluate(
        "[...document.querySelectorAll('*')].every((e) => getComputedStyle(e).transitionDuration === '0s')"
    )
    manifest = one.page.evaluate(
        "fetch(document.querySelector('link[rel=manifest]').href).then((answer) => answer.json())"
    )
    assert (manifest["display"], manifest["start_url"]) == ("standalone", "/")
    assert {"192x192", "512x512"} <= {icon["sizes"] for icon in manifest["icons"]}
    for icon in manifest["icons"]:
        kind = one.page.evaluate(
            "(src) => fetch(src).then((answer) => answer.headers.get('Content-Type'))", icon["src"]
        )
        assert kind == icon["type"]
