// A map on the city's own base layers, without the internet: `<div data-map …>` becomes one.
// Pages with more to show import `makeMap` and add their own layers to the map it returns.
import { mapLibraries } from "./assets.js";
import { outsideMap } from "./outside.js";
import { baseLayer } from "./style.js";

const CITY_CENTRE = [30.25, 120.165];
const CITY_ZOOM = 12;
const PLACE_ZOOM = 17;
const SHAPES = { // of a light: colour never stands alone
  green: '<circle cx="8" cy="8" r="6"/>',
  amber: '<path d="M8 1.6 15 14H1z"/>',
  red: '<path d="M5.1 1h5.8L15 5.1v5.8L10.9 15H5.1L1 10.9V5.1z"/>',
};
const PIN = '<svg viewBox="0 0 28 36" aria-hidden="true"><path d="M14 35C9 27 2 21 2 14a12 12 0 0 1 24 0c0 7-7 13-12 21z"/><circle cx="14" cy="14" r="4.6"/></svg>';

/** The map in one element, with what pages do on it. */
class CityMap {
  constructor(element, { L, protomaps }, { at, namesOnTop = false } = {}) {
    Object.assign(this, { element, L, protomaps, namesOnTop, layers: {} });
    const { data } = this;
    this.map = L.map(element, { zoomControl: false, attributionControl: false, minZoom: 10, maxZoom: 19, zoomSnap: 1 });
    L.control.zoom({ position: "topright", zoomInTitle: data.zoomIn ?? "+", zoomOutTitle: data.zoomOut ?? "−" }).addTo(this.map);
    L.control.attribution({ prefix: false }).addAttribution(data.attribution ?? "© OpenStreetMap contributors").addTo(this.map);
    const [centre, zoom] = data.lon && data.lat ? [[data.lat, data.lon], PLACE_ZOOM] : [CITY_CENTRE, CITY_ZOOM];
    this.map.setView(at?.centre ?? centre.map(Number), at?.zoom ?? Number(data.zoom ?? zoom));
    if (data.outside) this.drawOutside(JSON.parse(data.outside));
    this.drawBase();
  }

  get data() { return this.element.dataset; }

  /** Take the outside map that the city has set; where it stays silent our own comes back. */
  drawOutside(options) {
    this.isOutside = true;
    outsideMap(this.L, this.map, options, () => {
      this.isOutside = false;
      this.drawBase();
      this.element.dispatchEvent(new CustomEvent("map:own", { bubbles: true }));
    });
  }

  /** Draw the base layers in the colours of the theme in force; over an outside map only borders. */
  drawBase() {
    const previous = this.layers.base;
    const { base, grid } = this.data;
    const own = !this.isOutside;
    this.layers.base = baseLayer(this.protomaps, { base, grid, cells: "cells" in this.data, ground: own, names: own && !this.namesOnTop, previous }).addTo(this.map);
    previous?.remove();
  }

  /** Put `layer` under a name, instead of what stood there. */
  put(name, layer) {
    this.layers[name]?.remove();
    this.layers[name] = layer?.addTo(this.map);
    return layer;
  }

  /** Show the place itself. */
  showPin(lon, lat, { zoom = Math.max(this.map.getZoom(), PLACE_ZOOM) } = {}) {
    const icon = this.L.divIcon({ className: "map-pin", html: PIN, iconSize: [28, 36], iconAnchor: [14, 35] });
    this.put("pin", this.L.marker([lat, lon], { icon, interactive: false, keyboard: false, zIndexOffset: 1000 }));
    this.map.setView([lat, lon], zoom);
  }

  /** Outline a polygon (GeoJSON), such as a unit grid cell. */
  showCell(geometry) {
    return this.put("cell", this.L.geoJSON(geometry, { interactive: false, style: { className: "map-cell" } }));
  }

  /** Fetch the outline of a cell by its code and show it. */
  async showCellByCode(code) {
    const answer = await fetch(`/api/v1/grid/cells/${encodeURIComponent(code)}/`, { headers: { Accept: "application/json" } });
    if (answer.ok) this.showCell((await answer.json()).geometry);
  }

  /** Show points `{lon, lat, light: "green"|"amber"|"red", label, url}`; a click opens the url. */
  showPoints(points, name = "points") {
    const markers = points.map(({ lon, lat, light = "green", label = "", url }) => {
      const icon = this.L.divIcon({ className: `map-light map-light-${light}`, html: `<svg viewBox="0 0 16 16" aria-hidden="true">${SHAPES[light] ?? SHAPES.green}</svg>`, iconSize: [16, 16] });
      const marker = this.L.marker([lat, lon], { icon, title: label, alt: label, interactive: Boolean(url) });
      if (url) marker.on("click keypress", (event) => { if (!event.originalEvent?.key || event.originalEvent.key === "Enter") location.assign(url); });
      return marker;
    });
    return this.put(name, this.L.layerGroup(markers));
  }

  /** Let a person pick a point: a click, or Enter for the middle of the map. */
  onPick(handle) {
    const pick = ({ lat, lng }) => {
      this.showPin(lng, lat, { zoom: this.map.getZoom() });
      handle({ lon: lng, lat });
    };
    this.element.classList.add("map-picks");
    this.map.on("click", (event) => pick(event.latlng));
    this.element.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.target !== this.element) return;
      event.preventDefault();
      pick(this.map.getCenter());
    });
  }
}

/** Make the map of an element, looking `at` a place if given; the same element always gives the same promise. */
export function makeMap(element, options) {
  element.cityMap ??= mapLibraries(element.dataset).then((libraries) => new CityMap(element, libraries, options));
  return element.cityMap;
}

function readPoints(id) {
  const source = id && document.getElementById(id);
  return source ? JSON.parse(source.textContent) : null;
}

/** Follow the longitude and latitude of the form the map stands in. */
function followForm(city, element) {
  const form = element.closest("form") ?? document.querySelector("form[data-place]");
  const read = (name) => Number.parseFloat(form?.elements[name]?.value ?? "");
  const show = () => {
    const [lon, lat] = [read("longitude"), read("latitude")];
    if (Number.isFinite(lon) && Number.isFinite(lat)) city.showPin(lon, lat);
  };
  form?.addEventListener("change", (event) => {
    if (["longitude", "latitude"].includes(event.target.name)) show();
  });
  show();
}

async function start(element) {
  const data = element.dataset;
  try {
    const city = await makeMap(element);
    if (data.lon && data.lat) city.showPin(Number(data.lon), Number(data.lat), { zoom: Number(data.zoom ?? PLACE_ZOOM) });
    if (data.cell) city.showCellByCode(data.cell);
    const points = readPoints(data.points);
    if (points) city.showPoints(points);
    const shape = readPoints(data.shape);
    if (shape) city.put("shape", city.L.geoJSON(shape, { interactive: false, style: { className: "map-shape" } }));
    if ("fit" in data && points?.length) city.map.fitBounds(points.map(({ lon, lat }) => [lat, lon]), { padding: [24, 24], maxZoom: PLACE_ZOOM });
    if ("pick" in data) {
      followForm(city, element);
      city.onPick((place) => element.dispatchEvent(new CustomEvent("map:pick", { bubbles: true, detail: place })));
    }
    new ResizeObserver(() => city.map.invalidateSize()).observe(element);
  } catch {
    element.textContent = data.failed ?? "";
  }
}

function startIn(root) {
  for (const element of root.querySelectorAll("[data-map]:not([data-started])")) {
    element.dataset.started = "";
    start(element);
  }
}

async function redraw() {
  for (const element of document.querySelectorAll("[data-map][data-started]")) (await element.cityMap)?.drawBase();
}

/** Start every map of the page, and those of fragments that come later. */
export function startMaps() {
  startIn(document);
  document.addEventListener("htmx:afterSwap", () => startIn(document));
  new MutationObserver(redraw).observe(document.documentElement, { attributeFilter: ["data-theme"] });
}
