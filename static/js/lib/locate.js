// Takes the place from the device into the form's longitude and latitude.
import { on } from "./dom.js";

function fill(form, name, value) {
  const field = form.elements[name];
  if (!field) return;
  field.value = value.toFixed(6);
  field.dispatchEvent(new Event("change", { bubbles: true }));
}

export function startLocate() {
  on("click", "[data-locate]", (button) => {
    const status = document.getElementById(button.dataset.locate);
    const say = (text) => { status.textContent = text; };
    if (!navigator.geolocation) { say(button.dataset.unavailable); return; }
    say(button.dataset.asking);
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => {
        fill(button.form, "longitude", coords.longitude);
        fill(button.form, "latitude", coords.latitude);
        say(button.dataset.found.replace("{m}", Math.round(coords.accuracy)));
      },
      () => say(button.dataset.unavailable),
      { enableHighAccuracy: true, timeout: 10_000 },
    );
  });
  // A point picked on the map fills the same fields.
  document.addEventListener("map:pick", (event) => {
    const form = document.querySelector("form[data-place]");
    if (!form) return;
    fill(form, "longitude", event.detail.lon);
    fill(form, "latitude", event.detail.lat);
  });
}
