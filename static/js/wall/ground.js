// What the map stands on: districts and cells, fetched once a scope, kept as the server packs them
// (whole steps of a degree, each corner as its distance from the one before).
const MOST_CELLS = 400; // the server gives no more at once
const kept = new Map();

function corners(packed, steps) {
  const points = new Float64Array(packed.length);
  let [x, y] = [0, 0];
  for (let i = 0; i < packed.length; i += 2) {
    x += packed[i];
    y += packed[i + 1];
    points[i] = x / steps;
    points[i + 1] = y / steps;
  }
  return points;
}

function unpackCells({ ids, rings }, steps) {
  return new Map(ids.map((id, index) => [String(id), corners(rings[index], steps)]));
}

function boundsOf(rings) {
  let [west, south, east, north] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const ring of rings) {
    for (let i = 0; i < ring.length; i += 2) {
      west = Math.min(west, ring[i]); east = Math.max(east, ring[i]);
      south = Math.min(south, ring[i + 1]); north = Math.max(north, ring[i + 1]);
    }
  }
  return [[south, west], [north, east]];
}

function unpack({ steps, districts, cells }) {
  return {
    steps,
    districts: districts.map((district) => {
      const outline = district.outline.map((ring) => corners(ring, steps));
      return { ...district, outline, bounds: boundsOf(outline) };
    }),
    cells: unpackCells(cells, steps),
    asked: new Set(),
    bounds: boundsOf(districts.flatMap(({ outline }) => outline.map((ring) => corners(ring, steps)))),
  };
}

/** Fetch the ground of the wall's own scope; asked again after a failure. */
export function loadGround(feed, address) {
  const url = new URL(feed.url(address), location.href);
  url.searchParams.delete("scope");
  const place = url.href;
  if (!kept.has(place)) {
    const answer = fetch(place, { headers: feed.headers }).then((response) => {
      if (!response.ok) throw new Error(String(response.status));
      return response.json();
    }).then(unpack);
    answer.catch(() => kept.delete(place));
    kept.set(place, answer);
  }
  return kept.get(place);
}

/** Fetch the outlines of cells that are lit and not known yet, each once; true when some came. */
export async function loadCells(ground, lit, feed, address) {
  const missing = lit.filter((id) => !ground.cells.has(id) && !ground.asked.has(id)).slice(0, MOST_CELLS);
  if (!missing.length) return false;
  missing.forEach((id) => ground.asked.add(id));
  try {
    const answer = await fetch(feed.url(address, { cells: missing.join(","), scope: "" }), { headers: feed.headers });
    if (!answer.ok) throw new Error(String(answer.status));
    unpackCells((await answer.json()).cells, ground.steps).forEach((ring, id) => ground.cells.set(id, ring));
    return true;
  } catch {
    missing.forEach((id) => ground.asked.delete(id));
    return false;
  }
}

/** Tell whether a ring holds a point. */
export function holds(ring, x, y) {
  let isInside = false;
  for (let i = 0, j = ring.length - 2; i < ring.length; j = i, i += 2) {
    if ((ring[i + 1] > y) !== (ring[j + 1] > y) && x < ((ring[j] - ring[i]) * (y - ring[i + 1])) / (ring[j + 1] - ring[i + 1]) + ring[i]) isInside = !isInside;
  }
  return isInside;
}
