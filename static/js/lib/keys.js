// Keys: a key stands inside its button (data-key); arrows walk through a queue; Ctrl K searches.
import { isVisible, takesText } from "./dom.js";

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
    if (name === "ArrowDown" || name === "ArrowUp") {
      if (takesText(event.target) || scope !== document || !document.querySelector("[data-queue-row]")) return;
      if (event.target instanceof HTMLInputElement) return;
      event.preventDefault();
      walkQueue(name === "ArrowDown" ? 1 : -1);
      return;
    }
    const target = [...scope.querySelectorAll(`[data-key="${CSS.escape(name)}"]`)].find(isVisible);
    if (!target) return;
    event.preventDefault();
    if (target.matches("input, select, textarea")) target.focus();
    target.click();
  });
}
