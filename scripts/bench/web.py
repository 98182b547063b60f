"""What the pages, the API and the search take: a long list, a sound, streams; a telephone's first page; words in messages."""

from __future__ import annotations

import random
import shutil
import time
from typing import TYPE_CHECKING

from bench.processes import Meter, Row, furnish, hold_load, memory_kb, middle, run_load, serving
from esl_vm.model.mailbox import Folder, MailboxId
from esl_vm.model.rights import GRANTABLE, Reach
from esl_vm.model.transcript import Segment, Transcript

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, StorageState

BOX, PIN = MailboxId("3000", "default"), "8305"
_STREAMS = 1000
_SLOWER = 4
_WATCH = """
window.tasks = []; window.shift = 0;
new PerformanceObserver((l) => l.getEntries().forEach((e) => tasks.push([e.startTime, e.duration]))).observe({type: 'longtask'});
new PerformanceObserver((l) => l.getEntries().forEach((e) => shift += e.value)).observe({type: 'layout-shift', buffered: true});
"""
# After a second without a long task (50 ms) nothing more is expected.
_QUIET = """() => performance.now() > 1000 + Math.max(
    performance.getEntriesByType('navigation')[0].loadEventEnd, ...tasks.map(([at, long]) => at + long))"""
_SEEN = """() => {
    const paint = performance.getEntriesByName('first-contentful-paint')[0].startTime;
    const ready = performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd;
    return {paint, shift, interactive: Math.max(paint, ready, ...tasks.map(([at, long]) => at + long)),
            blocked: tasks.reduce((sum, [, long]) => sum + long - 50, 0)};
}"""
_WORDS = (
    "bonjour c'est pour le rendez-vous de jeudi matin à la clinique rappelez-moi s'il vous plaît au numéro de votre dossier "
    "avant midi parce que la réunion été déplacée après Noël merci beaucoup bonne journée à bientôt Côté"
)


def web(rounds: int, _calls: int) -> Iterator[Row]:
    """A list of 50 of 10,000 messages at 200 requests a second, the web process on one core; sounds; 1,000 streams."""
    with serving(web=True) as service:
        furnish(service, [BOX.number], 10_000)
        _, token = service.node.store.access.add_token("bench", GRANTABLE, Reach(everywhere=True))
        first = service.node.mailboxes.listed(BOX, Folder.NEW, newest=False, after=None, most=20).messages
        messages = f"/api/v1/mailboxes/{BOX}/messages"  # the first 20 have sounds
        common = {"port": service.web_port, "token": token, "at_once": 32}
        run_load(paths=[messages], **common, rate=50, seconds=2)
        seen, costs = [], []
        for _ in range(rounds - 2):
            meter = Meter(service.web)
            seen.append(run_load(paths=[messages], **common, rate=200, seconds=2 * rounds))
            costs.append(1000 * meter.used_s() / seen[-1]["answers"])
        for name, wanted in (("p50", ""), ("p99", "< 15 ms")):
            ms = middle(one[f"whole_{name}_ms"] for one in seen)
            yield f"list of 50 of 10,000 messages, 200 requests a second: {name}", f"{ms:.1f} ms", wanted
        yield "… CPU of the web process, each", f"{middle(costs):.2f} ms", ""
        sounds = run_load(paths=[f"{messages}/{one.id}/sound" for one in first], **common, rate=20, seconds=2)
        yield "a sound's first byte: p99", f"{sounds['first_p99_ms']:.1f} ms", "< 50 ms"
        time.sleep(1)
        idle = memory_kb(service.web)
        with hold_load(paths=[f"/api/v1/mailboxes/{BOX}/events"], **common, hold=_STREAMS):
            held = memory_kb(service.web)
        yield f"memory of an event stream, {_STREAMS:,} of them", f"{(held - idle) / _STREAMS:.1f} kB", "≤ 40 kB"


def page(rounds: int, _calls: int) -> Iterator[Row]:
    """What a telephone's browser pays for a first page: its caches cold, its CPU four times slower than here."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        yield "a first page", "not measured: no playwright (`make test` installs it)", ""
        return
    executable = shutil.which("chromium") or shutil.which("google-chrome")
    if executable is None:
        yield "a first page", "not measured: no chromium", ""
        return
    with serving(web=True) as service, sync_playwright() as playwright:
        furnish(service, [BOX.number], 50)
        service.node.store.pins.change(BOX, PIN)
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        address = f"http://127.0.0.1:{service.web_port}"
        signed_in = browser.new_context()
        shown = signed_in.new_page()
        shown.goto(address)
        shown.fill("#mailbox", BOX.number)
        shown.fill("#pin", PIN)
        shown.click("main button")
        shown.wait_for_url("**/folder/new")
        visits = {
            "a page with one word, for comparison": ("data:text/html,<p>word", None),
            "the page to sign in on": (address, None),
            "a folder's first 50 messages": (shown.url, signed_in.storage_state()),
        }
        signed_in.close()
        for name, (where, state) in visits.items():
            seen = [_visit(browser, where, state) for _ in range(rounds + 1)][1:]  # the first one warms up
            of = {key: middle(one[key] for one in seen) for key in seen[0]}
            ours = where.startswith("http")
            yield (
                f"{name}: transferred, {of['requests']:.0f} requests",
                f"{of['bytes'] / 1000:.1f} kB",
                "≤ 60 kB" if ours else "",
            )
            yield f"… first paint, CPU {_SLOWER} times slower", f"{of['paint']:.0f} ms", ""
            yield "… interactive", f"{of['interactive']:.0f} ms", "< 500 ms" if ours else ""
            yield "… long tasks, beyond 50 ms of each", f"{of['blocked']:.0f} ms", ""
            yield "… layout shift", f"{of['shift']:.3f}", "< 0.1" if ours else ""
        browser.close()


def _visit(browser: Browser, address: str, state: StorageState | None) -> dict[str, float]:
    """What one visit in a browser that never saw the page costs: bytes, requests, milliseconds."""
    context = browser.new_context(viewport={"width": 360, "height": 780}, storage_state=state)
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


def search(rounds: int, calls: int) -> Iterator[Row]:
    """Finding what was said: in mailboxes of a hundred messages, in one of a thousand, in the whole domain."""
    chance = random.Random(15)

    def spoken(place: int) -> dict[str, object]:  # some 700 letters, 45 seconds of speech
        said = tuple(
            Segment(3000 * n, 3000 * n + 2900, " ".join(chance.choices(_WORDS.split(), k=10))) for n in range(12)
        )
        return {
            "folder": tuple(Folder)[place % 10],
            "transcript": Transcript(language="fr", engine="bench", segments=said),
        }

    with serving() as service:
        numbers = [str(number) for number in range(30000, 30000 + (100 if calls < 400 else 1000))]
        furnish(service, numbers, 100, spoken, sounds=0)
        furnish(service, ["29999"], 1000, spoken, sounds=0)

        def took(*boxes: str) -> float:
            began = time.perf_counter()
            for _ in service.node.store.transcripts.find([MailboxId(box, "default") for box in boxes], "clinique NOEL"):
                pass
            return 1000 * (time.perf_counter() - began)

        small = sorted(took(chance.choice(numbers)) for _ in range(100 * rounds))
        large = middle(took("29999") for _ in range(20 * rounds))
        whole = took(*numbers)
    name = f"finding words in a mailbox of 100 messages, in a domain of {len(numbers) * 100:,}"
    yield f"{name}: p50", f"{middle(small):.1f} ms", ""
    yield "… p99", f"{small[len(small) * 99 // 100]:.1f} ms", "< 50 ms"
    yield "… in a mailbox of 1,000 messages: p50", f"{large:.0f} ms", ""
    yield "… in the whole domain", f"{whole / 1000:.1f} s", ""
