// The hotline's entry: what to read back to the caller, made of what was written so far.
import { on } from "./lib/dom.js";

const line = document.querySelector("[data-read-back]");
const form = line.closest("form");

function written(...names) {
  return names.map((name) => form.elements[name]?.value.trim() ?? "").filter(Boolean).join(", ");
}

function typeWords() {
  return form.elements.type?.value ? form.elements.search.value.replace(/^\d+ /, "") : "";
}

function readBack() {
  const { blank } = line.dataset;
  const what = [typeWords(), written("description")].filter(Boolean).join(", ");
  line.textContent = line.dataset.readBack
    .replace("{what}", what || blank).replace("{where}", written("address") || blank).replace("{phone}", written("reporter_phone") || blank);
}

form.addEventListener("input", readBack);
form.addEventListener("change", readBack);
on("click", "[data-fill]", ({ dataset }) => {
  const field = document.getElementById(dataset.fill);
  field.value = dataset.text;
  field.dispatchEvent(new Event("input", { bubbles: true }));
  field.focus();
});
readBack();
