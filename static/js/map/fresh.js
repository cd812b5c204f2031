// The cases on the map as they are now: their tiles are asked for again when a case has changed, and by
// the minute, for a light turns without anybody acting. What was drawn stays until the new is there.
const WAIT_MS = 800; // changes that come together are fetched together
const EVERY_MS = 6000; // between two of them, however much happens
const MINUTE_MS = 60_000;

/** Fetch the tiles that a layer shows anew and draw them where they lie. */
export async function tilesRefresh(layer) {
  const coords = Object.values(layer._tiles).map((tile) => tile.coords);
  const asked = [...layer.views.values()].flatMap((view) => {
    const { cache, source, tileSize } = view.tileCache;
    const shown = new Map(coords.map((each) => view.dataTileForDisplayTile(each).dataTile).map((tile) => [`${tile.x}:${tile.y}:${tile.z}`, tile]));
    for (const key of cache.keys()) if (!shown.has(key)) cache.delete(key); // fetched when they are looked at again
    return [...shown].map(async ([key, tile]) => cache.set(key, { used: performance.now(), data: await source.get(tile, tileSize) }));
  });
  const answers = await Promise.allSettled(asked);
  if (layer._map) layer.rerenderTiles();
  return answers.every(({ status }) => status === "fulfilled");
}

/** Call `refresh` (which tells whether it could) while the page is looked at and cases change. */
export function whenCasesChange(refresh) {
  let isDue = false;
  let timer = null;
  let lastAt = 0;

  const soon = (wait) => { timer ??= setTimeout(run, wait * (1 + Math.random() / 2)); };
  const changed = () => {
    isDue = true;
    if (!document.hidden) soon(Math.max(WAIT_MS, lastAt + EVERY_MS - performance.now()));
  };
  const run = async () => {
    timer = null;
    if (document.hidden) return;
    isDue = false;
    lastAt = performance.now();
    if (!await refresh()) changed();
  };

  document.addEventListener("live:case", changed);
  document.addEventListener("live:reload", changed);
  document.addEventListener("visibilitychange", () => { if (!document.hidden && isDue) changed(); });
  setInterval(changed, MINUTE_MS);
}
