// The cases on the screen, refreshed in place: their badge and their clock, nothing is moved. A row
// names its case by `data-case`; what the reader may not see any more is marked. A page about one
// case (`data-case-page`) says that there is more to see and leaves it to the reader when.
const WAIT_MS = 400;
const LONGEST_WAIT_MS = 30_000; // while there is no answer
const MOST_AT_ONCE = 50;

export function startRows(line, log, settings) {
  const due = new Set();
  const shown = new Map(); // the newest position seen of each case
  let timer = null;
  let wait = WAIT_MS;

  const say = () => {
    const numbers = [...new Set(all().map((row) => row.dataset.case))];
    if (numbers.length) line.say({ rows: numbers.slice(0, 200) });
  };
  line.addEventListener("open", say);
  document.addEventListener("htmx:afterSettle", say);

  const ask = (numbers) => {
    numbers.forEach((number) => due.add(number));
    if (!timer && due.size) timer = setTimeout(refresh, wait * (1 + Math.random()));
  };
  const refresh = async () => {
    timer = null;
    const numbers = [...due].slice(0, MOST_AT_ONCE);
    numbers.forEach((number) => due.delete(number));
    try {
      const answer = await fetch(`${settings.rows}?cases=${numbers.join(",")}`, { headers: { Accept: "application/json" } });
      if (!answer.ok) throw new Error(String(answer.status));
      const found = await answer.json();
      wait = WAIT_MS;
      Object.entries(found.rows).forEach(([number, row]) => rowsOf(number).forEach((element) => put(element, row)));
      found.gone.forEach(markGone);
    } catch {
      numbers.forEach((number) => due.add(number)); // asked for again, ever more seldom
      wait = Math.min(2 * wait, LONGEST_WAIT_MS);
    }
    ask([]);
  };

  log.addEventListener("event", ({ detail }) => {
    if ((shown.get(detail.case) ?? 0) >= detail.position || !rowsOf(detail.case).length) return;
    shown.set(detail.case, detail.position);
    ask([detail.case]);
  });
  log.addEventListener("reload", () => { say(); ask(all().map((row) => row.dataset.case)); });
  line.addEventListener("message", ({ detail }) => { if (detail.type === "gone") detail.cases.forEach(markGone); });
}

function all() {
  return [...document.querySelectorAll("[data-case]")];
}

function rowsOf(number) {
  return [...document.querySelectorAll(`[data-case="${CSS.escape(number)}"]`)];
}

function put(element, row) {
  if (element.dataset.version && Number(element.dataset.version) >= row.version) return;
  element.dataset.version = row.version;
  if (element.hasAttribute("data-case-page")) {
    tellOfThisCase();
    return;
  }
  holdColumns(element.closest("table"));
  replace(element.querySelector(".badge"), row.badge);
  replace(element.querySelector(".clock"), row.clock);
  element.classList.add("is-refreshed");
}

/** Keep the columns of a table as they are, whatever comes to stand in them. */
function holdColumns(table) {
  if (!table || table.style.tableLayout) return;
  const whole = table.getBoundingClientRect().width;
  const heads = [...table.querySelectorAll("thead th")];
  const widths = heads.map((head) => head.getBoundingClientRect().width);
  heads.forEach((head, place) => { head.style.width = `${(100 * widths[place]) / whole}%`; });
  table.style.tableLayout = "fixed";
}

function replace(old, html) {
  if (!old) return;
  if (!html) { // no clock runs now: the place is kept for the next one
    old.hidden = true;
    delete old.dataset.clock;
    return;
  }
  const template = document.createElement("template");
  template.innerHTML = html.trim();
  const made = template.content.firstElementChild;
  made.classList.toggle("badge-mine", old.classList.contains("badge-mine"));
  old.replaceWith(made);
}

function tellOfThisCase() {
  document.querySelectorAll("[data-case-news]").forEach((banner) => { banner.hidden = false; });
}

function markGone(number) {
  rowsOf(number).forEach((row) => {
    if (row.hasAttribute("data-case-page")) tellOfThisCase();
    else row.classList.add("is-gone");
  });
}
