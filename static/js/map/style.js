// How the base map is drawn. Colours come from the --map-* tokens, so that both themes have their own.
const ROADS = [
  // kind, display zoom from which it shows, [zoom, width in pixels]…
  ["pedestrian", 15, [[15, 1], [17, 4], [19, 10]]],
  ["living_street", 15, [[15, 1], [17, 5], [19, 14]]],
  ["unclassified", 15, [[15, 1.5], [17, 6], [19, 16]]],
  ["residential", 15, [[15, 1.5], [17, 6], [19, 16]]],
  ["tertiary_link", 15, [[15, 1.5], [17, 6], [19, 18]]],
  ["secondary_link", 15, [[15, 1.5], [17, 6], [19, 18]]],
  ["primary_link", 14, [[14, 1], [17, 7], [19, 20]]],
  ["trunk_link", 14, [[14, 1], [17, 7], [19, 20]]],
  ["motorway_link", 14, [[14, 1], [17, 7], [19, 20]]],
  ["tertiary", 13, [[13, 1.2], [15, 4], [17, 12], [19, 34]]],
  ["secondary", 12, [[12, 1.2], [15, 6], [17, 16], [19, 44]]],
  ["primary", 11, [[11, 1.2], [15, 8], [17, 20], [19, 54]]],
  ["trunk", 9, [[9, 1], [12, 2.5], [15, 9], [17, 22], [19, 60]]],
  ["motorway", 9, [[9, 1], [12, 2.5], [15, 9], [17, 22], [19, 60]]],
];
const LABELLED_ROADS = new Set(["motorway", "trunk", "primary", "secondary", "tertiary", "residential"]);
const FIELDS = new Set(["farm", "meadow", "vineyard", "allotments"]);

/** Read the tokens of the theme in force. */
function mapColours() {
  const tokens = getComputedStyle(document.documentElement);
  const read = (name) => tokens.getPropertyValue(name).trim();
  return {
    ground: read("--map-ground"), block: read("--map-block"), green: read("--map-green"),
    water: read("--map-water"), casing: read("--map-casing"), road: read("--map-road"),
    halo: read("--map-halo"), dot: read("--map-dot"), dotSoft: read("--map-dot-soft"),
    text: read("--text-2"), brand: read("--brand-line"), font: read("--font-ui") || "sans-serif",
  };
}

/** Rules that paint the ground, then roads with their casing, then the borders of areas. */
function paintRules(protomaps, colours, { cells = false, ground = true } = {}) {
  const { PolygonSymbolizer, LineSymbolizer, exp } = protomaps;
  const area = (dataLayer, fill, more = {}) => ({ dataLayer, symbolizer: new PolygonSymbolizer({ fill }), ...more });
  const road = ([kind, minzoom, stops], color, extra) => ({
    dataLayer: "road", minzoom, filter: (zoom, feature) => feature.props.kind === kind,
    symbolizer: new LineSymbolizer({ color, width: exp(1.5, stops.map(([zoom, width]) => [zoom, width + extra])), lineCap: "round", lineJoin: "round" }),
  });
  const border = (level, dash, width, more = {}) => ({
    dataSource: "grid", dataLayer: "area", filter: (zoom, feature) => feature.props.level === level,
    symbolizer: new LineSymbolizer({ color: colours.dotSoft, width, dash, opacity: 0.75 }), ...more,
  });
  const base = [
    area("built", colours.block),
    area("green", colours.green, { filter: (zoom, feature) => !FIELDS.has(feature.props.kind) }),
    area("water", colours.water),
    area("building", colours.casing, { minzoom: 15 }),
    ...ROADS.map((row) => road(row, colours.casing, 2)),
    ...ROADS.map((row) => road(row, colours.road, 0)),
    { dataLayer: "metro", minzoom: 12, symbolizer: new LineSymbolizer({ color: colours.dotSoft, width: 1.5, dash: [6, 4], opacity: 0.45 }) },
  ].map((rule) => ({ dataSource: "base", ...rule }));
  const grid = [border("street", [5, 4], 1, { minzoom: 13 }), border("district", [9, 4, 2, 4], 1.6)];
  if (cells) {
    grid.unshift({ dataSource: "grid", dataLayer: "cell", minzoom: 15, symbolizer: new LineSymbolizer({ color: colours.dotSoft, width: 0.6, opacity: 0.4 }) });
  }
  return ground ? [...base, ...grid] : grid;
}

/** Rules that write names: roads along their line, water, compounds, stations, streets and districts. */
function labelRules(protomaps, colours, language) {
  const { CenteredTextSymbolizer, LineLabelSymbolizer } = protomaps;
  const text = (size, weight = 500, props = ["name"]) => ({
    labelProps: props, font: `${weight} ${size}px ${colours.font}`, fill: colours.text,
    stroke: colours.ground, width: 2.5, lineHeight: 1.4,
  });
  const centred = (dataLayer, minzoom, options, more = {}) => ({
    dataSource: "base", dataLayer, minzoom, symbolizer: new CenteredTextSymbolizer(options), ...more,
  });
  const named = (level) => (zoom, feature) => feature.props.level === level;
  const areaNames = language.startsWith("en") ? ["name_en", "name"] : ["name"];
  return [
    { dataSource: "grid", dataLayer: "name", maxzoom: 12, filter: named("district"), symbolizer: new CenteredTextSymbolizer(text(14, 600, areaNames)) },
    { dataSource: "grid", dataLayer: "name", minzoom: 13, maxzoom: 15, filter: named("street"), symbolizer: new CenteredTextSymbolizer({ ...text(12, 600, areaNames), fill: colours.dot }) },
    {
      dataSource: "base", dataLayer: "road", minzoom: 14,
      filter: (zoom, feature) => Boolean(feature.props.name) && LABELLED_ROADS.has(feature.props.kind) && (zoom >= 16 || feature.props.kind !== "residential"),
      symbolizer: new LineLabelSymbolizer({ ...text(12), stroke: colours.road, position: 3, offset: -3, repeatDistance: 320 }),
    },
    centred("water", 13, { ...text(12), fill: colours.dot, stroke: colours.water }),
    centred("station", 15, { ...text(12, 600), stroke: colours.halo }),
    centred("building", 17, { ...text(11), fill: colours.dot }),
    centred("built", 16, { ...text(12), fill: colours.dot }),
    centred("green", 16, { ...text(12), fill: colours.dot, stroke: colours.green }),
  ];
}

/** Make the layer of all this, in the colours of the theme in force; ground and names may come from elsewhere, tiles from an earlier layer. */
export function baseLayer(protomaps, { base, grid, cells = false, ground = true, names = true, previous = null }) {
  const colours = mapColours();
  const layer = protomaps.leafletLayer({
    sources: previous ? {} : { base: { url: base, maxDataZoom: 15 }, grid: { url: grid, maxDataZoom: 15 } },
    backgroundColor: ground ? colours.ground : undefined, attribution: "",
    paintRules: paintRules(protomaps, colours, { cells, ground }),
    labelRules: names ? labelRules(protomaps, colours, document.documentElement.lang) : [],
  });
  if (previous) layer.views = previous.views;
  return layer;
}

/** Make the layer of names alone, to lie over what a page draws; it reads the tiles of `base`, a layer of all this. */
export function nameLayer(protomaps, base, zIndex) {
  const layer = protomaps.leafletLayer({
    sources: {}, paintRules: [], attribution: "", zIndex,
    labelRules: labelRules(protomaps, mapColours(), document.documentElement.lang),
  });
  layer.views = base.views;
  return layer;
}
