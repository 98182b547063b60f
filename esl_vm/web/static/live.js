// What happens on the telephone shows here within a second, and nothing moves under the finger: what comes announces itself.
import { go, tell, words } from "./page.js";
import { silence } from "./player.js";

const BUSY_MS = 5000;
let touched = 0;
let waiting = 0;
let failures = 0;
let last = "";

for (const name of ["pointerdown", "keydown", "scroll"])
  addEventListener(name, () => (touched = Date.now()), { capture: true, passive: true });

const folder = () => location.pathname.split("/")[4]; // undefined on a page that shows none
const counted = (n) => (n === 1 ? words["news.one"] : words["news.many"].replace("{n}", n));

function busy() {
  const opened = document.querySelector("main.opened");
  const held = document.activeElement?.closest("#content :focus"); // a keyboard is there: it would be lost
  return opened || held || Date.now() - touched < BUSY_MS;
}

/** What is said in the message that is open has come. */
async function showTranscript() {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } }).catch(() => null);
  const fresh = answer && new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("transcript");
  if (fresh) document.getElementById("transcript")?.replaceChildren(...document.adoptNode(fresh).childNodes);
}

function refresh() {
  go(location.href, { how: "keep", focus: false });
}

function show({ what, message, new: fresh, old }) {
  for (const [name, count] of [["new", fresh], ["old", old]])
    for (const place of document.querySelectorAll(`[data-count="${name}"]`)) place.textContent = count || "";
  if (what === "erased" || what === "deleted") silence(message);
  if (what === "transcribed" && document.querySelector(`[data-message="${message}"]`)) showTranscript();
  if (what === "delivered") {
    waiting += 1;
    document.getElementById("live").textContent = counted(waiting);
    const news = document.getElementById("news");
    if (folder() === "new" && !busy()) refresh();
    else if (news) {
      news.hidden = false;
      news.querySelector("a").textContent = counted(waiting);
    }
  } else if (folder() && !busy() && ["heard", "retired", "moved", "deleted", "restored", "handled", "noted", "erased", "transcribed"].includes(what)) refresh();
}

/** What was left between the page's making and the stream's beginning. */
async function catchUp(api) {
  const place = document.querySelector('[data-count="new"]');
  const answer = await fetch(api).catch(() => null);
  if (!place || !answer?.ok) return;
  const { folders } = await answer.json();
  if (folders.new > Number(place.textContent)) show({ what: "delivered", new: folders.new, old: folders.old });
}

/** Who sees the new ones need not be notified of them. */
export function seen() {
  if (folder() === "new") waiting = 0;
}

/** Listen for as long as the page is open; the browser goes on where it was cut off, and we where it gave up. */
export function watch(api) {
  const source = new EventSource(`${api}/events${last && `?${new URLSearchParams({ last_event_id: last })}`}`);
  for (const what of ["delivered", "heard", "heard-again", "retired", "moved", "deleted", "restored", "handled", "noted", "erased", "transcribed"])
    source.addEventListener(what, (event) => {
      last = event.lastEventId;
      show(JSON.parse(event.data));
    });
  source.addEventListener("call-back", (event) => {
    const { state, why } = JSON.parse(event.data).details;
    tell(words.calls[why || state] ?? words.calls.switch);
  });
  source.addEventListener("reset", refresh);
  source.addEventListener("open", () => {
    if (failures && !document.activeElement?.matches("input, select, textarea")) refresh(); // what was missed
    else catchUp(api);
    failures = 0;
  });
  source.addEventListener("error", () => {
    failures += 1;
    if (failures === 5) tell(words.live_lost);
    if (source.readyState === EventSource.CLOSED && failures < 20) setTimeout(() => watch(api), 1000 * Math.min(60, 3 * failures));
  });
}
