// Measures on the map: how long a line is, how large a piece of ground. Points come by click, or by
// Enter for the middle of the map; Backspace takes the last one back, Escape ends it.
import { areaOf, crosses, lengthOf } from "../lib/measures.js";

const KM_M = 1000;
const HECTARE_M2 = 10_000;
const SAME_PX = 3; // a double click is one point

export class Measure {
  constructor(element, { map, L }) {
    Object.assign(this, { map, kind: null, points: [] });
    this.buttons = [...element.querySelectorAll("[data-measure]")];
    this.card = element.querySelector("[data-measured]");
    this.said = this.card.querySelector("[data-measured-text]");
    this.shape = L.layerGroup().addTo(map);
    this.draft = L.polyline([], { className: "map-measure map-measure-draft", interactive: false }).addTo(map);
    this.layers = {
      line: (places) => L.polyline(places, { className: "map-measure", interactive: false }),
      area: (places) => L.polygon(places, { className: "map-measure map-measure-area", interactive: false }),
      point: (place) => L.circleMarker(place, { radius: 4, className: "map-measure-point", interactive: false }),
    };
    this.listen();
  }

  get isOn() { return this.kind !== null; }

  listen() {
    const place = this.map.getContainer();
    for (const button of this.buttons) {
      button.addEventListener("click", () => this.take(this.kind === button.dataset.measure ? null : button.dataset.measure));
      button.disabled = false; // until now it would have done nothing
    }
    this.map.on("click", ({ latlng }) => { if (this.isOn) this.add(latlng); });
    this.map.on("mousemove", ({ latlng }) => { if (this.isOn && this.points.length) this.draft.setLatLngs([this.points.at(-1), latlng]); });
    place.addEventListener("keydown", (event) => {
      const act = this.isOn && event.target === place && { Enter: () => this.add(this.map.getCenter()), Backspace: () => this.back(), Escape: () => this.take(null) }[event.key];
      if (!act) return;
      event.preventDefault();
      act();
    });
    this.card.querySelector("[data-measured-back]").addEventListener("click", () => this.back());
    this.card.querySelector("[data-measured-clear]").addEventListener("click", () => { this.points = []; this.show(); });
    this.card.querySelector("[data-measured-end]").addEventListener("click", () => {
      const button = this.buttons.find((each) => each.dataset.measure === this.kind);
      this.take(null);
      button?.focus();
    });
  }

  /** Begin to measure a line or an area; null ends it. */
  take(kind) {
    this.kind = kind;
    this.points = [];
    for (const button of this.buttons) button.setAttribute("aria-pressed", String(button.dataset.measure === kind));
    const place = this.map.getContainer();
    place.classList.toggle("map-measures", this.isOn);
    this.map.doubleClickZoom[this.isOn ? "disable" : "enable"]();
    this.card.hidden = !this.isOn;
    if (this.isOn) place.focus({ preventScroll: true });
    this.show();
  }

  add(place) {
    const last = this.points.at(-1);
    const pixel = (each) => this.map.latLngToContainerPoint(each);
    if (last && pixel(last).distanceTo(pixel(place)) < SAME_PX) return;
    this.points.push(place);
    this.show();
  }

  back() {
    this.points.pop();
    this.show();
  }

  show() {
    this.shape.clearLayers();
    this.draft.setLatLngs([]);
    if (!this.isOn) return;
    if (this.points.length > 1) this.shape.addLayer(this.layers[this.kind](this.points));
    for (const place of this.points) this.shape.addLayer(this.layers.point(place));
    this.said.textContent = this.sentence();
    for (const button of this.card.querySelectorAll("[data-measured-back], [data-measured-clear]")) button.disabled = !this.points.length;
  }

  /** Say what was measured, or what to do next. */
  sentence() {
    const { words } = this;
    const places = this.points.map(({ lng, lat }) => [lng, lat]);
    if (this.kind === "line") return places.length > 1 ? words.length.replace("{n}", this.metres(lengthOf(places))) : words.begin;
    if (places.length < 3) return words.beginArea;
    if (crosses(places)) return words.crosses;
    const area = areaOf(places);
    return words.area
      .replace("{n}", this.number(area / HECTARE_M2, area < HECTARE_M2 ? 3 : 2))
      .replace("{m}", this.number(area, 0))
      .replace("{l}", this.metres(lengthOf([...places, places[0]])));
  }

  get words() { return this.card.dataset; }

  metres(length) {
    return length < KM_M
      ? this.words.metres.replace("{n}", this.number(length, length < 100 ? 1 : 0))
      : this.words.kilometres.replace("{n}", this.number(length / KM_M, 2));
  }

  number(value, digits) {
    return new Intl.NumberFormat(document.documentElement.lang, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value);
  }
}
