// What closes a case, ticked off while somebody works on it: their own aid, kept in this browser only.
// The form that completes the case opens with the same ticks; what counts is what is sent there.
import { on } from "./dom.js";

const keyOf = (list) => `ticks:${list.dataset.ticks}`;
const boxes = (list) => [...list.querySelectorAll("[data-tick]")];

function kept(list) {
  try {
    return new Set(JSON.parse(localStorage.getItem(keyOf(list)) ?? "[]"));
  } catch {
    return new Set(); // nothing is kept here, or not by us
  }
}

function keep(list) {
  const ticked = boxes(list).filter((box) => box.checked).map((box) => box.dataset.tick);
  try {
    localStorage.setItem(keyOf(list), JSON.stringify(ticked));
  } catch {
    return; // a full or closed store: the boxes stay ticked on this page
  }
}

function show() {
  document.querySelectorAll("[data-ticks]").forEach((list) => {
    const ticked = kept(list);
    boxes(list).forEach((box) => { box.checked ||= ticked.has(box.dataset.tick); });
  });
}

/** Tick in a form that has just opened what is ticked on the page; not again when it was refused. */
function carry(dialog) {
  const list = document.querySelector("[data-ticks]");
  if (!list) return;
  boxes(list).filter((box) => box.checked).forEach((box) => {
    const same = dialog.querySelector(`[name="closing_answers_met"][value="${CSS.escape(box.dataset.tick)}"]`);
    if (same) same.checked = true;
  });
}

export function startTicks() {
  on("change", "[data-tick]", (box) => keep(box.closest("[data-ticks]")));
  document.addEventListener("htmx:afterSettle", show);
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.target.id === "dialog-content") carry(event.target);
  });
  show();
}
