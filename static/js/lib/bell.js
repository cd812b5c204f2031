// The bell in the header: the number of unread notifications, asked for after the page is there,
// again when the socket hints that the inbox changed, when the reader comes back to the page, and
// every minute meanwhile, so that it is right though the socket be gone.
const ASK_EVERY_MS = 60_000;

function ask() {
  document.querySelector("[data-bell]")?.dispatchEvent(new CustomEvent("bell"));
}

export function startBell() {
  if (!document.querySelector("[data-bell]")) return;
  document.addEventListener("inbox-changed", ask);
  document.body.addEventListener("notifications-changed", ask);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) ask(); });
  setInterval(() => { if (!document.hidden) ask(); }, ASK_EVERY_MS);
}
