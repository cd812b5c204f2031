// What is new since the page was made: asked by position, shown as a count, never re-sorted under
// the reader. The header says when the connection is lost, and since when.
import { pageData } from "./dom.js";

const ASK_EVERY_MS = 5000;

function setHealth(state, words) {
  const element = document.querySelector("[data-health]");
  if (!element) return;
  element.dataset.health = state;
  element.querySelector("[data-health-text]").textContent = words[state];
}

function showNews(count) {
  const banner = document.querySelector("[data-news]");
  if (!banner) return;
  banner.hidden = count === 0;
  banner.querySelector("[data-news-text]").textContent = banner.dataset.pattern.replace("{n}", count);
}

export function startLive() {
  const settings = pageData("live-settings");
  if (!settings) return;
  let after = settings.position;
  const fresh = new Set();

  async function ask() {
    const answer = await fetch(`${settings.url}?after=${after}`, { headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error(String(answer.status));
    const { events, position } = await answer.json();
    const watched = new Set(settings.watch);
    events.filter((event) => watched.has(event.type)).forEach((event) => fresh.add(event.case));
    after = position;
    showNews(fresh.size);
    setHealth("ok", settings.words);
  }

  async function step() {
    try {
      if (!document.hidden) await ask();
    } catch {
      setHealth("lost", settings.words);
    }
    setTimeout(step, ASK_EVERY_MS);
  }
  setTimeout(step, ASK_EVERY_MS);
}
