// The figures of the part of the city that is shown, and how old they are. They come over the page's
// line once a second, as what changed; while nothing comes there, the same figures are asked for.
// Nothing here keeps more than the state of the moment.
const LOOK_MS = 1000;
const QUIET_MS = 2500; // nothing over the line for so long: ask
const WITHOUT_LINE_MS = 900;
const ASK_EVERY_MS = 55_000; // even so: the server learns that the screen lives, the clock is set
const PATIENCE_MS = 4000; // for one answer
const SILENT_AFTER_MS = 5000; // then the figures are no longer called live
const LONGEST_PAUSE_MS = 10_000; // between two tries to connect
const CELL = "cell:";
const UNKNOWN = 4401; // the server's code for somebody it does not know, or not any more

export class Feed extends EventTarget {
  constructor({ snapshot, socket, scope, wall, key }) {
    super();
    Object.assign(this, { address: snapshot, socketPath: socket, scope, wall, key, heardAt: null, askedAt: -Infinity, begunAt: performance.now(), pause: LOOK_MS, number: 0 });
  }

  start() {
    this.connect();
    this.look();
    setInterval(() => this.look(), LOOK_MS);
  }

  /** Show another part of the city from now on; what stands there until its figures come is old. */
  show(scope) {
    if (scope === this.scope) return;
    this.say({ leave: `wall:${this.scope}` });
    Object.assign(this, { scope, figures: null, number: 0, heardAt: null, begunAt: performance.now() });
    this.say({ join: `wall:${scope}` });
    this.ask();
  }

  /** Milliseconds since the last figures came. */
  get silence() {
    return performance.now() - (this.heardAt ?? this.begunAt);
  }

  get isSilent() {
    return this.silence > SILENT_AFTER_MS;
  }

  get headers() {
    return this.key ? { "X-Wall-Key": this.key } : {};
  }

  url(address, more = {}) {
    const query = new URLSearchParams({ scope: this.scope, ...more });
    if (this.wall && !this.key) query.set("wall", this.wall);
    return `${address}?${query}`;
  }

  look() {
    const hasLine = this.socket?.readyState === WebSocket.OPEN;
    const quiet = this.silence > (hasLine ? QUIET_MS : WITHOUT_LINE_MS) || this.heardAt === null;
    if (!this.isEnded && (quiet || performance.now() - this.askedAt > ASK_EVERY_MS)) this.ask();
  }

  // ── asking ──────────────────────────────────────────────────────────────────────────────────

  async ask() {
    if (this.isAsking === this.scope) return;
    const { scope } = this;
    this.isAsking = scope;
    const began = performance.now();
    this.askedAt = began;
    try {
      const answer = await fetch(this.url(this.address), { headers: this.headers, signal: AbortSignal.timeout(PATIENCE_MS), redirect: "error" });
      if (answer.status === 404 && this.key) this.end();
      if (!answer.ok) return;
      const { figures, age } = await answer.json();
      if (scope !== this.scope) return; // the answer to what was asked before
      const journey = (performance.now() - began) / 2;
      this.clock = { at: figures.at, on: performance.now() - journey - age * 1000, rate: figures.rate };
      if (this.figures && figures.at <= this.figures.at) return; // the line was quicker
      this.take(figures, figures.cells);
    } catch {
      // No answer, or not a whole one: the wall sees the silence grow.
    } finally {
      if (this.isAsking === scope) this.isAsking = null;
    }
  }

  // ── the line ────────────────────────────────────────────────────────────────────────────────

  connect() {
    if (this.isEnded) return;
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(`${scheme}//${location.host}${this.socketPath}`);
    this.socket = socket;
    socket.addEventListener("open", () => {
      this.pause = LOOK_MS;
      this.say({ join: `wall:${this.scope}` });
    });
    socket.addEventListener("message", ({ data }) => this.hear(JSON.parse(data)));
    socket.addEventListener("close", ({ code }) => {
      this.number = 0;
      if (code === UNKNOWN) this.ask(); // says whether the key still opens anything
      setTimeout(() => this.connect(), this.pause);
      this.pause = Math.min(2 * this.pause, LONGEST_PAUSE_MS);
    });
  }

  say(wish) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(wish));
  }

  hear(message) {
    if (message.broadcast !== `wall:${this.scope}`) return;
    if (message.type === "state") {
      const { figures, cells } = apart(message.state);
      this.number = message.number;
      this.take(figures, cells);
    } else if (message.type === "delta") {
      if (message.prev !== this.number || !this.figures) return this.joinAgain();
      this.number = message.number;
      const { figures, cells } = apart(message.set);
      message.gone.forEach((key) => {
        if (key.startsWith(CELL)) delete this.cells[key.slice(CELL.length)];
        else delete this.figures[key];
      });
      this.take({ ...this.figures, ...figures }, { ...this.cells, ...cells });
    }
  }

  joinAgain() {
    this.say({ leave: `wall:${this.scope}` });
    this.say({ join: `wall:${this.scope}` });
  }

  take(figures, cells) {
    this.heardAt = performance.now();
    Object.assign(this, { figures, cells });
    const { clock } = this;
    const delay = clock ? Math.max(((this.heardAt - clock.on) * clock.rate - (figures.at - clock.at)) / clock.rate / 1000, 0) : undefined;
    this.dispatchEvent(new CustomEvent("figures", { detail: { figures, cells, delay } }));
  }

  end() {
    this.isEnded = true;
    this.socket?.close();
    this.dispatchEvent(new Event("turned-away"));
  }
}

/** Part a state into the lights of cells and the rest. */
function apart(state) {
  const [figures, cells] = [{}, {}];
  for (const [key, value] of Object.entries(state)) {
    if (key.startsWith(CELL)) cells[key.slice(CELL.length)] = value;
    else figures[key] = value;
  }
  return { figures, cells };
}
