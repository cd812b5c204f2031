// Photos are sent as soon as they are chosen; the form then carries their ids. What the server
// refuses is said beside the picker, and everything else typed stays as it is.
import { csrfToken, on } from "./dom.js";

async function send(file, url, tooLarge) {
  const body = new FormData();
  body.append("file", file);
  const answer = await fetch(url, { method: "POST", body, headers: { "X-CSRFToken": csrfToken(), Accept: "application/json" } });
  const data = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(data.message || (answer.status === 413 ? tooLarge : `${file.name}: ${answer.status}`));
  return data;
}

function add(picker, photo) {
  const item = picker.querySelector("template").content.firstElementChild.cloneNode(true);
  item.querySelector("input").value = photo.id;
  item.querySelector("img").src = picker.dataset.small.replace("{id}", photo.id);
  picker.querySelector("[data-add]").before(item);
  item.querySelector("input").dispatchEvent(new Event("change", { bubbles: true }));
}

async function upload(picker, input) {
  const error = picker.querySelector("[data-error]");
  const label = picker.querySelector("[data-add]");
  error.hidden = true;
  label.dataset.busy = "";
  for (const file of [...input.files]) {
    try {
      add(picker, await send(file, picker.dataset.photos, picker.dataset.tooLarge));
    } catch (problem) {
      error.textContent = problem instanceof TypeError ? picker.dataset.offline : problem.message;
      error.hidden = false;
    }
  }
  delete label.dataset.busy;
  input.value = "";
}

export function startPhotos() {
  on("change", "[data-photos] input[type=file]", (input) => upload(input.closest("[data-photos]"), input));
  on("click", "[data-remove-photo]", (button) => button.closest("[data-photo]").remove());
}
