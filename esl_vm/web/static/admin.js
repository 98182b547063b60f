// The administrator's pages work without it, but for a broadcast, whose sound is recorded or sent in here.
import { showRecorders } from "./recorder.js";

const words = JSON.parse(document.getElementById("words").textContent);

showRecorders(document.querySelectorAll("[data-sends]"), words, (place, result) => {
  const missed = result.full.length + result.closed.length + result.missing.length;
  location.assign(`${location.pathname}?${new URLSearchParams({ done: "broadcast", n: result.sent + result.already, not: missed })}`);
});

for (const file of document.querySelectorAll("[data-into]")) {
  file.closest("label").hidden = false;
  file.addEventListener("change", async () => {
    const [chosen] = file.files;
    if (chosen) document.getElementById(file.dataset.into).value = await chosen.text();
  });
}
