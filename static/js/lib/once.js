// A form clicked twice is sent once: of two answers the browser would show the second, which knows
// nothing of what the first brought, such as a link that is shown only then. What is sent again
// later, on purpose, is the server's to judge.
const DOUBLE_CLICK_MS = 2000;

export function startOnce() {
  let sent = new WeakMap();
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.getAttribute("method")?.toLowerCase() !== "post") return;
    const now = performance.now();
    if (now - (sent.get(form) ?? -Infinity) < DOUBLE_CLICK_MS) event.preventDefault();
    else sent.set(form, now);
  });
  window.addEventListener("pageshow", () => { sent = new WeakMap(); }); // somebody came back to the page
}
