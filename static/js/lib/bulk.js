// Choosing rows for an act on several cases: the bar stands while something is chosen; X marks the
// row that is open, and the box in the head marks all.
import { on, takesText } from "./dom.js";

const boxes = (form) => [...document.querySelectorAll(`input[type=checkbox][form="${CSS.escape(form.id)}"]`)];

function refresh(form) {
  const count = boxes(form).filter((box) => box.checked).length;
  form.hidden = count === 0;
  const said = form.querySelector("[data-bulk-count]");
  said.textContent = said.dataset.pattern.replace("{n}", count);
}

function markOpenRow(form) {
  const row = document.querySelector("[data-queue-row].selected") ?? document.activeElement;
  const box = row?.closest("tr, .queue-line")?.querySelector(`input[form="${CSS.escape(form.id)}"]`);
  if (!box) return;
  box.checked = !box.checked;
  refresh(form);
}

export function startBulk() {
  const form = () => document.querySelector("form[data-bulk]");
  const refreshNow = () => { if (form()) refresh(form()); };
  on("change", "input[type=checkbox][form=bulk-form]", refreshNow);
  on("change", "[data-bulk-all]", (box) => {
    boxes(form()).forEach((each) => { each.checked = box.checked; });
    refreshNow();
  });
  on("click", "[data-bulk-clear]", () => {
    boxes(form()).forEach((box) => { box.checked = false; });
    refreshNow();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key.toUpperCase() !== "X" || event.ctrlKey || event.metaKey || event.altKey) return;
    if (takesText(event.target) || document.querySelector("dialog[open]") || !form()) return;
    markOpenRow(form());
  });
  document.addEventListener("htmx:afterSettle", refreshNow);
  refreshNow();
}
