// How the wall writes numbers, times and lengths of time. Words come from the server.
const count = new Intl.NumberFormat("en-US");
const clock = new Intl.DateTimeFormat("en-GB", { timeZone: "Asia/Shanghai", timeStyle: "medium" });
const isoDay = new Intl.DateTimeFormat("sv-SE", { timeZone: "Asia/Shanghai", dateStyle: "short" });

/** 12,345 */
export const number = (value) => count.format(value);

/** +13, −3, 0: a change stays grey, more is neither good nor bad. */
export const change = (value) => (value > 0 ? `+${count.format(value)}` : value < 0 ? `−${count.format(-value)}` : "0");

/** +5.9% against what was; +7 where that was so little that a share would shout. */
export function changeFrom(now, before) {
  if (before < 50) return change(now - before);
  const value = (100 * (now - before)) / before;
  return `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(1)}%`;
}

/** A share in percent with one decimal; where that would round it up to all, cut to two. */
export function percent(part, whole) {
  const value = (100 * part) / whole;
  if (part < whole && value >= 99.95) return (Math.min(Math.floor((10_000 * part) / whole), 9999) / 100).toFixed(2);
  return value.toFixed(1);
}

/** 08:41:07 in the city. */
export const timeOfDay = (milliseconds) => clock.format(milliseconds);

/** 2026-03-16 in the city, as the filters of lists take it. */
export const dayOf = (milliseconds) => isoDay.format(milliseconds);

/** The day with its weekday, in the language of the page. */
export const dayWords = (milliseconds) => new Intl.DateTimeFormat(document.documentElement.lang, { timeZone: "Asia/Shanghai", month: "short", day: "numeric", weekday: "short" }).format(milliseconds);

/** Two largest units, cut down to whole ones, as the rest of the pages writes them. */
export function duration(milliseconds, words) {
  const total = Math.floor(Math.abs(milliseconds) / 60_000);
  const parts = [[Math.floor(total / 1440), words.day], [Math.floor((total % 1440) / 60), words.hour], [total % 60, words.minute]];
  const first = parts.findIndex(([amount]) => amount > 0);
  if (first < 0) return words.none;
  return parts.slice(first, first + 2).filter(([amount]) => amount > 0).map(([amount, pattern]) => pattern.replace("%d", amount)).join(" ");
}
