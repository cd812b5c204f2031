// What evaluation says: the on-time rate with its last days, and who stands where this month. The
// fractions come from the server; a share is made of them only where it is written.
import { number, percent, timeOfDay } from "./format.js";
import { make, rowsOf, write } from "./panels.js";

const EVERY_MS = 30_000;
const OLD_MS = 180_000; // then it is no longer shown as if it were of now
const SVG = "http://www.w3.org/2000/svg";
const find = (name) => document.querySelector(`[data-${name}]`);
const share = (part) => (part ? `${percent(...part)}%` : "–");

/** An element of a drawing. */
export function shape(tag, attributes) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

/** A line of shares over days, dashed across days without one; a day without neighbours is a dot. */
export function trendLine(days) {
  const values = days.map((part) => (part ? part[0] / part[1] : null));
  const known = values.filter((value) => value !== null);
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const span = Math.max(high - low, 0.01);
  const place = (value, index) => [(100 * index) / (values.length - 1), 36 - (32 * (value - low)) / span].map((each) => each.toFixed(1));
  const runs = [];
  values.forEach((value, index) => {
    if (value === null) return;
    if (index === 0 || values[index - 1] === null) runs.push([]);
    runs.at(-1).push(place(value, index));
  });
  const svg = shape("svg", { class: "trend", viewBox: "0 0 100 40", preserveAspectRatio: "none", "aria-hidden": "true" });
  runs.forEach((run, index) => {
    if (index) {
      const [[x1, y1], [x2, y2]] = [runs[index - 1].at(-1), run[0]];
      svg.append(shape("line", { x1, y1, x2, y2 }));
    }
    if (run.length > 1) svg.append(shape("polyline", { points: run.join(" ") }));
    else svg.append(shape("path", { class: "day", d: `M${run[0].join(" ")}h0` }));
  });
  if (values.at(-1) !== null) svg.append(shape("path", { class: "last", d: `M${runs.at(-1).at(-1).join(" ")}h0` }));
  return svg;
}

export class Evaluation {
  constructor(feed, settings, words, panels) {
    Object.assign(this, { feed, settings, words, panels, told: new Map() }); // by scope: as many as districts
    this.empty = new Map(["rate", "areas-rows", "bodies-rows"].map((name) => [name, find(name).innerHTML]));
    setInterval(() => this.ask(), EVERY_MS);
    setInterval(() => this.draw(), EVERY_MS);
  }

  /** What was told of the part of the city that is shown, while it is not old. */
  get figures() {
    const { figures, heardAt } = this.told.get(this.feed.scope) ?? {};
    return figures && performance.now() - heardAt < OLD_MS ? figures : null;
  }

  /** Read what stands for the part of the city that is shown now. */
  async ask() {
    const { scope } = this.feed;
    this.draw();
    try {
      const answer = await fetch(this.feed.url(this.settings.evaluation), { headers: this.feed.headers });
      if (!answer.ok) return;
      const { figures } = await answer.json();
      this.told.set(scope, { figures, heardAt: performance.now() });
      this.draw();
      document.dispatchEvent(new Event("wall:evaluation"));
    } catch {
      // The wall's own line says that nothing comes; what was told stands until it is old.
    } finally {
      document.body.dataset.evaluation = "asked"; // the columns are shown when their figures have their places
    }
  }

  draw() {
    const { figures } = this;
    this.drawRate(figures?.on_time, figures?.at);
    this.drawRanking("areas", figures?.districts);
    this.drawRanking("bodies", figures?.departments);
  }

  drawRate(onTime, at) {
    const place = find("rate");
    const note = find("rate-note");
    const today = onTime?.days.at(-1);
    write(note, onTime ? `${this.words.last_days} · ${this.words.as_of} ${timeOfDay(at).slice(0, 5)}` : "");
    if (!onTime) {
      if (place.dataset.drawn) place.innerHTML = this.empty.get("rate");
      delete place.dataset.drawn;
      return;
    }
    place.dataset.drawn = "yes";
    const big = make("div", "big", today ? percent(...today) : "–", ...(today ? [make("small", "", "%")] : []));
    const counts = make("span", "n", this.words.of_due.replace("%(part)s", number(today?.[0] ?? 0)).replace("%(whole)s", number(today?.[1] ?? 0)));
    const before = make("span", "", `${this.words.yesterday} `, make("b", "", share(onTime.days.at(-2))), ` · ${this.words.last_week} `, make("b", "", share(onTime.days.at(-8))));
    place.replaceChildren(big, trendLine(onTime.days), make("p", "under", counts, before));
  }

  drawRanking(name, ranking) {
    const place = find(`${name}-rows`);
    write(find(`${name}-period`), ranking ? this.words[`${name}_month`].replace("%s", number(ranking.count)) : "");
    if (!ranking) {
      if (place.firstElementChild?.tagName === "TABLE") place.innerHTML = this.empty.get(`${name}-rows`);
      return;
    }
    if (place.firstElementChild?.tagName !== "TABLE") place.replaceChildren(make("table", "wall-rank", make("tbody")));
    const rows = rowsOf(place.querySelector("tbody"), ranking.rows.length, () => make("tr", "", make("td", "n"), make("td"), make("td", "n"), make("td", "n"), make("td", "", make("span", "wall-grade"))));
    ranking.rows.forEach(({ rank, name: names, rate, score, grade }, index) => {
      const [place_, who, how, points, letter] = rows[index].children;
      rows[index].classList.toggle("is-gap", index > 0 && rank > ranking.rows[index - 1].rank + 1);
      write(place_, String(rank));
      write(who, this.panels.name(names));
      write(how, share(rate));
      write(points, score === null ? "–" : score.toFixed(1));
      write(letter.firstElementChild, grade);
      letter.firstElementChild.className = `wall-grade grade-${grade}`;
    });
  }
}
