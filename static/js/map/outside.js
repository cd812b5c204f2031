// The pictures of an outside map service under our own layers, moved back where it draws in GCJ-02.
import { gcj02FromWgs84 } from "../lib/datum.js";

/** Return the class of the layer: pictures of GCJ-02 are placed as if the map's middle were there. */
function tileLayerClass(L, datum) {
  if (datum !== "gcj02") return L.TileLayer;
  const { _setZoomTransform, _getTiledPixelBounds } = L.TileLayer.prototype;
  const shifted = ({ lng, lat }) => {
    const [lon, north] = gcj02FromWgs84(lng, lat);
    return L.latLng(north, lon);
  };
  return L.TileLayer.extend({
    // How far the datum shifts changes by a metre in a kilometre: after each move it is taken anew.
    getEvents() {
      const events = L.TileLayer.prototype.getEvents.call(this);
      const { moveend } = events;
      events.moveend = (event) => {
        this._setZoomTransforms(this._map.getCenter(), this._map.getZoom());
        moveend.call(this, event);
      };
      return events;
    },
    _setZoomTransform(level, centre, zoom) { _setZoomTransform.call(this, level, shifted(centre), zoom); },
    _getTiledPixelBounds(centre) { return _getTiledPixelBounds.call(this, shifted(centre)); },
  });
}

/** Put the outside map on `map`; `onSilent` is called, once, when no picture has come but a failure. */
export function outsideMap(L, map, options, onSilent) {
  const { datum, subdomains, attribution, max_zoom: maxNativeZoom } = options;
  const TileLayer = tileLayerClass(L, datum);
  let answered = false;
  const layers = [options.url, options.labels].filter(Boolean).map((url, zIndex) => new TileLayer(url, {
    subdomains, attribution, maxNativeZoom, maxZoom: 19, zIndex: zIndex - 2, className: "map-outside", referrerPolicy: "strict-origin-when-cross-origin",
  }));
  layers[0].on("tileload", () => { answered = true; });
  layers[0].on("tileerror", () => {
    if (answered) return;
    answered = true;
    layers.forEach((layer) => layer.remove());
    onSilent();
  });
  layers.forEach((layer) => layer.addTo(map));
  return layers;
}
