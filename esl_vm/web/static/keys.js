// The keyboard: the guide's keys and a few more. Never while something is typed; can be switched off (settings).
const MOVES = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 };

function move(step) {
  const links = [...document.querySelectorAll(".messages a")];
  if (!links.length) return false;
  const focused = links.indexOf(document.activeElement);
  const current = focused < 0 ? links.findIndex((link) => link.hasAttribute("aria-current")) : focused;
  const next = current < 0 ? (step > 0 ? 0 : links.length - 1) : current + step;
  links[Math.max(0, Math.min(links.length - 1, next))].focus();
  return true;
}

function press(key) {
  const found = document.querySelector(`[data-key="${CSS.escape(key)}"]`);
  if (!found || !found.checkVisibility()) return false;
  if (found.matches("input")) found.focus();
  else found.click();
  if (found.matches("summary")) found.parentElement.querySelector("input:not([type=hidden]), select")?.focus();
  return true;
}

/** Begin to listen. */
export function listenToKeys() {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.metaKey || event.ctrlKey || event.altKey || localStorage.getItem("keys") === "off") return;
    const at = document.activeElement;
    if (at?.matches("input, select, textarea, audio")) return;
    if (event.key === " " && at?.matches("button, summary, a")) return;
    const done = event.key in MOVES ? move(MOVES[event.key]) : press(event.key === " " ? "Space" : event.key);
    if (done) event.preventDefault();
  });
}
