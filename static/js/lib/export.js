// Filters send themselves when a choice changes. Exported is exactly what is filtered: the form takes
// the parameters of the present address.
import { on } from "./dom.js";

export function startExporting() {
  on("change", "[data-submit-form]", (field) => field.form.requestSubmit());
  on("click", "[data-with-address]", (button) => {
    const form = button.form;
    form.querySelectorAll("[data-from-address]").forEach((field) => field.remove());
    for (const [name, value] of new URLSearchParams(location.search)) {
      if (!value || form.elements.namedItem(name)) continue;
      const field = Object.assign(document.createElement("input"), { type: "hidden", name, value });
      field.dataset.fromAddress = "";
      form.append(field);
    }
  });
}
