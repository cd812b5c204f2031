// GCJ-02, the datum that map services in China draw in, from WGS-84; the same published formula
// as common/geo.py, which a test holds it to.
const AXIS_M = 6378245; // of the ellipsoid of Krasovsky (1940)
const E2 = 0.00669342162296594323;
const RADIANS = Math.PI / 180;

const waves = (value, parts) => parts.reduce((sum, [size, part]) => sum + size * Math.sin((value / part) * Math.PI), 0);

/** Return `[lon, lat]` where GCJ-02 draws a point of WGS-84, in degrees; outside China the same. */
export function gcj02FromWgs84(lon, lat) {
  if (!(lon > 72.004 && lon < 137.8347 && lat > 0.8293 && lat < 55.8271)) return [lon, lat];
  const [east, north, root] = [lon - 105, lat - 35, Math.sqrt(Math.abs(lon - 105))];
  const both = 20 * Math.sin(6 * Math.PI * east) + 20 * Math.sin(2 * Math.PI * east);
  const northward = -100 + 2 * east + 3 * north + 0.2 * north ** 2 + 0.1 * east * north + 0.2 * root
    + (2 / 3) * (both + waves(north, [[20, 1], [40, 3], [160, 12], [320, 30]]));
  const eastward = 300 + east + 2 * north + 0.1 * east ** 2 + 0.1 * east * north + 0.1 * root
    + (2 / 3) * (both + waves(east, [[20, 1], [40, 3], [150, 12], [300, 30]]));
  const bend = 1 - E2 * Math.sin(lat * RADIANS) ** 2;
  const meridian = (AXIS_M * (1 - E2)) / (bend * Math.sqrt(bend));
  const parallel = (AXIS_M / Math.sqrt(bend)) * Math.cos(lat * RADIANS);
  return [lon + eastward / parallel / RADIANS, lat + northward / meridian / RADIANS];
}
