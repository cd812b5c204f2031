// The scene of evaluation: the districts in the colour of their grade, and the last days on time.
import { percent } from "./format.js";
import { trendLine } from "./evaluation.js";
import { make } from "./panels.js";

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 900;
const HEIGHT = 700;
let drawn = null; // what stands in the stage now

function shape(tag, attributes) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

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

export function drawScene({ stage, panels, words, ground, evaluation }) {
  const { figures } = evaluation;
  if (drawn === figures && stage.children.length) return;
  drawn = figures;
  if (!figures || (!figures.districts && !figures.on_time)) {
    stage.replaceChildren(make("p", "wall-none", words.no_evaluation));
    return;
  }
  const parts = [make("h2", "", words.grades_this_month), mapOf(ground, figures.districts, panels)];
  if (figures.on_time) parts.push(make("h2", "", words.on_time_days), trendLine(figures.on_time.days));
  stage.replaceChildren(...parts);
}
