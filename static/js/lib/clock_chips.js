// Keeps the clock chips true while a page stays open: words, ring and light, twice a minute.
// A light is a comparison of two moments with now; the words come from the server.
import { cityNow } from "./city_time.js";
import { pageData } from "./dom.js";

const RING_LENGTH = 2 * Math.PI * 4.5;
const STEP_MS = 30_000;
const LIGHTS = ["green", "yellow", "red"];

/** Two largest units, cut down to whole ones, as common/durations.py does. */
export function durationText(milliseconds, words) {
  const total = Math.floor(Math.abs(milliseconds) / 60_000);
  const parts = [[Math.floor(total / 1440), words.day], [Math.floor((total % 1440) / 60), words.hour], [total % 60, words.minute]];
  const first = parts.findIndex(([amount]) => amount > 0);
  if (first < 0) return words.none;
  return parts.slice(first, first + 2).filter(([amount]) => amount > 0)
    .map(([amount, pattern]) => pattern.replace("%d", amount)).join(" ");
}

function light(now, warnAt, dueAt) {
  if (now > dueAt) return "red";
  return now >= warnAt ? "yellow" : "green";
}

export function refreshChip(chip, now, words) {
  const [started, warn, due] = ["started", "warn", "due"].map((name) => Date.parse(chip.dataset[name]));
  if (Number.isNaN(due)) return;
  const colour = light(now, Number.isNaN(warn) ? due : warn, due);
  LIGHTS.forEach((name) => chip.classList.toggle(`clock-${name}`, name === colour));
  const pattern = now > due ? words.over : words.left;
  chip.querySelector("[data-text]").textContent = pattern.replace("%(duration)s", durationText(due - now, words));
  const used = Math.min(Math.max((now - started) / (due - started), 0), 1);
  chip.querySelector("[data-ring]")?.setAttribute("stroke-dasharray", `${(RING_LENGTH * used).toFixed(1)} 29`);
}

export function startClockChips() {
  const words = pageData("clock-words");
  if (!words) return;
  setInterval(() => {
    const now = cityNow();
    document.querySelectorAll("[data-clock]").forEach((chip) => refreshChip(chip, now, words));
  }, STEP_MS);
}
