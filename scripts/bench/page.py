"""What a telephone's browser pays for a first page: its caches cold, its CPU four times slower than here."""

from __future__ import annotations

import shutil
import statistics
from typing import TYPE_CHECKING

from bench.processes import Service
from esl_vm.cli.settings_file import load_settings
from esl_vm.model.mailbox import MailboxId
from esl_vm.service.wiring import open_node

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, StorageState

BOX, PIN = MailboxId("3050", "default"), "8305"
_SLOWER = 4
_TELEPHONE = {"width": 360, "height": 780}
_QUIET_MS = 1000
"""After that long without a long task (50 ms) nothing more is expected."""
_WATCH = """
window.tasks = []; window.shift = 0;
new PerformanceObserver((l) => l.getEntries().forEach((e) => tasks.push([e.startTime, e.duration]))).observe({type: 'longtask'});
new PerformanceObserver((l) => l.getEntries().forEach((e) => shift += e.value)).observe({type: 'layout-shift', buffered: true});
"""
_QUIET = f"""() => performance.now() > {_QUIET_MS} + Math.max(
    performance.getEntriesByType('navigation')[0].loadEventEnd, ...tasks.map(([at, long]) => at + long))"""
_SEEN = """() => {
    const paint = performance.getEntriesByName('first-contentful-paint')[0].startTime;
    const ready = performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd;
    return {paint, shift, interactive: Math.max(paint, ready, ...tasks.map(([at, long]) => at + long)),
            blocked: tasks.reduce((sum, [, long]) => sum + long - 50, 0)};
}"""


def page(furnish: Callable[..., None], rounds: int) -> Iterator[tuple[str, str, str]]:
    """Bytes, first paint, interactive, layout shift of the page to sign in on and of a folder with fifty messages."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        yield "a first page", "not measured: no playwright (`make test` installs it)", ""
        return
    executable = shutil.which("chromium") or shutil.which("google-chrome")
    if executable is None:
        yield "a first page", "not measured: no chromium", ""
        return
    with Service(web=True) as service, sync_playwright() as playwright:
        furnish(service, [BOX.number], 50)
        with open_node(load_settings(service.settings, {})) as node:
            node.store.pins.change(BOX, PIN)
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        address = f"http://127.0.0.1:{service.web_port}"
        signed_in = browser.new_context()
        shown = signed_in.new_page()
        shown.goto(address)
        shown.fill("#mailbox", BOX.number)
        shown.fill("#pin", PIN)
        shown.click("main button")
        shown.wait_for_url("**/folder/new")
        cookies = signed_in.storage_state()
        signed_in.close()
        for name, where, state in (
            ("a page with one word, for comparison", "data:text/html,<p>word", None),
            ("the page to sign in on", address, None),
            ("a folder's first 50 messages", shown.url, cookies),
        ):
            seen = [_visit(browser, where, state) for _ in range(rounds + 1)][1:]  # the first one warms up
            middle = {key: statistics.median(one[key] for one in seen) for key in seen[0]}
            ours = where.startswith("http")
            if ours:
                yield (
                    f"{name}: transferred, {middle['requests']:.0f} requests",
                    f"{middle['bytes'] / 1000:.1f} kB",
                    "≤ 60 kB",
                )
            yield (
                f"{'…' if ours else name + ':'} first paint, CPU {_SLOWER} times slower",
                f"{middle['paint']:.0f} ms",
                "",
            )
            yield "… interactive", f"{middle['interactive']:.0f} ms", "< 500 ms" if ours else ""
            if ours:
                yield "… long tasks, beyond 50 ms of each", f"{middle['blocked']:.0f} ms", ""
                yield "… layout shift", f"{middle['shift']:.3f}", "< 0.1"
        browser.close()


def _visit(browser: Browser, address: str, state: StorageState | None) -> dict[str, float]:
    """What one visit in a browser that never saw the page costs: bytes, requests, milliseconds."""
    context = browser.new_context(viewport=_TELEPHONE, storage_state=state)
    shown = context.new_page()
    wire = context.new_cdp_session(shown)
    wire.send("Network.enable")
    wire.send("Emulation.setCPUThrottlingRate", {"rate": _SLOWER})
    sizes: list[float] = []
    wire.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    shown.add_init_script(_WATCH)
    shown.goto(address, wait_until="load")
    shown.wait_for_function(_QUIET)
    seen: dict[str, float] = shown.evaluate(_SEEN)
    context.close()
    return {**seen, "bytes": sum(sizes), "requests": len(sizes)}
