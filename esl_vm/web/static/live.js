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

const counted = (n) => (n === 1 ? words["news.one"] : words["news.many"].replace("{n}", n));

function busy() {
  const opened = document.querySelector("main.opened");
  const typing = document.activeElement?.matches("input, select, textarea");
  return opened || typing || Date.now() - touched < BUSY_MS;
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
  const folder = location.pathname.split("/")[4];
  if (what === "transcribed" && document.querySelector(`[data-message="${message}"]`)) showTranscript();
  if (what === "delivered") {
    waiting += 1;
    document.getElementById("live").textContent = counted(waiting);
    const news = document.getElementById("news");
    if (folder === "new" && !busy()) {
      waiting = 0;
      refresh();
    } else if (news) {
      news.hidden = false;
      news.querySelector("a").textContent = counted(waiting);
      news.querySelector("a").addEventListener("click", () => (waiting = 0), { once: true });
    }
  } else if (folder && !busy() && ["heard", "retired", "moved", "deleted", "restored", "erased", "transcribed"].includes(what)) refresh();
}

/** Listen for as long as the page is open; the browser goes on where it was cut off, and we where it gave up. */
export function watch(api) {
  const source = new EventSource(`${api}/events${last && `?${new URLSearchParams({ last_event_id: last })}`}`);
  for (const what of ["delivered", "heard", "heard-again", "retired", "moved", "deleted", "restored", "erased", "transcribed"])
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
    failures = 0;
  });
  source.addEventListener("error", () => {
    failures += 1;
    if (failures === 5) tell(words.live_lost);
    if (source.readyState === EventSource.CLOSED && failures < 20) setTimeout(() => watch(api), 1000 * Math.min(60, 3 * failures));
  });
}
