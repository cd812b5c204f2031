// Light or dark: remembered in a cookie, so that the server renders the next page the same way.
import { on } from "./dom.js";

const YEAR_SECONDS = 365 * 24 * 3600;

export function startTheme() {
  on("click", "[data-theme-toggle]", () => {
    const root = document.documentElement;
    root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark";
    document.cookie = `theme=${root.dataset.theme};path=/;max-age=${YEAR_SECONDS};samesite=lax`;
    document.dispatchEvent(new CustomEvent("theme-changed", { detail: root.dataset.theme }));
  });
}
