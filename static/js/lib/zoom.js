// A photo in full: keys, buttons and the wheel make it larger, dragging moves it, arrows turn over
// to the next of its gallery. The gallery's own picture follows, so that closing shows the same.
import { on } from "./dom.js";

const STEP = 1.4;
const MOST = 8;
const KEYS = { "+": 1, "=": 1, "-": -1, "_": -1 };
const view = { scale: 1, x: 0, y: 0, gallery: null };

const box = () => document.getElementById("lightbox");

function draw() {
  const image = box().querySelector("img");
  image.style.transform = `translate(${view.x}px, ${view.y}px) scale(${view.scale})`;
  box().classList.toggle("is-zoomed", view.scale > 1);
}

function scaleTo(scale) {
  view.scale = Math.min(Math.max(scale, 1), MOST);
  if (view.scale === 1) Object.assign(view, { x: 0, y: 0 });
  draw();
}

function show(link) {
  const image = box().querySelector("img");
  image.src = link.href;
  image.alt = link.querySelector("img")?.alt ?? "";
  box().querySelector("[data-lightbox-text]").textContent = image.alt;
  Object.assign(view, { x: 0, y: 0, gallery: link.closest("[data-gallery]") });
  scaleTo(1);
}

/** Make a photo of a gallery its large one. */
export function turnTo(item) {
  const gallery = item.closest("[data-gallery]");
  const link = gallery.querySelector("[data-gallery-main]");
  const image = link.querySelector("img");
  const all = [...gallery.querySelectorAll("[data-gallery-item]")];
  const { url, small, alt, captions } = item.dataset;
  link.href = url;
  Object.assign(image, { src: small, srcset: `${small} 400w, ${url} 1920w`, alt });
  const place = gallery.querySelector("[data-gallery-place]");
  place.textContent = `${all.indexOf(item) + 1} / ${all.length}`;
  const tags = captions.split("|").map((text) => Object.assign(document.createElement("span"), { className: "tag", textContent: text }));
  gallery.querySelector("[data-gallery-captions]").replaceChildren(...tags, place);
  gallery.querySelector("[data-gallery-far]").hidden = !("far" in item.dataset);
  all.forEach((each) => each.setAttribute("aria-pressed", String(each === item)));
}

function turn(by) {
  const all = [...(view.gallery?.querySelectorAll("[data-gallery-item]") ?? [])];
  if (all.length < 2) return;
  const at = all.findIndex((item) => item.getAttribute("aria-pressed") === "true");
  turnTo(all[(at + by + all.length) % all.length]);
  show(view.gallery.querySelector("[data-gallery-main]"));
}

function onKey(event) {
  if (!box()?.open || event.ctrlKey || event.metaKey) return;
  if (event.key in KEYS) scaleTo(view.scale * STEP ** KEYS[event.key]);
  else if (event.key === "0") scaleTo(1);
  else if (event.key === "ArrowRight") turn(1);
  else if (event.key === "ArrowLeft") turn(-1);
  else if (event.key === " ") box().close();
  else return;
  event.preventDefault();
  event.stopImmediatePropagation();
}

export function startZoom() {
  on("click", "[data-lightbox]", (link, event) => {
    if (!box()) return;
    event.preventDefault();
    show(link);
    box().showModal();
  });
  on("click", "[data-gallery-item]", (item) => turnTo(item));
  on("click", "[data-zoom]", ({ dataset }) => scaleTo(view.scale * STEP ** Number(dataset.zoom)));
  on("wheel", "#lightbox", (_box, { deltaY }) => scaleTo(view.scale * STEP ** -Math.sign(deltaY)));
  on("pointermove", "#lightbox img", (_image, event) => {
    if (!(event.buttons & 1) || view.scale === 1) return;
    event.preventDefault();
    view.x += event.movementX;
    view.y += event.movementY;
    draw();
  });
  document.addEventListener("keydown", onKey, true);
}
