// Chooses cells on a map, in the admin: a click, a box, a lasso or a whole community; the text of codes is what is sent.
import { mapLibraries } from "./assets.js";
import { baseLayer } from "./style.js";

const CITY_CENTRE = [30.25, 120.165];
const CITY_ZOOM = 13;
const CELLS_ZOOM = 15; // from here cells are drawn
const CHECK_MS = 400; // after the last change
const HECTARE_M2 = 10_000;
const MIN_LASSO = 3;

/** One picker: the map, the chosen cells, and the text they are kept in. */
class CellPicker {
  constructor(element, { L, protomaps }) {
    Object.assign(this, { element, L, chosen: new Map(), steps: [] });
    this.text = element.querySelector("textarea");
    this.said = element.querySelector("[data-said]");
    this.map = this.makeMap(protomaps);
    this.chosenLayer = L.geoJSON(null, { interactive: false, style: { className: "map-cell" } }).addTo(this.map);
    this.beatsLayer = L.geoJSON(null, {
      style: { className: "map-beat" },
      onEachFeature: ({ properties }, layer) => layer.bindTooltip(document.createTextNode(`${properties.name} · ${properties.count}`), { sticky: true }),
    }).addTo(this.map);
    this.listen();
  }

  get data() { return this.element.dataset; }
  get tool() { return this.element.querySelector("[name$=-tool]:checked").value; }
  get removes() { return this.element.querySelector("[data-remove]").checked; }

  makeMap(protomaps) {
    const { L, data } = this;
    const place = this.element.querySelector("[data-map-here]");
    place.hidden = false;
    this.element.querySelector(".cell-picker-bar").hidden = false;
    this.element.querySelector("details").open = false;
    const map = L.map(place, { zoomControl: false, attributionControl: false, minZoom: 11, maxZoom: 19, boxZoom: false });
    L.control.zoom({ position: "topright", zoomInTitle: data.zoomIn, zoomOutTitle: data.zoomOut }).addTo(map);
    L.control.attribution({ prefix: false }).addAttribution(data.attribution).addTo(map);
    map.setView(CITY_CENTRE, CITY_ZOOM);
    baseLayer(protomaps, { base: data.base, grid: data.grid, cells: true }).addTo(map);
    return map;
  }

  listen() {
    const { map, element } = this;
    const place = map.getContainer();
    map.on("click", ({ latlng }) => this.pick(latlng));
    map.on("moveend", () => this.showBeats());
    place.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.target !== place) return;
      event.preventDefault();
      this.pick(map.getCenter());
    });
    place.addEventListener("pointerdown", (event) => this.draw(event));
    element.addEventListener("change", ({ target }) => {
      if (target.name?.endsWith("-tool")) this.useTool();
      if (target === this.text) this.read();
    });
    element.querySelector("[data-back]").addEventListener("click", () => this.stepBack());
    this.useTool();
  }

  useTool() {
    const draws = this.tool === "box" || this.tool === "lasso";
    this.map.dragging[draws ? "disable" : "enable"]();
    this.map.getContainer().classList.toggle("map-picks", true);
  }

  /** Ask the server; returns the answer, or says why there is none and returns null. */
  async ask(url, body) {
    const token = this.element.closest("form").elements.csrfmiddlewaretoken.value;
    try {
      const answer = await fetch(url, { method: "POST", headers: { "Content-Type": "application/json", "X-CSRFToken": token }, body: JSON.stringify(body) });
      const document_ = await answer.json();
      if (answer.ok) return document_;
      this.warn([document_.message]);
    } catch {
      this.warn([this.data.failed]);
    }
    return null;
  }

  pick({ lat, lng }) {
    if (this.tool === "box" || this.tool === "lasso") return;
    this.take({ point: [lng, lat], scope: this.tool }, { toggles: this.tool === "cell" });
  }

  /** Follow the pointer and take what lies in the box or the lasso. */
  draw(start) {
    const { tool, map, L } = this;
    if ((tool !== "box" && tool !== "lasso") || start.button !== 0 || start.target.closest(".leaflet-control")) return;
    start.preventDefault();
    const place = map.getContainer();
    const at = (event) => map.mouseEventToLatLng(event);
    const path = [at(start)];
    const shape = L.polygon([], { className: "map-lasso", interactive: false }).addTo(map);
    const move = (event) => {
      const here = at(event);
      if (tool === "box") path.splice(1, path.length, { lat: path[0].lat, lng: here.lng }, here, { lat: here.lat, lng: path[0].lng });
      else path.push(here);
      shape.setLatLngs(path);
    };
    const end = (event) => {
      place.releasePointerCapture?.(start.pointerId);
      place.removeEventListener("pointermove", move);
      for (const name of ["pointerup", "pointercancel"]) place.removeEventListener(name, end);
      shape.remove();
      if (event.type === "pointerup" && path.length >= MIN_LASSO) this.take({ shape: path.map(({ lat, lng }) => [lng, lat]) });
    };
    place.setPointerCapture?.(start.pointerId);
    place.addEventListener("pointermove", move);
    for (const name of ["pointerup", "pointercancel"]) place.addEventListener(name, end);
  }

  /** Add or remove the cells of an answer, as one step. */
  async take(question, { toggles = false } = {}) {
    const answer = await this.ask(this.data.choose, question);
    if (!answer) return;
    const before = new Map(this.chosen);
    for (const cell of answer.cells) {
      const leaves = this.removes || (toggles && before.has(cell.code));
      if (leaves) this.chosen.delete(cell.code);
      else this.chosen.set(cell.code, cell);
    }
    if (!answer.cells.length) this.warn([this.data.nothing]);
    else this.changed(before);
  }

  changed(before) {
    this.steps.push(before);
    this.show();
    this.text.value = [...this.chosen.keys()].sort().join(" ");
    this.checkSoon();
  }

  stepBack() {
    const before = this.steps.pop();
    if (!before) return;
    this.chosen = before;
    this.show();
    this.text.value = [...this.chosen.keys()].sort().join(" ");
    this.checkSoon();
  }

  /** Show the cells whose codes stand in the text. */
  async read({ fit = false } = {}) {
    if (!this.text.value.trim()) return this.showBeats();
    const answer = await this.ask(this.data.choose, { codes: this.text.value });
    if (!answer) return this.showBeats();
    this.chosen = new Map(answer.cells.map((cell) => [cell.code, cell]));
    this.show();
    const bounds = this.chosenLayer.getBounds();
    if (fit && bounds.isValid()) this.map.fitBounds(bounds, { padding: [40, 40], maxZoom: 17 });
    this.checkSoon();
  }

  show() {
    this.chosenLayer.clearLayers();
    this.chosenLayer.addData({ type: "FeatureCollection", features: [...this.chosen.values()].map(({ outline }) => ({ type: "Feature", geometry: outline, properties: {} })) });
    const area = [...this.chosen.values()].reduce((sum, cell) => sum + cell.area_m2, 0) / HECTARE_M2;
    this.said.textContent = this.data.summary.replace("{count}", this.chosen.size).replace("{area}", area.toFixed(1));
    this.element.querySelector("[data-back]").disabled = !this.steps.length;
  }

  checkSoon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.check(), CHECK_MS);
  }

  async check() {
    const { kind, owner } = this.data;
    const answer = await this.ask(this.data.check, { codes: this.text.value, kind, owner });
    if (answer) this.warn(answer.warnings);
  }

  warn(sentences) {
    const list = this.element.querySelector("[data-warnings]");
    list.replaceChildren(...sentences.map((sentence) => Object.assign(document.createElement("li"), { textContent: sentence })));
    list.hidden = !sentences.length;
  }

  /** Outline the other beats in view. */
  async showBeats() {
    this.beatsLayer.clearLayers();
    if (this.data.kind !== "beat" || this.map.getZoom() < CELLS_ZOOM) return;
    const bounds = this.map.getBounds();
    const box = [bounds.getWest(), bounds.getSouth(), bounds.getEast(), bounds.getNorth()];
    const answer = await this.ask(this.data.beats, { box, owner: this.data.owner });
    if (!answer) return;
    this.beatsLayer.clearLayers();
    this.beatsLayer.addData({ type: "FeatureCollection", features: answer.beats.map(({ outline, name, count }) => ({ type: "Feature", geometry: outline, properties: { name, count } })) });
    this.chosenLayer.bringToFront();
  }
}

async function start(element) {
  try {
    const libraries = window.L?.map && window.protomapsL ? { L: window.L, protomaps: window.protomapsL } : await mapLibraries(element.dataset);
    const picker = new CellPicker(element, libraries);
    picker.show();
    await picker.read({ fit: true });
  } catch {
    element.querySelector("details").open = true; // the text does it without a map
  }
}

for (const element of document.querySelectorAll("[data-cells-picker]")) start(element);
