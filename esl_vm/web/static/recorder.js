// Record in the browser, hear it, send it; or send a file in. All is judged by the service. In a form (a comment for a message
// that is forwarded, a broadcast) what was recorded waits for the form's own button; elsewhere (a greeting) it has one of its own.

const KINDS = ["audio/webm;codecs=opus", "audio/mp4", "audio/ogg;codecs=opus"];

/** What an input of type datetime-local holds, as the API takes times. */
const instant = ([name, value]) => [name, /^\d{4}-\d\d-\d\dT\d\d:\d\d$/.test(value) ? new Date(value).toISOString() : value];

/** Dress each place where a sound can be sent; without a script greetings can be heard and erased, messages forwarded.
 *  `sent`: called with the place and what the service answered. */
export function showRecorders(places, words, sent) {
  for (const place of places) dress(place, words, sent);
}

function dress(place, words, sent) {
  const box = place.querySelector(".recorder");
  const find = (name) => box.querySelector(`[data-do="${name}"]`);
  const review = box.querySelector(".review");
  const wrong = box.querySelector(".wrong");
  const at = box.querySelector("[data-at]");
  const form = place.matches("form") ? place : null;
  let recorder = null;
  let made = null;
  let timer = 0;
  let sending = false;
  box.hidden = false;
  box.closest("fieldset")?.removeAttribute("hidden");
  find("record").hidden = !globalThis.MediaRecorder;

  const complain = (text) => {
    wrong.textContent = text;
    wrong.hidden = !text;
  };

  const keep = (content) => {
    made = content;
    review.hidden = !made;
    if (made) review.querySelector("audio").src = URL.createObjectURL(made);
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
      keep(new Blob(parts, { type: recorder.mimeType }));
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
    if (sending) return;
    sending = true;
    complain("");
    const fields = form ? [...new FormData(form)].filter(([name, value]) => name !== "action" && value).map(instant) : [];
    const address = place.dataset.sends + (fields.length ? `?${new URLSearchParams(fields)}` : "");
    const headers = { "Content-Type": "application/octet-stream" };
    const answer = await fetch(address, { method: place.dataset.method, body: content, headers }).catch(() => null);
    sending = false;
    if (answer?.ok) await sent(place, await answer.json().catch(() => ({})));
    else {
      const problem = (await answer?.json().catch(() => null)) ?? {};
      const which = Object.keys(problem.errors ?? {}).join(", ");
      const where = which && words.problems.where.replace("{names}", which);
      complain([words.problems[problem.type?.split("#")[1]] ?? words.failed, where].join(" "));
    }
  }

  find("record").addEventListener("click", begin);
  find("stop").addEventListener("click", () => recorder?.stop());
  find("again").addEventListener("click", begin);
  find("use")?.addEventListener("click", () => send(made));
  find("drop")?.addEventListener("click", () => keep(null));
  box.querySelector("input[type=file]").addEventListener("change", (event) => {
    const [file] = event.target.files;
    complain("");
    if (file && form) keep(file);
    else if (file) send(file);
    event.target.value = "";
  });
  form?.addEventListener("submit", (event) => {
    if (!made && recorder?.state !== "recording" && !place.dataset.needs) return; // forwarded as it is
    event.preventDefault();
    event.stopPropagation();
    if (!made && recorder?.state !== "recording") return complain(words.sound_needed);
    if (recorder?.state !== "recording") return void send(made);
    recorder.addEventListener("stop", () => send(made), { once: true });
    recorder.stop();
  });
}
