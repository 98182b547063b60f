// The player: one sound at a time, which goes on while another page of the mailbox is shown.
import { words } from "./page.js";

const sound = new Audio();
sound.preload = "none";
let playing = ""; // the message whose sound it is
let heard = false;
let shown = null;
let speed = 1;

const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;

/** Dress the player of the message that is shown; its own controls work without a script. */
export function showPlayer(player) {
  shown = player;
  if (!player) return;
  const plain = player.querySelector("audio");
  const deck = player.querySelector(".deck");
  plain.hidden = true;
  plain.removeAttribute("src");
  deck.hidden = false;
  player.dataset.sound = `${document.getElementById("nav").dataset.api}/messages/${player.dataset.message}/sound`;
  deck.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button?.dataset.do === "play") toggle(player);
    else if (button?.dataset.do) seek(player, Number(button.dataset.do));
    else if (button?.dataset.speed) setSpeed(Number(button.dataset.speed));
  });
  deck.querySelector(".position").addEventListener("input", (event) => {
    take(player);
    sound.currentTime = event.target.value / 1000;
    paint();
  });
  const said = document.getElementById("transcript");
  said?.addEventListener("click", (event) => {
    const piece = event.target.closest("[data-start]");
    if (!piece) return;
    event.preventDefault();
    playFrom(player, Number(piece.dataset.start) / 1000);
  });
  paint();
}

function playFrom(player, seconds) {
  take(player);
  sound.currentTime = seconds;
  sound.play().catch(() => paint());
  paint();
}

/** Make the sound that of a player's message; another one's stops. */
function take(player) {
  if (playing === player.dataset.message) return;
  sound.pause();
  playing = player.dataset.message;
  heard = player.dataset.heard === "1";
  sound.src = player.dataset.sound;
  sound.playbackRate = sound.defaultPlaybackRate = speed;
}

function toggle(player) {
  take(player);
  if (sound.paused) sound.play().catch(() => paint());
  else sound.pause();
}

function seek(player, seconds) {
  take(player);
  sound.currentTime = Math.max(0, Math.min(player.dataset.ms / 1000, sound.currentTime + seconds));
  paint();
}

function setSpeed(wanted) {
  speed = wanted;
  sound.playbackRate = sound.defaultPlaybackRate = wanted;
  paint();
}

/** A message that is gone takes its sound with it. */
export function silence(message) {
  if (playing !== message) return;
  sound.pause();
  playing = "";
}

function paint() {
  if (!shown) return;
  const mine = shown.dataset.message === playing;
  const at = mine ? sound.currentTime : 0;
  const running = mine && !sound.paused && !sound.ended;
  const total = shown.dataset.ms / 1000 || 1; // the length that the message has, whatever a file's header says
  shown.querySelector("clipPath rect").setAttribute("width", String(600 * Math.min(1, at / total)));
  shown.querySelector(".position").value = at * 1000;
  shown.querySelector(".position").setAttribute("aria-valuetext", clock(at));
  shown.querySelector("[data-at]").textContent = clock(at);
  const [play, pause] = shown.querySelectorAll(".play .glyph");
  play.hidden = running;
  pause.hidden = !running;
  shown.querySelector(".play > .hidden").textContent = running ? words.pause : words.play;
  for (const piece of document.querySelectorAll("#transcript [data-start]"))
    piece.classList.toggle("now", running && at * 1000 >= piece.dataset.start && at * 1000 < piece.dataset.end);
  for (const button of shown.querySelectorAll("[data-speed]"))
    button.setAttribute("aria-pressed", String(Number(button.dataset.speed) === speed));
}

async function markHeard() {
  if (heard || !playing) return;
  heard = true;
  const address = `${document.getElementById("nav").dataset.api}/messages/${playing}`;
  const answer = await fetch(address, {
    method: "PATCH", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ heard: true }),
  }).catch(() => null);
  heard = Boolean(answer?.ok);
}

for (const name of ["timeupdate", "play", "pause", "ended", "seeked"]) sound.addEventListener(name, paint);
sound.addEventListener("playing", markHeard); // what plays is heard: the lamp goes out
