// Puts the city's base layers below the geometry that an administrator sees or edits.
import { baseLayer } from "./style.js";

window.addEventListener("map:init", (event) => {
  const { map } = event.detail;
  // Leaflet looks for its pin beside a name that the hashed static files do not have.
  window.L.Icon.Default.imagePath = new URL("../../leaflet/images/", import.meta.url).href;
  const urls = { base: "/tiles/base/{z}/{x}/{y}.mvt", grid: "/tiles/cells/{z}/{x}/{y}.mvt", cells: true };
  baseLayer(window.protomapsL, urls).addTo(map);
});
