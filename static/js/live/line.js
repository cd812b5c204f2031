// One socket of a page. It opens again by itself, ever more seldom and never all pages at once, and
// knows when it has gone silent. Dispatches "open", "message" (detail: what was said), "lost" and
// "turned-away" (nobody is logged in any more).
const FIRST_MS = 500;
const QUICK_TRIES = 10;
const LONGEST_QUICK_MS = 1000;
const LONGEST_MS = 15_000;
const SILENT_MS = 12_000; // the server beats every five seconds
const LOG_IN_AGAIN = 4401;

export class Line extends EventTarget {
  constructor(path) {
    super();
    this.address = `${location.protocol === "https:" ? "wss:" : "ws:"}//${location.host}${path}`;
    this.tries = 0;
    this.refusals = 0;
    this.heardAt = 0;
    setInterval(() => this.watch(), 1000);
    addEventListener("online", () => this.hurry());
    document.addEventListener("visibilitychange", () => { if (!document.hidden) this.hurry(); });
  }

  get isOpen() {
    return this.socket?.readyState === WebSocket.OPEN;
  }

  open() {
    clearTimeout(this.timer);
    this.timer = null;
    this.heardAt = performance.now();
    const socket = this.socket = new WebSocket(this.address);
    socket.addEventListener("open", () => this.dispatchEvent(new Event("open")));
    socket.addEventListener("message", ({ data }) => {
      this.heardAt = performance.now();
      this.tries = this.refusals = 0;
      this.dispatchEvent(new CustomEvent("message", { detail: JSON.parse(data) }));
    });
    socket.addEventListener("close", ({ code }) => { if (socket === this.socket) this.closed(code); });
  }

  say(wish) {
    if (this.isOpen) this.socket.send(JSON.stringify(wish));
  }

  closed(code) {
    this.socket = null;
    // Once more, in case this browser has logged in anew meanwhile.
    if (code === LOG_IN_AGAIN && ++this.refusals > 1) {
      this.dispatchEvent(new Event("turned-away"));
      return;
    }
    const longest = this.tries < QUICK_TRIES ? LONGEST_QUICK_MS : LONGEST_MS;
    const wait = Math.min(FIRST_MS * 2 ** this.tries, longest) * (0.5 + Math.random());
    this.tries += 1;
    this.timer = setTimeout(() => this.open(), wait);
    this.dispatchEvent(new Event("lost"));
  }

  hurry() {
    if (this.timer) this.open();
  }

  watch() {
    if (!this.socket || performance.now() - this.heardAt < SILENT_MS) return;
    const socket = this.socket;
    this.closed(0);
    socket.close();
  }
}
