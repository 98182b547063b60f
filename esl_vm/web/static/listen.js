// What plays is heard, as on the mailbox's own page: the lamp goes out. Without this file a button says so.
const sound = document.getElementById("sound");
sound.addEventListener("playing", async () => {
  if (!("new" in sound.dataset)) return;
  delete sound.dataset.new;
  const answer = await fetch(location.pathname, { method: "POST", body: new URLSearchParams({ action: "heard" }) }).catch(() => null);
  if (answer?.ok) document.querySelector("button[value=heard]")?.remove();
  else sound.dataset.new = "";
});
