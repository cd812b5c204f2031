// How live this page is, in the header: with its delay, stale after ten seconds of silence, or lost.
const STALE_MS = 10_000;

export function startHealth(line, log, words) {
  const element = document.querySelector("[data-health]");
  if (!element) return;
  let freshAt = performance.now(); // when the server last looked into the log, as far as is known
  let delay = null;
  let isRefused = false;

  line.addEventListener("message", ({ detail }) => {
    if (detail.type !== "beat" && detail.type !== "subscribed") return;
    freshAt = performance.now() - (detail.age ?? 0) * 1000;
    delay = detail.lag ?? delay;
    show();
  });
  log?.addEventListener("read", ({ detail }) => { if (detail) freshAt = performance.now(); show(); });
  line.addEventListener("lost", show);
  line.addEventListener("turned-away", () => { isRefused = true; show(); });
  setInterval(show, 1000);

  function show() {
    const silent = performance.now() - freshAt;
    const isStale = silent > STALE_MS;
    const state = isRefused || (isStale && !line.isOpen) ? "lost" : isStale || !line.isOpen ? "degraded" : "ok";
    const text = isRefused ? words.refused
      : isStale ? words.stale.replace("{n}", Math.floor(silent / 1000))
        : !line.isOpen ? words.connecting
          : delay === null ? words.ok : words.delay.replace("{n}", Math.max(delay, 0.1).toFixed(1));
    if (element.dataset.health !== state) element.dataset.health = state;
    const place = element.querySelector("[data-health-text]");
    if (place.textContent !== text) place.textContent = text;
  }
}
