// The service worker: shows what the voicemail tells this browser while no page of it is open. It keeps nothing.
addEventListener("push", (event) => {
  let told = {};
  try {
    told = event.data.json();
  } catch {
    // what can't be read is shown all the same: a browser that shows nothing loses the permission
  }
  const options = { body: told.body ?? "", tag: told.tag ?? "", data: told };
  event.waitUntil(registration.showNotification(told.title ?? "", options));
});

addEventListener("notificationclick", (event) => {
  event.notification.close();
  const { mailbox, message } = event.notification.data ?? {};
  const folder = mailbox ? `/mailbox/${encodeURIComponent(mailbox).replace("%40", "@")}/folder/new` : "/";
  event.waitUntil(clients.openWindow(message ? `${folder}/${encodeURIComponent(message)}` : folder));
});
