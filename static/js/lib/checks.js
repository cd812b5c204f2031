// What is still missing before the main action stands beside it; sending moves there instead.
import { on } from "./dom.js";

function filled(form, name) {
  const fields = [...form.elements].filter((field) => field.name === name);
  return fields.some((field) => (field.type === "checkbox" || field.type === "radio" ? field.checked : field.value.trim() !== ""));
}

function checksOf(form) {
  return [...document.querySelectorAll(`[data-checks-of="${CSS.escape(form.id)}"] [data-check]`)];
}

function refresh(form) {
  checksOf(form).forEach((item) => {
    const isDone = filled(form, item.dataset.check);
    item.classList.toggle("done", isDone);
    item.classList.toggle("open", !isDone);
    item.hidden = Boolean(document.querySelector(`[data-no-need="${CSS.escape(item.dataset.check)}"]`));
  });
}

export function startChecks() {
  const refreshAll = () => document.querySelectorAll("form[data-checked]").forEach(refresh);
  on("change", "form[data-checked]", refresh);
  on("input", "form[data-checked]", refresh);
  document.addEventListener("htmx:afterSettle", refreshAll);
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.matches("form[data-checked]")) return;
    refresh(form);
    const missing = checksOf(form).find((item) => item.matches(".open[data-needed]"));
    if (!missing) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    document.getElementById(missing.dataset.focusOn)?.focus();
  }, true);
  refreshAll();
}
