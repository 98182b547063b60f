// Makes the pages quick: links and forms exchange what changes instead of loading all of it, so what plays goes on.
// Without this file every page works all the same.
import { showPlayer } from "./player.js";
import { seen, watch } from "./live.js";
import { listenToKeys } from "./keys.js";
import { showPush } from "./push.js";
import { showRecorders } from "./recorder.js";

export const words = JSON.parse(document.getElementById("words").textContent);
const REGIONS = ["nav", "content", "notice", "tabs"];
const FIELD = "input, textarea, select";
let asked = 0;
let typedAt = 0; // when somebody came into a field, or wrote in it

/** Say something in passing, to those who see and to those who listen. */
export function tell(text) {
  const notice = document.getElementById("notice");
  const box = document.createElement("div");
  box.className = "undo";
  box.setAttribute("role", "status");
  box.append(Object.assign(document.createElement("span"), { textContent: text }));
  notice.replaceChildren(box);
}

/** Get a page and put its parts in place of today's; `how`: push, replace or keep the address. */
export async function go(address, { method = "GET", body, how = "push", focus = true } = {}) {
  const mine = ++asked;
  const began = performance.now();
  document.body.setAttribute("aria-busy", "true");
  try {
    return await exchange(mine, began, address, { method, body, how, focus });
  } finally {
    if (mine === asked) document.body.removeAttribute("aria-busy");
  }
}

async function exchange(mine, began, address, { method, body, how, focus }) {
  let answer;
  try {
    answer = await fetch(address, { method, body, credentials: "same-origin", headers: { Accept: "text/html" } });
  } catch {
    tell(navigator.onLine ? words.failed : words.offline);
    return false;
  }
  const text = await answer.text();
  if (mine !== asked) return false; // somebody clicked elsewhere meanwhile
  const page = new DOMParser().parseFromString(text, "text/html");
  if (REGIONS.some((id) => !page.getElementById(id))) {
    if (method === "GET") location.assign(answer.url); // signed out, or another kind of page
    else if (answer.status < 500) document.documentElement.replaceWith(page.documentElement);
    else tell(page.querySelector("main p")?.textContent ?? words.failed);
    return false;
  }
  const typing = typedAt > began && document.activeElement?.matches(FIELD) ? document.activeElement : null;
  const scrolled = document.querySelector(".list")?.scrollTop;
  for (const id of REGIONS) document.getElementById(id).replaceWith(document.adoptNode(page.getElementById(id)));
  document.title = page.title;
  const shown = new URL(answer.url);
  for (const name of ["done", "id", "from", "to", "n"]) shown.searchParams.delete(name);
  if (how === "push" && shown.href !== location.href) history.pushState(null, "", shown);
  else if (how !== "keep") history.replaceState(null, "", shown);
  const list = document.querySelector(".list");
  if (list && scrolled) list.scrollTop = scrolled;
  dress();
  const field = typing?.id ? document.getElementById(typing.id) : null;
  if (field) {
    field.value = typing.value; // it was begun while the answer was on its way: it stays, and goes on
    field.focus();
  } else if (focus) {
    const heading = document.querySelector("#detail h1") ?? document.getElementById("content");
    heading.setAttribute("tabindex", "-1");
    heading.focus();
  }
  return true;
}

function dress() {
  seen();
  showPlayer(document.querySelector(".player"));
  showRecorders(document.querySelectorAll("[data-sends]"), words, (place) =>
    go(`${location.pathname}?done=${place.dataset.done}`, { how: "replace", focus: false }),
  );
  showPush(document.getElementById("push"));
  const box = document.getElementById("keys-on");
  if (box) {
    box.checked = localStorage.getItem("keys") !== "off";
    box.addEventListener("change", () => localStorage.setItem("keys", box.checked ? "on" : "off"));
  }
}

for (const name of ["focusin", "input"])
  document.addEventListener(name, (event) => event.target.matches(FIELD) && (typedAt = performance.now()));

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-swap]");
  if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  go(link.href);
});

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("form[data-swap]")) return;
  event.preventDefault();
  const data = new URLSearchParams(new FormData(form, event.submitter));
  if (form.method === "get") go(`${form.getAttribute("action")}?${data}`);
  else go(form.getAttribute("action"), { method: "POST", body: data });
});

addEventListener("popstate", () => go(location.href, { how: "keep" }));
addEventListener("offline", () => tell(words.offline));
addEventListener("online", () => go(location.href, { how: "keep", focus: false }));

dress();
listenToKeys();
watch(document.getElementById("nav").dataset.api);
