// The city's present moment: the server's at page load, moved on by this machine's steady clock.
const loadedAt = performance.now();
const element = document.querySelector("[data-city-now]");
let start = element ? Date.parse(element.dataset.cityNow) : Date.now();
let measuredAt = loadedAt;

/** Milliseconds since 1970 in the city's time. */
export function cityNow() {
  return start + (performance.now() - measuredAt);
}

/** Take over a newer moment from the server. */
export function setCityNow(milliseconds) {
  start = milliseconds;
  measuredAt = performance.now();
}
