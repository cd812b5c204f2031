// Keys: a key stands inside its button (data-key); arrows walk through a queue; Ctrl K searches;
// `?` shows what keys there are. A second key (data-key-also) serves while no button has it for its own.
import { isVisible, takesText } from "./dom.js";
import { showKeys } from "./key_help.js";

const ARROWS = { ArrowDown: 1, ArrowUp: -1 };
const LETTERS = { J: 1, K: -1 }; // where no button has them for its own

function openDialog() {
  return document.querySelector("dialog[open]");
}

function keyName(event) {
  const name = event.key.length === 1 ? event.key.toUpperCase() : event.key;
  return event.ctrlKey || event.metaKey ? `Ctrl+${name}` : name;
}

function walkQueue(step) {
  const rows = [...document.querySelectorAll("[data-queue-row]")];
  const at = rows.findIndex((row) => row.classList.contains("selected"));
  const row = rows[Math.min(Math.max(at + step, 0), rows.length - 1)];
  if (!row || rows[at] === row) return;
  row.scrollIntoView({ block: "nearest" });
  row.click();
}

/** Tell whether arrows in this field belong to it: text does, an empty search with nothing open not. */
function keepsArrows(element) {
  if (element instanceof HTMLInputElement && element.getAttribute("role") === "combobox") return element.getAttribute("aria-expanded") === "true";
  return takesText(element) || element instanceof HTMLInputElement;
}

/** Tell whether the space bar already means something where the focus is. */
function keepsSpace(element) {
  return element instanceof Element && element.matches("a, button, summary, input, [role=button]");
}

function target(scope, name) {
  const find = (attribute) => [...scope.querySelectorAll(`[${attribute}="${CSS.escape(name)}"]`)].find(isVisible);
  return find("data-key") ?? find("data-key-also");
}

export function startKeys() {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing || event.altKey) return;
    const name = keyName(event);
    const scope = openDialog() ?? document;
    if (name === "Ctrl+K") {
      const search = document.querySelector("[data-search]");
      if (search) { event.preventDefault(); search.focus(); search.select(); }
      return;
    }
    const isLetter = name.length === 1;
    if (isLetter && takesText(event.target)) return;
    if (name in ARROWS) {
      if (keepsArrows(event.target) || scope !== document || !document.querySelector("[data-queue-row]")) return;
      event.preventDefault();
      walkQueue(ARROWS[name]);
      return;
    }
    if (name === "?" && scope === document) { event.preventDefault(); showKeys(); return; }
    if (name === " " && keepsSpace(event.target)) return;
    const found = target(scope, name);
    if (!found && scope === document && name in LETTERS) walkQueue(LETTERS[name]);
    if (!found) return;
    event.preventDefault();
    if (found.matches("input, select, textarea")) found.focus();
    found.click();
  });
}
