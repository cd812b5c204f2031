// How far this page has come in the log of events. What the socket tells follows by `prev`; after a
// gap, a `reload` or a new connection the feed is asked for what is missing. Without a socket it is
// asked every few seconds. Dispatches "event" (detail: {case, position, from, state, version}),
// "reload" and "read" (detail: whether the feed could be read).
const ASK_EVERY_MS = 5000;
const MOST_PAGES = 4; // of the feed at once: further behind, what is shown is loaded again

export class EventLog extends EventTarget {
  constructor(line, settings) {
    super();
    this.line = line;
    this.feed = settings.feed;
    this.upto = settings.position; // everything until here is on this page
    this.last = null; // the last position of this subscription
    this.isReading = false;
    line.addEventListener("open", () => line.say({ subscribe: true, after: this.upto }));
    line.addEventListener("lost", () => { this.last = null; });
    line.addEventListener("message", ({ detail }) => this[`on_${detail.type}`]?.(detail));
    setInterval(() => { if (!line.isOpen && !document.hidden) this.resume(); }, ASK_EVERY_MS * (1 + Math.random() / 2));
  }

  on_subscribed({ position }) {
    this.last = position;
    if (position > this.upto) this.resume();
  }

  on_case(event) {
    const follows = event.prev === this.last;
    this.last = event.position;
    this.tell(event);
    if (!follows) this.resume();
    else if (!this.isReading) this.upto = Math.max(this.upto, event.position);
  }

  on_beat({ position, upto }) {
    if (this.last === null) return;
    const isWhole = position === this.last;
    this.last = position;
    if (!isWhole) this.resume();
    else if (!this.isReading) this.upto = Math.max(this.upto, upto);
  }

  on_reload({ position }) {
    this.last = position;
    setTimeout(() => {
      this.dispatchEvent(new Event("reload"));
      this.resume();
    }, Math.random() * 1500);
  }

  tell(event) {
    this.dispatchEvent(new CustomEvent("event", { detail: event }));
  }

  async resume() {
    this.isWanted = true;
    if (this.isReading) return;
    this.isReading = true;
    try {
      while (this.isWanted) {
        this.isWanted = false;
        await this.read();
      }
      this.dispatchEvent(new CustomEvent("read", { detail: true }));
    } catch {
      this.dispatchEvent(new CustomEvent("read", { detail: false }));
    } finally {
      this.isReading = false;
    }
  }

  async read() {
    for (let pages = 0; pages < MOST_PAGES; pages += 1) {
      const answer = await fetch(`${this.feed}?after=${this.upto}&page_size=500`, { headers: { Accept: "application/json" } });
      if (!answer.ok) throw new Error(String(answer.status));
      const page = await answer.json();
      page.events.forEach((row) => this.tell({ case: row.case, position: row.position, from: row.old_state, state: row.new_state }));
      this.upto = page.position;
      if (page.is_complete) return;
    }
    this.dispatchEvent(new Event("reload"));
  }
}
