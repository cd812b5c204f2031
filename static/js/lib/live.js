// What is new since the page was made: a count, never re-sorted under the reader. A socket says
// that the log has grown, the feed says what this reader may see of it; without a socket the feed
// is asked every few seconds. The header says when the connection is lost.
import { pageData } from "./dom.js";

const ASK_EVERY_MS = 5000;

function setHealth(state, words) {
  const element = document.querySelector("[data-health]");
  if (!element || element.dataset.health === state) return;
  element.dataset.health = state;
  element.querySelector("[data-health-text]").textContent = words[state];
}

function showNews(count) {
  const banner = document.querySelector("[data-news]");
  if (!banner) return;
  banner.hidden = count === 0;
  banner.querySelector("[data-news-text]").textContent = banner.dataset.pattern.replace("{n}", count);
}

class Feed {
  constructor(settings) {
    this.settings = settings;
    this.position = settings.position;
    this.watched = new Set(settings.watch);
    this.fresh = new Set();
    this.isAsking = false;
  }

  async ask() {
    if (this.isAsking) return;
    this.isAsking = true;
    try {
      await this.read();
      setHealth("ok", this.settings.words);
    } catch {
      setHealth("lost", this.settings.words);
    } finally {
      this.isAsking = false;
    }
  }

  async read() {
    for (let isComplete = false; !isComplete;) {
      const answer = await fetch(`${this.settings.feed}?after=${this.position}`, { headers: { Accept: "application/json" } });
      if (!answer.ok) throw new Error(String(answer.status));
      const page = await answer.json();
      page.events.filter((event) => event.old_state !== event.new_state && this.watched.has(event.new_state))
        .forEach((event) => this.fresh.add(event.case));
      this.position = page.position;
      isComplete = page.is_complete;
    }
    showNews(this.fresh.size);
  }
}

function listen(feed, onLost) {
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  const socket = new WebSocket(`${scheme}//${location.host}${feed.settings.socket}`);
  socket.addEventListener("open", () => socket.send('{"subscribe": true}'));
  socket.addEventListener("message", ({ data }) => {
    const message = JSON.parse(data);
    if (message.kind === "inbox") document.dispatchEvent(new CustomEvent("inbox-changed"));
    else if (message.position > feed.position) feed.ask();
    else setHealth("ok", feed.settings.words);
  });
  socket.addEventListener("close", onLost);
}

export function startLive() {
  const settings = pageData("live-settings");
  if (!settings) return;
  const feed = new Feed(settings);
  const connect = () => listen(feed, () => {
    feed.ask();
    setTimeout(connect, ASK_EVERY_MS);
  });
  connect();
}
