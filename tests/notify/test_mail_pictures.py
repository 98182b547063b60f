"""The mail about a message as a mail program with a browser's engine shows it; pictures are taken for the docs.

ESL_VM_PICTURES=docs/images .venv/bin/python -m pytest tests/notify/test_mail_pictures.py
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from test_mail_templates import text_of, written

axe_module = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
PICTURES = os.environ.get("ESL_VM_PICTURES")  # a folder: the pictures go there

MAILS = {
    "fr": {
        "transcript": "Bonjour Hélène, c'est Zoé. Le client a confirmé pour jeudi, mais il aimerait déplacer la rencontre à "
        "14 h. Peux-tu me rappeler avant midi ? Merci, bonne journée.",
        "urgent": True,
    },
    "en": {
        "owner": "Helen Carter",
        "caller": "Zoe Miller (5145551234)",
        "caller_name": "Zoe Miller",
        "received": "Wednesday, November 18, 2026 at 11:06\u00a0a.m.",
        "duration": "12 seconds",
        "transcript": "Hi Helen, it's Zoe. The client has confirmed for Thursday, but he would like to move the meeting to "
        "two o'clock. Can you call me back before noon? Thanks, have a good day.",
    },
}


@pytest.fixture
def shown(chromium):
    """A mail in a window of that width; the page, and how to close it."""
    contexts = []

    def show(language, *, dark=False, width=640, **changes):
        link = "https://voicemail.example.com/listen/x"
        told = {"link": link, "call_back": "tel:5145551234", "new": 2, "old": 1} | MAILS[language] | changes
        context = chromium.new_context(
            viewport={"width": width, "height": 400}, color_scheme="dark" if dark else "light", java_script_enabled=True
        )
        contexts.append(context)
        page = context.new_page()
        page.set_content(text_of(written(language=language, **told), "html"))
        return page

    yield show
    for context in contexts:
        context.close()


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("dark", [False, True])
def test_a_mail_can_be_read_by_day_and_by_night(shown, language, dark):
    page = shown(language, dark=dark)
    found = axe_module.Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa"]})
    assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found.response["violations"]] == []
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == ("rgb(19, 23, 28)" if dark else "rgb(250, 249, 247)")
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / f"mail-{language}{'-dark' if dark else ''}.png", full_page=True)


@pytest.mark.parametrize("changes", [{}, {"transcript": "w" * 300}, {"caller_name": "W" * 60, "transcript": ""}])
def test_a_mail_is_no_wider_than_a_small_telephone(shown, changes):
    page = shown("fr", width=320, **changes)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_a_touch_on_the_number_calls_and_on_the_button_listens(shown):
    page = shown("en")
    assert page.get_by_text("5145551234").get_attribute("href") == "tel:5145551234"
    assert page.get_by_text("Call back").get_attribute("href") == "tel:5145551234"
    for words in ("Listen in the browser", "Delete or forward"):
        assert page.get_by_text(words).get_attribute("href") == "https://voicemail.example.com/listen/x"
    bare = shown("en", link="", call_back="")
    assert bare.locator("a").count() == 0


def test_an_inbox_shows_the_first_words_of_what_is_said(shown):
    page = shown("fr")
    first = page.evaluate("document.body.textContent.trim()")
    assert first.startswith("Bonjour Hélène, c'est Zoé.")
