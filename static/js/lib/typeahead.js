// A search field with its list of options below (role combobox): arrows, Enter, Escape and the
// mouse. htmx loads the options; choosing one puts its value into the hidden field and says so.
// Where the words count as typed (data-free), nothing is chosen unless a person does.
import { on } from "./dom.js";

function parts(input) {
  const root = input.closest("[data-typeahead]");
  return { root, list: root.querySelector("[role=listbox]"), value: root.querySelector("[data-value]") };
}

function options(list) {
  return [...list.querySelectorAll("[role=option]")];
}

function isFree(input) {
  return "free" in input.closest("[data-typeahead]").dataset;
}

/** Choosing opens an address; what was typed is sent as it is. */
function isGoing(input) {
  return "go" in input.closest("[data-typeahead]").dataset;
}

function close(input, list) {
  list.replaceChildren();
  input.setAttribute("aria-expanded", "false");
}

function mark(input, list, option) {
  options(list).forEach((each) => each.setAttribute("aria-selected", String(each === option)));
  if (option) {
    option.scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", option.id);
  } else {
    input.removeAttribute("aria-activedescendant");
  }
  input.dispatchEvent(new CustomEvent("option-marked", { bubbles: true, detail: option?.dataset.label ?? "" }));
}

function choose(option) {
  const root = option.closest("[data-typeahead]");
  const input = root.querySelector("[role=combobox]");
  const value = root.querySelector("[data-value]");
  if ("go" in root.dataset) { location.assign(option.dataset.value); return; }
  input.value = option.dataset.label;
  value.value = option.dataset.value;
  close(input, root.querySelector("[role=listbox]"));
  value.dispatchEvent(new Event("change", { bubbles: true }));
  input.dispatchEvent(new CustomEvent("option-marked", { bubbles: true, detail: "" }));
  if (root.dataset.then) document.getElementById(root.dataset.then)?.focus();
}

function step(input, list, by) {
  const all = options(list);
  const at = all.findIndex((option) => option.getAttribute("aria-selected") === "true");
  mark(input, list, all[Math.min(Math.max(at + by, 0), all.length - 1)]);
}

export function startTypeahead() {
  on("keydown", "[role=combobox]", (input, event) => {
    const { list } = parts(input);
    if (!options(list).length || event.isComposing) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      step(input, list, event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Enter") {
      if (isGoing(input) && !list.querySelector("[aria-selected=true]")) return; // the form is sent
      event.preventDefault();
      const chosen = list.querySelector("[aria-selected=true]") ?? (isFree(input) ? null : options(list)[0]);
      if (chosen) choose(chosen);
      else close(input, list);
    } else if (event.key === "Escape") {
      close(input, list);
    }
  });
  on("input", "[role=combobox]", (input) => {
    const { value } = parts(input);
    if (!value) return;
    value.value = "";
    input.dispatchEvent(new Event("change", { bubbles: true }));
  });
  on("focusout", "[data-typeahead][data-go]", (root, { relatedTarget }) => {
    if (!root.contains(relatedTarget)) close(root.querySelector("[role=combobox]"), root.querySelector("[role=listbox]"));
  });
  on("click", "[role=option]", (option) => choose(option));
  document.addEventListener("htmx:afterSwap", (event) => {
    if (!event.target.matches?.("[role=listbox]")) return;
    const root = event.target.closest("[data-typeahead]");
    const input = root?.querySelector("[role=combobox]");
    if (!input) return;
    input.setAttribute("aria-expanded", String(options(event.target).length > 0));
    mark(input, event.target, isFree(input) ? null : options(event.target)[0] ?? null);
  });
}
