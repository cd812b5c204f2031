// The wall: figures come by the feed, panels and map show them, the round says which part is on.
import { pageData } from "../lib/dom.js";
import { Evaluation } from "./evaluation.js";
import { Feed } from "./feed.js";
import { loadCells, loadGround } from "./ground.js";
import { cellCounts, makeWallMap } from "./map.js";
import { Panels, write } from "./panels.js";
import { Round } from "./scenes.js";
import { number } from "./format.js";

const settings = pageData("wall-settings");
const words = pageData("wall-words");
const key = new URLSearchParams(location.search).get("key") ?? "";
const find = (name) => document.querySelector(`[data-${name}]`);
const CARD_STAYS_MS = 30_000;
const AGAIN_MS = 3000;

class Wall {
  constructor() {
    this.feed = new Feed({ ...settings, key });
    this.panels = new Panels(settings, words, (asked) => this.openCard(asked));
    this.evaluation = new Evaluation(this.feed, settings, words, this.panels);
    this.round = new Round(settings, words);
    this.round.addEventListener("scene", () => this.drawScene());
    this.feed.addEventListener("figures", ({ detail }) => this.take(detail));
    this.feed.addEventListener("turned-away", () => location.reload());
    document.addEventListener("keydown", (event) => this.pressed(event));
    document.addEventListener("click", (event) => {
      if (event.target.closest("[data-card-close]") || !event.target.closest("[data-card], [data-number], [data-wall-map]")) this.closeCard();
    });
    setInterval(() => this.look(), 250);
    document.addEventListener("wall:evaluation", () => this.drawOwn());
    settings.scenes.filter(({ module }) => module).forEach(({ module }) => import(module).catch(() => {})); // at hand when their turn comes
    this.feed.start();
    this.evaluation.ask();
    this.begin();
  }

  /** Load ground and map; until it works the figures stand alone. */
  async begin() {
    try {
      this.ground = await loadGround(this.feed, settings.ground);
      this.map = await makeWallMap(find("wall-map"), { nameIndex: settings.name, words, onCell: (cell) => this.openCard({ cell }) });
    } catch {
      setTimeout(() => this.begin(), AGAIN_MS);
      return;
    }
    this.round.start(this.ground.districts.map(({ code }) => code));
    this.round.obey(this.figures?.orders[settings.wall]);
    if (this.figures) this.draw();
  }

  take({ figures, cells, delay }) {
    Object.assign(this, { figures, cells, delay });
    if (this.ground) this.round.obey(figures.orders[settings.wall]);
    this.draw();
    this.look();
  }

  draw() {
    const { figures, cells } = this;
    this.panels.draw(figures);
    const counts = cellCounts(cells);
    ["green", "yellow", "red"].forEach((light, index) => write(document.querySelector(`[data-cells="${light}"]`), `${number(counts[index + 1])} ${words.cells}`));
    this.map?.update(cells, figures.districts);
    this.map?.pulse(figures.news, (step) => `${words.actions[step.action]} ${this.panels.name(step.type) || words.unknown_type}`);
    this.drawOwn();
    this.drawNewCells();
  }

  async drawNewCells() {
    if (this.map && await loadCells(this.ground, Object.keys(this.cells), this.feed, settings.ground)) this.map.draw();
  }

  drawScene() {
    if (!this.ground) return; // drawn when it has come
    const { scene, district } = this.round;
    this.show(district || settings.scope);
    this.map?.show(this.ground, district);
    const chosen = this.ground.districts.find(({ code }) => code === district);
    find("where").hidden = !chosen;
    write(find("where"), chosen ? chosen.name[settings.name] : "");
    find("stage").hidden = !scene.module;
    this.drawOwn();
  }

  /** Let figures and evaluation be of this part of the city. */
  show(scope) {
    if (scope === this.feed.scope) return;
    this.feed.show(scope);
    this.evaluation.ask();
  }

  /** Let the scene that is on draw what is its own. */
  async drawOwn() {
    const { scene } = this.round;
    if (!scene?.module || !this.ground) return;
    const { drawScene } = await import(scene.module);
    if (scene !== this.round.scene || !this.figures) return;
    const { figures, panels, ground, evaluation } = this;
    drawScene({ stage: find("stage"), figures, panels, words, ground, evaluation });
  }

  look() {
    const { feed } = this;
    const state = feed.isSilent ? "lost" : feed.heardAt === null ? "wait" : "live";
    if (document.body.dataset.health !== state) document.body.dataset.health = state;
    this.panels.drawLine({ isSilent: feed.isSilent, silence: feed.silence, delay: this.delay });
  }

  async openCard(asked) {
    const answer = await fetch(this.feed.url(settings.cards, asked), { headers: this.feed.headers }).catch(() => null);
    if (!answer?.ok) return;
    const card = find("card");
    card.innerHTML = await answer.text();
    card.hidden = false;
    clearTimeout(this.closing);
    this.closing = setTimeout(() => this.closeCard(), CARD_STAYS_MS);
  }

  closeCard() {
    find("card").hidden = true;
    find("card").replaceChildren();
  }

  pressed({ key: pressed, target }) {
    if (pressed === "Escape") this.closeCard();
    if (target.closest("button, a[href]") && [" ", "Enter"].includes(pressed)) return;
    if (pressed === "ArrowRight") this.round.go(this.round.place + 1);
    if (pressed === "ArrowLeft") this.round.go(this.round.place - 1);
    if (pressed === " ") this.round.hold(!this.round.isHeld);
  }
}

new Wall();
