// Greetings: record in the browser, hear it, put it in force; or send a file in. Both are judged by the service.
import { go, words } from "./page.js";

const KINDS = ["audio/webm;codecs=opus", "audio/mp4", "audio/ogg;codecs=opus"];

/** Dress each card; without a script greetings can be heard and erased. */
export function showRecorders(cards) {
  for (const card of cards) dress(card);
}

function dress(card) {
  const box = card.querySelector(".recorder");
  const find = (name) => box.querySelector(`[data-do="${name}"]`);
  const review = box.querySelector(".review");
  const wrong = box.querySelector(".wrong");
  const at = box.querySelector("[data-at]");
  let recorder = null;
  let made = null;
  let timer = 0;
  box.hidden = false;
  find("record").hidden = !globalThis.MediaRecorder;

  const complain = (text) => {
    wrong.textContent = text;
    wrong.hidden = !text;
  };

  async function begin() {
    complain("");
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    } catch {
      complain(words.record_refused);
      return;
    }
    const parts = [];
    recorder = new MediaRecorder(stream, { mimeType: KINDS.find((kind) => MediaRecorder.isTypeSupported(kind)) });
    recorder.addEventListener("dataavailable", (event) => parts.push(event.data));
    recorder.addEventListener("stop", () => {
      for (const track of stream.getTracks()) track.stop();
      clearInterval(timer);
      made = new Blob(parts, { type: recorder.mimeType });
      review.querySelector("audio").src = URL.createObjectURL(made);
      review.hidden = false;
      find("stop").hidden = at.hidden = true;
      find("record").hidden = false;
    });
    recorder.start();
    const since = Date.now();
    at.textContent = "0:00";
    timer = setInterval(() => {
      const seconds = Math.floor((Date.now() - since) / 1000);
      at.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
    }, 250);
    find("record").hidden = review.hidden = true;
    find("stop").hidden = at.hidden = false;
    find("stop").focus();
  }

  async function send(content) {
    complain("");
    const address = `${document.getElementById("nav").dataset.api}/greetings/${card.dataset.greeting}/sound`;
    let answer = null;
    try {
      answer = await fetch(address, { method: "PUT", body: content, headers: { "Content-Type": "application/octet-stream" } });
    } catch {
      complain(words.failed);
      return;
    }
    if (answer.ok) await go(`${location.pathname}?done=greeting`, { how: "replace", focus: false });
    else complain((await answer.json().catch(() => ({}))).detail ?? words.failed);
  }

  find("record").addEventListener("click", begin);
  find("stop").addEventListener("click", () => recorder?.stop());
  find("again").addEventListener("click", begin);
  find("use").addEventListener("click", () => send(made));
  box.querySelector("input[type=file]").addEventListener("change", (event) => {
    const [file] = event.target.files;
    if (file) send(file);
    event.target.value = "";
  });
}
