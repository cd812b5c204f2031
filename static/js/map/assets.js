// Loads the map libraries once, and only on pages that show a map.
const loading = new Map();

function load(key, make) {
  if (!loading.has(key)) loading.set(key, new Promise(make));
  return loading.get(key);
}

function script(url) {
  return load(url, (done, fail) => {
    const element = document.createElement("script");
    Object.assign(element, { src: url, async: false, onload: done, onerror: () => fail(new Error(url)) });
    document.head.append(element);
  });
}

function styles(url) {
  return load(url, (done, fail) => {
    const element = document.createElement("link");
    Object.assign(element, { rel: "stylesheet", href: url, onload: done, onerror: () => fail(new Error(url)) });
    document.head.prepend(element); // ours come later and win
  });
}

/** Load Leaflet and the drawer of vector tiles; return `{ L, protomaps }`. */
export async function mapLibraries({ leaflet, leafletCss, protomaps }) {
  // The drawer extends Leaflet as it loads: both come at once and run in this order.
  await Promise.all([styles(leafletCss), script(leaflet), script(protomaps)]);
  return { L: window.L, protomaps: window.protomapsL };
}
