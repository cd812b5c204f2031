// One dialog for the actions that ask something, one for a photo in full. What goes into the
// dialog is a fragment of the server, loaded by htmx; without it the same address is a page.
import { on } from "./dom.js";

const FIRST_FIELD = "[data-focus], [aria-invalid=true], input:not([type=hidden]), select, textarea, button[type=submit]";

function showPhoto(link, event) {
  const box = document.getElementById("lightbox");
  if (!box) return;
  event.preventDefault();
  const image = box.querySelector("img");
  image.src = link.href;
  image.alt = link.querySelector("img")?.alt ?? "";
  box.showModal();
}

export function startDialogs() {
  document.addEventListener("htmx:afterSwap", (event) => {
    const dialog = event.target.closest?.("#dialog");
    if (dialog) {
      if (!dialog.open) dialog.showModal();
      dialog.querySelector(FIRST_FIELD)?.focus();
    } else {
      event.target.querySelector?.("[data-focus]")?.focus();
    }
  });
  const noAnswer = document.getElementById("no-answer");
  const say = (isHidden) => { if (noAnswer) noAnswer.hidden = isHidden; };
  document.addEventListener("htmx:sendError", () => say(false));
  document.addEventListener("htmx:responseError", ({ detail }) => { if (detail.xhr.status >= 500) say(false); });
  on("click", "[data-hide]", () => say(true));
  on("click", "[data-close]", (button) => button.closest("dialog")?.close());
  on("click", "[data-dismiss]", (button) => button.closest("[data-message]")?.remove());
  on("click", "dialog", (dialog, event) => { if (event.target === dialog) dialog.close(); });
  on("click", "[data-lightbox]", showPhoto);
  on("click", "[data-copy-address]", async (button) => {
    await navigator.clipboard?.writeText(new URL(button.dataset.copyAddress || location.href, location.href).href);
    button.querySelector("[data-label]").textContent = button.dataset.done;
  });
  document.addEventListener("click", (event) => {
    document.querySelectorAll("details.account[open], details.more[open]").forEach((menu) => {
      if (!menu.contains(event.target)) menu.open = false;
    });
  });
}
