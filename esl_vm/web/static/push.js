// Notices in this browser: its button in the settings signs it up, and off. Without this file the button stays hidden.
import { go, tell, words } from "./page.js";

const WORKER = "/push-worker.js";
const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
const same = (a, b) => a && new Uint8Array(a).join() === b.join();

async function idOf(subscription) {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(subscription.endpoint));
  return [...new Uint8Array(digest)].map((one) => one.toString(16).padStart(2, "0")).join("").slice(0, 16);
}

function named() {
  const [, browser] = navigator.userAgent.match(/(Firefox|Edg|OPR|Chrome|Safari)\//) ?? [];
  const [, system] = navigator.userAgent.match(/(Android|iPhone|iPad|Windows|Macintosh|Linux)/) ?? [];
  return browser && system ? `${browser} (${system})` : (browser ?? system ?? "");
}

async function send(place, subscription) {
  const { endpoint, keys } = subscription.toJSON();
  const body = JSON.stringify({ endpoint, p256dh: keys.p256dh, auth: keys.auth, name: named(), words: place.querySelector("input").checked });
  const answer = await fetch(place.dataset.api, { method: "POST", body, headers: { "Content-Type": "application/json" } });
  if (!answer.ok) throw new Error(`${answer.status}`);
}

async function signUp(place) {
  const key = bytes(place.dataset.key);
  const registration = await navigator.serviceWorker.register(WORKER);
  await navigator.serviceWorker.ready;
  const old = await registration.pushManager.getSubscription();
  if (old && !same(old.options.applicationServerKey, key)) await old.unsubscribe(); // the service has another key since
  await send(place, await registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key }));
}

/** Show the button of a place, and which of the browsers on the list this one is. */
export async function showPush(place) {
  if (!place || !("serviceWorker" in navigator) || !("PushManager" in window)) return;
  const registration = await navigator.serviceWorker.getRegistration(WORKER);
  const subscription = await registration?.pushManager.getSubscription();
  if (subscription) {
    const here = document.querySelector(`[data-browser="${await idOf(subscription)}"]`);
    if (here) here.querySelector("[data-here]").hidden = false;
    here?.querySelector("form").addEventListener("submit", () => subscription.unsubscribe());
  }
  place.hidden = false;
  place.querySelector("button").addEventListener("click", async () => {
    try {
      await signUp(place);
      go(`${location.pathname}?done=push`, { how: "replace", focus: false });
    } catch (error) {
      tell(error.name === "NotAllowedError" ? words.push_refused : words.failed);
    }
  });
}
