// The page of the map: components, open cases and zones as vector tiles over the base map, with
// what is filtered and where one looks kept in the address.
import { makeMap } from "./base.js";
import { tilesRefresh, whenCasesChange } from "./fresh.js";
import { Measure } from "./measure.js";
import { nameLayer } from "./style.js";

const LIGHT_RADIUS = 6;
const REACHES = [2, 4, 8]; // pixels around the pointer: the nearest counts
const FULL = { 10: 0.22, 11: 0.25, 12: 0.3, 13: 0.4, 14: 0.55, 15: 0.8 }; // opacity a power of ten adds
const words = (element) => element.querySelector("[data-words]").dataset;

function colours() {
  const tokens = getComputedStyle(document.documentElement);
  const read = (name) => tokens.getPropertyValue(name).trim();
  const classes = Object.fromEntries(["01", "02", "03", "04", "05", "06"].map((code) => [code, read(`--class-${code}`)]));
  return {
    ofClass: (code) => classes[code] ?? read("--class-other"),
    light: { green: read("--light-green"), yellow: read("--light-amber"), red: read("--light-red") },
    zone: { key: read("--zone-key"), control: read("--zone-control"), ordinary: read("--zone-ordinary") },
    halo: read("--map-halo"),
  };
}

/** Draw a damaged, lost or abandoned component apart from an intact one: a ring, not only a tone. */
class ComponentSymbolizer {
  constructor(tones) { this.tones = tones; }

  draw(context, geometry, zoom, feature) {
    const { x, y } = geometry[0][0];
    const radius = Math.min(2 + Math.max(zoom - 15, 0) * 1.1, 6);
    context.globalAlpha = 0.9;
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    context.fillStyle = this.tones.ofClass(feature.props.class);
    context.fill();
    if (feature.props.state === "intact" || zoom < 16) return;
    context.lineWidth = 2;
    context.strokeStyle = this.tones.light.red;
    context.beginPath();
    context.arc(x, y, radius + 2, 0, 2 * Math.PI);
    context.stroke();
  }
}

/** A light of a case in the shape of its colour: disc, triangle, octagon. */
class LightSymbolizer {
  constructor(tones) { this.tones = tones; }

  draw(context, geometry, zoom, feature) {
    const { x, y } = geometry[0][0];
    const { light, count } = feature.props;
    const r = count ? Math.min(LIGHT_RADIUS + Math.log2(count), 13) : LIGHT_RADIUS;
    const sides = { yellow: 3, red: 8 }[light];
    context.globalAlpha = 0.95;
    context.beginPath();
    if (sides) {
      const turn = sides === 3 ? -Math.PI / 2 : Math.PI / 8;
      for (let i = 0; i < sides; i += 1) {
        const angle = turn + (i * 2 * Math.PI) / sides;
        context.lineTo(x + r * Math.cos(angle), y + r * Math.sin(angle));
      }
      context.closePath();
    } else {
      context.arc(x, y, r, 0, 2 * Math.PI);
    }
    context.fillStyle = this.tones.light[light];
    context.strokeStyle = this.tones.halo;
    context.lineWidth = 1.5;
    context.fill();
    context.stroke();
    if (!count || count < 2) return;
    context.fillStyle = this.tones.halo;
    context.font = "600 10px sans-serif";
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillText(count > 99 ? "99+" : String(count), x, y + 0.5);
  }
}

function componentRules(protomaps, tones) {
  const { CircleSymbolizer, LineSymbolizer, PolygonSymbolizer } = protomaps;
  const tone = (zoom, feature) => tones.ofClass(feature.props.class);
  // A tile beyond the counts has fewer pixels, and its dots are as much larger.
  const radius = (zoom, { props: { count, side = 64 } }) => (Math.min(1 + Math.log10(count) * 0.6, 2.3) * 64) / side;
  // The more, the denser: what is common at a zoom stays light, so that the centre stands out.
  const opacity = (zoom, feature) => Math.min(0.22 + Math.log10(feature.props.count) * FULL[Math.min(zoom, 15)], 0.95);
  const geometry = (type) => (zoom, feature) => feature.geomType === type;
  return [
    { dataLayer: "shape", filter: geometry(3), symbolizer: new PolygonSymbolizer({ fill: tone, opacity: 0.25, perFeature: true }) },
    { dataLayer: "shape", filter: geometry(2), symbolizer: new LineSymbolizer({ color: tone, width: 3, opacity: 0.8, perFeature: true }) },
    { dataLayer: "count", symbolizer: new CircleSymbolizer({ radius, fill: tone, opacity }) },
    { dataLayer: "component", symbolizer: new ComponentSymbolizer(tones) },
  ].map((rule) => ({ dataSource: "components", ...rule }));
}

function caseRules(tones) {
  const symbolizer = new LightSymbolizer(tones);
  return ["count", "case"].map((dataLayer) => ({ dataSource: "cases", dataLayer, symbolizer }));
}

function zoneRules(protomaps, tones) {
  const tone = (zoom, feature) => tones.zone[feature.props.grade];
  const graded = (zoom, feature) => feature.props.grade !== "ordinary"; // the rest of the city
  const { LineSymbolizer, PolygonSymbolizer } = protomaps;
  return [
    { dataLayer: "zone", filter: graded, symbolizer: new PolygonSymbolizer({ fill: tone, opacity: 0.1, perFeature: true }) },
    { dataLayer: "zone", filter: graded, symbolizer: new LineSymbolizer({ color: tone, width: 2, opacity: 0.9, perFeature: true }) },
  ].map((rule) => ({ dataSource: "zones", ...rule }));
}

class CityMapPage {
  constructor(element, city) {
    Object.assign(this, { element, city, map: city.map });
    this.side = element.querySelector("[data-side]");
    this.told = element.querySelector("[data-told]");
    this.measure = new Measure(element, city);
    this.readAddress();
    this.side.addEventListener("change", (event) => this.chosen(event));
    const fold = this.side.querySelector("[data-fold]"); // shown where the panel would hide the map
    fold.addEventListener("click", () => fold.setAttribute("aria-expanded", fold.getAttribute("aria-expanded") !== "true"));
    this.map.on("moveend", () => this.writeAddress());
    this.map.on("click", (event) => this.clicked(event.latlng));
    this.map.on("mousemove", (event) => this.hovered(event.latlng));
    element.querySelector("[data-untold]").addEventListener("click", () => { this.told.hidden = true; });
    new MutationObserver(() => { city.drawBase(); this.draw(); }).observe(document.documentElement, { attributeFilter: ["data-theme"] });
    city.element.addEventListener("map:own", () => this.draw());
    this.draw();
    this.goTo(this.side.querySelector(".city-map-search [data-value]").value); // found before there was a map
    whenCasesChange(async () => !city.layers.cases || tilesRefresh(city.layers.cases));
  }

  values(name) {
    return [...this.side.querySelectorAll(`[name=${name}]`)].filter((field) => field.type !== "checkbox" || field.checked).map((field) => field.value).filter(Boolean);
  }

  get filters() {
    const boxes = this.side.querySelectorAll("[name=class]");
    const classes = this.values("class");
    const filters = new URLSearchParams();
    if (classes.length < boxes.length) filters.set("class", classes.join(",") || "-");
    for (const name of ["state", "type"]) {
      const [value] = this.values(name);
      if (value) filters.set(name, value);
    }
    return filters;
  }

  readAddress() {
    const query = new URLSearchParams(location.search);
    if (query.has("class")) {
      const classes = query.get("class").split(",");
      for (const box of this.side.querySelectorAll("[name=class]")) box.checked = classes.includes(box.value);
    }
    if (query.has("state")) this.side.querySelector("[name=state]").value = query.get("state");
    if (query.has("layers")) {
      const layers = query.get("layers").split(",");
      for (const box of this.side.querySelectorAll("[name=layer]")) box.checked = layers.includes(box.value);
    }
  }

  writeAddress() {
    const { lng, lat } = this.map.getCenter();
    const query = this.filters;
    query.set("layers", this.values("layer").join(","));
    query.set("at", `${lng.toFixed(5)},${lat.toFixed(5)},${this.map.getZoom()}`);
    history.replaceState(null, "", `?${query.toString().replaceAll("%2C", ",")}`);
    this.tellScale();
  }

  chosen(event) {
    if ("value" in event.target.dataset && event.target.closest(".city-map-search")) {
      this.goTo(event.target.value);
      return;
    }
    if (!["class", "state", "layer", "type"].includes(event.target.name)) return;
    this.draw();
  }

  /** Show the place of something found: "lon,lat,zoom". */
  goTo(found) {
    const [lon, lat, zoom] = found.split(",").map(Number);
    if (Number.isFinite(zoom)) this.city.showPin(lon, lat, { zoom });
  }

  /** Draw every layer anew, as filtered. */
  draw() {
    const { protomaps } = this.city;
    const tones = colours();
    const data = this.element.dataset;
    const query = this.filters.toString();
    const layer = (name, url, paintRules, { maxDataZoom, zIndex, levelDiff = 0 }) => {
      const earlier = this.city.layers[name];
      const made = protomaps.leafletLayer({
        sources: { [name]: { url, maxDataZoom, levelDiff } }, paintRules, labelRules: [], attribution: "", zIndex,
      });
      if (earlier?.url === url) made.views = earlier.views; // its tiles are here already
      made.url = url;
      this.city.put(name, made);
    };
    const shown = this.values("layer");
    if (shown.includes("zones")) layer("zones", data.zones, zoneRules(protomaps, tones), { maxDataZoom: 15, zIndex: 2 });
    else this.city.put("zones", undefined);
    layer("components", query ? `${data.components}?${query}` : data.components, componentRules(protomaps, tones), { maxDataZoom: 18, zIndex: 3 });
    this.city.put("names", this.city.isOutside ? undefined : nameLayer(protomaps, this.city.layers.base, 4));
    // A light needs less of a pixel than a dot of a million: a quarter of the tiles will do.
    if (shown.includes("cases")) layer("cases", data.cases, caseRules(tones), { maxDataZoom: 18, zIndex: 5, levelDiff: 1 });
    else this.city.put("cases", undefined);
    this.writeAddress();
  }

  /** Return what lies under a point: [source, feature], nearest layer first. */
  under({ lng, lat }) {
    for (const reach of REACHES) {
      for (const name of ["cases", "components"]) {
        const layer = this.city.layers[name];
        const view = layer?.views.get(name);
        const brush = reach * 2 ** (view?.levelDiff ?? 0); // the drawer halves it for tiles of a zoom less
        const found = layer?.queryTileFeaturesDebug(lng, lat, brush).get(name) ?? [];
        const [hit] = found.filter(({ layerName }) => layerName !== "shape").concat(found);
        if (hit) return { name, layer: hit.layerName, feature: hit.feature };
      }
    }
    return null;
  }

  hovered(place) {
    this.city.element.classList.toggle("is-over", !this.measure.isOn && Boolean(this.under(place)));
  }

  async clicked(place) {
    if (this.measure.isOn) return;
    const hit = this.under(place);
    if (!hit) { this.told.hidden = true; return; }
    if (hit.layer === "count") { this.map.setView(place, Math.min(this.map.getZoom() + 2, 19)); return; }
    if (hit.name === "cases") { location.assign(`${this.element.dataset.casePage}${encodeURIComponent(hit.feature.props.number)}/`); return; }
    const answer = await fetch(`${this.element.dataset.componentPage}${hit.feature.id}/`, { headers: { "X-Requested-With": "fetch" } }).catch(() => null);
    if (!answer?.ok) return;
    this.told.querySelector("[data-told-content]").innerHTML = await answer.text();
    this.told.hidden = false;
  }

  tellScale() {
    const { counted, each } = words(this.element);
    this.side.querySelector("[data-scale]").textContent = this.map.getZoom() <= 14 ? counted : each;
  }
}

/** Return where the address says to look, undefined where it does not. */
function atOf(address) {
  const [lon, lat, zoom] = (new URLSearchParams(address).get("at") ?? "").split(",").map(Number);
  return [lon, lat, zoom].every(Number.isFinite) ? { centre: [lat, lon], zoom } : undefined;
}

for (const element of document.querySelectorAll("[data-city-map]")) {
  const map = element.querySelector("[data-map]");
  map.dataset.started = "";
  makeMap(map, { at: atOf(location.search), namesOnTop: true }).then((city) => { element.cityMapPage = new CityMapPage(element, city); }, () => { map.textContent = map.dataset.failed; });
}
