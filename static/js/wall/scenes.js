// Which scene is on: the wall goes round by itself, stays where it is told to, and obeys the remote
// control. One stop is a scene, or a scene with a district.
import { write } from "./panels.js";

export class Round extends EventTarget {
  constructor({ scenes, seconds }, words) {
    super();
    Object.assign(this, { scenes, seconds, words, place: 0, isHeld: false, districts: [], nextDistrict: 0, orderId: null });
    this.tabs = [...document.querySelectorAll("[data-scene]")];
    this.tabs.forEach((tab, index) => tab.addEventListener("click", () => this.go(index)));
    this.told = document.querySelector("[data-round]");
    setInterval(() => this.tick(), 250);
  }

  get scene() {
    return this.scenes[this.place];
  }

  /** Begin with the first scene; `districts` (codes) are what scenes of one district go through. */
  start(districts) {
    this.districts = districts;
    this.go(this.place);
  }

  go(place, district = null) {
    this.place = (place + this.scenes.length) % this.scenes.length;
    this.district = "";
    if (this.scene.byDistrict) {
      this.district = district ?? this.districts[this.nextDistrict % Math.max(this.districts.length, 1)] ?? "";
      if (district === null) this.nextDistrict += 1;
    }
    this.since = performance.now();
    this.mark();
    this.dispatchEvent(new Event("scene"));
  }

  hold(isHeld) {
    this.isHeld = isHeld;
    this.since = performance.now();
    this.mark();
  }

  /** Follow the last order from the remote control, once. */
  obey(order) {
    if (!order || order.id === this.orderId) return;
    const isFirst = this.orderId === null;
    this.orderId = order.id;
    const place = this.scenes.findIndex(({ key }) => key === order.scene);
    if (place >= 0 && (order.held || !isFirst)) this.go(place, order.district || null);
    this.hold(order.held && place >= 0);
  }

  tick() {
    if (this.since === undefined) return;
    const left = this.seconds - (performance.now() - this.since) / 1000;
    write(this.told, this.isHeld ? this.words.held : this.words.rotates.replace("{n}", Math.max(Math.ceil(left), 0)));
    if (!this.isHeld && left <= 0) this.go(this.place + 1);
  }

  /** Mark the tab that is on, with the line that grows until the next. */
  mark() {
    this.line?.remove();
    this.tabs.forEach((tab, index) => {
      if (index === this.place) tab.setAttribute("aria-current", "true");
      else tab.removeAttribute("aria-current");
    });
    this.line = document.createElement("i");
    this.tabs[this.place]?.append(this.line);
    const frames = this.isHeld ? [{ transform: "scaleX(1)" }, { transform: "scaleX(1)" }] : [{ transform: "scaleX(0)" }, { transform: "scaleX(1)" }];
    this.line.animate(frames, { duration: this.seconds * 1000, fill: "forwards" });
  }
}
