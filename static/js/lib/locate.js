// Takes the place from the device, the map or an address chosen into the form's longitude and
// latitude, and says in words where that is. Words go into the address unless a person wrote one.
import { on } from "./dom.js";

function fill(form, name, value) {
  const field = form.elements[name];
  if (!field) return;
  field.value = value.toFixed(6);
  field.dispatchEvent(new Event("change", { bubbles: true }));
}

const isEnglish = () => document.documentElement.lang.startsWith("en");

/** Say where the form's place lies; answers that come late for an earlier place are dropped. */
async function sayWhere(form) {
  const status = form.querySelector("[data-place-words]");
  const [lon, lat] = ["longitude", "latitude"].map((name) => Number.parseFloat(form.elements[name]?.value ?? ""));
  if (!status || !Number.isFinite(lon) || !Number.isFinite(lat)) return;
  const asked = `?lon=${lon}&lat=${lat}`;
  if (status.dataset.asked === asked) return;
  status.dataset.asked = asked;
  const answer = await fetch(status.dataset.placeWords + asked, { headers: { Accept: "application/json" } }).catch(() => null);
  if (status.dataset.asked !== asked || !answer) return;
  const words = answer.ok ? await answer.json() : null;
  status.textContent = words ? words[isEnglish() ? "text_en" : "text"] : answer.status === 404 ? status.dataset.outside : "";
  const { address } = form.elements;
  if (!address || (address.value.trim() && address.value !== status.dataset.filled)) return;
  address.value = status.dataset.filled = words?.text ?? "";
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
  on("change", "form[data-place] [name=longitude], form[data-place] [name=latitude]", ({ form }) => queueMicrotask(() => sayWhere(form)));
  // An address chosen among the options sets the pin.
  on("change", "form[data-place] [data-place-value]", (field) => {
    if (!field.value) return;
    const [lon, lat] = field.value.split(",").map(Number);
    fill(field.form, "longitude", lon);
    fill(field.form, "latitude", lat);
  });
  // A point picked on the map fills the same fields.
  document.addEventListener("map:pick", (event) => {
    const form = document.querySelector("form[data-place]");
    if (!form) return;
    fill(form, "longitude", event.detail.lon);
    fill(form, "latitude", event.detail.lat);
  });
}
