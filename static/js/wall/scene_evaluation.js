// The scene of evaluation: the districts in the colour of their grade, and the last days on time.
import { dayOf, percent } from "./format.js";
import { shape, trendLine } from "./evaluation.js";
import { make } from "./panels.js";

const WIDTH = 900;
const HEIGHT = 700;
const DAY_MS = 24 * 3600_000;
const APART = 6; // units of the drawing between two labels
let drawn = null; // what stands in the stage now

function mapOf(ground, ranking, panels) {
  const rank = new Map((ranking?.rows ?? []).map((row) => [row.id, row]));
  const [[south, west], [north, east]] = ground.bounds;
  const shrink = Math.cos(((south + north) / 2) * (Math.PI / 180)); // a degree of longitude is shorter
  const scale = Math.min(WIDTH / ((east - west) * shrink), HEIGHT / (north - south));
  const left = (WIDTH - (east - west) * shrink * scale) / 2;
  const place = (lon, lat) => [left + (lon - west) * shrink * scale, (north - lat) * scale];
  const svg = shape("svg", { class: "wall-grades", viewBox: `-20 -20 ${WIDTH + 40} ${HEIGHT + 40}`, "aria-hidden": "true" });
  for (const district of ground.districts) {
    const row = rank.get(district.id);
    const path = district.outline.map((ring) => {
      const points = [];
      for (let i = 0; i < ring.length; i += 2) points.push(place(ring[i], ring[i + 1]).map((each) => each.toFixed(1)).join(" "));
      return `M${points.join("L")}Z`;
    }).join("");
    svg.append(shape("path", { d: path, class: row ? `grade-${row.grade}` : "" }));
  }
  for (const district of ground.districts) {
    const row = rank.get(district.id);
    const [x, y] = place(...district.place);
    const label = shape("text", { x, y });
    const name = shape("tspan", { x, class: "name" });
    name.textContent = panels.name(district.name);
    const score = shape("tspan", { x, dy: 34 });
    score.textContent = row ? `${row.grade} · ${row.score?.toFixed(1) ?? "–"}${row.rate ? ` · ${percent(...row.rate)}%` : ""}` : "–";
    label.append(name, score);
    svg.append(label);
  }
  return svg;
}

/** Move labels that would cover the one above them down. */
function keepApart(svg) {
  const placed = [];
  const labels = [...svg.querySelectorAll("text")].map((label) => [label, label.getBBox()]);
  for (const [label, box] of labels.sort(([, a], [, b]) => a.y - b.y)) {
    const covered = placed.filter((other) => other.x < box.x + box.width && box.x < other.x + other.width).map((other) => other.y + other.height + APART);
    const y = Math.max(box.y, ...covered);
    if (y > box.y) label.setAttribute("transform", `translate(0 ${y - box.y})`);
    placed.push({ x: box.x, y, width: box.width, height: box.height });
  }
}

/** The line of the last days with its lowest and highest share, its first and its last day. */
function trendOf({ days }, at) {
  const shares = days.filter(Boolean).map(([part, whole]) => part / whole);
  if (!shares.length) return make("p", "wall-none", "–");
  const write = (value) => make("span", "", `${percent(value, 1)}%`);
  const last = days.at(-1);
  return make("div", "wall-trend",
    make("p", "n", write(Math.max(...shares)), write(Math.min(...shares))), trendLine(days), make("b", "n", last ? `${percent(...last)}%` : "–"),
    make("p", "n", make("span", "", dayOf(at - (days.length - 1) * DAY_MS).slice(5)), make("span", "", dayOf(at).slice(5))));
}

export function drawScene({ stage, panels, words, ground, evaluation }) {
  const { figures } = evaluation;
  if (drawn === figures && stage.children.length) return;
  drawn = figures;
  if (!figures || (!figures.districts && !figures.on_time)) {
    stage.replaceChildren(make("p", "wall-none", words.no_evaluation));
    return;
  }
  const map = mapOf(ground, figures.districts, panels);
  const parts = [make("h2", "", words.grades_this_month), map];
  if (figures.on_time) parts.push(make("h2", "", words.on_time_days), trendOf(figures.on_time, figures.at));
  stage.replaceChildren(...parts);
  keepApart(map);
}
