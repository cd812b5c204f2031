// Common phrases beside a text field: the list is fetched when it is opened; a phrase goes in where
// the caret stands. Alt+/ opens the list of the field one writes in; arrows walk, Escape goes back.
import { csrfToken, on } from "./dom.js";

const pickerOf = (element) => element.closest("[data-phrases]");
const fieldOf = (picker) => document.getElementById(picker.dataset.phrases);
const menuOf = (picker) => picker.querySelector("[data-phrase-menu]");

async function fill(picker, address = picker.dataset.address, body = undefined) {
  const menu = menuOf(picker);
  const options = body ? { method: "POST", body } : {};
  options.headers = { "X-CSRFToken": csrfToken(), "X-Requested-With": "fetch" };
  const answer = await fetch(address, options).catch(() => null);
  if (answer && (answer.ok || answer.status === 400)) menu.innerHTML = await answer.text();
  else menu.textContent = menu.dataset.failed;
  menu.querySelector("[data-phrase]")?.focus();
}

function close(picker) {
  picker.open = false;
  fieldOf(picker)?.focus();
}

function insert(button) {
  const picker = pickerOf(button);
  const field = fieldOf(picker);
  if (!field) return;
  field.setRangeText(button.textContent, field.selectionStart, field.selectionEnd, "end");
  field.dispatchEvent(new Event("input", { bubbles: true }));
  close(picker);
}

function act(button) {
  const picker = pickerOf(button);
  const body = new FormData();
  body.append("action", new URL(picker.dataset.address, location.href).searchParams.get("action") ?? "");
  if ("keep" in button.dataset) body.append("text", fieldOf(picker)?.value ?? "");
  fill(picker, button.dataset.phraseAct, body);
}

function walk(picker, step) {
  const all = [...menuOf(picker).querySelectorAll("[data-phrase], [data-keep]")];
  const at = all.indexOf(document.activeElement);
  all[Math.min(Math.max(at + step, 0), all.length - 1)]?.focus();
}

export function startPhrases() {
  document.addEventListener("toggle", ({ target }) => {
    if (target instanceof HTMLElement && target.matches("[data-phrases][open]")) fill(target);
  }, true);
  on("click", "[data-phrase]", (button) => insert(button));
  on("click", "[data-phrase-act]", (button) => act(button));
  on("keydown", "[data-phrases]", (picker, event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) { event.preventDefault(); walk(picker, step); }
    if (event.key === "Escape") { event.preventDefault(); event.stopPropagation(); close(picker); }
  });
  document.addEventListener("keydown", (event) => {
    if (!event.altKey || event.code !== "Slash" || !event.target.id) return;
    const picker = document.querySelector(`[data-phrases="${CSS.escape(event.target.id)}"]`);
    if (!picker) return;
    event.preventDefault();
    picker.open = true;
  });
}
