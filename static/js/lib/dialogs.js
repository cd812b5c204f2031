// One dialog for the actions that ask something. What goes into it is a fragment of the server,
// loaded by htmx; without it the same address is a page.
import { on } from "./dom.js";

// What was refused comes first, then what Enter may do at once, then the first question.
const FIRST_FIELD = "[aria-invalid=true], input:not([type=hidden]), select, textarea, button[type=submit]";

const MENUS = "details.account[open], details.more[open]";

/** Show a message of the page where it is seen: nothing behind an open dialog can be reached. */
function say(id) {
  const message = document.getElementById(id);
  if (!message) return;
  const dialog = document.querySelector("dialog[open]");
  if (dialog) dialog.prepend(message);
  else document.getElementById("main").before(message);
  const way = message.querySelector("[data-log-in]");
  if (way) way.search = new URLSearchParams({ next: location.pathname + location.search });
  message.hidden = false;
}

export function startDialogs() {
  document.addEventListener("htmx:afterSwap", (event) => {
    const dialog = event.target.closest?.("#dialog");
    if (dialog) {
      if (!dialog.open) dialog.showModal();
      (dialog.querySelector("[data-focus]") ?? dialog.querySelector("[data-focus-last]") ?? dialog.querySelector(FIRST_FIELD))?.focus();
    } else {
      event.target.querySelector?.("[data-focus]")?.focus();
    }
  });
  document.addEventListener("htmx:sendError", () => say("no-answer"));
  document.addEventListener("htmx:responseError", ({ detail }) => {
    if (detail.xhr.status >= 500) say("no-answer");
    if (detail.xhr.status === 401) say("logged-out");
  });
  on("click", "[data-hide]", (button) => { button.closest("[data-message]").hidden = true; });
  on("click", "[data-close]", (button) => button.closest("dialog")?.close());
  on("click", "[data-dismiss]", (button) => button.closest("[data-message]")?.remove());
  on("click", "dialog", (dialog, event) => { if (event.target === dialog) dialog.close(); });
  on("click", "[data-copy-address]", async (button) => {
    await navigator.clipboard?.writeText(new URL(button.dataset.copyAddress || location.href, location.href).href);
    button.querySelector("[data-label]").textContent = button.dataset.done;
  });
  document.addEventListener("click", (event) => {
    document.querySelectorAll(MENUS).forEach((menu) => {
      if (!menu.contains(event.target)) menu.open = false;
    });
  });
  document.addEventListener("keydown", (event) => {
    const menu = event.key === "Escape" && !event.defaultPrevented && document.activeElement?.closest(MENUS);
    if (!menu) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });
}
