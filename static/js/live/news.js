// What has arrived since the page was made: a count, never re-sorted under the reader. Which states
// are news, the page says; a case that has left them again is none.
export function startNews(log, settings) {
  const watched = new Set(settings.watch);
  const known = new Map();
  if (!watched.size || !document.querySelector("[data-news]")) return;

  log.addEventListener("event", ({ detail }) => {
    const before = known.get(detail.case);
    if (before && before.position >= detail.position) return;
    const isArrival = detail.from !== detail.state && watched.has(detail.state);
    const isStillNew = Boolean(before?.isNew) && watched.has(detail.state);
    known.set(detail.case, { position: detail.position, isNew: isArrival || isStillNew });
    show([...known.values()].filter(({ isNew }) => isNew).length);
  });
}

function show(count) {
  const banner = document.querySelector("[data-news]");
  if (!banner) return;
  banner.hidden = count === 0;
  banner.querySelector("[data-news-text]").textContent = banner.dataset.pattern.replace("{n}", count);
}
