// Small helpers around the document.

/** Call `handle(element, event)` for events of `type` that happen inside an element matching `selector`. */
export function on(type, selector, handle) {
  document.addEventListener(type, (event) => {
    const element = event.target instanceof Element ? event.target.closest(selector) : null;
    if (element) handle(element, event);
  });
}

/** Tell whether the element takes typed text, so that single letters are not shortcuts there. */
export function takesText(element) {
  if (!(element instanceof HTMLElement)) return false;
  if (element.isContentEditable || element instanceof HTMLTextAreaElement) return true;
  if (element instanceof HTMLSelectElement) return true;
  return element instanceof HTMLInputElement && !["checkbox", "radio", "button", "submit", "file"].includes(element.type);
}

export function isVisible(element) {
  return element.getClientRects().length > 0;
}

/** Read the data of a json_script element; null when the page has none. */
export function pageData(id) {
  const element = document.getElementById(id);
  return element ? JSON.parse(element.textContent) : null;
}

export function csrfToken() {
  return document.querySelector("meta[name=csrf-token]")?.content ?? "";
}
