// Every page has one line to what happens now: news, rows kept true, who else is here, hints.
import { EventLog } from "../live/log.js";
import { Line } from "../live/line.js";
import { startHealth } from "../live/health.js";
import { startLooking } from "../live/looking.js";
import { startNews } from "../live/news.js";
import { startRows } from "../live/rows.js";
import { pageData } from "./dom.js";

export function startLive() {
  const settings = pageData("live-settings");
  if (!settings) return;
  const line = new Line(settings.socket);
  const log = new EventLog(line, settings);
  startHealth(line, log, settings.words);
  startNews(log, settings);
  startRows(line, log, settings);
  startLooking(line);
  log.addEventListener("event", ({ detail }) => document.dispatchEvent(new CustomEvent("live:case", { detail })));
  log.addEventListener("reload", () => document.dispatchEvent(new CustomEvent("live:reload")));
  line.addEventListener("message", ({ detail }) => {
    if (detail.type !== "hint") return;
    if (detail.kind === "inbox") document.dispatchEvent(new CustomEvent("inbox-changed"));
    else document.dispatchEvent(new CustomEvent("live:hint", { detail }));
  });
  line.open();
}
