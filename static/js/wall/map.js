// The map in the middle: a still picture of the city in dark blues with the lights of its cells.
// Everything that stands still is one canvas, drawn anew when a light changes and not by the clock,
// so that the rings over it cost next to nothing a frame. From below: land, parks, small streets;
// green cells; water, roads; amber and red cells; borders; names and what happens now.
import { mapLibraries } from "../map/assets.js";
import { holds } from "./ground.js";
import { number } from "./format.js";
import { write } from "./panels.js";

const GREEN = 1;
const RED = 3;
const WORSE = 20; // tones from here on lie over water and roads
const TAKE_AFTER_MS = 120; // several tiles come at once
const MAIN_ROADS = { motorway: 2.2, trunk: 2.2, primary: 1.6, secondary: 1.1 };
const SMALL_ROADS = { tertiary: 0.8 };
const FIELDS = new Set(["farm", "meadow", "vineyard", "allotments"]);
const PADDING = 1.5; // rem around what is shown
const WORDS_AWAY = 1.25; // rem between a ring's middle and its words
const remPixels = () => Number.parseFloat(getComputedStyle(document.documentElement).fontSize);

function tones() {
  const tokens = getComputedStyle(document.documentElement);
  const read = (name) => tokens.getPropertyValue(name).trim();
  return {
    out: read("--wall-out"), land: read("--wall-land"), park: read("--wall-park"), water: read("--wall-water"),
    roads: [read("--wall-road-1"), read("--wall-road-2"), read("--wall-road-3")], border: read("--wall-border"),
    green: read("--light-green-quiet"), lights: [read("--line-strong"), read("--light-green-quiet"), read("--light-amber"), read("--light-red")],
    greens: [1, 2, 3].map((step) => Number(read(`--wall-green-${step}`))),
  };
}

function groundRules({ PolygonSymbolizer, LineSymbolizer }, colours, scale) {
  const area = (dataLayer, fill, filter) => ({ dataSource: "base", dataLayer, filter, symbolizer: new PolygonSymbolizer({ fill }) });
  const roads = (kinds, color) => Object.entries(kinds).map(([kind, width]) => ({
    dataSource: "base", dataLayer: "road", filter: (zoom, feature) => feature.props.kind === kind,
    symbolizer: new LineSymbolizer({ color, width: width * scale, lineCap: "round", lineJoin: "round" }),
  }));
  return {
    under: [area("green", colours.park, (zoom, feature) => !FIELDS.has(feature.props.kind)), ...roads(SMALL_ROADS, colours.roads[2])],
    over: [area("water", colours.water), ...Object.entries(MAIN_ROADS).flatMap(([kind, width]) => roads({ [kind]: width }, kind === "secondary" ? colours.roads[1] : colours.roads[0]))],
  };
}

/** A canvas as large as the map; `show` puts it there. */
class Sheet {
  constructor(map) {
    this.map = map;
    this.canvas = document.createElement("canvas");
  }

  show(pane, zIndex) {
    this.map.createPane(pane).style.zIndex = String(zIndex);
    this.canvas.className = "wall-cells";
    this.map.getPane(pane).append(this.canvas);
  }

  /** Draw the loaded tiles of a layer where they lie. */
  take(layer, element) {
    const context = this.clear();
    const { left, top } = element.getBoundingClientRect();
    for (const { el } of Object.values(layer._tiles)) {
      const place = el.getBoundingClientRect();
      if (el.width) context.drawImage(el, place.left - left, place.top - top, place.width, place.height);
    }
  }

  /** Lay the sheet over what the map shows and clear it. */
  clear() {
    const { x, y } = this.map.getSize();
    const ratio = window.devicePixelRatio || 1;
    if (this.canvas.width !== Math.round(x * ratio) || this.canvas.height !== Math.round(y * ratio)) {
      this.canvas.width = Math.round(x * ratio);
      this.canvas.height = Math.round(y * ratio);
      this.canvas.style.width = `${x}px`;
      this.canvas.style.height = `${y}px`;
    }
    const corner = this.map.containerPointToLayerPoint([0, 0]);
    this.canvas.style.transform = `translate(${corner.x}px, ${corner.y}px)`;
    const context = this.canvas.getContext("2d");
    context.globalAlpha = 1;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, x, y);
    return context;
  }
}

export class WallMap {
  constructor(element, { L, protomaps }, { nameIndex, words, onCell }) {
    Object.assign(this, { element, L, nameIndex, words, cells: {}, projected: new Map(), labels: new Map(), pulses: [] });
    this.map = L.map(element, {
      zoomControl: false, attributionControl: false, dragging: false, scrollWheelZoom: false, doubleClickZoom: false, boxZoom: false,
      keyboard: false, touchZoom: false, tap: false, zoomSnap: 0, fadeAnimation: false, zoomAnimation: false, markerZoomAnimation: false, trackResize: false, minZoom: 8, maxZoom: 17,
    });
    this.colours = tones();
    const rules = groundRules(protomaps, this.colours, remPixels() / 16);
    this.map.createPane("wall-tiles").style.visibility = "hidden"; // only what is taken from them is shown
    this.sheets = { under: new Sheet(this.map), over: new Sheet(this.map) };
    for (const [name, paintRules] of Object.entries(rules)) this.tiles(protomaps, name, paintRules);
    this.picture = new Sheet(this.map);
    this.picture.show("wall-picture", 210);
    this.map.on("click", ({ latlng }) => {
      const cell = this.cellAt(latlng);
      if (cell) onCell(cell);
    });
    new ResizeObserver(() => { this.map.invalidateSize({ animate: false }); this.look(); }).observe(element);
  }

  tiles(protomaps, name, paintRules) {
    const layer = protomaps.leafletLayer({ pane: "wall-tiles", sources: { base: { url: this.element.dataset.base, maxDataZoom: 15 } }, attribution: "", paintRules, labelRules: [] }).addTo(this.map);
    const take = () => {
      this.sheets[name].take(layer, this.element);
      this.draw();
    };
    layer.on("tileload load", () => {
      clearTimeout(layer.wallTaking);
      layer.wallTaking = setTimeout(take, TAKE_AFTER_MS);
    });
  }

  /** Show the ground of the wall; `district` (its code) brings one nearer, "" all. */
  show(ground, district) {
    if (this.ground === ground && this.district === district) return;
    Object.assign(this, { ground, district });
    this.look();
  }

  look() {
    if (!this.ground) return;
    const chosen = this.ground.districts.find(({ code }) => code === this.district);
    const padding = PADDING * remPixels();
    this.map.fitBounds((chosen ?? this.ground).bounds, { padding: [padding, padding], animate: false });
    this.projected.clear();
    this.borders = this.ground.districts.map(({ code, outline }) => ({ code, rings: outline.map((ring) => this.project(ring)) }));
    Object.values(this.sheets).forEach((sheet) => sheet.clear());
    this.draw();
    this.drawNames();
    this.placePulses();
  }

  project(ring) {
    const points = new Float32Array(ring.length);
    for (let i = 0; i < ring.length; i += 2) {
      const { x, y } = this.map.latLngToContainerPoint([ring[i + 1], ring[i]]);
      points[i] = x;
      points[i + 1] = y;
    }
    return points;
  }

  trace(context, points) {
    context.moveTo(points[0], points[1]);
    for (let i = 2; i < points.length; i += 2) context.lineTo(points[i], points[i + 1]);
    context.closePath();
  }

  /** Draw everything that stands still, from below. */
  draw() {
    if (!this.ground) return;
    const context = this.picture.clear();
    const { x, y } = this.map.getSize();
    context.fillStyle = this.colours.out;
    context.fillRect(0, 0, x, y);
    this.drawLand(context);
    context.drawImage(this.sheets.under.canvas, 0, 0, x, y);
    const cells = this.cellsByTone();
    this.drawCells(context, cells.filter(([step]) => step < WORSE));
    context.drawImage(this.sheets.over.canvas, 0, 0, x, y);
    this.drawCells(context, cells.filter(([step]) => step >= WORSE));
    this.drawBorders(context);
  }

  drawLand(context) {
    context.globalAlpha = 1;
    context.fillStyle = this.colours.land;
    for (const { rings } of this.borders) {
      context.beginPath();
      rings.forEach((ring) => this.trace(context, ring));
      context.fill();
    }
  }

  drawBorders(context) {
    const width = remPixels() / 16;
    context.strokeStyle = this.colours.border;
    context.lineJoin = "round";
    for (const { code, rings } of this.borders) {
      const isChosen = !this.district || code === this.district;
      context.globalAlpha = isChosen ? 1 : 0.5;
      context.lineWidth = width * (this.district && isChosen ? 2 : 1.25);
      context.beginPath();
      rings.forEach((ring) => this.trace(context, ring));
      context.stroke();
    }
  }

  /** Take over the lights `{cell: [worst light, open cases]}` and draw them if any changed. */
  update(cells, districts) {
    this.districtCounts = districts;
    if (this.ground) this.drawNames();
    const keys = Object.keys(cells);
    const isSame = keys.length === Object.keys(this.cells).length && keys.every((key) => this.cells[key]?.[0] === cells[key][0] && this.cells[key][1] === cells[key][1]);
    this.cells = cells;
    if (!isSame) this.draw();
  }

  pointsOf(cell) {
    if (!this.projected.has(cell)) {
      const ring = this.ground.cells.get(cell);
      if (!ring) return null;
      this.projected.set(cell, this.project(ring));
    }
    return this.projected.get(cell);
  }

  /** Gather the lit cells by tone: green by how many cases, the others by light; the worst last. */
  cellsByTone() {
    const steps = new Map();
    for (const [cell, [light, count]] of Object.entries(this.cells)) {
      const points = this.pointsOf(cell);
      if (!points) continue;
      const step = light <= GREEN ? light * 10 + (count > 3 ? 2 : count > 1 ? 1 : 0) : light * 10;
      if (!steps.has(step)) steps.set(step, []);
      steps.get(step).push(points);
    }
    return [...steps].sort(([a], [b]) => a - b);
  }

  drawCells(context, tones) {
    const least = remPixels() * 0.25; // so that a small cell is still seen from five metres
    for (const [step, cells] of tones) {
      const light = Math.floor(step / 10);
      context.beginPath();
      cells.forEach((points) => this.trace(context, points));
      context.globalAlpha = light <= GREEN ? this.colours.greens[step % 10] : 1;
      context.fillStyle = this.colours.lights[light];
      context.strokeStyle = this.colours.lights[light];
      context.lineWidth = least;
      context.lineJoin = "round";
      context.fill();
      context.stroke();
    }
    context.globalAlpha = 1;
  }

  cellAt({ lat, lng }) {
    for (const [cell, [light]] of Object.entries(this.cells).sort(([, [a]], [, [b]]) => b - a)) {
      const ring = this.ground?.cells.get(cell);
      if (ring && light >= 0 && holds(ring, lng, lat)) return cell;
    }
    return null;
  }

  drawNames() {
    for (const district of this.ground.districts) {
      const label = this.label(district);
      const [open, late] = this.districtCounts?.[district.id] ?? [0, 0];
      write(label.firstElementChild, district.name[this.nameIndex]);
      write(label.lastElementChild.firstElementChild, `${this.words.open} ${number(open)}`);
      write(label.lastElementChild.lastElementChild, late ? ` · ${this.words.late} ${number(late)}` : "");
      label.hidden = Boolean(this.district);
      const { x, y } = this.map.latLngToContainerPoint([district.place[1], district.place[0]]);
      const place = `translate(${Math.round(x)}px, ${Math.round(y)}px) translate(-50%, -50%)`;
      if (label.style.transform !== place) label.style.transform = place;
    }
  }

  label({ id }) {
    if (!this.labels.has(id)) {
      const label = document.createElement("div");
      label.className = "wall-label";
      const [name, counts, open, late] = ["strong", "span", "span", "span"].map((tag) => document.createElement(tag));
      late.className = "red";
      counts.append(open, late);
      label.append(name, counts);
      this.element.append(label);
      this.labels.set(id, label);
    }
    return this.labels.get(id);
  }

  /** Ring where the newest events happened; the newest says what. */
  pulse(news, wordsOf) {
    this.news = news;
    while (this.pulses.length < news.length) {
      const pulse = document.createElement("div");
      pulse.className = "wall-pulse";
      pulse.dataset.place = String(this.pulses.length);
      pulse.append(document.createElement("i"), document.createElement("p"));
      this.element.append(pulse);
      this.pulses.push(pulse);
    }
    this.pulses.forEach((pulse, index) => {
      pulse.hidden = !news[index];
      if (news[index]) write(pulse.lastElementChild, wordsOf(news[index]));
    });
    this.placePulses();
  }

  placePulses() {
    if (!this.news || !this.ground) return;
    this.news.forEach(({ at_point: [lon, lat] }, index) => {
      const { x, y } = this.map.latLngToContainerPoint([lat, lon]);
      const place = `translate(${Math.round(x)}px, ${Math.round(y)}px)`;
      const pulse = this.pulses[index];
      if (pulse.style.transform !== place) pulse.style.transform = place;
      if (index === 0) this.placeWords(pulse, x, y);
    });
  }

  /** Let the words at a ring stand where there is room and no name nor the legend, the wide side first. */
  placeWords(pulse, x, y) {
    const { x: width, y: height } = this.map.getSize();
    const { offsetWidth: wide, offsetHeight: high } = pulse.lastElementChild;
    const away = WORDS_AWAY * remPixels();
    const shown = [...this.labels.values()].filter((label) => !label.hidden);
    const taken = [...shown, document.querySelector(".wall-legend")].map((one) => one.getBoundingClientRect());
    const frame = this.element.getBoundingClientRect();
    const isFree = ([isLeft, isAbove]) => {
      const left = x + (isLeft ? -away - wide : away);
      const top = y + (isAbove ? -away - high : away);
      const isInside = left >= 0 && top >= 0 && left + wide <= width && top + high <= height;
      return isInside && taken.every((one) => left + wide < one.left - frame.left || left > one.right - frame.left || top + high < one.top - frame.top || top > one.bottom - frame.top);
    };
    const wideSide = x > width / 2;
    const places = [[wideSide, false], [wideSide, true], [!wideSide, false], [!wideSide, true]];
    const [isLeft, isAbove] = places.find(isFree) ?? [wideSide, y > height / 2];
    pulse.classList.toggle("is-left", isLeft);
    pulse.classList.toggle("is-above", isAbove);
  }
}

/** Make the map of the wall; `RED` and the others are places in the server's list of lights. */
export async function makeWallMap(element, options) {
  return new WallMap(element, await mapLibraries(element.dataset), options);
}

/** How many cells have each light as their worst. */
export function cellCounts(cells) {
  const counts = new Array(RED + 1).fill(0);
  for (const [light] of Object.values(cells)) counts[light] += 1;
  return counts;
}
