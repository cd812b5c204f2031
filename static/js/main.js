// Starts the small modules every page uses. Each listens on the document, so that fragments
// swapped in later need no wiring of their own.
import { startBulk } from "./lib/bulk.js";
import { startBell } from "./lib/bell.js";
import { startClockChips } from "./lib/clock_chips.js";
import { startChecks } from "./lib/checks.js";
import { startDialogs } from "./lib/dialogs.js";
import { startExporting } from "./lib/export.js";
import { startHeaderClock } from "./lib/header_clock.js";
import { startKeys } from "./lib/keys.js";
import { startLive } from "./lib/live.js";
import { startLocate } from "./lib/locate.js";
import { startOnce } from "./lib/once.js";
import { startPhotos } from "./lib/photos.js";
import { startPhrases } from "./lib/phrases.js";
import { startPrint } from "./lib/print.js";
import { startSelect } from "./lib/select.js";
import { startTheme } from "./lib/theme.js";
import { startTicks } from "./lib/ticks.js";
import { startTypeahead } from "./lib/typeahead.js";
import { startZoom } from "./lib/zoom.js";
import { startMaps } from "./map/base.js";

startBell();
startBulk();
startTheme();
startExporting();
startHeaderClock();
startClockChips();
startKeys();
startDialogs();
startTypeahead();
startChecks();
startOnce();
startPhotos();
startPhrases();
startPrint();
startSelect();
startLocate();
startLive();
startTicks();
startZoom();
startMaps();
for (const end of ["htmx:afterSwap", "htmx:responseError", "htmx:sendError"]) {
  document.addEventListener(end, ({ target }) => target.removeAttribute("aria-busy")); // it has come, or will not
}
