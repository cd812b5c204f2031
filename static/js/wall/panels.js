// The columns, the line of news and the wall's own health. Rows are made once and written into:
// an hour of figures leaves no more behind than the first second.
import { change, dayOf, dayWords, duration, number, changeFrom, timeOfDay } from "./format.js";

const STAGE_FULL = 100; // the common scale of the bars of stages
const find = (name) => document.querySelector(`[data-${name}]`);

export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function link(element, address) {
  if (address && element.getAttribute("href") !== address) element.setAttribute("href", address);
}

export function lightIcon(name) {
  return document.querySelector(`template[data-light="${name}"]`).content.firstElementChild.cloneNode(true);
}

export function make(tag, className = "", ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children);
  return element;
}

/** As many children as there are rows, each made once. */
export function rowsOf(parent, count, makeRow) {
  while (parent.children.length > count) parent.lastElementChild.remove();
  while (parent.children.length < count) parent.append(makeRow());
  return [...parent.children];
}

export class Panels {
  constructor(settings, words, openCard) {
    Object.assign(this, { settings, words, openCard });
    document.addEventListener("click", (event) => {
      const number = event.target.closest?.("[data-number]")?.dataset.number;
      if (number) this.openCard({ case: number });
    });
  }

  name(pair) {
    return pair ? pair[this.settings.name] : "";
  }

  listAddress(query) {
    if (!this.settings.lists) return "";
    const district = this.figures.scope === "city" ? {} : { district: this.figures.scope };
    return `${this.settings.lists}?${new URLSearchParams({ ...query, ...district })}`;
  }

  draw(figures) {
    this.figures = figures;
    this.drawToday(figures);
    this.drawOpen(figures);
    this.drawStages(figures);
    this.drawOverdue(figures);
    this.drawHot(figures);
    this.drawNews(figures);
    this.drawSilent(figures);
    write(find("as-of"), timeOfDay(figures.at));
    write(find("day"), dayWords(figures.at));
  }

  drawToday({ today, at }) {
    const day = dayOf(at);
    for (const [key, figure] of Object.entries(today)) {
      const shown = document.querySelector(`[data-today="${key}"]`);
      if (!shown) continue;
      write(shown, number(figure.today));
      link(shown, this.listAddress({ [`${key}_after`]: day }));
      const before = document.querySelector(`[data-yesterday="${key}"]`);
      if (!before.children.length) before.append(`${this.words.yesterday} `, make("b"), make("b"));
      write(before.children[0], number(figure.yesterday));
      write(before.children[1], changeFrom(figure.today, figure.yesterday));
    }
  }

  drawOpen({ stages }) {
    const sums = [0, 1, 2, 3].map((light) => stages.reduce((sum, { lights }) => sum + lights[light], 0));
    const [none, green, yellow, red] = sums;
    const shown = { all: none + green + yellow + red, green, yellow, red };
    const queries = { all: { state: this.words.stages.join(",") }, green: { light: "green" }, yellow: { light: "yellow" }, red: { light: "red" } };
    for (const [key, value] of Object.entries(shown)) {
      const element = document.querySelector(`[data-open="${key}"]`);
      write(element, number(value));
      link(element, this.listAddress(queries[key]));
    }
    [green, none, yellow, red].forEach((value, index) => { find("split").children[index].style.flex = String(value); });
    write(find("overdue-count"), this.words.in_all.replace("%s", number(red)));
  }

  drawStages({ stages, at }) {
    const rows = rowsOf(find("stages"), stages.length, () => make("tr", "",
      make("td"), make("td", "", make("div", "wall-bar", make("i", "fill-green"), make("i", "fill-none"), make("i", "fill-amber"), make("i", "fill-red"))),
      make("td", "", make("a", "n")), make("td", "", make("a", "n"))));
    stages.forEach(({ state, lights: [none, green, yellow, red], oldest }, index) => {
      const [name, bar, total, age] = rows[index].children;
      const sum = none + green + yellow + red;
      write(name, this.words.states[state]);
      const drawn = bar.firstElementChild;
      drawn.style.width = `${(100 * Math.min(sum, STAGE_FULL)) / STAGE_FULL}%`;
      drawn.classList.toggle("is-cut", sum > STAGE_FULL);
      [green, none, yellow, red].forEach((value, part) => {
        drawn.children[part].hidden = value === 0;
        drawn.children[part].style.flex = String(value);
      });
      write(total.firstElementChild, number(sum));
      link(total.firstElementChild, this.listAddress({ state }));
      write(age.firstElementChild, oldest === null ? "—" : duration(at - oldest, this.words.durations));
      age.firstElementChild.classList.toggle("red", red > 0);
      link(age.firstElementChild, this.listAddress({ state, ordering: "reported_at" }));
    });
  }

  drawOverdue({ overdue, at }) {
    const rows = rowsOf(find("overdue"), Math.max(overdue.length, 1), () => make("li", "", make("button", "",
      make("div", "", make("span"), make("span", "red", lightIcon("red"), make("b"))), make("p"))));
    rows.forEach((row, index) => {
      const button = row.firstElementChild;
      const [line, place] = button.children;
      const found = overdue[index];
      button.toggleAttribute("data-number", Boolean(found));
      line.lastElementChild.hidden = !found;
      write(place, found ? [this.name(found.street), this.name(found.body)].filter(Boolean).join(" · ") : "");
      write(line.firstElementChild, found ? this.name(found.type) || this.words.unknown_type : this.words.none_late);
      if (!found) return;
      button.dataset.number = found.number;
      write(line.lastElementChild.lastElementChild, `${this.words.over} ${duration(at - found.due, this.words.durations)}`);
    });
  }

  drawHot({ hot, at }) {
    const rows = rowsOf(find("hot"), Math.max(hot.length, 1), () => make("tr", "", make("td"), make("td", "", make("i")), make("td", "", make("a", "n")), make("td", "", make("b"))));
    rows.forEach((row, index) => {
      const [name, bar, count, before] = row.children;
      const found = hot[index];
      write(name, found ? this.name(found.name) : this.words.none_today);
      bar.firstElementChild.style.transform = `scaleX(${found ? found.today / hot[0].today : 0})`;
      write(count.firstElementChild, found ? number(found.today) : "");
      write(before.firstElementChild, found ? change(found.today - found.yesterday) : "");
      if (found) link(count.firstElementChild, this.listAddress({ type: found.code, reported_after: dayOf(at) }));
    });
  }

  drawNews({ news }) {
    const rows = rowsOf(find("news"), news.length, () => make("li", "",
      make("div", "", make("span", "n", lightIcon("now"), make("b")), make("strong"), make("span")), make("p")));
    news.forEach((step, index) => {
      const [line, place] = rows[index].children;
      rows[index].dataset.number = step.number;
      write(line.children[0].lastElementChild, timeOfDay(step.at));
      write(line.children[1], this.words.actions[step.action]);
      write(line.children[2], this.name(step.type) || this.words.unknown_type);
      write(place, this.newsPlace(step));
    });
  }

  newsPlace({ street, body, lasted, state }) {
    if (body) return `${this.name(street)} → ${this.name(body)}`;
    const more = lasted === null ? this.words.states[state] : `${this.words.took} ${duration(lasted, this.words.durations)}`;
    return `${this.name(street)} · ${more}`;
  }

  drawSilent({ silent }) {
    const element = find("silent");
    element.hidden = silent.length === 0;
    if (!silent.length) return;
    if (!element.children.length) element.append(lightIcon("yellow"), make("b"));
    const [first] = silent;
    const age = first.seconds === null ? "" : ` ${duration(first.seconds * 1000, this.words.durations)}`;
    const more = silent.length > 1 ? ` +${silent.length - 1}` : "";
    write(element.lastElementChild, `${this.words.sources[first.name] ?? first.name} ${this.words.silent}${age}${more}`);
  }

  /** The wall's own health: live and how far behind, or for how long it has heard nothing. */
  drawLine({ isSilent, silence, delay }) {
    const element = find("line");
    if (!element.children.length) element.append(lightIcon("green"), lightIcon("red"), make("span"));
    const [live, lost, text] = element.children;
    live.toggleAttribute("hidden", isSilent);
    lost.toggleAttribute("hidden", !isSilent);
    element.classList.toggle("red", isSilent);
    if (isSilent) write(text, this.words.lost.replace("{n}", Math.floor(silence / 1000)));
    else if (delay !== undefined) write(text, this.words.live.replace("{n}", delay.toFixed(1)));
  }
}
