// What `?` shows: the keys that stand in the page's own buttons, beside those the page tells of.
import { isVisible } from "./dom.js";

function words(element) {
  const copy = element.cloneNode(true);
  copy.querySelectorAll("kbd, svg").forEach((part) => part.remove());
  return (element.getAttribute("aria-label") || copy.textContent).replace(/\s+/g, " ").trim();
}

function entry(element) {
  const key = Object.assign(document.createElement("kbd"), { textContent: element.querySelector("kbd").textContent });
  const term = document.createElement("dt");
  term.append(key);
  return [term, Object.assign(document.createElement("dd"), { textContent: words(element) })];
}

/** Open the list of keys. */
export function showKeys() {
  const dialog = document.getElementById("keys");
  if (!dialog || dialog.open) return;
  const buttons = [...document.querySelectorAll("[data-key]")].filter((element) => isVisible(element) && element.querySelector("kbd") && words(element));
  dialog.querySelector("[data-keys-here]").replaceChildren(...buttons.flatMap(entry));
  dialog.showModal();
}
