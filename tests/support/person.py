"""Somebody in front of the pages, in a real browser, with the keyboard alone or with a mouse."""

from __future__ import annotations

import time
from functools import cache
from typing import TYPE_CHECKING, Any

from support.waiting import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Browser, Locator

PHONE = {"width": 360, "height": 780}
DESK = {"width": 1280, "height": 800}
_MOST_TABS = 200
# Which key leads on to an element; `` on it, where it can be seen that one is there.
_FOCUS = """(wanted) => {
    if (!wanted.isConnected) return 'gone';
    const at = document.activeElement;
    if (at !== wanted) return wanted.compareDocumentPosition(at) & Node.DOCUMENT_POSITION_FOLLOWING ? 'Shift+Tab' : 'Tab';
    const shown = (wanted.classList.contains('hidden') && wanted.closest('label')) || wanted;
    const style = getComputedStyle(shown), box = shown.getBoundingClientRect();
    const top = document.elementFromPoint(box.x + Math.min(box.width, innerWidth) / 2, box.y + Math.min(box.height, 40) / 2);
    if (style.outlineStyle === 'none' || parseFloat(style.outlineWidth) < 2) return 'no outline';
    return shown.contains(top) || top?.contains(shown) ? '' : `under ${top?.outerHTML.slice(0, 200)}`;
}"""


@cache
def _axe() -> Any:
    from axe_playwright_python.sync_playwright import Axe

    return Axe()


class Person:
    """Uses a page, and keeps what the browser complained of.

    Args:
        chromium: the browser. url: where the pages are.
        size, language, dark, scripts: of the browser. mouse: presses with it instead of the keyboard.
        refused: statuses of answers of which the browser may complain. axe: whether it is asked at all.
    """

    def __init__(
        self,
        chromium: Browser,
        url: str,
        *,
        size: dict[str, int] = DESK,
        language: str = "fr",
        dark: bool = False,
        scripts: bool = True,
        mouse: bool = False,
        refused: tuple[int, ...] = (),
        axe: bool = True,
        **more: Any,
    ) -> None:
        self.url, self.mouse, self._axe = url, mouse, axe
        self.context = chromium.new_context(
            viewport=size,
            locale=f"{language}-CA",
            color_scheme="dark" if dark else "light",
            java_script_enabled=scripts,
            permissions=["microphone"],
            **{"reduced_motion": "reduce", **more},
        )
        self.page = self.context.new_page()
        self.complaints: list[str] = []
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        expected = [f"responded with a status of {status} " for status in refused]
        self.page.on(
            "console",
            lambda said: (
                said.type == "error"
                and not any(words in said.text for words in expected)
                and self.complaints.append(said.text)
            ),
        )

    def goes(self, path: str) -> Person:
        self.page.goto(self.url + path)
        return self

    def brings(self, cookie: str) -> Person:
        """Has signed in before: the cookie is that of a `support.browser.Browser`."""
        name, _, value = cookie.partition("=")
        self.context.add_cookies([{"name": name, "value": value, "url": self.url}])
        return self

    def control(self, name: str, within: str = "", nth: int = 0) -> Locator:
        """Such a control that can be seen (`support.page_controls`); `within`: in that part of the page."""
        return self.page.locator(f'{within} [data-control="{name}"]:visible').nth(nth)

    def reach(self, name: str, within: str = "", nth: int = 0) -> Locator:
        """Come to a control, by Tab and Shift+Tab alone."""
        found = self.control(name, within, nth)
        found.wait_for(state="attached")
        element = found.element_handle()
        for _ in range(_MOST_TABS):
            if (key := element.evaluate(_FOCUS)) == "gone":
                element = found.element_handle()
                continue
            if not key:
                return found
            assert key.endswith("Tab"), f"one can't see that the focus is on {name}: {key}"
            self.page.keyboard.press(key)
        raise AssertionError(f"the Tab key never comes to {name}")

    def press(self, name: str, within: str = "", key: str = "Enter", nth: int = 0) -> None:
        """Press a button, a link, a summary or a box."""
        if self.mouse:
            self.control(name, within, nth).click()
        else:
            self.reach(name, within, nth)
            self.page.keyboard.press(key)
        self.page.wait_for_selector("body:not([aria-busy])")

    def write(self, name: str, text: str, within: str = "", nth: int = 0) -> None:
        """Write into a field, in place of what stands there."""
        if self.mouse:
            self.control(name, within, nth).fill(text)
            return
        self.reach(name, within, nth)
        self.page.keyboard.press("ControlOrMeta+a")
        self.page.keyboard.insert_text(text) if text else self.page.keyboard.press("Delete")

    def choose(self, name: str, value: str, within: str = "") -> None:
        """Choose in a list: with the keyboard by its arrows."""
        if self.mouse:
            self.control(name, within).select_option(value)
            return
        field = self.reach(name, within)
        self.page.keyboard.press("Home")
        for _ in range(field.locator("option").count()):
            if field.input_value() == value:
                return
            self.page.keyboard.press("ArrowDown")
        raise AssertionError(f"{name} has no {value}")

    def fill_date(self, name: str, moment: str, within: str = "") -> None:
        """A field of type datetime-local; what each country's browser wants typed differs, so it is set."""
        self.reach(name, within).fill(moment)

    def send_file(self, name: str, content: bytes, within: str = "", file: str = "sound.wav") -> None:
        """Answer the file chooser that a control opens."""
        with self.page.expect_file_chooser() as chooser:
            self.press(name, within)
        chooser.value.set_files({"name": file, "mimeType": "audio/wav", "buffer": content})

    def sees(self, *texts: str) -> None:
        """All of them are, or soon will be, to be seen."""
        for text in texts:
            self.page.get_by_text(text).locator("visible=true").first.wait_for()

    def axe(self) -> None:
        """What axe finds wrong for people who see, hear or move otherwise, in light and in dark: nothing."""
        if not self._axe:
            return
        found = []
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(_axe().axe_script)
        for scheme, asked in (("light", "{}"), ("dark", "{runOnly: ['color-contrast']}")):
            self.page.emulate_media(color_scheme=scheme)
            found += self.page.evaluate(f"axe.run(document, {asked}).then((seen) => seen.violations)")
        said = [f"{one['id']}: {[node['html'] for node in one['nodes']]}" for one in found]
        assert not said, f"{self.page.url}: {said}"

    def until(self, holds: Callable[[], object]) -> None:
        """Wait until something holds behind the page, while the page goes on."""
        end = time.monotonic() + PATIENCE_S
        while not holds():
            assert time.monotonic() < end
            self.page.wait_for_timeout(20)
