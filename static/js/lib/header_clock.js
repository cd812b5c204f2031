// The clock in the header: the city's time of day, once a second.
import { cityNow } from "./city_time.js";

export function startHeaderClock() {
  const element = document.querySelector("[data-city-now]");
  if (!element) return;
  const format = new Intl.DateTimeFormat("en-GB", { timeZone: element.dataset.zone, timeStyle: "medium" });
  const show = () => { element.textContent = format.format(cityNow()); };
  show();
  setInterval(show, 1000);
}
