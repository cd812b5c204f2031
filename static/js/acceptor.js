// The acceptor's desk: who has which report open, what Enter or a digit would take, dots on the map.
import { csrfToken, on, pageData } from "./lib/dom.js";
import { makeMap } from "./map/base.js";

// ── who has it open ─────────────────────────────────────────────────────────────────────────────

const line = document.querySelector("[data-hold]");
const state = { until: 0, pattern: "", name: "", heldUntil: "" };

function minutes(milliseconds) {
  const seconds = Math.max(Math.round(milliseconds / 1000), 0);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

function sayHold() {
  if (!state.pattern) return;
  line.querySelector("[data-hold-text]").textContent = state.pattern
    .replace("{time}", minutes(state.until - performance.now())).replace("{name}", state.name);
}

function showOthers(others) {
  for (const row of document.querySelectorAll("[data-queue-row]")) {
    const name = others[row.dataset.queueRow];
    const holder = row.querySelector("[data-holder]");
    row.classList.toggle("taken", Boolean(name));
    holder.textContent = name ? holder.dataset.holder.replace("{name}", name) : "";
  }
}

async function hold({ isOpening = false } = {}) {
  const body = new FormData();
  if (isOpening) body.append("opened", "1");
  const answer = await fetch(line.dataset.hold, { method: "POST", body, headers: { "X-CSRFToken": csrfToken(), Accept: "application/json" } }).catch(() => null);
  if (!answer?.ok) {
    Object.assign(state, { pattern: line.dataset.lost });
  } else {
    const { is_mine: isMine, holder, seconds, until, others } = await answer.json();
    Object.assign(state, { heldUntil: isMine ? until : "", until: performance.now() + seconds * 1000, pattern: isMine ? line.dataset.mine : line.dataset.other, name: holder });
    line.classList.toggle("is-taken", !isMine);
    showOthers(others);
  }
  sayHold();
}

function release() {
  if (!state.heldUntil) return;
  const body = new FormData();
  body.append("release", "1");
  body.append("until", state.heldUntil);  // the page that comes next may hold it anew
  body.append("csrfmiddlewaretoken", csrfToken());
  navigator.sendBeacon(line.dataset.hold, body);
}

function startHold() {
  if (!line) return;
  hold({ isOpening: true });
  setInterval(hold, Number(line.dataset.renew) * 1000);
  // Somebody opened or left a report of the queue: ask who has what.
  document.addEventListener("live:hint", ({ detail }) => { if (detail.kind === "lock") hold(); });
  setInterval(sayHold, 1000);
  window.addEventListener("pagehide", release);
  window.addEventListener("pageshow", ({ persisted }) => { if (persisted) hold({ isOpening: true }); });
}

// ── what a key would take ───────────────────────────────────────────────────────────────────────

function startHints() {
  const marked = document.querySelector("[data-marked-hint]");
  document.addEventListener("option-marked", ({ detail }) => {
    if (marked) marked.textContent = detail ? marked.dataset.markedHint.replace("{name}", detail) : "";
  });
  const suggest = () => {
    const hint = document.querySelector("[data-component-hint]");
    if (!hint) return;
    const radios = [...document.querySelectorAll("#type-details [name=component]")];
    const first = radios.find((radio) => radio.value);
    const isOpen = first && !radios.some((radio) => radio.value && radio.checked);
    hint.textContent = isOpen ? hint.dataset.componentHint.replace("{code}", first.value.slice(-6)) : "";
  };
  document.addEventListener("htmx:afterSettle", suggest);
  on("change", "#type-details", suggest);
  suggest();
}

// ── keys pressed ahead of the answer ────────────────────────────────────────────────────────────

// While what a type brings is on its way, digits and F2 would meet the list of the type before:
// they wait, and are pressed again once the new list is there.
const WAIT = /^(?:\d|F2)$/;
const waiting = [];

function startPatience() {
  const details = document.getElementById("type-details");
  if (!details) return;
  document.addEventListener("keydown", (event) => {
    if (!WAIT.test(event.key) || !details.classList.contains("htmx-request")) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    waiting.push(event.key);
  }, true);
  document.addEventListener("htmx:afterRequest", () => {
    if (details.classList.contains("htmx-request")) return; // another's answer
    for (const key of waiting.splice(0)) document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
  });
  for (const failure of ["htmx:sendError", "htmx:responseError"]) details.addEventListener(failure, () => waiting.splice(0));
}

// ── the map ─────────────────────────────────────────────────────────────────────────────────────

function dots(city, things, className, radius) {
  return city.L.layerGroup(things.map(({ lon, lat, label }) => city.L.circleMarker([lat, lon], { className, radius, weight: 2 }).bindTooltip(document.createTextNode(label))));
}

async function drawThings() {
  const element = document.querySelector(".map-column [data-map]");
  if (!element) return;
  const city = await makeMap(element).catch(() => null);
  if (!city) return;
  const nearest = pageData("map-nearest") || [];
  const chosen = document.querySelector("#type-details [name=component]:checked")?.value;
  city.put("drawn", dots(city, pageData("map-drawn") ?? [], "map-dot", 3));
  city.put("nearest", dots(city, nearest, "map-thing", 6));
  city.put("chosen", dots(city, nearest.filter(({ code }) => code === chosen), "map-thing map-thing-chosen", 9));
  city.showPoints(pageData("map-points") ?? []);
}

function startMap() {
  drawThings();
  on("change", "#type-details", drawThings);
  document.addEventListener("htmx:oobAfterSwap", ({ target }) => { if (target.id === "map-data") drawThings(); });
}

document.querySelector("[data-queue-row].selected")?.scrollIntoView({ block: "nearest" });
startHold();
startHints();
startPatience();
startMap();
